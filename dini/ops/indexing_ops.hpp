// The ops that pick elements by integers that may be traced.
#pragma once

#include "dini/ops/internal.hpp"

namespace dini {

const Op& take_op();  // {} (operand [N, rest...], indices [I...]) -> [I..., rest...]; indices are clamped to 0..N-1
// {mode: text "set|add|multiply|min|max"; unique: bool, optional} (operand [N, rest...], indices [I...],
// updates [I..., rest...]) -> like operand. Updates out of 0..N-1 are dropped. `unique`: no index in there stands twice.
const Op& scatter_op();
const Op& searchsorted_op();  // {right: bool} (sorted [B..., N], values [B..., M]) -> int64 [B..., M]

namespace indexing {
/// Whether each index is in 0..n-1; all of them moved into it.
Array in_range(const Array& indices, std::int64_t n);
Array clamped(const Array& indices, std::int64_t n);
}  // namespace indexing

namespace detail {
Array emit_take(const Array& operand, const Array& indices);
/// take_along_axis where all other lengths agree and every index is in [0, length).
Array emit_take_along(const Array& a, const Array& indices, int axis);
Array emit_scatter(const char* mode, const Array& operand, const Array& indices, const Array& updates,
                   bool unique = false);
}  // namespace detail

}  // namespace dini
