// What is kept of what was traced, derived and compiled is bounded, however many kinds of calls there are.
#include <gtest/gtest.h>
#include <malloc.h>

#include <functional>
#include <string>

#include "dini/dini.hpp"
#include "tests/sample.hpp"

namespace dini {
namespace {

// Bytes from malloc that are in use; 0 under a sanitizer, which has a malloc of its own.
std::size_t bytes_in_use() { return ::mallinfo2().uordblks; }

// Calls of ever new kinds. Arrays have no elements, so that only what is kept of a kind counts, which is 4 kB and more.
TEST(Caches, AreBounded) {
  const auto f = [](const Array& x) { return sum(sin(x) * 2 + cos(x)); };
  const auto one = jit(f);
  const auto batched = vmap(one);
  const auto pulled = vmap(grad(one));
  struct Case {
    const char* name;
    int warm, calls;  // as many as fill what is kept, and all
    std::function<void(int)> call;
  };
  const Case cases[] = {
      {"shapes through one jit", 1000, 2000,
       [&](int k) {
         one(zeros({0, k}));
       }},
      {"a number that is captured", 600, 1200,
       [](int k) { jit([number = 1.0 + k](const Array& x) { return sum(x * number); })(zeros({0})); }},
      {"sizes of batches", 300, 600,
       [&](int k) {
         batched(zeros({k, 0}));
       }},
      {"sizes of batches, derived", 300, 600,
       [&](int k) {
         pulled(zeros({k, 0}));
       }},
      {"shapes of a loop that is run eagerly", 600, 1200,
       [](int k) {
         fori_loop(
             0, 3, [](const Array&, const Array& x) { return sin(x); }, zeros({0, k}));
       }},
      {"shapes of fixed points", 600, 1112,
       [](int k) {
         fixed_point([](const Array& a, const Array& z) { return cos(z) * a; }, zeros({0, k}), FixedPointOptions{},
                     array(0.5));
       }},
  };
  for (const Case& c : cases) {
    for (int k = 1; k <= c.warm; ++k) c.call(k);
    const std::size_t before = bytes_in_use();
    const int calls = tests::sanitized ? c.warm + 20 : c.calls;
    for (int k = c.warm + 1; k <= calls; ++k) c.call(k);
    const std::size_t after = bytes_in_use();
    const std::size_t most = before + static_cast<std::size_t>(c.calls - c.warm) * 400;
    EXPECT_LE(after, most) << c.name << ": " << before << " bytes after " << c.warm << " calls";
  }
}

// What was evicted is made again, and gives what it gave.
TEST(Caches, MakeAgainWhatTheyForgot) {
  int traced = 0;
  const auto f = jit([&traced](const Array& x) {
    ++traced;
    return x * 2;
  });
  for (int round = 0; round < 2; ++round) {
    for (std::int64_t n = 1; n <= 300; ++n) ASSERT_EQ(f(ones({n})).shape(), Shape{n});
  }
  EXPECT_EQ(traced, 600);
  for (int round = 0; round < 3; ++round) {
    for (std::int64_t n = 200; n <= 300; ++n) EXPECT_EQ(f(ones({n}))(0).item<double>(), 2);
  }
  EXPECT_EQ(traced, 600);
}

}  // namespace
}  // namespace dini
