// ravel_tree: a tree as one vector, for solvers, optimisers and statistics that know nothing of trees. JAX's ravel_pytree.
#pragma once

#include <utility>

#include "dini/core/tree.hpp"

namespace dini {

namespace detail {
Array ravel_leaves(const Leaves& leaves);
/// The pieces of `vector` in these shapes and dtypes.
Leaves unravel_leaves(const Array& vector, const std::vector<Aval>& avals);
std::vector<Aval> ravel_avals(const Leaves& leaves);
}  // namespace detail

/// (vector, unravel): all elements of all leaves, in order and row-major, in the leaves' common dtype (float64 where there
/// are none), and the function from such a vector back to such a tree, each leaf in its own shape and dtype. ShapeError when
/// unravel is given another length. Both are differentiable, and work under jit and vmap.
template <Tree T> auto ravel_tree(const T& tree) {
  const tree_t<T> like = detail::as_tree(tree);
  const detail::Leaves leaves = flatten(like);
  return std::pair(detail::ravel_leaves(leaves), [like, avals = detail::ravel_avals(leaves)](const Array& vector) {
    return unflatten(like, detail::unravel_leaves(vector, avals));
  });
}

}  // namespace dini
