// Results of lanes that went through a solve together, and how they are put side by side.
#pragma once

#include <optional>
#include <vector>

#include "apps/dini/derivatives.hpp"

namespace dini::app {

/// All lanes' rows from those of some; NaN for the others.
Array spread(const Array& rows, const std::vector<std::int64_t>& of, std::int64_t lanes);
/// The same for whatever of some lanes' derivatives has rows.
Derivatives spread(Derivatives d, const std::vector<std::int64_t>& of, const Lanes& lanes);

/// Some lanes' results; arrays have the axis of lanes.
struct Part {
  std::int64_t lanes = 0;
  Point point;
  Array loss;
  std::optional<Derivatives> derivatives;    // none: no lane has any
  Problem::Inputs certificate, ray, slacks;  // as in Found; the ray is named `ray`
};

/// What was found, the loss and the derivatives of all lanes, the parts' one after the other, into the result.
void join(const Lanes& all, const std::vector<Part>& parts, ProblemResult& to);

}  // namespace dini::app
