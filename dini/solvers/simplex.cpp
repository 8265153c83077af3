#include "dini/solvers/simplex.hpp"

#include <cmath>
#include <limits>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/sort.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/solvers/objective.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/vmap.hpp"

namespace dini::detail {

namespace simplex {

// E, infinite where it is NaN: the highest corner there is.
Array height(const SolverProblem& p, const Array& z) {
  const Array e = objective_at(p, z);
  return where(isnan(e), scalar_like(std::numeric_limits<double>::infinity(), z), e);
}
Array heights(const SolverProblem& p, const Array& points) {
  if (p.reads_values) {
    Leaves each;
    for (std::int64_t k = 0; k < points.shape()[0]; ++k) each.push_back(height(p, points(k)));
    return stack(each);
  }
  return dini::vmap([&](const Array& z) { return height(p, z); })(points);
}

Simplex sorted(Simplex s) {
  const Array order = argsort(s.values);
  s.points = take(s.points, order, 0);
  s.values = take(s.values, order, 0);
  return s;
}

}  // namespace simplex

Simplex simplex_at(const SolverProblem& p, const Array& z, double size, const Array& first) {
  const Array most = z.size() ? max(abs(z)) : scalar_like(1, z), unit = where(most > 0, most, ones_like(most));
  Simplex s{z, z, where(z != 0.0, abs(z), unit), first, first};
  s.points = concatenate({reshape(z, {1, z.size()}), z + diag(size * s.units)});
  s.values = simplex::heights(p, s.points);
  s.made = s.values(0);
  return simplex::sorted(s);
}

MovedSimplex moved(const SolverProblem& p, const Simplex& s, const SimplexLengths& by) {
  const std::int64_t n = s.points.shape()[1];
  const Array highest = s.points(n), middle = mean(s.points(slice(0, n)), 0), way = middle - highest;
  const Array least = s.values(0), second = s.values(n - 1), most = s.values(n);
  const Array one = array(std::int64_t{1});

  const Array reflected = middle + by.reflection * way, value = simplex::height(p, reflected);
  const Array falls = value < least, plain = ~falls & (value < second);
  auto size = [&](double v) { return scalar_like(v, middle); };
  const Array length = where(falls, size(by.reflection * by.expansion),
                             where(value < most, size(by.reflection * by.contraction), size(-by.contraction)));
  const Array other = middle + length * way;
  const Array there = cond(
      plain, [](const Array& z) { return scalar_like(std::numeric_limits<double>::infinity(), z); },
      [&](const Array& z) { return simplex::height(p, z); }, other);
  const Array better = ~plain & (there < minimum(value, most)), takes = plain | falls | better;
  Simplex to = s;
  to.points = s.points.at(n).set(where(better, other, reflected));
  to.values = s.values.at(n).set(where(better, there, value));
  return cond(
      takes,
      [](const MovedSimplex& m) {
        return MovedSimplex{simplex::sorted(m.s), m.evaluations};
      },
      [&](const MovedSimplex& m) {
        MovedSimplex all{s, m.evaluations + n};
        all.s.points = s.points(0) + by.shrinkage * (s.points - s.points(0));
        all.s.values = simplex::heights(p, all.s.points).at(0).set(least);
        all.s = simplex::sorted(all.s);
        return all;
      },
      MovedSimplex{to, where(plain, one, 2 * one)});
}

}  // namespace dini::detail
