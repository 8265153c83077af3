// Quadratic and linear programs as functions of their data.
//
//     min ½xᵀPx + qᵀx   with   A x = b,   h_lower ≤ G x ≤ h,   lower ≤ x ≤ upper,      P positive semidefinite
//
// What is found, its multipliers and the objective are differentiable in every array of the program, in every order, under jit and
// vmap, by the implicit function theorem on the conditions of optimality with the active rows held (implicit/constrained.hpp). P is read
// as ½(P + Pᵀ), and its derivative is symmetric. Of a linear program at a vertex ∂x/∂q = 0: a small change of q leaves it there.
#pragma once

#include "dini/implicit/constrained.hpp"

namespace dini {

/// The data: P [n, n], q [n]; A [k, n], b [k] or one number; G [m, n], h and h_lower [m] or one number; lower and upper [n] or one
/// number. An array that is not given is not there: no P is a linear program. ±∞ in h, h_lower, lower and upper is no row or bound; where
/// two sides are equal they are an equation.
struct QuadraticProgram {
  Array P = {}, q = {}, A = {}, b = {}, G = {}, h = {}, h_lower = {}, lower = {}, upper = {};
};
using ProgramOptions = MinimizeOptions;

/// The solution, from x0 or 0. duals.equal is [k] and duals.at_most [m], of h; where there is an h_lower [2, m], of h and of h_lower.
/// ShapeError where shapes do not fit; ValueError where q is missing, or G and h do not come together. SolveError for what has no
/// solution, as options.on_failure says: `infeasible` with multipliers that prove it in `certificate`, `unbounded` with a `ray`,
/// `not_a_minimum` where P has a negative eigenvalue.
Optimum<Array, Array, Array> quadratic_program(const QuadraticProgram& program, const ProgramOptions& options = {},
                                               const Array& x0 = {});
/// From the solution of a program of the same shapes: its active set is tried first, as `minimize` does.
Optimum<Array, Array, Array> quadratic_program(const QuadraticProgram& program, const ProgramOptions& options,
                                               const Optimum<Array, Array, Array>& start);

}  // namespace dini
