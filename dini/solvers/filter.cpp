#include "dini/solvers/filter.hpp"

#include <limits>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"

namespace dini::detail {

namespace {
constexpr std::int64_t filter_length = 64;
}

Filter Filter::up_to(const Array& violation) {
  const Array infinite = full({filter_length}, Array(std::numeric_limits<double>::infinity()), violation.dtype());
  const Array first = arange(filter_length) == 0;
  return {where(first, violation, infinite), where(first, -infinite, infinite), array(std::int64_t{1})};
}

Array Filter::allows(const Array& theta, const Array& phi) const {
  const Array least = where(isfinite(violation), violation, zeros_like(violation));
  return all((theta <= (1 - margin) * violation) | (phi <= objective - margin * least));
}

Filter Filter::with(const Array& theta, const Array& phi) const {
  const Array here = arange(filter_length) == next;
  // The first stays: it is the largest violation that is allowed.
  const Array after = where(next + 1 < filter_length, next + 1, array(std::int64_t{1}));
  return {where(here, theta, violation), where(here, phi, objective), after};
}

}  // namespace dini::detail
