// The adjoint that is the solver itself: x with M x - x = b as the fixed point of x = M x - b.
#pragma once

#include "dini/implicit/solve.hpp"
#include "dini/linear/same_solver.hpp"

namespace dini::detail::implicit {

LinearMethodRef same_solver_method(const SameSolver& options, const SolveSettings& settings);

}  // namespace dini::detail::implicit
