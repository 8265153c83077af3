// Equilibrium layers z = tanh(W z + x) by Dini and by a loop written by hand over Eigen, in one process: value, and value with
// the gradient in W and x. Both iterate forward from 0 until two iterates are within the tolerance, and solve the adjoint's
// system by the same iteration; in the rows "default" Dini by the adjoint that it chooses. The last rows are of Newton's method, with
// LU in both. The ratios are what counts; absolute times are this machine's today.
//
//     layers [--json]
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>

#include <dini/dini.hpp>

#include "by_hand.hpp"

namespace {

using namespace bench;

// The layer by Newton's method by hand, z − f(z) = 0, until a step is small, and the gradient by one more factorisation.
struct NewtonByHand {
  Eigen::Map<const Matrix<double>> W;
  Eigen::Map<const Vector<double>> x;
  Vector<double> z, t, slope, step, product;
  Matrix<double> A, gradient_W;
  Eigen::PartialPivLU<Matrix<double>> lu;
  int steps = 0;

  NewtonByHand(int n, const double* w, const double* b)
      : W(w, n, n), x(b, n), z(n), t(n), slope(n), step(n), product(n), A(n, n), gradient_W(n, n), lu(n) {}

  void slopes() {
    t.noalias() = W * z;
    t += x;
    tanh_of(t);
    slope = 1 - t.array().square();
    A = -(slope.asDiagonal() * W);
    A.diagonal().array() += 1;
    lu.compute(A);
  }
  double value() {
    z.setZero();
    for (steps = 1;; ++steps) {
      slopes();
      step = lu.solve(z - t);
      z -= step;
      if (step.norm() <= 1e-10 * (1 + z.norm())) return z.sum();
    }
  }
  double value_and_gradient() {
    const double result = value();
    slopes();
    t = lu.transpose().solve(Vector<double>::Ones(z.size()));
    product = slope.cwiseProduct(t);
    gradient_W.noalias() = product * z.transpose();
    return result;
  }
};

volatile double sink;

// One row: Dini's solve with these options beside a loop by hand.
template <class Hand>
void race_layer(const std::string& name, const dini::Array& W, const dini::Array& x,
                const dini::FixedPointOptions& options, Hand& hand, bool json) {
  using namespace dini;
  const auto scalar = [](const Array& a) {
    return a.dtype() == Dtype::float32 ? *a.data<float>().data() : *a.data<double>().data();
  };
  auto loss = [=](const Array& W, const Array& x) {
    return sum(fixed_point(layer, zeros_like(x), options, W, x).value);
  };
  auto steps = [=](const Array& W, const Array& x) { return fixed_point(layer, zeros_like(x), options, W, x).steps; };
  const auto start = Clock::now();
  auto both = jit(value_and_grad<0, 1>(loss));
  auto [dini_value, dini_gradient] = both(W, x);
  sink = dini_value.template item<double>();
  const double first_ms = micros(Clock::now() - start) / 1000;
  auto value = jit(loss);

  const auto [value_time, hand_value_time] =
      race([&] { sink = scalar(value(W, x)); }, [&] { sink = static_cast<double>(hand.value()); });
  const auto [both_time, hand_both_time] =
      race([&] { sink = scalar(both(W, x).first); }, [&] { sink = static_cast<double>(hand.value_and_gradient()); });
  const double value_us = value_time.wall, hand_value_us = hand_value_time.wall;
  const double both_us = both_time.wall, hand_both_us = hand_both_time.wall;
  const double hand_value = static_cast<double>(hand.value_and_gradient());
  const double error = std::max(
      std::abs(dini_value.template item<double>() - hand_value),
      std::abs(sum(std::get<1>(dini_gradient)).template item<double>() - static_cast<double>(hand.product.sum())));
  const long long dini_steps = jit(steps)(W, x).template item<std::int64_t>();
  if (json) {
    std::printf(
        "{\"work\": \"%s\", \"dtype\": \"%s\", \"n\": %d, \"steps\": %lld, \"steps_by_hand\": %d, \"value_us\": %.4g, "
        "\"value_us_by_hand\": %.4g, \"value_and_grad_us\": %.4g, \"value_and_grad_us_by_hand\": %.4g, "
        "\"first_call_ms\": %.3g, \"sum\": %.9g, \"difference\": %.2g}\n",
        name.c_str(), dini::name(x.dtype()), static_cast<int>(x.size()), dini_steps, hand.steps, value_us,
        hand_value_us, both_us, hand_both_us, first_ms, hand_value, error);
  } else {
    std::printf("%-12s %-8s %4lld %4d  %9.2f %9.2f %6.2f   %9.2f %9.2f %6.2f   %8.2f   %.1e\n", name.c_str(),
                dini::name(x.dtype()), dini_steps, hand.steps, value_us, hand_value_us, value_us / hand_value_us,
                both_us, hand_both_us, both_us / hand_both_us, first_ms, error);
  }
  std::fflush(stdout);
}

template <class T> void forward(const char* name, int n, double tolerance, const dini::Adjoint& adjoint, bool json) {
  const auto [W, x] = inputs<T>(n);
  dini::FixedPointOptions options{.adjoint = adjoint};
  options.solver = dini::FwdSolver{.tolerance = tolerance};
  LayerByHand<T> hand(n, W.template data<T>().data(), x.template data<T>().data(), static_cast<T>(tolerance));
  race_layer(name + std::to_string(n), W, x, options, hand, json);
}

void newton(int n, bool json) {
  const auto [W, x] = inputs<double>(n);
  NewtonByHand hand(n, W.data<double>().data(), x.data<double>().data());
  race_layer("newton-" + std::to_string(n), W, x, {.solver = dini::Newton{}}, hand, json);
}

}  // namespace

int main(int argc, char** argv) {
  const bool json = argc > 1 && std::strcmp(argv[1], "--json") == 0;
  if (!json) {
    std::printf(
        "                           steps         value, µs             value and gradient, µs     first   differ-\n");
    std::printf(
        "work         dtype    dini hand       dini      hand  ratio        dini      hand  ratio   call, ms  ence\n");
  }
  for (int n : {10, 100, 1000}) forward<float>("tanh-", n, 1e-5, dini::SameSolver{}, json);
  for (int n : {10, 100, 1000}) forward<double>("tanh-", n, 1e-10, dini::SameSolver{}, json);
  for (int n : {100, 500}) forward<double>("default-", n, 1e-10, {}, json);
  for (int n : {10, 100, 1000}) newton(n, json);
}
