// root(F, Bracket{a, b}): what it takes, its derivatives, how it is compiled and batched, and what it says where there is no root.
#include "dini/implicit/bracket.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <utility>

#include "dini/dini.hpp"
#include "tests/solvers/accurate.hpp"

namespace bracket_test {

using namespace dini;

Array cubic(const Array& a, const Array& z) { return z * z * z + z - a; }
// z³ + z = a: z' = 1/(3z² + 1), z'' = -6z z'³.
Array slope_at(const Array& z) { return 1 / (3 * z * z + 1); }

const Array& some() {
  static const Array a = array({0.3, 2.0, 10.0, -4.0});
  return a;
}

TEST(Bracket, DerivativesInBothModesOfEveryOrder) {
  for (Dtype d : {Dtype::float64, Dtype::float32}) {
    const double digits = d == Dtype::float32 ? 1e-6 : 1e-14;
    for (const auto& info : tests::solvers_for(Kind::bracketed_root)) {
      auto z = [&](const Array& a) {
        return root(cubic, Bracket{array(-5.0, d), array(5.0, d)}, {.solver = info.make({})}, a).value;
      };
      const Array a = astype(some(), d), at = z(a), slope = slope_at(at);
      EXPECT_LE(tests::largest(cubic(a, at)), 10 * digits) << info.name;
      EXPECT_LE(tests::largest(jacrev(z)(a) - diag(slope)), digits) << info.name;
      EXPECT_LE(tests::largest(jacfwd(z)(a) - diag(slope)), digits) << info.name;
      const Array second = hessian([&](const Array& a) { return sum(z(a)); })(a);
      EXPECT_LE(tests::largest(second + diag(6 * at * power(slope, 3))), digits) << info.name;
      EXPECT_LE(tests::largest(jit(z)(a) - at), 0) << info.name;
      EXPECT_LE(tests::largest(vmap(z)(a) - at), 0) << info.name;
      EXPECT_LE(tests::largest(jit(vmap(grad(z)))(a) - slope), digits) << info.name;
    }
  }
  EXPECT_NO_THROW(check_grads([](const Array& a) { return root(cubic, Bracket{-5.0, 5.0}, {}, a).value; }, some()));
}

TEST(Bracket, HasNoInfluenceOnTheDerivative) {
  auto of_ends = [](const Array& a, const Array& low, const Array& high) {
    return sum(root(cubic, Bracket{low, high}, {}, a).value);
  };
  const auto [by_a, by_low, by_high] = grad<0, 1, 2>(of_ends)(some(), full({4}, Array(-5.0)), full({4}, Array(6.0)));
  EXPECT_GT(min(by_a).item(), 0);
  EXPECT_EQ(tests::largest(by_low), 0);
  EXPECT_EQ(tests::largest(by_high), 0);
  // Also where the ends come from what is differentiated.
  auto scaled = [](const Array& a) { return root(cubic, Bracket{-abs(a) - 1, abs(a) + 1}, {}, a).value; };
  EXPECT_LE(tests::largest(vmap(grad(scaled))(some()) - by_a), 1e-14);
  EXPECT_LE(tests::largest(diag(jacfwd(jit(scaled))(some())) - by_a), 1e-14);
}

TEST(Bracket, TakesNumbersArraysAndTrees) {
  const Array z = root(cubic, Bracket{-5.0, 5.0}, {}, some()).value;
  EXPECT_EQ(z.shape(), Shape{4});
  EXPECT_EQ(tests::largest(root(cubic, Bracket{-5, full({4}, Array(5.0))}, {}, some()).value - z), 0);
  EXPECT_EQ(root([](const Array& z) { return z - 1; }, Bracket{0, 2}).value.item(), 1);
  auto two = [](const Array& a, const std::pair<Array, Array>& z) {
    return std::pair(cubic(a, z.first), 2 - z.second * z.second);
  };
  const Array wide = full({4}, Array(5.0));
  const auto both = root(two, Bracket{std::pair(-wide, array(0.0f)), std::pair(wide, array(3.0f))}, {}, some());
  EXPECT_LE(tests::largest(both.value.first - z), 1e-15);
  EXPECT_EQ(both.value.second.dtype(), Dtype::float32);
  EXPECT_NEAR(both.value.second.item<float>(), std::sqrt(2.0f), 1e-7);
  EXPECT_EQ(root(cubic, Bracket{zeros({0}), ones({0})}, {}, zeros({0})).value.size(), 0);
  // One that reads values is called with them.
  auto reading = [](const Array& a, const Array& z) { return z.item() > 0 ? z * z - a : z - 1; };
  auto read = [&](const Array& a) { return root(reading, Bracket{array(-1.0), a + 1}, {}, a).value; };
  EXPECT_NEAR(read(array(2.0)).item(), std::sqrt(2.0), 1e-15);
  EXPECT_NEAR(grad(read)(array(2.0)).item(), std::sqrt(2.0) / 4, 1e-15);
}

TEST(Bracket, EveryLaneHasItsOwn) {
  const Array low = array({0.0, 0.0, 3.0, 0.0}), high = array({5.0, 1.0, 4.0, 2.0}), a = array({2.0, 9.0, 5.0, 3.0});
  const auto s = vmap([](const Array& low, const Array& high, const Array& a) {
    return root(cubic, Bracket{low, high}, {.on_failure = OnFailure::nan}, a);
  })(low, high, a);
  const std::vector<std::int64_t> wanted{0, static_cast<std::int64_t>(StatusCode::bracket),
                                         static_cast<std::int64_t>(StatusCode::bracket), 0};
  EXPECT_EQ(s.status.code.to_vector<std::int64_t>(), wanted);
  for (int k : {0, 3}) EXPECT_NEAR(cubic(a(k), s.value(k)).item(), 0, 1e-14) << k;
  for (int k : {1, 2}) EXPECT_TRUE(std::isnan(s.value(k).item())) << k;
}

// What the error of a solve says.
std::string message_of(const std::function<void()>& solve) {
  try {
    solve();
  } catch (const Error& e) { return e.what(); }
  return "nothing was thrown";
}

TEST(Bracket, MessagesSayWhatFIs) {
  struct Failing {
    std::function<Array(const Array&)> f;
    Array a, b;
    std::string wanted;
  };
  const Failing all[] = {
      {[](const Array& z) { return z - 1; }, array(-3.0), array(0.0), "(F is -4 at -3 and -1 at 0)"},
      {[](const Array& z) { return sqrt(2 - z) - 1; }, array(0.0f), array(3.0f), "F is 0.414214 at 0 and nan at 3"},
      {[](const Array& z) {
         return z * z - array({1.0, 20.0});
       },
       zeros({2}), full({2}, Array(4.0)), "(at index 1 F is -20 at 0 and -4 at 4)"},
      {[](const Array& z) { return 1 / (z - 1); }, array(0.0), array(3.0), " at 1, next to it: a jump or a pole"},
      {[](const Array& z) {
         return sign(z - array({5.0, 0.25})) - 0.5 + z * array({0.0, 0.0});
       },
       zeros({2}), full({2}, Array(9.0)), "a jump or a pole"},
  };
  for (const Failing& f : all) {
    const std::string eager = message_of([&] { root(f.f, Bracket{f.a, f.b}); });
    EXPECT_NE(eager.find(f.wanted), std::string::npos) << eager;
    auto compiled = jit([&](const Array& a, const Array& b) { return root(f.f, Bracket{a, b}).value; });
    EXPECT_EQ(message_of([&] { compiled(f.a, f.b); }), eager);
  }
  const std::string lanes = message_of([] {
    vmap([](const Array& b) {
      return root([](const Array& z) { return z - 1; }, Bracket{array(0.0), b}).value;
    })(array({2.0, 0.5}));
  });
  EXPECT_NE(lanes.find("in lane 1"), std::string::npos) << lanes;
  EXPECT_NE(lanes.find("(F is -1 at 0 and -0.5 at 0.5)"), std::string::npos) << lanes;
}

TEST(Bracket, RefusesWhatIsNotForIt) {
  struct Refused {
    std::function<void()> solve;
    std::string wanted;
  };
  auto f = [](const Array& z) { return z - 1; };
  const Refused all[] = {
      {[&] {
         root(f, Bracket{0.0, 2.0}, {.solver = Newton{}});
       },
       "chandrupatla, itp and bisection are for it"},
      {[&] { root(f, array(0.0), {.solver = ITP{}}); }, "it wants a Bracket in the place of z0"},
      {[&] {
         root(f, Bracket{zeros({2}), zeros({3})});
       },
       "(2,) and (3,)"},
      {[&] {
         root([](const Array& z) { return sum(z); }, Bracket{zeros({2}), ones({2})});
       },
       "f returns shape ()"},
      {[&] {
         root(f, Bracket{Array(), array(1.0)});
       },
       "the bracket"},
      {[&] {
         root(f, Bracket{0.0, 2.0}, {.solver = ITP{.k2 = 3}});
       },
       "k2"},
  };
  for (const Refused& r : all) {
    const std::string message = message_of(r.solve);
    EXPECT_NE(message.find(r.wanted), std::string::npos) << message;
  }
}

TEST(Bracket, AnFWhoseElementsHangTogetherHasNoDerivative) {
  // Symmetric, so that all elements move together, and what is found is a root.
  auto together = [](const Array& a, const Array& z) { return z + 0.1 * sum(z) - a; };
  auto z = [&](const Array& a) { return root(together, Bracket{zeros({3}), ones({3})}, {}, a).value; };
  EXPECT_LE(tests::largest(z(full({3}, Array(0.5))) - 0.5 / 1.3), 1e-14);
  try {
    jacrev(z)(full({3}, Array(0.5)));
    ADD_FAILURE() << "a derivative of equations that are not each in an element of their own";
  } catch (const SolveError& e) { EXPECT_EQ(e.code, StatusCode::breakdown) << e.what(); }
}

}  // namespace bracket_test
