// The table's functions of elements and along axes. Names and signatures are NumPy's where it has the function.
#include <cmath>

#include "table.hpp"

namespace pydini {

namespace functions {

using namespace table;
using A = const Array&;
using OptionalDtype = std::optional<Dtype>;
using OptionalInt = std::optional<int>;
using Unary = Array (*)(const Array&);
using Binary = Array (*)(const Array&, const Array&);

// The standard's word for ddof is correction, a float.
int freedoms(int ddof, const std::optional<double>& correction) {
  const double n = correction.value_or(ddof);
  if (n != std::floor(n) || std::abs(n) > 1e9)
    throw dini::ValueError("std, var: the correction has to be a whole number");
  return static_cast<int>(n);
}
Array as(A a, const OptionalDtype& dtype) { return dtype ? dini::astype(a, *dtype) : a; }

void add_elementwise(Table& t) {
  const std::tuple<const char*, const char*, Unary> unary[] = {
      {"abs(x)", "The absolute value; of 0 the derivative is 1.", dini::abs},
      {"sign(x)", "-1, 0 or 1.", dini::sign},
      {"square(x)", "x².", dini::square},
      {"reciprocal(x)", "1/x.", dini::reciprocal},
      {"sqrt(x)", "The square root.", dini::sqrt},
      {"cbrt(x)", "The cube root.", dini::cbrt},
      {"rsqrt(x)", "1/√x.", dini::rsqrt},
      {"negative(x)", "-x.", [](A x) { return -x; }},
      {"positive(x)", "x.", [](A x) { return x; }},
      {"exp(x)", "eˣ.", dini::exp},
      {"exp2(x)", "2ˣ.", dini::exp2},
      {"expm1(x)", "eˣ - 1, exact near 0.", dini::expm1},
      {"log(x)", "The natural logarithm.", dini::log},
      {"log1p(x)", "log(1 + x), exact near 0.", dini::log1p},
      {"log2(x)", "The logarithm to base 2.", dini::log2},
      {"log10(x)", "The logarithm to base 10.", dini::log10},
      {"sin(x)", "The sine.", dini::sin},
      {"cos(x)", "The cosine.", dini::cos},
      {"tan(x)", "The tangent.", dini::tan},
      {"arcsin(x)", "The inverse sine.", dini::arcsin},
      {"arccos(x)", "The inverse cosine.", dini::arccos},
      {"arctan(x)", "The inverse tangent.", dini::arctan},
      {"sinh(x)", "The hyperbolic sine.", dini::sinh},
      {"cosh(x)", "The hyperbolic cosine.", dini::cosh},
      {"tanh(x)", "The hyperbolic tangent.", dini::tanh},
      {"arcsinh(x)", "The inverse hyperbolic sine.", dini::arcsinh},
      {"arccosh(x)", "The inverse hyperbolic cosine.", dini::arccosh},
      {"arctanh(x)", "The inverse hyperbolic tangent.", dini::arctanh},
      {"floor(x)", "The largest whole number that is not larger.", dini::floor},
      {"ceil(x)", "The smallest whole number that is not smaller.", dini::ceil},
      {"trunc(x)", "The whole number next to x towards 0.", dini::trunc},
      {"rint(x)", "The nearest whole number, halves to even.", dini::round},
      {"sigmoid(x)", "1/(1 + e⁻ˣ).", dini::sigmoid},
      {"softplus(x)", "log(1 + eˣ).", dini::softplus},
      {"relu(x)", "max(x, 0); of 0 the derivative is 0.", dini::relu},
      {"isfinite(x)", "Whether it is neither infinite nor NaN.", dini::isfinite},
      {"isnan(x)", "Whether it is NaN.", dini::isnan},
      {"isinf(x)", "Whether it is infinite.", dini::isinf},
      {"logical_not(x)", "Whether it is 0.", dini::logical_not},
      {"bitwise_not(x)", "Each bit the other way; of truth values, not.", [](A x) { return ~x; }},
  };
  for (const auto& [signature, doc, f] : unary) t.add(signature, doc, f);
  const std::tuple<const char*, const char*, Binary> binary[] = {
      {"add(x1, x2)", "x1 + x2.", [](A a, A b) { return a + b; }},
      {"subtract(x1, x2)", "x1 - x2.", [](A a, A b) { return a - b; }},
      {"multiply(x1, x2)", "x1 · x2.", [](A a, A b) { return a * b; }},
      {"divide(x1, x2)", "x1 / x2.", [](A a, A b) { return a / b; }},
      {"floor_divide(x1, x2)", "The largest whole number not above x1 / x2.", dini::floor_divide},
      {"mod(x1, x2)", "The remainder, of the sign of x2.", dini::mod},
      {"power(x1, x2)", "x1 to the power of x2.", dini::power},
      {"maximum(x1, x2)", "The larger of the two; where they are equal each has half of the derivative.",
       dini::maximum},
      {"minimum(x1, x2)", "The smaller of the two; where they are equal each has half of the derivative.",
       dini::minimum},
      {"hypot(x1, x2)", "√(x1² + x2²).", dini::hypot},
      {"arctan2(x1, x2)", "The angle of the point (x2, x1).", dini::arctan2},
      {"copysign(x1, x2)", "|x1| with the sign of x2.", dini::copysign},
      {"heaviside(x1, x2)", "0 for x1 < 0, x2 for x1 = 0, 1 above.", dini::heaviside},
      {"logaddexp(x1, x2)", "log(exp x1 + exp x2).", dini::logaddexp},
      {"equal(x1, x2)", "Whether x1 = x2.", [](A a, A b) { return a == b; }},
      {"not_equal(x1, x2)", "Whether x1 ≠ x2.", [](A a, A b) { return a != b; }},
      {"less(x1, x2)", "Whether x1 < x2.", [](A a, A b) { return a < b; }},
      {"less_equal(x1, x2)", "Whether x1 ≤ x2.", [](A a, A b) { return a <= b; }},
      {"greater(x1, x2)", "Whether x1 > x2.", [](A a, A b) { return a > b; }},
      {"greater_equal(x1, x2)", "Whether x1 ≥ x2.", [](A a, A b) { return a >= b; }},
      {"logical_and(x1, x2)", "Whether neither is 0.", dini::logical_and},
      {"logical_or(x1, x2)", "Whether one of them is not 0.", dini::logical_or},
      {"logical_xor(x1, x2)", "Whether just one of them is not 0.", dini::logical_xor},
      {"bitwise_and(x1, x2)", "Bit by bit, and.", [](A a, A b) { return a & b; }},
      {"bitwise_or(x1, x2)", "Bit by bit, or.", [](A a, A b) { return a | b; }},
      {"bitwise_xor(x1, x2)", "Bit by bit, either or.", [](A a, A b) { return a ^ b; }},
  };
  for (const auto& [signature, doc, f] : binary) t.add(signature, doc, f);
  for (const auto& [name, of] : {std::pair("absolute", "abs"),
                                 {"true_divide", "divide"},
                                 {"remainder", "mod"},
                                 {"invert", "bitwise_not"},
                                 {"asin", "arcsin"},
                                 {"acos", "arccos"},
                                 {"atan", "arctan"},
                                 {"asinh", "arcsinh"},
                                 {"acosh", "arccosh"},
                                 {"atanh", "arctanh"},
                                 {"atan2", "arctan2"},
                                 {"pow", "power"}})
    t.alias(name, of);
  t.both(
      "round(a, decimals=0, out=None)", "Rounded to so many decimals, halves to even.",
      +[](A a, int decimals, const Unused&) {
        if (decimals == 0) return dini::round(a);
        const Array scale = std::pow(10.0, decimals);
        return dini::round(a * scale) / scale;
      });
  t.add(
      "where(condition, x, y)", "x where the condition is not 0, y elsewhere.",
      +[](A c, A x, A y) { return dini::where(c, x, y); });
  t.both(
      "clip(a, a_min=None, a_max=None, out=None, min=None, max=None)", "Within bounds; None is no bound.",
      +[](A a, const Maybe& low, const Maybe& high, const Unused&, const Maybe& min, const Maybe& max) {
        return dini::clip(a, low.a.defined() ? low.a : min.a, high.a.defined() ? high.a : max.a);
      });
  t.add(
      "nan_to_num(x, copy=True, nan=0.0)", "NaN replaced, and infinities by the largest numbers.",
      +[](A x, const Unused&, A nan) { return dini::nan_to_num(x, nan); });
  t.add(
      "isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False)", "Whether |a - b| ≤ atol + rtol·|b|.",
      +[](A a, A b, double rtol, double atol, bool nan) { return dini::isclose(a, b, rtol, atol, nan); });
  t.add(
      "allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False)", "Whether that holds everywhere.",
      +[](A a, A b, double rtol, double atol, bool nan) { return dini::allclose(a, b, rtol, atol, nan); });
  t.add(
      "array_equal(a1, a2)", "Whether shapes and all elements are equal.",
      +[](A a, A b) { return dini::array_equal(a, b); });
  t.add(
      "astype(x, dtype, copy=True, device=None)", "In another dtype.",
      +[](A x, const Dtype& d, const Unused&, const Device&) { return dini::astype(x, d); });
}

void add_reductions(Table& t) {
  using R = Array (*)(const Array&, const ReduceAxes&, bool);
  using dini::ReduceAxes;
  t.both(
      "sum(a, axis=None, dtype=None, out=None, keepdims=False)", "The sum over all axes, or some.",
      +[](A a, const ReduceAxes& x, const OptionalDtype& d, const Unused&, bool k) {
        return dini::sum(as(a, d), x, k);
      });
  t.both(
      "prod(a, axis=None, dtype=None, out=None, keepdims=False)", "The product over all axes, or some.",
      +[](A a, const ReduceAxes& x, const OptionalDtype& d, const Unused&, bool k) {
        return dini::prod(as(a, d), x, k);
      });
  t.both(
      "mean(a, axis=None, dtype=None, out=None, keepdims=False)", "The mean over all axes, or some.",
      +[](A a, const ReduceAxes& x, const OptionalDtype& d, const Unused&, bool k) {
        return dini::mean(as(a, d), x, k);
      });
  t.add(
      "nansum(a, axis=None, dtype=None, out=None, keepdims=False)", "The sum of what is not NaN.",
      +[](A a, const ReduceAxes& x, const OptionalDtype& d, const Unused&, bool k) {
        return dini::nansum(as(a, d), x, k);
      });
  t.add(
      "nanmean(a, axis=None, dtype=None, out=None, keepdims=False)", "The mean of what is not NaN.",
      +[](A a, const ReduceAxes& x, const OptionalDtype& d, const Unused&, bool k) {
        return dini::nanmean(as(a, d), x, k);
      });
  t.both(
      "var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, correction=None)",
      "The variance, of n - ddof degrees of freedom.",
      +[](A a, const ReduceAxes& x, const OptionalDtype& d, const Unused&, int ddof, bool k,
          const std::optional<double>& correction) { return dini::var(as(a, d), x, k, freedoms(ddof, correction)); });
  t.both(
      "std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, correction=None)",
      "The standard deviation, of n - ddof degrees of freedom.",
      +[](A a, const ReduceAxes& x, const OptionalDtype& d, const Unused&, int ddof, bool k,
          const std::optional<double>& correction) {
        return dini::stddev(as(a, d), x, k, freedoms(ddof, correction));
      });
  t.both(
      "max(a, axis=None, out=None, keepdims=False)", "The largest element; equal ones share the derivative.",
      +[](A a, const ReduceAxes& x, const Unused&, bool k) { return dini::max(a, x, k); });
  t.both(
      "min(a, axis=None, out=None, keepdims=False)", "The smallest element; equal ones share the derivative.",
      +[](A a, const ReduceAxes& x, const Unused&, bool k) { return dini::min(a, x, k); });
  t.both(
      "any(a, axis=None, out=None, keepdims=False)", "Whether one is not 0.",
      +[](A a, const ReduceAxes& x, const Unused&, bool k) { return dini::any(a, x, k); });
  t.both(
      "all(a, axis=None, out=None, keepdims=False)", "Whether none is 0.",
      +[](A a, const ReduceAxes& x, const Unused&, bool k) { return dini::all(a, x, k); });
  t.add(
      "nanmax(a, axis=None, out=None, keepdims=False)", "The largest of what is not NaN.",
      +[](A a, const ReduceAxes& x, const Unused&, bool k) { return dini::nanmax(a, x, k); });
  t.add(
      "nanmin(a, axis=None, out=None, keepdims=False)", "The smallest of what is not NaN.",
      +[](A a, const ReduceAxes& x, const Unused&, bool k) { return dini::nanmin(a, x, k); });
  t.alias("amax", "max");
  t.alias("amin", "min");
  t.add("count_nonzero(a, axis=None, keepdims=False)", "How many are not 0.", R(dini::count_nonzero));
  t.both(
      "argmax(a, axis=None, out=None, keepdims=False)", "The index of the largest element.",
      +[](A a, const OptionalInt& x, const Unused&, bool k) { return x ? dini::argmax(a, *x, k) : dini::argmax(a); });
  t.both(
      "argmin(a, axis=None, out=None, keepdims=False)", "The index of the smallest element.",
      +[](A a, const OptionalInt& x, const Unused&, bool k) { return x ? dini::argmin(a, *x, k) : dini::argmin(a); });
  t.add(
      "average(a, axis=None, weights=None)", "The weighted mean.",
      +[](A a, const ReduceAxes& x, const Maybe& w) { return dini::average(a, x, w.a); });
  t.add(
      "median(a, axis=None, out=None, overwrite_input=False, keepdims=False)", "The median.",
      +[](A a, const ReduceAxes& x, const Unused&, const Unused&, bool k) { return dini::median(a, x, k); });
  t.add(
      "quantile(a, q, axis=None, out=None, overwrite_input=False, method=\"linear\", keepdims=False)",
      "Quantiles, by linear interpolation.",
      +[](A a, A q, const ReduceAxes& x, const Unused&, const Unused&, const std::string& method, bool k) {
        if (method != "linear") throw dini::ValueError("quantile: method has to be \"linear\", got \"" + method + "\"");
        return dini::quantile(a, q, x, k);
      });
  t.both(
      "cumsum(a, axis=None, dtype=None, out=None)", "Sums up to each element.",
      +[](A a, const OptionalInt& x, const OptionalDtype& d, const Unused&) {
        return x ? dini::cumsum(as(a, d), *x) : dini::cumsum(as(a, d));
      });
  t.both(
      "cumprod(a, axis=None, dtype=None, out=None)", "Products up to each element.",
      +[](A a, const OptionalInt& x, const OptionalDtype& d, const Unused&) {
        return x ? dini::cumprod(as(a, d), *x) : dini::cumprod(as(a, d));
      });
  t.add(
      "logsumexp(a, axis=None, b=None, keepdims=False)", "log Σ b·exp(a).",
      +[](A a, const ReduceAxes& x, const Maybe& b, bool k) { return dini::logsumexp(a, x, k, b.a); });
  t.add(
      "softmax(x, axis=-1)", "exp(x)/Σ exp(x).", +[](A a, const ReduceAxes& x) { return dini::softmax(a, x); });
  t.add(
      "log_softmax(x, axis=-1)", "The logarithm of softmax.",
      +[](A a, const ReduceAxes& x) { return dini::log_softmax(a, x); });
  t.add(
      "diff(a, n=1, axis=-1, prepend=None, append=None)", "Differences of neighbours, n times.",
      +[](A a, int n, int axis, const Maybe& before, const Maybe& after) {
        if ((!before.a.defined() && !after.a.defined()) || axis < -a.ndim() || axis >= a.ndim())
          return dini::diff(a, n, axis);
        std::vector<Array> parts;
        for (const Array& part : {before.a, a, after.a}) {
          if (!part.defined()) continue;
          std::vector<std::int64_t> one = a.shape().vector();
          one[static_cast<std::size_t>(axis < 0 ? axis + a.ndim() : axis)] = 1;
          parts.push_back(part.ndim() == 0 ? dini::broadcast_to(part, one) : part);
        }
        return dini::diff(dini::concatenate(parts, axis), n, axis);
      });
  t.add(
      "cov(m, y=None, rowvar=True, bias=False, ddof=None)", "The covariance matrix of variables in rows.",
      +[](A m, const Maybe& y, bool rows, bool bias, const OptionalInt& ddof) {
        const int lost = ddof ? *ddof : bias ? 0 : 1;
        if (!y.a.defined()) return dini::cov(m, rows, lost);
        // More variables, below those of m.
        auto in_rows = [rows](A a) { return rows || a.ndim() < 2 ? dini::atleast_2d(a) : dini::transpose(a); };
        return dini::cov(dini::concatenate({in_rows(m), in_rows(y.a)}, 0), true, lost);
      });
  t.add(
      "trapezoid(y, x=None, dx=1.0, axis=-1)", "The integral by the trapezoidal rule.",
      +[](A y, const Maybe& x, A dx, int axis) { return dini::trapezoid(y, x.a, dx, axis); });
  t.add(
      "interp(x, xp, fp, left=None, right=None)", "Linear interpolation.",
      +[](A x, A xp, A fp, const Maybe& l, const Maybe& r) { return dini::interp(x, xp, fp, l.a, r.a); });
  t.add(
      "polyval(p, x)", "A polynomial's value, the highest coefficient first.",
      +[](A p, A x) { return dini::polyval(p, x); });
  t.add(
      "convolve(a, v, mode=\"full\")", "The convolution of two vectors.",
      +[](A a, A v, const std::string& mode) { return dini::convolve(a, v, mode); });
  t.both(
      "sort(a, axis=-1, kind=None, order=None, descending=False, stable=True)", "Sorted along an axis.",
      +[](A a, const OptionalInt& x, const Unused&, const Unused&, bool d, const Unused&) {
        return x ? dini::sort(a, *x, d) : dini::sort(dini::ravel(a), 0, d);
      });
  t.both(
      "argsort(a, axis=-1, kind=None, order=None, descending=False, stable=True)",
      "The indices that sort along an axis.",
      +[](A a, const OptionalInt& x, const Unused&, const Unused&, bool d, const Unused&) {
        return x ? dini::argsort(a, *x, d) : dini::argsort(dini::ravel(a), 0, d);
      });
  t.add(
      "top_k(a, k)", "The k largest along the last axis, with their indices.", +[](A a, std::int64_t k) {
        const auto r = dini::top_k(a, k);
        return Named{"TopK(values, indices)", {r.values, r.indices}};
      });
}

}  // namespace functions

void bind_functions(nb::module_& m) {
  nb::object array = m.attr("Array");
  nb::class_<Array> c = nb::borrow<nb::class_<Array>>(array);
  table::Table t(m, &c);
  functions::add_elementwise(t);
  functions::add_reductions(t);
}

}  // namespace pydini
