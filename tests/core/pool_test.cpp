// The pool: every piece once, on whatever threads there are, and what happens when one throws, forks, nests or meets another.
#include "dini/core/pool.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <thread>

#include "dini/core/cancel.hpp"
#include "dini/dini.hpp"
#include "tests/allocations.hpp"

namespace dini::core_tests {
namespace {

struct Threads {
  explicit Threads(int count) : before(num_threads()) { set_num_threads(count); }
  ~Threads() { set_num_threads(before); }
  const int before;
};

// How often each of so many pieces ran.
std::vector<int> runs(std::size_t pieces, detail::PieceOrder order = detail::PieceOrder::forwards) {
  std::vector<std::atomic<int>> count(pieces);
  detail::for_pieces(
      pieces, [&](std::size_t k) { ++count.at(k); }, order);
  return {count.begin(), count.end()};
}

// Whether two pieces run at the same time: each waits for the other to have begun.
bool two_at_once() {
  std::atomic<int> begun = 0, met = 0;
  detail::for_pieces(2, [&](std::size_t) {
    ++begun;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (begun < 2 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    met += begun == 2 ? 1 : 0;
  });
  return met == 2;
}

TEST(Pool, EveryPieceRunsOnce) {
  for (int threads : {1, 2, 5, 16}) {
    const Threads setting(threads);
    for (std::size_t pieces : {0, 1, 2, 3, 7, 64, 1000}) {
      for (detail::PieceOrder order : {detail::PieceOrder::forwards, detail::PieceOrder::backwards})
        ASSERT_EQ(runs(pieces, order), std::vector<int>(pieces, 1)) << threads << " threads, " << pieces << " pieces";
    }
    for (int turn = 0; turn < 2000; ++turn) ASSERT_EQ(runs(8), std::vector<int>(8, 1));
  }
}

TEST(Pool, PiecesRunOnSeveralThreads) {
  for (int threads : {2, 5}) {
    const Threads setting(threads);
    EXPECT_TRUE(two_at_once()) << threads;
  }
  const Threads setting(1);
  std::set<std::thread::id> who;
  detail::for_pieces(20, [&](std::size_t) { who.insert(std::this_thread::get_id()); });
  EXPECT_EQ(who, std::set<std::thread::id>{std::this_thread::get_id()});
}

TEST(Pool, AThreadThatThereIsNoMemoryForLeavesItUsable) {
  const Threads setting(24);  // more than any other test has started
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  for (long n = 1; n <= 5; ++n) {
    tests::FailAllocation fail(n);
    try {
      runs(48);
    } catch (const std::bad_alloc&) { EXPECT_TRUE(fail.happened()); }
  }
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int s : {SIGINT, SIGTERM}) EXPECT_EQ(sigismember(&after, s), sigismember(&before, s)) << s;
  EXPECT_TRUE(two_at_once());
}

// What the caller's own piece cannot allocate is an error of the call, while others are at theirs.
TEST(Pool, ACallerWithoutMemoryLeavesItUsable) {
  const Threads setting(3);
  const Array W = 0.3 * random::normal(random::key(1), {6, 6}), xs = random::normal(random::key(2), {640, 6});
  const auto layer = [](const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); };
  const auto f =
      jit(vmap([&](const Array& x) { return fixed_point(layer, zeros({6}), {.solver = Newton{}}, W, x).value; }));
  const std::vector<double> wanted = f(xs).to_vector<double>();
  long n = 0;
  for (bool happened = true; happened && n < 1000;) {
    std::thread([&] {  // which has no scratch memory yet
      tests::FailAllocation fail(++n);
      try {
        EXPECT_EQ(f(xs).to_vector<double>(), wanted);
      } catch (const std::bad_alloc&) { EXPECT_TRUE(fail.happened()); }
      happened = fail.happened();
    })
        .join();
  }
  EXPECT_GT(n, 3);
  EXPECT_TRUE(two_at_once());
}

TEST(Pool, APieceThatThrowsEndsTheCallAndNotTheThreads) {
  for (int threads : {1, 2, 5}) {
    const Threads setting(threads);
    for (int turn = 0; turn < 100; ++turn) {
      std::atomic<int> begun = 0, ended = 0;
      auto f = [&](std::size_t k) {
        ++begun;
        if (k % 3 == 1) throw std::runtime_error("piece " + std::to_string(k));
        ++ended;
      };
      EXPECT_THROW(detail::for_pieces(50, f), std::runtime_error);
      EXPECT_LT(ended, begun);
      ASSERT_EQ(runs(20), std::vector<int>(20, 1));
    }
  }
}

TEST(Pool, NestedCallsAndCallsOfOtherThreadsRunByThemselves) {
  const Threads setting(3);
  std::atomic<int> inner = 0;
  detail::for_pieces(10, [&](std::size_t) {
    EXPECT_TRUE(detail::within_piece());
    detail::for_pieces(10, [&](std::size_t) { ++inner; });
    EXPECT_TRUE(detail::within_piece());
  });
  EXPECT_EQ(inner, 100);
  EXPECT_FALSE(detail::within_piece());

  std::vector<std::thread> users;
  for (int u = 0; u < 4; ++u) {
    users.emplace_back([] {
      for (int turn = 0; turn < 500; ++turn) EXPECT_EQ(runs(9), std::vector<int>(9, 1));
    });
  }
  for (std::thread& u : users) u.join();
}

TEST(Pool, PiecesSeeTheCallersCancelScope) {
  const Threads setting(4);
  const CancelToken token;
  const CancelScope scope(token);
  std::atomic<int> ran = 0;
  detail::for_pieces(100, [&](std::size_t) { detail::poll_cancel(), ++ran; });
  EXPECT_EQ(ran, 100);
  token.cancel();
  EXPECT_THROW(detail::for_pieces(100, [](std::size_t) { detail::poll_cancel(); }), CancelledError);
}

TEST(Pool, AChildOfForkStartsItsOwn) {
  const Threads setting(3);
  ASSERT_EQ(runs(30), std::vector<int>(30, 1));
  // Also where another thread's call has the parent's pool just then.
  std::atomic<bool> within = false, over = false;
  std::thread other([&] {
    detail::for_pieces(2, [&](std::size_t) {
      within = true;
      while (!over) std::this_thread::yield();
    });
  });
  while (!within) std::this_thread::yield();
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    _exit(runs(30) == std::vector<int>(30, 1) && two_at_once() ? 0 : 1);
  }
  over = true;
  other.join();
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Pool, TheNumberOfThreadsIsFrom1To256) {
  const int before = num_threads();
  for (int count : {0, -1, 257}) EXPECT_THROW(set_num_threads(count), ValueError) << count;
  EXPECT_EQ(num_threads(), before);
  const Threads setting(7);
  EXPECT_EQ(num_threads(), 7);
}

// What runs in pieces: products with large matrices, of large matrices, factorisations and triangular solves of them, and long fused
// loops with sums.
std::vector<std::vector<double>> large_work(Dtype dtype) {
  const Array key = random::key(3);
  auto draw = [&](const Shape& shape, int k) { return astype(random::normal(random::fold_in(key, k), shape), dtype); };
  const Array a = draw({700, 643}, 0), x = draw({643}, 1), y = draw({700}, 2), b = draw({643, 450}, 3),
              v = draw({200003}, 4), w = draw({200003}, 5);
  auto f = [&](const Array& a, const Array& x, const Array& y, const Array& b, const Array& v, const Array& w) {
    const Array t = tanh(v) * w + 0.5;
    const Array square = dot(transpose(a), a) + eye(643, dtype);
    return std::tuple(dot(a, x), dot(y, a), outer(y, x), dot(a, b), t, sum(t), sum(t * w), linalg::norm(t - w),
                      linalg::solve(square, b), linalg::cholesky(square));
  };
  const auto [p, q, o, m, t, s, d, n, z, l] = jit(f)(a, x, y, b, v, w);
  std::vector<std::vector<double>> out;
  for (const Array& r : {p, q, o, m, t, s, d, n, z, l}) out.push_back(r.to_vector<double>());
  return out;
}

TEST(Pool, BitsDoNotDependOnTheNumberOfThreads) {
  for (Dtype dtype : {Dtype::float32, Dtype::float64}) {
    std::vector<std::vector<double>> alone;
    {
      const Threads setting(1);
      alone = large_work(dtype);
    }
    for (int threads : {2, 5}) {
      const Threads setting(threads);
      for (int turn = 0; turn < 3; ++turn) EXPECT_EQ(large_work(dtype), alone) << threads;
    }
  }
}

TEST(Pool, ALongFusedLoopCanBeCancelled) {
  const Threads setting(2);
  auto f = jit([](const Array& v) { return sum(exp(sin(v)) * cos(v)); });
  const Array v = ones({300000});
  f(v);
  const CancelToken token;
  const CancelScope scope(token);
  token.cancel();
  EXPECT_THROW(f(v), CancelledError);
}

}  // namespace
}  // namespace dini::core_tests
