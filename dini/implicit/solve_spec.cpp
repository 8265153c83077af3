#include "dini/implicit/solve_spec.hpp"

#include <cmath>
#include <map>

#include "dini/implicit/contraction.hpp"
#include "dini/implicit/host_solve.hpp"
#include "dini/implicit/same_solver.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/drive.hpp"
#include "dini/solvers/products.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/lanes.hpp"

namespace dini::detail::implicit {

namespace {

// What is kept of a solution for its derivative.
struct Kept {
  Leaves matrix;    // A, where it is formed
  Leaves prepared;  // by the method
  Leaves system;    // what products with A are made of, where it is not formed
  Array alive;      // whether there is a derivative
  Leaves theta;     // of ∂F/∂θ
  auto tree() { return std::tie(matrix, prepared, system, alive, theta); }
};

struct Plain final : SingleSolve {
  using SingleSolve::SingleSolve;

 protected:
  Leaves made_of(const Outcome& out) const override { return out.factors; }
  Leaves prepare_ops(const Leaves& solution, const Leaves& theta, const Mask& active, Push& push) const override {
    std::function<Array(const Leaves&, const Kept&)> of_kept;
    const Kept kept = prepared(solution[0], solution[1], solution[2], rest(solution, 3), theta, active, of_kept);
    push = [kept, of_kept](const Leaves& dtheta, const Leaves& leaves) {
      return Leaves{of_kept(dtheta, unflatten(kept, leaves))};
    };
    return flatten(kept);
  }

 private:
  Lazy<ProgramRef> equation_;

  // What the theorem linearises: f of a fixed point, otherwise the residual.
  const ProgramRef& equation() const {
    return equation_.get([&] {
      if (settings.kind == Kind::root || settings.kind == Kind::fixed_point || settings.kind == Kind::bracketed_root)
        return map;
      return stage_closed([&](const Leaves& in) { return Leaves{problem_at(rest(in, 1)).residual(in[0])}; },
                          inputs({point()}), "solve");
    });
  }

  // Whether the default is to try products before factors.
  bool tries_products(bool factors_there, std::int64_t order) const {
    return settings.adjoint.automatic() && settings.kind == Kind::fixed_point && !factors_there &&
           settings.method->has_status() && order >= contraction_from && order <= formed_unasked;
  }

  LinearMethodRef linear_method(bool factors_there, std::int64_t order) const {
    if (settings.adjoint.automatic()) {
      if (factors_there || order <= formed_unasked) return Direct{}.method();
      const bool symmetric =
          settings.kind == Kind::minimize || settings.kind == Kind::least_squares || is_symmetric(settings.structure);
      return symmetric ? MINRES{}.method() : GMRES{}.method();
    }
    if (const auto* same = dynamic_cast<const SameSolverChoice*>(settings.adjoint.method().get()))
      return same_solver_method(same->options, settings);
    return settings.adjoint.method();
  }

  // What does not depend on dθ, made once, and the function that gives dz from dθ and that.
  Kept prepared(const Array& z, const Array& z0, const Array& status, const Leaves& factors, const Leaves& theta,
                const Mask& active, std::function<Array(const Leaves&, const Kept&)>& push) const {
    const bool nan = settings.on_failure == OnFailure::nan;
    const bool anyway = settings.derivative_anyway && settings.on_failure == OnFailure::best,
               fixed_point = settings.kind == Kind::fixed_point;
    const SolverProblem p = problem_at(theta);
    const std::int64_t order = p.order(z.size());
    const bool products_first = tries_products(!factors.empty(), order) && !anyway;
    const LinearMethodRef method =
        products_first ? contraction_method(settings.structure) : linear_method(!factors.empty(), order);
    const LinearFailure failure = anyway ? LinearFailure::keep : nan ? LinearFailure::nan : LinearFailure::raise;
    Kept kept;
    Mask by_theta{false};
    by_theta.insert(by_theta.end(), active.begin(), active.end());
    const LinearProgram in_theta = linear_program(equation(), by_theta, {true});
    kept.theta = rest(evaluate(*in_theta.primal, join({z}, theta)), 1);
    const ProgramRef theta_tangent = in_theta.tangent;

    const bool dense = method->wants_matrix(), direct = dense && method->name() == Direct::table().name;
    // Where the adjoint's system is solved by an iteration that contracts, I - J is regular if that converges.
    const bool proves_itself = method->name() == SameSolver::table().name && settings.method->contracts();
    const bool wants_verdict = method->exact() && !proves_itself && !anyway;
    Mask by_z{true};
    by_z.resize(theta.size() + 1, false);
    std::optional<LinearProgram> in_z;
    LinearSystem system;
    if (dense) {
      // All but Direct take any matrix to be a whole one.
      kept.matrix = {direct ? slopes_at(p, z) : jacobian(p.residual)(z)};
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
    const auto linearized = [&](const Array& at) { return evaluate(*in_z->primal, join({at}, still(theta))); };
    if (products_first) {
      const LinearSystem still_system = system;
      const Contraction contraction =
          contracts_at(frozen, stop_gradient(z), linearized,
                       [&](const Array& v, const Leaves& k) { return still_system.with(k).apply_map(v); });
      const Array zero = array(std::int64_t{0});
      const Factored f = cond(
          contraction.holds,
          [&] {
            return Factored{no_factors(zeros({z.size(), z.size()}, z.dtype()), settings.structure),
                            {zero, zero, scalar_like(1, z)}};
          },
          [&] {
            PointOfSolve at = point;
            at.matrix = stop_gradient(jacobian(frozen.residual)(stop_gradient(z)));
            return factor_at(frozen, at);
          });
      verdict = f.verdict;
      kept.prepared = join({contraction.holds, contraction.units}, f.factors);
    } else if (wants_verdict && (dense || !factors.empty() || order <= formed_for_a_look)) {
      const bool there = direct || (dense && !p.diagonal());
      point.matrix = there ? kept.matrix[0] : stop_gradient(slopes_at(frozen, stop_gradient(z)));
      const Factored f = factor_at(frozen, point);
      verdict = f.verdict;
      if (direct) kept.prepared = f.factors;
    } else if (wants_verdict) {
      const LinearSystem still_system = system;
      Products products;
      products.linearized = [&](const Array& at) {
        Leaves out = linearized(at);
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
    if (!products_first && !(direct && verdict)) kept.prepared = method->prepare(system.with(still(system.kept())));

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
      lay_to_rest(kept.matrix, kept.alive, unit_like);
      lay_to_rest(kept.prepared, kept.alive, unit_like);
      lay_to_rest(kept.system, kept.alive, [](const Array& a) { return zeros_like(a); });
      // Those of ∂F/∂θ are not 0, or forward mode would find a derivative of 0 where there is none; nor may they cancel (below).
      lay_to_rest(kept.theta, kept.alive, [](const Array& a) { return ones_like(a); });
    }

    push = [theta_tangent, method, system, refined, failure, nan](const Leaves& dtheta, const Kept& k) {
      const Leaves moving = nan ? guarded_leaves(dtheta, k.alive) : dtheta;
      const Array b = evaluate(*theta_tangent, join(moving, k.theta))[0];
      const LinearSystem here = system.with(k.matrix.empty() ? k.system : k.matrix);
      const Array x = refined ? solve_factored(k.prepared, k.matrix[0], b, here.structure(), true)
                              : method->solve(here, k.prepared, b, failure);
      return guard(-x, k.alive);
    };
    return kept;
  }
};

struct Lanes final : Spec {
  SpecRef inner;
  Mask batched;  // of [z0, θ...]
  std::int64_t size = 0;
  const SolveSettings& settings_of() const override { return inner->settings_of(); }
  // What it makes is kept with the Programs of the single one.
  std::vector<ProgramRef> made() const override { return inner->made(); }
  // Which bounds and constraints are active, and which weakly, is such a verdict. Those of a quadratic program come from factors of its
  // own rows, and are as far from the edge in a tile as alone; in float32 not where its units are far apart.
  LaneRule rule(const ProgramRef& one, const Mask& linear = {}) const {
    LaneRule rule{linear};
    if (settings_of().kind == Kind::quadratic_program && one->input_avals()[0].dtype == Dtype::float64)
      rule.largest_matrix = 48;
    else
      rule.one_by_one = settings_of().form.any();
    return rule;
  }
  ProgramRef forward(bool derivable) const override {
    const ProgramRef one = inner->forward(derivable);
    return lanes_program(one, batched, size, Mask(one->outputs.size(), true), rule(one)).program;
  }
  Derivative derivative(const Mask& active) const override {
    const Derivative one = inner->derivative(active);
    // Points, status and what was made have lanes; z0 and θ where they have.
    const std::size_t n = points().size(), made = one.prepare->inputs.size() - batched.size() - n - 1;
    Mask prepare_in(n, true);
    prepare_in.push_back(batched[0]);
    prepare_in.resize(prepare_in.size() + 1 + made, true);
    prepare_in.insert(prepare_in.end(), batched.begin() + 1, batched.end());
    // What is the same in all lanes, as a matrix that they share, is kept once.
    const BatchProgram prepare = lanes_program(one.prepare, prepare_in, size, {}, rule(one.prepare));
    Mask push_in;
    for (std::size_t k = 0; k < active.size(); ++k) {
      if (active[k]) push_in.push_back(batched[k + 1]);
    }
    const Mask tangents(push_in.size(), true);
    push_in.insert(push_in.end(), prepare.out_batched.begin(), prepare.out_batched.end());
    return {prepare.program,
            lanes_program(one.push, push_in, size, Mask(n, true), rule(one.prepare, tangents)).program};
  }
};

}  // namespace

SpecRef plain_spec(const ProgramRef& map, const SolveSettings& settings) {
  if (settings.form.any()) return constrained_spec(map, settings);
  return std::make_shared<Plain>(map, settings);
}

SpecRef lanes_spec(const SpecRef& one, const Mask& batched, std::int64_t size) {
  auto lanes = std::make_shared<Lanes>();
  lanes->inner = one;
  lanes->batched = batched;
  lanes->size = size;
  return lanes;
}

}  // namespace dini::detail::implicit
