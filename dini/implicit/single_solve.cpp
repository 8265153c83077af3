#include <cmath>

#include "dini/implicit/host_solve.hpp"
#include "dini/implicit/solve_spec.hpp"
#include "dini/linear/check_status.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/constrained.hpp"
#include "dini/solvers/drive.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::detail::implicit {

SolverProblem problem_of(const std::function<Array(const Array&)>& map, Kind kind, const MatrixStructure& structure) {
  SolverProblem p;
  p.kind = kind;
  p.structure = structure;
  switch (kind) {
    case Kind::root:
    case Kind::bracketed_root: p.residual = Function(map); break;
    case Kind::fixed_point:
      p.map = Function(map);
      p.residual = Function([map](const Array& z) { return map(z) - z; });
      break;
    case Kind::minimize:
    case Kind::quadratic_program:
      p.structure.symmetric = true;
      p.objective = Function(map);
      p.residual = Function([map](const Array& z) { return grad(map)(z); });
      break;
    case Kind::least_squares:
      p.structure.symmetric = true;
      p.objective = Function(map);
      p.residual = Function(
          [map](const Array& z) { return grad([&](const Array& v) { return 0.5 * sum(square(map(v))); })(z); });
      break;
  }
  return p;
}

bool judge_factors(std::int64_t order) { return order > 0 && order <= formed_for_a_look; }

Outcome judge_value(const SolverProblem& p, const Array& z, const Array& z0, double accept) {
  Outcome out;
  out.z = z;
  const Array f = p.residual(z);
  out.residual_norm = length(f);
  out.steps = out.evaluations = out.method = array(std::int64_t{0});
  out.history = zeros({0}, z.dtype());
  const Array s = maximum(length(z), length(z0)), positive = where(s > 0, s, scalar_like(1, s));
  out.error_estimate = out.residual_norm / positive;
  out.status = code(StatusCode::converged);
  if (judge_factors(p.order(z.size()))) {
    const Correction c = newton_correction(p, z, f);
    const Array size = length(c.delta);
    out.error_estimate = where(isfinite(size), size / positive, out.error_estimate);
    out.status = where(isfinite(size) & (size > accept * s), code(StatusCode::not_a_solution), out.status);
    out.factors = c.factors;
    out.factors.push_back(isfinite(size));
  }
  out.status = where(isfinite(out.residual_norm), out.status, code(StatusCode::nonfinite));
  return out;
}

Leaves still(const Leaves& arrays) {
  Leaves out = arrays;
  for (Array& a : out) {
    if (is_floating(a.dtype())) a = stop_gradient(a);
  }
  return out;
}

void lay_to_rest(Leaves& arrays, const Array& alive, const std::function<Array(const Array&)>& calm) {
  for (Array& a : arrays) {
    if (is_floating(a.dtype())) a = where(alive, a, calm(a));
  }
}

Leaves guarded_leaves(const Leaves& dtheta, const Array& alive) {
  Leaves out = dtheta;
  for (Array& a : out) {
    if (a.defined() && is_floating(a.dtype())) a = guard(a, alive);
  }
  return out;
}

Array unit_like(const Array& a) {
  const bool square = a.ndim() == 2 && a.shape()[0] == a.shape()[1];
  return square ? eye(a.shape()[0], a.dtype()) : ones_like(a);
}

ProgramRef SingleSolve::forward(bool derivable) const {
  ProgramRef& slot = forward_[derivable ? 1 : 0];
  {
    std::lock_guard lock(mutex_);
    if (slot) return slot;
  }
  // Made without the lock, since a user's rules run meanwhile; the first that is there stays.
  ProgramRef made = stage_closed([&](const Leaves& in) { return forward_ops(in[0], rest(in, 1), derivable); },
                                 inputs({point()}), "solve");
  std::lock_guard lock(mutex_);
  if (!slot) slot = std::move(made);
  return slot;
}

std::vector<ProgramRef> SingleSolve::made() const {
  std::lock_guard lock(mutex_);
  std::vector<ProgramRef> out{map};
  for (const ProgramRef& p : forward_) {
    if (p) out.push_back(p);
  }
  for (const auto& [active, d] : derivatives_) {
    if (d) out.insert(out.end(), {d->prepare, d->push});
  }
  return out;
}

Spec::Derivative SingleSolve::derivative(const Mask& active) const {
  {
    std::lock_guard lock(mutex_);
    if (const auto& slot = derivatives_[active]) return *slot;
  }
  auto made = std::make_shared<Derivative>();
  const std::size_t given = outputs(), n = points().size();
  const std::vector<Aval> out = forward(true)->output_avals();
  const auto made_first = out.begin() + static_cast<std::ptrdiff_t>(given + n);
  std::vector<Aval> before(out.begin() + static_cast<std::ptrdiff_t>(given), made_first);
  before.push_back(point());
  before.push_back({{}, Dtype::int64, false});
  before.insert(before.end(), made_first, out.end());
  const std::size_t first_theta = before.size();
  Push push;
  std::vector<Aval> push_in;
  for (std::size_t k = 0; k < active.size(); ++k) {
    if (active[k]) push_in.push_back({map->input_avals()[k + 1].shape, map->input_avals()[k + 1].dtype, false});
  }
  const std::size_t moving = push_in.size();
  made->prepare = stage_closed(
      [&](const Leaves& v) {
        const Leaves kept = prepare_ops(part(v, 0, first_theta), rest(v, first_theta), active, push);
        for (const Array& a : kept) push_in.push_back({a.shape(), a.dtype(), a.weak()});
        return kept;
      },
      inputs(before), "solve");
  made->push =
      stage_closed([&](const Leaves& v) { return push(part(v, 0, moving), rest(v, moving)); }, push_in, "solve");
  // As above.
  std::lock_guard lock(mutex_);
  auto& slot = derivatives_[active];
  if (!slot) slot = std::move(made);
  return *slot;
}

Aval SingleSolve::point() const {
  Aval z = map->input_avals()[0];
  z.weak = false;
  return z;
}

std::vector<Aval> SingleSolve::inputs(std::vector<Aval> first) const {
  const std::vector<Aval> all = map->input_avals();
  first.insert(first.end(), all.begin() + 1, all.end());
  return first;
}

namespace {

SolverProblem problem_from(const ProgramRef& map, Kind kind, const MatrixStructure& structure,
                           const ConstraintForm& form, const Leaves& theta) {
  // The map's k-th value as a function of z.
  auto value = [&](std::size_t k) {
    return [map, theta, k](const Array& z) { return evaluate(*map, join({z}, theta))[k]; };
  };
  SolverProblem p = problem_of(value(0), kind, structure);
  if (kind == Kind::bracketed_root) p.lower = theta[0], p.upper = theta[1];
  std::size_t next = 1, bound = 0;
  if (form.lower) p.lower = theta[bound++];
  if (form.upper) p.upper = theta[bound++];
  if (form.equal) p.equal = Function(value(next++));
  if (form.at_most) p.at_most = Function(value(next++));
  p.theta = theta;
  p.again = [=](const Leaves& other) { return problem_from(map, kind, structure, form, other); };
  return p;
}

}  // namespace

SolverProblem SingleSolve::problem_at(const Leaves& theta) const {
  return problem_from(map, settings.kind, settings.structure, settings.form, theta);
}

Leaves SingleSolve::forward_ops(const Array& z0, const Leaves& theta, bool derivable) const {
  const auto p = problem_at(theta);
  Outcome out;
  if (settings.method->staged()) {
    out = settings.method->solve(p, z0, settings.stop);
  } else {
    const auto host = std::make_shared<HostSolve>(map, settings);
    out.z = emit_one(callback_op(), join({z0}, theta), {{"function", OpaqueRef(host)}});
    out = judge_value(p, out.z, z0, settings.accept);
  }
  const Leaves made = derivable ? still(made_of(out)) : Leaves{};
  out.factors.clear();
  if (settings.form.any()) out.constrained.push_back(bounds_multipliers(out, theta));
  const ReportKind report = settings.kind == Kind::bracketed_root ? ReportKind::bracketed_solve : ReportKind::solve;
  Leaves given = flatten(out), found;
  for (std::size_t k : points()) found.push_back(given[k]);
  for (std::size_t k : points()) {
    if (settings.on_failure == OnFailure::raise && k == z_output) {
      given[k] = check_status(given[k], out.status, out.steps, out.residual_norm,
                              {settings.method->name(), report, map, theta});
    } else if (settings.on_failure == OnFailure::nan) {
      given[k] = where(out.status == 0, given[k], Array(std::nan("")));
    }
  }
  return derivable ? join(join(given, found), made) : given;
}

}  // namespace dini::detail::implicit
