// The choice of SameSolver, which stands for a method that is known once the solver is.
#pragma once

#include "dini/linear/system.hpp"

namespace dini::detail {

struct SameSolverChoice final : TableMethod<SameSolver> {
  using TableMethod::TableMethod;
  LinearOutcome attempt(const Product& apply, const LinearSystem& system, const Leaves& prepared, const Array& b,
                        bool transposed) const override;
};

}  // namespace dini::detail
