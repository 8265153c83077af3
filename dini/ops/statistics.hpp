// Statistics and the calculus of samples, with NumPy's names and meanings: compositions of other functions, which is where their
// derivatives come from. Integers become float64 unless said otherwise.
#pragma once

#include <string>

#include "dini/core/array.hpp"
#include "dini/ops/reduce.hpp"

namespace dini {

/// a[1:] - a[:-1] along an axis, n times; keeps integers, and of bool says where it changes.
Array diff(const Array& a, int n = 1, int axis = -1);
/// The middle of the sorted elements, or the mean of the two in the middle; NaN where one is. ShapeError over nothing.
Array median(const Array& a, const ReduceAxes& axes = {}, bool keepdims = false);
/// What a share q in [0, 1] of the elements are below, linear between neighbours. The axes of q stand in front. NaN where an element
/// is; ValueError for a q that can be seen to be out of range.
Array quantile(const Array& a, const Array& q, const ReduceAxes& axes = {}, bool keepdims = false);
/// Covariances of variables in rows (or with rowvar false columns) over observations, Σ(x - x̄)(y - ȳ)/(n - ddof); of a vector its
/// variance.
Array cov(const Array& m, bool rowvar = true, int ddof = 1);

/// Σ½(y[1:] + y[:-1])Δx along an axis, Δx from points x (a vector, or of y's shape) or constant.
Array trapezoid(const Array& y, const Array& x = {}, const Array& dx = 1.0, int axis = -1);
/// The polygon through the points (xp, fp), xp ascending, at x; fp's first and last beyond them, or `left` and `right`.
Array interp(const Array& x, const Array& xp, const Array& fp, const Array& left = {}, const Array& right = {});
/// p[0] xᴺ⁻¹ + ... + p[N-1], by Horner's rule.
Array polyval(const Array& p, const Array& x);
/// Σ_k a[k] v[n - k] of two vectors, where at least one index is in range ("full"); of the longer one's length, centred ("same");
/// where both overlap completely ("valid"). Keeps integers. By one product with a matrix of as many elements as both lengths
/// multiplied: for kernels that are short.
Array convolve(const Array& a, const Array& v, const std::string& mode = "full");

}  // namespace dini
