// When a point is a solution: one rule for each kind of problem.
//
// With A = ∂F/∂z and δ = -A⁻¹F(z), rtol = eps^(2/3), η the rounding noise of F (transforms/rounding_noise.hpp) and e what it does
// to z, the largest |A⁻¹(s∘η)| over fixed patterns s of signs, a point has converged when
//
//     |δ_j| ≤ max(rtol·|z_j|, 4 e_j, eps²·|z0_j|)        in every component j, for unknowns have units
//                                                        (‖z0‖ or ‖z‖ in place of a z0_j that is 0),
//
// and the correction is good: F(z + δ) is finite and at most half as long as F(z), or F is at its noise (‖F‖ ≤ 4‖η‖, or |F| ≤ 4η in
// every entry, or ‖F‖ ≤ 8·eps·‖ |A||z| ‖ and F goes on beside z as A says). F = 0 converges, too, unless F is no more than rounding
// at 1.01 z as well. Then the point is polished: δ is taken, and further corrections by the same factors while each is less than
// half of the last, measured by the largest |δ_j|/|z_j|. At its noise while ‖A⁻¹(|F| + η)‖ > 1e-2·‖z‖ the root is hidden by
// rounding, and nothing has converged.
//
// A minimum wants besides that the Hessian is positive definite. Where rounding hides whether it has lost its rank, and where it is
// no more than semidefinite, no step along its null direction may lead further down. What is no minimum is left by such a step, or by
// one along the direction of most negative curvature. A least-squares fit wants the same, and that no column of ∂r/∂z has vanished since
// the start, and its curvature with it: where one has, the gradient is small because the model no longer depends on that parameter.
#pragma once

#include "dini/linear/check_status.hpp"
#include "dini/solvers/solver.hpp"

namespace dini::detail {

/// b -> A⁻¹b for A at or near the point, b [n] or [n, k].
using Inverse = std::function<Array(const Array&)>;

/// A point to judge.
struct Candidate {
  Array z, residual, delta;  // F(z), and -A⁻¹F(z)
  Array matrix;              // A, where it is formed; undefined otherwise
  Leaves factors;            // of A
  Inverse inverse;
  Array z0;
  Array by_itself;  // false: only a residual that is all noise makes it a solution
};

struct Judgement {
  Array z, residual;     // polished where it has converged
  Array status;          // converged, or why not: stagnated (hidden by rounding), not_a_minimum; not_yet otherwise
  Array error_estimate;  // the largest (|δ_j| + e_j)/|z_j|
  Array evaluations;     // how many F took
  Array way_down;        // of what is no minimum a point further down,
  Array falls;           // where one was found
  auto tree() { return std::tie(z, residual, status, error_estimate, evaluations, way_down, falls); }
  static constexpr std::int64_t not_yet = -1;
};

/// What a kind says of a root of its residual.
struct Confirmation {
  Array status;           // converged, or why it is none
  Array way_down, falls;  // as in a Judgement
  auto tree() { return std::tie(status, way_down, falls); }
};

class Criterion {
 public:
  virtual ~Criterion() = default;
  /// By which the best point is kept: the smaller, the better.
  virtual Array merit(const Array& residual) const;
  /// What the rule above says of a point.
  Judgement judge(const SolverProblem& problem, const Candidate& at) const;

 protected:
  /// What the kind wants besides of a point that is a root of the residual. `hidden` is what the noise may do to z, by patterns of signs.
  virtual Confirmation confirm(const SolverProblem& problem, const Candidate& at, const Array& z,
                               const Array& hidden) const;
  /// What it says where F is no more than noise, and noise may move z by much of itself: `stagnated`, if it does not know better.
  virtual Confirmation hidden(const SolverProblem& problem, const Candidate& at, const Array& z) const;
};
const Criterion& criterion_of(Kind kind);

/// rtol of a dtype.
double solution_tolerance(Dtype dtype);
/// The largest |d_j|/|z_j|, where 0/0 is 0.
Array largest_relative(const Array& d, const Array& z);
/// Whether δ is so small beside z that the point is worth a judgement; cheap enough for every step.
Array worth_judging(const Array& delta, const Array& z, const Array& z0);

/// η at z, no less than the smallest number, for products may vanish. Of a function that cannot be traced what stands for it: the
/// roundings of the terms of A z, and of a fixed point's map.
Array noise_at(const SolverProblem& problem, const Array& z, const Array& matrix);

/// s∘η for four fixed patterns s of signs, [n, 4]: what rounding may be. Of up to two unknowns these are all that there are, but for
/// the sign of the whole.
/// Of equations that have nothing to do with one another, where A is the vector of a diagonal, one is enough.
Array noise_patterns(const Array& eta, const Array& a = {});

/// The largest correction, in the unknowns' units, that rounding may hide: δ ± one of the columns of A⁻¹(s∘η); of a diagonal A, each
/// unknown's own.
Array felt_correction(const Array& delta, const Array& hidden, const Array& a);

/// A real scalar constant of z's dtype.
Array scalar_like(double value, const Array& z);
/// ‖v‖, neither overflowing nor vanishing where squares of v would.
Array length(const Array& v);
/// The largest magnitudes of A's columns once its rows are scaled, 1 for a column of zeros: the inverses of its unknowns' units.
Array column_sizes(const Array& a);
/// ‖A⁻¹ΔA‖, the relative change of A whatever its scaling: with the unknowns in these units or in those of |z|, whichever makes it
/// smaller. In any units it is no less than the largest eigenvalue, which is large at a multiple root and has no units; and scaled
/// columns alone are no units where A has zeros.
Array relative_change(const Array& a, const Inverse& inverse, const Array& change, const Array& z);

}  // namespace dini::detail
