// The ops that move elements without computing, for rules and passes. Axes are counted from 0, all lists are complete.
#pragma once

#include "dini/ops/internal.hpp"

namespace dini {

const Op& broadcast_op();    // {shape: Shape, axes: Ints}: axes[i], increasing, is the result's axis for axis i
const Op& reshape_op();      // {shape: Shape}
const Op& transpose_op();    // {axes: Ints}: axis i of the result is axis axes[i]
const Op& slice_op();        // {start, stop, step: Ints}, step > 0
const Op& reverse_op();      // {axes: Ints}
const Op& pad_op();          // {low, high, interior: Ints} (operand, scalar); negative low, high crop
const Op& concatenate_op();  // {axis: int64}

namespace detail {

// The ops as functions, for rules: nothing is checked, and what changes nothing is not emitted.
Array emit_broadcast(const Array& a, const Shape& shape, const Axes& axes);
Array emit_reshape(const Array& a, const Shape& shape);
Array emit_transpose(const Array& a, const Axes& axes);
Array emit_slice(const Array& a, const Params::Ints& start, const Params::Ints& stop, const Params::Ints& step);
Array emit_reverse(const Array& a, const Axes& axes);
Array emit_pad(const Array& a, const Array& value, const Params::Ints& low, const Params::Ints& high,
               const Params::Ints& interior);
Array emit_concatenate(const Leaves& parts, int axis);
/// One more axis in front, along which the array is repeated.
Array emit_repeated(const Array& a, std::int64_t length);
/// Axis `from` moved to `to`.
Array emit_moved(const Array& a, int from, int to);
/// Zeros of an aval's shape and dtype.
Array emit_zeros(const Aval& aval);

}  // namespace detail

}  // namespace dini
