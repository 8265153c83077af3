// Every op there is. Registration is by name in these lists: objects that register themselves are dropped by the linker
// when they come from a static library.
#pragma once

#include <span>
#include <string_view>

#include "dini/ops/internal.hpp"

namespace dini {

using OpList = std::span<const Op* const>;

OpList elementwise_ops();
OpList reduce_ops();
OpList create_ops();
OpList sort_ops();
OpList shape_ops();
OpList index_ops();
OpList contract_ops();
OpList linalg_ops();
OpList control_ops();
OpList custom_ops();
OpList checkpoint_ops();
OpList linear_ops();
OpList regularity_ops();
OpList implicit_ops();
OpList random_ops();
OpList rounding_ops();

/// All ops, in no order that matters.
OpList all_ops();
/// The op of a name; null where there is none.
const Op* find_op(std::string_view name);

}  // namespace dini
