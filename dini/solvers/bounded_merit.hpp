// What solvers of problems with bounds make smaller: a merit function of z in l ≤ z ≤ u.
//
// Of a minimum it is f, of a fit ½‖r‖², with their exact Hessians. A root with bounds is a z with F_j = 0 where l_j < z_j < u_j,
// F_j ≥ 0 at l_j and F_j ≤ 0 at u_j (a box variational inequality): where Φ = 0, with Φ_j = φ(z_j - l_j, -φ(u_j - z_j, -F_j)) and
// φ(a, b) = a + b - √(a² + b²) (Fischer and Burmeister; S. C. Billups, Algorithms for Complementarity Problems and Generalized
// Equations, 1995). Its merit is ½‖Φ‖², which is smooth, and its Hessian is ΦʹᵀΦʹ.
#pragma once

#include "dini/solvers/kkt.hpp"

namespace dini::detail {

struct BoundedModel {
  Array value, gradient, hessian;
  Array error;  // of the conditions of optimality in the bounds (kkt.hpp)
  Leaves more;  // what else a merit function has to say
  auto tree() { return std::tie(value, gradient, hessian, error, more); }
};

/// `model` may be infinite or NaN where `value` is.
struct BoundedMerit {
  BoundsOf bounds;
  std::function<Array(const Array& z)> value;
  std::function<BoundedModel(const Array& z)> model;
};

/// Of a problem with no more than bounds, which outlives it. A root's equations are counted in units of the rows of F's Jacobian at
/// z0.
BoundedMerit merit_of(const SolverProblem& problem, const Array& z0);

/// The error of a gradient (or F) within bounds, `bending` being the magnitudes that it is made of beside itself.
Array bounded_error(const Array& gradient, const Array& bending, const BoundsOf& bounds, const Array& z,
                    const Array& z0);

/// Whether the bounds allow no z at all: l > u in an entry.
Array contradictory(const BoundsOf& bounds);

}  // namespace dini::detail
