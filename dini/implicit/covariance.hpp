// How well a fit determines its parameters.
//
//     covariance(r, z, options, θ...)        C = s² H⁻¹,   s² = ‖r(θ..., z)‖²/(m - n)
//     standard_errors(r, z, options, θ...)   √C_jj, a tree like z
//
// for m residuals of n parameters, r's with the same variance, at z = the least_squares of r. H is the full Hessian of ½‖r‖², or
// JᵀJ, J = ∂r/∂z, which is what statistics packages print: the two differ by second derivatives of r times residuals, and agree
// where r is linear or small. Both are differentiable, in z as in θ and all that r captures: of a z that is a fit they follow it.
#pragma once

#include "dini/implicit/optimum.hpp"
#include "dini/transforms/ravel_tree.hpp"

namespace dini {

struct CovarianceOptions {
  /// False: by JᵀJ.
  bool full_hessian = true;
};

namespace detail {
/// Of residuals of one vector.
Array covariance_at(const std::function<Array(const Array&)>& residuals, const Array& z,
                    const CovarianceOptions& options);
Array root_of_diagonal(const Array& covariance);
}  // namespace detail

/// C, [n, n], rows and columns in the order of z's elements, leaf by leaf. ValueError where there are no more residuals than parameters.
/// Where H is singular inf and NaN.
template <class R, class Z, class... P>
Array covariance(const R& r, const Z& z, const CovarianceOptions& options, const P&... params) {
  if constexpr (detail::check_tree_call<R, P..., Z>()) {
    const auto both = ravel_tree(z);
    const auto& unravel = both.second;
    auto residuals = [&](const Array& v) { return ravel_tree(r(detail::as_tree(params)..., unravel(v))).first; };
    return detail::covariance_at(residuals, both.first, options);
  } else {
    return Array();
  }
}
template <class R, class Z> Array covariance(const R& r, const Z& z) { return covariance(r, z, CovarianceOptions{}); }

/// √C_jj, in a tree like z.
template <class R, class Z, class... P>
auto standard_errors(const R& r, const Z& z, const CovarianceOptions& options, const P&... params) {
  return ravel_tree(z).second(detail::root_of_diagonal(covariance(r, z, options, params...)));
}
template <class R, class Z> auto standard_errors(const R& r, const Z& z) {
  return standard_errors(r, z, CovarianceOptions{});
}

}  // namespace dini
