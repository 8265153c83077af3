// Reductions along axes, and running ones, with NumPy's names and meanings.
//
// Sums have one fixed order of additions, so that a result depends neither on the number of threads nor on what stands
// beside the elements. Over nothing: sum 0, prod 1, any false, all true, logsumexp -inf, mean NaN; max, min, argmax and
// argmin of nothing are a ShapeError. At ties max and min give every largest element an equal share of the slope.
#pragma once

#include <concepts>
#include <initializer_list>
#include <limits>
#include <type_traits>

#include "dini/core/array.hpp"

namespace dini {

/// Which axes to reduce: all of them (the default, also `{}`), one, or several. Negative ones count from the end.
class ReduceAxes {
 public:
  ReduceAxes() = default;
  template <std::integral I>
  requires(!std::same_as<I, bool>) ReduceAxes(I axis) : all_(false), axes_{static_cast<int>(axis)} {}
  ReduceAxes(std::initializer_list<int> axes) : all_(false), axes_(axes) {}
  ReduceAxes(const Axes& axes) : all_(false), axes_(axes) {}
  /// Sorted axes of an array of `ndim`; ShapeError, in the name of `function`, when out of range or repeated.
  Axes resolve(int ndim, const char* function) const;
  /// The same in the order given.
  Axes in_order(int ndim, const char* function) const;

 private:
  bool all_ = true;
  Axes axes_;
};

/// Σ and Π. Bool and int32 become int64. With keepdims the reduced axes stay, with length 1.
Array sum(const Array& a, const ReduceAxes& axes = {}, bool keepdims = false);
Array prod(const Array& a, const ReduceAxes& axes = {}, bool keepdims = false);
/// Integers become float64.
Array mean(const Array& a, const ReduceAxes& axes = {}, bool keepdims = false);
/// Σ|a - mean|²/(n - ddof), and its root (NumPy's std).
Array var(const Array& a, const ReduceAxes& axes = {}, bool keepdims = false, int ddof = 0);
Array stddev(const Array& a, const ReduceAxes& axes = {}, bool keepdims = false, int ddof = 0);
/// NaN if any element is. ShapeError over nothing.
Array max(const Array& a, const ReduceAxes& axes = {}, bool keepdims = false);
Array min(const Array& a, const ReduceAxes& axes = {}, bool keepdims = false);
/// Whether any, all elements are not zero: bool.
Array any(const Array& a, const ReduceAxes& axes = {}, bool keepdims = false);
Array all(const Array& a, const ReduceAxes& axes = {}, bool keepdims = false);
/// Index (int64) of the first largest, smallest element; the first NaN wins. Without an axis, in the flattened array.
Array argmax(const Array& a);
Array argmax(const Array& a, int axis, bool keepdims = false);
Array argmin(const Array& a);
Array argmin(const Array& a, int axis, bool keepdims = false);

/// √Σx² over all elements, right also where squares of them over- or underflow. Its slope at 0 is NaN.
Array norm(const Array& x);
/// The p-norm of all elements, or along axes, by ord: (Σ|x|ᵖ)^(1/p), max|x| for inf, min|x| for -inf, the number of
/// elements that are not 0 for 0. Matrix norms are linalg::norm's.
// A template, so that an axis in braces is no ord.
namespace detail {
Array norm_of_order(const Array& x, double ord, const ReduceAxes& axes, bool keepdims);
template <class T>
concept Order = std::is_arithmetic_v<T> && !std::same_as<T, bool>;
}  // namespace detail
template <detail::Order T> Array norm(const Array& x, T ord, const ReduceAxes& axes = {}, bool keepdims = false) {
  return detail::norm_of_order(x, static_cast<double>(ord), axes, keepdims);
}

/// log Σ b eᵃ, e^(a - logsumexp), a - logsumexp, without overflow. b broadcasts against a and is 1 unless given; where it is 0
/// the element of a does not count, and NaN comes of a negative sum.
Array logsumexp(const Array& a, const ReduceAxes& axes = {}, bool keepdims = false, const Array& b = {});
Array softmax(const Array& a, const ReduceAxes& axes = -1);
Array log_softmax(const Array& a, const ReduceAxes& axes = -1);

/// The same without NaNs: these count as 0, as absent, as -inf and inf; the mean, largest and smallest of NaNs alone is NaN.
Array nansum(const Array& a, const ReduceAxes& axes = {}, bool keepdims = false);
Array nanmean(const Array& a, const ReduceAxes& axes = {}, bool keepdims = false);
Array nanmax(const Array& a, const ReduceAxes& axes = {}, bool keepdims = false);
Array nanmin(const Array& a, const ReduceAxes& axes = {}, bool keepdims = false);
/// How many elements are not 0: int64.
Array count_nonzero(const Array& a, const ReduceAxes& axes = {}, bool keepdims = false);
/// Σwa/Σw; w of a's shape, or a vector along the one axis; without w the mean.
Array average(const Array& a, const ReduceAxes& axes = {}, const Array& weights = {});
/// Whether |a - b| <= atol + rtol·|b| everywhere (as isclose); whether a and b have one shape and equal elements: bool.
Array allclose(const Array& a, const Array& b, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false);
Array array_equal(const Array& a, const Array& b);

/// Running sums and products along an axis, or of the flattened array. Bool and int32 become int64.
Array cumsum(const Array& a);
Array cumsum(const Array& a, int axis);
Array cumprod(const Array& a);
Array cumprod(const Array& a, int axis);

namespace special {
using dini::log_softmax;
using dini::logsumexp;
using dini::softmax;
}  // namespace special

}  // namespace dini
