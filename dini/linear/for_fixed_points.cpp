// Adjoints that are for fixed points alone: sums of powers of J = ∂f/∂z, and the solver itself, of which the implicit layer makes
// the method (implicit/same_solver.hpp).
#include "dini/linear/dense.hpp"
#include "dini/linear/same_solver.hpp"
#include "dini/transforms/control.hpp"

namespace dini {

namespace detail {
namespace {

[[noreturn]] LinearOutcome no_attempt(const std::string& name) {
  throw std::logic_error(name + " solves no system of its own");
}

struct NeumannMethod final : TableMethod<Neumann> {
  using TableMethod::TableMethod;
  bool exact() const override { return false; }
  LinearOutcome attempt(const Product&, const LinearSystem&, const Leaves&, const Array&, bool) const override {
    no_attempt(name());
  }
  // -Σ Jᵏ b by Horner's rule: s ← b + J s. A plain Program: its derivatives are those of the sum.
  Array solve(const LinearSystem& s, const Leaves&, const Array& b, LinearFailure) const override {
    return -fori_loop(
        1, options.terms, [&](const Array&, const Array& sum) { return b + s.apply_map(sum); }, b);
  }
};

struct OneStepMethod final : TableMethod<OneStep> {
  using TableMethod::TableMethod;
  bool exact() const override { return false; }
  LinearOutcome attempt(const Product&, const LinearSystem&, const Leaves&, const Array&, bool) const override {
    no_attempt(name());
  }
  Array solve(const LinearSystem&, const Leaves&, const Array& b, LinearFailure) const override { return -b; }
};

}  // namespace

LinearOutcome SameSolverChoice::attempt(const Product&, const LinearSystem&, const Leaves&, const Array&, bool) const {
  no_attempt(name());
}

}  // namespace detail

const detail::MethodTable<SameSolver>& SameSolver::table() {
  static const detail::MethodTable<SameSolver> t{
      "same_solver",
      "the solver of the equation itself",
      {Kind::fixed_point},
      false,
      {{"tolerance", &SameSolver::tolerance, {-1}, "as the solver's own option; -1: the solve's"},
       {"max_steps", &SameSolver::max_steps, {-1}, "the most steps; -1: by the solver"}}};
  return t;
}
const detail::MethodTable<Neumann>& Neumann::table() {
  static const detail::MethodTable<Neumann> t{"neumann",
                                              "a sum of powers of the Jacobian; not exact",
                                              {Kind::fixed_point},
                                              false,
                                              {{"terms", &Neumann::terms, {1}, "of the sum"}}};
  return t;
}
const detail::MethodTable<OneStep>& OneStep::table() {
  static const detail::MethodTable<OneStep> t{
      "one_step", "the identity for the inverse; not exact", {Kind::fixed_point}, false, {}};
  return t;
}

detail::LinearMethodRef SameSolver::method() const { return std::make_shared<detail::SameSolverChoice>(*this); }
detail::LinearMethodRef Neumann::method() const { return std::make_shared<detail::NeumannMethod>(*this); }
detail::LinearMethodRef OneStep::method() const { return std::make_shared<detail::OneStepMethod>(*this); }

}  // namespace dini
