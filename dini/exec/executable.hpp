// Executable: a Program made ready to run.
//
// Compiling puts called Programs in their place, simplifies (exec/passes.hpp) and lays out a plan: a list of steps, each
// a function pointer and the places of its operands, over memory whose use is planned ahead. Running the plan allocates
// the outputs and nothing else: no locks, no virtual calls, loops that swap pointers instead of copying.
//
// A Program's results do not depend on whether it is optimised: no pass changes the order of floating-point operations.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "dini/core/array.hpp"
#include "dini/trace/internal.hpp"

namespace dini {

struct CompileOptions {
  bool optimize = true;  // false: no passes and no plan, an op at a time into fresh arrays; for tests
};

class Executable {
 public:
  virtual ~Executable() = default;
  /// Throws dini::Error where an op cannot be run, in that op's words.
  static std::shared_ptr<const Executable> compile(const Program& program, CompileOptions options = {});
  /// The outputs for concrete inputs of the Program's shapes and dtypes. From any number of threads at once, and from
  /// within itself (by a callback). What a callback throws passes through.
  virtual Leaves run(std::span<const Array> inputs) const = 0;
  /// The plan, a step a line.
  virtual std::string str() const = 0;
};

/// Runs a Program, which is compiled once: the Executable is kept with the Program, and Programs that are equal share it.
Leaves run_program(const Program& program, std::span<const Array> inputs);

}  // namespace dini
