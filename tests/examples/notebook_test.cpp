// The textbook session: the numbers that examples/notebook.cpp must print, and the same from the library's solvers, naive and
// implicit, eagerly and compiled. The numbers come from the textbook's own session (float32; each entry agrees to 2e-6).
#include <gtest/gtest.h>

#include <cmath>
#include <iostream>
#include <sstream>
#include <vector>

#include "dini/dini.hpp"

// The program itself, so that what is tested is what users read. Its three solvers serve below, too.
#define main notebook_main
#include "../../examples/notebook.cpp"
#undef main

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

TEST_F(Notebook, PrintsTheTextbooksNumbers) {
  std::ostringstream text;
  std::streambuf* const before = std::cout.rdbuf(text.rdbuf());
  const int status = notebook_main();
  std::cout.rdbuf(before);
  EXPECT_EQ(status, 0);
  std::string digits = text.str();
  for (char& c : digits) {
    if (c == '[' || c == ']') c = ' ';
  }
  std::vector<double> printed;
  std::istringstream in(digits);
  for (double v; in >> v;) printed.push_back(v);

  std::vector<double> wanted;
  std::vector<double> tolerances;
  const auto line = [&](const std::vector<double>& v, double tolerance = 2e-6) {
    wanted.insert(wanted.end(), v.begin(), v.end());
    tolerances.resize(wanted.size(), tolerance);
  };
  line(forward_value);
  line(newton_value);
  line(newton_value, 1e-4);  // by Anderson
  line(naive_forward);
  line(naive_newton);
  line({3.6371896, 1.9726022});
  for (int k = 0; k < 3; ++k) line({0.59582317, 1.1477209});
  line(forward_value);
  line(implicit_forward);
  for (int k = 0; k < 6; ++k) line(by_any_solver, 1e-4);
  ASSERT_EQ(printed.size(), wanted.size()) << text.str();
  for (std::size_t k = 0; k < wanted.size(); ++k) EXPECT_NEAR(printed[k], wanted[k], tolerances[k]) << "number " << k;
}

TEST_F(Notebook, ValuesOfTheNaiveLayer) {
  expect(naive(my_fwd_solver)(W, x), forward_value, 2e-6, "forward");
  expect(naive(my_newton_solver)(W, x), newton_value, 2e-6, "newton");
  int evaluations = 0;  // two to begin with, then one a step from the second on
  auto counted = [&](const Array& z) {
    ++evaluations;
    return f(W, x, z);
  };
  expect(my_anderson_solver(counted, zeros_like(x)), newton_value, 1e-4, "anderson");
  EXPECT_EQ(evaluations, 27);
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
  // Derivatives through the iterations: a loop whose number of steps is not known has those of forward mode.
  auto row_forward = [](auto layer) {
    return [layer](const Array& W, const Array& x) {
      return Array(jacfwd([&](const Array& w) { return sum(layer(w, x)); })(W)(0));
    };
  };
  expect(jit(row_forward(naive(fwd_solver)))(W, x), naive_forward, 2e-6, "naive derivative, forward");
  expect(jit(row_forward(naive(newton_solver)))(W, x), naive_newton, 2e-6, "naive derivative, newton");
  expect(jit(implicit(my_fwd_solver))(W, x), forward_value, 2e-6, "forward");
  expect(jit(implicit(my_newton_solver))(W, x), newton_value, 2e-6, "newton");
  expect(jit(implicit(fwd_solver))(W, x), forward_value, 2e-6, "library's forward");
  expect(jit(implicit(newton_solver))(W, x), newton_value, 2e-6, "library's newton");
  expect(jit(row_of_gradient(implicit(fwd_solver, {.adjoint = SameSolver{}})))(W, x), implicit_forward, 2e-6,
         "same solver");
  expect(jit(row_of_gradient(implicit(my_fwd_solver, {.adjoint = SameSolver{}})))(W, x), implicit_forward, 2e-6,
         "same solver, user's");
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
