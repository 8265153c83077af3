// Branches, loops and solves over lanes: whichever operands are mapped, each lane has what it has alone, its tangent too.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "dini/dini.hpp"
#include "dini/trace/emit.hpp"
#include "dini/transforms/batch.hpp"
#include "dini/transforms/host.hpp"

namespace dini {
namespace {

// Of a whole number that differs between lanes, and two vectors, of which the second is captured.
struct Function {
  const char* name;
  std::function<std::vector<Array>(const Array& n, const Array& x, const Array& y)> f;
};
const Function functions[] = {
    {"switch_case",
     [](const Array& n, const Array& x, const Array& y) {
       const auto first = [&](const Array& a) { return sin(a) * y; };
       const auto second = [&](const Array& a) { return a - y * y; };
       const auto third = [&](const Array& a) { return exp(-a); };
       return std::vector<Array>{switch_case(n, std::tuple(first, second, third), x)};
     }},
    {"switch_case of four",
     [](const Array& n, const Array& x, const Array& y) {
       using A = const Array&;
       const auto first = [](A a, A b, A c, A d) { return sin(a) * b - c * d; };
       const auto second = [](A a, A b, A c, A d) { return a - b * exp(c) / (2.0 + d * d); };
       const auto third = [](A a, A b, A c, A d) { return a * a + 2.0 * b - 3.0 * c + cos(d); };
       return std::vector<Array>{switch_case(n, std::tuple(first, second, third), x, y, x - y, 2.0 * x * y)};
     }},
    {"while_loop",
     [](const Array& n, const Array& x, const Array& y) {
       using State = std::tuple<Array, Array, Array>;
       const State end = while_loop([&](const State& s) { return std::get<0>(s) < n; },
                                    [&](const State& s) {
                                      const auto& [k, a, b] = s;
                                      return State{k + 1, sin(a) * y + b, b * 0.5 + n};
                                    },
                                    State{array(std::int64_t{0}), x, x - y});
       return std::vector<Array>{std::get<0>(end), std::get<1>(end), std::get<2>(end)};
     }},
    {"scan",
     [](const Array& n, const Array& x, const Array& y) {
       const auto [end, all] =
           scan([&](const Array& a, const Array& b) { return std::pair<Array, Array>(a * b + sin(y), a - n); }, x,
                stack({y, x, x * y}));
       return std::vector<Array>{end, all};
     }},
    {"checkpoint",
     [](const Array& n, const Array& x, const Array& y) {
       const auto f = [&](const Array& a, const Array& b, const Array& c) { return sin(a) * b - exp(c) * n; };
       return std::vector<Array>{checkpoint(f)(x, y, x - 2.0 * y)};
     }},
    {"fixed_point",
     [](const Array& n, const Array& x, const Array& y) {
       const auto s = fixed_point([&](const Array& z) { return 0.1 * cos(z) * y + x * n; }, zeros({2}));
       return std::vector<Array>{s.value, s.steps, s.evaluations, s.residual_norm};
     }},
};

const Array counts = array({2, 0, 1, 2}), xs = array({{0.3, -0.7}, {1.1, 0.4}, {-0.9, 0.2}, {0.6, 1.3}}),
            ys = array({{0.5, 0.9}, {-1.2, 0.1}, {0.8, -0.4}, {1.4, 0.7}}), dxs = cos(3.0 * xs), dys = sin(5.0 * ys);

void expect_near(const Array& got, const Array& wanted, const std::string& where) {
  ASSERT_EQ(got.shape(), wanted.shape()) << where;
  const auto a = got.to_vector<double>(), b = wanted.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-12) << where;
}

TEST(Lanes, HaveWhatTheyHaveAlone) {
  using Two = std::pair<Array, Array>;
  const std::optional<int> mapped = 0, fixed;
  for (const Function& function : functions) {
    for (int mask = 1; mask < 8; ++mask) {
      const bool by_n = mask & 1, by_x = mask & 2, by_y = mask & 4;
      const auto lane = [](const Array& a, bool by, int k) { return a(by ? k : 0); };
      const auto all = [](const Array& a, bool by) { return by ? a : a(0); };
      const auto over = vmap(function.f, {.in = {by_n ? mapped : fixed, by_x ? mapped : fixed, by_y ? mapped : fixed}});
      const auto got = jvp([&](const Two& t) { return over(all(counts, by_n), t.first, t.second); },
                           Two{all(xs, by_x), all(ys, by_y)}, Two{all(dxs, by_x), all(dys, by_y)});
      for (int k = 0; k < 4; ++k) {
        const auto alone = jvp([&](const Two& t) { return function.f(lane(counts, by_n, k), t.first, t.second); },
                               Two{lane(xs, by_x, k), lane(ys, by_y, k)}, Two{lane(dxs, by_x, k), lane(dys, by_y, k)});
        for (std::size_t r = 0; r < alone.value.size(); ++r) {
          const std::string where = std::string(function.name) + ", mapped " + std::to_string(mask) + ", lane " +
                                    std::to_string(k) + ", result " + std::to_string(r);
          expect_near(got.value[r](k), alone.value[r], where);
          expect_near(got.tangent[r](k), alone.tangent[r], "tangent: " + where);
        }
      }
    }
  }
}

struct ScaledAndSummed : HostFunction {
  std::string name() const override { return "scaled and summed"; }
  Leaves call(const Leaves& in) const override { return {3.0 * in[0], sum(in[0])}; }
  std::vector<Aval> outputs(std::span<const Aval> in) const override { return {in[0], {Shape{}, in[0].dtype, false}}; }
};

// The solve's derivative has a branch for ties, with factors of its own, which no lane takes here. (Zeros in their place were looked up
// as pivots.)
TEST(Lanes, LeaveFactorsToBranchesThatTheyDoNotTake) {
  const auto loss = [](const Array& a) {
    const auto f = [&](const Array& z) { return z * z * z + z - a; };
    return sum(square(root(f, zeros({2}), Bounds{zeros({2}), 0.5 * ones({2})}).value));
  };
  const Array lanes = array({{1.0, -0.2}, {0.3, 2.0}});
  const Array alone = stack({hessian(loss)(lanes(0)), hessian(loss)(lanes(1))});
  const Array together = vmap(hessian(loss))(lanes);
  EXPECT_LT(max(abs(together - alone)).item<double>(), 1e-12);
  EXPECT_GT(max(abs(alone)).item<double>(), 0.5);
}

TEST(Lanes, AreCalledBackFor) {
  const Params params{{"function", OpaqueRef(std::make_shared<ScaledAndSummed>())}};
  const auto call = [&](const Leaves& in) { return emit(detail::callback_op(), in, params); };
  const Leaves got = detail::vmap(call, {xs}, {true}, 4, true).out;
  for (int k = 0; k < 4; ++k) {
    expect_near(got[0](k), 3.0 * xs(k), "scaled");
    expect_near(got[1](k), sum(xs(k)), "summed");
  }
}

}  // namespace
}  // namespace dini
