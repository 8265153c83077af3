#include "dini/linear/krylov_cycles.hpp"

#include <cmath>

#include "dini/linear/check_status.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"

namespace dini::detail {

namespace krylov_parts {

Array or_one(const Array& condition, const Array& x) { return where(condition, x, literal(1, x)); }

Array unit_of(const Array& v) {
  const Array most = max(abs(v));
  return or_one((most > 0) & isfinite(most), most);
}

double rounding(const Array& like) { return 8 * epsilon(like.dtype()); }

}  // namespace krylov_parts

KrylovProblem::KrylovProblem(const Product& a, const Array& b, const KrylovOptions& options, const Rule& rule)
    : a_(a), b_(b), options_(options), rule_(rule), size_(norm(b)), target_(options.tolerance * size_) {}

Array KrylovProblem::after_step(const KrylovState& start, const Array& sound, const Array& measure,
                                const Array& goes_on, const Array& steps) const {
  using namespace krylov_parts;
  const Array next = start.products + rule_.products_a_step * (steps + 1);
  return where(sound, where(goes_on & (next <= options_.max_products), array(running), code(StatusCode::converged)),
               where(isfinite(measure), code(StatusCode::breakdown), code(StatusCode::nonfinite)));
}

Array KrylovProblem::rounded(const KrylovState& at) const {
  // A residual of nothing but rounding is as rough as can be, so that A makes of it what it makes of the worst.
  const double eps = epsilon(b_.dtype());
  const Array r = at.r / krylov_parts::or_one(at.size > 0, at.size);
  return (at.size <= 4 * eps * norm(product(r)) * norm(at.x)) & (at.size <= std::sqrt(eps) * size_);
}

KrylovResult KrylovProblem::solve(const std::function<KrylovCycle(const KrylovState&)>& cycle) const {
  using namespace krylov_parts;
  const Array converged = code(StatusCode::converged), none = array(std::int64_t{0});
  if (b_.size() == 0) return {b_, converged, size_, none};
  // Of a status, what it is where the residual is so small that the point is a solution.
  const auto unless = [&](const Array& small, const Array& status) {
    return where(rule_.breakdown_is_final ? small & (status != code(StatusCode::breakdown)) : small, converged, status);
  };
  const Array begin = options_.max_products >= rule_.products_a_step ? array(running) : code(StatusCode::max_steps);
  const KrylovState start{zeros_like(b_), b_, size_, where(size_ > target_, begin, converged), none};
  const KrylovState last = run(start, options_.max_products, [&](const KrylovState& at) {
    const KrylovCycle made = cycle(at);
    KrylovState to;
    to.x = at.x + made.d;
    to.r = b_ - product(to.x);
    to.size = norm(to.r);
    to.products = at.products + made.products + 1;
    Array s = where(to.size <= rule_.gain * at.size, array(running), code(StatusCode::stagnated));
    s = where(to.products + rule_.products_a_step <= options_.max_products, s, code(StatusCode::max_steps));
    s = where(made.status > 0, made.status, s);
    to.status = unless(to.size <= target_, s);
    return to;
  });
  Array status = unless(last.size <= 2 * target_, last.status);
  if (options_.or_to_rounding) {
    status = cond(
        status == code(StatusCode::stagnated),
        [&](const KrylovState& at) { return where(rounded(at), converged, at.status); },
        [&](const KrylovState&) { return status; }, last);
  }
  return {last.x, where(isfinite(last.size), status, code(StatusCode::nonfinite)), last.size, last.products};
}

}  // namespace dini::detail
