// The derivative of a solve with constraints.
//
// With M the mask of active rows, F(y) = 0 for y = (z, ν, λ) is
//
//     ∇f + Cᵀν + Gᵀ(Mλ) = 0, but z_j = its bound where that is active;   c(z) = 0;   M g(z) - (I - M) λ = 0
//
// and M held constant, so that the implicit function theorem gives z, ν and λ at once, in every order. M is what is strictly active.
// What is weakly active may go either way: the derivative has two sides there, with it in M and without.
#include "dini/implicit/solve_spec.hpp"
#include "dini/linear/check_status.hpp"
#include "dini/linear/null_space.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/constrained.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/rounding_noise.hpp"

namespace dini::detail::implicit {

namespace {

struct SolutionPoint {
  Array z, equal, at_most, bounds, z0, status;
  ActiveSet strict, weak;
  auto tree() { return std::tie(z, equal, at_most, bounds, z0, status, strict, weak); }
};

// One side of a solution: the conditions linearised with one mask.
struct Side {
  Array matrix;     // ∂F/∂y
  Leaves prepared;  // by the method
  Leaves theta;     // of ∂F/∂θ
  Array regular;    // whether there is a derivative, and
  Array measure;    // ω, where that is the reason why there is none; 0 otherwise
  auto tree() { return std::tie(matrix, prepared, theta, regular, measure); }
};

struct KeptSides {
  Side strict, all;
  Leaves multipliers;                    // of ∂(the bounds' multipliers)/∂(y, θ)
  Array tied, by_strict, by_all, alive;  // by_...: what part of the derivative is each side's
  auto tree() { return std::tie(strict, all, multipliers, tied, by_strict, by_all, alive); }
};

// l where the condition holds, 0 elsewhere: what has no derivative has no part in the other's.
Array only_where(const Array& condition, const Array& a) { return where(condition, a, zeros_like(a)); }

class ConstrainedSolve final : public SingleSolve {
 public:
  ConstrainedSolve(const ProgramRef& map, const SolveSettings& settings) : SingleSolve(map, settings) {}

 protected:
  // The masks alone: they are behind ν and λ.
  Leaves made_of(const Outcome& out) const override {
    const std::size_t first = strict_output - plain_outputs;
    return part(out.constrained, first, first + 6);
  }

  Leaves prepare_ops(const Leaves& solution, const Leaves& theta, const Mask& active, Push& push) const override {
    const Array none = solution[0];
    const ActiveSet mask{none, none, none};
    const auto at = unflatten(SolutionPoint{none, none, none, none, none, none, mask, mask}, solution);
    const bool nan = settings.on_failure == OnFailure::nan,
               anyway = settings.derivative_anyway && settings.on_failure == OnFailure::best;
    const bool by_null_space = settings.adjoint.automatic() || settings.adjoint.name() == Direct::table().name;
    const LinearMethodRef method = by_null_space ? NullSpace{.n = at.z.size()}.method() : settings.adjoint.method();
    const MatrixStructure structure{.symmetric = by_null_space && symmetric()};  // but for the rows of active bounds
    const LinearFailure failure = anyway ? LinearFailure::keep : nan ? LinearFailure::nan : LinearFailure::raise;

    // [y, masks..., θ...] -> F(y)
    const Array y = concatenate({at.z, at.equal, at.at_most});
    std::vector<Aval> types{{y.shape(), y.dtype(), false}};
    for (const Array& m : flatten(at.strict)) types.push_back(m.aval());
    const ProgramRef equation = stage_closed(
        [&](const Leaves& in) { return Leaves{conditions(in[0], unflatten(mask, part(in, 1, 4)), rest(in, 4), at)}; },
        inputs(types), "solve");
    Mask by_theta(4, false);
    by_theta.insert(by_theta.end(), active.begin(), active.end());
    const LinearProgram in_theta = linear_program(equation, by_theta, {true});
    const ProgramRef theta_tangent = in_theta.tangent;

    auto side = [&](const ActiveSet& m) {
      const Leaves with_mask = flatten(m);
      Side s;
      s.theta = rest(evaluate(*in_theta.primal, join(join({y}, with_mask), theta)), 1);
      auto residual = [&](const Leaves& of) {
        return [&, of](const Array& v) { return evaluate(*equation, join(join({v}, with_mask), of))[0]; };
      };
      s.matrix = jacobian(residual(theta))(y);
      s.prepared = method->prepare(LinearSystem::of_matrix(stop_gradient(s.matrix), structure));
      s.regular = array(true);
      s.measure = scalar_like(0, y);
      if (!anyway)
        judge(s, by_null_space ? s.prepared : Leaves{}, residual(still(theta)), stop_gradient(y), at.z.size());
      return s;
    };

    // [y, masks..., θ...] -> the bounds' multipliers
    const ActiveSet either{at.strict.lower | at.weak.lower, at.strict.upper | at.weak.upper,
                           at.strict.rows | at.weak.rows};
    const ProgramRef multipliers = stage_closed(
        [&](const Leaves& in) {
          const Leaves y = split(in[0], at.z.size(), at.equal.size());
          return Leaves{multipliers_at(y, unflatten(mask, part(in, 1, 4)), rest(in, 4))};
        },
        inputs(types), "solve");
    Mask by_both = by_theta;
    by_both[0] = true;
    const LinearProgram in_both = linear_program(multipliers, by_both, {true});
    const ProgramRef multipliers_tangent = in_both.tangent;

    KeptSides kept;
    kept.multipliers = rest(evaluate(*in_both.primal, join(join({y}, flatten(either)), theta)), 1);
    kept.strict = side(at.strict);
    kept.tied = count(at.weak) > 0;
    kept.all = cond(
        kept.tied,
        [&](const Side&) {
          return side(
              {at.strict.lower | at.weak.lower, at.strict.upper | at.weak.upper, at.strict.rows | at.weak.rows});
        },
        [](const Side& s) { return s; }, kept.strict);
    share(kept);
    kept.alive = kept.strict.regular | kept.all.regular;
    if (settings.ties == Ties::active) kept.alive = kept.all.regular;
    if (settings.ties == Ties::inactive) kept.alive = kept.strict.regular;
    Array refused_status = where(kept.alive, code(StatusCode::converged), code(StatusCode::singular));
    Array cause = where(kept.strict.measure > 0, array(static_cast<std::int64_t>(Cause::multiple_root)),
                        array(static_cast<std::int64_t>(Cause::semidefinite)));
    Array measure = kept.strict.measure;
    if (settings.ties == Ties::raise) {
      cause = where(kept.tied, array(static_cast<std::int64_t>(Cause::tie)), cause);
      measure = where(kept.tied, astype(count(at.weak), y.dtype()), measure);
      refused_status = where(kept.tied, code(StatusCode::singular), refused_status);
      kept.alive = kept.alive & ~kept.tied;
    }
    if (nan) {
      kept.alive = kept.alive & (at.status == 0);
      for (Side* s : {&kept.strict, &kept.all}) {
        Leaves matrix{s->matrix};
        lay_to_rest(matrix, kept.alive, unit_like);
        s->matrix = matrix[0];
        lay_to_rest(s->prepared, kept.alive, unit_like);
        lay_to_rest(s->theta, kept.alive, [](const Array& a) { return ones_like(a); });
      }
      lay_to_rest(kept.multipliers, kept.alive, [](const Array& a) { return ones_like(a); });
    } else if (!anyway) {
      Report report{derivative_by + method->name(), ReportKind::derivative};
      report.z = at.z;
      kept.alive = check_status(kept.alive, refused_status, cause, measure, report);
    }

    push = [=](const Leaves& tangents, const Leaves& leaves) {
      const KeptSides k = unflatten(kept, leaves);
      const Leaves dtheta = nan ? guarded_leaves(tangents, k.alive) : tangents;
      auto along = [&](const Side& s) {
        const Array b = evaluate(*theta_tangent, join(dtheta, s.theta))[0];
        return -method->solve(LinearSystem::of_matrix(s.matrix, structure), s.prepared, b, failure);
      };
      const Array strict = along(k.strict);
      const Array all = cond(
          k.tied, [&](const Array&) { return along(k.all); }, [](const Array& same) { return same; }, strict);
      const Array dy =
          guard(k.by_strict * only_where(k.by_strict > 0, strict) + k.by_all * only_where(k.by_all > 0, all), k.alive);
      Leaves out = split(dy, at.z.size(), at.equal.size());
      out.push_back(guard(evaluate(*multipliers_tangent, join(join({dy}, dtheta), k.multipliers))[0], k.alive));
      return out;
    };
    return flatten(kept);
  }

 private:
  bool symmetric() const { return settings.kind != Kind::root; }

  static Leaves split(const Array& y, std::int64_t n, std::int64_t equal) {
    return {y(slice(0, n)), y(slice(n, n + equal)), y(slice(n + equal, y.size()))};
  }

  Array multipliers_at(const Leaves& y, const ActiveSet& active, const Leaves& theta) const {
    const Array gradient = lagrangian_gradient(problem_at(theta), y[0], y[1], only_where(active.rows, y[2]));
    return only_where(active.lower | active.upper, gradient);
  }
  Array bounds_multipliers(const Outcome& out, const Leaves& theta) const override {
    const ConstrainedEnd end = unflatten(no_constrained_end(problem_at(theta), out.z), out.constrained);
    const ActiveSet either{end.strict.lower | end.weak.lower, end.strict.upper | end.weak.upper,
                           end.strict.rows | end.weak.rows};
    return multipliers_at({out.z, end.equal, end.at_most}, either, theta);
  }

  Array conditions(const Array& y, const ActiveSet& active, const Leaves& theta, const SolutionPoint& like) const {
    const SolverProblem p = problem_at(theta);
    const Leaves parts = split(y, like.z.size(), like.equal.size());
    const Array &z = parts[0], &lambda = parts[2];
    const BoundsOf b = bounds_of(p, z);
    // A variable that is fixed without a force goes half with each of its bounds.
    const Array one = where(active.lower, b.lower, where(active.upper, b.upper, z));
    const Array to_bound = z - where(active.lower & active.upper, 0.5 * (b.lower + b.upper), one);
    const Array gradient = lagrangian_gradient(p, z, parts[1], only_where(active.rows, lambda));
    Leaves out{where(active.lower | active.upper, to_bound, gradient)};
    if (p.equal) out.push_back(p.equal(z));
    if (p.at_most) out.push_back(where(active.rows, p.at_most(z), -lambda));
    return concatenate(out);
  }

  // A side is regular where the Hessian is on the null space of the active constraints (for a minimum: positive definite), and the
  // matrix does not change by much of itself along the largest correction that rounding may hide: at a multiple solution it does. That of
  // a quadratic program is the same everywhere. `prepared`: factors of the null-space method, or nothing.
  void judge(Side& s, const Leaves& prepared, const std::function<Array(const Array&)>& residual, const Array& y,
             std::int64_t n) const {
    const Array k = stop_gradient(s.matrix);
    const Leaves factors = prepared.empty() ? factorize_kkt(k, n, symmetric()) : prepared;
    const Inverse inverse = [&](const Array& b) { return solve_kkt(factors, k, b, false); };
    const Array regular = kkt_regular(factors) & (symmetric() ? kkt_definite(factors) : array(true));
    s.regular = regular;
    if (settings.kind == Kind::quadratic_program) return;
    const Array eta = rounding_noise(residual)(y);
    const Array felt = felt_correction(-inverse(residual(y)), inverse(noise_patterns(eta)), k);
    const Array omega = relative_change(k, inverse, stop_gradient(jacobian(residual)(y + felt)) - k, y);
    const Array multiple = ~(omega < 0.1);
    s.regular = regular & ~multiple;
    s.measure = where(regular & multiple, omega, scalar_like(0, y));
  }

  // What part of the derivative is each side's.
  void share(KeptSides& k) const {
    const Array whole = scalar_like(1, k.strict.matrix), half = scalar_like(0.5, whole), nothing = zeros_like(whole);
    switch (settings.ties) {
      case Ties::inactive: k.by_all = nothing; break;
      case Ties::active: k.by_all = whole; break;
      default: k.by_all = where(k.tied & k.all.regular, where(k.strict.regular, half, whole), nothing);
    }
    k.by_strict = whole - k.by_all;
  }
};

}  // namespace

SpecRef constrained_spec(const ProgramRef& map, const SolveSettings& settings) {
  return std::make_shared<ConstrainedSolve>(map, settings);
}

}  // namespace dini::detail::implicit
