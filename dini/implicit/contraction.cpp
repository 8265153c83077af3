#include "dini/implicit/contraction.hpp"

#include <cmath>

#include "dini/implicit/regularity.hpp"
#include "dini/linear/check_status.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/ends_by_itself.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::detail {

namespace {

// In which J has to make of a vector a millionth. From 70 unknowns to 1,000 a factorisation costs as much as 150 to 500 products, with
// the looks at A that follow it.
constexpr double most_products = 48;

// c + J c + J²c + ..., and the last term.
struct Series {
  Array sum, term, size, limit;
  auto tree() { return std::tie(sum, term, size, limit); }
};
// What ends it: a term of this size, that of the sum so far; or one above a limit that falls by a rate from step to step.
struct SeriesEnd {
  std::function<Array(const Array& sum)> target;
  Array limit;
  double rate;
};
Series series(const Array& c, const Product& product, const Array& weights, const SeriesEnd& ends) {
  const auto size = [&](const Array& v) { return length(weights * v); };
  // A term that is no number ends it, too.
  return loop([&](const Series& s) { return (s.size > ends.target(s.sum)) & (s.size <= s.limit); },
              [&](const Series& s) {
                const Array term = product(s.term);
                return Series{s.sum + term, term, size(term), ends.rate * s.limit};
              },
              Series{c, c, size(c), ends.limit}, ends_by_itself);
}

Array or_ones(const Array& condition, const Array& x) { return where(condition, x, ones_like(x)); }

// Numbers of magnitudes between 1 and 2 that have nothing to do with one another.
Array unlike(const Array& like) {
  const Array k = astype(arange(like.size()), like.dtype()), size = 1.5 + 0.5 * sin(2.3 * k + 1.1);
  return where(cos(1.7 * square(k) + 0.3) < 0, -size, size);
}

struct ContractionMethod final : LinearMethod {
  explicit ContractionMethod(const MatrixStructure& s) : structure(s) {}
  MatrixStructure structure;

  // It gives what Direct gives.
  std::string name() const override { return Direct::table().name; }
  std::string key() const override { return "contraction"; }

  static Array formed(const LinearSystem& system, const Array& like) {
    return jacobian([&](const Array& v) { return system.apply(v); })(zeros_like(like));
  }
  static Leaves factors_of(const Leaves& prepared) { return {prepared.begin() + 2, prepared.end()}; }
  Array solved(const Leaves& factors, const Array& a, const Array& b, bool transposed) const {
    return emit_linear_solve(factors, a, b, transposed, is_symmetric(structure));
  }

  LinearOutcome attempt(const Product& apply, const LinearSystem& system, const Leaves& prepared, const Array& b,
                        bool transposed) const override {
    const Array &contracts = prepared[0], &units = prepared[1];
    const double eps = epsilon(b.dtype());
    const Array weights = transposed ? units : reciprocal(units);
    const auto size = [&](const Array& v) { return length(weights * v); };
    // A = J - I. A sum that was seen to end, or nearly.
    const double rate = std::pow(eps, 1.0 / (4 * most_products));
    const Series s = series(-b, [&](const Array& v) { return apply(v) + v; }, weights,
                            {[&](const Array& sum) { return 4 * eps * size(sum); },
                             where(contracts, 10 * size(b), zeros_like(size(b))), rate});
    const Array residual = apply(s.sum) - b, left = size(residual);
    const Array met = contracts & (left <= 32 * eps * (size(s.sum) + size(b)));
    LinearOutcome by_products{s.sum, code(StatusCode::converged), length(residual)};
    return cond(
        met, [&] { return by_products; },
        [&] {
          return cond(
              contracts,
              [&] {
                const Array a = formed(system, b);
                const LinearOutcome by = of_factors(factorize(a, structure), a, apply, b, transposed);
                const double least = static_cast<double>(b.size()) * eps / 2;
                return LinearOutcome{
                    by.x, where(reciprocal_condition(a) > least, by.status, code(StatusCode::singular)), by.residual};
              },
              // What is not refined reads the factors alone.
              [&] { return of_factors(factors_of(prepared), prepared[2], apply, b, transposed); });
        });
  }
  LinearOutcome of_factors(const Leaves& factors, const Array& a, const Product& apply, const Array& b,
                           bool transposed) const {
    const Array x = solved(factors, a, b, transposed);
    return {x, code(StatusCode::converged), length(apply(x) - b)};
  }

  // Factors once cost less than products for each.
  Array solve_many(const LinearSystem& system, const Leaves& prepared, const Array& columns,
                   bool transposed) const override {
    const std::int64_t n = columns.shape()[0];
    if (columns.shape()[1] < std::max<std::int64_t>(2, n / 50)) return {};
    const Array a = formed(system, zeros({n}, columns.dtype())), here = stop_gradient(a);
    const Leaves factors = cond(
        prepared[0], [&] { return factorize(here, structure); }, [&] { return factors_of(prepared); });
    return solved(factors, a, columns, transposed);
  }
};

}  // namespace

Contraction contracts_at(const SolverProblem& problem, const Array& z,
                         const std::function<Leaves(const Array& z)>& linearized,
                         const std::function<Array(const Array& v, const Leaves&)>& product) {
  const double n = static_cast<double>(z.size()), eps = epsilon(z.dtype());
  const Leaves all = linearized(z), here(all.begin() + 1, all.end());
  const Array sizes = maximum(abs(z), 0.1 * max(abs(z))), units = or_ones((sizes > 0) & isfinite(sizes), sizes);
  const Array weights = reciprocal(units), g = units * unlike(z);
  const auto size = [&](const Array& v) { return length(weights * v); };
  const auto summed = [&](const Array& c, double small) {
    const Array start = size(c);
    return series(c, [&](const Array& v) { return product(v, here); }, weights,
                  {[start, small](const Array&) { return small * start; }, 10 * start,
                   std::pow(small / 10, 1.0 / most_products)});
  };
  const double small = 1e-6;
  const Array start = size(g);
  const Series s = summed(g, small);

  Contraction out;
  out.units = units;
  out.holds = cond(
      s.size <= small * start,
      [&] {
        const Array phi = max(weights * (abs(all[0] - z) + noise_at(problem, z, Array())));
        const Leaves moved = linearized(z + phi * s.sum), there(moved.begin() + 1, moved.end());
        const Array first = product(g, here), condition = n * size(s.sum) * size(g - first) / square(start);
        const Series change = summed(product(g, there) - first, 1e-2);
        const Array omega = std::sqrt(n) * size(change.sum) / start;
        return (condition * (n * eps / 2) < 1) & (omega < 1e-3);
      },
      [] { return array(false); });
  return out;
}

LinearMethodRef contraction_method(const MatrixStructure& structure) {
  return std::make_shared<ContractionMethod>(structure);
}

}  // namespace dini::detail
