// Bisection of brackets.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// For roots in brackets: each is divided in the middle of the floating-point numbers between its ends (0; geometric means; then
/// arithmetic ones), so that about 65 evaluations find any root to the last digit, wherever it is and whatever F is like; 35 in
/// float32.
struct Bisection {
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<Bisection>& table();
};

}  // namespace dini
