#include "dini/solvers/homogeneous_model.hpp"

#include <cmath>

#include "dini/linear/system.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/criterion.hpp"

namespace dini::detail {

Array HomogeneousModel::only(const Array& mask, const Array& a) { return where(mask, a, zeros_like(a)); }
Array HomogeneousModel::column(const Array& v) { return reshape(v, {v.size(), 1}); }

namespace {
// What is as far as this, in an equilibrated program, is no row: a solution there would have no digits left. Others write so for ∞.
constexpr double no_side = 1e18;
}  // namespace

HomogeneousModel::HomogeneousModel(const QuadraticData& data, double border, int refinements)
    : d(data), border_(border), refinements_(refinements), n_(data.q.size()), me_(data.b.size()), mg_(data.h.size()) {
  const Array sides = concatenate({d.h, -d.lower, d.upper});
  live_ = sides < no_side;
  h_ = only(live_, sides);
  g_ = only(column(live_(slice(0, mg_))), d.g);
  count_ = sum(astype(live_, d.q.dtype())) + 1;
}

Array HomogeneousModel::longest(const HomogeneousIterate& at, const Direction& to) const {
  Array most = scalar_like(1 / border_, d.q);
  auto reach = [&](const Array& v, const Array& dv) {
    const Array falls = dv < 0;
    return where(falls, -v / where(falls, dv, -ones_like(dv)), most);
  };
  if (h_.size()) most = minimum(most, minimum(min(reach(at.s, to.s)), min(reach(at.z, to.z))));
  return minimum(most, minimum(reach(at.tau, to.tau), reach(at.kappa, to.kappa)));
}

Array HomogeneousModel::rows(const Array& x) const { return only(live_, concatenate({dot(g_, x), -x, x})); }
Array HomogeneousModel::rows_transposed(const Array& z) const {
  return dot(transpose(g_), z(slice(0, mg_))) - z(slice(mg_, mg_ + n_)) + z(slice(mg_ + n_, end));
}

HomogeneousIterate HomogeneousModel::start() const {
  const Array one = ones_like(h_);
  const Array solved = solve(factorized(one), one, column(concatenate({-d.q, d.b, h_})))(slice(), 0);
  const Array z = solved(slice(n_ + me_, end));
  auto raised = [&](const Array& v) {
    const Array least = h_.size() ? min(where(live_, v, one)) : scalar_like(1, d.q);
    return where(live_, v + maximum(1 - least, zeros_like(least)), one);
  };
  const Array unit = scalar_like(1, d.q);
  return {solved(slice(0, n_)), solved(slice(n_, n_ + me_)), raised(z), raised(-z), unit, unit};
}

Array HomogeneousModel::complementarity(const HomogeneousIterate& at) const {
  return (sum(only(live_, at.s * at.z)) + at.tau * at.kappa) / count_;
}

HomogeneousIterate HomogeneousModel::step(const HomogeneousIterate& at) const {
  const Array w = where(live_, at.s / at.z, ones_like(at.s));
  const Factors f = factorized(w);
  const Array px = dot(d.p, at.x), xi = at.x / at.tau, p_xi = px / at.tau;
  const Array of_x = px + dot(transpose(d.a), at.y) + rows_transposed(only(live_, at.z)) + d.q * at.tau;
  const Array of_y = dot(d.a, at.x) - d.b * at.tau;
  const Array of_z = rows(at.x) + only(live_, at.s) - h_ * at.tau;
  const Array of_tau = at.kappa + dot(d.q, at.x) + dot(d.b, at.y) + dot(h_, at.z) + dot(px, xi);
  const Array mu = complementarity(at);

  // `left` of the residuals is to go, by these right sides of the complementarity.
  auto direction = [&](const Array& first, const Array& second, const Array& left, const Array& by_rows,
                       const Array& by_tau) {
    const Array x1 = first(slice(0, n_)), y1 = first(slice(n_, n_ + me_)), z1 = first(slice(n_ + me_, end));
    const Array x2 = second(slice(0, n_)), y2 = second(slice(n_, n_ + me_)), z2 = second(slice(n_ + me_, end));
    const Array apart = x2 - xi;
    const Array exact = dot(apart, dot(d.p, apart)) + sum(only(live_, w * square(z2))) + at.kappa / at.tau;
    const Array direct = dot(p_xi, xi) + at.kappa / at.tau - dot(d.q + 2 * p_xi, x2) - dot(d.b, y2) - dot(h_, z2);
    const Array below = where(direct > 0.5 * exact, direct, exact);
    const Array above = left * of_tau + by_tau / at.tau + dot(d.q + 2 * p_xi, x1) + dot(d.b, y1) + dot(h_, z1);
    Direction out;
    out.tau = above / below;
    out.x = x1 + out.tau * x2;
    out.y = y1 + out.tau * y2;
    out.z = only(live_, z1 + out.tau * z2);
    out.s = only(live_, by_rows / at.z - w * out.z);
    out.kappa = (by_tau - at.kappa * out.tau) / at.tau;
    return out;
  };
  auto right_side = [&](const Array& left, const Array& by_rows) {
    return concatenate({-left * of_x, -left * of_y, only(live_, -left * of_z - by_rows / at.z)});
  };
  const Array one = scalar_like(1, d.q);
  const Array to_border = -at.s * at.z, tau_to_border = -at.tau * at.kappa;
  const Array both =
      solve(f, w, concatenate({column(right_side(one, to_border)), column(concatenate({-d.q, d.b, h_}))}, 1));
  const Array second = both(slice(), 1);
  const Direction affine = direction(both(slice(), 0), second, one, to_border, tau_to_border);
  const Array sigma = power(1 - minimum(longest(at, affine), one), 3);
  const Array by_rows = only(live_, sigma * mu + to_border - affine.s * affine.z);
  const Array by_tau = sigma * mu + tau_to_border - affine.tau * affine.kappa;
  const Array first = solve(f, w, column(right_side(1 - sigma, by_rows)))(slice(), 0);
  const Direction to = direction(first, second, 1 - sigma, by_rows, by_tau);
  const Array alpha = border_ * longest(at, to);
  HomogeneousIterate next{at.x + alpha * to.x, at.y + alpha * to.y,     at.z + alpha * to.z,
                          at.s + alpha * to.s, at.tau + alpha * to.tau, at.kappa + alpha * to.kappa};
  const Array size = maximum(next.tau, next.kappa);
  for (Array* v : {&next.x, &next.y, &next.tau, &next.kappa}) *v = *v / size;
  next.z = where(live_, next.z / size, next.z);
  next.s = where(live_, next.s / size, next.s);
  return next;
}

HomogeneousModel::Factors HomogeneousModel::factorized(const Array& w) const {
  const Dtype dtype = d.q.dtype();
  const Array t = only(live_, reciprocal(w));
  const Array bounds = t(slice(mg_, mg_ + n_)) + t(slice(mg_ + n_, end));
  Array k = concatenate({concatenate({d.p + diag(bounds), transpose(d.a), transpose(g_)}, 1),
                         concatenate({d.a, zeros({me_, me_ + mg_}, dtype)}, 1),
                         concatenate({g_, zeros({mg_, me_}, dtype), -diag(w(slice(0, mg_)))}, 1)});
  Factors f{k, ones({n_ + me_ + mg_}, dtype), {}};
  for (int turn = 0; turn < 3; ++turn) {
    const Array size = max(abs(f.matrix), 1), by = where(size > 0, rsqrt(size), ones_like(size));
    f.by = f.by * by;
    f.matrix = column(by) * f.matrix * by;
  }
  const double regular = std::pow(epsilon(dtype), 0.7);  // 1e-11
  f.matrix =
      f.matrix + diag(concatenate({full({n_}, Array(regular), dtype), full({me_ + mg_}, Array(-regular), dtype)}));
  f.of = factorize(f.matrix, {.symmetric = true});
  return f;
}

Array HomogeneousModel::solve(const Factors& f, const Array& w, const Array& b) const {
  const Array weights = column(w), t = column(only(live_, reciprocal(w))), there = column(live_);
  auto part = [&](const Array& v, std::int64_t from, std::int64_t to) { return v(slice(from, to)); };
  const std::int64_t z = n_ + me_, lower = z + mg_, upper = lower + n_, last = upper + n_;
  auto product = [&](const Array& v) {
    const Array x = part(v, 0, n_), y = part(v, n_, z), of_z = part(v, z, last);
    const Array gx = only(there, concatenate({dot(g_, x), -x, x}));
    return concatenate({dot(d.p, x) + dot(transpose(d.a), y) + dot(transpose(g_), part(v, z, lower)) -
                            part(v, lower, upper) + part(v, upper, last),
                        dot(d.a, x), gx - weights * of_z});
  };
  auto once = [&](const Array& r) {
    const Array lower_t = t(slice(mg_, mg_ + n_)), upper_t = t(slice(mg_ + n_, end));
    const Array of_x = part(r, 0, n_) - lower_t * part(r, lower, upper) + upper_t * part(r, upper, last);
    const Array reduced = concatenate({of_x, part(r, n_, lower)});
    const Array v = column(f.by) * emit_linear_solve(f.of, f.matrix, column(f.by) * reduced, false, true);
    const Array x = part(v, 0, n_);
    return concatenate({v, lower_t * (-x - part(r, lower, upper)), upper_t * (x - part(r, upper, last))});
  };
  const Array right = concatenate({part(b, 0, z), only(there, part(b, z, last))});
  Array v = once(right);
  for (int k = 0; k < refinements_; ++k) v = v + once(right - product(v));
  return v;
}

}  // namespace dini::detail
