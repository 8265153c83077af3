// dot_general: Σ over pairs of axes, with other pairs as batches. Everything is arranged into one product of matrices
// [batch, m, k] × [batch, k, n], without a copy where the axes lie so already, in either order.
#include "dini/ops/contract_ops.hpp"

#include <algorithm>
#include <numeric>

#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/registry.hpp"
#include "dini/ops/shaping_build.hpp"

namespace dini {

using detail::Ints;

namespace contract {

// One operand's axes by role. The free ones are in order.
struct Roles {
  Ints batch, contract, free;
};

Roles roles(int ndim, const Ints& batch, const Ints& contract) {
  Roles r{batch, contract, {}};
  for (std::int64_t k = 0; k < ndim; ++k) {
    if (std::find(batch.begin(), batch.end(), k) == batch.end() &&
        std::find(contract.begin(), contract.end(), k) == contract.end()) {
      r.free.push_back(k);
    }
  }
  return r;
}
Roles lhs_roles(const Params& p, int ndim) { return roles(ndim, p.ints("lhs_batch"), p.ints("lhs_contract")); }
Roles rhs_roles(const Params& p, int ndim) { return roles(ndim, p.ints("rhs_batch"), p.ints("rhs_contract")); }

Ints joined(const Ints& a, const Ints& b, const Ints& c = {}) {
  Ints out = a;
  out.insert(out.end(), b.begin(), b.end());
  out.insert(out.end(), c.begin(), c.end());
  return out;
}

std::int64_t product(const Shape& shape, const Ints& axes) {
  std::int64_t n = 1;
  for (std::int64_t k : axes) n *= shape[static_cast<int>(k)];
  return n;
}

// Whether memory is already in this order of axes.
bool in_order(const Shape& shape, const Ints& axes) {
  std::int64_t last = -1;
  for (std::int64_t k : axes) {
    if (shape[static_cast<int>(k)] == 1) continue;
    if (k < last) return false;
    last = k;
  }
  return true;
}

// Pairs of contracted axes in the order of the left ones, so that both sides agree on it.
std::pair<Ints, Ints> sorted_pairs(const Ints& lhs, const Ints& rhs) {
  std::vector<std::size_t> order(lhs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return lhs[a] < lhs[b]; });
  std::pair<Ints, Ints> out;
  for (std::size_t k : order) {
    out.first.push_back(lhs[k]);
    out.second.push_back(rhs[k]);
  }
  return out;
}

template <class T> const T* arranged(const Shape& shape, const void* data, const Ints& order, std::vector<T>& scratch) {
  const detail::Strides strides = detail::row_major_strides(shape);
  Shape to;
  detail::Strides from{};
  for (std::int64_t k : order) {
    from[static_cast<std::size_t>(to.ndim())] = strides[static_cast<std::size_t>(k)];
    to.append(shape[static_cast<int>(k)]);
  }
  if (scratch.size() < static_cast<std::size_t>(to.size())) scratch.resize(static_cast<std::size_t>(to.size()));
  detail::copy_strided(sizeof(T), to, from, data, detail::row_major_strides(to), scratch.data());
  return scratch.data();
}

template <class T> void multiply(const KernelCall& c) {
  const Shape &ls = c.in_avals[0].shape, &rs = c.in_avals[1].shape;
  const detail::ProductLayout p = detail::product_layout(c.params, ls, rs);
  T* out = static_cast<T*>(c.out[0]);
  if (p.batch * p.m * p.n == 0) return;
  static thread_local std::vector<T> left, right;
  const T* a = static_cast<const T*>(c.in[0]);
  const T* b = static_cast<const T*>(c.in[1]);
  if (!p.lhs_order.empty()) a = arranged(ls, a, p.lhs_order, left);
  if (!p.rhs_order.empty()) b = arranged(rs, b, p.rhs_order, right);
  for (std::int64_t i = 0; i < p.batch; ++i) {
    kernels::gemm<T>(p.trans_a, p.trans_b, static_cast<std::size_t>(p.m), static_cast<std::size_t>(p.n),
                     static_cast<std::size_t>(p.k), a + i * p.m * p.k, b + i * p.k * p.n, out + i * p.m * p.n);
  }
}

void kernel(const KernelCall& c) {
  switch (c.out_avals[0].dtype) {
    case Dtype::float32: return multiply<float>(c);
    case Dtype::float64: return multiply<double>(c);
    case Dtype::int32: return multiply<std::int32_t>(c);
    default: return multiply<std::int64_t>(c);
  }
}

std::vector<Aval> infer(std::span<const Aval> in, const Params& p) {
  const Shape &ls = in[0].shape, &rs = in[1].shape;
  Shape shape;
  for (std::int64_t k : p.ints("lhs_batch")) shape.append(ls[static_cast<int>(k)]);
  for (std::int64_t k : lhs_roles(p, ls.ndim()).free) shape.append(ls[static_cast<int>(k)]);
  for (std::int64_t k : rhs_roles(p, rs.ndim()).free) shape.append(rs[static_cast<int>(k)]);
  return {{shape, in[0].dtype, in[0].weak && in[1].weak}};
}

Ints range(std::size_t first, std::size_t count) {
  Ints out(count);
  std::iota(out.begin(), out.end(), static_cast<std::int64_t>(first));
  return out;
}

// The cotangent of one operand: that of the result times the other operand, over the other operand's free axes. `mine`
// are the roles of the operand wanted. Its axes come out as batch, free, contracted (in the order of the other's axes).
Array transposed(const Array& ct, const Array& other, const Roles& mine, const Roles& others, std::size_t other_free_at,
                 bool mine_left) {
  const std::size_t nb = mine.batch.size();
  const Ints ct_batch = range(0, nb), ct_contract = range(other_free_at, others.free.size());
  // Result axes: batch, then ct's remaining ones, then the other's; or the other's before ct's.
  const Array raw = mine_left ? detail::emit_dot_general(ct, other, ct_contract, others.free, ct_batch, others.batch)
                              : detail::emit_dot_general(other, ct, others.free, ct_contract, others.batch, ct_batch);
  const Ints pairs = sorted_pairs(others.contract, mine.contract).second;
  const Ints order = mine_left ? joined(mine.batch, mine.free, pairs) : joined(mine.batch, pairs, mine.free);
  Axes axes(order.size());
  for (std::size_t k = 0; k < order.size(); ++k) axes[static_cast<std::size_t>(order[k])] = static_cast<int>(k);
  return detail::emit_transpose(raw, axes);
}

Leaves transpose(const TransposeCall& c) {
  const Array& ct = c.cotangents[0];
  Leaves out(2);
  if (!ct.defined()) return out;
  const Roles l = lhs_roles(c.params, c.in_avals[0].shape.ndim()), r = rhs_roles(c.params, c.in_avals[1].shape.ndim());
  const std::size_t nb = l.batch.size(), lf = nb, rf = nb + l.free.size();
  if (!c.in[0].defined())
    out[0] = transposed(ct, c.in[1], l, r, rf, true);
  else
    out[1] = transposed(ct, c.in[0], r, l, lf, false);
  return out;
}

Batched batch(const BatchCall& c) {
  const auto shifted = [](const Ints& axes, bool shift) {
    Ints out = axes;
    for (auto& k : out) k += shift ? 1 : 0;
    return out;
  };
  const bool bl = c.batched[0], br = c.batched[1];
  const Ints lc = shifted(c.params.ints("lhs_contract"), bl), rc = shifted(c.params.ints("rhs_contract"), br);
  Ints lb = shifted(c.params.ints("lhs_batch"), bl), rb = shifted(c.params.ints("rhs_batch"), br);
  if (bl && br) {
    lb.insert(lb.begin(), 0);
    rb.insert(rb.begin(), 0);
    return {{detail::emit_dot_general(c.in[0], c.in[1], lc, rc, lb, rb)}, {true}};
  }
  // The new axis is one more free axis, the first of its operand: one larger product, not one for each lane.
  const Array out = detail::emit_dot_general(c.in[0], c.in[1], lc, rc, lb, rb);
  const int place = bl ? static_cast<int>(lb.size()) : c.in[0].ndim() - static_cast<int>(lc.size());
  return {{detail::emit_moved(out, place, 0)}, {true}};
}

std::vector<std::vector<long double>> plain(const Sample& s) {
  const Shape ls = s.in[0].shape(), rs = s.in[1].shape();
  const Roles l = lhs_roles(s.params, ls.ndim()), r = rhs_roles(s.params, rs.ndim());
  const auto a = detail::numbers(s.in[0]), b = detail::numbers(s.in[1]);
  const Aval avals[] = {s.in[0].aval(), s.in[1].aval()};
  Shape summed;
  for (std::int64_t k : l.contract) summed.append(ls[static_cast<int>(k)]);
  std::vector<long double> out;
  detail::for_each_index(infer(avals, s.params)[0].shape, [&](const Ints& index) {
    Ints i(static_cast<std::size_t>(ls.ndim())), j(static_cast<std::size_t>(rs.ndim()));
    std::size_t next = 0;
    for (std::size_t k = 0; k < l.batch.size(); ++k, ++next) {
      i[static_cast<std::size_t>(l.batch[k])] = j[static_cast<std::size_t>(r.batch[k])] = index[next];
    }
    for (std::int64_t k : l.free) i[static_cast<std::size_t>(k)] = index[next++];
    for (std::int64_t k : r.free) j[static_cast<std::size_t>(k)] = index[next++];
    long double total = 0;
    detail::for_each_index(summed, [&](const Ints& at) {
      for (std::size_t k = 0; k < at.size(); ++k) {
        i[static_cast<std::size_t>(l.contract[k])] = j[static_cast<std::size_t>(r.contract[k])] = at[k];
      }
      total += a[static_cast<std::size_t>(detail::flat_index(ls, i))] *
               b[static_cast<std::size_t>(detail::flat_index(rs, j))];
    });
    out.push_back(total);
  });
  return {out};
}

Sample sample(Dtype d, const Shape& l, const Shape& r, const Ints& lc, const Ints& rc, const Ints& lb = {},
              const Ints& rb = {}) {
  return {{detail::sample(l, d), detail::sample(r, d, 1)},
          {{"lhs_contract", lc}, {"rhs_contract", rc}, {"lhs_batch", lb}, {"rhs_batch", rb}}};
}

}  // namespace contract

const Op& dot_general_op() {
  static const Op op = [] {
    Op o;
    o.name = "dot_general";
    o.rounding = Rounding::accumulates;
    o.takes = Operands::integers;
    o.infer = contract::infer;
    o.kernel = contract::kernel;
    o.jvp = [](const JvpCall& c) -> Leaves {
      const Array &da = c.tangents[0], &db = c.tangents[1];
      if (!da.defined() && !db.defined()) return {Array()};
      if (!db.defined()) return emit(dot_general_op(), {da, c.in[1]}, c.params);
      const Array right = emit_one(dot_general_op(), {c.in[0], db}, c.params);
      if (!da.defined()) return {right};
      return {emit_one(dot_general_op(), {da, c.in[1]}, c.params) + right};
    };
    o.transpose = contract::transpose;
    o.batch = contract::batch;
    o.samples = [](Dtype d) -> std::vector<Sample> {
      using contract::sample;
      return {sample(d, {3, 4}, {4, 2}, {1}, {0}),
              sample(d, {4}, {4}, {0}, {0}),
              sample(d, {2}, {3}, {}, {}),
              sample(d, {4, 3}, {2, 4}, {0}, {1}),
              sample(d, {2, 3, 4}, {2, 4, 5}, {2}, {1}, {0}, {0}),
              sample(d, {3, 2, 4}, {4, 5, 2}, {2}, {0}, {1}, {2}),
              sample(d, {2, 3, 4, 5}, {5, 6, 3}, {3, 1}, {0, 2}),
              sample(d, {2, 0}, {0, 3}, {1}, {0})};
    };
    o.plain = contract::plain;
    return o;
  }();
  return op;
}

namespace detail {

ProductLayout product_layout(const Params& params, const Shape& lhs, const Shape& rhs) {
  using namespace contract;
  Roles l = lhs_roles(params, lhs.ndim()), r = rhs_roles(params, rhs.ndim());
  std::tie(l.contract, r.contract) = sorted_pairs(l.contract, r.contract);
  ProductLayout out{product(lhs, l.batch), product(lhs, l.free), product(rhs, r.free), product(lhs, l.contract)};
  const Ints left = joined(l.batch, l.free, l.contract), right = joined(r.batch, r.contract, r.free);
  if (!in_order(lhs, left)) {
    out.trans_a = in_order(lhs, joined(l.batch, l.contract, l.free));
    if (!out.trans_a) out.lhs_order = left;
  }
  if (!in_order(rhs, right)) {
    out.trans_b = in_order(rhs, joined(r.batch, r.free, r.contract));
    if (!out.trans_b) out.rhs_order = right;
  }
  return out;
}

Array emit_dot_general(const Array& lhs, const Array& rhs, const Ints& lhs_contract, const Ints& rhs_contract,
                       const Ints& lhs_batch, const Ints& rhs_batch) {
  return emit_one(dot_general_op(), {lhs, rhs},
                  {{"lhs_contract", lhs_contract},
                   {"rhs_contract", rhs_contract},
                   {"lhs_batch", lhs_batch},
                   {"rhs_batch", rhs_batch}});
}

Array emit_matmul(const Array& a, const Array& b, bool ta, bool tb) {
  const std::int64_t n = a.ndim();
  const Ints leading = contract::range(0, static_cast<std::size_t>(n - 2));
  const Array out = emit_dot_general(a, b, {ta ? n - 2 : n - 1}, {tb ? n - 1 : n - 2}, leading, leading);
  return out;
}

Array emit_matvec(const Array& a, const Array& x, bool ta) {
  const std::int64_t n = a.ndim();
  const Ints leading = contract::range(0, static_cast<std::size_t>(n - 2));
  return emit_dot_general(a, x, {ta ? n - 2 : n - 1}, {n - 2}, leading, leading);
}

}  // namespace detail

OpList contract_ops() {
  static const Op* const ops[] = {&dot_general_op()};
  return ops;
}

}  // namespace dini
