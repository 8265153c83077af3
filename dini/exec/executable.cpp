#include "dini/exec/executable.hpp"

#include "dini/core/caches.hpp"
#include "dini/core/lru_cache.hpp"
#include "dini/exec/interpreter.hpp"
#include "dini/exec/passes.hpp"
#include "dini/exec/plan.hpp"
#include "dini/exec/rewrite.hpp"
#include "dini/exec/shared.hpp"
#include "dini/trace/program_size.hpp"
#include "dini/trace/run.hpp"

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

std::shared_ptr<const Executable> detail::ready_to_run(const Program& program) {
  const auto kept = program.cached<KeptExecutable>(
      "executable", [&] { return std::make_shared<KeptExecutable>(KeptExecutable{exec::shared_executable(program)}); });
  return kept->executable;
}

Leaves detail::run_ready(const Executable& executable, const Leaves& inputs) { return executable.run(inputs); }

Leaves run_program(const Program& program, std::span<const Array> inputs) {
  return detail::ready_to_run(program)->run(inputs);
}

namespace exec {

namespace {

struct ProgramHash {
  std::size_t operator()(const Program& p) const { return p.hash(); }
  std::size_t operator()(const ProgramRef& p) const { return p->hash(); }
};
struct ProgramEqual {
  bool operator()(const ProgramRef& a, const Program& b) const { return a->equal(b); }
  bool operator()(const ProgramRef& a, const ProgramRef& b) const { return a->equal(*b); }
};

// The Executables of the Programs that were last compiled. Traced anew, a function gives an equal Program. Their weight is
// what they hold in bytes: a large workspace is nothing to keep.
constexpr std::size_t bytes_of_an_equation = 1 << 9;  // of the Program, and of the plan
constexpr std::size_t most_bytes = std::size_t{1} << 24, most_bytes_together = std::size_t{1} << 28;
using SharedExecutables = detail::LruCache<ProgramRef, const Executable, ProgramHash, ProgramEqual>;
SharedExecutables& shared_executables() {
  static SharedExecutables kept(256, most_bytes_together);
  static const bool registered [[maybe_unused]] = detail::register_cache(
      {"programs", [] { shared_executables().clear(); }, [] { return shared_executables().size(); }});
  return kept;
}

}  // namespace

std::shared_ptr<const Executable> shared_executable(const Program& program) {
  if (auto found = shared_executables().find(program)) return found;
  const auto p = optimized(program);
  auto plan = make_plan(*p, program.output_avals());
  std::unordered_set<const Program*> seen;
  std::size_t bytes = plan->workspace_bytes + bytes_of_an_equation * equations_in(*p, seen);
  for (const auto& [slot, a] : plan->constants) bytes += static_cast<std::size_t>(a.size()) * item_size(a.dtype());
  auto executable = make_planned(std::move(plan));
  // One that calls back holds the user's objects, which it should not outlive.
  if (bytes > most_bytes || is_effectful(*p)) return executable;
  return shared_executables().keep(std::make_shared<Program>(program), std::move(executable), bytes);
}

}  // namespace exec

}  // namespace dini
