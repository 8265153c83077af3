// The files that a result is written to.
#pragma once

#include <memory>

#include "apps/dini/options.hpp"
#include "dini/io/file.hpp"
#include "dini/io/problem_result.hpp"

namespace dini::app {

/// --out, --history and --plot. Made before the solve, so that a folder that cannot be written to is known by then.
class Output {
 public:
  explicit Output(const Options& options);
  /// Writes what is asked for; on a fault, an earlier result in the folder stays as it was.
  void write(const ProblemResult& result);

 private:
  const Options& options_;
  std::unique_ptr<io::OutputFolder> folder_;
};

}  // namespace dini::app
