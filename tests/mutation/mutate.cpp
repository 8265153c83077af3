// Breaks the rules, kernels and passes one at a time, and lists the breaks that no test notices: those survive. A mutant
// lives in a process of its own, forked before anything is cached; a crash or a hang there is noticed, too.
#include <gtest/gtest.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <thread>

#include "dini/ops/registry.hpp"
#include "mutant.hpp"
#include "ops/registry_checks.hpp"

namespace dini::mutation {

Session& session() {
  static Session session;
  return session;
}

bool chosen(const std::string& name) {
  if (!session().listing) return session().wanted == name;
  std::vector<std::string>& tests = session().names[name];
  if (const auto* test = ::testing::UnitTest::GetInstance()->current_test_info()) {
    std::string full = std::string(test->test_suite_name()) + "." + test->name();
    if (tests.empty() || tests.back() != full) tests.push_back(std::move(full));
  }
  return false;
}

namespace {

// ---- The tests -------------------------------------------------------------------------------------------------------

// The process ends when one test or check takes longer than this, many times what any takes: it hangs. (To list is slow.)
void start_clock() {
  const itimerval limit{{0, 0}, {session().listing ? 120 : 20, 0}};
  setitimer(ITIMER_PROF, &limit, nullptr);
}
std::map<std::string, std::int64_t> milliseconds;  // that tests took
struct Clock : ::testing::EmptyTestEventListener {
  void OnTestStart(const ::testing::TestInfo&) override { start_clock(); }
  void OnTestEnd(const ::testing::TestInfo& test) override {
    milliseconds[std::string(test.test_suite_name()) + "." + test.name()] = test.result()->elapsed_time();
  }
};

bool passes_checks(const Op& op, const std::vector<registry::Check>& checks) {
  for (registry::Check check : checks) {
    for (Dtype dtype : registry::dtypes(op)) {
      start_clock();
      const registry::Outcome outcome = registry::run_check(op, dtype, check, true);
      if (outcome.failures.empty()) continue;
      std::printf("%s: %s %s: %s\n", session().wanted.c_str(), name(dtype), registry::name(check),
                  outcome.failures[0].c_str());
      return false;
    }
  }
  return true;
}

bool passes_tests(const std::vector<std::string>& filters) {
  GTEST_FLAG_SET(fail_fast, true);
  return std::all_of(filters.begin(), filters.end(), [](const std::string& filter) {
    GTEST_FLAG_SET(filter, filter);
    return RUN_ALL_TESTS() == 0;
  });
}

// ---- Processes -------------------------------------------------------------------------------------------------------

struct Process {
  pid_t id;
  std::size_t job;
};

// Runs jobs in forked processes, some at a time; `done` is given a job's number and whether it returned true.
void run_forked(const std::vector<std::function<bool()>>& jobs, unsigned at_a_time, bool quiet,
                const std::function<void(std::size_t, bool)>& done) {
  std::vector<Process> running;
  std::size_t next = 0;
  while (next < jobs.size() || !running.empty()) {
    if (next < jobs.size() && running.size() < at_a_time) {
      std::fflush(nullptr);
      const pid_t id = fork();
      if (id < 0) throw std::runtime_error("cannot fork");
      if (id == 0) {
        alarm(600);  // should it sleep
        if (quiet && !(std::freopen("/dev/null", "w", stdout) && std::freopen("/dev/null", "w", stderr))) _exit(1);
        bool fine = false;
        try {
          fine = jobs[next]();
        } catch (const std::exception& e) { std::printf("%s\n", e.what()); }
        std::fflush(nullptr);
        _exit(fine ? 0 : 1);
      }
      running.push_back({id, next++});
      continue;
    }
    int status = 0;
    const pid_t id = wait(&status);
    const auto ended = std::find_if(running.begin(), running.end(), [&](const Process& p) { return p.id == id; });
    if (ended == running.end()) throw std::runtime_error("lost a process");
    const std::size_t job = ended->job;
    running.erase(ended);
    done(job, WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
}

// ---- Mutants ---------------------------------------------------------------------------------------------------------

struct Mutant {
  const Op* op;  // null: of a pass
  std::string name;
  std::vector<std::string> tests;  // of a pass: those that could notice, quick ones first
};

// All tests but the generated checks, but for those that call kernels and no op, those that write files (in which
// processes side by side would meet), and the longest: first those that take moments, then those that notice most in a
// minute, then the others that take long.
const std::string random_programs = "*RandomPrograms*";
const std::string long_tests = "Known/Cases.*:Nesting.*:SystemsOnGrids.*:ImplicitCaptures.*";
const std::vector<std::string> other_tests = {
    "-*Registry*:Vector.*:Dense*:Npy.*:Npz.*:File.*:*AMillionOperations:" + random_programs + ":" + long_tests,
    random_programs, long_tests};

// Mutants that compute the same, by the beginning of their names, and why they do.
const std::pair<std::string, std::string> equivalent[] = {
    {"add jvp, tangent 0: swapped with the next", "a + b = b + a"},
    {"asinh jvp emits broadcast 0: negated", "hypot(x, 1) = hypot(x, -1)"},
    {"atan2 jvp emits hypot 0: negated", "only its square enters"},
    {"atan2 jvp emits hypot 1: negated", "only its square enters"},
    {"eigh jvp emits add 1: sub instead", "a divisor of zeros is 1 or -1"},
    {"eigh jvp emits broadcast 12: negated", "a divisor of zeros is 1 or -1"},
    {"eigh jvp emits dot_general 1: operand 0 swapped with the next", "(dA V)ᵀ V = Vᵀ dA V for a symmetric dA"},
    {"eigh kernel, output 1: negated", "eigenvectors have no sign"},
    {"hypot batch emits broadcast 0: negated", "hypot(a, b) = hypot(-a, b)"},
    {"i1e jvp emits broadcast 1: negated", "any divisor but 0, where the quotient is not taken"},
    {"max jvp emits convert 0: negated", "the shares are c/sum(c)"},
    {"min jvp emits convert 0: negated", "the shares are c/sum(c)"},
    {"svd jvp emits add 0: sub instead", "a divisor of zeros is 1 or -1"},
    {"scatter transpose emits scatter 0: unique misread", "whichever of the zeros is written last"},
};
bool is_equivalent(const std::string& name) {
  return std::any_of(std::begin(equivalent), std::end(equivalent),
                     [&](const auto& e) { return name.compare(0, e.first.size(), e.first) == 0; });
}

// What the tests of this part can be made to break, and whether they pass while nothing is wrong.
std::function<bool()> listing(const Op* op, std::FILE* to) {
  return [op, to] {
    session().listing = true;
    bool fine;
    if (op) {
      break_op(*op);
      fine = passes_checks(*op, {std::begin(registry::all_checks), std::end(registry::all_checks)});
    } else {
      break_passes();
      fine = passes_tests(other_tests);
    }
    for (auto& [name, tests] : session().names) {
      std::stable_sort(tests.begin(), tests.end(),
                       [](const std::string& a, const std::string& b) { return milliseconds[a] < milliseconds[b]; });
      std::fprintf(to, "%s", name.c_str());
      for (const std::string& test : tests) std::fprintf(to, "\t%s", test.c_str());
      std::fprintf(to, "\n");
    }
    std::fflush(to);
    return fine;
  };
}

// Does the library with this mutant pass all tests?
std::function<bool()> survives(const Mutant& mutant) {
  return [mutant] {
    session().wanted = mutant.name;
    if (!mutant.op) {
      break_passes();
      return passes_tests(mutant.tests);
    }
    break_op(*mutant.op);
    // Those first that are about the rule.
    using enum registry::Check;
    const std::string rule = mutant.name.substr(mutant.op->name.size() + 1);
    std::vector<registry::Check> checks{jvp, dot, second, transpose, value, batch, program};
    if (rule.rfind("batch", 0) == 0) checks = {batch, program, value, jvp, dot, second, transpose};
    if (rule.rfind("kernel", 0) == 0) checks = {value, program, jvp, dot, second, transpose, batch};
    return passes_checks(*mutant.op, checks) && passes_tests(other_tests);
  };
}

struct Count {
  int mutants = 0, survivors = 0;
};

std::string kind_of(const std::string& name) {
  std::string kind = name.substr(name.rfind(": ") + 2);
  for (char& c : kind) {
    if (c >= '0' && c <= '9') c = '#';
  }
  return kind;
}

int run(int argc, char** argv) {
  std::string of, filter;
  unsigned every = 1, at_a_time = std::max(1U, std::thread::hardware_concurrency());
  bool list = false, show = false;
  CLI::App app{"Breaks the rules, kernels and passes one at a time, and lists the breaks that no test notices."};
  app.add_option("--of", of, "Only mutants of this op; of \"ops\": of all ops; of \"passes\": of the passes");
  app.add_option("--filter", filter, "Only mutants whose name contains this");
  app.add_option("--every", every, "Only every so many-th mutant")->check(CLI::PositiveNumber);
  app.add_option("--jobs", at_a_time, "Processes at a time")->check(CLI::PositiveNumber);
  app.add_flag("--list", list, "Only list the mutants");
  app.add_flag("--show", show, "Show how each is noticed");
  CLI11_PARSE(app, argc, argv);
  int no_arguments = 1;
  ::testing::InitGoogleTest(&no_arguments, argv);
  ::testing::UnitTest::GetInstance()->listeners().Append(new Clock);

  const auto start = std::chrono::steady_clock::now();
  std::vector<const Op*> parts;
  for (const Op* op : all_ops()) {
    if (!(of.empty() || of == "ops" || of == op->name)) continue;
    parts.push_back(op);
    registry::prepare(*op);
  }
  if (of.empty() || of == "passes") parts.push_back(nullptr);
  std::vector<std::FILE*> files;
  std::vector<std::function<bool()>> jobs;
  for (const Op* op : parts) {
    files.push_back(std::tmpfile());
    jobs.push_back(listing(op, files.back()));
  }
  std::vector<Mutant> mutants;
  bool fine = true;
  run_forked(jobs, at_a_time, !show, [&](std::size_t k, bool passed) {
    if (!passed)
      std::cout << "Nothing is broken, and the tests fail: " << (parts[k] ? parts[k]->name : "passes") << '\n';
    fine = fine && passed;
  });
  if (!fine) return 2;
  for (std::size_t k = 0; k < parts.size(); ++k) {
    std::rewind(files[k]);
    std::vector<std::string> words(1);  // a line's
    for (int c; (c = std::fgetc(files[k])) != EOF;) {
      if (c == '\t') words.emplace_back();
      if (c != '\t' && c != '\n') words.back() += static_cast<char>(c);
      if (c != '\n') continue;
      const std::string name = words[0];
      if (name.find(filter) != std::string::npos && !is_equivalent(name)) {
        mutants.push_back({parts[k], name, {words.begin() + 1, words.end()}});
      }
      words.assign(1, "");
    }
    std::fclose(files[k]);
  }
  std::vector<Mutant> some;
  for (std::size_t k = every / 2; k < mutants.size(); k += every) some.push_back(mutants[k]);
  mutants = std::move(some);
  if (list) {
    for (const Mutant& m : mutants) std::cout << m.name << '\n';
    return 0;
  }

  std::map<std::string, Count> parts_count, kinds;
  std::vector<std::string> survivors;
  std::size_t ended = 0;
  jobs.clear();
  for (const Mutant& m : mutants) jobs.push_back(survives(m));
  run_forked(jobs, at_a_time, !show, [&](std::size_t k, bool survived) {
    const Mutant& m = mutants[k];
    for (Count* count :
         {&parts_count[m.op ? m.op->name : m.name.substr(0, m.name.find_first_of(":"))], &kinds[kind_of(m.name)]}) {
      ++count->mutants;
      count->survivors += survived;
    }
    if (survived) {
      survivors.push_back(m.name);
      std::cout << "SURVIVED " << m.name << std::endl;
    }
    if (++ended % 100 == 0) std::cout << ended << " of " << mutants.size() << std::endl;
  });
  for (const auto& [title, counts] : {std::pair("of", &parts_count), {"what is wrong", &kinds}}) {
    std::printf("\n%-44s %8s %10s\n", title, "mutants", "survivors");
    for (const auto& [name, count] : *counts) {
      std::printf("%-44s %8d %10d\n", name.c_str(), count.mutants, count.survivors);
    }
  }
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("\n%zu mutants, %zu survivors (%.0f s)\n", mutants.size(), survivors.size(), seconds);
  for (const std::string& name : survivors) std::printf("  %s\n", name.c_str());
  for (const auto& [name, why] : equivalent) std::printf("left out: %s, since %s\n", name.c_str(), why.c_str());
  return survivors.empty() ? 0 : 1;
}

}  // namespace
}  // namespace dini::mutation

int main(int argc, char** argv) { return dini::mutation::run(argc, argv); }
