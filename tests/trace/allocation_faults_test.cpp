// Any allocation may fail, in a function that is traced as well: std::bad_alloc comes out, and all is as it was. (That
// nothing leaked the address sanitizer says.)
#include "../allocations.hpp"
#include "../ops/expect_array.hpp"
#include "dini/core/caches.hpp"
#include "dini/dini.hpp"
#include "dini/trace/internal.hpp"
#include "tests/sample.hpp"

namespace dini {
namespace {

// Makes the 1st, the 2nd, ... allocation of f fail, until f comes to its end.
void expect_every_failure_survived(const std::string& what, const std::function<Array()>& f) {
  const std::vector<double> wanted = f().to_vector<double>();
  long n = 0;
  for (bool happened = true; happened && n < 100000;) {
    std::vector<double> got;
    {
      tests::FailAllocation fail(++n);
      try {
        const Array y = f();
        got = y.to_vector<double>();
        EXPECT_FALSE(fail.happened()) << what << ": allocation " << n << " failed, and nothing was thrown";
      } catch (const std::bad_alloc&) { EXPECT_TRUE(fail.happened()) << what; }
      happened = fail.happened();
    }
    ASSERT_EQ(current_trace(), nullptr) << what << ": allocation " << n;
    EXPECT_EQ(got, happened ? std::vector<double>() : wanted) << what;
  }
  EXPECT_GT(n, 10) << what;
  EXPECT_EQ(f().to_vector<double>(), wanted) << what;
}

TEST(AllocationFaults, OfTracedFunctionsAreSurvived) {
  const Array x = array({0.5, -1.0, 2.0}), A = array({{1.0, 2.0, 0.5}, {0.0, 3.0, 1.0}});
  const auto f = [&](const Array& v) { return sum(tanh(dot(A, v)) * 2) + v(0); };
  const auto stepped = [](const Array& v) {
    const auto [c, ys] = scan(
        [](const Array& c, const Array& e) {
          const Array next = cond(
              c < e, [](const Array& a) { return a * a; }, [](const Array& a) { return a + 1; }, c);
          return std::pair(next, next);
        },
        array(0.5), v);
    return c + sum(ys);
  };
  const std::map<std::string, std::function<Array()>> cases = {
      {"eager", [&] { return f(x); }},
      {"jit", [&] { return jit(f)(x); }},
      {"grad", [&] { return grad(f)(x); }},
      {"vmap",
       [&] {
         return vmap(f)(stack({x, x + 1}));
       }},
      {"jvp", [&] { return jvp(f, x, x).tangent; }},
      {"jit of grad", [&] { return jit(grad(f))(x); }},
      {"grad of jit", [&] { return grad(jit(f))(x); }},
      {"vmap of grad",
       [&] {
         return vmap(grad(f))(stack({x, x + 1}));
       }},
      {"hessian", [&] { return hessian(f)(x); }},
      {"control flow", [&] { return jit(stepped)(x); }},
      {"grad of control flow", [&] { return grad(stepped)(x); }},
      {"checkpoint", [&] { return grad(checkpoint(f))(x); }},
  };
  for (const auto& [what, run] : cases) expect_every_failure_survived(what, run);
}

// Of the tens of thousands of allocations of a solve some. What cannot be kept may be left out; a result is right or there is none.
TEST(AllocationFaults, OfSolvesAreSurvived) {
  const Array x = array({0.5, -1.0, 2.0});
  const auto layer = [](const Array& v) {
    return fixed_point([](const Array& x, const Array& z) { return 0.3 * tanh(flip(z, 0)) * x + x; }, zeros({3}),
                       {.solver = Newton{}}, v)
        .value;
  };
  const auto loss = [&](const Array& v) { return sum(square(layer(v))); };
  const std::map<std::string, std::function<Array()>> cases = {
      {"solve", [&] { return layer(x); }},
      {"gradient", [&] { return grad(loss)(x); }},
      {"lanes",
       [&] {
         return vmap(layer)(stack({x, x + 1}));
       }},
      {"gradient in lanes",
       [&] {
         return vmap(grad(loss))(stack({x, x + 1}));
       }},
  };
  for (const auto& [what, run] : cases) {
    const std::vector<double> wanted = run().to_vector<double>();
    int thrown = 0;
    bool happened = true;
    for (long n = 1; happened && n < 200000; n += tests::sanitized ? 4999 : 499) {
      clear_caches();
      tests::FailAllocation fail(n);
      try {
        EXPECT_EQ(run().to_vector<double>(), wanted) << what << ": allocation " << n;
      } catch (const std::bad_alloc&) { ++thrown; }
      happened = fail.happened();
      ASSERT_EQ(current_trace(), nullptr) << what << ": allocation " << n;
    }
    EXPECT_GT(thrown, tests::sanitized ? 0 : 3) << what;
    EXPECT_EQ(run().to_vector<double>(), wanted) << what;
  }
}

}  // namespace
}  // namespace dini
