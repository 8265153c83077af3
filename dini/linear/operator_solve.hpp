// Linear solves with an operator that is known by its products: an op with a jvp and a transpose of its own.
//
//     x = A⁻¹ b,      dx = A⁻¹ (db - dA x),      b̄ = A⁻ᵀ x̄
#pragma once

#include <memory>

#include "dini/linear/adjoint.hpp"
#include "dini/solvers/status.hpp"
#include "dini/transforms/derive.hpp"

namespace dini::detail {

struct LinearOutcome {
  Array x, status, residual;
};

/// A method for A x = b, written with ops (it is traced once).
struct LinearMethod {
  virtual ~LinearMethod() = default;
  virtual std::string key() const = 0;
  /// `apply` is v -> A v; where A = M - I is a fixed point's, `map` is v -> M v, and empty otherwise. b has size about 1.
  virtual LinearOutcome solve(const ProgramRef& apply, const Leaves& kept, const std::function<Array(const Array&)>& map,
                              const Array& b) const = 0;
};
using LinearMethodRef = std::shared_ptr<const LinearMethod>;
LinearMethodRef krylov_method(const Adjoint& adjoint);

/// A x = b where `product` is the Program [v, kept...] -> M v, and A = M - I with `minus_identity`, M without. One lane's
/// failure throws a SolveError when the op is run, after all lanes have run, or with `nan` makes that lane's x NaN.
Array operator_solve(const ProgramRef& product, bool minus_identity, const LinearMethodRef& method, bool nan, const Array& b,
                     const Leaves& kept);

/// x, but a SolveError when the op runs and a status is not `converged`. `what` names the solver or adjoint.
Array check_status(const Array& x, const Array& status, const Array& steps, const Array& residual, const std::string& what);

}  // namespace dini::detail
