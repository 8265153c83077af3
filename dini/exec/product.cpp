#include <algorithm>

#include "dini/exec/steps.hpp"

namespace dini::exec {

namespace product {

using Ints = Params::Ints;

// Whether memory is in this order of axes.
bool in_order(const Shape& shape, const Ints& axes) {
  std::int64_t last = -1;
  for (std::int64_t k : axes) {
    if (shape[static_cast<int>(k)] == 1) continue;
    if (k < last) return false;
    last = k;
  }
  return true;
}

std::size_t length(const Shape& shape, const Ints& axes) {
  std::int64_t n = 1;
  for (std::int64_t k : axes) n *= shape[static_cast<int>(k)];
  return static_cast<std::size_t>(n);
}

Ints joined(const Ints& a, const Ints& b, const Ints& c) {
  Ints out = a;
  out.insert(out.end(), b.begin(), b.end());
  out.insert(out.end(), c.begin(), c.end());
  return out;
}

Ints others(int ndim, const Ints& a, const Ints& b) {
  Ints out;
  for (std::int64_t k = 0; k < ndim; ++k) {
    if (std::find(a.begin(), a.end(), k) == a.end() && std::find(b.begin(), b.end(), k) == b.end()) out.push_back(k);
  }
  return out;
}

}  // namespace product

std::unique_ptr<ProductData> product_of(const Params& params, std::span<const Aval> in) {
  using namespace product;
  if (!is_floating(in[0].dtype)) return nullptr;
  const Shape &l = in[0].shape, &r = in[1].shape;
  const Ints &l_batch = params.ints("lhs_batch"), &r_batch = params.ints("rhs_batch");
  const Ints &l_given = params.ints("lhs_contract"), &r_given = params.ints("rhs_contract");
  std::vector<std::size_t> order;
  for (std::size_t k = 0; k < l_given.size(); ++k) order.push_back(k);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return l_given[a] < l_given[b]; });
  Ints l_contract, r_contract;
  for (std::size_t k : order) l_contract.push_back(l_given[k]), r_contract.push_back(r_given[k]);
  const Ints l_free = others(l.ndim(), l_batch, l_contract), r_free = others(r.ndim(), r_batch, r_contract);
  auto data = std::make_unique<ProductData>();
  data->batch = length(l, l_batch);
  data->m = length(l, l_free);
  data->n = length(r, r_free);
  data->k = length(l, l_contract);
  if (data->batch * data->m * data->n == 0 || data->k == 0) return nullptr;
  if (!in_order(l, joined(l_batch, l_free, l_contract))) {
    data->trans_a = true;
    if (!in_order(l, joined(l_batch, l_contract, l_free))) return nullptr;
  }
  if (!in_order(r, joined(r_batch, r_contract, r_free))) {
    data->trans_b = true;
    if (!in_order(r, joined(r_batch, r_free, r_contract))) return nullptr;
  }
  return data;
}

}  // namespace dini::exec
