#include "dini/implicit/optimum.hpp"

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

}  // namespace dini::detail
