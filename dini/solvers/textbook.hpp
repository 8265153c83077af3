// The textbook's three solvers, to the letter: forward iteration, Newton's method run as a forward iteration, and Anderson
// acceleration by a bordered system. What is added changes no result that they return: at most `max_steps` steps, an end
// where the residual has not fallen for 1,000 steps or is not finite, and a status that says so.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// z ← f(z) until ‖z_prev - z‖ ≤ tolerance.
struct FwdSolver {
  double tolerance = 1e-5;
  std::int64_t max_steps = 100000;
  Array operator()(const Function& f, const Array& z_init) const;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<FwdSolver>& table();
};

/// z ← z - (∂f/∂z - I)⁻¹ (f(z) - z) until ‖z_prev - z‖ ≤ tolerance.
struct NewtonSolver {
  double tolerance = 1e-5;
  std::int64_t max_steps = 100000;
  Array operator()(const Function& f, const Array& z_init) const;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<NewtonSolver>& table();
};

/// Anderson acceleration with history m and ridge lam, by the system [[0, 1ᵀ], [1, GGᵀ]] + lam·I, until
/// ‖f(z) - z‖/(1e-5 + ‖f(z)‖) < tol or max_iter.
struct AndersonSolver {
  int m = 5;
  double lam = 1e-4;
  int max_iter = 50;
  double tol = 1e-5;
  double beta = 1.0;
  Array operator()(const Function& f, const Array& z_init) const;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<AndersonSolver>& table();
};

inline constexpr FwdSolver fwd_solver{};
inline constexpr NewtonSolver newton_solver{};
inline constexpr AndersonSolver anderson_solver{};

}  // namespace dini
