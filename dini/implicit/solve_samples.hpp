// Arguments and references with which the tests call the solve op.
#pragma once

#include <vector>

#include "dini/ops/internal.hpp"

namespace dini::detail::implicit {

/// Of maps of z, θ = [a, s, m] whose solution is that of
///     a_i z_i = m_i s / 10 - 3/10 tanh(s z_(1-i)),      m integers, once with one more θ, of no influence,
/// as roots and as fixed points, with every exact adjoint, a user's solver, and a solver that fails.
std::vector<Sample> solve_samples(Dtype dtype);
std::vector<std::vector<long double>> plain_solution(const Sample& s);

}  // namespace dini::detail::implicit
