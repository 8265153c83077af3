// Products of arrays, with NumPy's names and meanings. Dtypes are promoted (of bool: and, or). ShapeErrors name the
// function and both shapes: `dot: inner dimensions differ: (10, 4) and (5,)`.
#pragma once

#include <concepts>
#include <string>
#include <utility>
#include <vector>

#include "dini/core/array.hpp"

namespace dini {

/// Sum over the last axis of a and the last but one (of a vector: the only one) of b; with a scalar, the product.
Array dot(const Array& a, const Array& b);
/// Matrix product over the last two axes; leading axes broadcast; vectors as NumPy's @. ShapeError for scalars.
Array matmul(const Array& a, const Array& b);
/// Sum of products of all elements, flattened.
Array vdot(const Array& a, const Array& b);
/// Sum over the last axes of both.
Array inner(const Array& a, const Array& b);
/// a_i b_j of the flattened arrays.
Array outer(const Array& a, const Array& b);
/// Sum over the last `axes` axes of a and the first of b; over the same axes of both; over axes.first of a and
/// axes.second of b, pair by pair: tensordot(a, b, {{1, 0}, {0, 2}}).
Array tensordot(const Array& a, const Array& b, int axes = 2);
Array tensordot(const Array& a, const Array& b, const std::pair<Axes, Axes>& axes);
// A template, so that lists in braces can only mean the pair.
template <std::same_as<Axes> A> Array tensordot(const Array& a, const Array& b, const A& axes) {
  return tensordot(a, b, std::pair<Axes, Axes>(axes, axes));
}
/// Kronecker product.
Array kron(const Array& a, const Array& b);
/// Vector product over the last axes, of length 3 (or 2: its third component).
Array cross(const Array& a, const Array& b);
/// NumPy's einsum: "ij,jk->ik", with repeated letters (diagonals), `...` and, without ->, the implicit result. ValueError
/// for a subscript that cannot be read, ShapeError where lengths of a letter differ.
Array einsum(const std::string& subscripts, const std::vector<Array>& operands);
template <class... A>
requires(std::is_convertible_v<const A&, Array>&&...) Array
    einsum(const std::string& subscripts, const Array& first, const A&... rest) {
  return einsum(subscripts, std::vector<Array>{first, Array(rest)...});
}

}  // namespace dini
