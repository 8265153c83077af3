#include "dini/solvers/anderson.hpp"

#include "dini/core/index.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/drive.hpp"

namespace dini {

const detail::MethodTable<Anderson>& Anderson::table() {
  static const detail::MethodTable<Anderson> t{
      "anderson",
      "mixes the last iterates; for maps that do not quite contract, and for large z",
      {Kind::fixed_point},
      true,
      {{"history", &Anderson::history, {1}, "how many iterates are mixed"},
       {"mixing", &Anderson::mixing, {0, 1, false}, "how much of f's values is taken"},
       {"ridge", &Anderson::ridge, {}, "regularisation, relative"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> Anderson::method() const {
  using namespace detail;
  const int m = history;
  // memory: the last m iterates, their residuals, and how many there have been. Rows that are not there yet are zero.
  auto state = [](const Array& z, const Array& g, const Array& evaluations, const Array& zs, const Array& gs,
                  const Array& count) {
    return SolverState{z,           g,  zeros({0}, z.dtype()), scalar_like(0, z), code(StatusCode::converged),
                       evaluations, {}, {zs, gs, count}};
  };
  StepFunctions steps;
  steps.init = [=](const SolverProblem& p, const Array& z0) {
    const Array g = p.residual(z0), none = zeros({m, z0.size()}, z0.dtype());
    return state(z0, g, array(std::int64_t{1}), none.at(0).set(z0), none.at(0).set(g), array(std::int64_t{1}));
  };
  steps.step = [=, beta = mixing, lambda = ridge](const SolverProblem& p, const SolverState& s) {
    const Array zs = s.memory[0], gs = s.memory[1], count = s.memory[2];
    const Array there = where(arange(m) < count, scalar_like(1, s.z), scalar_like(0, s.z));
    // The bordered system [[0, 1ᵀ], [1, GGᵀ/largest + ridge]]; a row that is not there yet is cut off from the others.
    // Of numbers about 1, whose squares are none too large or small.
    Array unit = gs;
    if (gs.size() > 0) {
      const Array most = max(abs(gs));
      unit = gs / where((most > 0) & isfinite(most), most, scalar_like(1, s.z));
    }
    const Array gram = tensordot(unit, unit, Axes{1});
    const Array sizes = max(sum(square(unit), 1));
    const Array scaled =
        gram / where(sizes > 0, sizes, scalar_like(1, s.z)) + eye(m, s.z.dtype()) * (lambda + (1 - there));
    const Array h = block({{zeros({1, 1}, s.z.dtype()), reshape(there, {1, m})}, {reshape(there, {m, 1}), scaled}});
    const Array alpha = linalg::solve(h, zeros({m + 1}, s.z.dtype()).at(0).set(1.0))(slice(1, end));
    const Array mixed = dot(alpha, zs) + beta * dot(alpha, gs);
    const Array z = where(all(isfinite(mixed)), mixed, s.z + s.residual);
    const Array g = p.residual(z), slot = count % m;
    return state(z, g, s.evaluations + 1, zs.at(slot).set(z), gs.at(slot).set(g), count + 1);
  };
  steps.default_max_steps = 10000;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
