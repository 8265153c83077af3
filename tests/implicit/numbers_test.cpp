// C++ numbers that a solve captures: inputs of its Program, so that what is compiled for one serves the next.
#include <cmath>

#include "dini/dini.hpp"
#include "dini/exec/passes.hpp"
#include "dini/trace/internal.hpp"
#include "dini/trace/numbers.hpp"

namespace dini {
namespace {

int programs = 0;  // that had the passes
void count_program(Program&) { ++programs; }

struct Counting {
  Counting() { exec::mutable_passes().push_back({"count", count_program}); }
  ~Counting() { exec::mutable_passes().pop_back(); }
};

TEST(CapturedNumbers, AreCompiledOnce) {
  const Counting counting;
  auto solve = [](double a, int b) {
    return root([a, b](const Array& x, const Array& z) { return z * b + sin(a * z) - x; }, zeros({3}), {},
                array({0.5, 1.0, 2.0}))
        .value;
  };
  auto slope = [](double a) {
    return grad([a](const Array& x) {
      return sum(fixed_point([a](const Array& x, const Array& z) { return cos(a * z) + x; }, zeros({2}), {}, x).value);
    })(array({0.1, 0.2}));
  };
  for (int k = 0; k < 6; ++k) {
    const double a = 0.3 + 0.011 * k;
    const int before = programs;
    const Array z = solve(a, 5 + 2 * k), x = array({0.5, 1.0, 2.0});
    const Array g = slope(a);
    EXPECT_LT(max(abs(z * (5.0 + 2 * k) + sin(a * z) - x)).item<double>(), 1e-12) << a;
    // dz/dx = 1/(1 + a sin(a z)).
    const Array at =
        fixed_point([a](const Array& x, const Array& z) { return cos(a * z) + x; }, zeros({2}), {}, array({0.1, 0.2}))
            .value;
    EXPECT_LT(max(abs(g - 1 / (1 + a * sin(a * at)))).item<double>(), 1e-12) << a;
    EXPECT_TRUE(k == 0 || programs == before) << a;
  }
}

// Compiled, where the numbers are constants again, the bits are the same.
TEST(CapturedNumbers, HaveTheBitsOfConstants) {
  for (Dtype dtype : {float32, float64}) {
    for (double a : {0.3, 1.7, 3.0, 0.5, 2.0}) {
      auto layer = [a](const Array& x) {
        return fixed_point([a](const Array& x, const Array& z) { return tanh(z * a / 4.7 + x) - 0.1 * z; },
                           zeros_like(x), {}, x)
            .value;
      };
      const Array x = astype(array({0.25, -1.5, 0.75}), dtype);
      EXPECT_EQ(layer(x).to_vector<double>(), jit(layer)(x).to_vector<double>()) << a;
    }
  }
}

TEST(CapturedNumbers, ZeroAndPowersOfTwoStayWhereTheyAre) {
  const auto program = detail::stage(
                           [](const detail::Leaves& in) {
                             return detail::Leaves{(in[0] * 0.3 + 0.0) * 2.0 - 0.125 + (in[0] / 3) * -4.0};
                           },
                           {{Shape{2}, float64, false}}, "test")
                           .program;
  const detail::Staged apart = detail::with_numbers_apart(program);
  ASSERT_EQ(apart.captured.size(), 2u);
  EXPECT_DOUBLE_EQ(apart.captured[0].item<double>() + apart.captured[1].item<double>(), 3.3);
  EXPECT_EQ(apart.program->inputs.size(), 3u);
  apart.program->check();
  detail::Leaves in{array({1.5, -0.25})};
  const Array expected = detail::evaluate(*program, in)[0];
  in.insert(in.end(), apart.captured.begin(), apart.captured.end());
  EXPECT_EQ(detail::evaluate(*apart.program, in)[0].to_vector<double>(), expected.to_vector<double>());
}

}  // namespace
}  // namespace dini
