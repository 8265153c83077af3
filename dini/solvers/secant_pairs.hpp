// Quasi-Newton updates: what steps s and the changes y of the gradient along them tell of the inverse of the Hessian.
#pragma once

#include "dini/core/array.hpp"

namespace dini::detail {

/// Broyden, Fletcher, Goldfarb and Shanno's: (I - ρsyᵀ) B (I - ρysᵀ) + ρssᵀ with ρ = 1/sᵀy > 0, positive definite as B is
/// (Nocedal and Wright, Numerical Optimization, 2006, 6.17).
Array bfgs_update(const Array& inverse, const Array& s, const Array& y);

/// sᵀy/yᵀy, the scale of the inverse before the first update, and sᵀs/sᵀy, Barzilai and Borwein's step.
Array short_step(const Array& s, const Array& y);
Array long_step(const Array& s, const Array& y);

/// B⁻¹g from the last pairs, rows of s and y, the newest last; rows of zeros where there is none yet. By two loops over the
/// pairs, from short_step of the newest (Nocedal and Wright, algorithm 7.4).
Array two_loops(const Array& s, const Array& y, const Array& gradient);

}  // namespace dini::detail
