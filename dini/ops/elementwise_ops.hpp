// The elementwise ops by name, for rules and passes. Operands have one shape and one dtype, but for `select`, whose
// first is bool. Comparisons give bool. On integers logical_* are bitwise.
#pragma once

#include "dini/ops/internal.hpp"

namespace dini {

const Op& neg_op();
const Op& abs_op();
const Op& sign_op();
const Op& square_op();
const Op& sqrt_op();
const Op& floor_op();
const Op& ceil_op();
const Op& round_op();
const Op& trunc_op();
const Op& exp_op();
const Op& exp2_op();
const Op& expm1_op();
const Op& log_op();
const Op& log1p_op();
const Op& log2_op();
const Op& log10_op();
const Op& cbrt_op();
const Op& sin_op();
const Op& cos_op();
const Op& tan_op();
const Op& asin_op();
const Op& acos_op();
const Op& atan_op();
const Op& sinh_op();
const Op& cosh_op();
const Op& tanh_op();
const Op& sech_squared_op();
const Op& asinh_op();
const Op& acosh_op();
const Op& atanh_op();
const Op& sigmoid_op();
const Op& softplus_op();
const Op& relu_op();
const Op& erf_op();
const Op& erfc_op();
const Op& erfinv_op();
const Op& gammaln_op();
const Op& digamma_op();
const Op& i0e_op();
const Op& i1e_op();
const Op& logical_not_op();
const Op& isfinite_op();
const Op& isnan_op();
const Op& stop_gradient_op();
const Op& convert_op();  // {dtype: Dtype, weak: bool}

const Op& add_op();
const Op& sub_op();
const Op& mul_op();
const Op& div_op();  // floating only
const Op& maximum_op();
const Op& minimum_op();
const Op& pow_op();
const Op& atan2_op();
const Op& mod_op();
const Op& floor_divide_op();
const Op& hypot_op();
const Op& betaln_op();
const Op& polygamma_op();  // (n, x), not differentiable in n
const Op& lt_op();
const Op& le_op();
const Op& eq_op();
const Op& ne_op();
const Op& logical_and_op();
const Op& logical_or_op();
const Op& logical_xor_op();

const Op& select_op();  // (c, a, b): a where c, else b

}  // namespace dini
