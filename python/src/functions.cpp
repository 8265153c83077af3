// The table's functions of elements, along axes, and of shapes. Names and signatures are NumPy's where it has the function.
#include "table.hpp"

namespace pydini {

namespace functions {

using namespace table;
using A = const Array&;
using OptionalDtype = std::optional<Dtype>;
using OptionalInt = std::optional<int>;
using Unary = Array (*)(const Array&);
using Binary = Array (*)(const Array&, const Array&);

Array as(A a, const OptionalDtype& dtype) { return dtype ? dini::astype(a, *dtype) : a; }

void add_elementwise(Table& t) {
  const std::tuple<const char*, const char*, Unary> unary[] = {
      {"abs(x)", "The absolute value; of 0 the derivative is 0.", dini::abs},
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
      "astype(x, dtype)", "In another dtype.", +[](A x, const Dtype& d) { return dini::astype(x, d); });
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
      "var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False)",
      "The variance, of n - ddof degrees of freedom.",
      +[](A a, const ReduceAxes& x, const OptionalDtype& d, const Unused&, int ddof, bool k) {
        return dini::var(as(a, d), x, k, ddof);
      });
  t.both(
      "std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False)",
      "The standard deviation, of n - ddof degrees of freedom.",
      +[](A a, const ReduceAxes& x, const OptionalDtype& d, const Unused&, int ddof, bool k) {
        return dini::stddev(as(a, d), x, k, ddof);
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
      "diff(a, n=1, axis=-1)", "Differences of neighbours, n times.",
      +[](A a, int n, int axis) { return dini::diff(a, n, axis); });
  t.add(
      "cov(m, y=None, rowvar=True, bias=False, ddof=None)", "The covariance matrix of variables in rows.",
      +[](A m, const Unused&, bool rows, bool bias, const OptionalInt& ddof) {
        return dini::cov(m, rows, ddof ? *ddof : bias ? 0 : 1);
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
      "sort(a, axis=-1, kind=None, order=None, descending=False)", "Sorted along an axis.",
      +[](A a, const OptionalInt& x, const Unused&, const Unused&, bool d) {
        return x ? dini::sort(a, *x, d) : dini::sort(dini::ravel(a), 0, d);
      });
  t.both(
      "argsort(a, axis=-1, kind=None, order=None, descending=False)", "The indices that sort along an axis.",
      +[](A a, const OptionalInt& x, const Unused&, const Unused&, bool d) {
        return x ? dini::argsort(a, *x, d) : dini::argsort(dini::ravel(a), 0, d);
      });
  t.add(
      "top_k(a, k)", "The k largest along the last axis, with their indices.", +[](A a, std::int64_t k) {
        const auto r = dini::top_k(a, k);
        return Named{"TopK(values, indices)", {r.values, r.indices}};
      });
}

void add_shapes(Table& t) {
  t.add(
      "reshape(a, shape, order=\"C\")", "In another shape; one length may be -1.",
      +[](A a, const Lengths& s, const std::string& order) {
        if (order != "C") throw dini::ValueError("reshape: order has to be \"C\"");
        return dini::reshape(a, s);
      });
  t.both(
      "ravel(a, order=\"C\")", "In one axis.", +[](A a, const Unused&) { return dini::ravel(a); });
  t.add(
      "broadcast_to(array, shape)", "Repeated to a shape.",
      +[](A a, const Lengths& s) { return dini::broadcast_to(a, s); });
  t.add(
      "broadcast_arrays(arrays)", "Repeated to one shape.",
      +[](const std::vector<Array>& a) { return dini::broadcast_arrays(a); });
  t.add(
      "expand_dims(a, axis)", "With new axes of length 1.",
      +[](A a, const AxisList& x) { return dini::expand_dims(a, x); });
  t.both(
      "squeeze(a, axis=None)", "Without axes of length 1.",
      +[](A a, const std::optional<AxisList>& x) { return x ? dini::squeeze(a, *x) : dini::squeeze(a); });
  t.add(
      "atleast_1d(a)", "With one axis or more.", +[](A a) { return dini::atleast_1d(a); });
  t.add(
      "atleast_2d(a)", "With two axes or more.", +[](A a) { return dini::atleast_2d(a); });
  t.add(
      "atleast_3d(a)", "With three axes or more.", +[](A a) { return dini::atleast_3d(a); });
  t.add(
      "transpose(a, axes=None)", "With the axes in another order, reversed without one.",
      +[](A a, const std::optional<dini::Axes>& x) { return x ? dini::transpose(a, *x) : dini::transpose(a); });
  t.add(
      "moveaxis(a, source, destination)", "Axes moved to other places.",
      +[](A a, const AxisList& s, const AxisList& d) { return dini::moveaxis(a, s, d); });
  t.both(
      "swapaxes(a, axis1, axis2)", "Two axes exchanged.", +[](A a, int i, int j) { return dini::swapaxes(a, i, j); });
  t.add(
      "concatenate(arrays, axis=0)", "Joined along an axis.", +[](const std::vector<Array>& a, const OptionalInt& x) {
        if (x) return dini::concatenate(a, *x);
        std::vector<Array> flat;
        for (const Array& each : a) flat.push_back(dini::ravel(each));
        return dini::concatenate(flat, 0);
      });
  t.add(
      "stack(arrays, axis=0)", "Joined along a new axis.",
      +[](const std::vector<Array>& a, int x) { return dini::stack(a, x); });
  t.add(
      "vstack(tup)", "Joined as rows.", +[](const std::vector<Array>& a) { return dini::vstack(a); });
  t.add(
      "hstack(tup)", "Joined side by side.", +[](const std::vector<Array>& a) { return dini::hstack(a); });
  t.add(
      "column_stack(tup)", "Vectors as columns.", +[](const std::vector<Array>& a) { return dini::column_stack(a); });
  t.add(
      "block(arrays)", "A matrix of blocks, in nested lists.", +[](nb::handle rows) -> nb::object {
        std::vector<std::vector<Array>> blocks;
        for (nb::handle row : nb::iter(rows)) {
          if (PyList_Check(row.ptr()) || PyTuple_Check(row.ptr())) {
            blocks.push_back(From<std::vector<Array>>::get(row, "block"));
          } else {
            if (blocks.empty()) blocks.emplace_back();
            blocks[0].push_back(to_array(row, "block"));
          }
        }
        return from_array(dini::block(blocks));
      });
  t.add(
      "block_diag(arrays)", "Matrices along the diagonal.",
      +[](const std::vector<Array>& a) { return dini::block_diag(a); });
  t.add(
      "split(ary, indices_or_sections, axis=0)", "Cut into equal parts, or at indices.",
      +[](nb::handle a, nb::handle where, nb::handle axis) -> nb::object {
        const Array x = to_array(a, "split");
        const int at = From<int>::get(axis, "split");
        if (PyIndex_Check(where.ptr()) && !PyList_Check(where.ptr()))
          return To<std::vector<Array>>::make(dini::split(x, to_whole(where, "split"), at));
        return To<std::vector<Array>>::make(dini::split(x, From<Lengths>::get(where, "split").values(), at));
      });
  t.add(
      "flip(m, axis=None)", "In reverse along axes.",
      +[](A a, const std::optional<AxisList>& x) { return x ? dini::flip(a, *x) : dini::flip(a); });
  t.add(
      "roll(a, shift, axis=None)", "Moved along axes, what leaves at the end coming in at the start.",
      +[](A a, const Lengths& shift, const std::optional<dini::Axes>& x) {
        if (!x) {
          if (shift.values().size() != 1) throw dini::ShapeError("roll: several shifts want as many axes");
          return dini::roll(a, shift.values()[0]);
        }
        const std::size_t n = std::max(shift.values().size(), x->size());
        if (shift.values().size() != x->size() && shift.values().size() != 1 && x->size() != 1)
          throw dini::ShapeError("roll: the numbers of shifts and of axes differ");
        std::vector<std::int64_t> shifts = shift.values();
        dini::Axes over = *x;
        if (n == 0 || shifts.empty() || over.empty()) return a;
        shifts.resize(n, shifts[0]);
        over.resize(n, over[0]);
        return dini::roll(a, shifts, over);
      });
  t.add(
      "tile(A, reps)", "Repeated as a whole.", +[](A a, const Lengths& reps) { return dini::tile(a, reps); });
  t.both(
      "repeat(a, repeats, axis=None)", "Each element repeated.", +[](A a, A n, const OptionalInt& x) {
        if (n.concrete() && n.ndim() == 0) {
          const auto count = n.item<std::int64_t>();
          return x ? dini::repeat(a, count, *x) : dini::repeat(a, count);
        }
        return x ? dini::repeat(a, n, *x) : dini::repeat(a, n);
      });
  t.add(
      "pad(array, pad_width, mode=\"constant\", constant_values=0)", "With more elements at the ends of axes.",
      +[](nb::handle a, nb::handle width, nb::handle mode, nb::handle value) -> nb::object {
        const Array x = to_array(a, "pad");
        std::vector<dini::PadWidths::Pair> pairs;
        const Array w = dini::astype(to_array(width, "pad"), Dtype::int64);
        if (w.ndim() > 2 || (w.ndim() > 0 && w.shape().back() > 2))
          throw dini::ShapeError("pad: pad_width has to be a number, a pair, or a pair for each axis");
        const auto numbers = w.to_vector<std::int64_t>();
        const std::size_t each = w.ndim() == 0 ? 1 : static_cast<std::size_t>(w.shape().back());
        for (std::size_t k = 0; k < numbers.size(); k += each) pairs.emplace_back(numbers[k], numbers[k + each - 1]);
        const std::string how = From<std::string>::get(mode, "pad");
        if (how == "constant") return from_array(dini::pad(x, dini::PadWidths(pairs), to_array(value, "pad")));
        return from_array(dini::pad(x, dini::PadWidths(pairs), how));
      });
  t.both(
      "take(a, indices, axis=None)", "Elements, or slices along an axis, by number.",
      +[](A a, A i, const OptionalInt& x) { return x ? dini::take(a, i, *x) : dini::take(a, i); });
  t.add(
      "take_along_axis(arr, indices, axis=-1)", "Elements by indices along an axis.",
      +[](A a, A i, int x) { return dini::take_along_axis(a, i, x); });
  t.add(
      "searchsorted(a, v, side=\"left\")", "Where v would be put into the sorted a.",
      +[](A a, A v, const std::string& side) { return dini::searchsorted(a, v, side); });
  t.add(
      "unravel_index(indices, shape)", "Flat indices as indices of axes.",
      +[](A i, const Lengths& s) { return dini::unravel_index(i, Shape(s.values())); });
  t.add(
      "tril_indices(n, k=0, m=None)", "The indices of a lower triangle.",
      +[](std::int64_t n, std::int64_t k, const std::optional<std::int64_t>& m) {
        return dini::tril_indices(n, k, m);
      });
  t.add(
      "triu_indices(n, k=0, m=None)", "The indices of an upper triangle.",
      +[](std::int64_t n, std::int64_t k, const std::optional<std::int64_t>& m) {
        return dini::triu_indices(n, k, m);
      });
  t.add(
      "tril(m, k=0)", "The lower triangle.", +[](A m, int k) { return dini::tril(m, k); });
  t.add(
      "triu(m, k=0)", "The upper triangle.", +[](A m, int k) { return dini::triu(m, k); });
  t.add(
      "diag(v, k=0)", "A diagonal matrix of a vector, or the diagonal of a matrix.",
      +[](A v, int k) { return dini::diag(v, k); });
  t.both(
      "diagonal(a, offset=0, axis1=0, axis2=1)", "The diagonal of two axes.",
      +[](A a, int k, int i, int j) { return dini::diagonal(a, k, i, j); });
  t.both(
      "trace(a, offset=0, axis1=0, axis2=1)", "The sum of the diagonal.",
      +[](A a, int k, int i, int j) { return dini::trace(a, k, i, j); });
}

void add_creation(Table& t) {
  t.add(
      "zeros(shape, dtype=None)", "Zeros, float64 unless said otherwise.",
      +[](const Lengths& s, const OptionalDtype& d) { return dini::zeros(s, d.value_or(Dtype::float64)); });
  t.add(
      "ones(shape, dtype=None)", "Ones, float64 unless said otherwise.",
      +[](const Lengths& s, const OptionalDtype& d) { return dini::ones(s, d.value_or(Dtype::float64)); });
  t.add(
      "full(shape, fill_value, dtype=None)", "One number everywhere.",
      +[](const Lengths& s, A v, const OptionalDtype& d) { return dini::full(s, v, d); });
  t.add(
      "zeros_like(a, dtype=None)", "Zeros of an array's shape and dtype.",
      +[](A a, const OptionalDtype& d) { return dini::zeros_like(a, d); });
  t.add(
      "ones_like(a, dtype=None)", "Ones of an array's shape and dtype.",
      +[](A a, const OptionalDtype& d) { return dini::ones_like(a, d); });
  t.add(
      "full_like(a, fill_value, dtype=None)", "One number, in an array's shape and dtype.",
      +[](A a, A v, const OptionalDtype& d) { return dini::full_like(a, v, d); });
  t.add(
      "eye(N, M=None, k=0, dtype=None)", "Ones on a diagonal, zeros elsewhere.",
      +[](std::int64_t n, const std::optional<std::int64_t>& m, std::int64_t k, const OptionalDtype& d) {
        if (n < 0 || (m && *m < 0)) throw dini::ShapeError("eye: a length is negative");
        return dini::eye(n, m.value_or(n), k, d.value_or(Dtype::float64));
      });
  t.add(
      "identity(n, dtype=None)", "The unit matrix.",
      +[](std::int64_t n, const OptionalDtype& d) { return dini::identity(n, d.value_or(Dtype::float64)); });
  t.add(
      "tri(N, M=None, k=0, dtype=None)", "Ones on a diagonal and below.",
      +[](std::int64_t n, const std::optional<std::int64_t>& m, std::int64_t k, const OptionalDtype& d) {
        return dini::tri(n, m, k, d.value_or(Dtype::float64));
      });
  t.add(
      "one_hot(x, classes, dtype=None, axis=-1)", "1 in the place of each class, 0 elsewhere.",
      +[](A x, std::int64_t n, const OptionalDtype& d, int axis) {
        return dini::one_hot(x, n, d.value_or(Dtype::float64), axis);
      });
  t.add(
      "arange(start, stop=None, step=None, dtype=None)", "Numbers from start up to but not including stop.",
      +[](nb::handle start, nb::handle stop, nb::handle step, nb::handle dtype) -> nb::object {
        const bool one = stop.is_none();
        auto whole = [](nb::handle h) { return h.is_none() || PyIndex_Check(h.ptr()); };
        Array out;
        if (whole(start) && whole(stop) && whole(step)) {
          const std::int64_t by = step.is_none() ? 1 : to_whole(step, "arange");
          if (by == 0) throw dini::ValueError("arange: the step is 0");
          out = dini::arange(one ? 0 : to_whole(start, "arange"), to_whole(one ? start : stop, "arange"), by);
        } else {
          auto number = [](nb::handle h) { return From<double>::get(h, "arange"); };
          const double by = step.is_none() ? 1 : number(step);
          if (by == 0) throw dini::ValueError("arange: the step is 0");
          out = dini::arange(one ? 0.0 : number(start), number(one ? start : stop), by);
        }
        return from_array(dtype.is_none() ? out : dini::astype(out, to_dtype(dtype)));
      });
  t.add(
      "linspace(start, stop, num=50, endpoint=True, dtype=None)",
      "Numbers at equal distances from start to stop, which may be traced.",
      +[](A start, A stop, std::int64_t num, bool endpoint, const OptionalDtype& d) {
        if (num < 0) throw dini::ValueError("linspace: num is negative: " + std::to_string(num));
        if (start.ndim() || stop.ndim()) throw dini::ShapeError("linspace: start and stop have to be numbers");
        const std::int64_t steps = endpoint ? num - 1 : num;
        if (endpoint && start.concrete() && stop.concrete())
          return dini::linspace(start.item(), stop.item(), num, d.value_or(Dtype::float64));
        const Array k = dini::arange(0.0, static_cast<double>(num), 1.0, d.value_or(Dtype::float64));
        if (steps <= 0) return start + 0 * k;
        const Array out = start + k * ((stop - start) / static_cast<double>(steps));
        return endpoint ? dini::where(k == steps, stop, out) : out;
      });
  t.add(
      "meshgrid(xi, indexing=\"xy\")", "Coordinates of a grid, from a sequence of vectors.",
      +[](const std::vector<Array>& v, const std::string& indexing) { return dini::meshgrid(v, indexing); });
}

}  // namespace functions

void bind_functions(nb::module_& m) {
  nb::object array = m.attr("Array");
  nb::class_<Array> c = nb::borrow<nb::class_<Array>>(array);
  table::Table t(m, &c);
  functions::add_elementwise(t);
  functions::add_reductions(t);
  functions::add_shapes(t);
  functions::add_creation(t);
  c.def(
      "reshape",
      [](const Array& a, nb::args shape) {
        const bool one = shape.size() == 1 && !PyIndex_Check(nb::handle(shape[0]).ptr());
        return from_array(dini::reshape(
            a, table::From<dini::detail::Lengths>::get(one ? nb::handle(shape[0]) : nb::handle(shape), "reshape")));
      },
      nb::sig("def reshape(self, *shape: Any) -> Array"));
  c.def(
      "transpose",
      [](const Array& a, nb::args axes) {
        if (axes.size() == 0 || (axes.size() == 1 && nb::handle(axes[0]).is_none())) return from_array(a.T());
        const bool one = axes.size() == 1 && !PyIndex_Check(nb::handle(axes[0]).ptr());
        return from_array(dini::transpose(
            a, table::From<dini::Axes>::get(one ? nb::handle(axes[0]) : nb::handle(axes), "transpose")));
      },
      nb::sig("def transpose(self, *axes: Any) -> Array"));
  c.def(
      "flatten", [](const Array& a) { return from_array(dini::ravel(a)); }, nb::sig("def flatten(self) -> Array"));
  c.def(
      "copy", [](const Array& a) { return from_array(a); }, nb::sig("def copy(self) -> Array"));
}

}  // namespace pydini
