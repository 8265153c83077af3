#include "dini/ops/reduce.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce_ops.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_ops.hpp"
#include "dini/trace/emit.hpp"

namespace dini {

Axes ReduceAxes::in_order(int ndim, const char* function) const {
  return all_ ? axes_from(0, ndim) : normalize_axes(axes_, ndim, function);
}
Axes ReduceAxes::resolve(int ndim, const char* function) const {
  Axes axes = in_order(ndim, function);
  std::sort(axes.begin(), axes.end());
  return axes;
}

namespace {

// A reduction with its arguments looked at.
struct Reduction {
  const char* function;
  Array x;
  Axes axes;
  bool keepdims;

  Reduction(const char* f, const Array& a, const ReduceAxes& over, bool keep) : function(f), x(a), keepdims(keep) {
    detail::check_defined(a, f);
    axes = over.resolve(a.ndim(), f);
  }
  // The result's shape.
  Shape shape() const {
    Shape out;
    for (int i = 0; i < x.ndim(); ++i) {
      const bool reduced = std::binary_search(axes.begin(), axes.end(), i);
      if (!reduced)
        out.append(x.aval().shape[i]);
      else if (keepdims)
        out.append(1);
    }
    return out;
  }
  // How many elements go into one result.
  std::int64_t count() const {
    std::int64_t n = 1;
    for (int axis : axes) n *= x.aval().shape[axis];
    return n;
  }
  Array kept(const Array& y) const { return keepdims ? detail::emit_reshape(y, shape()) : y; }
  Array emit(const Op& op, const Array& operand) const {
    if (axes.empty()) return operand;
    return kept(emit_one(op, {operand}, {{"axes", to_ints(axes)}}));
  }
  // Over no axes at all it is |x|.
  Array norm(const Array& operand) const { return kept(emit_one(norm2_op(), {operand}, {{"axes", to_ints(axes)}})); }
  Array emit_extremum(const Op& op) const {
    if (!count())
      throw ShapeError(std::string(function) + ": nothing to choose from in an array of shape " + x.shape().str());
    return emit(op, x);
  }
};

// Sums and products of bool and int32 are int64.
Array widened(const Array& x) {
  return x.dtype() == Dtype::bool_ || x.dtype() == Dtype::int32 ? detail::as_operand(x, Dtype::int64) : x;
}

Array nonzero(const Array& x) { return x.dtype() == Dtype::bool_ ? x : x != 0; }

Array argument_along(const Op& op, const char* function, const Array& a, int axis, bool keepdims) {
  detail::check_defined(a, function);
  const Reduction r(function, a, normalize_axis(axis, a.ndim(), function), keepdims);
  if (!r.count())
    throw ShapeError(std::string(function) + ": nothing to choose from in an array of shape " + a.shape().str());
  return r.kept(emit_one(op, {a}, {{"axis", static_cast<std::int64_t>(r.axes[0])}}));
}

Array running_along(const Op& op, const char* function, const Array& a, int axis) {
  detail::check_defined(a, function);
  axis = normalize_axis(axis, a.ndim(), function);
  return emit_one(op, {widened(a)}, {{"axis", static_cast<std::int64_t>(axis)}, {"reverse", false}});
}

// The largest element, to be subtracted before exponentials: a constant to derivatives, 0 where it is not finite.
Array exponent_shift(const Array& x, const Axes& axes) {
  const Array m = stop_gradient(max(x, axes, true));
  return where(isfinite(m), m, 0.0);
}

}  // namespace

Array sum(const Array& a, const ReduceAxes& axes, bool keepdims) {
  const Reduction r("sum", a, axes, keepdims);
  return r.emit(sum_op(), widened(a));
}

Array prod(const Array& a, const ReduceAxes& axes, bool keepdims) {
  const Reduction r("prod", a, axes, keepdims);
  return r.emit(prod_op(), widened(a));
}

Array mean(const Array& a, const ReduceAxes& axes, bool keepdims) {
  const Reduction r("mean", a, axes, keepdims);
  return r.emit(sum_op(), detail::as_floating(a, "mean")) / static_cast<double>(r.count());
}

Array var(const Array& a, const ReduceAxes& axes, bool keepdims, int ddof) {
  const Reduction r("var", a, axes, keepdims);
  const Array x = detail::as_floating(a, "var");
  const Array deviations = square(x - mean(x, r.axes, true));
  return r.emit(sum_op(), deviations) / std::max(static_cast<double>(r.count() - ddof), 0.0);
}

Array stddev(const Array& a, const ReduceAxes& axes, bool keepdims, int ddof) {
  return sqrt(var(a, axes, keepdims, ddof));
}

Array max(const Array& a, const ReduceAxes& axes, bool keepdims) {
  return Reduction("max", a, axes, keepdims).emit_extremum(max_op());
}
Array min(const Array& a, const ReduceAxes& axes, bool keepdims) {
  return Reduction("min", a, axes, keepdims).emit_extremum(min_op());
}
Array any(const Array& a, const ReduceAxes& axes, bool keepdims) {
  const Reduction r("any", a, axes, keepdims);
  return r.emit(max_op(), nonzero(a));
}
Array all(const Array& a, const ReduceAxes& axes, bool keepdims) {
  const Reduction r("all", a, axes, keepdims);
  return r.emit(min_op(), nonzero(a));
}

Array argmax(const Array& a, int axis, bool keepdims) {
  return argument_along(argmax_op(), "argmax", a, axis, keepdims);
}
Array argmin(const Array& a, int axis, bool keepdims) {
  return argument_along(argmin_op(), "argmin", a, axis, keepdims);
}
Array argmax(const Array& a) {
  detail::check_defined(a, "argmax");
  return argmax(detail::emit_reshape(a, Shape{a.size()}), 0);
}
Array argmin(const Array& a) {
  detail::check_defined(a, "argmin");
  return argmin(detail::emit_reshape(a, Shape{a.size()}), 0);
}

Array norm(const Array& x) {
  const Reduction r("norm", x, {}, false);
  return r.norm(detail::as_floating(x, "norm"));
}

Array detail::norm_of_order(const Array& a, double ord, const ReduceAxes& axes, bool keepdims) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Reduction r("norm", a, axes, keepdims);
  const Array x = detail::as_floating(a, "norm");
  if (ord == 2) return r.norm(x);
  if (ord == 1) return r.emit(sum_op(), abs(x));
  if (ord == infinity) return max(abs(x), r.axes, keepdims);
  if (ord == -infinity) return min(abs(x), r.axes, keepdims);
  if (ord == 0) return r.emit(sum_op(), astype(x != 0, x.dtype()));
  if (std::isnan(ord)) throw ValueError("norm: ord is NaN; wanted a number or an infinity");
  return power(r.emit(sum_op(), power(abs(x), ord)), 1 / ord);
}

Array logsumexp(const Array& a, const ReduceAxes& axes, bool keepdims, const Array& b) {
  Array factor = b, x = detail::as_floating(a, "logsumexp");
  if (b.defined()) detail::promote_operands(x, factor, "logsumexp", true);
  const Reduction r("logsumexp", x, axes, keepdims);
  if (!r.count()) return log(r.emit(sum_op(), x));
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Array shift = exponent_shift(b.defined() ? where(factor == 0, -infinity, x) : x, r.axes);
  if (b.defined()) {
    // Without weight an element is left out only where it overflows: b has its slope there, too.
    x = where((factor == 0) & ~isfinite(exp(stop_gradient(x) - shift)), -infinity, x);
  }
  const Array e = exp(x - shift);
  const Array y = log(sum(b.defined() ? factor * e : e, r.axes, true)) + shift;
  return detail::emit_reshape(y, r.shape());
}

Array softmax(const Array& a, const ReduceAxes& axes) {
  const Reduction r("softmax", a, axes, true);
  const Array x = detail::as_floating(a, "softmax");
  if (!r.count()) return x;
  const Array e = exp(x - exponent_shift(x, r.axes));
  return e / sum(e, r.axes, true);
}

Array log_softmax(const Array& a, const ReduceAxes& axes) {
  const Reduction r("log_softmax", a, axes, true);
  const Array x = detail::as_floating(a, "log_softmax");
  if (!r.count()) return x;
  const Array shifted = x - exponent_shift(x, r.axes);
  return shifted - log(sum(exp(shifted), r.axes, true));
}

Array nansum(const Array& a, const ReduceAxes& axes, bool keepdims) {
  detail::check_defined(a, "nansum");
  return sum(where(isnan(a), detail::literal(0, a), a), axes, keepdims);
}
Array nanmean(const Array& a, const ReduceAxes& axes, bool keepdims) {
  const Array x = detail::as_floating(a, "nanmean");
  return nansum(x, axes, keepdims) / astype(sum(~isnan(x), axes, keepdims), x.dtype());
}

namespace {
template <class Extremum>
Array without_nan(Extremum extremum, double least, const Array& a, const ReduceAxes& axes, bool keepdims) {
  if (!is_floating(a.dtype())) return extremum(a, axes, keepdims);
  const Array y = extremum(where(isnan(a), least, a), axes, keepdims);
  return where(all(isnan(a), axes, keepdims), std::numeric_limits<double>::quiet_NaN(), y);
}
}  // namespace

Array nanmax(const Array& a, const ReduceAxes& axes, bool keepdims) {
  detail::check_defined(a, "nanmax");
  return without_nan(static_cast<Array (*)(const Array&, const ReduceAxes&, bool)>(max),
                     -std::numeric_limits<double>::infinity(), a, axes, keepdims);
}
Array nanmin(const Array& a, const ReduceAxes& axes, bool keepdims) {
  detail::check_defined(a, "nanmin");
  return without_nan(static_cast<Array (*)(const Array&, const ReduceAxes&, bool)>(min),
                     std::numeric_limits<double>::infinity(), a, axes, keepdims);
}

Array count_nonzero(const Array& a, const ReduceAxes& axes, bool keepdims) {
  detail::check_defined(a, "count_nonzero");
  return sum(nonzero(a), axes, keepdims);
}

Array average(const Array& a, const ReduceAxes& axes, const Array& weights) {
  detail::check_defined(a, "average");
  if (!weights.defined()) return mean(a, axes);
  Array x = detail::as_floating(a, "average"), w = weights;
  const Axes over = axes.resolve(x.ndim(), "average");
  if (w.shape() != x.shape()) {
    if (w.ndim() != 1 || over.size() != 1 || w.size() != x.shape()[over[0]]) {
      throw ShapeError("average: weights of shape " + w.shape().str() + " for an array of shape " + x.shape().str());
    }
    std::vector<std::int64_t> along(static_cast<std::size_t>(x.ndim()), 1);
    along[static_cast<std::size_t>(over[0])] = w.size();
    w = detail::emit_reshape(w, along);
  }
  detail::promote_operands(x, w, "average", true);
  return sum(x * w, over) / sum(w, over);
}

Array allclose(const Array& a, const Array& b, double rtol, double atol, bool equal_nan) {
  return all(isclose(a, b, rtol, atol, equal_nan));
}
Array array_equal(const Array& a, const Array& b) {
  detail::check_defined(a, "array_equal");
  detail::check_defined(b, "array_equal");
  return a.shape() == b.shape() ? all(a == b) : array(false);
}

Array cumsum(const Array& a, int axis) { return running_along(cumsum_op(), "cumsum", a, axis); }
Array cumprod(const Array& a, int axis) { return running_along(cumprod_op(), "cumprod", a, axis); }
Array cumsum(const Array& a) {
  detail::check_defined(a, "cumsum");
  return cumsum(detail::emit_reshape(a, Shape{a.size()}), 0);
}
Array cumprod(const Array& a) {
  detail::check_defined(a, "cumprod");
  return cumprod(detail::emit_reshape(a, Shape{a.size()}), 0);
}

}  // namespace dini
