// Arrays from nothing, with NumPy's names. The dtype is float64 unless given.
#pragma once

#include <concepts>
#include <initializer_list>
#include <optional>
#include <type_traits>
#include <vector>

#include "dini/core/array.hpp"
#include "dini/core/choice.hpp"
#include "dini/ops/promote.hpp"

namespace dini {

/// Every element 0, 1. ShapeError where a length is negative or there are more elements than can be counted.
Array zeros(const detail::Lengths& shape, Dtype dtype = float64);
Array ones(const detail::Lengths& shape, Dtype dtype = float64);
/// Every element `value`, broadcast to `shape`; of its dtype, unless given.
Array full(const detail::Lengths& shape, const Array& value, std::optional<Dtype> dtype = {});

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
/// Ones on and below the k-th diagonal.
Array tri(std::int64_t rows, std::optional<std::int64_t> columns = {}, std::int64_t k = 0, Dtype dtype = float64);
/// A new axis (the last, unless given) of length `classes` with 1 at the place that x, integers, says, and 0 elsewhere; where
/// x is out of range all 0. As jax.nn.one_hot.
Array one_hot(const Array& x, std::int64_t classes, Dtype dtype = float64, int axis = -1);
/// Coordinates of the grid over vectors, by NumPy's indexing "xy" (or false) or "ij" (true).
std::vector<Array> meshgrid(const std::vector<Array>& vectors, const detail::Choice& indexing = "xy");
template <std::same_as<Array> A>
std::vector<Array> meshgrid(const A& u, const A& v, const detail::Choice& indexing = "xy") {
  return meshgrid(std::vector<Array>{u, v}, indexing);
}

// ---- array(...), beside that of numbers in core/array.hpp ------------------------------------------------------------

/// Arrays, and numbers among them, stacked along a new first axis: array({a(0), a(1)}), array({{a, b}, {c, d}}). ShapeError
/// where shapes differ.
Array array(std::initializer_list<Array> parts);
Array array(std::initializer_list<std::initializer_list<Array>> rows);
/// A matrix. ShapeError when ragged.
template <class T>
requires std::is_arithmetic_v<T> Array array(const std::vector<std::vector<T>>& rows) {
  std::vector<T> flat;
  const std::size_t n = rows.empty() ? 0 : rows[0].size();
  for (const auto& row : rows) {
    if (row.size() != n) detail::throw_ragged();
    flat.insert(flat.end(), row.begin(), row.end());
  }
  return detail::array_from(flat, Shape{static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(n)});
}
/// Numbers in another dtype than their own.
template <class T>
requires requires(const T& v) { array(v); }
Array array(const T& values, Dtype dtype) { return astype(array(values), dtype); }
template <class T>
requires std::is_arithmetic_v<T> Array array(std::initializer_list<T> values, Dtype dtype) {
  return astype(array(values), dtype);
}
template <class T>
requires std::is_arithmetic_v<T> Array array(std::initializer_list<std::initializer_list<T>> rows, Dtype dtype) {
  return astype(array(rows), dtype);
}

}  // namespace dini
