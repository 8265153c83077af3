// Trust regions: the step that makes a quadratic model least within a radius, and the radius after it.
//
//     p = argmin gᵀp + ½pᵀBp   over ‖p‖ ≤ Δ
//
// Scaled variables are the caller's affair: with D the unknowns' units, g/D and B/(D Dᵀ) give Dp.
#pragma once

#include "dini/linear/krylov.hpp"
#include "dini/solvers/objective.hpp"

namespace dini::detail {

/// The step for a symmetric B, definite or not, to within a tenth of the radius and of the least value: with the λ ≥ 0 for which
/// (B + λI) p = -g and B + λI is positive semidefinite, found by Newton's method on 1/Δ - 1/‖p‖ with a Cholesky factorisation for each λ,
/// between bounds; where g has no part along the eigenvector of B's least eigenvalue (the hard case) a multiple of that is added,
/// found by inverse iteration with the factors (Moré and Sorensen, Computing a trust region step, SIAM J. Sci. Stat. Comput. 4,
/// 1983). `newton`, -B⁻¹g where B is positive definite and anything elsewhere, is the step where it lies inside. Nothing is added
/// where a Hessian is given and does not bend along that eigenvector either: the shortest step to the least value.
Array exact_step(const Array& b, const Array& g, const Array& radius, const Array& newton, const Array& definite,
                 const Array& hessian = {});

/// The same from products with B alone, by conjugate gradients that end at the border, at a direction of no positive curvature,
/// or at ‖g + Bp‖ ≤ tolerance (Steihaug, The conjugate gradient method and trust regions in large scale optimization, SIAM J.
/// Numer. Anal. 20, 1983). At most `most` products.
struct ConjugateStep {
  Array step, product;  // p and Bp
  Array inside;         // whether it ended by the last of these, B being positive definite as far as was seen
  Array products;       // how many it took
  auto tree() { return std::tie(step, product, inside, products); }
};
ConjugateStep conjugate_step(const Product& b, const Array& g, const Array& radius, const Array& tolerance,
                             std::int64_t most);

/// gᵀp + ½pᵀBp with the other sign: what the model says that E falls by.
Array predicted_decrease(const Array& g, const Array& p, const Array& product);

/// A step that was tried.
struct TriedStep {
  Array before, after;              // E
  Array predicted;                  // predicted_decrease
  Array length, radius;             // of the step, and what it was allowed
  Array slope_before, slope_after;  // the norms of the gradients in the region's units
  Array newton;                     // whether it is the full Newton step with a positive definite Hessian
};
/// What becomes of it. It is taken where E falls by 1e-4 of what was predicted. Where that is less than E's last digits can show
/// a full Newton step is taken if it shortens the gradient, whatever E says, and where it does not there is nothing more to be had.
struct Decision {
  Array taken, radius, exhausted;
};
Decision decide(const TriedStep& tried);

}  // namespace dini::detail
