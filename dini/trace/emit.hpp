// emit: the one way in which operations happen. What it does depends on the thread's current trace: with none it runs
// the op's kernel, under a transformation it hands the op to that transformation's trace.
//
// This header is the door between ops/, whose rules are written with ops, and trace/.
#pragma once

#include "dini/ops/internal.hpp"

namespace dini {

/// The op's outputs.
Leaves emit(const Op& op, const Leaves& inputs, const Params& params = {});

/// The output of an op that has one.
inline Array emit_one(const Op& op, const Leaves& inputs, const Params& params = {}) {
  return std::move(emit(op, inputs, params).front());
}

/// Whether an array's elements can be read here and now: concrete, or traced with a concrete primal.
bool is_readable(const Array& a);

}  // namespace dini
