#include "apps/dini/solve.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "apps/dini/check.hpp"
#include "apps/dini/constraints.hpp"
#include "apps/dini/derivatives.hpp"
#include "apps/dini/memory.hpp"
#include "apps/dini/parts.hpp"
#include "apps/dini/solvers.hpp"
#include "dini/core/option_table.hpp"
#include "dini/linear/check_status.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/shaping.hpp"

namespace dini::app {

namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

using Rows = std::vector<std::int64_t>;
const std::string converged = name(StatusCode::converged), cancelled = name(StatusCode::cancelled);

class Run {
 public:
  Run(const Problem& problem, const SolveSettings& settings) : p_(problem), settings_(settings), all_(problem) {
    if (p_.deadline) deadline_ = Deadline::in(*p_.deadline);
  }

  ProblemResult result() {
    const auto began = Clock::now();
    const std::int64_t together = lanes_at_once(all_, settings_);
    const Point start = p_.kind ? starts() : Point();
    for (std::int64_t first = 0; first < all_.size(); first += together) {
      if (together == all_.size()) {
        part(all_, start, 0);
        break;
      }
      Rows rows(static_cast<std::size_t>(std::min(together, all_.size() - first)));
      std::iota(rows.begin(), rows.end(), first);
      part(all_.chosen(rows), rows_of(start, rows), first);
    }
    finish();
    r_.seconds_solve = since(began);
    return std::move(r_);
  }

 private:
  const Problem& p_;
  const SolveSettings& settings_;
  Lanes all_;
  Deadline deadline_;
  ProblemResult r_;
  std::vector<std::string> solvers_;  // of each lane
  std::vector<Part> parts_;
  std::int64_t derived_ = 0;

  bool wanted() const { return !p_.gradient.empty() || !p_.hessian.empty() || !p_.jacobian.empty(); }
  bool good(std::int64_t lane) const { return r_.status[static_cast<std::size_t>(lane)] == converged; }
  std::string why_cancelled() const {
    return settings_.cancel.cancelled() ? "cancelled by a signal" : "the deadline has passed";
  }

  // Of all lanes. What is cancelled here ends as a solve from there.
  Point starts() const {
    const bool given = !p_.z0_formula && p_.z0.defined();
    Point start = given ? all_.starts() : Point();
    try {
      CancelScope scope(settings_.cancel, deadline_);
      if (!given) start = all_.starts();
      for (const Formula* f : p_.formulas()) all_.check_indices(*f, start);
    } catch (const CancelledError&) {
      if (start.empty()) throw;
    }
    return start;
  }

  // Some lanes, of which the first is that one of all.
  void part(const Lanes& lanes, const Point& start, std::int64_t first) {
    Part found;
    if (p_.kind) found = solve(lanes, start);
    const bool solved = !found.point.empty();
    if (solved) parts_.push_back(found);
    try {
      CancelScope scope(settings_.cancel, deadline_);
      if (!solved) parts_.push_back(evaluate(lanes));
      const Point point = parts_.back().point;
      add_loss(lanes, point, first);
      if (wanted()) differentiate(lanes, point, first);
    } catch (const CancelledError&) {
      if (parts_.empty() || parts_.back().point.empty()) throw;
      for (std::int64_t k = first; k < first + lanes.size(); ++k) {
        if (good(k)) r_.status[static_cast<std::size_t>(k)] = cancelled;
      }
      const bool derived = !wanted() || parts_.back().derivatives;
      if (!derived && r_.adjoint && r_.adjoint->status == converged) r_.adjoint->status = cancelled;
      r_.message = why_cancelled();
    }
  }

  Part evaluate(const Lanes& lanes) {
    if (lanes.size() > 1) lanes.check_indices(*p_.formula, {{"z", full({lanes.size()}, Array(0.0))}});
    const Array z = lanes.each(
        [&](const Problem::Inputs& inputs, const Leaves&) { return flatten(solution_at(p_, inputs, {}, {})); })[0];
    const std::size_t size = r_.status.size() + static_cast<std::size_t>(lanes.size());
    r_.status.resize(size, converged);
    r_.message = "evaluated";
    r_.steps.resize(size, 0);
    r_.evaluations.resize(size, 1);
    r_.residual_norm.resize(size, 0);
    solvers_.resize(size, "none");
    Part out;
    out.lanes = lanes.size();
    out.point["z"] = z;
    return out;
  }

  Part solve(const Lanes& lanes, const Point& start) {
    FixedPointOptions o;
    o.solver = make_solver(p_, p_.resumed && has_multipliers(p_, start));
    o.tolerance = make_tolerance(p_);
    o.max_steps = p_.max_steps.value_or(-1);
    o.on_failure = OnFailure::best;
    o.history = history_length(p_, settings_);
    o.watch = {settings_.monitor, settings_.cancel, deadline_};
    o.ties = ties_of(p_);
    Found f;
    const Leaves found = lanes.each(
        [&](const Problem::Inputs& inputs, const Leaves& rows) {
          const Point from = unflatten(start, rows);
          if (p_.resumed) check_multipliers(p_, inputs, from);
          f = solve_lane(p_, inputs, from, o);
          return flatten(f);
        },
        flatten(start));
    f = unflatten(f, found);
    const Solution<Array>& s = f.solution;
    const auto append = [](auto& to, const Array& from) {
      using T = typename std::remove_cvref_t<decltype(to)>::value_type;
      for (T v : from.to_vector<T>()) to.push_back(v);
    };
    Rows codes, methods;
    append(codes, s.status.code);
    append(methods, s.method);
    append(r_.steps, s.steps);
    append(r_.evaluations, s.evaluations);
    append(r_.residual_norm, s.residual_norm);
    append(r_.error_estimate, s.error_estimate);
    if (!f.counts.empty()) {
      append(r_.active, f.counts.at("active"));
      append(r_.weakly_active, f.counts.at("weakly_active"));
      append(r_.dependent, f.counts.at("dependent"));
    }
    for (std::int64_t code : codes) r_.status.emplace_back(name(static_cast<StatusCode>(code)));
    for (std::int64_t m : methods) solvers_.push_back(s.methods.at(static_cast<std::size_t>(m)));
    if (o.history > 0) add_history(s.history);
    Part out;
    out.lanes = lanes.size();
    out.point = f.point;
    out.certificate = f.certificate;
    if (!f.ray.empty()) out.ray["ray"] = f.ray[0];
    if (p_.batch.empty()) {
      r_.message = message_of(static_cast<StatusCode>(codes[0]), s.value);
      for (const auto& [name, a] : slacks_at(p_, all_.inputs_of(0), reshape(s.value, s.value.shape().erased(0))))
        out.slacks[name] = expand_dims(a, 0);
    }
    return out;
  }

  // The norms up to the last step.
  void add_history(const Array& norms) {
    const std::vector<double> all = norms.to_vector<double>();
    const std::ptrdiff_t length = norms.shape()[1];
    for (auto row = all.begin(); row != all.end(); row += length) {
      auto end = row + length;
      while (end != row && std::isnan(*(end - 1))) --end;
      r_.history.emplace_back(row, end);
    }
  }

  // Of a problem without lanes, and its z.
  std::string message_of(StatusCode code, const Array& z) const {
    if (code == StatusCode::converged) {
      return solvers_[0] + ", " + std::to_string(r_.steps[0]) + (r_.steps[0] == 1 ? " step" : " steps");
    }
    if (code == StatusCode::cancelled) return why_cancelled();
    std::string out = describe(code);
    const Shape shape = z.shape().erased(0);
    auto map = [&](const Array& at) { return ravel(map_at(p_, all_.inputs_of(0), reshape(at, shape))); };
    if (code == StatusCode::not_a_minimum && p_.program.count("P")) out += ": `P` is not positive semidefinite";
    if (code == StatusCode::infeasible) out += contradiction(p_, all_.inputs_of(0), shape);
    if (p_.bracket) {
      const Bracket<Array> ends = bracket_of(p_, shape);
      out += detail::bracket_entry(code, map, ravel(z), ravel(ends.lower), ravel(ends.upper));
    } else if (code == StatusCode::nonfinite && p_.formula) {
      out += detail::nonfinite_entry(map, ravel(z));
    }
    return out;
  }

  void add_loss(const Lanes& lanes, const Point& points, std::int64_t first) {
    if (!p_.loss) return;
    if (lanes.size() > 1) lanes.check_indices(*p_.loss, points);
    const Array loss =
        lanes.each([&](const Problem::Inputs& inputs,
                       const Leaves& rows) { return Leaves{loss_at(p_, inputs, unflatten(points, rows))}; },
                   flatten(points))[0];
    const bool all = p_.batch.empty() || settings_.gradient_anyway;
    const Rows rows = lanes_with(lanes.size(), [&](std::int64_t k) { return all || good(first + k); });
    parts_.back().loss = spread(rows_of(loss, rows), rows, lanes.size());
  }

  template <class Predicate> static Rows lanes_with(std::int64_t size, const Predicate& predicate) {
    Rows out;
    for (std::int64_t k = 0; k < size; ++k) {
      if (predicate(k)) out.push_back(k);
    }
    return out;
  }

  void differentiate(const Lanes& lanes, const Point& points, std::int64_t first) {
    const bool anyway = settings_.gradient_anyway;
    const Rows asked = lanes_with(lanes.size(), [&](std::int64_t k) { return anyway || good(first + k); });
    if (asked.empty()) return;
    FixedPointOptions o = derivative_options(p_, points.at("z").size() / lanes.size());
    if (p_.kind && !r_.adjoint) {
      const std::string name = o.adjoint.automatic() ? Direct::table().name : o.adjoint.name();
      r_.adjoint = AdjointReport{converged, name, o.adjoint.exact(), {}, {}};
    }
    Derived d = regular_derivatives(lanes, points, asked, o);
    if (d.failure) {
      if (r_.adjoint && r_.adjoint->status == converged) {
        r_.adjoint->status = name(d.failure->code);
        const std::string lane = "lane " + std::to_string(first + d.failure->lane) + ": ";
        r_.adjoint->message = (p_.batch.empty() ? "" : lane) + d.failure->message;
      }
      if (anyway) {
        o.on_failure = OnFailure::best;
        o.derivative_anyway = true;
        d = {derivatives(lanes, points, o), asked, {}};
        r_.gradient_anyway = true;
      }
    }
    if (!d.derivatives) return;
    for (std::int64_t k : d.rows) r_.gradient_anyway = r_.gradient_anyway || !good(first + k);
    derived_ += static_cast<std::int64_t>(d.rows.size());
    if (d.derivatives->adjoint_residual.defined()) {
      double& most = r_.adjoint->residual_norm.emplace(r_.adjoint->residual_norm.value_or(0));
      for (double v : d.derivatives->adjoint_residual.to_vector<double>()) most = std::max(most, v);
    }
    parts_.back().derivatives = spread(*d.derivatives, d.rows, lanes);
    if (settings_.check) check(lanes, *d.derivatives, points, d.rows, first);
  }

  void check(const Lanes& lanes, const Derivatives& d, const Point& points, const Rows& rows, std::int64_t first) {
    const bool solved = std::all_of(rows.begin(), rows.end(), [&](std::int64_t k) { return good(first + k); });
    if (d.gradient.empty() || !solved) return;
    for (std::int64_t k : rows) {
      if (kinks(first + k) > 0) {
        r_.check_refused = "active constraints depend on each other or have a multiplier of 0" +
                           (p_.batch.empty() ? "" : " in lane " + std::to_string(first + k)) +
                           ": differences straddle the kink";
        return;
      }
    }
    const auto with = [&](const Lanes& some) { return check_gradient(some, d.gradient, rows_of(points, rows)); };
    double digits;
    if (settings_.precise) {
      Rows of_all = rows;
      for (std::int64_t& k : of_all) k += first;
      digits = with(Lanes(*settings_.precise).chosen(of_all));
    } else {
      digits = with(lanes.chosen(rows));
    }
    r_.check_digits = std::min(r_.check_digits.value_or(16), digits);
  }

  // How many of a lane's active constraints have a multiplier of 0, or depend on others.
  std::int64_t kinks(std::int64_t lane) const {
    const auto k = static_cast<std::size_t>(lane);
    return r_.active.empty() ? 0 : r_.weakly_active[k] + r_.dependent[k];
  }

  // What is to be known of the derivatives of such lanes.
  void note_kinks() {
    if (!r_.adjoint || r_.active.empty()) return;
    std::int64_t tied = 0, dependent = 0;
    for (std::int64_t k = 0; k < all_.size(); ++k) {
      if (!good(k)) continue;
      tied += r_.weakly_active[static_cast<std::size_t>(k)];
      dependent += r_.dependent[static_cast<std::size_t>(k)];
    }
    if (dependent > 0) r_.adjoint->exact = false;
    if (!r_.adjoint->message.empty()) return;
    const auto are = [](std::int64_t n, const char* what) {
      return std::to_string(n) + (n == 1 ? " active constraint " : " active constraints ") + what;
    };
    std::string& message = r_.adjoint->message;
    if (tied > 0) message = are(tied, "with a multiplier of 0: the derivative is by `ties`: ") + p_.ties;
    if (dependent > 0) {
      message += (message.empty() ? "" : "; ") +
                 are(dependent, "that depend on others: multipliers and derivative are of minimum norm");
    }
  }

  void finish() {
    r_.batched = !p_.batch.empty();
    if (r_.batched) {
      const auto count = std::count(r_.status.begin(), r_.status.end(), converged);
      const bool ended = std::count(r_.status.begin(), r_.status.end(), cancelled) > 0;
      r_.message = std::to_string(count) + " of " + std::to_string(all_.size()) + " lanes converged" +
                   (ended ? "; " + why_cancelled() : "");
      if (wanted()) r_.lanes_summed = derived_;
    }
    r_.solver = solvers_[0];
    for (const std::string& s : solvers_) {
      if (s != r_.solver) r_.solver = "auto";
    }
    note_kinks();
    join(all_, parts_, r_);
  }
};

}  // namespace

ProblemResult solve_problem(const Problem& p, const SolveSettings& settings) { return Run(p, settings).result(); }

}  // namespace dini::app
