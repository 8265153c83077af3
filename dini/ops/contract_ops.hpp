// The op under all products of arrays.
#pragma once

#include "dini/ops/internal.hpp"

namespace dini {

// {lhs_contract, rhs_contract, lhs_batch, rhs_batch: Ints}, pair by pair; the result's axes: batch, lhs free, rhs free.
const Op& dot_general_op();

namespace detail {
/// A dot_general as products of matrices [batch, m, k] × [batch, k, n].
struct ProductLayout {
  std::int64_t batch, m, n, k;
  bool trans_a = false, trans_b = false;  // the operand lies in memory as the transposed matrix
  // Axes in the order to copy them into first; empty where memory serves as it is.
  Params::Ints lhs_order = {}, rhs_order = {};
};
ProductLayout product_layout(const Params& params, const Shape& lhs, const Shape& rhs);

Array emit_dot_general(const Array& lhs, const Array& rhs, const Params::Ints& lhs_contract,
                       const Params::Ints& rhs_contract, const Params::Ints& lhs_batch = {},
                       const Params::Ints& rhs_batch = {});
/// Products over the last two axes, the leading ones equal: A B, and A x for x [..., n]. `ta`: Aᵀ in A's place.
Array emit_matmul(const Array& a, const Array& b, bool ta = false, bool tb = false);
Array emit_matvec(const Array& a, const Array& x, bool ta = false);
}  // namespace detail

}  // namespace dini
