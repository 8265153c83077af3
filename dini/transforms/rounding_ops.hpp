// The two ops of rounding_noise: one that makes signed roundings, and one by which a Program says where it rounds.
#pragma once

#include "dini/ops/registry.hpp"
#include "dini/trace/emit.hpp"

namespace dini::detail {

/// Roundings are counted in this unit, whatever the dtype, so that those of small numbers do not underflow.
inline constexpr double rounding_unit = 0x1p-24;

/// How many patterns of weights there are; a pattern's number, and that plus any multiple of this, which gives other weights
/// (one for each step of a loop), are what the ops below take.
inline constexpr std::int64_t rounding_patterns = 4;

/// What a unit roundoff of an element is multiplied by, for an op's output (`seed`: the op's number in its Program): between ¼
/// and 7/4, of either sign. Of four ops one after the other, in an element, the signs are orthogonal over the patterns; the
/// magnitudes differ so that no two roundings cancel in all of them.
double rounding_weight(std::int64_t seed, std::int64_t pattern, std::int64_t element);

// {seed: int64; times: double; rank, block: int64}
// (patterns float64 [B...], y [B..., s...], tangent [B..., s...], optional) -> tangent + weight·times·u·|y|, rank the length of
// s, u the unit roundoff of y's dtype, in rounding_unit. Each may lack axes of B, in front. What is not finite in y or tangent
// counts as 0. With `block` > 1 |y| is the largest of each `block` elements one after the other, a block within s.
const Op& rounding_op();

/// y, and what it adds to y's tangent: the rounding of y, in the pattern that is e's tangent. Neither this nor the next is in
/// the registry, since they stand in no Program that is run.
/// {seed, times, block, measure: OpaqueRef, optional} (y, e float64 scalar, operands...) -> y
const Op& rounded_op();
/// e, and a tangent with other weights: for a loop's next step.
const Op& next_rounding_op();

/// What the magnitude of y's terms is: an op, for the absolute values of the operands.
struct RoundingMeasure final : Opaque {
  RoundingMeasure(const Op& o, Params p) : op(o), params(std::move(p)) {}
  std::string name() const override { return op.name; }
  const Op& op;
  const Params params;
};

}  // namespace dini::detail
