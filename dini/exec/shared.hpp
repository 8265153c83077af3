// Executables that equal Programs share.
#pragma once

#include <memory>

#include "dini/exec/executable.hpp"

namespace dini::exec {

/// The Executable for a Program: that of an equal Program if there still is one.
std::shared_ptr<const Executable> shared_executable(const Program& program);

}  // namespace dini::exec
