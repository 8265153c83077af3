// The table of the formula language's functions. An entry is NumPy's signature and a function from arguments to an
// array; what a parameter takes follows from the C++ type that stands for it, its default from the signature.
#include "dini/formula/functions.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <stdexcept>
#include <tuple>
#include <type_traits>

#include "dini/formula/formula.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/sort.hpp"

namespace dini::formula {

namespace table {

using OptionalAxes = std::optional<Axes>;
using OptionalWhole = std::optional<std::int64_t>;
using OptionalNumber = std::optional<Number>;
struct Indices {
  Array array;
};
struct Pairs {
  std::int64_t count = 0;  // where there are no axes
  std::optional<std::pair<Axes, Axes>> axes;
};

int to_int(std::int64_t v) {
  if (v < std::numeric_limits<int>::min() || v > std::numeric_limits<int>::max()) {
    throw ShapeError("the whole number " + std::to_string(v) + " is out of range");
  }
  return static_cast<int>(v);
}

Axes to_axes(const Wholes& w) {
  Axes axes;
  for (std::int64_t v : w.values) axes.push_back(to_int(v));
  return axes;
}

Shape to_shape(const Wholes& w) { return Shape(w.values); }

// How an argument becomes a C++ value, and which kind of parameter that makes.
template <class T> struct From;
template <> struct From<Array> {
  static constexpr Kind kind = Kind::array;
  static Array get(const Argument& a) { return a.array; }
};
template <> struct From<std::vector<Array>> {
  static constexpr Kind kind = Kind::arrays;
  static const std::vector<Array>& get(const Argument& a) { return a.arrays; }
};
struct Blocks {
  Array joined;
};
template <> struct From<Blocks> {
  static constexpr Kind kind = Kind::blocks;
  static Blocks get(const Argument& a) { return {a.array}; }
};
template <> struct From<Indices> {
  static constexpr Kind kind = Kind::indices;
  static Indices get(const Argument& a) { return {a.array}; }
};
template <> struct From<std::int64_t> {
  static constexpr Kind kind = Kind::whole;
  static std::int64_t get(const Argument& a) { return a.wholes.values.at(0); }
};
template <> struct From<int> {
  static constexpr Kind kind = Kind::whole;
  static int get(const Argument& a) { return to_int(a.wholes.values.at(0)); }
};
template <> struct From<OptionalWhole> {
  static constexpr Kind kind = Kind::whole;
  static OptionalWhole get(const Argument& a) { return a.none ? std::nullopt : OptionalWhole(a.wholes.values.at(0)); }
};
template <> struct From<Wholes> {
  static constexpr Kind kind = Kind::wholes;
  static const Wholes& get(const Argument& a) { return a.wholes; }
};
template <> struct From<Shape> {
  static constexpr Kind kind = Kind::wholes;
  static Shape get(const Argument& a) { return to_shape(a.wholes); }
};
template <> struct From<OptionalAxes> {
  static constexpr Kind kind = Kind::wholes;
  static OptionalAxes get(const Argument& a) { return a.none ? std::nullopt : OptionalAxes(to_axes(a.wholes)); }
};
template <> struct From<Pairs> {
  static constexpr Kind kind = Kind::pairs;
  static Pairs get(const Argument& a) {
    if (!a.pair) return {a.wholes.values.at(0), std::nullopt};
    return {0, std::make_pair(to_axes(a.wholes), to_axes(a.second))};
  }
};
template <> struct From<Number> {
  static constexpr Kind kind = Kind::number;
  static Number get(const Argument& a) { return a.number; }
};
template <> struct From<OptionalNumber> {
  static constexpr Kind kind = Kind::number;
  static OptionalNumber get(const Argument& a) { return a.none ? std::nullopt : OptionalNumber(a.number); }
};
struct Order {
  std::optional<double> value;
};
template <> struct From<Order> {
  static constexpr Kind kind = Kind::order;
  static Order get(const Argument& a) { return {a.none ? std::nullopt : std::optional(a.number.value)}; }
};
template <> struct From<bool> {
  static constexpr Kind kind = Kind::flag;
  static bool get(const Argument& a) { return a.flag; }
};

// A parameter from its text, "axis=None", and its kind.
Parameter read_parameter(std::string_view text, const Parameter& like) {
  Parameter p = like;
  const std::size_t sign = text.find('=');
  p.name = std::string(text.substr(0, sign));
  if (sign == std::string_view::npos) return p;
  const std::string_view fallback = text.substr(sign + 1);
  p.required = false;
  if (fallback == "None") {
    p.may_be_none = p.fallback.none = true;  // also where the type has no None: an undefined array
  } else if (fallback == "True" || fallback == "False") {
    p.fallback.flag = fallback == "True";
  } else {
    std::int64_t v = 0;
    const auto result = std::from_chars(fallback.data(), fallback.data() + fallback.size(), v);
    if (result.ec != std::errc())
      throw std::logic_error("a function's default is not understood: " + std::string(text));
    p.fallback.wholes = {true, {v}};
    p.fallback.number = {true, v, static_cast<double>(v)};
    p.fallback.array = Array(v);
  }
  return p;
}

template <class T> constexpr bool is_optional = false;
template <class T> constexpr bool is_optional<std::optional<T>> = true;

// Kinds of the parameters; the dtype comes from the formula and is none.
template <class T> void append_kind(std::vector<Parameter>& kinds) {
  if constexpr (!std::is_same_v<T, Dtype>) {
    Parameter p;
    p.kind = From<T>::kind;
    p.may_be_none = is_optional<T>;
    kinds.push_back(p);
  }
}

template <class T> decltype(auto) next_value(const std::vector<Argument>& arguments, Dtype dtype, std::size_t& next) {
  if constexpr (std::is_same_v<T, Dtype>)
    return dtype;
  else
    return From<T>::get(arguments.at(next++));
}

template <class... A> Function entry(const char* signature, Array (*f)(A...)) {
  Function out;
  out.signature = signature;
  const std::string_view text = signature;
  const std::size_t open = text.find('(');
  out.name = std::string(text.substr(0, open));
  std::vector<Parameter> kinds;
  (append_kind<std::remove_cvref_t<A>>(kinds), ...);
  std::size_t at = open + 1;
  for (const Parameter& kind : kinds) {
    const std::size_t stop = text.find_first_of(",)", at);
    if (stop == std::string_view::npos) throw std::logic_error(std::string("a signature is too short: ") + signature);
    out.parameters.push_back(read_parameter(text.substr(at, stop - at), kind));
    out.required += out.parameters.back().required;
    at = stop + 2;
  }
  out.call = [f](const std::vector<Argument>& arguments, Dtype dtype) {
    std::size_t next = 0;
    // Braces, since they evaluate from left to right.
    std::tuple<decltype(next_value<std::remove_cvref_t<A>>(arguments, dtype, next))...> values{
        next_value<std::remove_cvref_t<A>>(arguments, dtype, next)...};
    return std::apply(f, values);
  };
  return out;
}

using Unary = Array (*)(const Array&);
using Binary = Array (*)(const Array&, const Array&);

ReduceAxes reduce_axes(const OptionalAxes& axes) { return axes ? ReduceAxes(*axes) : ReduceAxes(); }

Array arange_of(const OptionalNumber& first, const OptionalNumber& second, const Number& step, Dtype dtype) {
  if (!first && !second) throw ValueError("arange: a stop is missing");
  const Number start = first && second ? *first : Number{true, 0, 0};
  const Number stop = second ? *second : *first;
  if (start.whole && stop.whole && step.whole) {
    if (step.integer == 0) throw ValueError("arange: the step is 0");
    return arange(start.integer, stop.integer, step.integer);
  }
  return arange(start.value, stop.value, step.value, dtype);
}

// Its ends may be arrays that are differentiated.
Array linspace_of(const Array& start, const Array& stop, std::int64_t num, bool endpoint, Dtype dtype) {
  if (num < 0) throw ValueError("linspace: num is negative: " + std::to_string(num));
  if (start.ndim() != 0 || stop.ndim() != 0) {
    throw ShapeError("linspace: start and stop are not scalars: " + start.shape().str() + " and " + stop.shape().str());
  }
  const std::int64_t steps = endpoint ? num - 1 : num;
  if (endpoint && detail::is_literal(start) && detail::is_literal(stop)) {
    return linspace(start.item(), stop.item(), num, dtype);
  }
  const Array k = arange(0.0, static_cast<double>(num), 1.0, dtype);
  if (steps <= 0) return start + 0 * k;
  const Array step = (stop - start) / static_cast<double>(steps);
  Array out = start + k * step;
  return endpoint ? where(k == steps, stop, out) : out;
}

Array full_of(const Shape& shape, const Array& value, Dtype dtype) {
  return value.weak() && value.dtype() != Dtype::bool_ ? full(shape, value, dtype) : full(shape, value);
}

Array norm_of(const Array& x, const Order& order, const OptionalAxes& axes, bool keepdims) {
  if (order.value) return linalg::norm(x, *order.value, reduce_axes(axes), keepdims);
  return axes || keepdims ? dini::norm(x, 2.0, reduce_axes(axes), keepdims) : norm(x);
}

Array roll_of(const Array& a, const Wholes& shift, const OptionalAxes& axes) {
  if (!axes) {
    if (!shift.single) throw ShapeError("roll: several shifts want as many axes");
    return roll(a, shift.values[0]);
  }
  if (axes->size() != shift.values.size() && axes->size() != 1 && shift.values.size() != 1) {
    throw ShapeError("roll: " + std::to_string(shift.values.size()) + " shifts for " + std::to_string(axes->size()) +
                     " axes");
  }
  // Broadcast against each other, also to none.
  const std::size_t n = axes->size() == 1 ? shift.values.size() : axes->size();
  if (n == 0 || shift.values.empty()) return a;
  std::vector<std::int64_t> shifts = shift.values;
  Axes over = *axes;
  shifts.resize(n, shifts[0]);
  over.resize(n, over[0]);
  return roll(a, shifts, over);
}

std::vector<Function> functions() {
  std::vector<Function> all;
  const auto add = [&](const char* signature, auto f) { all.push_back(entry(signature, +f)); };

  // Element by element.
  const std::pair<const char*, Unary> unary[] = {
      {"exp(x)", exp},
      {"exp2(x)", exp2},
      {"expm1(x)", expm1},
      {"log(x)", log},
      {"log1p(x)", log1p},
      {"log2(x)", log2},
      {"log10(x)", log10},
      {"sqrt(x)", sqrt},
      {"cbrt(x)", cbrt},
      {"square(x)", square},
      {"reciprocal(x)", reciprocal},
      {"abs(x)", abs},
      {"sign(x)", sign},
      {"floor(x)", floor},
      {"ceil(x)", ceil},
      {"round(x)", round},
      {"trunc(x)", trunc},
      {"sin(x)", sin},
      {"cos(x)", cos},
      {"tan(x)", tan},
      {"arcsin(x)", arcsin},
      {"arccos(x)", arccos},
      {"arctan(x)", arctan},
      {"asin(x)", arcsin},
      {"acos(x)", arccos},
      {"atan(x)", arctan},
      {"sinh(x)", sinh},
      {"cosh(x)", cosh},
      {"tanh(x)", tanh},
      {"arcsinh(x)", arcsinh},
      {"arccosh(x)", arccosh},
      {"arctanh(x)", arctanh},
      {"asinh(x)", arcsinh},
      {"acosh(x)", arccosh},
      {"atanh(x)", arctanh},
      {"sigmoid(x)", sigmoid},
      {"softplus(x)", softplus},
      {"relu(x)", relu},
      {"erf(x)", erf},
      {"erfc(x)", erfc},
      {"erfinv(x)", erfinv},
      {"gammaln(x)", gammaln},
      {"digamma(x)", digamma},
      {"i0e(x)", i0e},
      {"i1e(x)", i1e},
  };
  for (const auto& [signature, f] : unary) all.push_back(entry(signature, f));
  const std::pair<const char*, Binary> binary[] = {
      {"maximum(x1, x2)", maximum}, {"minimum(x1, x2)", minimum},     {"power(x1, x2)", power},
      {"mod(x1, x2)", mod},         {"hypot(x1, x2)", hypot},         {"arctan2(x1, x2)", arctan2},
      {"atan2(x1, x2)", arctan2},   {"logaddexp(x1, x2)", logaddexp}, {"floor_divide(x1, x2)", floor_divide},
  };
  for (const auto& [signature, f] : binary) all.push_back(entry(signature, f));
  add("clip(a, a_min=None, a_max=None)",
      [](const Array& a, const Array& low, const Array& high) { return clip(a, low, high); });
  add("where(condition, x, y)", [](const Array& c, const Array& x, const Array& y) { return where(c, x, y); });

  // Along axes.
  add("sum(a, axis=None, keepdims=False)",
      [](const Array& a, const OptionalAxes& axis, bool k) { return sum(a, reduce_axes(axis), k); });
  add("mean(a, axis=None, keepdims=False)",
      [](const Array& a, const OptionalAxes& axis, bool k) { return mean(a, reduce_axes(axis), k); });
  add("prod(a, axis=None, keepdims=False)",
      [](const Array& a, const OptionalAxes& axis, bool k) { return prod(a, reduce_axes(axis), k); });
  add("max(a, axis=None, keepdims=False)",
      [](const Array& a, const OptionalAxes& axis, bool k) { return max(a, reduce_axes(axis), k); });
  add("min(a, axis=None, keepdims=False)",
      [](const Array& a, const OptionalAxes& axis, bool k) { return min(a, reduce_axes(axis), k); });
  add("logsumexp(a, axis=None, keepdims=False)",
      [](const Array& a, const OptionalAxes& axis, bool k) { return logsumexp(a, reduce_axes(axis), k); });
  add("var(a, axis=None, ddof=0, keepdims=False)",
      [](const Array& a, const OptionalAxes& axis, int ddof, bool k) { return var(a, reduce_axes(axis), k, ddof); });
  add("std(a, axis=None, ddof=0, keepdims=False)",
      [](const Array& a, const OptionalAxes& axis, int ddof, bool k) { return stddev(a, reduce_axes(axis), k, ddof); });
  add("norm(x, ord=None, axis=None, keepdims=False)", norm_of);
  add("softmax(x, axis=-1)", [](const Array& a, const OptionalAxes& axis) { return softmax(a, reduce_axes(axis)); });
  add("log_softmax(x, axis=-1)",
      [](const Array& a, const OptionalAxes& axis) { return log_softmax(a, reduce_axes(axis)); });
  add("cumsum(a, axis=None)",
      [](const Array& a, const OptionalWhole& axis) { return axis ? cumsum(a, to_int(*axis)) : cumsum(a); });
  add("cumprod(a, axis=None)",
      [](const Array& a, const OptionalWhole& axis) { return axis ? cumprod(a, to_int(*axis)) : cumprod(a); });
  add("sort(a, axis=-1)",
      [](const Array& a, const OptionalWhole& axis) { return axis ? sort(a, to_int(*axis)) : sort(ravel(a)); });

  // Products and linear algebra.
  add("dot(a, b)", [](const Array& a, const Array& b) { return dot(a, b); });
  add("matmul(x1, x2)", [](const Array& a, const Array& b) { return matmul(a, b); });
  add("outer(a, b)", [](const Array& a, const Array& b) { return outer(a, b); });
  add("kron(a, b)", [](const Array& a, const Array& b) { return kron(a, b); });
  add("tensordot(a, b, axes=2)", [](const Array& a, const Array& b, const Pairs& axes) {
    return axes.axes ? tensordot(a, b, *axes.axes) : tensordot(a, b, to_int(axes.count));
  });
  add("trace(a, offset=0)", [](const Array& a, int offset) { return trace(a, offset); });
  add("diag(v, k=0)", [](const Array& v, int k) { return diag(v, k); });
  add("solve(a, b)", [](const Array& a, const Array& b) { return solve(a, b); });
  add("inv(a)", [](const Array& a) { return inv(a); });
  add("det(a)", [](const Array& a) { return det(a); });
  // NumPy's is a pair; the two stand in one array here, so that [0] and [1] mean the same.
  add("slogdet(a)", [](const Array& a) {
    const auto pair = slogdet(a);
    return stack({pair.sign, pair.logabsdet});
  });
  add("cholesky(a)", [](const Array& a) { return cholesky(a); });

  // Shapes.
  add("transpose(a, axes=None)",
      [](const Array& a, const OptionalAxes& axes) { return axes ? transpose(a, *axes) : transpose(a); });
  add("reshape(a, shape)", [](const Array& a, const Wholes& shape) { return reshape(a, shape.values); });
  add("concatenate(arrays, axis=0)", [](const std::vector<Array>& arrays, const OptionalWhole& axis) {
    if (axis) return concatenate(arrays, to_int(*axis));
    std::vector<Array> flat;
    for (const Array& a : arrays) flat.push_back(ravel(a));
    return concatenate(flat, 0);
  });
  add("stack(arrays, axis=0)", [](const std::vector<Array>& arrays, int axis) { return stack(arrays, axis); });
  add("block(arrays)", [](const Blocks& blocks) { return blocks.joined; });
  add("roll(a, shift, axis=None)", roll_of);
  add("flip(m, axis=None)", [](const Array& a, const OptionalAxes& axis) { return axis ? flip(a, *axis) : flip(a); });
  add("tile(A, reps)", [](const Array& a, const Wholes& reps) { return tile(a, reps.values); });
  add("repeat(a, repeats, axis=None)", [](const Array& a, std::int64_t repeats, const OptionalWhole& axis) {
    return axis ? repeat(a, repeats, to_int(*axis)) : repeat(a, repeats);
  });
  add("broadcast_to(array, shape)", [](const Array& a, const Shape& shape) { return broadcast_to(a, shape); });
  add("squeeze(a, axis=None)",
      [](const Array& a, const OptionalAxes& axis) { return axis ? squeeze(a, *axis) : squeeze(a); });
  add("expand_dims(a, axis)", [](const Array& a, const Wholes& axis) { return expand_dims(a, to_axes(axis)); });
  add("take(a, indices, axis=None)", [](const Array& a, const Indices& indices, const OptionalWhole& axis) {
    return axis ? take(a, indices.array, to_int(*axis)) : take(a, indices.array);
  });

  // From nothing.
  add("zeros(shape)", [](const Shape& shape, Dtype dtype) { return zeros(shape, dtype); });
  add("ones(shape)", [](const Shape& shape, Dtype dtype) { return ones(shape, dtype); });
  add("full(shape, fill_value)", full_of);
  add("zeros_like(a)", [](const Array& a) { return zeros_like(a); });
  add("ones_like(a)", [](const Array& a) { return ones_like(a); });
  add("eye(N, M=None, k=0)", [](std::int64_t n, const OptionalWhole& m, std::int64_t k, Dtype dtype) {
    if (n < 0 || (m && *m < 0)) throw ShapeError("eye: a length is negative");
    return eye(n, m.value_or(n), k, dtype);
  });
  add("arange(start=None, stop=None, step=1)", arange_of);
  add("linspace(start, stop, num=50, endpoint=True)", linspace_of);

  // Numbers from shapes.
  add("len(a)", [](const Array& a) {
    if (a.ndim() == 0) throw ShapeError("len: a scalar has no length");
    return Array(a.shape()[0]);
  });
  add("size(a)", [](const Array& a) { return Array(a.size()); });

  std::sort(all.begin(), all.end(), [](const Function& a, const Function& b) { return a.name < b.name; });
  return all;
}

}  // namespace table

const std::vector<Function>& all_functions() {
  static const std::vector<Function> all = table::functions();
  return all;
}

const Function* find_function(std::string_view name) {
  const std::vector<Function>& all = all_functions();
  const auto found =
      std::lower_bound(all.begin(), all.end(), name, [](const Function& f, std::string_view n) { return f.name < n; });
  return found != all.end() && found->name == name ? &*found : nullptr;
}

}  // namespace dini::formula

namespace dini {

const std::vector<std::string>& formula_functions() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const formula::Function& f : formula::all_functions()) out.push_back(f.name);
    return out;
  }();
  return names;
}

}  // namespace dini
