// The eager way of a solve.
//
// With T the innermost differentiation around: the solution is found in what is around T, with T's values; one more run of
// the map under T gives ∂F/∂θ dθ; A is computed without T, so that what is around T can differentiate it in turn.
#include "dini/implicit/regularity.hpp"
#include "dini/implicit/solve_spec.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/products.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/host.hpp"

namespace dini::detail {

namespace implicit {

namespace {

// What is thrown for a point of a map that is called with values.
Array check_eagerly(const std::function<Array(const Array&)>& map, const Array& x, const Array& z, const Array& status,
                    const Array& count, const Array& measure, Report report) {
  const std::int64_t code = status.item<std::int64_t>();
  if (code == 0) return x;
  TraceScope scope(std::make_shared<ValueTrace>());
  if (code == static_cast<std::int64_t>(StatusCode::nonfinite)) {
    // The op's message ends with what the map says now, while it can be called.
    report.entry = nonfinite_entry(map, z);
  }
  report.z = z;
  return check_status(x, status, count, measure, report);
}

// The solution where nothing is being differentiated.
Outcome value_eagerly(const std::function<Array(const Array&)>& map, const SolveSettings& settings, const Array& z0) {
  auto p = problem_of(map, settings.kind, settings.structure);
  p.reads_values = true;
  Outcome out = settings.method->solve(p, z0, settings.stop);
  if (!settings.method->staged()) out = judge_value(p, out.z, z0, settings.accept);
  if (out.status.item<std::int64_t>() == 0) return out;
  if (settings.on_failure == OnFailure::raise) {
    check_eagerly(map, out.z, out.z, out.status, out.steps, out.residual_norm,
                  {settings.method->name(), ReportKind::solve});
  } else if (settings.on_failure == OnFailure::nan) {
    out.z = full_like(out.z, Array(std::nan("")));
  }
  return out;
}

}  // namespace

}  // namespace implicit

Outcome solve_eagerly(const std::function<Array(const Array&)>& map, const SolveSettings& settings, const Array& z0) {
  using namespace implicit;
  const TraceRef current = current_trace();
  auto* strip = dynamic_cast<StripTrace*>(current.get());
  const TraceRef around = strip ? strip->parent() : current;
  auto* differentiation = dynamic_cast<JvpTrace*>(around.get());
  if (!differentiation) return value_eagerly(map, settings, z0);
  std::vector<TraceRef> stripped = strip ? strip->stripped() : std::vector<TraceRef>{};
  stripped.push_back(around);
  const auto without = std::make_shared<StripTrace>(stripped, around->parent());
  Outcome out;
  {
    TraceScope scope(without);
    out = solve_eagerly(map, settings, z0);
  }
  const bool failed = out.status.item<std::int64_t>() != 0, nan = settings.on_failure == OnFailure::nan;
  if (failed && nan) {
    const Array dz = differentiation->tangent_of(problem_of(map, settings.kind, settings.structure).residual(z0));
    TraceScope scope(differentiation->tangent_context());
    if (dz.defined()) out.z = differentiation->pair(out.z, guard(dz, array(false)));
    return out;
  }
  auto problem = problem_of(map, settings.kind, settings.structure);
  problem.reads_values = true;
  const bool fixed_point = settings.kind == Kind::fixed_point;
  const Array right = differentiation->tangent_of(fixed_point ? map(out.z) : problem.residual(out.z));
  if (!right.defined()) return out;
  if (failed && !settings.derivative_anyway) {
    check_eagerly(map, out.z, out.z, out.status, out.steps, out.residual_norm,
                  {refused + settings.method->name(), ReportKind::solve});
  }
  if (!settings.adjoint.exact()) {
    // z -> J v as a Program: J is formed once, since the map is called with values.
    Array j;
    {
      TraceScope scope(without);
      j = jacobian(map)(out.z);
    }
    TraceScope scope(differentiation->tangent_context());
    const LinearSystem formed = LinearSystem::of_matrix(j);
    const LinearSystem system = LinearSystem::of_fixed_point(formed.product(), {j});
    out.z = differentiation->pair(out.z, -settings.adjoint.method()->solve(system, {}, right, LinearFailure::keep));
    return out;
  }
  // Of a map that is called with values A is formed, whichever exact adjoint was asked for.
  Factored f;
  Array a;
  bool regular = true;
  {
    TraceScope scope(without);
    a = slopes_at(problem, out.z);
    f = factor_at(problem, {out.z, z0, a, out.factors, !settings.method->has_status(), settings.accept});
    regular = settings.derivative_anyway || f.verdict.status.item<std::int64_t>() == 0;
    if (!regular && !nan)
      check_eagerly(map, out.z, out.z, f.verdict.status, f.verdict.cause, f.verdict.measure,
                    {derivative_by + std::string("direct"), ReportKind::derivative});
  }
  TraceScope scope(differentiation->tangent_context());
  const Array dz = -solve_factored(f.factors, a, right, problem.structure, !out.factors.empty());
  out.z = differentiation->pair(out.z, regular ? dz : guard(dz, array(false)));
  return out;
}

}  // namespace dini::detail
