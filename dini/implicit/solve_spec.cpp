#include "dini/implicit/solve_spec.hpp"

#include <cmath>
#include <map>

#include "dini/implicit/host_solve.hpp"
#include "dini/implicit/same_solver.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/drive.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::detail::implicit {

SolverProblem problem_of(const std::function<Array(const Array&)>& map, Kind kind, const MatrixStructure& structure) {
  SolverProblem p;
  p.kind = kind;
  p.structure = structure;
  switch (kind) {
    case Kind::root: p.residual = Function(map); break;
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

bool judge_factors(std::int64_t n) { return n > 0 && n <= formed_for_a_look; }

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
  if (judge_factors(z.size())) {
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

namespace {

Array call_map(const ProgramRef& map, const Array& z, const Leaves& theta) {
  return evaluate(*map, join({z}, theta))[0];
}

Leaves still(const Leaves& arrays) {
  Leaves out = arrays;
  for (Array& a : out) {
    if (is_floating(a.dtype())) a = stop_gradient(a);
  }
  return out;
}

// What is kept of a solution for its derivative.
struct Kept {
  Leaves matrix;    // A, where it is formed
  Leaves prepared;  // by the method
  Leaves system;    // what products with A are made of, where it is not formed
  Array alive;      // whether there is a derivative
  Leaves theta;     // of ∂F/∂θ
  auto tree() { return std::tie(matrix, prepared, system, alive, theta); }
};

struct Plain final : Spec {
  ProgramRef map;
  SolveSettings settings;
  const SolveSettings& settings_of() const override { return settings; }

  ProgramRef forward(bool derivable) const override {
    return forward_[derivable ? 1 : 0].get([&] {
      return stage_closed([&](const Leaves& in) { return forward_ops(in[0], rest(in, 1), derivable); },
                          inputs({point()}), "solve");
    });
  }

  Derivative derivative(const Mask& active) const override {
    std::lock_guard lock(mutex_);
    auto& slot = derivatives_[active];
    if (slot) return *slot;
    auto made = std::make_shared<Derivative>();
    std::vector<Aval> before{point(), point(), {{}, Dtype::int64, false}};
    const std::vector<Aval> out = forward(true)->output_avals();
    before.insert(before.end(), out.begin() + outputs + 1, out.end());
    const std::size_t first_theta = before.size();
    std::function<Array(const Leaves&, const Kept&)> push;
    Kept kept;
    std::vector<Aval> push_in;
    for (std::size_t k = 0; k < active.size(); ++k) {
      if (active[k]) push_in.push_back({map->input_avals()[k + 1].shape, map->input_avals()[k + 1].dtype, false});
    }
    const std::size_t moving = push_in.size();
    made->prepare = stage_closed(
        [&](const Leaves& v) {
          kept = prepare_ops(v[0], v[1], v[2], part(v, 3, first_theta), rest(v, first_theta), active, push);
          const Leaves leaves = flatten(kept);
          for (const Array& a : leaves) push_in.push_back({a.shape(), a.dtype(), a.weak()});
          return leaves;
        },
        inputs(before), "solve");
    made->push = stage_closed(
        [&](const Leaves& v) { return Leaves{push(part(v, 0, moving), unflatten(kept, rest(v, moving)))}; }, push_in,
        "solve");
    slot = made;
    return *slot;
  }

 private:
  // Kept here and not with the Program of the map, which they refer to.
  Lazy<ProgramRef> forward_[2], equation_;
  mutable std::recursive_mutex mutex_;
  mutable std::map<Mask, std::shared_ptr<const Derivative>> derivatives_;

  Aval point() const {
    Aval z = map->input_avals()[0];
    z.weak = false;
    return z;
  }
  // The types of these, then of θ.
  std::vector<Aval> inputs(std::vector<Aval> first) const {
    const std::vector<Aval> all = map->input_avals();
    first.insert(first.end(), all.begin() + 1, all.end());
    return first;
  }

  SolverProblem problem_at(const Leaves& theta) const {
    return problem_of([this, theta](const Array& z) { return call_map(map, z, theta); }, settings.kind,
                      settings.structure);
  }

  // What the theorem linearises: f of a fixed point, otherwise the residual.
  const ProgramRef& equation() const {
    return equation_.get([&] {
      if (settings.kind == Kind::root || settings.kind == Kind::fixed_point) return map;
      return stage_closed([&](const Leaves& in) { return Leaves{problem_at(rest(in, 1)).residual(in[0])}; },
                          inputs({point()}), "solve");
    });
  }

  Leaves forward_ops(const Array& z0, const Leaves& theta, bool derivable) const {
    const auto p = problem_at(theta);
    Outcome out;
    if (settings.method->staged()) {
      out = settings.method->solve(p, z0, settings.stop);
    } else {
      const auto host = std::make_shared<HostSolve>(map, settings);
      out.z = emit_one(callback_op(), join({z0}, theta), {{"function", OpaqueRef(host)}});
      out = judge_value(p, out.z, z0, settings.accept);
    }
    const Array z = out.z;
    const Leaves factors = out.factors;
    out.factors.clear();
    if (settings.on_failure == OnFailure::raise) {
      out.z =
          check_status(out.z, out.status, out.steps, out.residual_norm, {solver_name(), ReportKind::solve, map, theta});
    } else if (settings.on_failure == OnFailure::nan) {
      out.z = where(out.status == 0, out.z, Array(std::nan("")));
    }
    const Leaves given = flatten(out);
    return derivable ? join(join(given, {z}), still(factors)) : given;
  }

  std::string solver_name() const { return settings.method->name(); }

  LinearMethodRef linear_method(bool factors_there) const {
    if (settings.adjoint.automatic()) {
      if (factors_there || point().shape.size() <= formed_unasked) return Direct{}.method();
      const bool symmetric = settings.kind == Kind::minimize || settings.kind == Kind::least_squares ||
                             settings.structure.symmetric || settings.structure.positive_definite;
      return symmetric ? MINRES{}.method() : GMRES{}.method();
    }
    if (const auto* same = dynamic_cast<const SameSolverChoice*>(settings.adjoint.method().get()))
      return same_solver_method(same->options, settings);
    return settings.adjoint.method();
  }

  // What does not depend on dθ, made once, and the function that gives dz from dθ and that.
  Kept prepare_ops(const Array& z, const Array& z0, const Array& status, const Leaves& factors, const Leaves& theta,
                   const Mask& active, std::function<Array(const Leaves&, const Kept&)>& push) const {
    const bool nan = settings.on_failure == OnFailure::nan;
    const bool anyway = settings.derivative_anyway && settings.on_failure == OnFailure::best,
               fixed_point = settings.kind == Kind::fixed_point;
    const LinearMethodRef method = linear_method(!factors.empty());
    const SolverProblem p = problem_at(theta);
    const LinearFailure failure = anyway ? LinearFailure::keep : nan ? LinearFailure::nan : LinearFailure::raise;
    Kept kept;
    Mask by_theta{false};
    by_theta.insert(by_theta.end(), active.begin(), active.end());
    const LinearProgram in_theta = linear_program(equation(), by_theta, {true});
    kept.theta = rest(evaluate(*in_theta.primal, join({z}, theta)), 1);
    const ProgramRef theta_tangent = in_theta.tangent;

    const bool dense = method->wants_matrix(), direct = method->name() == Direct::table().name;
    // Where the adjoint's system is solved by an iteration that contracts, I - J is regular if that converges.
    const bool proves_itself = method->name() == SameSolver::table().name && settings.method->contracts();
    const bool wants_verdict = method->exact() && !proves_itself && !anyway;
    Mask by_z{true};
    by_z.resize(theta.size() + 1, false);
    std::optional<LinearProgram> in_z;
    LinearSystem system;
    if (dense) {
      kept.matrix = {jacobian(p.residual)(z)};
      system = LinearSystem::of_matrix(kept.matrix[0], p.structure);
    } else {
      in_z = linear_program(equation(), by_z, {true});
      kept.system = rest(evaluate(*in_z->primal, join({z}, theta)), 1);
      system = fixed_point ? LinearSystem::of_fixed_point(in_z->tangent, kept.system, p.structure)
                           : LinearSystem::of_products(in_z->tangent, kept.system, p.structure);
    }

    // The verdict is about numbers, not something to differentiate.
    const auto frozen = problem_at(still(theta));
    PointOfSolve point{z, z0, Array(), factors, !settings.method->has_status(), settings.accept};
    std::optional<Verdict> verdict;
    if (wants_verdict && (dense || !factors.empty() || z.size() <= formed_for_a_look)) {
      point.matrix = dense ? kept.matrix[0] : stop_gradient(jacobian(frozen.residual)(stop_gradient(z)));
      const Factored f = factor_at(frozen, point);
      verdict = f.verdict;
      if (direct) kept.prepared = f.factors;
    } else if (wants_verdict) {
      const LinearSystem still_system = system;
      Products products;
      products.linearized = [&](const Array& at) {
        Leaves out = evaluate(*in_z->primal, join({at}, still(theta)));
        if (fixed_point) out[0] = out[0] - at;
        return out;
      };
      products.product = [&](const Array& v, const Leaves& k) { return still_system.with(k).apply(v); };
      products.solved = [&](const Array& b, const Leaves& k) {
        const LinearSystem here = still_system.with(k);
        return method->attempt([&](const Array& v) { return here.apply(v); }, here, method->prepare(here), b, false);
      };
      verdict = judge_by_products(frozen, products, point);
    }
    const bool refined = direct && verdict && !factors.empty();
    if (!(direct && verdict)) kept.prepared = method->prepare(system.with(still(system.kept())));

    kept.alive = array(true);
    if (verdict) {
      kept.alive = verdict->status == 0;
      if (!nan) {
        Report report{derivative_by + method->name(), ReportKind::derivative, equation(), theta, z};
        kept.alive = check_status(kept.alive, verdict->status, verdict->cause, verdict->measure, report);
      }
    }
    if (nan) {
      kept.alive = kept.alive & (status == 0);
      lay_to_rest(kept);
    }

    push = [theta_tangent, method, system, refined, failure](const Leaves& dtheta, const Kept& k) {
      const Array b = evaluate(*theta_tangent, join(dtheta, k.theta))[0];
      const LinearSystem here = system.with(k.matrix.empty() ? k.system : k.matrix);
      const Array x = refined ? solve_factored(k.prepared, k.matrix[0], b, here.structure(), true)
                              : method->solve(here, k.prepared, b, failure);
      return guard(-x, k.alive);
    };
    return kept;
  }

  // Of what has no derivative no NaN may come into the sums of others, so that a loss may mask it: it is given numbers that none
  // comes of. Those of ∂F/∂θ are not 0, or forward mode would find a derivative of 0 where there is none.
  static void lay_to_rest(Kept& k) {
    const auto replaced = [&](Leaves& arrays, const auto& calm) {
      for (Array& a : arrays) {
        if (is_floating(a.dtype())) a = where(k.alive, a, calm(a));
      }
    };
    const auto unit = [](const Array& a) {
      const bool square = a.ndim() == 2 && a.shape()[0] == a.shape()[1];
      return square ? eye(a.shape()[0], a.dtype()) : ones_like(a);
    };
    replaced(k.matrix, unit);
    replaced(k.prepared, unit);
    replaced(k.system, [](const Array& a) { return zeros_like(a); });
    replaced(k.theta, [](const Array& a) { return ones_like(a); });
  }
};

struct Lanes final : Spec {
  SpecRef inner;
  Mask batched;  // of [z0, θ...]
  std::int64_t size = 0;
  const SolveSettings& settings_of() const override { return inner->settings_of(); }
  ProgramRef forward(bool derivable) const override {
    const ProgramRef one = inner->forward(derivable);
    return batch_program(one, batched, size, Mask(one->outputs.size(), true)).program;
  }
  Derivative derivative(const Mask& active) const override {
    const Derivative one = inner->derivative(active);
    // z, status and factors have lanes; z0 and θ where they have.
    const std::size_t made = one.prepare->inputs.size() - batched.size() - 2;
    Mask prepare_in{true, batched[0], true};
    prepare_in.resize(prepare_in.size() + made, true);
    prepare_in.insert(prepare_in.end(), batched.begin() + 1, batched.end());
    const Mask all(one.prepare->outputs.size(), true);
    Mask push_in;
    for (std::size_t k = 0; k < active.size(); ++k) {
      if (active[k]) push_in.push_back(batched[k + 1]);
    }
    push_in.insert(push_in.end(), all.begin(), all.end());
    return {batch_program(one.prepare, prepare_in, size, all).program,
            batch_program(one.push, push_in, size, {true}).program};
  }
};

}  // namespace

SpecRef plain_spec(const ProgramRef& map, const SolveSettings& settings) {
  auto spec = std::make_shared<Plain>();
  spec->map = map;
  spec->settings = settings;
  return spec;
}

SpecRef lanes_spec(const SpecRef& one, const Mask& batched, std::int64_t size) {
  auto lanes = std::make_shared<Lanes>();
  lanes->inner = one;
  lanes->batched = batched;
  lanes->size = size;
  return lanes;
}

}  // namespace dini::detail::implicit
