#include "dini/solvers/dogleg.hpp"

#include <limits>

#include "dini/linear/system.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/formed_state.hpp"
#include "dini/solvers/scaled_residual.hpp"

namespace dini {

namespace detail {
namespace dogleg {

// The bent line at a point, in scaled unknowns.
class Line {
 public:
  Line(const ScaledResidual& r, const Array& delta, double bias) {
    const Array steepness = length(r.gradient), one = scalar_like(1, steepness);
    down_ = -r.gradient / where(steepness > 0, steepness, one);
    const Array bent = length(product_with(r.matrix, down_)), safe = where(bent > 0, bent, one);
    cauchy_ = r.norm * (steepness / safe) / safe;
    newton_ = r.scales * delta;
    newton_size_ = length(newton_);
    regular_ = isfinite(newton_size_);
    newton_ = where(regular_, newton_, zeros_like(newton_));
    const Array gamma = square(steepness / safe);
    bend_ = 1 - bias * (1 - minimum(gamma, one));
  }
  /// The point of the line that is so far from its beginning.
  Array at(const Array& radius) const {
    const Array one = scalar_like(1, radius);
    const Array from = down_ * (cauchy_ / radius), across = bend_ * newton_ / radius - from;
    const Array length_across = length_or_one(across), e = across / length_across;
    // ‖from + t e‖ = 1.
    const Array b = dot(from, e), rest = maximum(1 - dot(from, from), zeros_like(b)), root = sqrt(b * b + rest);
    const Array t = where(b > 0, rest / where(b + root > 0, b + root, one), root - b);
    const Array bent = from + minimum(t, length_across) * e;
    const Array beyond = bend_ * newton_size_ <= radius;
    const Array outer = newton_ / where(newton_size_ > 0, newton_size_, one);
    const Array inside = where(regular_, where(beyond, outer, bent), from);
    const Array limited = radius * where(cauchy_ >= radius, down_, inside);
    return where(regular_ & (newton_size_ <= radius), newton_, limited);
  }
  const Array& newton_size() const { return newton_size_; }
  const Array& regular() const { return regular_; }

 private:
  Array down_, cauchy_, newton_, newton_size_, regular_, bend_;
};

struct Trial {
  Array radius, size, z, f, norm, good, in_a_row, tried;
  auto tree() { return std::tie(radius, size, z, f, norm, good, in_a_row, tried); }
};

}  // namespace dogleg
}  // namespace detail

const detail::MethodTable<Dogleg>& Dogleg::table() {
  static const detail::MethodTable<Dogleg> t{
      "dogleg",
      "a trust region between Newton's step and steepest descent; forms the Jacobian",
      {Kind::root, Kind::fixed_point},
      true,
      {{"radius",
        &Dogleg::radius,
        {0, std::numeric_limits<double>::infinity(), false, false},
        "of the first step, in the start's size"},
       {"bias", &Dogleg::bias, {0, 1}, "towards Newton's step; 0: the simple dogleg"},
       {"max_trials", &Dogleg::max_trials, {1}, "of a step"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> Dogleg::method() const {
  using namespace detail;
  using dogleg::Line;
  using dogleg::Trial;
  StepFunctions steps;
  // memory: D, Δ, how many steps since Δ last shrank. Δ is 0 before the first step.
  steps.init = [](const SolverProblem& p, const Array& z0) {
    return formed_state(p, z0, p.residual(z0), code(StatusCode::converged), array(std::int64_t{1}),
                        {zeros_like(z0), scalar_like(0, z0), array(std::int64_t{0})}, false);
  };
  steps.step = [o = *this](const SolverProblem& p, const SolverState& s) {
    const Array d = column_scales(s.factors[0], s.memory[0]);
    const ScaledResidual r(s, d);
    const Line line(r, s.delta, o.bias);
    const Array start = o.radius * length(d * s.z), other = where(line.regular(), line.newton_size(), r.norm);
    const Array first = where(start > 0, start, where(other > 0, other, scalar_like(1, other)));
    const Array none = array(std::int64_t{0});
    Trial q{where(s.memory[1] > 0, s.memory[1], first),
            scalar_like(0, s.z),
            s.z,
            s.residual,
            r.norm,
            array(false),
            s.memory[2],
            none};
    q = loop([](const Trial& at) { return ~at.good; },
             [&](const Trial& at) {
               Trial t;
               const Array by = line.at(at.radius);
               t.size = length(by);
               t.z = s.z + r.step(by);
               t.f = p.residual(t.z);
               t.norm = length(t.f);
               const Array wanted = r.predicted(by), got = r.achieved(t.norm);
               t.good = isfinite(t.norm) & (((got >= 1e-4 * wanted) & (got > 0)) | (t.norm <= s.floor));
               // As in MINPACK: a fair step is worth a wider region where the one before was one.
               const Array fair = t.good & (got >= 0.1 * wanted), none = array(std::int64_t{0});
               t.in_a_row = where(fair, at.in_a_row + 1, none);
               const Array grows = (got >= 0.5 * wanted) | (t.in_a_row > 1);
               const Array smaller = 0.5 * where(t.size > 0, minimum(t.size, at.radius), at.radius);
               t.radius = where(fair, where(grows, maximum(at.radius, 2 * t.size), at.radius), smaller);
               t.tried = at.tried + 1;
               return t;
             },
             q, o.max_trials);
    const Array failed = where(q.good & ~(r.is_least(q.norm) & (q.norm > s.floor)), code(StatusCode::converged),
                               no_step_left(s, q.norm));
    return formed_state(p, where(q.good, q.z, s.z), where(q.good, q.f, s.residual), failed, s.evaluations + q.tried,
                        {d, q.radius, q.in_a_row}, false);
  };
  steps.default_max_steps = 500;
  steps.forms_jacobian = true;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
