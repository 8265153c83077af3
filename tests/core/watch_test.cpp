// core/watch.hpp: tokens, deadlines and scopes by themselves. Computations that end by them: tests/exec/watch_test.cpp.
#include <csignal>
#include <limits>
#include <thread>

#include "../allocations.hpp"
#include "../transforms/expect.hpp"

namespace dini {
namespace {

TEST(CancelTokens, CopiesAreOneFlag) {
  const CancelToken token, copy = token, other;
  EXPECT_TRUE(token);
  EXPECT_FALSE(copy.cancelled());
  std::thread([token] { token.cancel(); }).join();
  EXPECT_TRUE(copy.cancelled());
  EXPECT_FALSE(other.cancelled());
}

TEST(CancelTokens, OneWithoutAFlagIsNeverCancelled) {
  const CancelToken token = CancelToken::never();
  EXPECT_FALSE(token);
  token.cancel();
  EXPECT_FALSE(token.cancelled());
}

std::atomic<bool> interrupted{false};

TEST(CancelTokens, ASignalHandlerSetsAFlagThatLivesElsewhere) {
  const CancelToken token(interrupted);
  auto before = std::signal(SIGUSR1, [](int) { interrupted = true; });
  EXPECT_FALSE(token.cancelled());
  std::raise(SIGUSR1);
  std::signal(SIGUSR1, before);
  EXPECT_TRUE(token.cancelled());
  interrupted = false;
  EXPECT_FALSE(token.cancelled());
  token.cancel();
  EXPECT_TRUE(interrupted);
  interrupted = false;
}

TEST(Deadlines, Pass) {
  struct Case {
    const char* what;
    Deadline deadline;
    bool given, passed;
  };
  const auto now = Deadline::Clock::now();
  const Case cases[] = {
      {"none", {}, false, false},
      {"a point before now", now - std::chrono::seconds(1), true, true},
      {"a point after now", now + std::chrono::hours(1), true, false},
      {"at once", Deadline::in(0), true, true},
      {"less than none", Deadline::in(-3), true, true},
      {"minus infinity", Deadline::in(-std::numeric_limits<double>::infinity()), true, true},
      {"an hour", Deadline::in(3600), true, false},
      {"a hundred years", Deadline::in(3.2e9), true, false},
      {"more than the clock counts", Deadline::in(1e300), false, false},
      {"infinity", Deadline::in(std::numeric_limits<double>::infinity()), false, false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(c.deadline.given(), c.given) << c.what;
    EXPECT_EQ(c.deadline.passed(), c.passed) << c.what;
  }
  throws<ValueError>([] { Deadline::in(std::nan("")); }, {"Deadline::in", "nan"});
}

TEST(Watches, AreWantedWhereThereIsAnythingToThem) {
  const CancelToken token;
  EXPECT_FALSE(Watch().wanted());
  EXPECT_TRUE(Watch{.monitor = [](const StepReport&) {}}.wanted());
  EXPECT_TRUE(Watch{.deadline = Deadline::in(5)}.wanted());
  const Watch w{.token = token};
  EXPECT_TRUE(w.wanted());
  EXPECT_FALSE(w.stopped());
  token.cancel();
  EXPECT_TRUE(w.stopped());
  EXPECT_TRUE(Watch{.deadline = Deadline::in(0)}.stopped());
}

TEST(Watches, CostNoMemoryWhereThereIsNone) {
  const long before = tests::allocations();
  const Watch w;
  EXPECT_FALSE(w.wanted());
  EXPECT_EQ(tests::allocations(), before);
}

TEST(CancelScopes, NestAndEndWithTheirBlock) {
  const CancelToken outside, within;
  CancelScope scope(outside);
  scope.poll();
  {
    CancelScope inner(within, Deadline::in(3600));
    inner.poll();
    within.cancel();
    throws<CancelledError>([&] { inner.poll(); }, {"token"});
    throws<CancelledError>([&] { inner.poll_turn(); }, {"token"});
    scope.poll();
  }
  scope.poll();
  {
    CancelScope past(Deadline::in(0));
    throws<CancelledError>([&] { past.poll(); }, {"deadline"});
    CancelScope later(CancelToken::never(), Deadline::in(3600));  // the earlier one counts
    throws<CancelledError>([&] { later.poll(); }, {"deadline"});
  }
  scope.poll();
  outside.cancel();
  CancelScope innermost(Deadline::in(3600));
  throws<CancelledError>([&] { innermost.poll(); }, {"token"});
}

TEST(CancelScopes, TurnsLookAtTheClockNowAndThen) {
  CancelScope scope(Deadline::in(0));
  throws<CancelledError>(
      [&] {
        for (int k = 0; k < 64; ++k) scope.poll_turn();
      },
      {"deadline"});
}

}  // namespace
}  // namespace dini
