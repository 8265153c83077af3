// What the op `solve` holds: the Programs that its rules run, made from a residual, a solver and an adjoint.
#pragma once

#include <functional>
#include <vector>

#include "dini/implicit/solve.hpp"

namespace dini::detail::implicit {

using Mask = std::vector<bool>;

/// Programs that the op's rules run: forward [z0, θ...] -> outcome; prepare [z, z0, θ...] -> kept; push [dθ of the active...,
/// kept...] -> dz. A batched solve holds the batched Programs of the single one.
struct Spec : Opaque {
  std::string name() const override { return "solve"; }
  virtual ProgramRef forward() const = 0;
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

SolverProblem problem_of(const std::function<Array(const Array&)>& map, bool fixed_point);

/// What is known of a z that came without a status. Where A is small enough to be formed, z is refused when its Newton
/// correction is too large; what A cannot say (singular, or NaN at a kink) is left to the derivative.
Outcome judge_value(const SolverProblem& p, const Array& z, const Array& z0, double accept);

inline Leaves rest(const Leaves& v, std::size_t first) {
  return {v.begin() + static_cast<std::ptrdiff_t>(first), v.end()};
}
inline Leaves join(Leaves a, const Leaves& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace dini::detail::implicit
