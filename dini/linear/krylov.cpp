#include "dini/linear/krylov.hpp"

#include <algorithm>
#include <cmath>

namespace dini::detail::operators {

namespace krylov {

constexpr int max_steps = 1, stagnated = 2, nonfinite = 4, breakdown = 6;

double dot(const RealVector& a, const RealVector& b) {
  double s = 0;
  for (std::size_t k = 0; k < a.size(); ++k) s += a[k] * b[k];
  return s;
}
double norm(const RealVector& a) { return std::sqrt(dot(a, a)); }
void add(RealVector& y, double c, const RealVector& x) {
  for (std::size_t k = 0; k < y.size(); ++k) y[k] += c * x[k];
}
RealVector residual(const RealOperator& a, const RealVector& b, const RealVector& x) {
  RealVector r = a(x);
  for (std::size_t k = 0; k < r.size(); ++k) r[k] = b[k] - r[k];
  return r;
}
// Whatever a recurrence says, a result is judged by its true residual.
KrylovResult finish(const RealOperator& a, const RealVector& b, KrylovResult r, double target) {
  r.residual = norm(residual(a, b, r.x));
  if (!std::isfinite(r.residual))
    r.status = nonfinite;
  else if (r.residual <= 2 * target)
    r.status = 0;
  else if (r.status == 0)
    r.status = stagnated;
  return r;
}

}  // namespace krylov

KrylovResult gmres(const RealOperator& a, const RealVector& b, int restart, double tolerance, long long max_products) {
  using namespace krylov;
  const std::size_t n = b.size();
  const double target = tolerance * norm(b);
  KrylovResult out;
  out.x.assign(n, 0);
  RealVector r = b;
  double beta = norm(r);
  const int m = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(restart), std::max<std::size_t>(n, 1)));
  while (beta > target) {
    if (!std::isfinite(beta)) return out.status = nonfinite, out;
    std::vector<RealVector> v{r},
        h;  // h[k]: column k of the Hessenberg matrix, rotated to upper triangular as it grows
    for (double& e : v[0]) e /= beta;
    RealVector cosine, sine, g{beta};
    int k = 0;
    bool exhausted = false;
    for (; k < m && std::abs(g.back()) > target; ++k) {
      if (out.products >= max_products) {
        exhausted = true;
        break;
      }
      RealVector w = a(v[static_cast<std::size_t>(k)]);
      ++out.products;
      RealVector column(static_cast<std::size_t>(k) + 2, 0.0);
      for (int pass = 0; pass < 2; ++pass) {  // twice is enough for orthogonality to rounding
        for (int j = 0; j <= k; ++j) {
          const double c = dot(v[static_cast<std::size_t>(j)], w);
          column[static_cast<std::size_t>(j)] += c;
          add(w, -c, v[static_cast<std::size_t>(j)]);
        }
      }
      const double next = norm(w);
      column.back() = next;
      for (std::size_t j = 0; j < cosine.size(); ++j) {
        const double t = cosine[j] * column[j] + sine[j] * column[j + 1];
        column[j + 1] = -sine[j] * column[j] + cosine[j] * column[j + 1];
        column[j] = t;
      }
      const std::size_t last = static_cast<std::size_t>(k);
      const double size = std::hypot(column[last], column[last + 1]);
      if (!(size > 0) || !std::isfinite(size)) {
        out.status = std::isfinite(size) ? breakdown : nonfinite;
        exhausted = true;
        break;
      }
      cosine.push_back(column[last] / size);
      sine.push_back(column[last + 1] / size);
      column[last] = size;
      g.push_back(-sine.back() * g[last]);
      g[last] *= cosine.back();
      h.push_back(std::move(column));
      if (next <= 1e-300 || next <= 1e-15 * size) {
        ++k;
        break;  // the space is invariant: the solution lies in it, or there is none
      }
      for (double& e : w) e /= next;
      v.push_back(std::move(w));
    }
    RealVector y(h.size());
    for (std::size_t i = h.size(); i-- > 0;) {
      double s = g[i];
      for (std::size_t j = i + 1; j < h.size(); ++j) s -= h[j][i] * y[j];
      y[i] = s / h[i][i];
    }
    for (std::size_t j = 0; j < y.size(); ++j) add(out.x, y[j], v[j]);
    r = residual(a, b, out.x);
    ++out.products;
    const double before = beta;
    beta = norm(r);
    if (beta <= target || exhausted) {
      if (beta > target && out.status == 0) out.status = max_steps;
      break;
    }
    if (!(beta < 0.999 * before)) {
      out.status = stagnated;
      break;
    }
  }
  return finish(a, b, std::move(out), target);
}

KrylovResult conjugate_gradients(const RealOperator& a, const RealVector& b, double tolerance, long long max_products) {
  using namespace krylov;
  const double target = tolerance * norm(b);
  KrylovResult out;
  out.x.assign(b.size(), 0);
  RealVector r = b, p = b;
  double rr = dot(r, r);
  while (std::sqrt(rr) > target) {
    if (out.products >= max_products) {
      out.status = max_steps;
      break;
    }
    const RealVector q = a(p);
    ++out.products;
    const double curvature = dot(p, q);
    if (!(curvature > 0)) {
      out.status = std::isfinite(curvature) ? breakdown : nonfinite;
      break;
    }
    const double step = rr / curvature;
    add(out.x, step, p);
    add(r, -step, q);
    const double next = dot(r, r);
    for (std::size_t k = 0; k < p.size(); ++k) p[k] = r[k] + next / rr * p[k];
    rr = next;
  }
  const int ended = out.status;
  out = finish(a, b, std::move(out), target);
  // Along a direction of no positive curvature the point says nothing, however small its residual.
  if (ended == breakdown) out.status = breakdown;
  return out;
}

KrylovResult bicgstab(const RealOperator& a, const RealVector& b, double tolerance, long long max_products) {
  using namespace krylov;
  const std::size_t n = b.size();
  const double target = tolerance * norm(b);
  KrylovResult out;
  out.x.assign(n, 0);
  RealVector r = b, shadow = b, p(n, 0), v(n, 0);
  double rho = 1, alpha = 1, omega = 1;
  while (norm(r) > target) {
    if (out.products + 2 > max_products) {
      out.status = max_steps;
      break;
    }
    const double next = dot(shadow, r);
    if (!(std::abs(next) > 0) || !std::isfinite(next)) {
      out.status = std::isfinite(next) ? breakdown : nonfinite;
      break;
    }
    const double beta = next / rho * (alpha / omega);
    for (std::size_t k = 0; k < n; ++k) p[k] = r[k] + beta * (p[k] - omega * v[k]);
    rho = next;
    v = a(p);
    const double sv = dot(shadow, v);
    if (!(std::abs(sv) > 0)) {
      out.status = breakdown;
      break;
    }
    alpha = rho / sv;
    RealVector s = r;
    add(s, -alpha, v);
    const RealVector t = a(s);
    out.products += 2;
    const double tt = dot(t, t);
    omega = tt > 0 ? dot(t, s) / tt : 0;
    add(out.x, alpha, p);
    add(out.x, omega, s);
    r = s;
    add(r, -omega, t);
    if (!(std::abs(omega) > 0) && norm(r) > target) {
      out.status = breakdown;
      break;
    }
  }
  return finish(a, b, std::move(out), target);
}

}  // namespace dini::detail::operators
