// Arithmetic, comparisons and logic of two operands.
#include <cmath>
#include <cstdint>
#include <limits>

#include "dini/ops/elementwise_build.hpp"

namespace dini {

namespace {

// Integers wrap around, as NumPy's do; on bool + is "or", * is "and".
template <class T> using Unsigned = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
struct IntAdd {
  template <class T> T operator()(T a, T b) const {
    return static_cast<T>(static_cast<Unsigned<T>>(a) + static_cast<Unsigned<T>>(b));
  }
  bool operator()(bool a, bool b) const { return a || b; }
};
struct IntSub {
  template <class T> T operator()(T a, T b) const {
    return static_cast<T>(static_cast<Unsigned<T>>(a) - static_cast<Unsigned<T>>(b));
  }
  bool operator()(bool a, bool b) const { return a != b; }
};
struct IntMul {
  template <class T> T operator()(T a, T b) const {
    return static_cast<T>(static_cast<Unsigned<T>>(a) * static_cast<Unsigned<T>>(b));
  }
  bool operator()(bool a, bool b) const { return a && b; }
};
struct IntPow {  // by squaring; a negative exponent truncates 1/aⁿ
  template <class T> T operator()(T a, T n) const {
    if (n < 0) return a == 1 ? T(1) : a == -1 ? (n % 2 ? T(-1) : T(1)) : T(0);
    auto base = static_cast<std::uint64_t>(a), y = std::uint64_t{1};
    for (auto k = static_cast<std::uint64_t>(n); k; k >>= 1, base *= base) {
      if (k & 1) y *= base;
    }
    return static_cast<T>(y);
  }
  bool operator()(bool a, bool n) const { return a || !n; }
};
struct ElementMod {
  template <class T> T operator()(T a, T b) const {
    if (b == 0 || b == T(-1)) return 0;  // the lowest number % -1 would trap
    const T r = static_cast<T>(a % b);
    return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
  }
  bool operator()(bool, bool) const { return false; }
};
struct ElementFloorDivide {
  template <class T> T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      // a - mod(a, b) is a multiple of b, up to rounding, where floor(a/b) may be one too many (NumPy's divmod).
      if (b == 0) return a / b;
      T r = std::fmod(a, b), q = (a - r) / b;
      if (r != 0 && (r < 0) != (b < 0)) q -= 1;
      if (q == 0) return std::copysign(T(0), a / b);
      const T whole = std::floor(q);
      return q - whole > T(0.5) ? whole + 1 : whole;
    } else if constexpr (std::is_same_v<T, bool>) {
      return a && b;
    } else {
      if (b == 0) return 0;
      if (b == T(-1)) return IntSub{}(T(0), a);
      const T q = static_cast<T>(a / b);
      return a % b != 0 && (a < 0) != (b < 0) ? static_cast<T>(q - 1) : q;
    }
  }
};
struct ElementAnd {
  template <class T> T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>)
      return a != 0 && b != 0;
    else
      return static_cast<T>(a & b);
  }
};
struct ElementOr {
  template <class T> T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>)
      return a != 0 || b != 0;
    else
      return static_cast<T>(a | b);
  }
};
struct ElementXor {
  template <class T> T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>)
      return (a != 0) != (b != 0);
    else
      return static_cast<T>(a ^ b);
  }
};

// Operands with which nothing is rounded.
using Known = std::span<const std::optional<double>>;
bool is_zero(double x) { return x == 0; }
bool is_power_of_two(double x) {
  int exponent;
  return x == 0 || std::fabs(std::frexp(x, &exponent)) == 0.5;
}
template <bool (*ask)(double)> bool either_is(const Params&, std::span<const Aval>, Known known) {
  return (known[0] && ask(*known[0])) || (known[1] && ask(*known[1]));
}
bool divisor_is_power_of_two(const Params&, std::span<const Aval>, Known known) {
  return known[1] && is_power_of_two(*known[1]);
}

// The share of the slope that goes to a: 1 where it is chosen, ½ at a tie.
Array slope_share(const Array& chosen, const Array& tie, const Array& like) {
  return where(tie, detail::literal(0.5, like), detail::pick(chosen, 1, 0, like));
}

}  // namespace

using detail::binary;
using detail::compare_kernel;
using detail::loop_kernel;
using detail::vector_kernel;

const Op& add_op() {
  static const Op op = binary({
      .op = add_op,
      .name = "add",
      .kernel = vector_kernel<DINI_VECTOR(add)>(IntAdd{}),
      .jvp_a = [](const Array&, const Array&, const Array&, const Array& da) { return da; },
      .jvp_b = [](const Array&, const Array&, const Array&, const Array& db) { return db; },
      .transpose_a = [](const Array&, const Array& dy) { return dy; },
      .transpose_b = [](const Array&, const Array& dy) { return dy; },
      .samples = {{-2.5, 0.3}, {0.3, 7}, {1, -1}},
      .reference = [](const long double* x) { return x[0] + x[1]; },
      .takes = Operands::integers,
      .exact_when = either_is<is_zero>,
  });
  return op;
}

const Op& sub_op() {
  static const Op op = binary({
      .op = sub_op,
      .name = "sub",
      .kernel = vector_kernel<DINI_VECTOR(sub)>(IntSub{}),
      .jvp_a = [](const Array&, const Array&, const Array&, const Array& da) { return da; },
      .jvp_b = [](const Array&, const Array&, const Array&, const Array& db) { return -db; },
      .transpose_a = [](const Array&, const Array& dy) { return dy; },
      .transpose_b = [](const Array&, const Array& dy) { return -dy; },
      .samples = {{-2.5, 0.3}, {0.3, 7}, {1, 1}},
      .reference = [](const long double* x) { return x[0] - x[1]; },
      .takes = Operands::integers,
      .exact_when = either_is<is_zero>,
  });
  return op;
}

const Op& mul_op() {
  static const Op op = binary({
      .op = mul_op,
      .name = "mul",
      .kernel = vector_kernel<DINI_VECTOR(mul)>(IntMul{}),
      .jvp_a = [](const Array&, const Array& b, const Array&, const Array& da) { return da * b; },
      .jvp_b = [](const Array& a, const Array&, const Array&, const Array& db) { return db * a; },
      .transpose_a = [](const Array& b, const Array& dy) { return dy * b; },
      .transpose_b = [](const Array& a, const Array& dy) { return dy * a; },
      .samples = {{-2.5, 0.3}, {0.3, 7}, {0, -1}},
      .reference = [](const long double* x) { return x[0] * x[1]; },
      .takes = Operands::integers,
      .exact_when = either_is<is_power_of_two>,
  });
  return op;
}

const Op& div_op() {
  static const Op op = binary({
      .op = div_op,
      .name = "div",
      .kernel = vector_kernel<DINI_VECTOR(div)>(),
      .jvp_a = [](const Array&, const Array& b, const Array&, const Array& da) { return da / b; },
      .jvp_b = [](const Array&, const Array& b, const Array& y, const Array& db) { return db * -(y / b); },
      .transpose_a = [](const Array& b, const Array& dy) { return dy / b; },
      .samples = {{-2.5, 0.3}, {0.3, 7}, {0, -1.5}},
      .reference = [](const long double* x) { return x[0] / x[1]; },
      .exact_when = divisor_is_power_of_two,
  });
  return op;
}

const Op& maximum_op() {
  static const Op op = binary({
      .op = maximum_op,
      .name = "maximum",
      .kernel = vector_kernel<DINI_VECTOR(maximum)>([](auto a, auto b) { return a < b ? b : a; }),
      .jvp_a = [](const Array& a, const Array& b, const Array&,
                  const Array& da) { return da * slope_share(a > b, a == b, a); },
      .jvp_b = [](const Array& a, const Array& b, const Array&,
                  const Array& db) { return db * slope_share(b > a, a == b, a); },
      .samples = {{-2.5, 0.3}, {7, 0.3}, {0, -1.5}},
      .reference = [](const long double* x) { return std::fmax(x[0], x[1]); },
      .takes = Operands::integers,
      .rounding = Rounding::exact,
  });
  return op;
}

const Op& minimum_op() {
  static const Op op = binary({
      .op = minimum_op,
      .name = "minimum",
      .kernel = vector_kernel<DINI_VECTOR(minimum)>([](auto a, auto b) { return b < a ? b : a; }),
      .jvp_a = [](const Array& a, const Array& b, const Array&,
                  const Array& da) { return da * slope_share(a < b, a == b, a); },
      .jvp_b = [](const Array& a, const Array& b, const Array&,
                  const Array& db) { return db * slope_share(b < a, a == b, a); },
      .samples = {{-2.5, 0.3}, {7, 0.3}, {0, -1.5}},
      .reference = [](const long double* x) { return std::fmin(x[0], x[1]); },
      .takes = Operands::integers,
      .rounding = Rounding::exact,
  });
  return op;
}

// b·aᵇ⁻¹ with 0·0⁻¹ = 0; log(a)·aᵇ with log(0)·0ᵇ = 0, by halves of the power since it may be finite where aᵇ is not.
const Op& pow_op() {
  static const Op op = binary({
      .op = pow_op,
      .name = "pow",
      .kernel = vector_kernel<DINI_VECTOR(pow)>(IntPow{}),
      .jvp_a =
          [](const Array& a, const Array& b, const Array&, const Array& da) {
            // Only where a is 0, too: elsewhere this has a slope in b.
            const Array none = logical_and(a == 0, b == 0);
            return da * (b * pow(a, where(none, 1.0, b - 1)));
          },
      .jvp_b =
          [](const Array& a, const Array& b, const Array&, const Array& db) {
            const Array base = where(a == 0, 1.0, a), half = pow(base, 0.5 * b);
            return db * (log(base) * half * half);
          },
      .samples = {{2.5, 0.3}, {7, -1.5}, {0.3, 2}, {1.5, 3}, {2.5, 0}},
      .reference = [](const long double* x) { return std::pow(x[0], x[1]); },
  });
  return op;
}

const Op& atan2_op() {
  static const Op op = binary({
      .op = atan2_op,
      .name = "atan2",
      .kernel = vector_kernel<DINI_VECTOR(atan2)>(),
      .jvp_a =
          [](const Array& a, const Array& b, const Array&, const Array& da) {
            const Array r = hypot(a, b);
            return da * (b / r / r);
          },
      .jvp_b =
          [](const Array& a, const Array& b, const Array&, const Array& db) {
            const Array r = hypot(a, b);
            return db * -(a / r / r);
          },
      .samples = {{2.5, 0.3}, {7, -1.5}, {-0.3, 2}, {-1.5, -3}},
      .reference = [](const long double* x) { return std::atan2(x[0], x[1]); },
  });
  return op;
}

const Op& hypot_op() {
  static const Op op = binary({
      .op = hypot_op,
      .name = "hypot",
      .kernel = vector_kernel<DINI_VECTOR(hypot)>(),
      .jvp_a = [](const Array& a, const Array&, const Array& y, const Array& da) { return da * (a / y); },
      .jvp_b = [](const Array&, const Array& b, const Array& y, const Array& db) { return db * (b / y); },
      .samples = {{2.5, 0.3}, {7, -1.5}, {-0.3, 2}},
      .reference = [](const long double* x) { return std::hypot(x[0], x[1]); },
  });
  return op;
}

const Op& mod_op() {
  static const Op op = binary({
      .op = mod_op,
      .name = "mod",
      .kernel = vector_kernel<DINI_VECTOR(mod)>(ElementMod{}),
      .jvp_a = [](const Array&, const Array&, const Array&, const Array& da) { return da; },
      .jvp_b = [](const Array& a, const Array& b, const Array&, const Array& db) { return db * -floor_divide(a, b); },
      .samples = {{2.5, 0.3}, {7, -1.5}, {-0.3, 2}},
      .reference =
          [](const long double* x) {
            const long double r = std::fmod(x[0], x[1]);
            return r != 0 && (r < 0) != (x[1] < 0) ? r + x[1] : r;
          },
      .takes = Operands::integers,
  });
  return op;
}

const Op& floor_divide_op() {
  static const Op op = binary({
      .op = floor_divide_op,
      .name = "floor_divide",
      .kernel = loop_kernel<2>(ElementFloorDivide{}),
      .samples = {{2.5, 0.75}, {7, -1.5625}, {-0.3, 2}},
      .reference = [](const long double* x) { return std::floor(x[0] / x[1]); },
      .takes = Operands::integers,
      .rounding = Rounding::exact,
  });
  return op;
}

// ---- Comparisons and logic ------------------------------------------------------------------------------------------

const Op& lt_op() {
  static const Op op = binary({
      .op = lt_op,
      .name = "lt",
      .kernel = compare_kernel<DINI_VECTOR(lt)>([](auto a, auto b) { return a < b; }),
      .samples = {{2.5, 0.3}, {1, 1}, {-0.3, 2}},
      .reference = [](const long double* x) { return static_cast<long double>(x[0] < x[1]); },
      .to_bool = true,
      .takes = Operands::integers,
      .rounding = Rounding::exact,
  });
  return op;
}

const Op& le_op() {
  static const Op op = binary({
      .op = le_op,
      .name = "le",
      .kernel = compare_kernel<DINI_VECTOR(le)>([](auto a, auto b) { return a <= b; }),
      .samples = {{2.5, 0.3}, {1, 1}, {-0.3, 2}},
      .reference = [](const long double* x) { return static_cast<long double>(x[0] <= x[1]); },
      .to_bool = true,
      .takes = Operands::integers,
      .rounding = Rounding::exact,
  });
  return op;
}

const Op& eq_op() {
  static const Op op = binary({
      .op = eq_op,
      .name = "eq",
      .kernel = compare_kernel<DINI_VECTOR(eq)>([](auto a, auto b) { return a == b; }),
      .samples = {{2.5, 0.3}, {1, 1}, {-0.3, 2}},
      .reference = [](const long double* x) { return static_cast<long double>(x[0] == x[1]); },
      .to_bool = true,
      .takes = Operands::any,
      .rounding = Rounding::exact,
  });
  return op;
}

const Op& ne_op() {
  static const Op op = binary({
      .op = ne_op,
      .name = "ne",
      .kernel = compare_kernel<DINI_VECTOR(ne)>([](auto a, auto b) { return a != b; }),
      .samples = {{2.5, 0.3}, {1, 1}, {-0.3, 2}},
      .reference = [](const long double* x) { return static_cast<long double>(x[0] != x[1]); },
      .to_bool = true,
      .takes = Operands::any,
      .rounding = Rounding::exact,
  });
  return op;
}

const Op& logical_and_op() {
  static const Op op = binary({
      .op = logical_and_op,
      .name = "logical_and",
      .kernel = loop_kernel<2>(ElementAnd{}),
      .samples = {{2.5, 0.3}, {1, 0}, {0, 0}},
      .reference = [](const long double* x) { return static_cast<long double>(x[0] != 0 && x[1] != 0); },
      .takes = Operands::booleans,
      .rounding = Rounding::exact,
  });
  return op;
}

const Op& logical_or_op() {
  static const Op op = binary({
      .op = logical_or_op,
      .name = "logical_or",
      .kernel = loop_kernel<2>(ElementOr{}),
      .samples = {{2.5, 0.3}, {1, 0}, {0, 0}},
      .reference = [](const long double* x) { return static_cast<long double>(x[0] != 0 || x[1] != 0); },
      .takes = Operands::booleans,
      .rounding = Rounding::exact,
  });
  return op;
}

const Op& logical_xor_op() {
  static const Op op = binary({
      .op = logical_xor_op,
      .name = "logical_xor",
      .kernel = loop_kernel<2>(ElementXor{}),
      .samples = {{2.5, 0.3}, {1, 0}, {0, 0}},
      .reference = [](const long double* x) { return static_cast<long double>((x[0] != 0) != (x[1] != 0)); },
      .takes = Operands::booleans,
      .rounding = Rounding::exact,
  });
  return op;
}

}  // namespace dini
