// Which equations of a Program run together, and in which order.
#pragma once

#include <cstdint>
#include <optional>
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
  /// Equations that repeat something for fused groups alone, which read it itself: nothing needs to be done for them.
  std::vector<bool> only_repeats;
};

Grouping group_equations(const Program& p);

/// How an equation repeats its operand: element i of the result is element i / inner % length of it. A length of 1 is one number's, an
/// inner of 1 that of rows which are all the same. Nothing where it does no such thing.
struct Repeats {
  std::int64_t length = 0, inner = 1;
};
std::optional<Repeats> repeats(const Program& p, const Equation& e);
/// Whether an equation repeats one number.
bool is_splat(const Program& p, const Equation& e);
/// Whether it is a sum over all elements, or of their squares for the norm, that a fused loop can do.
bool is_full_sum(const Program& p, const Equation& e);

}  // namespace dini::exec
