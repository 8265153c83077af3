#include "dini/core/pool.hpp"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "dini/core/arithmetic.hpp"
#include "dini/core/cancel.hpp"
#include "dini/core/error.hpp"

namespace dini {
namespace pool {

constexpr int most_threads = 256;
constexpr auto awake = std::chrono::microseconds(20);  // how long a thread looks for the next call before it sleeps

int default_threads() {
  if (const char* text = std::getenv("DINI_THREADS"); text && *text) {
    int count = 0;
    const auto [end, error] = std::from_chars(text, text + std::strlen(text), count);
    if (error != std::errc() || *end != '\0' || count < 1 || count > most_threads)
      throw ValueError("the environment variable DINI_THREADS is '" + std::string(text) +
                       "'; it is the number of threads that an operation may use, from 1 to 256");
    return count;
  }
  cpu_set_t allowed;
  const int count = sched_getaffinity(0, sizeof allowed, &allowed) == 0
                        ? CPU_COUNT(&allowed)
                        : static_cast<int>(std::thread::hardware_concurrency());
  return std::clamp(count, 1, most_threads);
}

std::atomic<int>& threads_setting() {
  static std::atomic<int> count = default_threads();
  return count;
}

thread_local bool in_piece = false;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// One call at a time. A thread that has taken a piece's number out of a queue reads the call's data afterwards: the call cannot end
// before the piece is done, so they are that call's, however long the thread had slept before.
class Pool {
 public:
  /// False where another call has the pool: nothing was done.
  bool run(std::size_t pieces, unsigned threads, detail::Piece piece, void* argument, detail::PieceOrder order) {
    if (busy_.exchange(true, std::memory_order_acquire)) return false;
    threads = start(threads);
    piece_ = piece, argument_ = argument, pieces_ = pieces, parts_ = threads, order_ = order;
    scope_ = detail::cancel_scope;
    failed_.store(false, std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
    taking_part_.store(threads, std::memory_order_relaxed);
    for (unsigned q = 0; q < threads; ++q)
      queues_[q].left.store(static_cast<std::uint32_t>(first_of(q + 1) - first_of(q)), std::memory_order_release);
    calls_.fetch_add(1, std::memory_order_seq_cst);
    if (sleeping_.load(std::memory_order_seq_cst) > 0) calls_.notify_all();
    work(0);
    for (int turn = 1; done_.load(std::memory_order_acquire) != pieces; ++turn) {
      if (turn % 1024 == 0) std::this_thread::yield();
      relax();
    }
    const std::exception_ptr error = std::exchange(error_, nullptr);
    busy_.store(false, std::memory_order_release);
    if (error) std::rethrow_exception(error);
    return true;
  }

 private:
  struct alignas(64) Queue {
    std::atomic<std::uint32_t> left = 0;  // of the pieces that have their home here
  };

  std::size_t first_of(unsigned q) const { return pieces_ * q / parts_; }

  // Starts what is missing, and returns how many there are, the caller among them.
  unsigned start(unsigned threads) {
    if (started_ + 1 >= threads) return threads;
    sigset_t all, before;  // signals are for the program's own threads
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      for (; started_ + 1 < threads; ++started_) std::thread(&Pool::serve, this, started_ + 1).detach();
    } catch (const std::system_error&) {
      // Without this thread, then.
    } catch (const std::bad_alloc&) {
      // Nor where there is no memory for one.
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return started_ + 1;
  }

  void serve(unsigned self) {
    const DefaultArithmetic arithmetic;  // a thread begins with that of the one that started it
    std::uint32_t seen = 0;
    for (;;) {
      const auto since = std::chrono::steady_clock::now();
      for (int turn = 1; calls_.load(std::memory_order_acquire) == seen; ++turn) {
        if (turn % 64 != 0 || std::chrono::steady_clock::now() - since < awake) {
          relax();
          continue;
        }
        sleeping_.fetch_add(1, std::memory_order_seq_cst);
        calls_.wait(seen, std::memory_order_seq_cst);
        sleeping_.fetch_sub(1, std::memory_order_relaxed);
      }
      seen = calls_.load(std::memory_order_acquire);
      if (self < taking_part_.load(std::memory_order_relaxed)) work(self);
    }
  }

  // The pieces at home here, then what others have left.
  void work(unsigned self) {
    const unsigned queues = taking_part_.load(std::memory_order_relaxed);
    for (unsigned k = 0; k < queues; ++k) {
      const unsigned q = (self + k) % queues;
      std::uint32_t left = queues_[q].left.load(std::memory_order_relaxed);
      while (left > 0) {
        if (!queues_[q].left.compare_exchange_weak(left, left - 1, std::memory_order_acquire,
                                                   std::memory_order_relaxed))
          continue;
        piece(order_ == detail::PieceOrder::forwards ? first_of(q + 1) - left : first_of(q) + left - 1);
        left = queues_[q].left.load(std::memory_order_relaxed);
      }
    }
  }

  void piece(std::size_t number) {
    if (!failed_.load(std::memory_order_relaxed)) {
      CancelScope* const scope = std::exchange(detail::cancel_scope, scope_);
      in_piece = true;
      try {
        piece_(argument_, number);
      } catch (...) {
        if (!failed_.exchange(true, std::memory_order_relaxed)) error_ = std::current_exception();
      }
      in_piece = false;
      detail::cancel_scope = scope;
    }
    done_.fetch_add(1, std::memory_order_release);
  }

  std::atomic<bool> busy_ = false;
  unsigned started_ = 0;

  // The call.
  detail::Piece piece_ = nullptr;
  void* argument_ = nullptr;
  std::size_t pieces_ = 0;
  unsigned parts_ = 1;
  detail::PieceOrder order_ = detail::PieceOrder::forwards;
  CancelScope* scope_ = nullptr;
  std::exception_ptr error_;
  std::atomic<bool> failed_ = false;
  std::atomic<unsigned> taking_part_ = 1;

  alignas(64) std::atomic<std::size_t> done_ = 0;
  alignas(64) std::atomic<std::uint32_t> calls_ = 0;
  std::atomic<int> sleeping_ = 0;
  std::array<Queue, most_threads> queues_;
};

// Never destroyed: its threads may look at it until the process ends.
std::atomic<Pool*> the_pool = nullptr;

// A library that was loaded while the program ran stays where it is once threads run its code.
void stay_loaded() {
  Dl_info here;
  if (dladdr(reinterpret_cast<const void*>(&default_threads), &here) != 0 && here.dli_fname)
    dlopen(here.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

Pool& instance() {
  static std::once_flag once;
  std::call_once(once, [] {
    stay_loaded();
    the_pool = new Pool;
    pthread_atfork(nullptr, nullptr, [] { the_pool = new Pool; });
  });
  return *the_pool.load(std::memory_order_acquire);
}

}  // namespace pool

int num_threads() { return pool::threads_setting().load(std::memory_order_relaxed); }

void set_num_threads(int count) {
  if (count < 1 || count > pool::most_threads)
    throw ValueError("set_num_threads: got " + std::to_string(count) + ", wanted a number from 1 to 256");
  pool::threads_setting().store(count, std::memory_order_relaxed);
}

namespace detail {

bool within_piece() { return pool::in_piece; }

void run_pieces(std::size_t pieces, Piece piece, void* argument, PieceOrder order) {
  const auto threads = static_cast<unsigned>(std::min<std::size_t>(pieces, static_cast<std::size_t>(num_threads())));
  if (threads > 1 && !pool::in_piece && pieces <= UINT32_MAX &&
      pool::instance().run(pieces, threads, piece, argument, order))
    return;
  for (std::size_t k = 0; k < pieces; ++k) piece(argument, order == PieceOrder::forwards ? k : pieces - 1 - k);
}

}  // namespace detail
}  // namespace dini
