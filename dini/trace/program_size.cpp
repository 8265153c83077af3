#include "dini/trace/program_size.hpp"

#include "dini/trace/late.hpp"

namespace dini::detail {

std::size_t equations_in(const Program& p, std::unordered_set<const Program*>& seen) {
  if (!seen.insert(&p).second) return 0;
  std::size_t n = p.equations.size();
  for (const Equation& e : p.equations) {
    if (e.op->control == Control::late) {
      if (const ProgramRef late = late_program(e.params)->made()) n += equations_in(*late, seen);
    }
    for (const ProgramRef& inner : programs_in(e.params)) n += equations_in(*inner, seen);
  }
  return n;
}

}  // namespace dini::detail
