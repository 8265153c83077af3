#include "dini/implicit/solve.hpp"

#include <cmath>
#include <map>
#include <mutex>
#include <unordered_map>

#include "dini/implicit/regularity.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/registry.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/host.hpp"

namespace dini {

namespace detail {

std::string SolveSettings::key() const {
  auto text = [](const std::optional<double>& d) {
    char s[40];
    std::snprintf(s, sizeof s, "%.17g", d.value_or(-1));
    return std::string(s);
  };
  return std::string(fixed_point ? "fixed_point " : "root ") + method->key() + " " + text(stop.tolerance.absolute) +
         " " + text(stop.tolerance.relative) + " " + std::to_string(stop.max_steps) + " " +
         std::to_string(stop.history) + " " + adjoint.key() + " " + std::to_string(static_cast<int>(on_failure)) +
         (derivative_anyway ? "!" : "") + text(accept);
}

namespace implicit {

Array call_map(const ProgramRef& map, const Array& z, const Leaves& theta) {
  Leaves inputs{z};
  inputs.insert(inputs.end(), theta.begin(), theta.end());
  return evaluate(*map, inputs)[0];
}

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

Leaves rest(const Leaves& v, std::size_t first) { return {v.begin() + static_cast<std::ptrdiff_t>(first), v.end()}; }
Leaves join(Leaves a, const Leaves& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
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

// ---- What the op holds -------------------------------------------------------------------------------------------------

using Mask = std::vector<bool>;

// Programs that the op's rules run: forward [z0, θ...] -> outcome; prepare [z, z0, θ...] -> kept; push [dθ of the active...,
// kept...] -> dz. A batched solve holds the batched Programs of the single one.
struct Spec : Opaque {
  std::string name() const override { return "solve"; }
  virtual ProgramRef forward() const = 0;
  struct Derivative {
    ProgramRef prepare, push;
  };
  virtual Derivative derivative(const Mask& active) const = 0;
  virtual const SolveSettings& settings_of() const = 0;
};
using SpecRef = std::shared_ptr<const Spec>;

constexpr std::int64_t verdict_limit = 200;  // unknowns up to which A is formed just to see whether it is regular
const char* const derivative_by = "derivative of the solution by adjoint: ";
const char* const refused = "derivative of a solve that failed (derivative_anyway allows it): ";

// What is known of a z that came without a status. Where A is small enough to be formed, z is refused when its Newton
// correction is too large; what A cannot say (singular, or NaN at a kink) is left to the derivative.
Outcome judge_value(const SolverProblem& p, const Array& z, const Array& z0, double accept) {
  Outcome out;
  out.z = z;
  const Array f = p.residual(z);
  out.residual_norm = norm(f);
  out.steps = out.evaluations = array(std::int64_t{0});
  out.history = zeros({0}, z.dtype());
  const Array s = maximum(norm(z), norm(z0)), positive = where(s > 0, s, scalar_like(1, s));
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
    // Where A is small enough to be formed, that it is regular is not left to chance. For inexact adjoints it is no matter,
    // and where the adjoint's system is solved by an iteration that contracts, I - J is regular if that converges.
    const bool proves_itself = kind == Adjoint::Kind::same_solver && settings.method->contracts();
    Array usable = array(true);
    if (settings.adjoint.exact() && !proves_itself && z.size() <= verdict_limit) {
      const Factored f = factor_at(p, z, z0, check_value, settings.accept);
      usable = f.status == 0;
      if (!nan) usable = check_status(usable, f.status, f.cause, f.measure, report);
    }
    const LinearProgram in_z = linear_program(map, by_z, {true});
    const Leaves z_kept = rest(evaluate(*in_z.primal, join({z}, theta)), 1);
    const ProgramRef product = in_z.tangent;
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
      LinearMethodRef method;
      if (kind == Adjoint::Kind::same_solver) {
        auto same = std::make_shared<SameSolverMethod>();
        same->solver = settings.method;
        same->stop = settings.stop;
        same->stop.history = 0;
        method = same;
      } else {
        method = krylov_method(settings.adjoint);
      }
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

SpecRef spec_of(const Params& params) { return std::static_pointer_cast<const Spec>(params.get<OpaqueRef>("spec")); }

const Op& solve_op() {
  static const Op op = [] {
    Op o;
    o.name = "solve";
    o.infer = [](std::span<const Aval>, const Params& params) { return spec_of(params)->forward()->output_avals(); };
    o.inlined = [](const Params& params, std::span<const Aval>) { return spec_of(params)->forward(); };
    o.linearize = [](const LinearizeCall& call) {
      const Leaves in(call.in.begin(), call.in.end());
      Leaves out = emit(solve_op(), in, call.params);
      const std::size_t n = out.size();
      const Mask active(call.active.begin() + 1, call.active.end());  // the start has no influence on the solution
      bool any = false;
      for (bool a : active) any |= a;
      if (!any) return Linearized{out, [n](const Leaves&) { return Leaves(n); }};
      const Spec::Derivative d = spec_of(call.params)->derivative(active);
      Leaves at{out[0], in[0]};
      const SolveSettings& settings = spec_of(call.params)->settings_of();
      if (settings.on_failure == OnFailure::best && !settings.derivative_anyway) {
        at[0] = check_status(out[0], out[1], out[2], out[4], {refused + settings.method->name(), ReportKind::solve});
      }
      const Leaves kept =
          emit(call_op(), join(at, rest(in, 1)), {{"program", d.prepare}, {"name", std::string("linearize")}});
      return Linearized{
          out, [=](const Leaves& tangents) {
            Leaves moving;
            for (std::size_t k = 0; k < active.size(); ++k) {
              if (active[k]) moving.push_back(tangents[k + 1]);
            }
            Leaves all(n);
            all[0] = emit_one(call_op(), join(moving, kept), {{"program", d.push}, {"name", std::string("tangent")}});
            return all;
          }};
    };
    o.batch = [](const BatchCall& call) {
      auto lanes = std::make_shared<Lanes>();
      lanes->inner = spec_of(call.params);
      lanes->batched = call.batched;
      lanes->size = call.size;
      const Leaves out = emit(solve_op(), Leaves(call.in.begin(), call.in.end()), {{"spec", OpaqueRef(lanes)}});
      return Batched{out, Mask(out.size(), true)};
    };
    return o;
  }();
  return op;
}

}  // namespace implicit

// One Spec for equal Programs and settings: what was derived and compiled for a solve serves the next one like it, since
// what a function captured is an input and no part of its Program.
static implicit::SpecRef find_spec(const ProgramRef& map, const SolveSettings& settings) {
  constexpr std::size_t most = 512;
  struct Known {
    std::string key;
    std::shared_ptr<const implicit::Plain> spec;
  };
  static std::mutex mutex;
  static std::unordered_multimap<std::uint64_t, Known> table;
  auto make = [&] {
    auto spec = std::make_shared<implicit::Plain>();
    spec->map = map;
    spec->settings = settings;
    return spec;
  };
  if (!settings.method->shareable()) return make();
  const std::string key = settings.key();
  const std::uint64_t hash = map->hash();
  std::lock_guard lock(mutex);
  const auto [first, last] = table.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (it->second.key == key && it->second.spec->map->equal(*map)) return it->second.spec;
  }
  if (table.size() >= most) table.clear();  // those in use live on in their ops
  return table.emplace(hash, Known{key, make()})->second.spec;
}

Outcome solve(const ProgramRef& map, const SolveSettings& settings, const Array& z0, const Leaves& theta) {
  const implicit::SpecRef spec = find_spec(map, settings);
  const Leaves out = emit(implicit::solve_op(), implicit::join({z0}, theta), {{"spec", OpaqueRef(spec)}});
  return unflatten(Outcome{z0, z0, z0, z0, z0, z0, z0}, out);
}

// ---- The eager way -------------------------------------------------------------------------------------------------------
//
// With T the innermost differentiation around: the solution is found in what is around T, with T's values; one more run of
// the map under T gives ∂F/∂θ dθ; A is computed without T, so that what is around T can differentiate it in turn.

namespace implicit {

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
  const auto p = problem_of(map, settings.fixed_point);
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
    const Array dz = differentiation->tangent_of(map(z0));
    TraceScope scope(differentiation->tangent_context());
    if (dz.defined()) out.z = differentiation->pair(out.z, dz * scalar_like(std::nan(""), dz));
    return out;
  }
  const Array right = differentiation->tangent_of(map(out.z));
  if (!right.defined()) return out;
  if (failed && !settings.derivative_anyway) {
    check_eagerly(map, out.z, out.z, out.status, out.steps, out.residual_norm,
                  {refused + settings.method->name(), ReportKind::solve});
  }
  const Adjoint::Kind kind = settings.adjoint.kind;
  if (kind == Adjoint::Kind::one_step) {
    out.z = differentiation->pair(out.z, right);
    return out;
  }
  if (kind == Adjoint::Kind::neumann) {
    Array j;
    {
      TraceScope scope(without);
      j = jacobian(map)(out.z);
    }
    TraceScope scope(differentiation->tangent_context());
    Array sum = right;
    for (int k = 1; k < settings.adjoint.terms; ++k) sum = right + dot(j, sum);
    out.z = differentiation->pair(out.z, sum);
    return out;
  }
  // Of a map that is called with values A is formed, whichever exact adjoint was asked for.
  Factored f;
  bool regular = true;
  {
    TraceScope scope(without);
    f = factor_at(problem_of(map, settings.fixed_point), out.z, z0, !settings.method->staged(), settings.accept);
    regular = f.status.item<std::int64_t>() == 0;
    if (!regular && !nan)
      check_eagerly(map, out.z, out.z, f.status, f.cause, f.measure,
                    {derivative_by + std::string("direct"), ReportKind::derivative});
  }
  TraceScope scope(differentiation->tangent_context());
  const Array dz = -emit_linear_solve(f.factors, f.a, right);
  out.z = differentiation->pair(out.z, regular ? dz : dz * scalar_like(std::nan(""), dz));
  return out;
}

}  // namespace detail

OpList implicit_ops() {
  static const Op* const list[] = {&detail::implicit::solve_op()};
  return list;
}

}  // namespace dini
