// Numbers for the registry's checks: arrays from and to plain vectors, pseudo-random directions, differences.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <type_traits>
#include <vector>

#include "dini/core/array.hpp"

namespace dini::registry {

using Numbers = std::vector<long double>;

inline Numbers numbers(const Array& a) { return a.to_vector<long double>(); }

/// Of an integer type what does not fit, NaN among it, is its least number, as processors have it.
template <class T> T number_as(long double v) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    constexpr auto beyond = -static_cast<long double>(std::numeric_limits<T>::min());
    if (!(v >= -beyond && v < beyond)) return std::numeric_limits<T>::min();
  }
  return static_cast<T>(v);
}

inline Array from_numbers(const Numbers& values, const Shape& shape, Dtype dtype) {
  void* memory;
  Array out = allocate({shape, dtype, false}, &memory);
  visit_dtype(dtype, [&]<class T>() {
    for (std::size_t k = 0; k < values.size(); ++k) static_cast<T*>(memory)[k] = number_as<T>(values[k]);
  });
  return out;
}

inline Array cast(const Array& a, Dtype dtype) { return from_numbers(numbers(a), a.shape(), dtype); }

inline std::size_t bytes(const Array& a) { return static_cast<std::size_t>(a.size()) * item_size(a.dtype()); }

/// Arrays of one shape and dtype, one after the other.
inline Array stacked(const std::vector<Array>& lanes) {
  void* memory;
  Array out =
      allocate({prepend(static_cast<std::int64_t>(lanes.size()), lanes[0].shape()), lanes[0].dtype(), false}, &memory);
  for (std::size_t k = 0; k < lanes.size(); ++k) {
    if (bytes(lanes[k])) std::memcpy(static_cast<char*>(memory) + k * bytes(lanes[k]), lanes[k].raw(), bytes(lanes[k]));
  }
  return out;
}

/// Neither 0 nor equal nor small: ±[0.4, 1.6], the same for the same seed.
class Directions {
 public:
  explicit Directions(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 0x1234567) {}
  double next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    const double u = static_cast<double>(state_ >> 11) * 0x1p-53;
    return (u < 0.5 ? -1 : 1) * (0.4 + 1.2 * (u < 0.5 ? 2 * u : 2 * u - 1));
  }
  Array like(const Array& a) {
    Numbers v(static_cast<std::size_t>(a.size()));
    for (long double& x : v) x = next();
    return from_numbers(v, a.shape(), a.dtype());
  }

 private:
  std::uint64_t state_;
};

/// dg/dt at 0 for each element of g, and how far off it may be: infinite where there is no derivative to be found (a kink,
/// a jump, a pole, no number).
struct Slopes {
  Numbers value, error;
};
inline Slopes differentiate(const std::function<Numbers(long double)>& g, long double epsilon) {
  constexpr int levels = 5;
  constexpr long double infinity = std::numeric_limits<long double>::infinity();
  const Numbers at = g(0);
  const std::size_t n = at.size();
  Slopes best{Numbers(n, 0), Numbers(n, infinity)};
  for (long double base : {0x1p-3L, 0x1p-6L, 0x1p-9L, 0x1p-13L}) {
    std::vector<Numbers> up, down;
    for (int j = 0; j < levels; ++j) {
      const long double h = std::ldexp(base, -j);
      up.push_back(g(h));
      down.push_back(g(-h));
    }
    for (std::size_t i = 0; i < n; ++i) {
      long double size = std::fabs(at[i]);
      bool finite = std::isfinite(at[i]);
      for (int j = 0; j < levels; ++j) {
        finite = finite && std::isfinite(up[j][i]) && std::isfinite(down[j][i]);
        size = std::max({size, std::fabs(up[j][i]), std::fabs(down[j][i])});
      }
      if (!finite) continue;
      const long double smallest = std::ldexp(base, 1 - levels);
      const long double noise = 4 * epsilon * size / smallest;
      // The second difference over h goes to 0 with h, unless there is a kink.
      auto bend = [&](int j) { return (up[j][i] - 2 * at[i] + down[j][i]) / std::ldexp(base, -j); };
      long double row[levels];
      long double estimate = 0, error = infinity;
      for (int j = 0; j < levels; ++j) {
        long double before[levels];
        std::copy(row, row + j, before);
        row[0] = (up[j][i] - down[j][i]) / (2 * std::ldexp(base, -j));
        for (int k = 1; k <= j; ++k) {
          const long double factor = std::ldexp(1.0L, 2 * k);
          row[k] = (factor * row[k - 1] - before[k - 1]) / (factor - 1);
          const long double off = std::max(std::fabs(row[k] - row[k - 1]), std::fabs(row[k] - before[k - 1]));
          if (k >= 2 && off < error) {
            error = off;
            estimate = row[k];
          }
        }
      }
      if (std::fabs(bend(levels - 1)) > 0.3L * std::fabs(bend(0)) + 8 * noise + 1e-9L * std::fabs(estimate)) continue;
      error += noise;
      if (error < best.error[i]) {
        best.error[i] = error;
        best.value[i] = estimate;
      }
    }
  }
  return best;
}

}  // namespace dini::registry
