// Programs that are made when they are first run: what a solver falls back on is long, and as a rule never needed.
#pragma once

#include <functional>
#include <mutex>

#include "dini/trace/program.hpp"

namespace dini::detail {

/// A Program that is known by its types until somebody runs or transforms it.
class LateProgram final : public Opaque {
 public:
  LateProgram(std::vector<Aval> in, std::vector<Aval> out, std::function<ProgramRef()> make)
      : inputs(std::move(in)), outputs(std::move(out)), make_(std::move(make)) {}
  const std::vector<Aval> inputs, outputs;
  std::string name() const override { return "late"; }
  /// Where two threads ask at once both make one, without a lock, and both get that which was first.
  const ProgramRef& program() const {
    {
      std::lock_guard lock(mutex_);
      if (program_) return program_;
    }
    ProgramRef made = make_();
    std::lock_guard lock(mutex_);
    if (!program_) program_ = std::move(made);
    return program_;
  }
  /// Null where nobody has asked yet.
  ProgramRef made() const {
    std::lock_guard lock(mutex_);
    return program_;
  }

 private:
  std::function<ProgramRef()> make_;
  mutable std::mutex mutex_;
  mutable ProgramRef program_;
};
using LateProgramRef = std::shared_ptr<const LateProgram>;

/// What an equation of the op late_call {program: a LateProgram} calls.
inline LateProgramRef late_program(const Params& params) {
  return std::static_pointer_cast<const LateProgram>(params.get<OpaqueRef>("program"));
}

}  // namespace dini::detail
