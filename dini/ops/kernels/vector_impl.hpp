// The table of kernels of one instruction set; see vector_isa.hpp for who includes it.
#pragma once

#include "vector.hpp"
#include "vector_impl_dense.hpp"
#include "vector_impl_log.hpp"
#include "vector_impl_power.hpp"
#include "vector_impl_reduce.hpp"
#include "vector_impl_simple.hpp"
#include "vector_impl_special.hpp"
#include "vector_impl_trig.hpp"
#include "vector_tables.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

// A function of registers as a type that the loops can take.
#define DINI_FUNCTION(name, expression)                              \
  template <class T> struct name##_function {                        \
    DINI_INLINE static Vec<T> apply(Vec<T> x) { return expression; } \
  };
#define DINI_FUNCTION2(name, expression)                                       \
  template <class T> struct name##_function {                                  \
    DINI_INLINE static Vec<T> apply(Vec<T> a, Vec<T> b) { return expression; } \
  };
DINI_FUNCTION(neg, -x)
DINI_FUNCTION(abs, abs(x))
DINI_FUNCTION(sign, sign(x))
DINI_FUNCTION(square, x* x)
DINI_FUNCTION(sqrt, sqrt(x))
DINI_FUNCTION(rsqrt, T(1) / sqrt(x))
DINI_FUNCTION(reciprocal, T(1) / x)
DINI_FUNCTION(floor, floor(x))
DINI_FUNCTION(ceil, ceil(x))
DINI_FUNCTION(round, round_even(x))
DINI_FUNCTION(trunc, trunc(x))
DINI_FUNCTION(relu, relu(x))
DINI_FUNCTION2(add, a + b)
DINI_FUNCTION2(sub, a - b)
DINI_FUNCTION2(mul, a* b)
DINI_FUNCTION2(div, a / b)
DINI_FUNCTION2(maximum, maximum(a, b))
DINI_FUNCTION2(minimum, minimum(a, b))

#define DINI_SAME_NAME(name) DINI_FUNCTION(name, name(x))
DINI_SAME_NAME(exp)
DINI_SAME_NAME(exp2)
DINI_SAME_NAME(expm1)
DINI_SAME_NAME(log)
DINI_SAME_NAME(log1p)
DINI_SAME_NAME(log2)
DINI_SAME_NAME(log10)
DINI_SAME_NAME(cbrt)
DINI_SAME_NAME(sin)
DINI_SAME_NAME(cos)
DINI_SAME_NAME(tan)
DINI_SAME_NAME(asin)
DINI_SAME_NAME(acos)
DINI_SAME_NAME(atan)
DINI_SAME_NAME(sinh)
DINI_SAME_NAME(cosh)
DINI_SAME_NAME(tanh)
DINI_SAME_NAME(sech_squared)
DINI_SAME_NAME(asinh)
DINI_SAME_NAME(acosh)
DINI_SAME_NAME(atanh)
DINI_SAME_NAME(sigmoid)
DINI_SAME_NAME(softplus)
DINI_SAME_NAME(erf)
DINI_SAME_NAME(erfc)
DINI_SAME_NAME(erfinv)
DINI_SAME_NAME(i0e)
DINI_SAME_NAME(i1e)
DINI_FUNCTION2(pow, pow(a, b))
DINI_FUNCTION2(atan2, atan2(a, b))
DINI_FUNCTION2(hypot, hypot(a, b))
DINI_FUNCTION2(mod, mod(a, b))
#undef DINI_SAME_NAME
#undef DINI_FUNCTION
#undef DINI_FUNCTION2

#define DINI_SHORT(name) .name = map<T, name##_function<T>>
#define DINI_SHORT2(name) .name = map2<T, name##_function<T>>
#define DINI_LONG(name) .name = map_long<T, name##_function<T>>
#define DINI_LONG2(name) .name = map2_long<T, name##_function<T>>
#define DINI_WHOLE(loop, name) .name = loop<T, name##_function<T>, true>

template <class T>
constexpr VectorKernels<T> table = {
    DINI_SHORT(neg),
    DINI_SHORT(abs),
    DINI_SHORT(sign),
    DINI_SHORT(square),
    DINI_SHORT(sqrt),
    DINI_SHORT(rsqrt),
    DINI_SHORT(reciprocal),
    DINI_SHORT(floor),
    DINI_SHORT(ceil),
    DINI_SHORT(round),
    DINI_SHORT(trunc),
    DINI_LONG(exp),
    DINI_LONG(exp2),
    DINI_LONG(expm1),
    DINI_LONG(log),
    DINI_LONG(log1p),
    DINI_LONG(log2),
    DINI_LONG(log10),
    DINI_LONG(cbrt),
    DINI_LONG(sin),
    DINI_LONG(cos),
    DINI_LONG(tan),
    DINI_LONG(asin),
    DINI_LONG(acos),
    DINI_LONG(atan),
    DINI_LONG(sinh),
    DINI_LONG(cosh),
    DINI_LONG(tanh),
    DINI_LONG(sech_squared),
    DINI_LONG(asinh),
    DINI_LONG(acosh),
    DINI_LONG(atanh),
    DINI_LONG(sigmoid),
    DINI_LONG(softplus),
    DINI_SHORT(relu),
    DINI_LONG(erf),
    DINI_LONG(erfc),
    DINI_LONG(erfinv),
    .gammaln = map_scalar<T, scalar::gammaln>,
    .digamma = map_scalar<T, scalar::digamma>,
    DINI_LONG(i0e),
    DINI_LONG(i1e),
    DINI_SHORT2(add),
    DINI_SHORT2(sub),
    DINI_SHORT2(mul),
    DINI_SHORT2(div),
    DINI_SHORT2(maximum),
    DINI_SHORT2(minimum),
    DINI_LONG2(pow),
    DINI_LONG2(atan2),
    DINI_LONG2(hypot),
    DINI_LONG2(mod),
    .lt = compare_lt<T>,
    .le = compare_le<T>,
    .eq = compare_eq<T>,
    .ne = compare_ne<T>,
    .select = select_array<T>,
    .sum = sum<T>,
    .block_sum = block_sum<T>,
    .dot = dot<T>,
    .sum_squares = sum_squares<T>,
    .max = extreme<T, Larger>,
    .min = extreme<T, Smaller>,
    .gemv = gemv<T>,
    .gemv_t = gemv_t<T>,
    .axpy = axpy<T>,
    .fill = fill<T>,
    .outer = outer<T>,
    .whole = {DINI_WHOLE(map, neg), DINI_WHOLE(map, abs), DINI_WHOLE(map, square), DINI_WHOLE(map, sqrt),
              DINI_WHOLE(map_long, exp), DINI_WHOLE(map_long, log), DINI_WHOLE(map_long, sin),
              DINI_WHOLE(map_long, cos), DINI_WHOLE(map_long, tanh), DINI_WHOLE(map2, add), DINI_WHOLE(map2, sub),
              DINI_WHOLE(map2, mul), DINI_WHOLE(map2, div), DINI_WHOLE(map2, maximum), DINI_WHOLE(map2, minimum),
              .gemv = gemv_whole<T>, .gemv_t = gemv_t_whole<T>},
};

#undef DINI_SHORT
#undef DINI_SHORT2
#undef DINI_LONG
#undef DINI_LONG2
#undef DINI_WHOLE

}  // namespace

const VectorKernels<float>& float_table() { return table<float>; }
const VectorKernels<double>& double_table() { return table<double>; }

}  // namespace dini::kernels::DINI_VECTOR_ISA
