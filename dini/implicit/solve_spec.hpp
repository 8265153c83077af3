// What the op `solve` holds: the Programs that its rules run, made from a residual, a solver and an adjoint.
#pragma once

#include <functional>
#include <vector>

#include "dini/implicit/regularity.hpp"
#include "dini/implicit/solve.hpp"
#include "dini/transforms/derive.hpp"

namespace dini::detail::implicit {

using Mask = std::vector<bool>;

/// What of an Outcome the op gives, in this order; z comes first.
enum Output : std::size_t { z_output, status_output, steps_output, evaluations_output, norm_output, error_output };
constexpr std::size_t outputs = 8;  // z, status, steps, evaluations, residual_norm, error_estimate, history, method

/// Programs that the op's rules run. Where a derivative will be wanted the forward one also hands on the point itself, which is no
/// NaN where the solve failed, and the factors that the solver made:
///     forward  [z0, θ...] -> [the op's outputs..., with `derivable` also: z, factors...]
///     prepare  [z, z0, status, factors..., θ...] -> kept
///     push     [dθ of the active..., kept...] -> dz
/// A batched solve holds the batched Programs of the single one.
struct Spec : Opaque {
  std::string name() const override { return "solve"; }
  virtual ProgramRef forward(bool derivable) const = 0;
  struct Derivative {
    ProgramRef prepare, push;
  };
  virtual Derivative derivative(const Mask& active) const = 0;
  virtual const SolveSettings& settings_of() const = 0;
};
using SpecRef = std::shared_ptr<const Spec>;

/// Of a single solve, and of `size` lanes of one in which the marked of [z0, θ...] have the axis.
SpecRef plain_spec(const ProgramRef& map, const SolveSettings& settings);
SpecRef lanes_spec(const SpecRef& one, const Mask& batched, std::int64_t size);

inline const char* const derivative_by = "derivative of the solution by adjoint: ";
inline const char* const refused = "derivative of a solve that failed (derivative_anyway allows it): ";

/// The problem of a map of this kind.
SolverProblem problem_of(const std::function<Array(const Array&)>& map, Kind kind, const MatrixStructure& structure);

/// What is known of a z that came without a status. Where A is small enough to be formed, z is refused when its Newton
/// correction is too large; what A cannot say (singular, or NaN at a kink) is left to the derivative.
Outcome judge_value(const SolverProblem& p, const Array& z, const Array& z0, double accept);
/// Whether its outcome has factors.
bool judge_factors(std::int64_t n);

inline Leaves part(const Leaves& v, std::size_t first, std::size_t last) {
  return {v.begin() + static_cast<std::ptrdiff_t>(first), v.begin() + static_cast<std::ptrdiff_t>(last)};
}
inline Leaves rest(const Leaves& v, std::size_t first) { return part(v, first, v.size()); }
inline Leaves join(Leaves a, const Leaves& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace dini::detail::implicit
