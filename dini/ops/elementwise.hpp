// Functions of numbers, applied to arrays element by element. Names and meanings are NumPy's (scipy.special's for the
// special functions). Operands broadcast; dtypes are combined as ops/promote.hpp says; ShapeError and DtypeError name
// the function. Unless said otherwise bool and integers become float64 where a function gives no integers.
//
// The operators of Array (+ - * / % < <= > >= == != & | ^ ~) are functions like these. `/` of integers gives floating
// numbers; & | ^ ~ are bitwise on integers, logical on bool; they want no floating numbers.
//
// Slopes where a derivative does not exist: |x| has +1 at 0; sqrt +inf; maximum and minimum give ½ to each at a tie,
// clip ½ at a bound; relu 0 at 0; sign, floor, ceil, round, trunc, comparisons 0. where(c, a, b) differentiates both
// sides, so in reverse mode an infinite slope on the side not taken gives NaN: guard inside,
// where(x > 0, sqrt(where(x > 0, x, 1)), 0).
#pragma once

#include <cmath>
#include <cstdlib>

#include "dini/core/array.hpp"
#include "dini/ops/promote.hpp"

namespace dini {

// Where C++ has a function of the name for numbers it is this one: sin(1.0) is a double, also inside this namespace.
using std::abs;
using std::acos;
using std::acosh;
using std::asin;
using std::asinh;
using std::atan;
using std::atan2;
using std::atanh;
using std::cbrt;
using std::ceil;
using std::copysign;
using std::cos;
using std::cosh;
using std::erf;
using std::erfc;
using std::exp;
using std::exp2;
using std::expm1;
using std::floor;
using std::hypot;
using std::isfinite;
using std::isinf;
using std::isnan;
using std::log;
using std::log10;
using std::log1p;
using std::log2;
using std::pow;
using std::remainder;
using std::round;
using std::sin;
using std::sinh;
using std::sqrt;
using std::tan;
using std::tanh;
using std::trunc;

// ---- Arithmetic -----------------------------------------------------------------------------------------------------

/// The operators by NumPy's names.
inline Array add(const Array& a, const Array& b) { return a + b; }
inline Array subtract(const Array& a, const Array& b) { return a - b; }
inline Array multiply(const Array& a, const Array& b) { return a * b; }
inline Array divide(const Array& a, const Array& b) { return a / b; }
inline Array remainder(const Array& a, const Array& b) { return a % b; }
inline Array negative(const Array& a) { return -a; }
inline Array equal(const Array& a, const Array& b) { return a == b; }
inline Array not_equal(const Array& a, const Array& b) { return a != b; }
inline Array less(const Array& a, const Array& b) { return a < b; }
inline Array less_equal(const Array& a, const Array& b) { return a <= b; }
inline Array greater(const Array& a, const Array& b) { return a > b; }
inline Array greater_equal(const Array& a, const Array& b) { return a >= b; }
inline Array& operator%=(Array& a, const Array& b) { return a = a % b; }

/// |x|; keeps integers.
Array abs(const Array& x);
/// -1, 0 or 1, NaN of NaN; keeps integers.
Array sign(const Array& x);
/// x²; keeps integers.
Array square(const Array& x);
/// 1/x.
Array reciprocal(const Array& x);
/// √x, ∛x, 1/√x.
Array sqrt(const Array& x);
Array cbrt(const Array& x);
Array rsqrt(const Array& x);
/// aᵇ. A literal whole b is a chain of multiplications: exact where they are, for negative a too, with the right slope
/// at 0. 0⁰ is 1 with slope 0 in both. Integers stay integers (DtypeError for negative literal exponents).
Array power(const Array& a, const Array& b);
Array pow(const Array& a, const Array& b);
/// a - floor(a/b)·b, of the sign of b, as Python's %; keeps integers (0 where b is 0).
Array mod(const Array& a, const Array& b);
/// (a - mod(a, b))/b, the floor of the exact a/b; keeps integers (0 where b is 0). Of infinite a NaN; by
/// infinite b 0 or -1.
Array floor_divide(const Array& a, const Array& b);
/// √(a² + b²) without overflow.
Array hypot(const Array& a, const Array& b);
/// The larger, the smaller; NaN if either is. Keep integers.
Array maximum(const Array& a, const Array& b);
Array minimum(const Array& a, const Array& b);
/// min(max(x, low), high); undefined bounds are no bounds.
Array clip(const Array& x, const Array& low, const Array& high = {});
/// |a| with the sign of b, also that of -0 (of NaN: +).
Array copysign(const Array& a, const Array& b);
/// 0, h or 1 where x is negative, 0 or positive.
Array heaviside(const Array& x, const Array& h);
/// Rounding; keeps integers. `round` takes halves to even.
Array floor(const Array& x);
Array ceil(const Array& x);
Array round(const Array& x);
Array trunc(const Array& x);

// ---- Exponentials and logarithms ------------------------------------------------------------------------------------

/// eˣ, 2ˣ, eˣ - 1.
Array exp(const Array& x);
Array exp2(const Array& x);
Array expm1(const Array& x);
/// log x, log(1 + x), log₂ x, log₁₀ x: -inf at the end of their domain, NaN beyond.
Array log(const Array& x);
Array log1p(const Array& x);
Array log2(const Array& x);
Array log10(const Array& x);
/// log(eᵃ + eᵇ) without overflow.
Array logaddexp(const Array& a, const Array& b);
/// log(p / (1 - p)).
Array logit(const Array& p);
/// x·log(y), 0 where x is 0 (and x·log1p(y)).
Array xlogy(const Array& x, const Array& y);
Array xlog1py(const Array& x, const Array& y);

// ---- Trigonometric and hyperbolic functions, by NumPy's long and the short names ------------------------------------

/// Of angles in radians.
Array sin(const Array& x);
Array cos(const Array& x);
Array tan(const Array& x);
/// Angles in radians: arcsin and arctan in [-π/2, π/2], arccos in [0, π]; NaN outside of [-1, 1]. arctan2(y, x) is that of
/// the point (x, y), in [-π, π].
Array arcsin(const Array& x);
Array arccos(const Array& x);
Array arctan(const Array& x);
Array arctan2(const Array& y, const Array& x);
/// (eˣ - e⁻ˣ)/2, (eˣ + e⁻ˣ)/2, their quotient, and the inverses of the three.
Array sinh(const Array& x);
Array cosh(const Array& x);
Array tanh(const Array& x);
Array arcsinh(const Array& x);
Array arccosh(const Array& x);
Array arctanh(const Array& x);
/// The same.
Array asin(const Array& x);
Array acos(const Array& x);
Array atan(const Array& x);
Array atan2(const Array& y, const Array& x);
Array asinh(const Array& x);
Array acosh(const Array& x);
Array atanh(const Array& x);

// ---- Special functions ----------------------------------------------------------------------------------------------

/// 1/(1 + e⁻ˣ), log(1 + eˣ), max(x, 0).
Array sigmoid(const Array& x);
Array softplus(const Array& x);
Array relu(const Array& x);
/// 2/√π ∫₀ˣ e^-t² dt, 1 - erf(x) without cancellation, and erf's inverse on [-1, 1].
Array erf(const Array& x);
Array erfc(const Array& x);
Array erfinv(const Array& x);
/// log|Γ(x)|, and its derivatives ψ and ψ⁽ⁿ⁾ (n a whole number ≥ 0).
Array gammaln(const Array& x);
Array digamma(const Array& x);
Array polygamma(const Array& n, const Array& x);
/// log |B(a, b)|, also where a and b are large, or unlike.
Array betaln(const Array& a, const Array& b);
/// Modified Bessel functions e^-|x| I₀(x) and e^-|x| I₁(x).
Array i0e(const Array& x);
Array i1e(const Array& x);

/// The special functions again, under the name of the module where SciPy and JAX have them, and those that are there alone.
namespace special {
inline Array expit(const Array& x) { return sigmoid(x); }
/// Modified Bessel functions I₀ and I₁.
Array i0(const Array& x);
Array i1(const Array& x);
/// -x log x, 0 at 0, -inf below.
Array entr(const Array& x);
/// The normal distribution function ½ erfc(-x/√2), and its logarithm, which does not underflow.
Array ndtr(const Array& x);
Array log_ndtr(const Array& x);
/// B(a, b) = Γ(a)Γ(b)/Γ(a + b) for positive a and b.
Array beta(const Array& a, const Array& b);
using dini::betaln;
using dini::digamma;
using dini::erf;
using dini::erfc;
using dini::erfinv;
using dini::gammaln;
using dini::i0e;
using dini::i1e;
using dini::logit;
using dini::polygamma;
using dini::xlog1py;
using dini::xlogy;
}  // namespace special

// ---- Conditions -----------------------------------------------------------------------------------------------------

/// a where c is true (or not zero), else b.
Array where(const Array& c, const Array& a, const Array& b);
/// Of what is not zero; bool.
Array logical_and(const Array& a, const Array& b);
Array logical_or(const Array& a, const Array& b);
Array logical_xor(const Array& a, const Array& b);
Array logical_not(const Array& a);
/// Bool; integers are finite.
Array isfinite(const Array& x);
Array isnan(const Array& x);
Array isinf(const Array& x);
/// Whether |a - b| <= atol + rtol·|b|, infinities being close to themselves, NaN to nothing, or with equal_nan to NaN.
Array isclose(const Array& a, const Array& b, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false);
/// NaN becomes `nan`, infinities the largest finite numbers.
Array nan_to_num(const Array& x, const Array& nan = 0.0);

/// x, which is a constant to every derivative.
Array stop_gradient(const Array& x);

}  // namespace dini
