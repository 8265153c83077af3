#include "dini/exec/steps.hpp"
#include "dini/ops/contract_ops.hpp"

namespace dini::exec {

std::unique_ptr<ProductData> product_of(const Params& params, std::span<const Aval> in) {
  if (!is_floating(in[0].dtype)) return nullptr;
  const detail::ProductLayout layout = detail::product_layout(params, in[0].shape, in[1].shape);
  if (!layout.lhs_order.empty() || !layout.rhs_order.empty()) return nullptr;
  auto data = std::make_unique<ProductData>();
  data->trans_a = layout.trans_a;
  data->trans_b = layout.trans_b;
  data->batch = static_cast<std::size_t>(layout.batch);
  data->m = static_cast<std::size_t>(layout.m);
  data->n = static_cast<std::size_t>(layout.n);
  data->k = static_cast<std::size_t>(layout.k);
  if (data->batch * data->m * data->n * data->k == 0) return nullptr;
  return data;
}

}  // namespace dini::exec
