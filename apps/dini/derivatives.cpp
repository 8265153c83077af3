#include "apps/dini/derivatives.hpp"

#include <limits>

#include "apps/dini/constraints.hpp"
#include "apps/dini/solvers.hpp"
#include "dini/core/option_table.hpp"
#include "dini/implicit/implicit_function.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/from_multipliers.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::app {

namespace {

// The leaves of a lane's point come first among its rows.
Point point_of(const Point& like, const Leaves& rows) {
  const auto count = static_cast<std::ptrdiff_t>(like.size());
  return unflatten(like, Leaves(rows.begin(), rows.begin() + count));
}

Problem::Inputs replaced(Problem::Inputs inputs, const std::string& name, const Array& value) {
  inputs[name] = value;
  return inputs;
}

void add_gradients(const Lanes& lanes, const Point& points, const FixedPointOptions& options, Derivatives& out) {
  const Problem& p = lanes.problem();
  if (p.gradient.empty()) return;
  Problem::Inputs chosen, slopes;
  for (const std::string& name : p.gradient) chosen[name] = lanes.input(name);
  if (!p.kind || p.constrained()) {
    slopes = grad([&](const Problem::Inputs& at) { return sum(losses(lanes.with(at), points, options)); })(chosen);
  } else {
    // With z's cotangent of the equation, which is the adjoint's solution.
    const auto both = grad<0, 1>([&](const Problem::Inputs& at, const Array& added) {
      return sum(losses(lanes.with(at), points, options, added));
    })(chosen, zeros_like(points.at("z")));
    slopes = std::get<0>(both);
    Leaves more = flatten(points);
    more.push_back(std::get<1>(both));
    out.adjoint_residual = lanes.each(
        [&](const Problem::Inputs& inputs, const Leaves& rows) {
          return Leaves{adjoint_residual(p, inputs, point_of(points, rows), rows.back())};
        },
        more)[0];
  }
  for (const std::string& name : p.gradient) out.gradient.emplace_back(name, slopes.at(name));
}

Array hessian_of(const Lanes& lanes, const Point& points, const FixedPointOptions& options, const std::string& name) {
  const Problem& p = lanes.problem();
  const auto square = [](const Array& h, std::int64_t n) { return reshape(h, {n, n}); };
  if (!lanes.is_batched(name)) {
    const Array& x = lanes.input(name);
    const auto total = [&](const Array& at) { return sum(losses(lanes.with({{name, at}}), points, options)); };
    return square(hessian(total)(x), x.size());
  }
  return lanes.each(
      [&](const Problem::Inputs& inputs, const Leaves& rows) {
        const auto loss = [&](const Array& at) {
          const Problem::Inputs moved = replaced(inputs, name, at);
          return loss_at(p, moved, solution_at(p, moved, point_of(points, rows), options));
        };
        const Array& x = inputs.at(name);
        return Leaves{square(hessian(loss)(x), x.size())};
      },
      flatten(points))[0];
}

Array jacobian_of(const Lanes& lanes, const Point& points, const FixedPointOptions& options, const std::string& name) {
  const Problem& p = lanes.problem();
  return lanes.each(
      [&](const Problem::Inputs& inputs, const Leaves& rows) {
        const auto solution = [&](const Array& at) {
          return astype(solution_at(p, replaced(inputs, name, at), point_of(points, rows), options).at("z"), p.dtype);
        };
        return Leaves{jacobian(solution)(inputs.at(name))};
      },
      flatten(points))[0];
}

}  // namespace

FixedPointOptions derivative_options(const Problem& p, std::int64_t unknowns) {
  FixedPointOptions o;
  if (!p.kind) return o;
  o.adjoint = make_adjoint(p, unknowns);
  if (p.constrained()) {
    o.ties = ties_of(p);
    const bool known = p.program.empty();
    o.solver = known ? Solver(detail::from_multipliers()) : make_solver(p);
    o.tolerance = known ? Tolerance(std::numeric_limits<double>::infinity(), 0) : make_tolerance(p);
    return o;
  }
  o.accept = std::numeric_limits<double>::infinity();
  o.solver = o.adjoint.name() == SameSolver::table().name ? make_solver(p) : detail::given_point(o.accept);
  return o;
}

Array losses(const Lanes& lanes, const Point& points, const FixedPointOptions& options, const Array& added) {
  const Problem& p = lanes.problem();
  Leaves more = flatten(points);
  if (added.defined()) more.push_back(added);
  return lanes.each(
      [&](const Problem::Inputs& inputs, const Leaves& rows) {
        const Array last = added.defined() ? rows.back() : Array();
        return Leaves{loss_at(p, inputs, solution_at(p, inputs, point_of(points, rows), options, last))};
      },
      more)[0];
}

Derivatives derivatives(const Lanes& lanes, const Point& points, const FixedPointOptions& options) {
  const Problem& p = lanes.problem();
  Derivatives out;
  add_gradients(lanes, points, options, out);
  for (const std::string& name : p.hessian) out.hessian.emplace_back(name, hessian_of(lanes, points, options, name));
  for (const std::string& name : p.jacobian) out.jacobian.emplace_back(name, jacobian_of(lanes, points, options, name));
  return out;
}

Derived regular_derivatives(const Lanes& lanes, const Point& points, const std::vector<std::int64_t>& wanted,
                            const FixedPointOptions& options) {
  using Rows = std::vector<std::int64_t>;
  Derived out;
  const auto of = [&](const Rows& rows) {
    if (static_cast<std::int64_t>(rows.size()) == lanes.size()) return derivatives(lanes, points, options);
    return derivatives(lanes.chosen(rows), rows_of(points, rows), options);
  };
  // Whether it has derivatives by itself. Of the first one that has none the message is kept.
  const auto is_regular = [&](std::int64_t row) {
    try {
      of({row});
      return true;
    } catch (const SolveError& e) {
      if (!out.failure) out.failure = Derived::Failure{row, e.code, e.what()};
      return false;
    }
  };
  Rows& rows = out.rows = wanted;
  while (!rows.empty()) {
    std::optional<SolveError> error;
    try {
      out.derivatives = of(rows);
      return out;
    } catch (const SolveError& e) { error = e; }
    std::vector<std::int64_t> codes;
    if (error->status.defined() && error->status.size() == static_cast<std::int64_t>(rows.size())) {
      codes = error->status.to_vector<std::int64_t>();
    }
    Rows rest;
    for (std::size_t k = 0; k < rows.size(); ++k) {
      // Where the error does not say which lanes they are, each is asked; where it does, the first for its own message.
      const bool regular = codes.empty() ? is_regular(rows[k]) : codes[k] == 0;
      if (!regular && !out.failure) is_regular(rows[k]);
      if (!regular && !out.failure) out.failure = Derived::Failure{rows[k], error->code, error->what()};
      if (regular) rest.push_back(rows[k]);
    }
    if (rest.size() == rows.size()) {  // each has some by itself, and not with the others
      if (!out.failure) out.failure = Derived::Failure{rows[0], error->code, error->what()};
      rest.clear();
    }
    rows = rest;
  }
  return out;
}

}  // namespace dini::app
