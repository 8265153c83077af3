#include "dini/solvers/quadratic_end.hpp"

#include <cmath>
#include <limits>

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/transforms/control.hpp"

namespace dini::detail {

namespace quadratic_end {

struct Proofs {
  Infeasibility infeasible;
  Unboundedness unbounded;
  auto tree() { return std::tie(infeasible, unbounded); }
};

// The proof with the multipliers of the fixed variables' bounds, which take up what is left of their columns.
Infeasibility with_fixed(const QuadraticData& d, Infeasibility p) {
  const Array fixed = d.lower == d.upper, zero = zeros_like(d.q);
  const Array pull = dot(transpose(d.a), p.equal) + dot(transpose(d.g), p.at_most);
  p.lower = where(fixed, maximum(pull, zero), p.lower);
  p.upper = where(fixed, maximum(-pull, zero), p.upper);
  Array most = zeros({}, d.q.dtype());
  for (const Array& v : {p.equal, p.at_most, p.lower, p.upper}) most = v.size() ? maximum(most, max(abs(v))) : most;
  const Array size = where(most > 0, most, ones_like(most));
  return {p.equal / size, p.at_most / size, p.lower / size, p.upper / size, p.proved};
}

// What is seen at once: two bounds of which the lower is the higher, a side at the wrong infinity, and of no unknowns a row that does not
// hold. The first of them is the proof.
Infeasibility obvious(const QuadraticData& d) {
  const double infinite = std::numeric_limits<double>::infinity();
  auto first = [&](const Array& wrong) {
    return astype(wrong & (cumsum(astype(wrong, Dtype::int64)) == 1), d.q.dtype());
  };
  const Array bounds = (d.lower > d.upper) | (d.lower == infinite) | (d.upper == -infinite);
  const bool none = d.q.size() == 0;
  const Array rows = none ? d.h < 0 : d.h == -infinite, equal = none ? d.b != 0.0 : zeros_like(d.b, Dtype::bool_);
  const Array by_bounds = any(bounds), by_rows = any(rows) & ~by_bounds;
  Infeasibility p;
  p.lower = where(d.lower == -infinite, zeros_like(d.q), first(bounds));
  p.upper = where(d.upper == infinite, zeros_like(d.q), first(bounds));
  p.at_most = where(by_rows, first(rows), zeros_like(d.h));
  p.equal = where(by_bounds | by_rows, zeros_like(d.b), -sign(d.b) * first(equal));
  p.proved = by_bounds | by_rows | any(equal);
  return p;
}

}  // namespace quadratic_end

Outcome quadratic_outcome(const SolverProblem& problem, const QuadraticData& data, const QuadraticData& free,
                          const QuadraticScaling& by, const QuadraticEnd& last, const Array& z0, const StopRule& stop) {
  using namespace quadratic_end;
  const auto judged = [&](const KktPoint& at) { return finished(problem, at, z0, stop); };
  const auto as_it_is = [&](const KktPoint& at) {
    const KktUnknowns here{at.z, at.equal, at.at_most};
    return unjudged(problem, at, kkt_look(kkt_parts(data, here), here, z0).error, z0, stop);
  };
  Outcome out =
      stop.watch ? cond(last.at.status == code(StatusCode::cancelled), as_it_is, judged, last.at) : judged(last.at);
  ConstrainedEnd end = unflatten(no_constrained_end(problem, z0), out.constrained);
  const Infeasibility at_sight = obvious(data);
  const Array seen = at_sight.proved, convex = is_convex(data);
  const bool given = stop.tolerance.given();
  if (!given) {
    const double enough = std::pow(epsilon(z0.dtype()), 0.575);
    out.status = where(out.residual_norm <= enough, code(StatusCode::converged), out.status);
  }
  out.status = where(convex, out.status, code(StatusCode::not_a_minimum));

  Proofs none{at_sight, {zeros_like(data.q), array(false)}};
  if (z0.size() > 0) {
    const Array open =
        ((out.status != 0) | last.doubtful) & convex & (out.status != code(StatusCode::cancelled)) & ~seen;
    const Proofs found = cond(
        open,
        [&](const Proofs& near) {
          const Infeasibility proof = proof_of_infeasibility(free, by, near.infeasible);
          return Proofs{with_fixed(data, proof), proof_of_unboundedness(free, by, near.unbounded.ray)};
        },
        [](const Proofs& near) {
          Proofs p = near;
          p.infeasible.proved = p.unbounded.proved = array(false);
          return p;
        },
        Proofs{last.infeasible, {last.ray, array(false)}});
    none = tree_map([&](const Array& a, const Array& b) { return where(seen, a, b); }, none, found);
  }
  const Array infeasible = none.infeasible.proved, unbounded = none.unbounded.proved & ~infeasible;
  out.status = where(unbounded, code(StatusCode::unbounded), out.status);
  out.status = where(infeasible, code(StatusCode::infeasible), out.status);
  Array whole = ~any(isnan(data.h)) & ~any(isnan(data.lower)) & ~any(isnan(data.upper));
  for (const Array& v : {data.p, data.q, data.a, data.b, data.g}) whole = whole & all(isfinite(v));
  out.status = where(whole, out.status, code(StatusCode::nonfinite));
  const Array unknown = scalar_like(std::numeric_limits<double>::quiet_NaN(), z0);
  end.certificate_equal = where(infeasible, none.infeasible.equal, unknown);
  end.certificate_at_most = where(infeasible, none.infeasible.at_most, unknown);
  end.certificate_lower = where(infeasible, none.infeasible.lower, unknown);
  end.certificate_upper = where(infeasible, none.infeasible.upper, unknown);
  end.ray = where(unbounded, none.unbounded.ray, unknown);
  out.constrained = flatten(end);
  return out;
}

}  // namespace dini::detail
