#include "dini/solvers/curvature.hpp"

#include <algorithm>

#include "dini/core/index.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/transforms/control.hpp"

namespace dini::detail {

namespace {
struct Lanczos {
  Array basis, products, next, count;  // rows v and Hv; where it goes from there
  auto tree() { return std::tie(basis, products, next, count); }
};
}  // namespace

LowestCurvature lowest_curvature(const Product& h, const Array& like, std::int64_t products) {
  const std::int64_t n = like.size(), k = std::min(n, products);
  const Array index = astype(arange(n), like.dtype()), none = zeros({k, n}, like.dtype());
  auto next = [&](const Lanczos& s) {
    const Array size = length(s.next),
                v = where(size > 0, s.next / where(size > 0, size, ones_like(size)), zeros_like(s.next));
    Lanczos r;
    r.basis = s.basis.at(s.count).set(v);
    const Array hv = h(v);
    r.products = s.products.at(s.count).set(hv);
    // Twice: what rounding leaves of the first time is taken away by the second.
    Array rest = hv;
    for (int time = 0; time < 2; ++time) rest = rest - dot(dot(r.basis, rest), r.basis);
    // Nothing but rounding is left of a space that H does not lead out of.
    r.next = where(length(rest) > 100 * epsilon(like.dtype()) * length(hv), rest, zeros_like(rest));
    r.count = s.count + 1;
    return r;
  };
  const Lanczos s = loop([&](const Lanczos& at) { return at.count < k; }, next,
                         Lanczos{none, none, cos(1.7 * square(index) + 0.3), array(std::int64_t{0})}, k);
  const linalg::Eigh eigen = linalg::eigh(dot(s.basis, transpose(s.products)));
  return {eigen.eigenvalues(0), dot(eigen.eigenvectors(slice(), 0), s.basis), max(abs(eigen.eigenvalues))};
}

}  // namespace dini::detail
