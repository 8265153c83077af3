// GMRES. A cycle builds an orthonormal basis V of the Krylov space, with A M⁻¹V = V H, and minimises ‖βe₀ - H y‖.
//
// Of H = QᵀR in factors the steps keep Q alone: its rows, each made by one rotation of the last row so far with a new unit
// vector. The last row q is orthogonal to all columns of H, so its product with a new one is what the rotation has to deal
// with, and β|q₀| is the residual. R = Q H is formed at the cycle's end.
#include <algorithm>

#include "dini/linear/krylov_cycles.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing_ops.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/reduce.hpp"

namespace dini::detail {

namespace krylov_parts {

struct Arnoldi {
  Array basis;       // [m + 1, n]: rows that are not there yet are 0
  Array columns, q;  // [m + 1, m + 1]: columns of H and rows of Q, as rows
  Array last;        // q's last row, [m + 1]
  Array size;        // of the residual
  Array steps, status;
  auto tree() { return std::tie(basis, columns, q, last, size, steps, status); }
};

Arnoldi arnoldi_step(const KrylovProblem& problem, const KrylovState& start, const Array& places, const Arnoldi& at) {
  const Array product = problem.product(problem.precondition(emit_take(at.basis, at.steps)));
  const Array unit = unit_of(product);
  // Twice is enough for orthogonality to rounding.
  Array w = product / unit;
  const Array once = dot(at.basis, w);
  w = w - dot(once, at.basis);
  const Array twice = dot(at.basis, w);
  w = w - dot(twice, at.basis);
  const Array next = norm(w);
  const Array new_place = places == at.steps + 1;
  const Array column = where(new_place, next, once + twice), unit_vector = astype(new_place, w.dtype());

  const Array along = sum(at.last * column), length = hypot(along, next);
  const Array sound = length > rounding(w);  // or A is singular
  const Array cosine = along / or_one(sound, length), sine = next / or_one(sound, length);
  // Where nothing is left of w the space is invariant: the solution lies in it, or there is none.
  const Array left = next > rounding(w);

  Arnoldi to;
  to.basis = emit_scatter("set", at.basis, at.steps + 1, w / or_one(left, next));
  to.columns = emit_scatter("set", at.columns, at.steps, unit * column);
  to.q = emit_scatter("set", at.q, at.steps, cosine * at.last + sine * unit_vector);
  to.last = cosine * unit_vector - sine * at.last;
  to.size = sine * at.size;
  to.steps = at.steps + astype(sound, Dtype::int64);
  to.status = problem.after_step(start, sound, length, left & (to.size > problem.target()), to.steps);
  return to;
}

}  // namespace krylov_parts

KrylovResult gmres(const Product& a, const Array& b, const KrylovOptions& options) {
  using namespace krylov_parts;
  const KrylovProblem problem(a, b, options, {0.999});
  const std::int64_t n = b.size(), m = std::min<std::int64_t>(options.restart, n);
  const Array places = arange(m + 1), first = astype(places == 0, b.dtype());
  return problem.solve([&](const KrylovState& start) -> KrylovCycle {
    const Array none = zeros({m + 1, m + 1}, b.dtype());
    const Array r = start.r / or_one(start.size > 0, start.size);
    const Arnoldi begin{outer(first, r), none, none, first, start.size, array(std::int64_t{0}), start.status};
    const Arnoldi end = run(begin, m, [&](const Arnoldi& at) { return arnoldi_step(problem, start, places, at); });
    const Array there = places < end.steps;
    const Array triangle = dot(end.q, end.columns.T()) + where(there, zeros_like(first), eye(m + 1, b.dtype()));
    const Array right = where(there, start.size * dot(end.q, first), zeros_like(first));
    const Array d = problem.precondition(dot(linalg::solve_triangular(triangle, right), end.basis));
    return {d, end.status, end.steps + astype(end.status > 0, Dtype::int64)};
  });
}

}  // namespace dini::detail
