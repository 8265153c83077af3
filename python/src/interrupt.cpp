// Ctrl-C: a computation of the main thread ends with a KeyboardInterrupt within milliseconds.
//
// Python's own handler sets a flag that is looked at between two bytecodes; while the library computes there are none. So a handler
// stands before it that sets a flag of the library's as well, which every CancelScope looks at. It stands there while Python's own
// default does what SIGINT does; a program that has a handler of its own keeps it.
#include <csignal>
#include <ctime>

#include <unistd.h>

#include "common.hpp"

namespace pydini {

namespace {

std::atomic<bool> interrupted{false};
struct sigaction python_action;
std::atomic<bool> stands{false};

void on_interrupt(int signal) {
  interrupted.store(true, std::memory_order_release);
  if (python_action.sa_handler != SIG_DFL && python_action.sa_handler != SIG_IGN) python_action.sa_handler(signal);
}

// Python's main thread is the process's, whoever imports this.
bool on_main_thread() {
  thread_local const bool main_thread = gettid() == getpid();
  return main_thread;
}

// At the first computation, and where `signal.signal` has put Python's handler in the place of ours.
void stand_before_python() {
  struct sigaction now;
  if (sigaction(SIGINT, nullptr, &now) != 0 || now.sa_handler == on_interrupt) return;
  stands = false;
  nb::gil_scoped_acquire gil;
  nb::module_ signal = nb::module_::import_("_signal");
  if (!signal.attr("getsignal")(SIGINT).is(signal.attr("default_int_handler"))) return;
  python_action = now;
  struct sigaction ours = now;
  ours.sa_handler = on_interrupt;
  stands = sigaction(SIGINT, &ours, nullptr) == 0;
}

// A look costs a system call, so there is one every ten milliseconds.
bool time_to_look() {
  static std::int64_t last = -1;  // of the main thread
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  const std::int64_t tick = static_cast<std::int64_t>(now.tv_sec) * 100 + now.tv_nsec / 10000000;
  return std::exchange(last, tick) != tick;
}

thread_local int depth = 0;

}  // namespace

Interruptible::Interruptible() {
  if (depth == 0 && on_main_thread()) {
    if (time_to_look()) stand_before_python();
    if (stands) {
      interrupted.store(false, std::memory_order_relaxed);
      scope_.emplace(dini::CancelToken(interrupted));
    }
  }
  ++depth;
}

Interruptible::~Interruptible() { --depth; }

void Interruptible::raise_if_interrupted() {
  if (!on_main_thread() || !interrupted.load(std::memory_order_acquire)) return;
  if (PyErr_CheckSignals() == 0) PyErr_SetNone(PyExc_KeyboardInterrupt);
  throw nb::python_error();
}

}  // namespace pydini
