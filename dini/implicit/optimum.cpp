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

Leaves zeros_like_leaves(const Leaves& like) {
  Leaves out;
  for (const Array& a : like) out.push_back(zeros_like(a));
  return out;
}

Leaves unknown_like_leaves(const Leaves& like) {
  Leaves out;
  for (const Array& a : like) out.push_back(full_like(a, Array(std::nan(""))));
  return out;
}

}  // namespace dini::detail
