// The most steps of a `loop` (transforms/control.hpp) whose condition ends it by itself: nothing counts them.
#pragma once

#include <cstdint>
#include <limits>

namespace dini::detail {

inline constexpr std::int64_t ends_by_itself = std::numeric_limits<std::int64_t>::max();

}  // namespace dini::detail
