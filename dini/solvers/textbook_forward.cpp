#include "dini/linear/check_status.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/solvers/textbook.hpp"
#include "dini/solvers/textbook_method.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/ends_by_itself.hpp"
#include "dini/transforms/grad.hpp"

namespace dini {

namespace detail {
namespace textbook {

struct Steps {
  Array z_prev, z, residual, best, since, steps;
  auto tree() { return std::tie(z_prev, z, residual, best, since, steps); }
};

Outcome forward(const std::function<Array(const Array&)>& f, const Array& z_init, double tolerance,
                std::int64_t max_steps) {
  Steps s;
  s.z_prev = z_init;
  s.z = f(z_init);
  s.residual = norm(s.z_prev - s.z);
  s.best = s.residual;
  s.since = array(std::int64_t{0});
  s.steps = array(std::int64_t{1});
  // A residual that is NaN compares false and ends the loop.
  if (max_steps == 0) {  // the one end that the plain loop has not
    s.z = z_init;
    s.steps = array(std::int64_t{0});
  }
  s = loop([&](const Steps& a) { return (a.residual > tolerance) & (a.steps < max_steps) & (a.since < patience); },
           [&](const Steps& a) {
             Steps b;
             b.z_prev = a.z;
             b.z = f(a.z);
             b.residual = norm(b.z_prev - b.z);
             b.since = where(b.residual < a.best, array(std::int64_t{0}), a.since + 1);
             b.best = minimum(a.best, b.residual);
             b.steps = a.steps + 1;
             return b;
           },
           s, ends_by_itself);
  const Array status = status_of(s.residual <= tolerance, s.since, s.residual);
  const Array size = norm(s.z);
  return {s.z,
          status,
          s.steps,
          maximum(s.steps, array(std::int64_t{1})),
          s.residual,
          s.residual / where(size > 0, size, scalar_like(1, size)),
          zeros({0}, s.z.dtype()),
          array(std::int64_t{0}),
          {}};
}

Outcome newton(const Function& f, const Array& z_init, double tol, std::int64_t max_steps) {
  auto f_root = [&](const Array& z) { return f(z) - z; };
  auto g = [&](const Array& z) { return z - linalg::solve(jacobian(f_root)(z), f_root(z)); };
  return forward(g, z_init, tol, max_steps);
}

// Options that two of them share.
template <class S> std::vector<Field<S>> step_length_fields() {
  return {{"tolerance", &S::tolerance, {}, "on the length of a step"},
          {"max_steps", &S::max_steps, {}, "the most steps"}};
}

}  // namespace textbook
}  // namespace detail

Array FwdSolver::operator()(const Function& f, const Array& z) const {
  return detail::textbook::forward(f, z, tolerance, max_steps).z;
}
Array NewtonSolver::operator()(const Function& f, const Array& z) const {
  return detail::textbook::newton(f, z, tolerance, max_steps).z;
}
const detail::MethodTable<FwdSolver>& FwdSolver::table() {
  static const detail::MethodTable<FwdSolver> t{"fwd_solver",
                                                "the textbook's forward iteration, to the letter",
                                                {Kind::fixed_point},
                                                false,
                                                detail::textbook::step_length_fields<FwdSolver>()};
  return t;
}
const detail::MethodTable<NewtonSolver>& NewtonSolver::table() {
  static const detail::MethodTable<NewtonSolver> t{"newton_solver",
                                                   "the textbook's Newton iteration",
                                                   {Kind::fixed_point},
                                                   false,
                                                   detail::textbook::step_length_fields<NewtonSolver>()};
  return t;
}
std::shared_ptr<const detail::SolverMethod> FwdSolver::method() const {
  using namespace detail::textbook;
  return std::make_shared<Method>(
      *this, [o = *this](const detail::SolverProblem& p, const Array& z0, const detail::StopRule& stop) {
        return forward(p.map, z0, detail::textbook::tolerance(o.tolerance, stop), cap(o.max_steps, stop));
      });
}
std::shared_ptr<const detail::SolverMethod> NewtonSolver::method() const {
  using namespace detail::textbook;
  return std::make_shared<Method>(
      *this, [o = *this](const detail::SolverProblem& p, const Array& z0, const detail::StopRule& stop) {
        return newton(p.map, z0, detail::textbook::tolerance(o.tolerance, stop), cap(o.max_steps, stop));
      });
}

}  // namespace dini
