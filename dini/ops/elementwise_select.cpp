// Ops that choose, convert and ask: select, convert, stop_gradient, logical_not, isfinite, isnan; the family's list.
#include <cmath>
#include <limits>
#include <stdexcept>

#include "dini/ops/elementwise_build.hpp"
#include "dini/ops/registry.hpp"

namespace dini {

namespace {

template <class T> void select_loop(const void* const* in, void* out, std::size_t n) {
  const bool* c = static_cast<const bool*>(in[0]);
  const T *a = static_cast<const T*>(in[1]), *b = static_cast<const T*>(in[2]);
  T* y = static_cast<T*>(out);
  if constexpr (std::is_floating_point_v<T>) {
    kernels::vector_kernels<T>().select(c, a, b, y, n);
  } else {
    for (std::size_t i = 0; i < n; ++i) y[i] = c[i] ? a[i] : b[i];
  }
}
ElementKernel select_element(std::span<const Aval>, const Aval& out) {
  return visit_dtype(out.dtype, []<class T>() -> ElementKernel { return select_loop<T>; });
}

// Floating to integer: towards zero, NaN to 0, to the nearest there is where it is out of range.
template <class From, class To> To convert_number(From x) {
  if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    constexpr From bound = static_cast<From>(std::uint64_t{1} << (8 * sizeof(To) - 1));  // the largest and 1
    if (x >= bound) return std::numeric_limits<To>::max();
    if (x < -bound) return std::numeric_limits<To>::min();
    return x == x ? static_cast<To>(x) : To(0);
  } else {
    return static_cast<To>(x);
  }
}
template <class From, class To> void convert_loop(const void* const* in, void* out, std::size_t n) {
  const From* a = static_cast<const From*>(in[0]);
  To* y = static_cast<To*>(out);
  for (std::size_t i = 0; i < n; ++i) y[i] = convert_number<From, To>(a[i]);
}
ElementKernel convert_element(std::span<const Aval> in, const Aval& out) {
  return visit_dtype(in[0].dtype, [&]<class From>() {
    return visit_dtype(out.dtype, []<class To>() -> ElementKernel { return convert_loop<From, To>; });
  });
}

struct ElementCopy {
  template <class T> T operator()(T x) const { return x; }
};
struct ElementNot {
  template <class T> T operator()(T x) const {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
      return static_cast<T>(~x);
    else
      return x == T(0);
  }
};
struct ElementIsFinite {
  template <class T> bool operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>)
      return std::fabs(x) <= std::numeric_limits<T>::max();
    else
      return true;
  }
};
struct ElementIsNan {
  template <class T> bool operator()(T x) const { return x != x; }
};

}  // namespace

const Op& select_op() {
  static const Op op = [] {
    Op op;
    op.name = "select";
    op.rounding = Rounding::exact;
    op.takes = Operands::any;
    op.infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> {
      if (in[0].dtype != Dtype::bool_ || in[0].shape != in[1].shape) {
        throw std::logic_error("select has operands " + in[0].str() + " and " + in[1].str());
      }
      return detail::infer_elementwise(in.subspan(1), false);
    };
    op.element = select_element;
    op.kernel = detail::run_elementwise<&select_element>;
    op.jvp = [](const JvpCall& call) -> Leaves {
      const Array &da = call.tangents[1], &db = call.tangents[2];
      if (!da.defined() && !db.defined()) return {Array()};
      return {where(call.in[0], da.defined() ? da : Array(0.0), db.defined() ? db : Array(0.0))};
    };
    op.transpose = [](const TransposeCall& call) -> Leaves {
      Leaves out(3);
      const Array& dy = call.cotangents[0];
      if (!dy.defined()) return out;
      if (!call.in[0].defined()) throw std::logic_error("select is not linear in its condition");
      if (!call.in[1].defined()) out[1] = where(call.in[0], dy, 0.0);
      if (!call.in[2].defined()) out[2] = where(call.in[0], 0.0, dy);
      return out;
    };
    op.batch = [](const BatchCall& call) { return detail::batch_elementwise(select_op(), call); };
    op.samples = [](Dtype dtype) -> std::vector<Sample> {
      const Shape shape{5};
      return {{{detail::sample_array({1, 0, 0, 1, 0}, shape, Dtype::bool_),
                detail::sample_array({-2.5, 0.3, 7, -1, 0.75}, shape, dtype),
                detail::sample_array({1.5, -0.3, 2, 5, -8}, shape, dtype)},
               {}}};
    };
    op.reference = [](const long double* x) { return x[0] != 0 ? x[1] : x[2]; };
    return op;
  }();
  return op;
}

const Op& convert_op() {
  static const Op op = [] {
    Op op;
    op.name = "convert";
    op.exact_when = [](const Params& params, std::span<const Aval> in, std::span<const std::optional<double>> known) {
      const Dtype from = in[0].dtype, to = params.dtype("dtype");
      // A C++ number is what it is converted to, at every point alike. Of int64 the numbers below 2^53 are exact.
      const bool number = known[0] || (in[0].weak && in[0].shape.ndim() == 0);
      return number || from == to || to == Dtype::float64 || from == Dtype::bool_;
    };
    op.takes = Operands::any;
    op.infer = [](std::span<const Aval> in, const Params& params) -> std::vector<Aval> {
      return {{in[0].shape, params.dtype("dtype"), params.flag("weak")}};
    };
    op.element = convert_element;
    op.kernel = detail::run_elementwise<&convert_element>;
    op.jvp = [](const JvpCall& call) -> Leaves {
      const Array& dx = call.tangents[0];
      if (!dx.defined() || !is_floating(dx.dtype()) || !is_floating(call.params.dtype("dtype"))) return {Array()};
      return {emit_one(convert_op(), {dx}, call.params)};
    };
    op.transpose = [](const TransposeCall& call) -> Leaves {
      if (!call.cotangents[0].defined()) return {Array()};
      const Aval& x = call.in_avals[0];
      return {emit_one(convert_op(), {call.cotangents[0]}, {{"dtype", x.dtype}, {"weak", x.weak}})};
    };
    op.batch = [](const BatchCall& call) { return detail::batch_elementwise(convert_op(), call); };
    op.samples = [](Dtype dtype) -> std::vector<Sample> {
      const Array x = detail::sample_array({-2.5, 0.3, 7, -1, 0.75}, Shape{5}, dtype);
      return {{{x}, {{"dtype", Dtype::float64}, {"weak", false}}}};
    };
    op.reference = [](const long double* x) { return x[0]; };
    return op;
  }();
  return op;
}

using detail::loop_kernel;
using detail::unary;

const Op& stop_gradient_op() {
  static const Op op = unary({
      .op = stop_gradient_op,
      .name = "stop_gradient",
      .kernel = loop_kernel<1>(ElementCopy{}),
      .samples = {-2.5, 0.3, 7},
      .reference = [](const long double* x) { return x[0]; },
      .takes = Operands::any,
      .rounding = Rounding::exact,
  });
  return op;
}

const Op& logical_not_op() {
  static const Op op = unary({
      .op = logical_not_op,
      .name = "logical_not",
      .kernel = loop_kernel<1>(ElementNot{}),
      .samples = {-2.5, 0, 7},
      .reference = [](const long double* x) { return static_cast<long double>(x[0] == 0); },
      .takes = Operands::booleans,
      .rounding = Rounding::exact,
  });
  return op;
}

const Op& isfinite_op() {
  static const Op op = unary({
      .op = isfinite_op,
      .name = "isfinite",
      .kernel = loop_kernel<1, true>(ElementIsFinite{}),
      .samples = {-2.5, 0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()},
      .reference = [](const long double* x) { return static_cast<long double>(std::isfinite(x[0])); },
      .to_bool = true,
      .takes = Operands::any,
      .rounding = Rounding::exact,
  });
  return op;
}

const Op& isnan_op() {
  static const Op op = unary({
      .op = isnan_op,
      .name = "isnan",
      .kernel = loop_kernel<1, true>(ElementIsNan{}),
      .samples = {-2.5, 0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()},
      .reference = [](const long double* x) { return static_cast<long double>(std::isnan(x[0])); },
      .to_bool = true,
      .takes = Operands::any,
      .rounding = Rounding::exact,
  });
  return op;
}

OpList elementwise_ops() {
  static const Op* const ops[] = {
      &neg_op(),          &abs_op(),         &sign_op(),
      &square_op(),       &sqrt_op(),        &cbrt_op(),
      &floor_op(),        &ceil_op(),        &round_op(),
      &trunc_op(),        &exp_op(),         &exp2_op(),
      &expm1_op(),        &log_op(),         &log1p_op(),
      &log2_op(),         &log10_op(),       &sin_op(),
      &cos_op(),          &tan_op(),         &asin_op(),
      &acos_op(),         &atan_op(),        &sinh_op(),
      &cosh_op(),         &tanh_op(),        &sech_squared_op(),
      &asinh_op(),        &acosh_op(),       &atanh_op(),
      &sigmoid_op(),      &softplus_op(),    &relu_op(),
      &erf_op(),          &erfc_op(),        &erfinv_op(),
      &gammaln_op(),      &digamma_op(),     &i0e_op(),
      &i1e_op(),          &logical_not_op(), &isfinite_op(),
      &isnan_op(),        &convert_op(),     &add_op(),
      &sub_op(),          &mul_op(),         &div_op(),
      &maximum_op(),      &minimum_op(),     &pow_op(),
      &atan2_op(),        &hypot_op(),       &mod_op(),
      &floor_divide_op(), &polygamma_op(),   &betaln_op(),
      &lt_op(),           &le_op(),          &eq_op(),
      &ne_op(),           &logical_and_op(), &logical_or_op(),
      &logical_xor_op(),  &select_op(),      &stop_gradient_op(),
  };
  return ops;
}

}  // namespace dini
