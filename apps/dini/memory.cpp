#include "apps/dini/memory.hpp"

#include <algorithm>
#include <map>

#include "apps/dini/derivatives.hpp"
#include "apps/dini/solvers.hpp"
#include "dini/formula/text.hpp"
#include "dini/linear/system.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/trace/trace.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::app {

namespace {

double bytes_of(const Aval& a) { return static_cast<double>(a.shape.size()) * static_cast<double>(item_size(a.dtype)); }

// The most that is alive at once when the equations run in order, beside the inputs.
double peak_bytes(const detail::Program& program, std::map<const detail::Program*, double>& known) {
  const auto found = known.find(&program);
  if (found != known.end()) return found->second;
  std::vector<std::size_t> last(program.variables.size(), 0);
  std::vector<bool> is_input(program.variables.size(), false);
  for (std::size_t k = 0; k < program.equations.size(); ++k) {
    for (int v : program.equations[k].inputs) last[static_cast<std::size_t>(v)] = k;
  }
  for (int v : program.outputs) last[static_cast<std::size_t>(v)] = program.equations.size();
  for (int v : program.inputs) is_input[static_cast<std::size_t>(v)] = true;
  const auto bytes = [&](int v) { return bytes_of(program.variables[static_cast<std::size_t>(v)]); };
  double alive = 0, peak = 0;
  for (std::size_t k = 0; k < program.equations.size(); ++k) {
    const detail::Equation& e = program.equations[k];
    double within = 0;  // what a program takes that the equation stands for, or holds
    for (const detail::ProgramRef& p : programs_in(program, e)) within = std::max(within, peak_bytes(*p, known));
    peak = std::max(peak, alive + within);
    for (int v : e.outputs) alive += bytes(v);
    peak = std::max(peak, alive);
    std::vector<int> ended = e.inputs;
    std::sort(ended.begin(), ended.end());
    ended.erase(std::unique(ended.begin(), ended.end()), ended.end());
    for (int v : ended) {
      if (last[static_cast<std::size_t>(v)] == k && !is_input[static_cast<std::size_t>(v)]) alive -= bytes(v);
    }
  }
  return known[&program] = std::max(peak, alive);
}

class Memory {
 public:
  Memory(const Lanes& lanes, const SolveSettings& settings)
      : lanes_(lanes), p_(lanes.problem()), settings_(settings), inputs_(lanes.inputs_of(0)) {
    for (const auto& [name, a] : inputs_) shared_ += bytes_of(a.aval());
  }

  // Of one lane; what is refused is thrown.
  double of_lane() {
    formulas();
    results();
    hessians();
    if (p_.kind) solve();
    return most_;
  }
  double shared() const { return shared_; }

 private:
  const Lanes& lanes_;
  const Problem& p_;
  const SolveSettings& settings_;
  Problem::Inputs inputs_;
  Aval z_;
  std::map<std::string, Aval> found_;  // of a solution, by name
  double rows_ = 0;                    // of constraints
  double shared_ = 0, most_ = 0;

  double item() const { return static_cast<double>(item_size(p_.dtype)); }

  void refuse(const std::string& what, double bytes, const std::string& advice = "") const {
    if (bytes <= static_cast<double>(settings_.max_bytes)) return;
    throw ProblemError(what + " would take " + std::to_string(static_cast<std::int64_t>(bytes / 1048576)) +
                       " MB of memory, more than the limit of " + std::to_string(settings_.max_bytes / 1048576) +
                       " MB (--max-memory)" + advice);
  }

  // The inputs are captured, so that what must be read (a mask) can be.
  Aval measure(const std::string& what, const std::vector<Aval>& free, const std::function<Array(const Leaves&)>& f,
               const std::string& advice = "") {
    const detail::Staged staged =
        detail::stage([&](const Leaves& leaves) { return Leaves{f(leaves)}; }, free, "check_memory");
    std::map<const detail::Program*, double> known;
    double peak = peak_bytes(*staged.program, known);
    for (const Aval& a : free) peak += bytes_of(a);
    refuse(what, shared_ + peak, advice);
    most_ = std::max(most_, peak);
    return staged.program->output_avals().at(0);
  }

  void formulas() {
    if (!p_.kind) {
      z_ = measure("`formula`", {}, [&](const Leaves&) { return p_.evaluate(*p_.formula, inputs_); });
    } else {
      z_ = measure("`z0`", {}, [&](const Leaves&) { return p_.start(inputs_); });
      if (lanes_.batched_start()) z_.shape = z_.shape.erased(0);
      z_.weak = false;
      if (p_.formula)
        measure("`formula`", {z_}, [&](const Leaves& l) { return p_.evaluate(*p_.formula, inputs_, l[0]); });
      constraints();
    }
    found_["z"] = z_;
    if (!p_.loss) return;
    std::vector<Aval> point;
    for (const auto& [name, a] : found_) point.push_back(a);
    measure("`loss`", point, [&](const Leaves& l) {
      Point at;
      std::size_t k = 0;
      for (const auto& [name, a] : found_) at[name] = l[k++];
      return p_.evaluate_found(*p_.loss, inputs_, at);
    });
  }

  // What a loss may use beside z, and how many rows there are.
  void constraints() {
    const auto rows = [&](const std::string& name, const Shape& shape) {
      found_["dual_" + name] = {shape, p_.dtype, false};
      rows_ += static_cast<double>(shape.size());
    };
    const auto bound = [&](const char* name, const ProblemArray& a) {
      if (!a.given()) return;
      measure(text::in_quotes(name), {}, [&](const Leaves&) { return p_.value(a, inputs_); });
      found_[std::string("dual_") + name] = z_;
    };
    bound("lower", p_.lower);
    bound("upper", p_.upper);
    for (const auto* some : {&p_.equalities, &p_.inequalities}) {
      for (const ProblemRows& r : *some) {
        rows(r.name, measure("the constraint " + text::in_quotes(r.name), {z_}, [&](const Leaves& l) {
                       return p_.evaluate(r.formula, inputs_, l[0]);
                     }).shape);
      }
    }
    for (const auto& [name, a] : p_.program) {
      const ProblemArray& data = a;
      const Shape shape =
          measure(text::in_quotes(name), {}, [&](const Leaves&) { return p_.value(data, inputs_); }).shape;
      if (name != "A" && name != "G") continue;
      const Shape count = shape.ndim() > 0 ? Shape{shape[0]} : Shape{};
      if (name == "A") rows("A", count);
      if (name == "G" && p_.program.count("h")) rows("G", count);
      if (name == "G" && p_.program.count("h_lower")) rows("G_lower", count);
    }
    if (p_.kind != Kind::root && p_.kind != Kind::fixed_point) found_["objective"] = {Shape{}, p_.dtype, false};
  }

  void results() {
    // Arrays without elements take no memory, but the brackets of their rows do where they are written.
    const auto refuse_rows = [&](const std::string& what, const Shape& shape) {
      double rows = 1;
      for (int k = 0; k < shape.ndim() && shape[k] > 0; ++k) rows *= static_cast<double>(shape[k]);
      if (shape.size() == 0) refuse(what + ", of shape " + shape.str() + ",", 4 * rows);
    };
    const double lanes = static_cast<double>(lanes_.size());
    refuse_rows("`z`", z_.shape);
    refuse("`z` of all lanes", lanes * bytes_of(z_));
    for (const std::string& name : p_.gradient) {
      refuse_rows("the gradient in " + text::in_quotes(name), inputs_.at(name).shape());
    }
    for (const std::string& name : p_.hessian) {
      const double n = static_cast<double>(inputs_.at(name).size()), bytes = n * n * item();
      refuse("the Hessian in " + text::in_quotes(name), lanes_.is_batched(name) ? lanes * bytes : bytes);
      most_ = std::max(most_, bytes);
    }
    for (const std::string& name : p_.jacobian) {
      refuse_rows("the Jacobian in " + text::in_quotes(name), z_.shape + inputs_.at(name).shape());
      const double bytes = static_cast<double>(inputs_.at(name).size()) * static_cast<double>(z_.shape.size()) * item();
      refuse("the Jacobian in " + text::in_quotes(name), lanes * bytes);
      most_ = std::max(most_, bytes);
    }
  }

  // Of the matrix that is formed: z and, of a problem with constraints, the multipliers.
  double unknowns() const { return static_cast<double>(z_.shape.size()) + rows_; }

  // A computation in which a solver or an adjoint forms ∂F/∂z and its factors.
  void matrix(const std::string& who, const std::vector<Aval>& free, const std::function<Array(const Leaves&)>& f,
              const std::string& others) {
    const std::string n = std::to_string(static_cast<std::int64_t>(unknowns()));
    measure(who + " forms a matrix of " + n + " x " + n + " and its factors, which", free, f,
            others.empty() ? "" : "; none is formed by " + others);
  }

  static bool wants_matrix(const FixedPointOptions& o) {
    return o.adjoint.automatic() || o.adjoint.method()->wants_matrix();
  }

  // Whether so much for a lane is not clearly little; if it is, it stands for what it is a bound of.
  bool is_much(double bytes) {
    if (shared_ + bytes * static_cast<double>(lanes_.size()) > static_cast<double>(settings_.max_bytes) / 8)
      return true;
    most_ = std::max(most_, bytes);
    return false;
  }

  void solve() {
    const std::int64_t n = z_.shape.size();
    most_ = std::max(most_, 2 * static_cast<double>(history_length(p_, settings_)) * item());
    const std::string solver = p_.constrained() ? p_.solver.name : forms_matrix(p_, n);
    const double matrices = 16 * unknowns() * unknowns() * item();
    if (!solver.empty() && is_much(matrices)) {
      FixedPointOptions o;
      o.solver = make_solver(p_);
      o.on_failure = OnFailure::best;
      matrix(
          "`solver`: " + solver, {z_},
          [&](const Leaves& l) {
            return solve_lane(p_, inputs_, {{"z", l[0]}}, o).solution.value;
          },
          p_.constrained() ? "" : solvers_without_matrix(*p_.kind, n));
    }
    const bool derived = !p_.gradient.empty() || !p_.hessian.empty() || !p_.jacobian.empty();
    if (!derived) return;
    FixedPointOptions o = derivative_options(p_, n);
    if (p_.constrained()) o.solver = make_solver(p_);
    if (wants_matrix(o) && is_much(matrices)) {
      matrix(
          "`adjoint`: " + o.adjoint.name(), {z_, z_},
          [&](const Leaves& l) {
            return grad([&](const Array& added) {
              return sum(solution_at(p_, inputs_, {{"z", l[0]}}, o, added).at("z"));
            })(l[1]);
          },
          p_.constrained() ? "" : adjoints_without_matrix(*p_.kind));
    }
  }

  // All second derivatives at once, which with the matrix of an adjoint are those of each of its entries.
  void hessians() {
    const std::int64_t n = p_.kind ? z_.shape.size() : 0;
    FixedPointOptions options = derivative_options(p_, n);
    if (p_.constrained()) options.solver = make_solver(p_);
    const bool formed = p_.kind && wants_matrix(options);
    for (const std::string& name : p_.hessian) {
      const Array& x = inputs_.at(name);
      const double each = formed ? 16 * unknowns() * unknowns() * item() : 0;
      if (!is_much(static_cast<double>(x.size()) * (each + 8 * most_))) continue;
      measure(
          "the Hessian in " + text::in_quotes(name), {z_, x.aval()},
          [&](const Leaves& l) {
            return hessian([&](const Array& at) {
              Problem::Inputs moved = inputs_;
              moved[name] = at;
              return loss_at(p_, moved, solution_at(p_, moved, {{"z", l[0]}}, options));
            })(l[1]);
          },
          formed && !p_.constrained() ? "; the adjoint " + adjoints_without_matrix(*p_.kind) + " takes less" : "");
    }
  }
};

}  // namespace

std::int64_t history_length(const Problem& p, const SolveSettings& settings) {
  return settings.history ? std::min<std::int64_t>(p.max_steps.value_or(10000), 100000) + 1 : 0;
}

std::int64_t lanes_at_once(const Lanes& lanes, const SolveSettings& settings) {
  if (lanes.size() > settings.max_bytes / 1000) {
    throw ProblemError("`batch`: " + std::to_string(lanes.size()) + " lanes would take more memory than the limit of " +
                       std::to_string(settings.max_bytes / 1048576) + " MB (--max-memory)");
  }
  Memory memory(lanes, settings);
  const double each = memory.of_lane(), free = static_cast<double>(settings.max_bytes) - memory.shared();
  // Twice, for what derivatives keep.
  const double count = free / std::max(2 * each, 1.0);
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::min(count, 1e15)), 1, lanes.size());
}

}  // namespace dini::app
