// Norms, ranks and condition numbers.
#include <algorithm>
#include <cmath>
#include <string>
#include <variant>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/linalg_build.hpp"
#include "dini/ops/shaping.hpp"

namespace dini::linalg {

namespace {

using NormOrd = std::variant<double, std::string>;

std::string ord_name(const NormOrd& ord) {
  if (const auto* text = std::get_if<std::string>(&ord)) return "\"" + *text + "\"";
  std::string number = std::to_string(std::get<double>(ord));
  number.erase(number.find_last_not_of('0') + 1);
  if (!number.empty() && number.back() == '.') number.pop_back();
  return number;
}

// Of matrices in the last two axes.
Array matrix_norm(const Array& x, const NormOrd& ord) {
  if (const auto* text = std::get_if<std::string>(&ord)) {
    if (*text == "fro") return dini::norm(x, 2.0, {-2, -1});
    if (*text == "nuc") return sum(svdvals(x), -1);
  } else {
    const double p = std::get<double>(ord);
    if (p == 2) return max(svdvals(x), -1);
    if (p == -2) return min(svdvals(x), -1);
    if (std::fabs(p) == 1 || std::isinf(p)) {
      const Array sums = sum(abs(x), std::isinf(p) ? -1 : -2);
      return p > 0 ? max(sums, -1) : min(sums, -1);
    }
  }
  throw ValueError("norm: no norm of matrices is called " + ord_name(ord));
}

Array norm_by_ord(const Array& x, const NormOrd& ord, const ReduceAxes& axes, bool keepdims) {
  const Array a = detail::as_floating(x, "norm");
  const Axes over = axes.in_order(a.ndim(), "norm");  // rows, then columns
  if (over.size() == 1 && std::holds_alternative<double>(ord))
    return dini::norm(a, std::get<double>(ord), over, keepdims);
  if (over.size() != 2) {
    throw ValueError("norm: with ord = " + ord_name(ord) +
                     " it is over one axis (vectors) or two (matrices), not over " + std::to_string(over.size()) +
                     " of " + a.shape().str());
  }
  const Array out = matrix_norm(moveaxis(a, over, {-2, -1}), ord);
  return keepdims ? expand_dims(out, over) : out;
}

Array cond_by_ord(const Array& a, const NormOrd& ord) {
  return norm_by_ord(a, ord, {-2, -1}, false) * norm_by_ord(inv(a), ord, {-2, -1}, false);
}

}  // namespace

Array norm(const Array& x) { return dini::norm(x); }
Array norm(const Array& x, const ReduceAxes& axes) { return dini::norm(x, 2, axes); }

Array matrix_rank(const Array& a, std::optional<double> tolerance) {
  const Array s = svdvals(a);
  const Shape shape = a.shape();
  if (s.shape().back() == 0) return zeros(detail::leading(shape), Dtype::int64);
  const double relative = static_cast<double>(std::max(shape.at(-1), shape.at(-2))) * epsilon(s.dtype());
  const Array limit = tolerance ? Array(*tolerance) : max(s, -1, true) * relative;
  return sum(astype(s > limit, Dtype::int64), -1);
}

Array cond(const Array& a) {
  const Array s = svdvals(a);
  return max(s, -1) / min(s, -1);
}

Array cond(const Array& a, double ord) {
  if (ord == 2) return cond(a);
  if (ord == -2) return 1 / cond(a);
  return cond_by_ord(a, ord);
}
Array cond(const Array& a, const std::string& ord) { return cond_by_ord(a, ord); }

}  // namespace dini::linalg

namespace dini::detail {

Array linalg_norm(const Array& x, double ord, const ReduceAxes& axes, bool keepdims) {
  return linalg::norm_by_ord(x, ord, axes, keepdims);
}
Array linalg_norm(const Array& x, const std::string& ord, const ReduceAxes& axes, bool keepdims) {
  return linalg::norm_by_ord(x, ord, axes, keepdims);
}

}  // namespace dini::detail
