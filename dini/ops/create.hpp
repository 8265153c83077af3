// Arrays from nothing, with NumPy's names. The dtype is float64 unless given.
#pragma once

#include <concepts>
#include <optional>
#include <vector>

#include "dini/core/array.hpp"

namespace dini {

/// Every element 0, 1. ShapeError where a length is negative or there are more elements than can be counted.
Array zeros(const Shape& shape, Dtype dtype = float64);
Array ones(const Shape& shape, Dtype dtype = float64);
/// Every element `value`, broadcast to `shape`; of its dtype, unless given.
Array full(const Shape& shape, const Array& value, std::optional<Dtype> dtype = {});

/// Of a's shape, and its dtype unless given. They depend on nothing else of a.
Array zeros_like(const Array& a, std::optional<Dtype> dtype = {});
Array ones_like(const Array& a, std::optional<Dtype> dtype = {});
Array full_like(const Array& a, const Array& value, std::optional<Dtype> dtype = {});

namespace detail {
Array arange_integers(std::int64_t start, std::int64_t stop, std::int64_t step);
}
/// 0, 1, ..., stop - 1 as int64; start, start + step, ... below (above, for negative steps) stop. ValueError where step
/// is 0.
template <std::integral I> Array arange(I stop) {
  return detail::arange_integers(0, static_cast<std::int64_t>(stop), 1);
}
template <std::integral I, std::integral J, std::integral K = int> Array arange(I start, J stop, K step = 1) {
  return detail::arange_integers(static_cast<std::int64_t>(start), static_cast<std::int64_t>(stop),
                                 static_cast<std::int64_t>(step));
}
/// The same with numbers of a dtype: ceil((stop - start)/step) elements start + k·step.
Array arange(double stop, Dtype dtype = float64);
Array arange(double start, double stop, double step = 1, Dtype dtype = float64);
/// `count` numbers from start to stop, both included.
Array linspace(double start, double stop, std::int64_t count = 50, Dtype dtype = float64);
/// Ones on the k-th diagonal (above the main one for k > 0), zeros elsewhere; columns = rows unless given.
Array eye(std::int64_t rows, Dtype dtype);
Array eye(std::int64_t rows, std::int64_t columns = -1, std::int64_t k = 0, Dtype dtype = float64);
Array identity(std::int64_t n, Dtype dtype = float64);
/// Coordinates of the grid over vectors, as NumPy's with indexing = "xy" (the default) or "ij".
std::vector<Array> meshgrid(const std::vector<Array>& vectors, bool ij = false);

}  // namespace dini
