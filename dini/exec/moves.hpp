// Ops that only move elements (slices, transpositions, repetitions, joins, padding) as lists of where their elements come from,
// so that a plan need not work out shapes and strides each time it runs.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "dini/exec/steps.hpp"

namespace dini::exec {

/// Neighbours in the result that are neighbours in an operand.
struct MovedRun {
  std::uint32_t operand = 0, from = 0;  // the first of them
  std::size_t count = 0;
};

/// The runs of which the result consists, in order; null for an op that does something else.
std::optional<std::vector<MovedRun>> moved_runs(const Op& op, const Params& params, std::span<const Aval> in,
                                                const Aval& out);

/// What a step needs that moves elements, and the slots it reads; `out` is that of the result.
struct MovesData final : StepData {
  struct Run {
    std::uint32_t operand = 0;
    std::size_t from = 0, bytes = 0;
  };
  std::vector<Run> runs;              // long ones
  std::vector<std::uint32_t> places;  // or of one operand, element by element
  std::vector<std::uint32_t> in;
  std::uint32_t out = 0;
};

/// A step for an op that moves few elements; without `run` and `code` where there is none. `data` is set where the step needs it.
Step moves_step(const Op& op, const Params& params, std::span<const Aval> in, const Aval& out,
                std::unique_ptr<MovesData>& data);

}  // namespace dini::exec
