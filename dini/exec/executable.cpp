#include "dini/exec/executable.hpp"

#include <list>
#include <mutex>

#include "dini/exec/interpreter.hpp"
#include "dini/exec/passes.hpp"
#include "dini/exec/plan.hpp"
#include "dini/exec/rewrite.hpp"
#include "dini/exec/shared.hpp"

namespace dini {

std::shared_ptr<const Executable> Executable::compile(const Program& program, CompileOptions options) {
  if (!options.optimize) return exec::make_interpreter(program);
  const auto p = exec::optimized(program);
  return exec::make_planned(exec::make_plan(*p, program.output_avals()));
}

namespace {
struct KeptExecutable {
  std::shared_ptr<const Executable> executable;
};
}  // namespace

Leaves run_program(const Program& program, std::span<const Array> inputs) {
  const auto kept = program.cached<KeptExecutable>(
      "executable", [&] { return std::make_shared<KeptExecutable>(KeptExecutable{exec::shared_executable(program)}); });
  return kept->executable->run(inputs);
}

namespace exec {

namespace {

// The Executables of the Programs that were last compiled. Traced anew, a function gives an equal Program.
class SharedCache {
 public:
  std::shared_ptr<const Executable> find(const Program& program, std::uint64_t hash) {
    std::lock_guard lock(mutex_);
    for (auto at = entries_.begin(); at != entries_.end(); ++at) {
      if (at->hash != hash || !at->program->equal(program)) continue;
      entries_.splice(entries_.begin(), entries_, at);
      return entries_.front().executable;
    }
    return nullptr;
  }
  void keep(const Program& program, std::uint64_t hash, std::shared_ptr<const Executable> executable) {
    auto copy = std::make_shared<Program>();
    copy->variables = program.variables;
    copy->inputs = program.inputs;
    copy->outputs = program.outputs;
    copy->constants = program.constants;
    copy->equations = program.equations;
    std::list<Entry> added, dropped;
    added.push_back({hash, std::move(copy), std::move(executable)});
    std::lock_guard lock(mutex_);
    entries_.splice(entries_.begin(), added);
    if (entries_.size() > most) dropped.splice(dropped.begin(), entries_, std::prev(entries_.end()));
  }
  void clear() {
    std::list<Entry> dropped;
    std::lock_guard lock(mutex_);
    dropped.swap(entries_);
  }

 private:
  static constexpr std::size_t most = 256;
  struct Entry {
    std::uint64_t hash;
    std::shared_ptr<const Program> program;
    std::shared_ptr<const Executable> executable;
  };
  std::mutex mutex_;
  std::list<Entry> entries_;  // the one used last comes first
};

SharedCache& shared_cache() {
  static SharedCache cache;
  return cache;
}

// A Program that calls back holds the user's objects, which should not outlive him; a large workspace is nothing to keep.
constexpr std::size_t most_bytes = std::size_t{1} << 24;

}  // namespace

std::shared_ptr<const Executable> shared_executable(const Program& program) {
  const std::uint64_t hash = program.hash();
  if (auto found = shared_cache().find(program, hash)) return found;
  const auto p = optimized(program);
  auto plan = make_plan(*p, program.output_avals());
  std::size_t bytes = plan->workspace_bytes;
  for (const auto& [slot, a] : plan->constants) bytes += static_cast<std::size_t>(a.size()) * item_size(a.dtype());
  auto executable = make_planned(std::move(plan));
  if (bytes <= most_bytes && !is_effectful(*p)) shared_cache().keep(program, hash, executable);
  return executable;
}

void forget_shared_executables() { shared_cache().clear(); }

}  // namespace exec

}  // namespace dini
