// A filter: which pairs of violation and objective a step may lead to (R. Fletcher and S. Leyffer, Nonlinear programming without a
// penalty function, Math. Program. 91, 2002).
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini::detail {

/// Pairs (θ, φ) of points that were left. Of a fixed length: the oldest makes place.
struct Filter {
  Array violation, objective, next;
  auto tree() { return std::tie(violation, objective, next); }

  /// Nothing but a largest violation.
  static Filter up_to(const Array& violation);
  /// Whether (θ, φ) is better than each in θ or in φ, by a part of its θ.
  Array allows(const Array& violation, const Array& objective) const;
  Filter with(const Array& violation, const Array& objective) const;

  static constexpr double margin = 1e-5;
};

}  // namespace dini::detail
