#include "dini/implicit/same_solver.hpp"

#include "dini/implicit/host_solve.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"

namespace dini::detail::implicit {

namespace {

struct SameSolverMethod final : TableMethod<SameSolver> {
  SameSolverMethod(const SameSolver& o, const SolveSettings& s) : TableMethod(o), settings(s) {
    settings.kind = Kind::fixed_point;
    settings.structure = {};
    settings.stop.history = 0;
    settings.stop.watch = nullptr;
    settings.stop.max_steps = o.max_steps;
    if (o.tolerance >= 0) settings.stop.tolerance = {o.tolerance, 0};
  }
  SolveSettings settings;
  std::string key() const override { return TableMethod::key() + " " + settings.method->key(); }

  LinearOutcome attempt(const Product& apply, const LinearSystem& system, const Leaves&, const Array& b,
                        bool transposed) const override {
    const Array start = zeros_like(b);
    const LinearSystem here = transposed ? system.transposed() : system;
    const std::function<Array(const Array&)> map = [&](const Array& u) {
      return (here.is_fixed_point() ? here.apply_map(u) : u + apply(u)) - b;
    };
    if (settings.method->staged()) {
      const auto p = problem_of(map, Kind::fixed_point, {});
      const Outcome out = settings.method->solve(p, start, settings.stop);
      return {out.z, out.status, out.residual_norm};
    }
    const Staged staged = stage([&](const Leaves& v) { return Leaves{map(v[0])}; }, {b.aval()}, "solve");
    const auto host = std::make_shared<HostSolve>(staged.program, settings);
    const Array x = emit_one(callback_op(), join({start}, staged.captured), {{"function", OpaqueRef(host)}});
    const Array residual = norm(apply(x) - b);
    return {x, where(residual <= 1e-2 * norm(b), code(StatusCode::converged), code(StatusCode::not_a_solution)),
            residual};
  }
};

}  // namespace

LinearMethodRef same_solver_method(const SameSolver& options, const SolveSettings& settings) {
  return std::make_shared<SameSolverMethod>(options, settings);
}

}  // namespace dini::detail::implicit
