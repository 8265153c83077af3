// The element types of arrays, and NumPy's rules for combining them.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <type_traits>

namespace dini {

enum class Dtype : std::uint8_t { bool_, int32, int64, float32, float64 };

inline constexpr Dtype bool_ = Dtype::bool_;
inline constexpr Dtype int32 = Dtype::int32;
inline constexpr Dtype int64 = Dtype::int64;
inline constexpr Dtype float32 = Dtype::float32;
inline constexpr Dtype float64 = Dtype::float64;

constexpr bool is_floating(Dtype d) { return d >= Dtype::float32; }
constexpr bool is_integer(Dtype d) { return d == Dtype::int32 || d == Dtype::int64; }
constexpr std::size_t item_size(Dtype d) {
  constexpr std::size_t sizes[] = {1, 4, 8, 4, 8};
  return sizes[static_cast<int>(d)];
}

/// "float32", "bool", ...
const char* name(Dtype d);
std::ostream& operator<<(std::ostream& out, Dtype d);

/// The unit roundoff's double, NumPy's finfo(dtype).eps; 0 for dtypes that are not floating.
constexpr double epsilon(Dtype d) {
  return d == Dtype::float64 ? 2.220446049250313e-16 : d == Dtype::float32 ? 1.1920928955078125e-07 : 0;
}

/// The dtype of a C++ type: bool, 32- or 64-bit integers, float, double.
template <class T> constexpr Dtype dtype_of() {
  if constexpr (std::is_same_v<T, bool>) {
    return Dtype::bool_;
  } else if constexpr (std::is_floating_point_v<T>) {
    return sizeof(T) == 4 ? Dtype::float32 : Dtype::float64;
  } else {
    static_assert(std::is_integral_v<T>);
    return sizeof(T) == 8 || (sizeof(T) == 4 && !std::is_signed_v<T>) ? Dtype::int64 : Dtype::int32;
  }
}

/// NumPy's promotion, with one difference that is JAX's: an integer beside a floating dtype takes that dtype.
constexpr Dtype promote(Dtype a, Dtype b) {
  if (a == b) return a;
  return a > b ? a : b;  // the enumerators stand in the order of promotion
}

/// Calls `f.template operator()<T>()` with the C++ type of a dtype.
template <class F> decltype(auto) visit_dtype(Dtype d, F&& f) {
  switch (d) {
    case Dtype::bool_: return f.template operator()<bool>();
    case Dtype::int32: return f.template operator()<std::int32_t>();
    case Dtype::int64: return f.template operator()<std::int64_t>();
    case Dtype::float32: return f.template operator()<float>();
    default: return f.template operator()<double>();
  }
}

}  // namespace dini
