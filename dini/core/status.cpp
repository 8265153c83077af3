#include "dini/core/status.hpp"

#include <ostream>

namespace dini {

const char* name(StatusCode code) {
  constexpr const char* names[] = {"converged", "max_steps", "stagnated",     "diverged",      "nonfinite",
                                   "singular",  "breakdown", "unbounded",     "not_a_minimum", "infeasible",
                                   "bracket",   "cancelled", "not_a_solution"};
  return names[static_cast<int>(code)];
}

std::string describe(StatusCode code) {
  switch (code) {
    case StatusCode::converged: return "converged";
    case StatusCode::max_steps: return "the steps ran out before it converged; raise max_steps or try another solver";
    case StatusCode::stagnated:
      return "the residual no longer falls; try another start or solver, or a looser tolerance";
    case StatusCode::diverged:
      return "the iterates grow without end; the map is not a contraction: try newton or anderson";
    case StatusCode::nonfinite: return "a value or derivative is NaN or infinite";
    case StatusCode::singular: return "the derivative of the residual is singular";
    case StatusCode::breakdown: return "the linear solver broke down";
    case StatusCode::unbounded: return "the function falls without end";
    case StatusCode::not_a_minimum: return "the point found is no minimum";
    case StatusCode::infeasible: return "no point satisfies the constraints";
    case StatusCode::bracket: return "the function does not change its sign between the ends of the bracket";
    case StatusCode::cancelled: return "cancelled";
    case StatusCode::not_a_solution: return "the value that the solver returned is far from a solution";
  }
  return "";
}

StatusCode Status::get() const {
  for (std::int64_t c : code.to_vector<std::int64_t>()) {
    if (c != 0) return static_cast<StatusCode>(c);
  }
  return StatusCode::converged;
}

bool operator==(const Status& s, StatusCode c) {
  for (std::int64_t k : s.code.to_vector<std::int64_t>()) {
    if (k != static_cast<std::int64_t>(c)) return false;
  }
  return true;
}

std::ostream& operator<<(std::ostream& out, const Status& s) {
  if (s.code.ndim() == 0) return out << name(s.get());
  out << '[';
  const auto codes = s.code.to_vector<std::int64_t>();
  for (std::size_t k = 0; k < codes.size(); ++k) out << (k ? ", " : "") << name(static_cast<StatusCode>(codes[k]));
  return out << ']';
}

}  // namespace dini
