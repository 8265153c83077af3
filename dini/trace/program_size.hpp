// How large Programs are, for who keeps some of them and not too many.
#pragma once

#include <cstddef>
#include <unordered_set>

#include "dini/trace/program.hpp"

namespace dini::detail {

/// Equations of a Program and of those that it holds, each Program counted once, with `seen` over several calls; of what is made late
/// (trace/late.hpp), what has been made.
std::size_t equations_in(const Program& p, std::unordered_set<const Program*>& seen);

}  // namespace dini::detail
