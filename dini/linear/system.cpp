#include "dini/linear/system.hpp"

#include <cmath>

#include "dini/linear/operator_solve.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/trace/emit.hpp"

namespace dini::detail {

LinearSystem LinearSystem::of_matrix(const Array& a, MatrixStructure structure) {
  LinearSystem s;
  s.kept_ = {a};
  s.structure_ = structure;
  s.formed_ = true;
  const Array v = zeros({a.shape().back()}, a.dtype());
  s.product_ = stage_closed([](const Leaves& in) { return Leaves{product_with(in[1], in[0])}; },
                            {v.aval(), {a.shape(), a.dtype(), false}}, "A v");
  return s;
}

LinearSystem LinearSystem::of_products(ProgramRef product, Leaves kept, MatrixStructure structure) {
  LinearSystem s;
  s.product_ = std::move(product);
  s.kept_ = std::move(kept);
  s.structure_ = structure;
  return s;
}

LinearSystem LinearSystem::of_fixed_point(ProgramRef product, Leaves kept, MatrixStructure structure) {
  LinearSystem s = of_products(std::move(product), std::move(kept), structure);
  s.minus_identity_ = true;
  return s;
}

LinearSystem LinearSystem::with(const Leaves& kept) const {
  LinearSystem s = *this;
  s.kept_ = kept;
  return s;
}

LinearSystem LinearSystem::transposed() const {
  LinearSystem s = *this;
  std::vector<bool> by_v(product_->inputs.size(), false);
  by_v[0] = true;
  s.product_ = transpose_program(product_, by_v);
  s.formed_ = false;
  return s;
}

Array LinearSystem::apply_map(const Array& v) const {
  Leaves in{v};
  in.insert(in.end(), kept_.begin(), kept_.end());
  return evaluate(*product_, in)[0];
}

Array LinearSystem::apply(const Array& v) const { return minus_identity_ ? apply_map(v) - v : apply_map(v); }

Array LinearMethod::solve(const LinearSystem& system, const Leaves& prepared, const Array& b,
                          LinearFailure failure) const {
  return operator_solve(system, shared_from_this(), prepared, b, failure);
}

Array product_with(const Array& a, const Array& v) { return a.ndim() == 1 ? a * v : dot(a, v); }

Array transposed_product_with(const Array& a, const Array& v) { return a.ndim() == 1 ? a * v : dot(v, a); }

Array diagonal_of(const Array& a) { return a.ndim() == 1 ? a : diagonal(a); }

Leaves factorize(const Array& a, const MatrixStructure& structure) {
  if (structure.diagonal) return {};
  return emit(is_symmetric(structure) ? symmetric_factor_op() : lu_factor_op(), {a});
}

Leaves no_factors(const Array& a, const MatrixStructure& structure) {
  if (structure.diagonal) return {};
  // Those of Cholesky's, and row numbers: a solve with them that nobody asked for stays within its arrays.
  const Array pivots = is_symmetric(structure) ? full({a.shape()[0]}, array(cholesky_pivot), Dtype::int32)
                                               : zeros({a.shape()[0]}, Dtype::int32);
  return {zeros(a.shape(), a.dtype()), pivots};
}

Array solve_factored(const Leaves& factors, const Array& a, const Array& b, const MatrixStructure& structure,
                     bool refined) {
  if (!structure.diagonal) return emit_linear_solve(factors, a, b, false, is_symmetric(structure), refined);
  const Array d = diagonal_of(a);
  return b / (b.ndim() == 1 ? d : expand_dims(d, 1));
}

Array is_definite(const Leaves& factors, const Array& a) {
  return factors.empty() ? all(diagonal_of(a) > 0) : all(factors[1] == cholesky_pivot);
}

Array looks_symmetric(const LinearSystem& system, std::int64_t n, Dtype dtype) {
  if (is_symmetric(system.structure()) || n < 2) return array(true);
  // wᵀAv = vᵀAw for two vectors that have nothing to do with one another.
  const Array k = astype(arange(n), dtype), v = cos(1.7 * square(k) + 0.3), w = sin(2.3 * k + 1.1);
  const Array av = system.apply(v), aw = system.apply(w);
  const Array size = norm(v) * norm(aw) + norm(w) * norm(av);
  return ~(abs(dot(w, av) - dot(v, aw)) > std::sqrt(epsilon(dtype)) * size);
}

}  // namespace dini::detail
