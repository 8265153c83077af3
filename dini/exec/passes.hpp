// The passes over a Program before it is planned. Each leaves every output's bits as they were, for finite numbers (a
// product with an identity matrix may lose the sign of a zero).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "dini/trace/internal.hpp"

namespace dini::exec {

struct Pass {
  const char* name;
  void (*run)(Program&);  // on a private copy; Programs within have had all passes already
};

/// In the order in which they run.
std::span<const Pass> passes();
/// The same to be changed: for tests that take a pass away or break one. Not while anything compiles.
std::vector<Pass>& mutable_passes();

/// A private copy after all passes.
std::shared_ptr<Program> optimized(const Program& program);

void sink_constants(Program& p);
void remove_dead(Program& p);
void simplify(Program& p);
void fold_constants(Program& p);
void merge_common(Program& p);
void hoist_invariant(Program& p);
void combine(Program& p);

}  // namespace dini::exec
