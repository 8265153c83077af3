// The reducing and running ops by name, for rules and passes. Axes are counted from 0 and sorted.
#pragma once

#include "dini/ops/internal.hpp"

namespace dini {

const Op& sum_op();      // {axes: Ints}; the result drops them. Floating and integers
const Op& prod_op();     // {axes}
const Op& max_op();      // {axes}; on bool: or (false over nothing)
const Op& min_op();      // {axes}; on bool: and (true over nothing)
const Op& norm2_op();    // {axes}; √Σx² without over- or underflow of the squares. Floating
const Op& argmax_op();   // {axis: int64}; int64; the result drops it
const Op& argmin_op();   // {axis}
const Op& cumsum_op();   // {axis: int64, reverse: bool}; reverse: from the last to the first
const Op& cumprod_op();  // {axis, reverse}
// {axis, reverse} (a, b): y_k = a_k·y_(k-1) + b_k with y_(-1) = 0; with reverse y_k = a_k·y_(k+1) + b_k. Floating. What
// the derivative of cumprod is made of: it divides by nothing, so it is right where elements are 0.
const Op& linear_recurrence_op();

}  // namespace dini
