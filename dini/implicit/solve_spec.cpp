#include "dini/implicit/solve_spec.hpp"

#include <cmath>
#include <map>

#include "dini/implicit/regularity.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/transforms/host.hpp"

namespace dini::detail::implicit {

SolverProblem problem_of(const std::function<Array(const Array&)>& map, bool fixed_point) {
  SolverProblem p;
  p.fixed_point = fixed_point;
  if (!fixed_point) {
    p.residual = Function(map);
    return p;
  }
  p.map = Function(map);
  p.residual = Function([map](const Array& z) { return map(z) - z; });
  return p;
}

namespace {

constexpr std::int64_t verdict_limit = 200;  // unknowns up to which A is formed just to see whether it is regular

Array call_map(const ProgramRef& map, const Array& z, const Leaves& theta) {
  Leaves inputs{z};
  inputs.insert(inputs.end(), theta.begin(), theta.end());
  return evaluate(*map, inputs)[0];
}

// A user's solver, or any other that must be called at run time: [z0, θ...] -> z.
struct HostSolve final : HostFunction {
  ProgramRef map;
  std::shared_ptr<const SolverMethod> method;
  SolveSettings settings;
  std::string name() const override { return method->name(); }
  std::vector<Aval> outputs(std::span<const Aval> in) const override { return {{in[0].shape, in[0].dtype, false}}; }
  Leaves call(const Leaves& inputs) const override {
    const Leaves theta = rest(inputs, 1);
    TraceScope scope(std::make_shared<ValueTrace>());
    const ProgramRef program = map;
    auto f = [program, theta](const Array& z) {
      return emit_one(call_op(), join({z}, theta), {{"program", program}, {"name", std::string("f")}});
    };
    Array z = method->solve(problem_of(f, settings.fixed_point), inputs[0], settings.stop).z;
    while (z.defined() && !z.concrete()) z = *static_cast<Tracer*>(z.node())->primal();
    if (!z.defined() || z.shape() != inputs[0].shape()) {
      throw ShapeError("solver: returned " + (z.defined() ? "shape " + z.shape().str() : std::string("nothing")) +
                       " for z of shape " + inputs[0].shape().str());
    }
    return {astype(z, inputs[0].dtype())};
  }
};

}  // namespace

Outcome judge_value(const SolverProblem& p, const Array& z, const Array& z0, double accept) {
  Outcome out;
  out.z = z;
  const Array f = p.residual(z);
  out.residual_norm = length(f);
  out.steps = out.evaluations = array(std::int64_t{0});
  out.history = zeros({0}, z.dtype());
  const Array s = maximum(length(z), length(z0)), positive = where(s > 0, s, scalar_like(1, s));
  out.error_estimate = out.residual_norm / positive;
  out.status = code(StatusCode::converged);
  if (z.size() > 0 && z.size() <= verdict_limit) {
    const Array size = newton_correction(p, z, f).norm;
    out.error_estimate = where(isfinite(size), size / positive, out.error_estimate);
    out.status = where(isfinite(size) & (size > accept * s), code(StatusCode::not_a_solution), out.status);
  }
  out.status = where(isfinite(out.residual_norm), out.status, code(StatusCode::nonfinite));
  return out;
}

namespace {

struct SameSolverMethod final : LinearMethod {
  std::shared_ptr<const SolverMethod> solver;
  StopRule stop;
  std::string key() const override { return "same_solver: " + solver->key(); }
  LinearOutcome solve(const ProgramRef& apply, const Leaves& kept, const std::function<Array(const Array&)>& map,
                      const Array& b) const override;
};

struct Plain final : Spec {
  ProgramRef map;
  SolveSettings settings;
  const SolveSettings& settings_of() const override { return settings; }

  ProgramRef forward() const override {
    return forward_.get([&] {
      return stage_closed([&](const Leaves& in) { return forward_ops(in[0], rest(in, 1)); }, avals(1), "solve");
    });
  }

  Derivative derivative(const Mask& active) const override {
    std::lock_guard lock(mutex_);
    auto& slot = derivatives_[active];
    if (!slot) {
      auto made = std::make_shared<Derivative>();
      std::vector<Aval> in = avals(2);
      std::function<Array(const Leaves&, const Leaves&)> push;
      std::size_t kept = 0;
      std::vector<Aval> kept_avals;
      made->prepare = stage_closed(
          [&](const Leaves& v) {
            const Leaves out = prepare_ops(v[0], v[1], rest(v, 2), active, push);
            for (const Array& a : out) kept_avals.push_back({a.shape(), a.dtype(), a.weak()});
            kept = out.size();
            return out;
          },
          in, "solve");
      std::vector<Aval> push_in;
      for (std::size_t k = 0; k < active.size(); ++k) {
        if (active[k]) push_in.push_back({in[k + 2].shape, in[k + 2].dtype, false});
      }
      const std::size_t moving = push_in.size();
      push_in.insert(push_in.end(), kept_avals.begin(), kept_avals.end());
      made->push = stage_closed(
          [&](const Leaves& v) {
            return Leaves{push(Leaves(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(moving)), rest(v, moving))};
          },
          push_in, "solve");
      slot = made;
    }
    return *slot;
  }

 private:
  // Kept here and not with the Program of the map, which they refer to.
  Lazy<ProgramRef> forward_;
  mutable std::recursive_mutex mutex_;
  mutable std::map<Mask, std::shared_ptr<const Derivative>> derivatives_;

  // The types of [z (or z, z0, with two), θ...].
  std::vector<Aval> avals(int z) const {
    std::vector<Aval> in = map->input_avals();
    in[0].weak = false;
    if (z == 2) in.insert(in.begin(), in[0]);
    return in;
  }

  Leaves forward_ops(const Array& z0, const Leaves& theta) const {
    const auto p = problem_of([&](const Array& z) { return call_map(map, z, theta); }, settings.fixed_point);
    Outcome out;
    if (settings.method->staged()) {
      out = settings.method->solve(p, z0, settings.stop);
    } else {
      auto host = std::make_shared<HostSolve>();
      host->map = map;
      host->method = settings.method;
      host->settings = settings;
      out.z = emit_one(callback_op(), join({z0}, theta), {{"function", OpaqueRef(host)}});
      out = judge_value(p, out.z, z0, settings.accept);
    }
    if (settings.on_failure == OnFailure::raise) {
      out.z = check_status(out.z, out.status, out.steps, out.residual_norm,
                           {settings.method->name(), ReportKind::solve, map, theta});
    } else if (settings.on_failure == OnFailure::nan) {
      out.z = where(out.status == 0, out.z, Array(std::nan("")));
    }
    return flatten(out);
  }

  struct Verdict {
    Array status, cause, measure;
  };

  // Of an A that is known by its products. GMRES, which has no breakdowns, gives the correction δ = -A⁻¹F or fails; and
  // ‖A⁻¹(A(z + δ) - A(z))δ‖ is half of ‖δ‖ or more at a multiple root, now and two corrections on.
  // linearized: z -> [map(z), what products are made of...].
  Verdict judge_by_products(const std::function<Leaves(const Array&)>& linearized,
                            const std::function<Array(const Array&, const Leaves&)>& solved,
                            const std::function<Array(const Array&, const Leaves&)>& product, const Array& z,
                            const Array& z0, bool check_value) const {
    struct Point {
      Array next, size, change;
      auto tree() { return std::tie(next, size, change); }
    };
    auto look = [&](const Array& at) {
      const Leaves here = linearized(at), kept = rest(here, 1);
      const Array f = felt_residual(settings.fixed_point, at, settings.fixed_point ? here[0] - at : here[0]);
      const Array delta = solved(-f, kept);
      const Array there = product(delta, rest(linearized(at + delta), 1));
      return Point{at + delta, length(delta), length(solved(there - product(delta, kept), kept))};
    };
    auto sound = [](const Point& p) { return (p.change < 0.1 * p.size) | (p.size == 0.0); };
    const Array start = stop_gradient(z);
    const Point first = look(start);
    const Array multiple = cond(
        sound(first), [](const Point&) { return array(false); },
        [&](const Point& p) { return ~sound(look(look(p.next).next)); }, first);
    Verdict v;
    const Array zero = array(std::int64_t{0}), one = scalar_like(1, z);
    v.status = where(multiple, code(StatusCode::singular), zero);
    v.cause = zero + static_cast<std::int64_t>(Cause::multiple_root);
    v.measure = first.change / where(first.size > 0, first.size, one);
    if (check_value) {
      const Array s = maximum(length(start), length(stop_gradient(z0)));
      const Array far = (first.size > settings.accept * s) & (v.status == 0);
      v.status = where(far, code(StatusCode::not_a_solution), v.status);
      v.cause = where(far, zero + static_cast<std::int64_t>(Cause::far_from_solution), v.cause);
      v.measure = where(far, first.size / where(s > 0, s, one), v.measure);
    }
    return v;
  }

  // What does not depend on dθ, made once, and the function that gives dz from dθ and that.
  Leaves prepare_ops(const Array& z, const Array& z0, const Leaves& theta, const Mask& active,
                     std::function<Array(const Leaves&, const Leaves&)>& push) const {
    Mask by_theta{false};
    by_theta.insert(by_theta.end(), active.begin(), active.end());
    const LinearProgram in_theta = linear_program(map, by_theta, {true});
    const Leaves theta_kept = rest(evaluate(*in_theta.primal, join({z}, theta)), 1);
    const ProgramRef theta_tangent = in_theta.tangent;
    const bool minus = settings.fixed_point;
    const bool nan = settings.on_failure == OnFailure::nan;
    const Adjoint::Kind kind = settings.adjoint.kind;

    const auto p = problem_of([&](const Array& v) { return call_map(map, v, theta); }, minus);
    const bool check_value = !settings.method->staged();
    const Report report{derivative_by + settings.adjoint.name(), ReportKind::derivative, map, theta, z};
    if (kind == Adjoint::Kind::direct) {
      const Factored f = factor_at(p, z, z0, check_value, settings.accept);
      Leaves factors = f.factors;
      if (!nan) factors[0] = check_status(factors[0], f.status, f.cause, f.measure, report);
      push = [theta_tangent, nan](const Leaves& dtheta, const Leaves& kept) {
        // kept: [lu, pivots, A, ok, residuals of ∂F/∂θ...]
        const Array right = evaluate(*theta_tangent, join(dtheta, rest(kept, 4)))[0];
        const Array dz = -emit_linear_solve({kept[0], kept[1]}, kept[2], right);
        return nan ? dz * where(kept[3], scalar_like(1, dz), scalar_like(std::nan(""), dz)) : dz;
      };
      return join(join(factors, {f.a, f.status == 0}), theta_kept);
    }

    Mask by_z{true};
    by_z.resize(theta.size() + 1, false);
    // Where A is small enough to be formed, that it is regular is not left to chance, and elsewhere a correction is looked at.
    // For inexact adjoints it is no matter, and where the adjoint's system is solved by an iteration that contracts, I - J is
    // regular if that converges.
    const bool proves_itself = kind == Adjoint::Kind::same_solver && settings.method->contracts();
    const LinearProgram in_z = linear_program(map, by_z, {true});
    const Leaves z_kept = rest(evaluate(*in_z.primal, join({z}, theta)), 1);
    const ProgramRef product = in_z.tangent;
    LinearMethodRef method;
    if (kind == Adjoint::Kind::same_solver) {
      auto same = std::make_shared<SameSolverMethod>();
      same->solver = settings.method;
      same->stop = settings.stop;
      same->stop.history = 0;
      method = same;
    } else if (settings.adjoint.exact()) {
      method = krylov_method(settings.adjoint);
    }
    Array usable = array(true);
    if (method && z.size() <= verdict_limit && !proves_itself) {
      const Factored f = factor_at(p, z, z0, check_value, settings.accept);
      usable = f.status == 0;
      if (!nan) usable = check_status(usable, f.status, f.cause, f.measure, report);
    } else if (method && !proves_itself) {
      Leaves still = theta;
      for (Array& t : still) {
        if (is_floating(t.dtype())) t = stop_gradient(t);
      }
      const LinearMethodRef judge = krylov_method(GMRES{});
      const Verdict v = judge_by_products(
          [&](const Array& at) { return evaluate(*in_z.primal, join({at}, still)); },
          [&](const Array& b, const Leaves& kept) { return operator_solve(product, minus, judge, nan, b, kept); },
          [&](const Array& x, const Leaves& kept) { return evaluate(*product, join({x}, kept))[0]; }, z, z0,
          check_value);
      usable = v.status == 0;
      if (!nan) usable = check_status(usable, v.status, v.cause, v.measure, report);
    }
    const std::size_t n = z_kept.size();
    // kept: [residuals of A..., whether A is regular, residuals of ∂F/∂θ...]
    auto right_side = [theta_tangent, n](const Leaves& dtheta, const Leaves& kept) {
      const Array b = evaluate(*theta_tangent, join(dtheta, rest(kept, n + 1)))[0];
      return b * where(kept[n], scalar_like(1, b), scalar_like(std::nan(""), b));
    };
    if (kind == Adjoint::Kind::one_step) {
      push = right_side;
    } else if (kind == Adjoint::Kind::neumann) {
      // Σ Jᵏ b by Horner's rule: s ← b + J s.
      push = [right_side, product, n, terms = settings.adjoint.terms](const Leaves& dtheta, const Leaves& kept) {
        const Array b = right_side(dtheta, kept);
        const Leaves z_part(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(n));
        return fori_loop(
            1, terms, [&](const Array&, const Array& s) { return b + evaluate(*product, join({s}, z_part))[0]; }, b);
      };
    } else {
      push = [right_side, product, n, minus, nan, method](const Leaves& dtheta, const Leaves& kept) {
        const Leaves z_part(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(n));
        return operator_solve(product, minus, method, nan, -right_side(dtheta, kept), z_part);
      };
    }
    return join(join(z_kept, {usable}), theta_kept);
  }
};

struct Lanes final : Spec {
  SpecRef inner;
  Mask batched;  // of [z0, θ...]
  std::int64_t size = 0;
  const SolveSettings& settings_of() const override { return inner->settings_of(); }
  ProgramRef forward() const override {
    const ProgramRef one = inner->forward();
    return batch_program(one, batched, size, Mask(one->outputs.size(), true)).program;
  }
  Derivative derivative(const Mask& active) const override {
    const Derivative one = inner->derivative(active);
    Mask prepare_in{true};
    prepare_in.insert(prepare_in.end(), batched.begin(), batched.end());
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

LinearOutcome SameSolverMethod::solve(const ProgramRef& apply, const Leaves& kept,
                                      const std::function<Array(const Array&)>& map, const Array& b) const {
  const Array start = zeros_like(b);
  if (solver->staged()) {
    const auto p = problem_of([&](const Array& u) { return map(u) - b; }, true);
    const Outcome out = solver->solve(p, start, stop);
    return {out.z, out.status, out.residual_norm};
  }
  // u = u + A u - b has the same fixed point as u = M u - b.
  std::vector<Aval> in{b.aval(), b.aval()};
  for (const Array& a : kept) in.push_back(a.aval());
  auto host = std::make_shared<HostSolve>();
  host->map =
      stage_closed([&](const Leaves& v) { return Leaves{v[0] + evaluate(*apply, join({v[0]}, rest(v, 2)))[0] - v[1]}; },
                   in, "solve");
  host->method = solver;
  host->settings.fixed_point = true;
  host->settings.stop = stop;
  const Array x = emit_one(callback_op(), join({start, b}, kept), {{"function", OpaqueRef(host)}});
  const Array residual = norm(evaluate(*apply, join({x}, kept))[0] - b);
  return {x, where(residual <= 1e-2 * norm(b), code(StatusCode::converged), code(StatusCode::not_a_solution)),
          residual};
}

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
