// Projections: the nearest point of a set, ½‖z - x‖² least, as a function of x and of what the set is made of.
//
// All are in closed form but that on a polyhedron, which is a quadratic program (implicit/quadratic_program.hpp). Derivatives of every
// order are those of the solution with its active constraints held; where x is such that a constraint is active with a multiplier of
// 0, the mean of those with it and without it, by the rule of quadratic_program. Of a set that is empty the nearest point is NaN.
// x is a vector, but for project_box; batches are vmap's.
#pragma once

#include "dini/core/array.hpp"
#include "dini/implicit/quadratic_program.hpp"

namespace dini {

/// lower ≤ z ≤ upper, entry by entry; shapes broadcast. ±∞ is no bound.
Array project_box(const Array& x, const Array& lower, const Array& upper);
/// z ≥ 0, Σ z = sum.
Array project_simplex(const Array& x, const Array& sum = 1.0);
/// lower ≤ z ≤ upper, aᵀz = b; a, lower and upper [n] or one number.
Array project_box_section(const Array& x, const Array& a, const Array& b, const Array& lower, const Array& upper);
/// ‖z‖ ≤ radius in the norm of order 1, 2 or ∞. ValueError for another.
Array project_ball(const Array& x, const Array& radius = 1.0, double ord = 2);
/// aᵀz ≤ b.
Array project_halfspace(const Array& x, const Array& a, const Array& b);
/// A z = b, A [k, n]. Where there is no such z, those that come nearest take their place.
Array project_affine(const Array& x, const Array& A, const Array& b);
/// The rows and bounds of a program without P and q: A z = b, h_lower ≤ G z ≤ h, lower ≤ z ≤ upper. ValueError where it has a P or a q;
/// SolveError where there is no such z, as options.on_failure says.
Array project_polyhedron(const Array& x, const QuadraticProgram& rows, const ProgramOptions& options = {});

}  // namespace dini
