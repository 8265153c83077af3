#include <algorithm>
#include <limits>

#include "dini/core/index.hpp"
#include "dini/linear/check_status.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/textbook.hpp"
#include "dini/solvers/textbook_method.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/ends_by_itself.hpp"

namespace dini {

namespace detail {
namespace textbook {

struct History {
  Array x, X, F, residual, best, since, k;
  auto tree() { return std::tie(x, X, F, residual, best, since, k); }
};

Outcome anderson(const AndersonSolver& o, const Function& f, const Array& z_init) {
  const int m = o.m;
  const Dtype dtype = z_init.dtype();
  const Array x0 = z_init, x1 = f(x0);
  if (o.max_iter == 0) {
    const Array residual = norm(x1 - x0) / (1e-5 + norm(x1));
    const Array status = where(residual < o.tol, code(StatusCode::converged),
                               where(isfinite(residual), code(StatusCode::max_steps), code(StatusCode::nonfinite)));
    const Array none = array(std::int64_t{0});
    return {x0, status, none, array(std::int64_t{1}), residual, residual, zeros({0}, dtype), none, {}};
  }
  const Array x2 = f(x1);
  const Array empty = zeros(prepend(m - 2, z_init.shape()), dtype);
  History h{x1,
            concatenate({stack({x0, x1}), empty}),
            concatenate({stack({x1, x2}), empty}),
            norm(x2 - x1) / (1e-5 + norm(x2)),
            astype(Array(std::numeric_limits<double>::infinity()), dtype),
            array(std::int64_t{0}),
            array(std::int64_t{2})};
  // The first mixed step is made whatever the residual is.
  h = loop(
      [&](const History& a) {
        const Array ends = (a.residual < o.tol) & (a.k > 2);
        return (a.k < o.max_iter) & ~ends & isfinite(a.residual) & (a.since < patience);
      },
      [&](const History& a) {
        // The first min(k, m) rows count: where a row is not there yet G is zero, and so is its border.
        const Array there = astype(arange(m) < a.k, dtype);
        const Array G = a.F - a.X;
        const Array GTG = tensordot(G, G, axes_from(1, G.ndim()));
        const Array H = block({{zeros({1, 1}, dtype), reshape(there, {1, m})}, {reshape(there, {m, 1}), GTG}}) +
                        o.lam * eye(m + 1, dtype);
        const Array alpha = linalg::solve(H, zeros({m + 1}, dtype).at(0).set(1.0))(slice(1, end));
        History b;
        b.x = o.beta * tensordot(alpha, a.F, 1) + (1 - o.beta) * tensordot(alpha, a.X, 1);
        const Array fx = f(b.x), slot = a.k % m;
        b.X = a.X.at(slot).set(b.x);
        b.F = a.F.at(slot).set(fx);
        b.residual = norm(fx - b.x) / (1e-5 + norm(fx));
        b.since = where(b.residual < a.best, array(std::int64_t{0}), a.since + 1);
        b.best = minimum(a.best, b.residual);
        b.k = a.k + 1;
        return b;
      },
      h, ends_by_itself);
  const Array status = status_of(h.residual < o.tol, h.since, h.residual);
  // x1 = f(x0) is a step, too: there are as many as the index at which the textbook's loop is left.
  return {h.x, status, h.k - 1, h.k, h.residual, h.residual, zeros({0}, dtype), array(std::int64_t{0}), {}};
}

}  // namespace textbook
}  // namespace detail

Array AndersonSolver::operator()(const Function& f, const Array& z) const {
  return detail::textbook::anderson(*this, f, z).z;
}

const detail::MethodTable<AndersonSolver>& AndersonSolver::table() {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  static const detail::MethodTable<AndersonSolver> t{
      "anderson_solver",
      "the textbook's Anderson acceleration",
      {Kind::fixed_point},
      false,
      {{"m", &AndersonSolver::m, {2}, "how many iterates are mixed"},
       {"lam", &AndersonSolver::lam, {}, "regularisation"},
       {"max_iter", &AndersonSolver::max_iter, {}, "the most steps"},
       {"tol", &AndersonSolver::tol, {}, "on the relative residual"},
       {"beta", &AndersonSolver::beta, {-infinity, infinity, false, false}, "how much of f's values is taken"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> AndersonSolver::method() const {
  using namespace detail::textbook;
  return std::make_shared<Method>(
      *this, [o = *this](const detail::SolverProblem& p, const Array& z0, const detail::StopRule& stop) {
        AndersonSolver with = o;
        with.tol = detail::textbook::tolerance(o.tol, stop);
        with.max_iter = static_cast<int>(std::min<std::int64_t>(cap(o.max_iter, stop), 1 << 30));
        return anderson(with, p.map, z0);
      });
}

}  // namespace dini
