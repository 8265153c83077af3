// Computations that are asked to end: by a token that another thread cancels, and by a deadline. Each would take hours.
#include <chrono>
#include <thread>

#include "../allocations.hpp"
#include "../transforms/expect.hpp"
#include "dini/exec/executable.hpp"
#include "dini/transforms/control_ops.hpp"
#include "dini/transforms/host.hpp"
#include "programs.hpp"

namespace dini {
namespace {

constexpr std::int64_t forever = std::int64_t{1} << 60;

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); }

// A function of the tests' as a callback.
struct Host : HostFunction {
  std::function<Array(const Array&)> f;
  std::string name() const override { return "host"; }
  Leaves call(const Leaves& in) const override { return {f(in[0])}; }
  std::vector<Aval> outputs(std::span<const Aval> in) const override { return {in[0]}; }
};
Array call_back(const Array& x, const std::function<Array(const Array&)>& f) {
  auto host = std::make_shared<Host>();
  host->f = f;
  return emit_one(detail::callback_op(), {x}, {{"function", OpaqueRef(host)}});
}

struct Counted {
  Array z, k;
  auto tree() { return std::tie(z, k); }
};
// z <- f(z), so often.
Array repeated(const std::function<Array(const Array&)>& f, const Array& z, std::int64_t times) {
  return while_loop([=](const Counted& s) { return s.k < times; },
                    [&](const Counted& s) {
                      return Counted{f(s.z), s.k + 1};
                    },
                    Counted{z, array(std::int64_t{0})})
      .z;
}

Array step(const Array& z) { return 0.5 * z + 1.0; }
Array tanh_of(const Array& z) { return tanh(z); }
Array vector() { return full({20}, 0.3); }

struct Case {
  const char* what;
  std::function<void()> run;
};
std::vector<Case> endless() {
  return {
      {"a loop of numbers", [] { jit([](const Array& z) { return repeated(step, z, forever); })(array(1.0)); }},
      {"a loop of vectors", [] { jit([](const Array& z) { return repeated(tanh_of, z, forever); })(vector()); }},
      {"a loop run without jit", [] { repeated(step, array(1.0), forever); }},
      {"lanes", [] { vmap([](const Array& z) { return repeated(step, z, forever); })(vector()); }},
      {"a loop in a loop",
       [] {
         jit([](const Array& z) { return repeated([](const Array& y) { return repeated(step, y, 3); }, z, forever); })(
             array(1.0));
       }},
      {"a loop in a branch",
       [] {
         jit([](const Array& z) {
           return cond(
               z > 0.0, [](const Array& y) { return repeated(step, y, forever); }, [](const Array& y) { return y; }, z);
         })(array(1.0));
       }},
      {"a scan",
       [] {
         jit([](const Array& z) {
           return fori_loop(
               0, forever, [](const Array&, const Array& y) { return step(y); }, z);
         })(array(1.0));
       }},
      {"a derivative", [] { jvp([](const Array& z) { return repeated(tanh_of, z, forever); }, vector(), vector()); }},
      {"long sums",
       [] {
         const Array x = full({1 << 20}, 0.5);
         jit([](const Array& z) {
           return fori_loop(
               0, forever, [](const Array&, const Array& y) { return tanh(y) + 0.1 * sum(y * y); }, z);
         })(x);
       }},
      {"operation by operation",
       [] {
         Array z = array(1.0);
         while (true) z = step(z);
       }},
      {"functions compiled",
       [] {
         const auto f = jit(step);
         Array z = array(1.0);
         while (true) z = f(z);
       }},
      {"recording",
       [] {
         jit([](const Array& z) {
           Array y = z;
           while (true) y = step(y);
           return y;
         })(array(1.0));
       }},
      {"a Program an operation at a time",
       [] {
         const exec_tests::Case c = exec_tests::make_case(
             [](const Leaves& in) { return Leaves{repeated(step, in[0], forever)}; }, {array(1.0)});
         Executable::compile(*c.program, {.optimize = false})->run(c.inputs);
       }},
      {"what a callback runs",
       [] {
         const auto inner = jit([](const Array& z) { return repeated(step, z, forever); });
         jit([&](const Array& z) { return call_back(z, inner); })(array(1.0));
       }},
      {"numbers of check_grads",
       [] {
         check_grads([](const Array& z) { return z.item<double>() == 1.0 ? z : repeated(step, z, forever); },
                     array(1.0));
       }},
  };
}

TEST(Cancelling, FromAnotherThreadEndsWhateverRuns) {
  for (const Case& c : endless()) {
    const CancelToken token;
    Clock::time_point cancelled;
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      cancelled = Clock::now();
      token.cancel();
    });
    SCOPED_TRACE(c.what);
    CancelScope scope(token);
    throws<CancelledError>(c.run, {"token"});
    const auto end = Clock::now();
    other.join();
    EXPECT_LT(std::chrono::duration<double>(end - cancelled).count(), 0.5)
        << c.what;  // milliseconds, but for a busy machine
  }
}

TEST(Cancelling, ADeadlineEndsWhateverRuns) {
  for (const Case& c : endless()) {
    SCOPED_TRACE(c.what);
    const auto begin = Clock::now();
    CancelScope scope(Deadline::in(0.02));
    throws<CancelledError>(c.run, {"deadline"});
    const double took = seconds_since(begin);
    EXPECT_GE(took, 0.02) << c.what;
    EXPECT_LT(took, 0.5) << c.what;
  }
}

TEST(Cancelling, WhatWasCancelledCanBeUsedAgain) {
  const CancelToken token;
  int calls = 0;
  auto stop_at = [&](const Array& y) {
    if (++calls == 3) token.cancel();
    return y;
  };
  const auto f = jit([&](const Array& z, const Array& w) {
    return repeated([&](const Array& y) { return call_back(tanh(y) + w, stop_at); }, z, 8);
  });
  const Array z = vector(), w = 0.1 * vector();
  const Array wanted = repeated([&](const Array& y) { return tanh(y) + w; }, z, 8);
  {
    CancelScope scope(token);
    EXPECT_THROW(f(z, w), CancelledError);
    EXPECT_EQ(calls, 3);
    EXPECT_THROW(z + w, CancelledError);  // for as long as the scope is there
  }
  for (int turn = 0; turn < 3; ++turn) close(f(z, w), wanted);
}

// A run that is cancelled gives its memory back: the next one allocates no more than the one before.
TEST(Cancelling, LeavesNothingBehind) {
  std::atomic<bool> flag{false};
  const CancelToken token(flag);
  int calls = 0;
  const exec_tests::Case c = exec_tests::make_case(
      [&](const Leaves& in) {
        return Leaves{repeated(
            [&](const Array& y) {
              return call_back(tanh(y), [&](const Array& x) {
                if (++calls % 5 == 0) token.cancel();
                return x;
              });
            },
            in[0], forever)};
      },
      {vector()});
  const auto executable = Executable::compile(*c.program);
  std::vector<long> allocated;
  for (int turn = 0; turn < 300; ++turn) {
    flag = false;
    calls = 0;
    CancelScope scope(token);
    const long before = tests::allocations();
    EXPECT_THROW(executable->run(c.inputs), CancelledError);
    allocated.push_back(tests::allocations() - before);
    EXPECT_EQ(calls, 5);
  }
  EXPECT_EQ(allocated[1], allocated.back());
}

TEST(Cancelling, AnotherThreadIsLeftAlone) {
  const CancelToken token;
  token.cancel();
  CancelScope scope(token);
  double got = 0;
  std::thread([&] { got = repeated(step, array(1.0), 100).item<double>(); }).join();
  EXPECT_NEAR(got, 2, 1e-12);
  EXPECT_THROW(repeated(step, array(1.0), 100), CancelledError);
}

TEST(Cancelling, ACallbacksOwnScopeEndsWithIt) {
  const auto f = jit([](const Array& z) {
    return repeated(
        [](const Array& y) {
          return call_back(y, [](const Array& x) {
            const CancelToken own;
            own.cancel();
            CancelScope scope(own);
            EXPECT_THROW(x + 1, CancelledError);
            return x;
          });
        },
        z, 3);
  });
  EXPECT_EQ(f(array(4.0)).item<double>(), 4);
}

// A plan looks before what is long, and between many that are not; a short one does not at all.
TEST(Cancelling, PlansLookBeforeWhatIsLong) {
  struct Case {
    const char* what;
    std::function<Array(const Array&)> f;
    Shape shape;
    int looks;
  };
  const Case cases[] = {
      {"numbers", [](const Array& x) { return tanh(x) + 1.0; }, {}, 0},
      {"a small product", [](const Array& x) { return dot(x, x); }, {20, 20}, 0},
      {"products", [](const Array& x) { return dot(dot(x, x), dot(x, x)); }, {100, 100}, 2},
      {"a factorisation", [](const Array& x) { return linalg::inv(x); }, {100, 100}, 3},
      {"long vectors", [](const Array& x) { return tanh(x); }, {1 << 20}, 1},
      {"many",
       [](const Array& x) {
         Array y = x;
         for (int k = 0; k < 300; ++k) y = dot(x, sin(y));
         return y;
       },
       {30, 30},
       0},
  };
  for (const Case& c : cases) {
    const exec_tests::Case made =
        exec_tests::make_case([&](const Leaves& in) { return Leaves{c.f(in[0])}; }, {ones(c.shape)});
    const std::string plan = Executable::compile(*made.program)->str();
    int looks = 0;
    for (std::size_t at = 0; (at = plan.find("poll", at)) != std::string::npos; ++at) ++looks;
    if (c.looks == 0 && c.what == std::string("many"))
      EXPECT_GT(looks, 30) << c.what;
    else
      EXPECT_EQ(looks, c.looks) << c.what << "\n" << plan;
  }
}

TEST(Cancelling, ATokenThatIsNotCancelledChangesNothing) {
  const auto f = jit([](const Array& z) { return repeated(tanh_of, z, 1000); });
  const Array alone = f(vector());
  CancelScope scope(CancelToken(), Deadline::in(3600));
  close(f(vector()), alone, 0);
}

}  // namespace
}  // namespace dini
