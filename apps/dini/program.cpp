#include "apps/dini/program.hpp"

#include "dini/implicit/quadratic_program.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"

namespace dini::app {

namespace {

QuadraticProgram program_of(const Problem& p, const Problem::Inputs& inputs) {
  const auto array = [&](const char* key) {
    const auto found = p.program.find(key);
    return found == p.program.end() ? Array() : p.value(found->second, inputs);
  };
  const auto bound = [&](const ProblemArray& a) { return a.given() ? p.value(a, inputs) : Array(); };
  return {.P = array("P"),
          .q = array("q"),
          .A = array("A"),
          .b = array("b"),
          .G = array("G"),
          .h = array("h"),
          .h_lower = array("h_lower"),
          .lower = bound(p.lower),
          .upper = bound(p.upper)};
}

// By the names of dual_names().
Problem::Inputs named_duals(const Problem& p, const Duals<Array, Array, Array>& duals, const std::string& prefix) {
  Problem::Inputs out;
  if (p.lower.given()) out[prefix + "lower"] = duals.lower;
  if (p.upper.given()) out[prefix + "upper"] = duals.upper;
  if (p.program.count("A")) out[prefix + "A"] = duals.equal;
  const bool two_sided = p.program.count("h_lower") > 0;
  if (p.program.count("h")) out[prefix + "G"] = two_sided ? duals.at_most(0) : duals.at_most;
  if (two_sided) out[prefix + "G_lower"] = duals.at_most(1);
  return out;
}

}  // namespace

Found solve_program(const Problem& p, const Problem::Inputs& inputs, const Point& start,
                    const FixedPointOptions& options, const Array& added) {
  QuadraticProgram program = program_of(p, inputs);
  if (added.defined()) program.q = program.q + added;
  const auto o = quadratic_program(program, options, start.at("z"));
  Found out;
  out.solution = {o.value,          o.status,  o.steps,  o.evaluations, o.residual_norm,
                  o.error_estimate, o.history, o.method, o.methods};
  out.point = named_duals(p, o.duals, "dual_");
  out.point["z"] = o.value;
  out.point["objective"] = o.objective;
  out.counts = {{"active", o.active}, {"weakly_active", o.weakly_active}, {"dependent", o.dependent}};
  out.certificate = named_duals(p, o.certificate, "");
  out.ray = {o.ray};
  return out;
}

Problem::Inputs row_slacks(const Problem& p, const Problem::Inputs& inputs, const Array& z) {
  const QuadraticProgram program = program_of(p, inputs);
  Problem::Inputs out;
  if (program.A.defined()) out["A"] = dot(program.A, z) - program.b;
  if (program.h.defined()) out["G"] = program.h - dot(program.G, z);
  if (program.h_lower.defined()) out["G_lower"] = dot(program.G, z) - program.h_lower;
  return out;
}

}  // namespace dini::app
