// Solvers: what they are given, what they are, what they return.
//
// A solver is any callable (f, z_init) -> z, where f: z -> f(z) is a Function whose fixed point is sought. The library's own
// are small structs of options (ForwardIteration, Anderson, Newton, ...), each in a file of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>

#include "dini/core/kind.hpp"
#include "dini/core/status.hpp"
#include "dini/linear/adjoint.hpp"
#include "dini/transforms/control.hpp"

namespace dini {

namespace detail {
struct WatchOpaque;
}

/// z -> f(z) for solvers: both arrays of one axis, whatever trees the user's function takes. Can be differentiated, batched
/// and compiled like any other callable: jacobian(f)(z).
class Function {
 public:
  Function() = default;
  explicit Function(std::function<Array(const Array&)> f) : f_(std::move(f)) {}
  Array operator()(const Array& z) const { return f_(z); }
  explicit operator bool() const { return static_cast<bool>(f_); }

 private:
  std::function<Array(const Array&)> f_;
};

/// When to stop. Without an explicit tolerance: when the solution is as exact as the dtype allows (solvers/criterion.hpp). With
/// one: when ‖F(z)‖ ≤ max(absolute, relative·‖F(z0)‖). A plain number sets both.
struct Tolerance {
  std::optional<double> absolute, relative;
  Tolerance() = default;
  Tolerance(double t) : absolute(t), relative(t) {}
  Tolerance(double a, double r) : absolute(a), relative(r) {}
  bool given() const { return absolute || relative; }
};

namespace detail {

/// What a solver is asked to do: 0 = residual(z). Of a fixed point that is map(z) - z; of a minimum the gradient of what is made
/// least, and of a least-squares fit that of ½‖r‖².
struct SolverProblem {
  Kind kind = Kind::root;
  Function map;                    // of a fixed point
  Function residual;               // z [n] -> [n]
  Function objective;              // of a minimum: z -> a scalar; of a least-squares fit: z -> the residuals r [m]
  MatrixStructure structure = {};  // of ∂residual/∂z, or of its negative for a fixed point
  bool reads_values = false;       // its functions may read their arguments' elements: they cannot be traced

  // Of a bracketed root the ends of the bracket, lower and upper, in either order. Elsewhere, where they are defined,
  // what a solution has to keep to: lower ≤ z ≤ upper, ±∞ for none; 0 = equal(z), at_most(z) ≤ 0.
  Array lower, upper;
  Function equal, at_most;  // z -> [m]
  // The same problem from other arrays in the place of these, for what is traced when it is first needed; or none.
  std::function<SolverProblem(const Leaves&)> again = {};
  Leaves theta = {};

  /// Whether each equation is in its own unknown alone, so that ∂residual/∂z is the vector of its diagonal wherever it stands as a
  /// matrix (linear/system.hpp).
  bool diagonal() const {
    const bool free = restriction() == Restriction::none && (kind == Kind::root || kind == Kind::fixed_point);
    return structure.diagonal && (free || kind == Kind::bracketed_root);
  }
  /// By which the cost of forming ∂residual/∂z of n unknowns is judged.
  std::int64_t order(std::int64_t n) const { return diagonal() && n > 1 ? 1 : n; }

  Restriction restriction() const {
    if (equal || at_most) return Restriction::general;
    return lower.defined() || upper.defined() ? Restriction::bounds : Restriction::none;
  }
};
/// When a solve ends.
struct StopRule {
  Tolerance tolerance;
  std::int64_t max_steps = -1;                                 // -1: the solver's default
  std::int64_t history = 0;                                    // how many residual norms to keep
  std::shared_ptr<const detail::WatchOpaque> watch = nullptr;  // a monitor, a token, a deadline
  Array budget = {};  // a traced limit of steps below max_steps, int64; none where undefined
  double strict = 0;  // with constraints: relative multipliers above this are not 0; 0: eps^(2/3)
};

/// The end of a solve, in arrays, so that it can be traced. Scalars but for z, history and factors.
struct Outcome {
  Array z, status, steps, evaluations, residual_norm, error_estimate, history;
  Array method;             // which of several methods it was that found z, int64
  Leaves factors;           // [A, its factors..., whether they are there] near z, where SolverMethod::factors says so
  Leaves constrained = {};  // of a problem with constraints the leaves of a ConstrainedEnd (solvers/constrained.hpp)
  auto tree() {
    return std::tie(z, status, steps, evaluations, residual_norm, error_estimate, history, method, factors,
                    constrained);
  }
};

/// A solver's name, purpose and options (core/option_table.hpp).
template <class S> struct MethodTable;

/// A solver in the form that the solve op holds.
struct SolverMethod : Opaque {
  /// Name and options: equal keys mean the same solver.
  virtual std::string key() const = 0;
  /// False where only a call at run time will do: a user's callable.
  virtual bool staged() const { return true; }
  /// Whether it says itself how the solve ended. What a user's callable returns has to be judged.
  virtual bool has_status() const { return staged(); }
  /// The kinds of problem that it is for.
  virtual Kinds kinds() const { return Kinds::all(); }
  /// The most that a problem may have besides.
  virtual Restriction takes() const { return Restriction::none; }
  /// Whether it converges only where the map contracts. A linear map on which it has converged has spectral radius below 1.
  virtual bool contracts() const { return false; }
  /// Whether its outcome of a problem of this kind and order (SolverProblem::order) has factors of A.
  virtual bool factors(Kind, std::int64_t order, const StopRule& stop) const { return (void)order, (void)stop, false; }
  /// The methods among which Outcome::method counts.
  virtual std::vector<std::string> methods(Kind kind, Restriction restriction) const {
    return (void)kind, (void)restriction, std::vector<std::string>{name()};
  }
  virtual Outcome solve(const SolverProblem& problem, const Array& z0, const StopRule& stop) const = 0;
  /// Whether a copy may outlive the call that it was passed to.
  virtual bool may_outlive() const { return true; }
  /// Whether two with one key are the same, so that what is compiled for one serves the other.
  bool shareable() const { return staged(); }
};

template <class S>
concept LibrarySolver = requires(const S& s) {
  { s.method() } -> std::convertible_to<std::shared_ptr<const SolverMethod>>;
};

std::shared_ptr<const SolverMethod> host_method(std::function<Array(const Function&, const Array&)> f,
                                                bool may_outlive);
std::shared_ptr<const SolverMethod> automatic_method();

}  // namespace detail

/// A user's solver whose captures outlive every call: its owner promises that they are by value, or global.
template <class S> struct Owning { S solver; };
template <class S> Owning<S> owning(S solver) { return {std::move(solver)}; }

/// Any solver. Default: `automatic`.
class Solver {
 public:
  Solver() : method_(detail::automatic_method()) {}
  template <class S>
  requires detail::LibrarySolver<S> Solver(const S& s) : method_(s.method()) {}
  template <class S>
  requires(!detail::LibrarySolver<S> && !std::is_same_v<S, Solver> &&
           std::is_invocable_r_v<Array, const S&, const Function&, const Array&>) Solver(const S& s)
      : method_(detail::host_method([s](const Function& f, const Array& z) -> Array { return s(f, z); },
                                    std::is_empty_v<S>)) {}
  template <class S>
  Solver(const Owning<S>& s)
      : method_(detail::host_method([s](const Function& f, const Array& z) -> Array { return s.solver(f, z); }, true)) {
  }

  /// The fixed point of f from z, eagerly or under whatever trace is current: derivatives go through the steps.
  Array operator()(const Function& f, const Array& z) const;
  std::string name() const { return method_->name(); }
  const std::shared_ptr<const detail::SolverMethod>& method() const { return method_; }
  explicit Solver(std::shared_ptr<const detail::SolverMethod> m) : method_(std::move(m)) {}

 private:
  std::shared_ptr<const detail::SolverMethod> method_;
};

}  // namespace dini
