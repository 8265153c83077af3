#include "apps/dini/constraints.hpp"

#include "apps/dini/program.hpp"

#include <algorithm>

#include "dini/formula/text.hpp"
#include "dini/io/problem_result.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/core/tree.hpp"

namespace dini::app {

namespace {

using detail::Leaves;

Array bound_at(const Problem& p, const char* key, const ProblemArray& bound, const Problem::Inputs& inputs,
               const Shape& shape) {
  const Array a = p.value(bound, inputs);
  try {
    return broadcast_to(a, shape);
  } catch (const ShapeError&) {
    throw ProblemError(text::in_quotes(key) + ": its shape is " + a.shape().str() + ", which does not fit z of shape " +
                       shape.str());
  }
}

// What is to be 0, or at most 0.
Array row_at(const Problem& p, const ProblemRows& row, const Problem::Inputs& inputs, const Array& z) {
  const Array value = p.evaluate(row.formula, inputs, z);
  if (value.dtype() == Dtype::bool_) {
    throw ProblemError(
        "the constraint " + text::in_quotes(row.name) +
        ": it is made of truth values; one comparison of numbers is wanted, or what is to be 0 or at most 0");
  }
  const Array a = astype(value, p.dtype);
  return row.negated ? -a : a;
}

Leaves rows_at(const Problem& p, const std::vector<ProblemRows>& rows, const Problem::Inputs& inputs, const Array& z) {
  Leaves out;
  for (const ProblemRows& r : rows) out.push_back(row_at(p, r, inputs, z));
  return out;
}

const Array* find(const Point& point, const std::string& name) {
  const auto found = point.find(name);
  return found == point.end() ? nullptr : &found->second;
}

// ν and λ, or nothing where the start has none.
Leaves multipliers_of(const Problem& p, const Point& start) {
  Leaves out;
  if (!has_multipliers(p, start)) return out;
  for (const auto* rows : {&p.equalities, &p.inequalities}) {
    Leaves parts{zeros({0}, p.dtype)};
    for (const ProblemRows& r : *rows) parts.push_back(ravel(*find(start, "dual_" + r.name)));
    out.push_back(concatenate(parts));
  }
  return out;
}

// By the names of dual_names(), from the leaves that a solve has for bounds and constraints.
Problem::Inputs named(const Problem& p, const Leaves& lower, const Leaves& upper, const Leaves& equal,
                      const Leaves& at_most, const std::string& prefix) {
  Problem::Inputs out;
  if (p.lower.given()) out[prefix + "lower"] = lower.at(0);
  if (p.upper.given()) out[prefix + "upper"] = upper.at(0);
  for (std::size_t k = 0; k < p.equalities.size(); ++k) out[prefix + p.equalities[k].name] = equal.at(k);
  for (std::size_t k = 0; k < p.inequalities.size(); ++k) out[prefix + p.inequalities[k].name] = at_most.at(k);
  return out;
}

}  // namespace

Found solve_within(const Problem& p, const Problem::Inputs& inputs, const Point& start,
                   const FixedPointOptions& options, const Array& added) {
  const Array& z0 = start.at("z");
  const Equation equation = equation_of(p, inputs, added);
  detail::SolveRequest request{name(*p.kind),
                               equation.kind,
                               [&](const Leaves& in) { return Leaves{equation.map(in.at(0))}; },
                               {z0},
                               multipliers_of(p, start),
                               structure(z0),
                               options};
  if (p.lower.given()) request.lower = {bound_at(p, "lower", p.lower, inputs, z0.shape())};
  if (p.upper.given()) request.upper = {bound_at(p, "upper", p.upper, inputs, z0.shape())};
  if (!p.equalities.empty())
    request.equal = [&](const Leaves& in) { return rows_at(p, p.equalities, inputs, in.at(0)); };
  if (!p.inequalities.empty())
    request.at_most = [&](const Leaves& in) { return rows_at(p, p.inequalities, inputs, in.at(0)); };
  const detail::SolvedLeaves s = detail::solve_leaves(request);
  const detail::Outcome& o = s.outcome;
  const detail::ConstrainedLeaves& c = s.constrained;
  Found out;
  out.solution = {
      s.z.at(0),     {o.status},      o.steps,
      o.evaluations, o.residual_norm, o.error_estimate,
      o.history,     o.method,        options.solver.method()->methods(equation.kind, detail::restriction_of(request))};
  out.point = named(p, c.lower, c.upper, c.equal, c.at_most, "dual_");
  out.point["z"] = out.solution.value;
  if (p.kind != Kind::root) out.point["objective"] = objective_of(p, map_at(p, inputs, out.solution.value));
  out.counts = {{"active", c.active}, {"weakly_active", c.weakly_active}, {"dependent", c.dependent}};
  out.certificate = named(p, c.certificate_lower, c.certificate_upper, c.certificate_equal, c.certificate_at_most, "");
  out.ray = c.ray;
  return out;
}

bool has_multipliers(const Problem& p, const Point& start) {
  const auto has = [&](const ProblemRows& r) { return find(start, "dual_" + r.name) != nullptr; };
  return p.constrained() && p.program.empty() && std::all_of(p.equalities.begin(), p.equalities.end(), has) &&
         std::all_of(p.inequalities.begin(), p.inequalities.end(), has);
}

void check_multipliers(const Problem& p, const Problem::Inputs& inputs, const Point& start) {
  for (const auto* rows : {&p.equalities, &p.inequalities}) {
    for (const ProblemRows& r : *rows) {
      const Array* dual = find(start, "dual_" + r.name);
      const Shape shape = row_at(p, r, inputs, start.at("z")).shape();
      if (dual && dual->shape() != shape) {
        throw ProblemError("`start`: the multipliers of " + text::in_quotes(r.name) + " have shape " +
                           dual->shape().str() + ", the constraint has " + shape.str());
      }
    }
  }
}

Problem::Inputs slacks_at(const Problem& p, const Problem::Inputs& inputs, const Array& z) {
  Problem::Inputs out = p.program.empty() ? Problem::Inputs{} : row_slacks(p, inputs, z);
  if (p.lower.given()) out["lower"] = z - bound_at(p, "lower", p.lower, inputs, z.shape());
  if (p.upper.given()) out["upper"] = bound_at(p, "upper", p.upper, inputs, z.shape()) - z;
  for (const ProblemRows& r : p.equalities) out[r.name] = row_at(p, r, inputs, z);
  for (const ProblemRows& r : p.inequalities) out[r.name] = 0.0 - row_at(p, r, inputs, z);
  return out;
}

std::string contradiction(const Problem& p, const Problem::Inputs& inputs, const Shape& shape) {
  if (!p.lower.given() || !p.upper.given()) return "";
  const std::vector<double> lower = bound_at(p, "lower", p.lower, inputs, shape).to_vector<double>(),
                            upper = bound_at(p, "upper", p.upper, inputs, shape).to_vector<double>();
  for (std::size_t k = 0; k < lower.size(); ++k) {
    if (lower[k] > upper[k]) {
      return ": entry " + std::to_string(k) + " of `lower` is " + json_number(lower[k]) + ", of `upper` " +
             json_number(upper[k]);
    }
  }
  return "";
}

Ties ties_of(const Problem& p) {
  if (p.ties == "active") return Ties::active;
  if (p.ties == "inactive") return Ties::inactive;
  return p.ties == "raise" ? Ties::raise : Ties::average;
}

}  // namespace dini::app
