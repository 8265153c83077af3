// rounding_noise: how much of a function's value is rounding.
//
//     η = max_w |Σ_k ∂F/∂y_k (w_k · u·|y_k|)|,   y_k: what the k-th operation gives, u: the unit roundoff of its dtype
//
// with w one of four fixed patterns of weights, ¼ to 7/4 and of either sign, which change from element to element, from
// operation to operation and from step to step of a loop. It is a jvp of F in which no input moves and every inexact operation
// adds its own rounding to the tangent, and it costs five to ten evaluations of F. (With signs alone two roundings of one size
// cancel in all patterns once in eight times.)
//
//   * Elementwise operations round once. Moves of data, choices, comparisons, negations, absolute values, products with powers
//     of two, sums with 0 and conversions to a wider type are exact; so are the arguments and whatever else F has captured.
//   * Sums and products of arrays round twice, by the sum of their terms' magnitudes: what is left of terms that cancel does
//     not tell how large the partial sums were.
//   * Solutions of linear systems, factorisations, determinants and the like are those of a matrix that is off by four unit
//     roundoffs of its largest element, by eight where they are found by iteration; a solve within F is off by four.
//   * What a loop rounds in each step is carried on. A function with a rule of its own is looked into; its rule is not used.
//   * A callback rounds its value once. What was rounded before it is not followed through it, since it has no derivative.
//   * Where an infinite slope meets a rounding, as at √0, that rounding is left out: η is finite where F is.
//
// η is an estimate, not a bound: where many roundings meet, all patterns may nearly cancel by chance.
#pragma once

#include <utility>
#include <vector>

#include "dini/transforms/callable.hpp"

namespace dini {

namespace detail {
/// [inputs...] -> [noise of the outputs marked in `of`...], all of them when it is empty; zeros of its dtype for an output
/// that is not rounded or not floating. Kept with the Program. What it gives has no derivative.
ProgramRef noise_program(const ProgramRef& p, const std::vector<bool>& of = {});
/// [inputs...] -> [outputs..., noise of the outputs marked...] with the common work done once. Nor have these outputs.
ProgramRef value_and_noise_program(const ProgramRef& p, const std::vector<bool>& of = {});
Leaves rounding_noise_leaves(const ErasedFunction& f, const Leaves& inputs);
}  // namespace detail

/// The function that gives, for F's arguments, how much of F's value is rounding: a tree like F's value, entry by entry, of the
/// same dtypes. F is traced, so it may read none of its arguments' values on the host (HostReadError). The result is a constant
/// to differentiation; it works under jit, vmap and within solves.
template <class F> auto rounding_noise(F f) {
  return [f = std::move(f)](const auto&... x) -> detail::result_of_t<F, std::remove_cvref_t<decltype(x)>...> {
    detail::Call<F, std::make_index_sequence<sizeof...(x)>, std::remove_cvref_t<decltype(x)>...> call(f, x...);
    const detail::Leaves out = detail::rounding_noise_leaves(call.erased(), call.leaves());
    return call.output(out);
  };
}
inline auto rounding_noise(OverloadedFunction f) { return rounding_noise<UnaryFunction>(f); }

}  // namespace dini
