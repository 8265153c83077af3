// Which equations of a Program run together, and in which order.
#pragma once

#include <cstdint>
#include <vector>

#include "dini/trace/internal.hpp"

namespace dini::exec {

/// One thing to do: a single equation, or elementwise ones on long arrays of one size that run block by block.
struct Group {
  std::vector<int> equations;
  bool fused = false;
  std::int64_t size = 0;
  int operands = 0;
};

struct Grouping {
  std::vector<Group> groups;  // in an order that respects what needs what
  std::vector<int> group_of;  // by equation
  /// Equations that repeat one number for fused groups alone: nothing needs to be done for them.
  std::vector<bool> only_splat;
};

Grouping group_equations(const Program& p);

/// Whether an equation repeats one number.
bool is_splat(const Program& p, const Equation& e);
/// Whether it is a sum over all elements, or of their squares for the norm, that a fused loop can do.
bool is_full_sum(const Program& p, const Equation& e);

}  // namespace dini::exec
