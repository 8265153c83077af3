// What the op `solve` holds: the Programs that its rules run, made from a residual, a solver and an adjoint.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "dini/implicit/regularity.hpp"
#include "dini/implicit/solve.hpp"
#include "dini/transforms/derive.hpp"

namespace dini::detail::implicit {

using Mask = std::vector<bool>;

/// What of an Outcome the op gives, in this order; z comes first. With constraints the leaves of a ConstrainedEnd follow, of which
/// the first are ν and λ, and the bounds' μ_l - μ_u.
enum Output : std::size_t {
  z_output,
  status_output,
  steps_output,
  evaluations_output,
  norm_output,
  error_output,
  equal_output = 8,
  at_most_output,
  strict_output,
  weak_output = strict_output + 3
};
constexpr std::size_t plain_outputs =
    8;  // z, status, steps, evaluations, residual_norm, error_estimate, history, method
constexpr std::size_t bounds_output = plain_outputs + 14, constrained_outputs = bounds_output + 1;

/// Programs that the op's rules run. Where a derivative will be wanted the forward one also hands on the points themselves, which
/// are no NaN where the solve failed, and what the solver made of them (factors, or which constraints are active):
///     forward  [z0, θ...] -> [the op's outputs..., with `derivable` also: points..., made...]
///     prepare  [points..., z0, status, made..., θ...] -> kept
///     push     [dθ of the active..., kept...] -> [d(points)...]
/// A batched solve holds the batched Programs of the single one.
struct Spec : Opaque {
  std::string name() const override { return "solve"; }
  virtual ProgramRef forward(bool derivable) const = 0;
  struct Derivative {
    ProgramRef prepare, push;
  };
  virtual Derivative derivative(const Mask& active) const = 0;
  virtual const SolveSettings& settings_of() const = 0;
  /// The Programs that it has made by now.
  virtual std::vector<ProgramRef> made() const = 0;
  std::size_t outputs() const { return settings_of().form.any() ? constrained_outputs : plain_outputs; }
  /// The outputs that are differentiable.
  std::vector<std::size_t> points() const {
    if (!settings_of().form.any()) return {z_output};
    return {z_output, equal_output, at_most_output, bounds_output};
  }
};
using SpecRef = std::shared_ptr<const Spec>;

/// Of a single solve, and of `size` lanes of one in which the marked of [z0, θ...] have the axis.
SpecRef plain_spec(const ProgramRef& map, const SolveSettings& settings);
SpecRef lanes_spec(const SpecRef& one, const Mask& batched, std::int64_t size);

inline const char* const derivative_by = "derivative of the solution by adjoint: ";
inline const char* const refused = "derivative of a solve that failed (derivative_anyway allows it): ";

/// A single solve: of a map [z, θ...] -> [its value, equal's, at_most's].
class SingleSolve : public Spec {
 public:
  SingleSolve(ProgramRef m, const SolveSettings& s) : map(std::move(m)), settings(s) {}
  const SolveSettings& settings_of() const override { return settings; }
  ProgramRef forward(bool derivable) const override;
  Derivative derivative(const Mask& active) const override;
  std::vector<ProgramRef> made() const override;

 protected:
  /// From what there is of a solution (prepare's inputs before θ), and θ, the arrays kept for its derivative; and `push` is set to the
  /// function of [dθ of the active...] and what was kept.
  using Push = std::function<Leaves(const Leaves& dtheta, const Leaves& kept)>;
  virtual Leaves prepare_ops(const Leaves& solution, const Leaves& theta, const Mask& active, Push& push) const = 0;
  /// What a solve hands on beside its points.
  virtual Leaves made_of(const Outcome& out) const = 0;

  SolverProblem problem_at(const Leaves& theta) const;
  /// Of a solve with constraints the bounds' multipliers μ_l - μ_u, from the others.
  virtual Array bounds_multipliers(const Outcome& out, const Leaves& theta) const { return (void)theta, out.z; }
  Aval point() const;
  /// The types of these, then of θ.
  std::vector<Aval> inputs(std::vector<Aval> first) const;

  ProgramRef map;
  SolveSettings settings;

 private:
  Leaves forward_ops(const Array& z0, const Leaves& theta, bool derivable) const;
  // Kept here and not with the Program of the map, which they refer to.
  mutable std::mutex mutex_;
  mutable ProgramRef forward_[2];
  mutable std::map<Mask, std::shared_ptr<const Derivative>> derivatives_;
};

/// The problem of a map of this kind.
SolverProblem problem_of(const std::function<Array(const Array&)>& map, Kind kind, const MatrixStructure& structure);

/// What is known of a z that came without a status. Where A is small enough to be formed, z is refused when its Newton
/// correction is too large; what A cannot say (singular, or NaN at a kink) is left to the derivative.
Outcome judge_value(const SolverProblem& p, const Array& z, const Array& z0, double accept);
/// Whether its outcome has factors.
bool judge_factors(std::int64_t order);

/// Of a solve with constraints (implicit/constrained_solve.cpp).
SpecRef constrained_spec(const ProgramRef& map, const SolveSettings& settings);

/// The same arrays, as what is not differentiated.
Leaves still(const Leaves& arrays);
/// Of what has no derivative no NaN may come into the sums of others, so that a loss may mask it: it is given numbers that none
/// comes of. `calm` gives those for an array.
void lay_to_rest(Leaves& arrays, const Array& alive, const std::function<Array(const Array&)>& calm);
/// Tangents of θ of which those that move what has no derivative are NaN: made-up numbers do not cancel then.
Leaves guarded_leaves(const Leaves& dtheta, const Array& alive);
/// The identity for a square matrix, ones otherwise.
Array unit_like(const Array& a);

inline Leaves part(const Leaves& v, std::size_t first, std::size_t last) {
  return {v.begin() + static_cast<std::ptrdiff_t>(first), v.begin() + static_cast<std::ptrdiff_t>(last)};
}
inline Leaves rest(const Leaves& v, std::size_t first) { return part(v, first, v.size()); }
inline Leaves join(Leaves a, const Leaves& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace dini::detail::implicit
