// Reductions along axes, and running ones, with NumPy's names and meanings.
//
// Sums have one fixed order of additions, so that a result depends neither on the number of threads nor on what stands
// beside the elements. Over nothing: sum 0, prod 1, any false, all true, logsumexp -inf, mean NaN; max, min, argmax and
// argmin of nothing are a ShapeError. At ties max and min give every largest element an equal share of the slope.
#pragma once

#include <initializer_list>
#include <limits>

#include "dini/core/array.hpp"

namespace dini {

/// Which axes to reduce: all of them (the default, also `{}`), one, or several. Negative ones count from the end.
class ReduceAxes {
 public:
  ReduceAxes() = default;
  ReduceAxes(int axis) : all_(false), axes_{axis} {}
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

/// √Σx² over all elements. Its slope at 0 is NaN.
Array norm(const Array& x);
/// The p-norm of all elements, or along axes, by ord: (Σ|x|ᵖ)^(1/p), max|x| for inf, min|x| for -inf, the number of
/// elements that are not 0 for 0. Matrix norms are linalg::norm's.
Array norm(const Array& x, double ord, const ReduceAxes& axes = {}, bool keepdims = false);

/// log Σ eᵃ, e^(a - logsumexp), a - logsumexp, without overflow.
Array logsumexp(const Array& a, const ReduceAxes& axes = {}, bool keepdims = false);
Array softmax(const Array& a, const ReduceAxes& axes = -1);
Array log_softmax(const Array& a, const ReduceAxes& axes = -1);

/// Running sums and products along an axis, or of the flattened array. Bool and int32 become int64.
Array cumsum(const Array& a);
Array cumsum(const Array& a, int axis);
Array cumprod(const Array& a);
Array cumprod(const Array& a, int axis);

}  // namespace dini
