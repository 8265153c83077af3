#include "dini/ops/elementwise.hpp"

#include <limits>
#include <string>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise_ops.hpp"
#include "dini/trace/emit.hpp"

namespace dini {

namespace {

Array emit_numeric(const Op& op, const Array& x, const char* function) {
  detail::check_defined(x, function);
  return emit_one(op, {x});
}
Array emit_floating(const Op& op, const Array& x, const char* function) {
  return emit_one(op, {detail::as_floating(x, function)});
}
Array emit_numeric(const Op& op, Array a, Array b, const char* function) {
  detail::promote_operands(a, b, function);
  return emit_one(op, {a, b});
}
Array emit_floating(const Op& op, Array a, Array b, const char* function) {
  detail::promote_operands(a, b, function, true);
  return emit_one(op, {a, b});
}

[[noreturn]] void refuse_dtype(const char* function, const Array& a, const char* wanted) {
  throw DtypeError(std::string(function) + ": got " + a.aval().str() + ", wanted " + wanted);
}
Array emit_bitwise(const Op& op, Array a, Array b, const char* function) {
  detail::promote_operands(a, b, function);
  if (is_floating(a.dtype())) refuse_dtype(function, a, "bool or integers");
  return emit_one(op, {a, b});
}
Array as_condition(const Array& a, const char* function) {
  detail::check_defined(a, function);
  return detail::as_operand(a, Dtype::bool_);
}
Array emit_logical(const Op& op, const Array& a, const Array& b, const char* function) {
  return emit_numeric(op, as_condition(a, function), as_condition(b, function), function);
}

}  // namespace

// ---- Operators ------------------------------------------------------------------------------------------------------

Array Array::operator-() const {
  detail::check_defined(*this, "-");
  if (dtype() == Dtype::bool_) refuse_dtype("-", *this, "numbers (~ is the logical not)");
  return emit_one(neg_op(), {*this});
}
Array operator+(const Array& a, const Array& b) { return emit_numeric(add_op(), a, b, "+"); }
Array operator-(const Array& a, const Array& b) {
  Array x = a, y = b;
  detail::promote_operands(x, y, "-");
  if (x.dtype() == Dtype::bool_) refuse_dtype("-", x, "numbers (!= is the exclusive or)");
  return emit_one(sub_op(), {x, y});
}
Array operator*(const Array& a, const Array& b) { return emit_numeric(mul_op(), a, b, "*"); }
Array operator/(const Array& a, const Array& b) { return emit_floating(div_op(), a, b, "/"); }
Array operator%(const Array& a, const Array& b) { return emit_numeric(mod_op(), a, b, "%"); }
namespace {
Array emit_swapped(const Op& op, Array a, Array b, const char* function) {
  detail::promote_operands(a, b, function);
  return emit_one(op, {b, a});
}
}  // namespace
Array operator<(const Array& a, const Array& b) { return emit_numeric(lt_op(), a, b, "<"); }
Array operator<=(const Array& a, const Array& b) { return emit_numeric(le_op(), a, b, "<="); }
Array operator>(const Array& a, const Array& b) { return emit_swapped(lt_op(), a, b, ">"); }
Array operator>=(const Array& a, const Array& b) { return emit_swapped(le_op(), a, b, ">="); }
Array operator==(const Array& a, const Array& b) { return emit_numeric(eq_op(), a, b, "=="); }
Array operator!=(const Array& a, const Array& b) { return emit_numeric(ne_op(), a, b, "!="); }
Array operator&(const Array& a, const Array& b) { return emit_bitwise(logical_and_op(), a, b, "&"); }
Array operator|(const Array& a, const Array& b) { return emit_bitwise(logical_or_op(), a, b, "|"); }
Array operator^(const Array& a, const Array& b) { return emit_bitwise(logical_xor_op(), a, b, "^"); }
Array operator~(const Array& a) {
  detail::check_defined(a, "~");
  if (is_floating(a.dtype())) refuse_dtype("~", a, "bool or integers");
  return emit_one(logical_not_op(), {a});
}

// ---- Arithmetic -----------------------------------------------------------------------------------------------------

Array abs(const Array& x) { return emit_numeric(abs_op(), x, "abs"); }
Array sign(const Array& x) { return emit_numeric(sign_op(), x, "sign"); }
Array square(const Array& x) { return emit_numeric(square_op(), x, "square"); }
Array reciprocal(const Array& x) { return 1.0 / detail::as_floating(x, "reciprocal"); }
Array sqrt(const Array& x) { return emit_floating(sqrt_op(), x, "sqrt"); }
Array cbrt(const Array& x) { return emit_floating(cbrt_op(), x, "cbrt"); }
Array rsqrt(const Array& x) { return 1.0 / emit_floating(sqrt_op(), x, "rsqrt"); }

namespace {

// xⁿ for n ≥ 1 by squaring.
Array multiply_out(const Array& x, std::int64_t n) {
  if (n == 1) return x;
  const Array half = square(multiply_out(x, n / 2));
  return n % 2 ? half * x : half;
}

}  // namespace

Array power(const Array& a, const Array& b) {
  constexpr double longest_chain = 64;  // beyond it pow is more accurate, and no slower
  detail::check_defined(a, "power");
  detail::check_defined(b, "power");
  if (detail::is_literal(b)) {
    const double n = b.item<double>();
    const Array base = detail::as_operand(a, common_dtype({a, b}).dtype);
    if (!is_floating(base.dtype()) && n < 0) {
      throw DtypeError("power: integers " + a.aval().str() + " to the negative power " +
                       std::to_string(b.item<std::int64_t>()) + " are no integers; use a floating base or exponent");
    }
    if (n == 0) return ones_like(base);
    if (n == std::floor(n) && std::fabs(n) <= longest_chain && base.dtype() != Dtype::bool_) {
      const Array y = multiply_out(base, static_cast<std::int64_t>(std::fabs(n)));
      return n < 0 ? 1.0 / y : y;
    }
  }
  return emit_numeric(pow_op(), a, b, "power");
}
Array pow(const Array& a, const Array& b) { return power(a, b); }
Array mod(const Array& a, const Array& b) { return emit_numeric(mod_op(), a, b, "mod"); }
Array floor_divide(const Array& a, const Array& b) { return emit_numeric(floor_divide_op(), a, b, "floor_divide"); }
Array hypot(const Array& a, const Array& b) { return emit_floating(hypot_op(), a, b, "hypot"); }
Array maximum(const Array& a, const Array& b) { return emit_numeric(maximum_op(), a, b, "maximum"); }
Array minimum(const Array& a, const Array& b) { return emit_numeric(minimum_op(), a, b, "minimum"); }
Array clip(const Array& x, const Array& low, const Array& high) {
  detail::check_defined(x, "clip");
  Array y = x;
  if (low.defined()) y = emit_numeric(maximum_op(), y, low, "clip");
  if (high.defined()) y = emit_numeric(minimum_op(), y, high, "clip");
  return y;
}
Array copysign(const Array& a, const Array& b) {
  Array x = a, y = b;
  detail::promote_operands(x, y, "copysign", true);
  y = stop_gradient(y);
  return abs(x) * where((y < 0) | (1 / y < 0), -1.0, 1.0);
}
Array heaviside(const Array& x, const Array& h) {
  Array a = x, at_zero = h;
  detail::promote_operands(a, at_zero, "heaviside", true);
  a = stop_gradient(a);
  return where(a == 0, at_zero, where(a < 0, 0.0, where(a > 0, 1.0, a)));
}
Array floor(const Array& x) { return emit_numeric(floor_op(), x, "floor"); }
Array ceil(const Array& x) { return emit_numeric(ceil_op(), x, "ceil"); }
Array round(const Array& x) { return emit_numeric(round_op(), x, "round"); }
Array trunc(const Array& x) { return emit_numeric(trunc_op(), x, "trunc"); }

// ---- Exponentials and logarithms ------------------------------------------------------------------------------------

Array exp(const Array& x) { return emit_floating(exp_op(), x, "exp"); }
Array exp2(const Array& x) { return emit_floating(exp2_op(), x, "exp2"); }
Array expm1(const Array& x) { return emit_floating(expm1_op(), x, "expm1"); }
Array log(const Array& x) { return emit_floating(log_op(), x, "log"); }
Array log1p(const Array& x) { return emit_floating(log1p_op(), x, "log1p"); }
Array log2(const Array& x) { return emit_floating(log2_op(), x, "log2"); }
Array log10(const Array& x) { return emit_floating(log10_op(), x, "log10"); }

// The larger one + softplus(the smaller - the larger): smooth at a tie too, since both sides are one function there.
Array logaddexp(const Array& x, const Array& y) {
  Array a = x, b = y;
  detail::promote_operands(a, b, "logaddexp", true);
  const Array a_larger = a > b;
  const Array high = where(a_larger, a, b), low = where(a_larger, b, a);
  const Array same_infinity = (high == low) & isinf(high);
  return high + softplus(where(same_infinity, 0.0, low - high));
}

Array logit(const Array& p) {
  const Array x = detail::as_floating(p, "logit");
  return log(x) - log1p(-x);
}

namespace {

// x·log(y) where x is not 0 or the logarithm is finite, so that the slope log(y) in x is right at x = 0; 0 elsewhere.
Array times_log(Array x, Array y, Array (*logarithm)(const Array&), const Array& first, const char* function) {
  detail::promote_operands(x, y, function, true);
  const Array zero = (x == 0) & ~((y > first) & isfinite(y)) & ~isnan(y);
  return where(zero, 0.0, x * logarithm(where(zero, 1.0, y)));
}

}  // namespace

Array xlogy(const Array& x, const Array& y) { return times_log(x, y, log, 0.0, "xlogy"); }
Array xlog1py(const Array& x, const Array& y) { return times_log(x, y, log1p, -1.0, "xlog1py"); }

// ---- Trigonometric and hyperbolic -----------------------------------------------------------------------------------

Array sin(const Array& x) { return emit_floating(sin_op(), x, "sin"); }
Array cos(const Array& x) { return emit_floating(cos_op(), x, "cos"); }
Array tan(const Array& x) { return emit_floating(tan_op(), x, "tan"); }
Array arcsin(const Array& x) { return emit_floating(asin_op(), x, "arcsin"); }
Array arccos(const Array& x) { return emit_floating(acos_op(), x, "arccos"); }
Array arctan(const Array& x) { return emit_floating(atan_op(), x, "arctan"); }
Array arctan2(const Array& y, const Array& x) { return emit_floating(atan2_op(), y, x, "arctan2"); }
Array sinh(const Array& x) { return emit_floating(sinh_op(), x, "sinh"); }
Array cosh(const Array& x) { return emit_floating(cosh_op(), x, "cosh"); }
Array tanh(const Array& x) { return emit_floating(tanh_op(), x, "tanh"); }
Array arcsinh(const Array& x) { return emit_floating(asinh_op(), x, "arcsinh"); }
Array arccosh(const Array& x) { return emit_floating(acosh_op(), x, "arccosh"); }
Array arctanh(const Array& x) { return emit_floating(atanh_op(), x, "arctanh"); }
Array asin(const Array& x) { return emit_floating(asin_op(), x, "asin"); }
Array acos(const Array& x) { return emit_floating(acos_op(), x, "acos"); }
Array atan(const Array& x) { return emit_floating(atan_op(), x, "atan"); }
Array atan2(const Array& y, const Array& x) { return emit_floating(atan2_op(), y, x, "atan2"); }
Array asinh(const Array& x) { return emit_floating(asinh_op(), x, "asinh"); }
Array acosh(const Array& x) { return emit_floating(acosh_op(), x, "acosh"); }
Array atanh(const Array& x) { return emit_floating(atanh_op(), x, "atanh"); }

// ---- Special functions ----------------------------------------------------------------------------------------------

Array sigmoid(const Array& x) { return emit_floating(sigmoid_op(), x, "sigmoid"); }
Array softplus(const Array& x) { return emit_floating(softplus_op(), x, "softplus"); }
Array relu(const Array& x) { return emit_numeric(relu_op(), x, "relu"); }
Array erf(const Array& x) { return emit_floating(erf_op(), x, "erf"); }
Array erfc(const Array& x) { return emit_floating(erfc_op(), x, "erfc"); }
Array erfinv(const Array& x) { return emit_floating(erfinv_op(), x, "erfinv"); }
Array gammaln(const Array& x) { return emit_floating(gammaln_op(), x, "gammaln"); }
Array digamma(const Array& x) { return emit_floating(digamma_op(), x, "digamma"); }
Array polygamma(const Array& n, const Array& x) { return emit_floating(polygamma_op(), n, x, "polygamma"); }
Array betaln(const Array& x, const Array& y) { return emit_floating(betaln_op(), x, y, "betaln"); }
Array i0e(const Array& x) { return emit_floating(i0e_op(), x, "i0e"); }
Array i1e(const Array& x) { return emit_floating(i1e_op(), x, "i1e"); }

namespace special {

namespace {
// e^|x| f(x) by halves, which overflow later; |x| here has slope 0 at 0, as f's own rule takes it.
Array times_exp_abs(const Array& x, Array (*f)(const Array&), const char* function) {
  const Array a = detail::as_floating(x, function);
  const Array half = exp(0.5 * maximum(a, -a));
  return half * (half * f(where(isinf(a), sign(a), a)));
}
}  // namespace

Array i0(const Array& x) { return times_exp_abs(x, i0e, "i0"); }
Array i1(const Array& x) { return times_exp_abs(x, i1e, "i1"); }

// √x has the value 0 and the slope inf that are wanted at 0.
Array entr(const Array& x) {
  const Array a = detail::as_floating(x, "entr");
  const Array y = where(a == 0, sqrt(where(a == 0, a, 1.0)), -a * log(where(a > 0, a, 1.0)));
  return where(a < 0, -std::numeric_limits<double>::infinity(), y);
}

Array ndtr(const Array& x) { return 0.5 * erfc(-std::sqrt(0.5) * detail::as_floating(x, "ndtr")); }

// In the tail φ(x)/-x·(1 - 1/x² + 3/x⁴ - ...) (Abramowitz and Stegun, 26.2.12); far right, where ndtr is 1, -ndtr(-x).
Array log_ndtr(const Array& x) {
  const Array a = detail::as_floating(x, "log_ndtr");
  const double left = a.dtype() == Dtype::float32 ? -10 : -20, right = 5;
  const Array tail = where(a < left, a, left), upper = where(a > right, a, right);
  const Array inner = where((a < left) | (a > right), 0.0, a);
  const Array r = -1.0 / square(tail);
  Array series = zeros_like(tail);
  for (int k = 17; k > 0; k -= 2) series = r * static_cast<double>(k) * (1 + series);
  const Array far_left = -0.5 * square(tail) - log(-tail) - 0.5 * std::log(2 * std::acos(-1.0)) + log1p(series);
  return where(a < left, far_left, where(a > right, log1p(-ndtr(-upper)), log(ndtr(inner))));
}

Array beta(const Array& a, const Array& b) { return exp(betaln(a, b)); }

}  // namespace special

// ---- Conditions -----------------------------------------------------------------------------------------------------

Array where(const Array& c, const Array& a, const Array& b) {
  Array x = a, y = b;
  Array condition = as_condition(c, "where");
  detail::promote_operands(x, y, "where");
  if (condition.aval().shape != x.aval().shape) {
    const Shape shape = broadcast_shapes(condition.shape(), x.shape(), "where");
    condition = detail::as_shape(condition, shape, "where");
    x = detail::as_shape(x, shape, "where");
    y = detail::as_shape(y, shape, "where");
  }
  return emit_one(select_op(), {condition, x, y});
}
Array logical_and(const Array& a, const Array& b) { return emit_logical(logical_and_op(), a, b, "logical_and"); }
Array logical_or(const Array& a, const Array& b) { return emit_logical(logical_or_op(), a, b, "logical_or"); }
Array logical_xor(const Array& a, const Array& b) { return emit_logical(logical_xor_op(), a, b, "logical_xor"); }
Array logical_not(const Array& a) { return emit_one(logical_not_op(), {as_condition(a, "logical_not")}); }
Array isfinite(const Array& x) { return emit_numeric(isfinite_op(), x, "isfinite"); }
Array isnan(const Array& x) { return emit_numeric(isnan_op(), x, "isnan"); }
Array isinf(const Array& x) {
  detail::check_defined(x, "isinf");
  return abs(detail::as_floating(x, "isinf")) == std::numeric_limits<double>::infinity();
}
Array isclose(const Array& a, const Array& b, double rtol, double atol, bool equal_nan) {
  Array x = a, y = b;
  detail::promote_operands(x, y, "isclose", true);
  x = stop_gradient(x);
  y = stop_gradient(y);
  const Array near = (isfinite(y) & (abs(x - y) <= atol + rtol * abs(y))) | (x == y);
  return equal_nan ? near | (isnan(x) & isnan(y)) : near;
}
Array nan_to_num(const Array& x, const Array& nan) {
  detail::check_defined(x, "nan_to_num");
  if (!is_floating(x.dtype())) return x;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double largest =
      x.dtype() == Dtype::float32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
  const Array finite = where(x == infinity, largest, where(x == -infinity, -largest, x));
  return where(isnan(x), nan, finite);
}

Array stop_gradient(const Array& x) { return emit_numeric(stop_gradient_op(), x, "stop_gradient"); }

}  // namespace dini
