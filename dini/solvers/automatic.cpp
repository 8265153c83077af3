#include "dini/solvers/automatic.hpp"

#include <limits>

#include "dini/linear/system.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/constrained.hpp"
#include "dini/solvers/drive.hpp"
#include "dini/trace/late.hpp"
#include "dini/transforms/control_ops.hpp"
#include "dini/solvers/objective.hpp"

namespace dini::detail {

namespace {

Trials sequence_of(Kind kind, Restriction restriction, std::int64_t order) {
  Trials out;
  for (const Trial& t : trials_of(kind, restriction)) {
    if (t.smallest <= order && order <= t.largest) out.push_back(t);
  }
  return out;
}

struct Automatic final : SolverMethod {
  std::string name() const override { return "auto"; }
  std::string key() const override { return "auto"; }
  Restriction takes() const override { return Restriction::general; }
  Kinds kinds() const override { return Kinds::all() | Kinds{Kind::bracketed_root, Kind::quadratic_program}; }
  std::vector<std::string> methods(Kind kind, Restriction restriction) const override {
    std::vector<std::string> names;
    for (const Trial& t : trials_of(kind, restriction)) names.push_back(t.name);
    return names;
  }
  // Where the first of the sequence has some, which finds most solutions; of one without them they are made where they are needed.
  bool factors(Kind kind, std::int64_t order, const StopRule& stop) const override {
    const Trials trials = sequence_of(kind, Restriction::none, order);
    return !trials.empty() && trials[0].method->factors(kind, order, stop);
  }

  Outcome solve(const SolverProblem& p, const Array& z0, const StopRule& stop) const override {
    Sequence s;
    const std::int64_t order = p.order(z0.size());
    s.trials = sequence_of(p.kind, p.restriction(), order);
    s.with_factors = factors(p.kind, order, stop);
    s.budget = stop.max_steps >= 0 ? stop.max_steps : std::numeric_limits<std::int64_t>::max();
    s.stop = stop;
    s.program = p.kind == Kind::quadratic_program;
    const Outcome first = solved(s, 0, p, z0, stop);
    if (s.trials.size() == 1) return first;
    // What follows is traced, planned and given memory when it is first needed.
    Outcome out =
        loop([&](const Outcome& best) { return open(s, best); },
             [&](const Outcome& best) {
               return late(p, {best, z0}, [s](const SolverProblem& q, const Outcome& from, const Array& start) {
                 return others(s, q, from, start);
               });
             },
             first, 1);
    out.status = where(settled(s, out.status) | (out.steps < s.budget), out.status, code(StatusCode::max_steps));
    return out;
  }

 private:
  struct Sequence {
    Trials trials;
    bool with_factors = false;
    std::int64_t budget = 0;
    StopRule stop;
    bool program = false;  // a quadratic one
  };
  struct From {
    Outcome best;
    Array z0;
    auto tree() { return std::tie(best, z0); }
  };

  // Whether nothing that another solver may find would change it. What the first says of a program is proved, unless it has given up.
  static Array settled(const Sequence& s, const Array& status) {
    if (s.program) return (status != code(StatusCode::stagnated)) & (status != code(StatusCode::max_steps));
    return (status == 0) | (status == code(StatusCode::cancelled)) | (status == code(StatusCode::unbounded));
  }
  static Array open(const Sequence& s, const Outcome& o) { return ~settled(s, o.status) & (o.steps < s.budget); }

  static Outcome solved(const Sequence& s, std::size_t k, const SolverProblem& p, const Array& start,
                        const StopRule& rule) {
    Outcome out = s.trials[k].method->solve(p, start, rule);
    const Trials& all = trials_of(p.kind, p.restriction());
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].name == s.trials[k].name) out.method = array(static_cast<std::int64_t>(i));
    }
    if (!s.with_factors) {
      out.factors.clear();
    } else if (!s.trials[k].method->factors(p.kind, p.order(start.size()), rule)) {
      // Of the types that they would have.
      const Array a = p.diagonal() ? ones_like(start) : eye(start.size(), start.dtype());
      out.factors = {a};
      for (const Array& f : factorize(a, p.structure)) out.factors.push_back(f);
      out.factors.push_back(array(false));
    }
    return out;
  }

  // f of the problem and of what it goes on from, when it is first run; at once where the problem is not made of arrays.
  template <class F> static Outcome late(const SolverProblem& p, const From& from, const F& f) {
    if (!p.again) return f(p, from.best, from.z0);
    Leaves inputs = flatten(from);
    const std::size_t own = inputs.size();
    inputs.insert(inputs.end(), p.theta.begin(), p.theta.end());
    std::vector<Aval> in, out;
    for (const Array& a : inputs) in.push_back({a.shape(), a.dtype(), false});
    for (const Array& a : flatten(from.best)) out.push_back({a.shape(), a.dtype(), false});
    // What it is called with has its own arrays; of these the tree is kept.
    const From like = unflatten(from, Leaves(own));
    const auto program = std::make_shared<LateProgram>(in, out, [in, own, again = p.again, f, like] {
      return stage_closed(
          [&](const Leaves& v) {
            const auto middle = v.begin() + static_cast<std::ptrdiff_t>(own);
            const From at = unflatten(like, Leaves(v.begin(), middle));
            return flatten(f(again(Leaves(middle, v.end())), at.best, at.z0));
          },
          in, "solve");
    });
    return unflatten(from.best, emit(late_call_op(), inputs, {{"program", OpaqueRef(program)}}));
  }

  // The rest of the sequence from the start, then all of it from the best point so far.
  static Outcome others(const Sequence& s, const SolverProblem& p, const Outcome& from, const Array& z0) {
    Outcome best = from;
    for (int round = 0; round < 2; ++round) {
      for (std::size_t k = round == 0 ? 1 : 0; k < s.trials.size(); ++k) {
        best = loop([&](const Outcome& b) { return open(s, b); },
                    [&](const Outcome& b) {
                      return late(p, {b, round == 0 ? z0 : b.z},
                                  [s, k](const SolverProblem& q, const Outcome& before, const Array& start) {
                                    StopRule rule = s.stop;
                                    // In a batch the lanes that are there already take part, with no steps left to them.
                                    rule.budget =
                                        where(open(s, before), s.budget - before.steps, array(std::int64_t{0}));
                                    return better(q, before, solved(s, k, q, start, rule));
                                  });
                    },
                    best, 1);
      }
    }
    return best;
  }

  // What has converged, or else what is lower, and where there is nothing to be low what has the smaller residual; steps and
  // evaluations are those of both.
  static Outcome better(const SolverProblem& p, const Outcome& before, const Outcome& now) {
    const bool falls = p.objective && p.restriction() == Restriction::none;
    const Array smaller =
        falls ? objective_at(p, now.z) < objective_at(p, before.z) : now.residual_norm < before.residual_norm;
    const Array takes = (now.status == 0) | smaller | ~isfinite(before.residual_norm);
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
