#include "dini/ops/statistics.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_build.hpp"
#include "dini/ops/sort.hpp"

namespace dini {

namespace statistics {

// The reduced axes as one, in front, and sorted along it.
struct Sorted {
  Array values;
  Array nan;  // whether an element of the column is NaN
  std::int64_t n;
  Axes axes;

  Sorted(const Array& a, const ReduceAxes& over, const char* function) {
    const Array x = detail::as_floating(a, function);
    axes = over.resolve(x.ndim(), function);
    Axes order = axes;
    n = 1;
    for (int k : axes) n *= x.shape()[k];
    Shape shape{n};
    for (int k = 0; k < x.ndim(); ++k) {
      if (std::binary_search(axes.begin(), axes.end(), k)) continue;
      order.push_back(k);
      shape.append(x.shape()[k]);
    }
    if (n == 0)
      throw ShapeError(std::string(function) + ": nothing to choose from in an array of shape " + a.shape().str());
    values = sort(detail::emit_reshape(transpose(x, order), shape), 0);
    nan = isnan(values(n - 1));  // it stands last
  }

  Array finish(const Array& y, bool keepdims) const {
    const Array out = where(nan, std::numeric_limits<double>::quiet_NaN(), y);
    if (!keepdims) return out;
    Axes places = axes;
    for (int& k : places) k += out.ndim() - (values.ndim() - 1);
    return expand_dims(out, places);
  }
};

}  // namespace statistics

Array diff(const Array& a, int n, int axis) {
  detail::check_defined(a, "diff");
  axis = normalize_axis(axis, a.ndim(), "diff");
  if (n < 0) throw ValueError("diff: n is " + std::to_string(n) + ", wanted 0 or more");
  Array out = a;
  for (int k = 0; k < n; ++k) {
    const std::int64_t length = out.shape()[axis];
    const Array upper = shaping::part(out, axis, std::min<std::int64_t>(length, 1), length);
    const Array lower = shaping::part(out, axis, 0, length - 1);
    out = out.dtype() == Dtype::bool_ ? upper != lower : upper - lower;
  }
  return out;
}

Array median(const Array& a, const ReduceAxes& axes, bool keepdims) {
  const statistics::Sorted s(a, axes, "median");
  const std::int64_t half = s.n / 2;
  const Array high = s.values(half);
  return s.finish(s.n % 2 ? high : 0.5 * (s.values(half - 1) + high), keepdims);
}

Array quantile(const Array& a, const Array& q, const ReduceAxes& axes, bool keepdims) {
  const statistics::Sorted s(a, axes, "quantile");
  Array share = detail::as_floating(q, "quantile");
  if (is_readable(share)) {
    for (double value : share.to_vector<double>()) {
      if (!(value >= 0 && value <= 1)) throw ValueError("quantile: q is " + std::to_string(value) + ", wanted 0 to 1");
    }
  }
  // q's axes in front of those that are left.
  std::vector<std::int64_t> shape = q.shape().vector();
  shape.insert(shape.end(), static_cast<std::size_t>(s.values.ndim() - 1), 1);
  const Array position = detail::emit_reshape(share, shape) * Array(static_cast<double>(s.n - 1));
  const Array below = floor(stop_gradient(share) * Array(static_cast<double>(s.n - 1)));
  const Array i = astype(below, Dtype::int64);
  const Array low = take(s.values, i, 0), high = take(s.values, minimum(i + 1, Array(s.n - 1)), 0);
  const Array t = position - detail::emit_reshape(below, shape);
  // From the nearer end, as NumPy does; no slope where both are one.
  const Array step = high - low;
  return s.finish(where(t < 0.5, low + t * step, high - (1.0 - t) * step), keepdims);
}

Array cov(const Array& m, bool rowvar, int ddof) {
  const Array x = detail::as_floating(m, "cov");
  if (x.ndim() > 2) throw ShapeError("cov: wants a vector or a matrix, got shape " + m.shape().str());
  const Array rows = x.ndim() == 2 && !rowvar ? transpose(x) : atleast_2d(x);
  const Array centred = rows - mean(rows, 1, true);
  const double count = static_cast<double>(rows.shape()[1] - ddof);
  const Array out = matmul(centred, transpose(centred)) / std::max(count, 0.0);
  return rows.shape()[0] == 1 ? detail::emit_reshape(out, Shape{}) : out;
}

Array trapezoid(const Array& y, const Array& x, const Array& dx, int axis) {
  detail::check_defined(y, "trapezoid");
  axis = normalize_axis(axis, y.ndim(), "trapezoid");
  Array steps = dx;
  if (x.defined()) {
    steps = diff(x, 1, x.ndim() == 1 ? 0 : axis);
    if (x.ndim() == 1 && y.ndim() > 1) {
      std::vector<std::int64_t> along(static_cast<std::size_t>(y.ndim()), 1);
      along[static_cast<std::size_t>(axis)] = steps.size();
      steps = detail::emit_reshape(steps, along);
    }
  }
  const std::int64_t n = y.shape()[axis];
  const Array upper = shaping::part(y, axis, std::min<std::int64_t>(n, 1), n);
  return sum(0.5 * steps * (upper + shaping::part(y, axis, 0, n - 1)), axis);
}

Array interp(const Array& x, const Array& xp, const Array& fp, const Array& left, const Array& right) {
  Array points = detail::as_floating(xp, "interp"), at = detail::as_floating(x, "interp");
  const Array values = detail::as_floating(fp, "interp");
  if (xp.ndim() != 1 || fp.shape() != xp.shape() || xp.size() == 0) {
    throw ShapeError("interp: wants points and values in vectors of one length, not " + xp.shape().str() + " and " +
                     fp.shape().str());
  }
  const std::int64_t n = xp.size();
  const Array above = stop_gradient(searchsorted(points, at, "right"));
  const Array i = clip(above, Array(std::int64_t{1}), Array(std::max<std::int64_t>(n - 1, 1)));
  const Array j = minimum(i, Array(n - 1));
  const Array x0 = take(points, i - 1), f0 = take(values, i - 1), width = take(points, j) - x0;
  const Array apart = width != 0;
  const Array f1 = take(values, j), divisor = where(apart, width, 1.0);
  const auto from = [&](const Array& knot, const Array& value) {
    return value + where(apart, (at - knot) / divisor, 0.0) * (f1 - f0);
  };
  const Array below = at<points(0), beyond = at> points(n - 1);
  // The last knot from its own side, so that its value is fp's.
  const Array found = where(isnan(at), at, where(at == points(n - 1), from(x0 + width, f1), from(x0, f0)));
  return where(below, left.defined() ? left : values(0), where(beyond, right.defined() ? right : values(n - 1), found));
}

Array polyval(const Array& p, const Array& x) {
  detail::check_defined(p, "polyval");
  detail::check_defined(x, "polyval");
  if (p.ndim() != 1) throw ShapeError("polyval: wants a vector of coefficients, got shape " + p.shape().str());
  Array y = zeros_like(x);
  for (std::int64_t k = 0; k < p.size(); ++k) y = y * x + p(k);
  return y;
}

Array convolve(const Array& a, const Array& v, const std::string& mode) {
  detail::check_defined(a, "convolve");
  detail::check_defined(v, "convolve");
  if (mode != "full" && mode != "same" && mode != "valid") {
    throw ValueError("convolve: \"" + mode + "\" is none of \"full\", \"same\", \"valid\"");
  }
  const Array signal = atleast_1d(a.size() >= v.size() ? a : v), kernel = atleast_1d(a.size() >= v.size() ? v : a);
  if (signal.ndim() != 1 || kernel.ndim() != 1 || kernel.size() == 0) {
    throw ShapeError("convolve: wants two vectors with elements, got shapes " + a.shape().str() + " and " +
                     v.shape().str());
  }
  const std::int64_t n = signal.size(), m = kernel.size();
  const std::int64_t first = mode == "full" ? 0 : mode == "same" ? (m - 1) / 2 : m - 1;
  const std::int64_t count = mode == "full" ? n + m - 1 : mode == "same" ? n : n - m + 1;
  const Array places = reshape(arange(count), {count, 1}) + Array(first) + arange(m);
  return matmul(take(pad(signal, m - 1), places), flip(kernel));
}

}  // namespace dini
