#include <vector>

#include "dini/ops/registry.hpp"

namespace dini {

OpList all_ops() {
  static const std::vector<const Op*> ops = [] {
    std::vector<const Op*> all;
    for (OpList family : {elementwise_ops(), reduce_ops(), create_ops(), sort_ops(), shape_ops(), index_ops(),
                          contract_ops(), linalg_ops(), control_ops(), custom_ops(), checkpoint_ops(), linear_ops(),
                          regularity_ops(), implicit_ops(), random_ops(), rounding_ops()}) {
      all.insert(all.end(), family.begin(), family.end());
    }
    return all;
  }();
  return ops;
}

const Op* find_op(std::string_view name) {
  for (const Op* op : all_ops()) {
    if (op->name == name) return op;
  }
  return nullptr;
}

}  // namespace dini
