#include "dini/solvers/homogeneous_model.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

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

// One after the other; what has no elements is left out.
Array joined(const std::vector<Array>& parts, const Array& like) {
  std::vector<Array> some;
  for (const Array& a : parts) {
    if (a.size()) some.push_back(a);
  }
  if (some.empty()) return zeros({0}, like.dtype());
  return some.size() == 1 ? some[0] : concatenate(some);
}
}  // namespace

HomogeneousModel::HomogeneousModel(const QuadraticData& data, double border, int refinements)
    : d(data),
      border_(border),
      refinements_(refinements),
      n_(data.q.size()),
      me_(data.b.size()),
      mg_(data.h.size()),
      bounds_(n_ * (data.below + data.above)) {
  const Array none = zeros({0}, d.q.dtype());
  const Array sides = joined({d.h, d.below ? -d.lower : none, d.above ? d.upper : none}, d.q);
  live_ = sides < no_side;
  h_ = only(live_, sides);
  const Array g = only(column(live_(slice(0, mg_))), d.g);
  c_ = me_ == 0 ? g : mg_ == 0 ? d.a : concatenate({d.a, g});
  sides_ = joined({d.b, h_}, d.q);
  count_ = sum(astype(live_, d.q.dtype())) + 1;
}

HomogeneousModel::Multipliers HomogeneousModel::multipliers(const Array& z) const {
  const Array there = only(live_, z), none = zeros_like(d.q);
  const std::int64_t upper = mg_ + (d.below ? n_ : 0);
  return {there(slice(0, mg_)), d.below ? there(slice(mg_, upper)) : none, d.above ? there(slice(upper, end)) : none};
}

Array HomogeneousModel::longest(const HomogeneousIterate& at, const Direction& to) const {
  Array most = scalar_like(1 / border_, d.q);
  auto reach = [&](const Array& v, const Array& dv) {
    const Array falls = dv < 0;
    return where(falls, -v / where(falls, dv, -ones_like(dv)), most);
  };
  if (h_.size()) most = minimum(most, min(minimum(reach(at.s, to.s), reach(at.z, to.z))));
  return minimum(most, minimum(reach(at.tau, to.tau), reach(at.kappa, to.kappa)));
}

Array HomogeneousModel::along(const Array& x) const {
  const Array none = zeros({0}, x.dtype());
  return joined({c_.size() ? dot(c_, x) : zeros({me_ + mg_}, x.dtype()), d.below ? -x : none, d.above ? x : none}, x);
}

Array HomogeneousModel::pull(const Array& v) const {
  const std::int64_t lower = me_ + mg_, upper = lower + (d.below ? n_ : 0);
  Array out = lower ? dot(transpose(c_), v(slice(0, lower))) : zeros_like(d.q);
  if (d.below) out = out - v(slice(lower, upper));
  return d.above ? out + v(slice(upper, end)) : out;
}

HomogeneousIterate HomogeneousModel::start() const {
  const Array one = ones_like(h_);
  const Both solved = solve(factorized(one), {-d.q, sides_}, refinements_);
  const Array z = solved.rows(slice(me_, end));
  auto raised = [&](const Array& v) {
    const Array least = h_.size() ? min(where(live_, v, one)) : scalar_like(1, d.q);
    return where(live_, v + maximum(1 - least, zeros_like(least)), one);
  };
  const Array unit = scalar_like(1, d.q);
  return {solved.x, solved.rows(slice(0, me_)), raised(z), raised(-z), unit, unit};
}

Array HomogeneousModel::complementarity(const HomogeneousIterate& at) const {
  return (sum(only(live_, at.s * at.z)) + at.tau * at.kappa) / count_;
}

HomogeneousIterate HomogeneousModel::step(const HomogeneousIterate& at) const {
  const Array by_z = reciprocal(at.z), by_tau = reciprocal(at.tau), w = where(live_, at.s * by_z, ones_like(at.s));
  const Factors f = factorized(w);
  const Array px = dot(d.p, at.x), xi = at.x * by_tau, p_xi = px * by_tau;
  // What rows that are none have as right sides has no weight.
  const Array rows = joined({at.y, only(live_, at.z)}, d.q);
  const Array of_x = px + pull(rows) + d.q * at.tau;
  const Array of_rows = along(at.x) + joined({zeros_like(at.y), at.s}, d.q) - sides_ * at.tau;
  const Array of_tau = at.kappa + dot(d.q, at.x) + dot(sides_, rows) + dot(px, xi);
  const Array mu = complementarity(at), slope = d.q + 2 * p_xi;

  const Both second = solve(f, {-d.q, sides_}, refinements_);
  const Array z2 = second.rows(slice(me_, end));
  const Array apart = second.x - xi, fall = at.kappa * by_tau;
  const Array exact = dot(apart, dot(d.p, apart)) + sum(w * square(z2)) + fall;
  const Array direct = dot(p_xi, xi) + fall - dot(slope, second.x) - dot(sides_, second.rows);
  const Array below = where(direct > 0.5 * exact, direct, exact);
  // `left` of the residuals is to go, by these right sides of the complementarity.
  auto direction = [&](const Array& left, const Array& of_z, const Array& of_kappa, int refinements) {
    const Array of_s = of_z * by_z;
    const Both first = solve(f, {-left * of_x, -left * of_rows - joined({zeros_like(at.y), of_s}, d.q)}, refinements);
    const Array above = left * of_tau + of_kappa * by_tau + dot(slope, first.x) + dot(sides_, first.rows);
    Direction out;
    out.tau = above / below;
    out.x = first.x + out.tau * second.x;
    out.y = first.rows(slice(0, me_)) + out.tau * second.rows(slice(0, me_));
    out.z = first.rows(slice(me_, end)) + out.tau * z2;
    out.s = only(live_, of_s - w * out.z);
    out.kappa = (of_kappa - at.kappa * out.tau) * by_tau;
    return out;
  };
  const Array one = scalar_like(1, d.q);
  const Array to_border = -at.s * at.z, tau_to_border = -at.tau * at.kappa;
  // The predictor says how far one may go, and that need not be exact.
  const Direction affine = direction(one, to_border, tau_to_border, std::min(refinements_, 1));
  const Array sigma = power(1 - minimum(longest(at, affine), one), 3);
  const Array of_z = sigma * mu + to_border - affine.s * affine.z;
  const Array of_kappa = sigma * mu + tau_to_border - affine.tau * affine.kappa;
  const Direction to = direction(1 - sigma, of_z, of_kappa, refinements_);
  // The nearer to the end, the nearer to the border.
  const Array rest = maximum(mu, scalar_like(1e-5, d.q));
  const Array alpha = minimum(one, (1 - minimum(rest, scalar_like(1 - border_, d.q))) * longest(at, to));
  HomogeneousIterate next{at.x + alpha * to.x, at.y + alpha * to.y,     at.z + alpha * to.z,
                          at.s + alpha * to.s, at.tau + alpha * to.tau, at.kappa + alpha * to.kappa};
  const Array unit = reciprocal(maximum(next.tau, next.kappa));
  for (Array* v : {&next.x, &next.y, &next.tau, &next.kappa}) *v = *v * unit;
  next.z = where(live_, next.z * unit, next.z);
  next.s = where(live_, next.s * unit, next.s);
  return next;
}

HomogeneousModel::Factors HomogeneousModel::factorized(const Array& w) const {
  const Dtype dtype = d.q.dtype();
  const double delta = std::sqrt(epsilon(dtype)), regular = std::pow(epsilon(dtype), 0.7);  // 1e-8, 1e-11
  Factors f;
  f.w = joined({zeros({me_}, dtype), w}, d.q);
  f.weights = joined({full({me_}, Array(1 / delta), dtype), only(live_, reciprocal(w + delta))}, d.q);
  const std::int64_t lower = me_ + mg_, upper = lower + (d.below ? n_ : 0);
  Array bounds = zeros_like(d.q);
  if (d.below) bounds = bounds + f.weights(slice(lower, upper));
  if (d.above) bounds = bounds + f.weights(slice(upper, end));
  f.matrix = d.p;
  if (bounds_) f.matrix = f.matrix + eye(n_, dtype) * bounds;
  if (lower) f.matrix = f.matrix + dot(transpose(c_), column(f.weights(slice(0, lower))) * c_);
  const Array size = abs(diagonal(f.matrix));
  f.by = where(size > 0, rsqrt(where(size > 0, size, ones_like(size))), ones_like(size));
  f.matrix = column(f.by) * f.matrix * f.by + regular * eye(n_, dtype);
  f.of = factorize(f.matrix, {.symmetric = true});
  return f;
}

HomogeneousModel::Both HomogeneousModel::solve(const Factors& f, const Both& b, int refinements) const {
  auto once = [&](const Both& r) {
    const Array right = f.by * (r.x + pull(f.weights * r.rows));
    const Array x = f.by * emit_linear_solve(f.of, f.matrix, right, false, true);
    return Both{x, f.weights * (along(x) - r.rows)};
  };
  Both v = once(b);
  for (int k = 0; k < refinements; ++k) {
    const Both more = once({b.x - dot(d.p, v.x) - pull(v.rows), b.rows - along(v.x) + f.w * v.rows});
    v = {v.x + more.x, v.rows + more.rows};
  }
  return v;
}

}  // namespace dini::detail
