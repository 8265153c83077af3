#include "dini/exec/passes.hpp"

#include "dini/exec/rewrite.hpp"

namespace dini::exec {

std::vector<Pass>& mutable_passes() {
  static std::vector<Pass> list = {
      {"simplify", simplify},         {"fold constants", fold_constants},
      {"merge common", merge_common}, {"hoist", hoist_invariant},
      {"simplify again", simplify},   {"fold again", fold_constants},
      {"merge again", merge_common},  {"combine", combine},
      {"remove dead", remove_dead},
  };
  return list;
}

std::span<const Pass> passes() { return mutable_passes(); }

namespace {
void run_passes(Program& p) {
  sink_constants(p);
  for (const Equation& e : p.equations) {
    for (Program* inner : programs_of(e)) run_passes(*inner);
  }
  for (const Pass& pass : passes()) pass.run(p);
}
}  // namespace

std::shared_ptr<Program> optimized(const Program& program) {
  auto copy = private_copy(program);
  remove_dead(*copy);
  run_passes(*copy);
  return copy;
}

}  // namespace dini::exec
