// Broyden's methods: Newton's with an approximation of A⁻¹ that every step corrects.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// z ← z - tHF(z), where H is corrected after each step so that H y = s for the change y of F along s: with s = way, by
/// H + (s - Hy)sᵀH/(sᵀHy), the good update, or by H + (s - Hy)yᵀ/(yᵀy), the bad one, which needs no bounds on A⁻¹ (C. G. Broyden, Math.
/// Comp. 19, 1965; damped as by Powell 1970). H begins as A⁻¹ of the start, or as σI, where σF is nearest to A⁻¹F. One
/// evaluation a step, n² numbers; superlinear convergence.
struct Broyden {
  int bad = 0;       // 1: the bad update
  int identity = 0;  // 1: begins with a multiple of the identity: no Jacobian is formed
  int max_halvings = 20;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<Broyden>& table();
};

}  // namespace dini
