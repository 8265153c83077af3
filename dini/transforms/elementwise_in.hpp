// Whether a Program works element by element.
#pragma once

#include "dini/trace/program.hpp"

namespace dini::detail {

/// Whether element i of each output depends on element i of the input alone, as far as the ops say: those of the input's values that
/// have a kernel for elements, on operands of its size, and reshapes. The derivative is then a diagonal. Loops and branches count as
/// anything.
bool is_elementwise(const Program& program, std::size_t input);

}  // namespace dini::detail
