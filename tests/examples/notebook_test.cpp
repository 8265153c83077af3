// The textbook session: the numbers that examples/notebook.cpp must print, from the textbook's solvers written with plain
// loops, naive and implicit, eagerly and compiled. The numbers come from the textbook's own session (float32; each entry
// agrees to 2e-6).
#include <gtest/gtest.h>

#include <cmath>
#include <tuple>
#include <vector>

#include "dini/dini.hpp"

namespace notebook_test {

using namespace dini;

const std::vector<double> forward_value{0.00649598, -0.7015958, -0.984715, -0.04196562, -0.61522174,
                                        -0.4818382, 0.5783123,  0.9556705, -0.08373147, 0.8447805};
const std::vector<double> newton_value{0.00649405, -0.701595,  -0.98471504, -0.04196506, -0.6152211,
                                       -0.4818385, 0.57831246, 0.9556705,   -0.08372928, 0.8447799};
const std::vector<double> naive_forward{0.0075667,  -0.8125902, -1.1404794, -0.04861286, -0.71255237,
                                        -0.5580556, 0.66978824, 1.1068414,  -0.09702272, 0.97842246};
const std::vector<double> naive_newton{0.00752129, -0.81257427, -1.1404787, -0.04860315, -0.7125375,
                                       -0.5580563, 0.66979074,  1.1068397,  -0.09697369, 0.97840846};
const std::vector<double> implicit_forward{0.0075235,   -0.812573, -1.1404755, -0.04860367, -0.7125365,
                                           -0.55805457, 0.6697887, 1.1068368,  -0.09697597, 0.9784065};
const std::vector<double> by_any_solver{0.00752,  -0.81257, -1.14048, -0.04860, -0.71254,
                                        -0.55806, 0.66979,  1.10684,  -0.09697, 0.97841};

auto my_fwd_solver = [](auto&& f, Array z_init) {
  Array z_prev = z_init, z = f(z_init);
  while (norm(z_prev - z) > 1e-5) {
    z_prev = z;
    z = f(z);
  }
  return z;
};

auto my_newton_solver = [](auto&& f, Array z_init) {
  auto f_root = [&](const Array& z) { return f(z) - z; };
  auto g = [&](const Array& z) { return z - solve(jacobian(f_root)(z), f_root(z)); };
  return my_fwd_solver(g, z_init);
};

int anderson_steps = 0;
auto my_anderson_solver = [](auto&& f, Array z_init, int m = 5, double lam = 1e-4, int max_iter = 50, double tol = 1e-5,
                             double beta = 1.0) {
  Array x0 = z_init, x1 = f(x0), x2 = f(x1), xk;
  const Dtype dtype = z_init.dtype();
  Array empty = broadcast_to(zeros_like(z_init), prepend(m - 2, z_init.shape()));
  Array X = concatenate({stack({x0, x1}), empty});
  Array F = concatenate({stack({x1, x2}), empty});
  for (int k = 2; k < max_iter; ++k) {
    int n = std::min(k, m);
    Array G = F(slice(0, n)) - X(slice(0, n));
    Array GTG = tensordot(G, G, axes_from(1, G.ndim()));
    Array H =
        block({{zeros({1, 1}, dtype), ones({1, n}, dtype)}, {ones({n, 1}, dtype), GTG}}) + lam * eye(n + 1, dtype);
    Array alpha = solve(H, zeros({n + 1}, dtype).at(0).set(1.0))(slice(1, end));
    xk = beta * tensordot(alpha, F(slice(0, n)), 1) + (1 - beta) * tensordot(alpha, X(slice(0, n)), 1);
    X = X.at(k % m).set(xk);
    F = F.at(k % m).set(f(xk));
    anderson_steps = k;
    Array residual = norm(F(k % m) - X(k % m)) / (1e-5 + norm(F(k % m)));
    if (residual < tol) break;
  }
  return xk;
};

class Notebook : public ::testing::Test {
 protected:
  Array W = random::normal(random::key(0), {10, 10}, float32) / std::sqrt(10.0f);
  Array x = random::normal(random::key(1), {10}, float32);
  static Array f(const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); }

  template <class S> static auto naive(S solver) {
    return [solver](const Array& W, const Array& x) {
      return Array(solver(Function([&](const Array& z) { return f(W, x, z); }), zeros_like(x)));
    };
  }
  template <class S> static auto implicit(S solver, FixedPointOptions options = {}) {
    return [solver, options](const Array& W, const Array& x) {
      return fixed_point_layer(solver, &Notebook::f, W, x, options);
    };
  }
  template <class L> static auto row_of_gradient(L layer) {
    return [layer](const Array& W, const Array& x) {
      return Array(grad([&](const Array& w) { return sum(layer(w, x)); })(W)(0));
    };
  }
  static void expect(const Array& got, const std::vector<double>& wanted, double tolerance, const char* what) {
    ASSERT_EQ(got.shape(), (Shape{10})) << what;
    EXPECT_EQ(got.dtype(), float32) << what;
    const std::vector<double> v = got.to_vector<double>();
    for (std::size_t k = 0; k < 10; ++k) EXPECT_NEAR(v[k], wanted[k], tolerance) << what << " [" << k << "]";
  }
};

TEST_F(Notebook, ValuesOfTheNaiveLayer) {
  expect(naive(my_fwd_solver)(W, x), forward_value, 2e-6, "forward");
  expect(naive(my_newton_solver)(W, x), newton_value, 2e-6, "newton");
  expect(naive(my_anderson_solver)(W, x), newton_value, 1e-4, "anderson");
  EXPECT_EQ(anderson_steps, 26);
}

TEST_F(Notebook, NaiveDerivatives) {
  expect(row_of_gradient(naive(my_fwd_solver))(W, x), naive_forward, 2e-6, "forward");
  expect(row_of_gradient(naive(my_newton_solver))(W, x), naive_newton, 2e-6, "newton");
  expect(row_of_gradient(naive(my_anderson_solver))(W, x), by_any_solver, 1e-3, "anderson");
}

TEST_F(Notebook, TheLibrarysTextbookSolversAreTheSame) {
  expect(naive(fwd_solver)(W, x), forward_value, 2e-6, "forward");
  expect(naive(newton_solver)(W, x), newton_value, 2e-6, "newton");
  expect(naive(anderson_solver)(W, x), newton_value, 1e-4, "anderson");
  expect(row_of_gradient(naive(fwd_solver))(W, x), naive_forward, 2e-6, "forward");
  expect(row_of_gradient(naive(newton_solver))(W, x), naive_newton, 2e-6, "newton");
  expect(fixed_point(&Notebook::f, zeros_like(x), {.solver = fwd_solver}, W, x).value, forward_value, 2e-6, "forward");
  expect(fixed_point(&Notebook::f, zeros_like(x), {.solver = newton_solver}, W, x).value, newton_value, 2e-6, "newton");
  const auto s = fixed_point(&Notebook::f, zeros_like(x), {.solver = anderson_solver}, W, x);
  EXPECT_EQ(s.steps.item<int>(), 26);
  EXPECT_EQ(s.evaluations.item<int>(), 27);
}

TEST_F(Notebook, UnderJit) {
  expect(jit(naive(fwd_solver))(W, x), forward_value, 2e-6, "naive forward");
  expect(jit(naive(newton_solver))(W, x), newton_value, 2e-6, "naive newton");
  expect(jit(naive(anderson_solver))(W, x), newton_value, 1e-4, "naive anderson");
  expect(jit(implicit(my_fwd_solver))(W, x), forward_value, 2e-6, "forward");
  expect(jit(implicit(my_newton_solver))(W, x), newton_value, 2e-6, "newton");
  expect(jit(implicit(fwd_solver))(W, x), forward_value, 2e-6, "library's forward");
  expect(jit(implicit(newton_solver))(W, x), newton_value, 2e-6, "library's newton");
  expect(jit(row_of_gradient(implicit(fwd_solver, {.adjoint = SameSolver{}})))(W, x), implicit_forward, 2e-6,
         "same solver");
  expect(jit(row_of_gradient(implicit(my_fwd_solver, {.adjoint = SameSolver{}})))(W, x), implicit_forward, 2e-6,
         "same solver, user's");
}

TEST_F(Notebook, SinesAndPowers) {
  auto [y, pullback] = vjp([](const Array& x) { return sin(x) * square(x); }, array(2.0f));
  EXPECT_NEAR(y.item(), 3.6371896, 2e-6);
  EXPECT_NEAR(pullback(array(1.0f)).item(), 1.9726022, 2e-6);
  auto h = [](const Array& x) { return sin(x); };
  auto g = [](const Array& x) { return power(x, 3); };
  auto [z, dz] = jvp([&](const Array& x) { return g(h(x)); }, array(1.0f), array(1.0f));
  EXPECT_NEAR(z.item(), 0.59582317, 2e-6);
  EXPECT_NEAR(dz.item(), 1.1477209, 2e-6);
  auto [hv, dh] = jvp(h, array(1.0f), array(1.0f));
  auto [gv, dg] = jvp(g, hv, dh);
  EXPECT_NEAR(gv.item(), 0.59582317, 2e-6);
  EXPECT_NEAR(dg.item(), 1.1477209, 2e-6);
  auto [v, h_back] = vjp(h, array(1.0f));
  auto [w, g_back] = vjp(g, v);
  EXPECT_NEAR(w.item(), 0.59582317, 2e-6);
  EXPECT_NEAR(h_back(g_back(array(1.0f))).item(), 1.1477209, 2e-6);
}

TEST_F(Notebook, TheTheoremByHand) {
  auto layer = custom_vjp<nondiff_argnums<0, 1>>(
      [](auto solver, auto f, const Array& params, const Array& x) {
        return solver([&](const Array& z) { return f(params, x, z); }, zeros_like(x));
      },
      [](auto layer, auto solver, auto f, const Array& params, const Array& x) {
        Array z_star = layer(solver, f, params, x);
        return std::pair(z_star, std::tuple(params, x, z_star));
      },
      [](auto solver, auto f, auto residuals, const Array& z_star_bar) {
        Array params, x, z_star;
        std::tie(params, x, z_star) = residuals;
        auto vjp_a = vjp([&](const Array& params, const Array& x) { return f(params, x, z_star); }, params, x).pullback;
        auto vjp_z = vjp([&](const Array& z) { return f(params, x, z); }, z_star).pullback;
        return vjp_a(solver([&](const Array& u) { return vjp_z(u) + z_star_bar; }, zeros_like(z_star)));
      });
  auto by_hand = [&](const Array& W, const Array& x) { return layer(my_fwd_solver, &Notebook::f, W, x); };
  expect(by_hand(W, x), forward_value, 2e-6, "value");
  expect(row_of_gradient(by_hand)(W, x), implicit_forward, 2e-6, "gradient");
}

TEST_F(Notebook, TheTheoremByTheLibrary) {
  // The textbook's adjoint, to the digits that it prints.
  expect(row_of_gradient(implicit(fwd_solver, {.adjoint = SameSolver{}}))(W, x), implicit_forward, 2e-6, "same solver");
  expect(row_of_gradient(implicit(my_fwd_solver, {.adjoint = SameSolver{}}))(W, x), implicit_forward, 2e-6,
         "same solver, user's");
  auto check = [&](auto solver, const char* what) {
    expect(row_of_gradient(implicit(solver))(W, x), by_any_solver, 1e-4, what);
    expect(jit(row_of_gradient(implicit(solver)))(W, x), by_any_solver, 1e-4, what);
  };
  check(fwd_solver, "fwd_solver");
  check(newton_solver, "newton_solver");
  check(anderson_solver, "anderson_solver");
  check(my_fwd_solver, "my_fwd_solver");
  check(my_newton_solver, "my_newton_solver");
  check(my_anderson_solver, "my_anderson_solver");
}

}  // namespace notebook_test
