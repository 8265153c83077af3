#include "dini/implicit/optimum.hpp"

#include <cmath>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"

namespace dini::detail {

Array half_square(const Leaves& residuals) {
  Array out;
  for (const Array& r : residuals) {
    const Array part = 0.5 * sum(square(r));
    out = out.defined() ? out + part : part;
  }
  return out.defined() ? out : zeros(Shape{});
}

ConstrainedLeaves no_constraints(const Leaves& z) {
  Leaves nothing, unknown;
  for (const Array& a : z) {
    nothing.push_back(zeros_like(a));
    unknown.push_back(full_like(a, Array(std::nan(""))));
  }
  const Array none = array(std::int64_t{0});
  return {nothing, nothing, {}, {}, none, none, none, unknown, unknown, {}, {}, unknown};
}

}  // namespace dini::detail
