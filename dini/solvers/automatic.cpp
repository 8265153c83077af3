#include "dini/solvers/automatic.hpp"

#include <limits>

#include "dini/linear/system.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/constrained.hpp"
#include "dini/solvers/drive.hpp"

namespace dini::detail {

namespace {

Trials sequence_of(Kind kind, Restriction restriction, std::int64_t n) {
  Trials out;
  for (const Trial& t : trials_of(kind, restriction)) {
    if (n <= t.largest) out.push_back(t);
  }
  return out;
}

struct Automatic final : SolverMethod {
  std::string name() const override { return "auto"; }
  std::string key() const override { return "auto"; }
  Restriction takes() const override { return Restriction::general; }
  Kinds kinds() const override { return Kinds::all() | Kinds{Kind::bracketed_root}; }
  std::vector<std::string> methods(Kind kind, Restriction restriction) const override {
    std::vector<std::string> names;
    for (const Trial& t : trials_of(kind, restriction)) names.push_back(t.name);
    return names;
  }
  // Where all of the sequence have some: which of them will have found the solution is not known beforehand.
  bool factors(Kind kind, std::int64_t n, const StopRule& stop) const override {
    for (const Trial& t : sequence_of(kind, Restriction::none, n)) {
      if (!t.method->factors(kind, n, stop)) return false;
    }
    return true;
  }

  Outcome solve(const SolverProblem& p, const Array& z0, const StopRule& stop) const override {
    const Trials methods = sequence_of(p.kind, p.restriction(), z0.size());
    const bool with_factors = factors(p.kind, z0.size(), stop);
    auto solved = [&](std::size_t k, const Array& start, const StopRule& rule) {
      Outcome out = methods[k].method->solve(p, start, rule);
      const Trials& all = trials_of(p.kind, p.restriction());
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].name == methods[k].name) out.method = array(static_cast<std::int64_t>(i));
      }
      if (!with_factors) out.factors.clear();
      return out;
    };
    if (methods.size() == 1) return solved(0, z0, stop);

    struct Progress {
      Outcome best;
      Array round;
      auto tree() { return std::tie(best, round); }
    };
    const std::int64_t budget = stop.max_steps >= 0 ? stop.max_steps : std::numeric_limits<std::int64_t>::max();
    auto open = [&](const Outcome& o) {
      return (o.status != 0) & (o.status != code(StatusCode::cancelled)) & (o.steps < budget);
    };
    Progress q{nothing_yet(p, z0, stop, with_factors), array(std::int64_t{0})};
    q = loop([&](const Progress& at) { return (at.round < 2) & open(at.best); },
             [&](const Progress& at) {
               Progress r = at;
               for (std::size_t k = 0; k < methods.size(); ++k) {
                 r = loop([&](const Progress& s) { return open(s.best); },
                          [&](const Progress& s) {
                            StopRule rule = stop;
                            // In a batch the lanes that are there already take part, with no steps left to them.
                            rule.budget = where(open(s.best), budget - s.best.steps, array(std::int64_t{0}));
                            const Array start = where(s.round == 0, z0, s.best.z);
                            return Progress{better(s.best, solved(k, start, rule)), s.round};
                          },
                          r, 1);
               }
               r.round = at.round + 1;
               return r;
             },
             q, 2);
    Outcome out = q.best;
    out.status = where(open(out) | (out.status == 0) | (out.status == code(StatusCode::cancelled)), out.status,
                       code(StatusCode::max_steps));
    return out;
  }

 private:
  // What no solver has been at: z0, with a residual that any other is better than.
  static Outcome nothing_yet(const SolverProblem& p, const Array& z0, const StopRule& stop, bool with_factors) {
    Outcome o;
    o.z = z0;
    o.status = code(StatusCode::max_steps);
    o.steps = o.evaluations = o.method = array(std::int64_t{0});
    o.residual_norm = o.error_estimate = scalar_like(std::numeric_limits<double>::infinity(), z0);
    o.history = full({stop.history}, Array(std::numeric_limits<double>::quiet_NaN()), z0.dtype());
    if (p.restriction() != Restriction::none) o.constrained = flatten(no_constrained_end(p, z0));
    if (!with_factors) return o;
    const Array a = eye(z0.size(), z0.dtype());
    o.factors = {a};
    for (const Array& f : factorize(a, p.structure)) o.factors.push_back(f);
    o.factors.push_back(array(false));
    return o;
  }

  // What has converged, or else what has the smaller residual; steps and evaluations are those of both.
  static Outcome better(const Outcome& before, const Outcome& now) {
    const Array takes =
        (now.status == 0) | (now.residual_norm < before.residual_norm) | ~isfinite(before.residual_norm);
    Outcome out = tree_map([&](const Array& a, const Array& b) { return where(takes, b, a); }, before, now);
    const Array ended = now.status == code(StatusCode::cancelled);
    out.status = where(ended, now.status, out.status);
    out.steps = before.steps + now.steps;
    out.evaluations = before.evaluations + now.evaluations;
    return out;
  }
};

}  // namespace

std::shared_ptr<const SolverMethod> automatic_method() {
  static const std::shared_ptr<const SolverMethod> method = std::make_shared<Automatic>();
  return method;
}

std::vector<std::string> automatic_sequence(Kind kind, std::int64_t n, Restriction restriction) {
  std::vector<std::string> names;
  for (const Trial& t : sequence_of(kind, restriction, n)) names.push_back(t.name);
  return names;
}

}  // namespace dini::detail
