#include "dini/solvers/certificates.hpp"

#include <array>
#include <cmath>

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/trace/emit.hpp"

namespace dini::detail {

namespace certificates {

// From what part of the largest on a row has a part in the proof. The first of the proofs is taken.
constexpr std::array<double, 3> supports = {1e-6, 1e-4, 1e-8};
constexpr int projections = 3;

Array only(const Array& mask, const Array& a) { return where(mask, a, zeros_like(a)); }
Array row(const Array& mask) { return reshape(mask, {1, mask.size()}); }
Array column(const Array& mask) { return reshape(mask, {mask.size(), 1}); }
Array largest(const Array& v) { return v.size() ? max(abs(v)) : zeros({}, v.dtype()); }
Array to_one(const Array& v, const Array& size) { return v / where(size > 0, size, ones_like(size)); }

// v without its part in the rows of n.
Array projected(Array v, const Array& n) {
  for (int k = 0; k < projections; ++k) v = v - emit_one(lstsq_op(), {n, dot(n, v)}, {{"rcond", -1.0}});
  return v;
}

struct Live {
  Array rows, lower, upper;
  explicit Live(const QuadraticData& d) : rows(isfinite(d.h)), lower(isfinite(d.lower)), upper(isfinite(d.upper)) {}
};

}  // namespace certificates

Infeasibility proof_of_infeasibility(const QuadraticData& d, const QuadraticScaling& by, const Infeasibility& near) {
  using namespace certificates;
  const std::int64_t n = d.q.size(), me = d.b.size(), mg = d.h.size();
  const Dtype dtype = d.q.dtype();
  const Live live(d);
  const QuadraticData s = scaled(d, by);
  const Array unit = eye(n, dtype);
  const Array equations = concatenate({transpose(s.a), transpose(s.g), -unit, unit}, 1);
  const Array sign_free = concatenate({ones({me}, Dtype::bool_), zeros({mg + 2 * n}, Dtype::bool_)});
  const Array there = concatenate({ones({me}, Dtype::bool_), live.rows, live.lower, live.upper});
  Array w = only(there, concatenate({near.equal, near.at_most, near.lower, near.upper}));
  w = to_one(w, largest(w));

  const Array units = concatenate({by.equal, by.at_most, reciprocal(by.variables), reciprocal(by.variables)});
  const Array sides =
      only(there, concatenate({d.b, only(live.rows, d.h), -only(live.lower, d.lower), only(live.upper, d.upper)}));
  const Array in_units = concatenate({transpose(d.a), transpose(d.g), -unit, unit}, 1);
  Infeasibility out;
  out.proved = array(false);
  for (double support : supports) {
    const Array part = there & (sign_free | (w > support));
    Array v = projected(only(part, w), only(row(part), equations));
    v = units * only(part & (sign_free | (v > 0)), v);
    v = to_one(v, largest(v));
    // What rounding may make of a sum that is 0 proves nothing.
    const Array gap = -dot(sides, v), noise = 64 * epsilon(dtype) * dot(abs(sides), abs(v));
    const Array proved = (gap > noise) & (gap >= 1.5 / std::sqrt(epsilon(dtype)) * sum(abs(dot(in_units, v))));
    const Infeasibility found{v(slice(0, me)), v(slice(me, me + mg)), v(slice(me + mg, me + mg + n)),
                              v(slice(me + mg + n, end)), proved};
    if (!out.equal.defined()) {
      out = found;
    } else {
      const Array take = proved & ~out.proved;
      out = tree_map([&](const Array& a, const Array& b) { return where(take, a, b); }, found, out);
    }
  }
  return out;
}

Unboundedness proof_of_unboundedness(const QuadraticData& d, const QuadraticScaling& by, const Array& near) {
  using namespace certificates;
  const Live live(d);
  const QuadraticData s = scaled(d, by);
  const double tolerance = 3 * solution_tolerance(d.q.dtype());
  const Array direction = to_one(near, largest(near)), along = abs(dot(s.g, direction));
  auto length = [](const Array& m) { return sum(abs(m), 1); };
  auto nothing = [&](const Array& v, const Array& size) { return all(abs(v) <= tolerance * size); };
  Unboundedness out;
  out.proved = array(false);
  for (double support : supports) {
    const Array rows = live.rows & (along <= support), bounds = (live.lower | live.upper) & (abs(direction) <= support);
    const Array held = concatenate({s.p, s.a, only(column(rows), s.g), diag(astype(bounds, d.q.dtype()))});
    Array v = only(~bounds, by.variables * projected(direction, held));
    v = to_one(v, largest(v));
    const Array fall = -dot(d.q, v);
    Array proved =
        (fall > tolerance * sum(abs(d.q))) & nothing(dot(d.p, v), length(d.p)) & nothing(dot(d.a, v), length(d.a));
    proved = proved & all(~live.rows | (dot(d.g, v) <= tolerance * length(d.g)));
    proved = proved & all(~live.lower | (v >= 0)) & all(~live.upper | (v <= 0));
    const Array take = proved & ~out.proved;
    out.ray = out.ray.defined() ? where(take, v, out.ray) : v;
    out.proved = out.proved | proved;
  }
  return out;
}

}  // namespace dini::detail
