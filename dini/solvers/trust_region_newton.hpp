// Newton's method for minima, each step within a trust region.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// For minima and fits: H = ∂²E/∂z² is formed once a step, and p makes the quadratic model gᵀp + ½pᵀHp least over ‖Dp‖ ≤ Δ,
/// whether H is definite or not, so that saddles are left by themselves. D = 1, or with `scaled` the running largest √|H_jj|, for
/// unknowns whose units lie far apart. Δ starts as ‖Dz0‖; p is taken where E falls by 1e-4 of what the model says; Δ is a quarter
/// where it falls by less than ¼, twice where by more than ¾ and p ends at the border (Moré and Sorensen, Newton's method, in
/// Studies in Numerical Analysis, 1984; Conn, Gould and Toint, Trust-Region Methods, 2000, 6.1). Quadratic convergence near a
/// minimum with a definite H.
struct TrustRegionNewton {
  int scaled = 0;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<TrustRegionNewton>& table();
};

}  // namespace dini
