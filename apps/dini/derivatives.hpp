// The derivatives that a problem asks for, of any function from inputs to z.
#pragma once

#include <functional>

#include "dini/io/problem.hpp"
#include "dini/io/problem_result.hpp"

namespace dini::app {

using Solution = std::function<Array(const Problem::Inputs&)>;

/// The loss at these inputs and this z, as a scalar of the problem's dtype. ProblemError where it is no scalar.
Array loss_at(const Problem& problem, const Problem::Inputs& inputs, const Array& z);

/// With `added` (of z's shape, zeros) as the input "", whose cotangent it becomes.
ProblemResult::Named gradients(const Problem& problem, const Problem::Inputs& inputs, const Solution& solution,
                               Array* added = nullptr);
/// Hessians of the loss, (n, n) for an input of n elements.
ProblemResult::Named hessians(const Problem& problem, const Problem::Inputs& inputs, const Solution& solution);
/// ∂z/∂input, of shape z.shape + input.shape.
ProblemResult::Named jacobians(const Problem& problem, const Problem::Inputs& inputs, const Solution& solution);

/// How many digits of the gradient agree with central differences of the re-solved problem, for the worst input.
double check_gradient(const Problem& problem, const Problem::Inputs& inputs, const ProblemResult::Named& gradient,
                      const Solution& solution);

/// ProblemError when evaluating the problem's formulas would take more than `max_bytes`, judged by shapes alone. The start
/// is `z0` where that is defined.
void check_memory(const Problem& problem, const Problem::Inputs& inputs, const Array& z0, std::int64_t max_bytes);

}  // namespace dini::app
