// What the process keeps of its solves: bounded by size as well as by number, and let go when it is asked to.
#include <gtest/gtest.h>
#include <malloc.h>

#include <string>

#include "dini/core/caches.hpp"
#include "dini/dini.hpp"
#include "tests/sample.hpp"

namespace dini {
namespace {

std::size_t kept(const std::string& name) {
  for (const detail::ProcessCache& c : detail::process_caches()) {
    if (c.name == name) return c.size();
  }
  return 0;
}

// The gradient of a root of k unknowns, and of a minimum with a constraint.
void small(std::int64_t k) {
  const auto f = [](const Array& a, const Array& z) { return z + 0.5 * tanh(z) - a; };
  grad([&](const Array& a) { return sum(root(f, zeros({k}), {.solver = Newton{}}, a).value); })(ones({k}));
}
void large(std::int64_t k) {
  const auto energy = [](const Array& a, const Array& z) { return sum(square(z - a)); };
  grad([&](const Array& a) {
    return sum(
        minimize(energy, zeros({k}), subject_to(AtMost{[](const Array&, const Array& z) { return sum(z) - 1; }}), {}, a)
            .value);
  })(ones({k}));
}

TEST(KeptSolves, FewerWhereTheyAreLarge) {
  if (tests::sanitized) GTEST_SKIP() << "takes long there, and shows no more";
  constexpr std::int64_t many = 24;
  clear_caches();
  for (std::int64_t k = 1; k <= many; ++k) small(k);
  EXPECT_EQ(kept("solves"), many);
  clear_caches();
  for (std::int64_t k = 1; k <= many; ++k) large(k);
  EXPECT_LT(kept("solves"), many - 2);
  EXPECT_GT(kept("solves"), 5);
}

// docs/performance.md, Memory.
TEST(KeptSolves, OfManyUnknownsDoNotKeepAllThatTheyWorkedIn) {
  if (tests::sanitized) GTEST_SKIP() << "malloc is the sanitizer's";
  const auto bytes = [] { return ::mallinfo2().uordblks + ::mallinfo2().hblkhd; };
  const auto f = [](const Array& a, const Array& z) { return z + 0.5 * tanh(roll(z, 1)) - a; };
  const auto solved = [&](const Array& a) { return root(f, zeros({a.size()}), {.solver = Newton{}}, a).value; };
  for (bool compiled : {false, true}) {
    const auto through_jit = jit(solved);
    clear_caches();
    const std::size_t before = bytes();
    for (std::int64_t n = 600; n < 632; ++n) compiled ? through_jit(ones({n})) : solved(ones({n}));  // 25 MB each
    EXPECT_LT(bytes(), before + 400'000'000) << compiled;
    EXPECT_GT(bytes(), before + 100'000'000) << compiled;
    clear_caches();
    EXPECT_LT(bytes(), before + 100'000'000) << compiled;
  }
}

TEST(KeptSolves, AreClearedAndMadeAgain) {
  clear_caches();
  EXPECT_EQ(cached_programs(), 0);
  large(3);
  const std::size_t before = ::mallinfo2().uordblks;
  EXPECT_GT(kept("solves"), 0);
  EXPECT_GT(kept("programs"), 0);
  EXPECT_EQ(cached_programs(), kept("solves") + kept("programs"));
  clear_caches();
  EXPECT_EQ(cached_programs(), 0);
  if (!tests::sanitized) {
    EXPECT_LT(::mallinfo2().uordblks + 4'000'000, before);  // 13 MB in all
  }
  large(3);
  EXPECT_GT(cached_programs(), 0);
  // What somebody holds stays.
  int traced = 0;
  const auto f = jit([&traced](const Array& x) {
    ++traced;
    return sin(x) * 2;
  });
  f(ones({3}));
  clear_caches();
  EXPECT_EQ(f(zeros({3}))(0).item<double>(), 0);
  EXPECT_EQ(traced, 1);
}

// A solve that fails is kept as well: it may be tried again with other data.
TEST(KeptSolves, AlsoWhereTheyFailed) {
  clear_caches();
  const auto f = [](const Array& z) { return z * z + 1; };
  for (int k = 0; k < 3; ++k) {
    EXPECT_THROW(root(f, ones({2}), {.solver = Newton{}}), SolveError);
    EXPECT_EQ(kept("solves"), 1);
  }
}

}  // namespace
}  // namespace dini
