// The lanes of a problem, which go through each computation together.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/dini/equation.hpp"
#include "dini/io/problem.hpp"

namespace dini::app {

using detail::Leaves;

/// Some or all lanes of a problem; one without a batch is a single lane. Refers to its problem.
class Lanes {
 public:
  /// All of them.
  explicit Lanes(const Problem& problem);

  const Problem& problem() const { return *problem_; }
  std::int64_t size() const { return size_; }
  bool is_batched(const std::string& input) const { return batched_.count(input) > 0; }
  /// An input's value; a batched one's for all lanes.
  const Array& input(const std::string& name) const;
  /// Whether each lane has a start of its own in the problem.
  bool batched_start() const { return !start_.empty(); }
  /// The inputs of one lane.
  Problem::Inputs inputs_of(std::int64_t lane) const;

  /// A lane's result from its inputs and its rows of `more`.
  using Function = std::function<Leaves(const Problem::Inputs& inputs, const Leaves& rows)>;
  /// f of every lane, results side by side along a first axis: by vmap, but one lane after the other where formulas have to
  /// read a batched input, an index or a mask. May be traced.
  Leaves each(const Function& f, const Leaves& more = {}) const;

  /// The same lanes with other values of some inputs; of batched ones for all lanes.
  Lanes with(const Problem::Inputs& changed) const;
  /// Those lanes alone.
  Lanes chosen(const std::vector<std::int64_t>& rows) const;
  /// Their starts, side by side: z, and the multipliers of a start that has some. A formula is evaluated in each lane.
  Point starts() const;
  /// FormulaError where a formula that computes indices has one out of range in some lane, with its row of a solution: in a
  /// traced computation that cannot be told. Other formulas are not evaluated.
  void check_indices(const Formula& formula, const Point& rows) const;

 private:
  const Problem* problem_;
  Problem::Inputs shared_, batched_;
  Point start_;  // of each lane, where it is batched
  std::int64_t size_ = 1;
};

/// Those rows along the first axis.
Array rows_of(const Array& a, const std::vector<std::int64_t>& rows);
Problem::Inputs rows_of(const Problem::Inputs& arrays, const std::vector<std::int64_t>& rows);

}  // namespace dini::app
