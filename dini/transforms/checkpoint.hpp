// checkpoint: a function whose derivative keeps its inputs alone and runs it again for the rest.
//
// Reverse mode keeps what the derivatives of f's operations need: a value or two for each of them. checkpoint(f) keeps only
// f's arguments (and what f captured), and recomputes the others when the cotangent arrives: memory for one more run of f.
// Nested, or as the body of a scan, it trades more of the one for more of the other: a scan of n steps keeps n carries
// instead of n times what a step computes, and checkpointed blocks of √n steps keep about 2√n carries.
//
//     grad([](const Array& x) { return sum(checkpoint(block)(checkpoint(block)(x))); })
//
// The value and all derivatives are f's, in every mode and order, under jit (where the recomputation is kept apart from the
// first run) and vmap. Source: Griewank and Walther, Algorithm 799: revolve, ACM TOMS 26 (2000); JAX's jax.checkpoint.
#pragma once

#include "dini/transforms/callable.hpp"

namespace dini {

namespace detail {
Leaves checkpoint_leaves(const ErasedFunction& f, const Leaves& inputs);

// A namespace of its own: were these in detail, argument-dependent lookup for jvp(checkpoint(f), x, v) would look there.
namespace functions {
template <class F> class Checkpoint {
 public:
  using Wrapped = F;
  explicit Checkpoint(F f) : f_(std::move(f)) {}
  template <class... A>
  requires Takes<F, A...> result_of_t<F, A...>
  operator()(const A&... a) const {
    if constexpr (check_tree_call<F, A...>()) {
      Call<F, std::make_index_sequence<sizeof...(A)>, A...> call(f_, a...);
      const Leaves out = checkpoint_leaves(call.erased(), call.leaves());
      return call.output(out);
    }
  }
  template <class... A>
  requires(!Takes<F, A...>) Refused operator()(const A&...) const { return refuse_call<F, A...>(); }

 private:
  F f_;
};
}  // namespace functions
}  // namespace detail

/// f, rematerialised. Arguments and results are trees. Under a transformation f is traced, so reading a value on the host is
/// a TraceError there, as under jit: use where, cond or while_loop.
template <class F> auto checkpoint(F f) { return detail::functions::Checkpoint<F>(std::move(f)); }
inline auto checkpoint(OverloadedFunction f) { return checkpoint<UnaryFunction>(f); }

}  // namespace dini
