// dini: the command-line tool. Exit status: 0 solved, 2 the problem is wrong, 3 a solve failed, 4 a file.
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <new>

#include "apps/dini/command_line.hpp"
#include "apps/dini/output.hpp"
#include "apps/dini/report.hpp"
#include "apps/dini/solve.hpp"
#include "apps/dini/solvers.hpp"
#include "dini/core/status.hpp"
#include "dini/core/watch.hpp"
#include "dini/formula/text.hpp"

namespace dini::app {

namespace {

enum ExitStatus { solved = 0, wrong = 2, failed = 3, file_fault = 4 };

std::atomic<bool> cancelled{false};  // the flag of a CancelToken, set by a signal

// The first signal asks the solve to end. A later one ends the program, but not one that came with the first: timeout(1)
// sends a signal to the process and to its group.
void cancel(int signal) {
  static volatile sig_atomic_t seen = 0;
  static struct timespec first;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (!seen) {
    seen = 1;
    first = now;
  } else if (now.tv_sec - first.tv_sec > 1) {
    _exit(128 + signal);
  }
  cancelled = true;
}

void catch_signals() {
  struct sigaction action = {};
  action.sa_handler = cancel;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

// Whether all of it went out.
bool print(const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

int complain(const std::string& message, bool json, ExitStatus status, const char* status_text = "error") {
  std::fprintf(stderr, "dini: %s\n", message.c_str());
  if (json) print(error_json(message, status_text) + "\n");
  return status;
}

void warn(const std::vector<std::string>& warnings) {
  constexpr std::size_t most = 10;
  for (std::size_t k = 0; k < std::min(most, warnings.size()); ++k) {
    std::fprintf(stderr, "dini: warning: %s\n", warnings[k].c_str());
  }
  if (warnings.size() > most) std::fprintf(stderr, "dini: and %zu more warnings\n", warnings.size() - most);
}

// A line on the terminal while a solve takes longer than a second.
class Progress {
 public:
  explicit Progress(bool wanted) : wanted_(wanted && ::isatty(STDERR_FILENO)) {}
  ~Progress() { clear(); }
  void step(const StepReport& at) {
    const auto now = Clock::now();
    if (now - start_ < std::chrono::seconds(1) || now - last_ < std::chrono::milliseconds(100)) return;
    std::fprintf(stderr, "\r\x1b[K");
    if (at.lane > 0) std::fprintf(stderr, "lane %lld, ", static_cast<long long>(at.lane));
    std::fprintf(stderr, "step %lld, residual norm %.3e", static_cast<long long>(at.step), at.residual_norm);
    std::fflush(stderr);
    last_ = now;
    shown_ = true;
  }
  void clear() {
    if (shown_) std::fprintf(stderr, "\r\x1b[K");
    shown_ = false;
  }
  bool wanted() const { return wanted_; }

 private:
  using Clock = std::chrono::steady_clock;
  bool wanted_, shown_ = false;
  Clock::time_point start_ = Clock::now(), last_ = start_;
};

void print_steps(const ProblemResult& result) {
  for (std::size_t lane = 0; lane < result.history.size(); ++lane) {
    for (std::size_t k = 0; k < result.history[lane].size(); ++k) {
      if (result.batched) std::fprintf(stderr, "lane %zu, ", lane);
      std::fprintf(stderr, "step %zu: residual norm %.6e\n", k, result.history[lane][k]);
    }
  }
}

int run_solve(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  SolveSettings settings;
  settings.max_bytes = memory_limit(options);
  const ProblemValue contents = problem_contents(options);
  const Problem problem = make_problem(contents, problem_folder(options), settings.max_bytes);
  if (options.check && problem.gradient.empty()) throw ProblemError("--check: there is no gradient to check");
  if (!options.quiet) warn(problem.warnings);
  std::optional<Problem> precise;
  if (options.check && problem.dtype != Dtype::float64) {
    ProblemValue in_float64 = contents, dtype;
    dtype.content = std::string("float64");
    in_float64.set("dtype", dtype);
    precise = make_problem(in_float64, problem_folder(options), settings.max_bytes);
    settings.precise = &*precise;
  }
  Output output(options);
  catch_signals();  // only now: reading standard input ends as usual
  Progress progress(!options.quiet && !options.verbose);
  settings.gradient_anyway = options.gradient_anyway;
  settings.check = options.check;
  settings.history = options.history || options.plot || options.verbose;
  settings.cancel = CancelToken(cancelled);
  if (progress.wanted()) settings.monitor = [&](const StepReport& at) { progress.step(at); };
  ProblemResult result = solve_problem(problem, settings);
  progress.clear();
  if (options.verbose) print_steps(result);
  result.seconds_total = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  output.write(result);
  bool printed = true;
  if (options.json)
    printed = print(to_json(result) + "\n");
  else if (!options.quiet)
    printed = print(report(problem, result));
  if (!printed) throw FileError("standard output cannot be written");

  if (!result.converged()) {
    if (options.json || options.quiet) std::fprintf(stderr, "dini: %s\n", result.message.c_str());
    return failed;
  }
  if (result.derivative_failed()) {
    std::fprintf(stderr, "dini: %s\n", result.adjoint->message.c_str());
    return failed;
  }
  if (result.check_digits && *result.check_digits < 4) {
    std::fprintf(stderr, "dini: --check: only %.1f digits of the gradient agree with differences\n",
                 *result.check_digits);
    return failed;
  }
  if (!result.check_refused.empty()) {
    std::fprintf(stderr, "dini: --check: refused, since %s\n", result.check_refused.c_str());
    return failed;
  }
  if (cancelled) {
    std::fprintf(stderr, "dini: a signal came when the result was complete\n");
    return failed;
  }
  return solved;
}

int run(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a file that may not grow any more is a failed write
  CLI::App app("Implicit layers: solve an equation, and differentiate its solution.", "dini");
  app.set_version_flag("--version", "dini " DINI_VERSION);
  app.require_subcommand(1);
  Options options;
  CLI::App* solve = app.add_subcommand("solve", "solve a problem, and differentiate what was found");
  CLI::App* solvers = app.add_subcommand("solvers", "each solver: what it is for, its options");
  add_solve_options(*solve, options);
  // Needed before the arguments are understood, for what is wrong with them.
  bool json = false;
  for (int k = 1; k < argc; ++k) json = json || std::string_view(argv[k]) == "--json";
  try {
    app.parse(argc, argv);
    if (solvers->parsed()) return print(solver_list()) ? solved : file_fault;
    return run_solve(options);
  } catch (const CLI::Success& e) {
    return app.exit(e);  // --help, --version
  } catch (const CLI::ParseError& e) {
    return complain(text::escaped(e.what(), 500) + " (see dini solve --help)", json, wrong);
  } catch (const CancelledError&) {
    return complain(cancelled ? "cancelled by a signal" : "the deadline has passed", json, failed,
                    name(StatusCode::cancelled));
  } catch (const FileError& e) { return complain(e.what(), json, file_fault); } catch (const Error& e) {
    return complain(e.what(), json, wrong);
  } catch (const std::bad_alloc&) {
    return complain("not enough memory for this problem", json, wrong);
  } catch (const std::exception& e) {
    return complain(std::string("internal error: ") + text::escaped(e.what(), 500), json, wrong);
  }
}

}  // namespace

}  // namespace dini::app

int main(int argc, char** argv) { return dini::app::run(argc, argv); }
