// The line search of an interior-point method, by a filter.
#pragma once

#include "dini/solvers/barrier.hpp"
#include "dini/solvers/filter.hpp"

namespace dini::detail {

struct BarrierSearch {
  BarrierPoint to;
  Barrier::Values values;
  Filter filter;
  Array good, tries;
  auto tree() { return std::tie(to, values, filter, good, tries); }
};
/// From p along Newton's step of `k`. A length is good where the filter allows what it leads to and either the objective falls as its
/// slope says, where it is the slope that counts, or violation or objective by a part of the violation (Wächter and Biegler, section
/// 2.3). A first one that leads further from the constraints is tried again with a second-order correction.
BarrierSearch search(const Barrier& barrier, const Barrier::System& k, const Barrier::Values& v,
                     const Barrier::Slopes& s, const BarrierPoint& p, const Array& mu, const Filter& filter,
                     double border, int max_halvings);

}  // namespace dini::detail
