// The op of a linear solve by a method: with a jvp and a transpose of its own, whatever the method is.
#pragma once

#include "dini/linear/system.hpp"
#include "dini/ops/op.hpp"

namespace dini::detail {

/// x with A x = b, in ops that the method gives (LinearMethod::attempt), b scaled to size about 1. Differentiable in what the
/// system keeps and in b; reverse mode solves with Aᵀ by the same method and from what was prepared of A.
Array operator_solve(const LinearSystem& system, const LinearMethodRef& method, const Leaves& prepared, const Array& b,
                     LinearFailure failure);
const Op& operator_solve_op();  // (b [n], prepared..., kept...) -> x. {spec}

}  // namespace dini::detail
