#include "dini/solvers/secant_pairs.hpp"

#include "dini/core/index.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/shaping.hpp"

namespace dini::detail {

namespace {
// a/b, 0 where b is not positive.
Array positive_quotient(const Array& a, const Array& b) {
  return where(b > 0, a / where(b > 0, b, ones_like(b)), zeros_like(a));
}
}  // namespace

Array bfgs_update(const Array& inverse, const Array& s, const Array& y) {
  const Array sy = dot(s, y), rho = positive_quotient(ones_like(sy), sy), by = dot(inverse, y);
  const Array both = outer(s, by);
  return inverse - rho * (both + transpose(both)) + (rho * rho * dot(y, by) + rho) * outer(s, s);
}

Array short_step(const Array& s, const Array& y) { return positive_quotient(dot(s, y), dot(y, y)); }
Array long_step(const Array& s, const Array& y) { return positive_quotient(dot(s, s), dot(s, y)); }

Array two_loops(const Array& s, const Array& y, const Array& gradient) {
  const std::int64_t pairs = s.shape()[0];
  Array q = gradient;
  std::vector<Array> parts, scales;
  for (std::int64_t k = pairs; k-- > 0;) {
    const Array sk = s(k), yk = y(k), sy = dot(sk, yk);
    scales.push_back(positive_quotient(ones_like(sy), sy));
    parts.push_back(scales.back() * dot(sk, q));
    q = q - parts.back() * yk;
  }
  const Array scale = short_step(s(pairs - 1), y(pairs - 1));
  Array r = where(scale > 0, scale, ones_like(scale)) * q;
  for (std::int64_t k = 0; k < pairs; ++k) {
    const auto newest_first = static_cast<std::size_t>(pairs - 1 - k);
    r = r + (parts[newest_first] - scales[newest_first] * dot(y(k), r)) * s(k);
  }
  return r;
}

}  // namespace dini::detail
