// Arithmetic, rounding, exponential, trigonometric and hyperbolic ops of one operand.
#include <cmath>

#include "dini/ops/elementwise_build.hpp"

namespace dini {

namespace {
constexpr double ln_2 = 0.693147180559945309417232121458, ln_10 = 2.302585092994045684017991454684;
// Integers wrap around, as NumPy's do.
struct WrapNeg {
  template <class T> T operator()(T x) const { return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(x)); }
  bool operator()(bool x) const { return x; }
};
struct WrapAbs {
  template <class T> T operator()(T x) const { return x < 0 ? WrapNeg{}(x) : x; }
  bool operator()(bool x) const { return x; }
};
struct WrapSquare {
  template <class T> T operator()(T x) const {
    const auto u = static_cast<std::uint64_t>(x);
    return static_cast<T>(u * u);
  }
};
struct ElementSame {
  template <class T> T operator()(T x) const { return x; }
};
struct SignOf {
  template <class T> T operator()(T x) const { return static_cast<T>((x > T(0)) - (x < T(0))); }
};
}  // namespace

using detail::pick;
using detail::unary;
using detail::vector_kernel;

const Op& neg_op() {
  static const Op op = unary({
      .op = neg_op,
      .name = "neg",
      .kernel = vector_kernel<DINI_VECTOR(neg)>(WrapNeg{}),
      .jvp = [](const Array&, const Array&, const Array& dx) { return -dx; },
      .transpose = [](const Array& dy) { return -dy; },
      .samples = {-2.5, -1e-8, 0, 0.3, 7},
      .reference = [](const long double* x) { return -x[0]; },
      .takes = Operands::integers,
      .rounding = Rounding::exact,
  });
  return op;
}

const Op& abs_op() {
  static const Op op = unary({
      .op = abs_op,
      .name = "abs",
      .kernel = vector_kernel<DINI_VECTOR(abs)>(WrapAbs{}),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx * pick(x >= 0, 1, -1, x); },
      .samples = {-2.5, -0.125, 0.3, 7},
      .reference = [](const long double* x) { return std::fabs(x[0]); },
      .takes = Operands::integers,
      .rounding = Rounding::exact,
  });
  return op;
}

const Op& sign_op() {
  static const Op op = unary({
      .op = sign_op,
      .name = "sign",
      .kernel = vector_kernel<DINI_VECTOR(sign)>(SignOf{}),
      .samples = {-2.5, -0.125, 0.3, 7},
      .reference = [](const long double* x) { return static_cast<long double>((x[0] > 0) - (x[0] < 0)); },
      .takes = Operands::integers,
      .rounding = Rounding::exact,
  });
  return op;
}

const Op& square_op() {
  static const Op op = unary({
      .op = square_op,
      .name = "square",
      .kernel = vector_kernel<DINI_VECTOR(square)>(WrapSquare{}),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx * (2 * x); },
      .samples = {-2.5, -0.125, 0, 0.3, 7},
      .reference = [](const long double* x) { return x[0] * x[0]; },
      .takes = Operands::integers,
  });
  return op;
}

const Op& sqrt_op() {
  static const Op op = unary({
      .op = sqrt_op,
      .name = "sqrt",
      .kernel = vector_kernel<DINI_VECTOR(sqrt)>(),
      .jvp = [](const Array&, const Array& y, const Array& dx) { return dx * (0.5 / y); },
      .samples = {0.01, 0.3, 1, 2.5, 1000},
      .reference = [](const long double* x) { return std::sqrt(x[0]); },
  });
  return op;
}

const Op& cbrt_op() {
  static const Op op = unary({
      .op = cbrt_op,
      .name = "cbrt",
      .kernel = vector_kernel<DINI_VECTOR(cbrt)>(),
      .jvp = [](const Array&, const Array& y, const Array& dx) { return dx * (1 / (3 * square(y))); },
      .samples = {-30, -0.5, 0.3, 1, 2.5, 1000},
      .reference = [](const long double* x) { return std::cbrt(x[0]); },
  });
  return op;
}

const Op& floor_op() {
  static const Op op = unary({
      .op = floor_op,
      .name = "floor",
      .kernel = vector_kernel<DINI_VECTOR(floor)>(ElementSame{}),
      .samples = {-2.75, -0.25, 0.3, 7.5},
      .reference = [](const long double* x) { return std::floor(x[0]); },
      .takes = Operands::integers,
      .rounding = Rounding::exact,
  });
  return op;
}

const Op& ceil_op() {
  static const Op op = unary({
      .op = ceil_op,
      .name = "ceil",
      .kernel = vector_kernel<DINI_VECTOR(ceil)>(ElementSame{}),
      .samples = {-2.75, -0.25, 0.3, 7.5},
      .reference = [](const long double* x) { return std::ceil(x[0]); },
      .takes = Operands::integers,
      .rounding = Rounding::exact,
  });
  return op;
}

const Op& round_op() {
  static const Op op = unary({
      .op = round_op,
      .name = "round",
      .kernel = vector_kernel<DINI_VECTOR(round)>(ElementSame{}),
      .samples = {-2.75, -0.25, 0.3, 7.75},
      .reference = [](const long double* x) { return std::nearbyint(x[0]); },
      .takes = Operands::integers,
      .rounding = Rounding::exact,
  });
  return op;
}

const Op& trunc_op() {
  static const Op op = unary({
      .op = trunc_op,
      .name = "trunc",
      .kernel = vector_kernel<DINI_VECTOR(trunc)>(ElementSame{}),
      .samples = {-2.75, -0.25, 0.3, 7.75},
      .reference = [](const long double* x) { return std::trunc(x[0]); },
      .takes = Operands::integers,
      .rounding = Rounding::exact,
  });
  return op;
}

// ---- Exponentials and logarithms ------------------------------------------------------------------------------------

const Op& exp_op() {
  static const Op op = unary({
      .op = exp_op,
      .name = "exp",
      .kernel = vector_kernel<DINI_VECTOR(exp)>(),
      .jvp = [](const Array&, const Array& y, const Array& dx) { return dx * y; },
      .samples = {-20, -2, -1e-8, 0, 0.3, 5},
      .reference = [](const long double* x) { return std::exp(x[0]); },
  });
  return op;
}

const Op& exp2_op() {
  static const Op op = unary({
      .op = exp2_op,
      .name = "exp2",
      .kernel = vector_kernel<DINI_VECTOR(exp2)>(),
      // Not ln 2·y: where 2ˣ has just overflowed the slope is still finite.
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx * (2 * ln_2 * exp2(x - 1)); },
      .samples = {-20, -2, 0, 0.3, 5.5},
      .reference = [](const long double* x) { return std::exp2(x[0]); },
  });
  return op;
}

const Op& expm1_op() {
  static const Op op = unary({
      .op = expm1_op,
      .name = "expm1",
      .kernel = vector_kernel<DINI_VECTOR(expm1)>(),
      // Not y + 1, which has lost eˣ where y is next to -1.
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx * exp(x); },
      .samples = {-40, -20, -2, -1e-8, 0, 0.3, 5},
      .reference = [](const long double* x) { return std::expm1(x[0]); },
  });
  return op;
}

const Op& log_op() {
  static const Op op = unary({
      .op = log_op,
      .name = "log",
      .kernel = vector_kernel<DINI_VECTOR(log)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx / x; },
      .samples = {0.01, 0.3, 1, 2.5, 1000},
      .reference = [](const long double* x) { return std::log(x[0]); },
  });
  return op;
}

const Op& log1p_op() {
  static const Op op = unary({
      .op = log1p_op,
      .name = "log1p",
      .kernel = vector_kernel<DINI_VECTOR(log1p)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx / (1 + x); },
      .samples = {-0.9, -1e-8, 0, 0.3, 2.5, 1000},
      .reference = [](const long double* x) { return std::log1p(x[0]); },
  });
  return op;
}

const Op& log2_op() {
  static const Op op = unary({
      .op = log2_op,
      .name = "log2",
      .kernel = vector_kernel<DINI_VECTOR(log2)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx / (ln_2 * x); },
      .samples = {0.01, 0.3, 1, 2.5, 1000},
      .reference = [](const long double* x) { return std::log2(x[0]); },
  });
  return op;
}

const Op& log10_op() {
  static const Op op = unary({
      .op = log10_op,
      .name = "log10",
      .kernel = vector_kernel<DINI_VECTOR(log10)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx / (ln_10 * x); },
      .samples = {0.01, 0.3, 1, 2.5, 1000},
      .reference = [](const long double* x) { return std::log10(x[0]); },
  });
  return op;
}

// ---- Trigonometric --------------------------------------------------------------------------------------------------

const Op& sin_op() {
  static const Op op = unary({
      .op = sin_op,
      .name = "sin",
      .kernel = vector_kernel<DINI_VECTOR(sin)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx * cos(x); },
      .samples = {-20, -2, -1e-8, 0, 0.3, 5},
      .reference = [](const long double* x) { return std::sin(x[0]); },
  });
  return op;
}

const Op& cos_op() {
  static const Op op = unary({
      .op = cos_op,
      .name = "cos",
      .kernel = vector_kernel<DINI_VECTOR(cos)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx * -sin(x); },
      .samples = {-20, -2, -1e-8, 0, 0.3, 5},
      .reference = [](const long double* x) { return std::cos(x[0]); },
  });
  return op;
}

const Op& tan_op() {
  static const Op op = unary({
      .op = tan_op,
      .name = "tan",
      .kernel = vector_kernel<DINI_VECTOR(tan)>(),
      .jvp = [](const Array&, const Array& y, const Array& dx) { return dx * (1 + square(y)); },
      .samples = {-2, -1e-8, 0, 0.3, 1.25, 5},
      .reference = [](const long double* x) { return std::tan(x[0]); },
  });
  return op;
}

// 1 - x² as a product loses nothing near ±1.
const Op& asin_op() {
  static const Op op = unary({
      .op = asin_op,
      .name = "asin",
      .kernel = vector_kernel<DINI_VECTOR(asin)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx / sqrt((1 - x) * (1 + x)); },
      .samples = {-0.9, -1e-8, 0, 0.3, 0.75},
      .reference = [](const long double* x) { return std::asin(x[0]); },
  });
  return op;
}

const Op& acos_op() {
  static const Op op = unary({
      .op = acos_op,
      .name = "acos",
      .kernel = vector_kernel<DINI_VECTOR(acos)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx / -sqrt((1 - x) * (1 + x)); },
      .samples = {-0.9, -1e-8, 0, 0.3, 0.75},
      .reference = [](const long double* x) { return std::acos(x[0]); },
  });
  return op;
}

const Op& atan_op() {
  static const Op op = unary({
      .op = atan_op,
      .name = "atan",
      .kernel = vector_kernel<DINI_VECTOR(atan)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx / (1 + square(x)); },
      .samples = {-20, -0.9, -1e-8, 0, 0.3, 2.5},
      .reference = [](const long double* x) { return std::atan(x[0]); },
  });
  return op;
}

// ---- Hyperbolic -----------------------------------------------------------------------------------------------------

const Op& sinh_op() {
  static const Op op = unary({
      .op = sinh_op,
      .name = "sinh",
      .kernel = vector_kernel<DINI_VECTOR(sinh)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx * cosh(x); },
      .samples = {-5, -0.9, -1e-8, 0, 0.3, 2.5},
      .reference = [](const long double* x) { return std::sinh(x[0]); },
  });
  return op;
}

const Op& cosh_op() {
  static const Op op = unary({
      .op = cosh_op,
      .name = "cosh",
      .kernel = vector_kernel<DINI_VECTOR(cosh)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx * sinh(x); },
      .samples = {-5, -0.9, -1e-8, 0, 0.3, 2.5},
      .reference = [](const long double* x) { return std::cosh(x[0]); },
  });
  return op;
}

const Op& tanh_op() {
  static const Op op = unary({
      .op = tanh_op,
      .name = "tanh",
      .kernel = vector_kernel<DINI_VECTOR(tanh)>(),
      // Not 1 - y², of which nothing is left where y is next to ±1.
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx * emit_one(sech_squared_op(), {x}); },
      .samples = {-1000, -2, -1e-8, 0, 0.3, 12, 25, 1000},
      .reference = [](const long double* x) { return std::tanh(x[0]); },
  });
  return op;
}

// The slope of tanh, and by its scale that of the sigmoid.
const Op& sech_squared_op() {
  static const Op op = unary({
      .op = sech_squared_op,
      .name = "sech_squared",
      .kernel = vector_kernel<DINI_VECTOR(sech_squared)>(),
      .jvp = [](const Array& x, const Array& y, const Array& dx) { return dx * (-2 * tanh(x) * y); },
      .samples = {-40, -2, -0.25, -1e-8, 0, 0.3, 12},
      .reference = [](const long double* x) { return 1 / (std::cosh(x[0]) * std::cosh(x[0])); },
  });
  return op;
}

// √(x² + 1) by hypot does not overflow.
const Op& asinh_op() {
  static const Op op = unary({
      .op = asinh_op,
      .name = "asinh",
      .kernel = vector_kernel<DINI_VECTOR(asinh)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx / hypot(x, 1); },
      .samples = {-20, -0.9, -1e-8, 0, 0.3, 2.5},
      .reference = [](const long double* x) { return std::asinh(x[0]); },
  });
  return op;
}

// Two roots, so that the slope is NaN wherever the value is.
const Op& acosh_op() {
  static const Op op = unary({
      .op = acosh_op,
      .name = "acosh",
      .kernel = vector_kernel<DINI_VECTOR(acosh)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx / (sqrt(x - 1) * sqrt(x + 1)); },
      .samples = {1.125, 1.5, 2.5, 1000},
      .reference = [](const long double* x) { return std::acosh(x[0]); },
  });
  return op;
}

const Op& atanh_op() {
  static const Op op = unary({
      .op = atanh_op,
      .name = "atanh",
      .kernel = vector_kernel<DINI_VECTOR(atanh)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx / ((1 - x) * (1 + x)); },
      .samples = {-0.9, -1e-8, 0, 0.3, 0.75},
      .reference = [](const long double* x) { return std::atanh(x[0]); },
  });
  return op;
}

}  // namespace dini
