// The one table of known cases, from the tables of each kind.
#include "tests/implicit/equation_cases.hpp"
#include "tests/implicit/optimum_cases.hpp"
#include "tests/implicit/quadratic_program_cases.hpp"
#include "tests/solvers/known_cases.hpp"
#include "tests/solvers/systems.hpp"

namespace dini::tests {

namespace {

KnownCase of_equation(const EquationCase& e) {
  KnownCase c;
  c.name = e.name;
  c.kind = e.fixed_point ? Kind::fixed_point : Kind::root;
  c.theta = e.theta;
  c.f = e.f;
  c.start = e.start;
  c.definite = e.definite;
  c.without = e.without;
  c.solutions = {{.z = e.value}};
  return c;
}

// F(z) = θw, θ = 0.
KnownCase of_system(const literature::System& s) {
  Point w;
  for (std::size_t k = 0; k < s.start.size(); ++k) w.push_back(std::sin(1.7 * static_cast<double>(k + 1)) + 0.3);
  KnownCase c;
  c.name = s.name;
  c.kind = Kind::root;
  c.theta = {0};
  c.f = [f = s.f, w = array(w)](const Array& t, const Array& z) { return f(z) - t(0) * astype(w, z.dtype()); };
  c.start = s.start;
  c.singular = s.singular;
  c.stiff = s.stiff;
  return c;
}

KnownCase of_optimum(const OptimumCase& o) {
  KnownCase c;
  c.name = o.name;
  c.kind = o.fit ? Kind::least_squares : Kind::minimize;
  c.theta = o.theta.to_vector<double>();
  c.f = o.f;
  c.start = o.start.to_vector<double>();
  c.definite = true;
  c.solutions = {{.z = o.value.to_vector<double>()}};
  return c;
}

// θ are all numbers of the program that are finite, those of a row after each other.
KnownCase of_program(const ProgramCase& p) {
  KnownCase c;
  c.name = p.name;
  c.kind = Kind::quadratic_program;
  c.start = Point(static_cast<std::size_t>(p.program.q.size()), 0.0);
  // A field from θ: its numbers, of which those that are not finite stay.
  std::map<std::string, KnownCase::Bound> fields;
  QuadraticProgram program = p.program;
  for (const char* name : program_fields) {
    const Array& a = field(program, name);
    if (!a.defined()) continue;
    const Point numbers = a.to_vector<double>();
    std::vector<std::int64_t> places;
    for (double v : numbers) {
      places.push_back(std::isfinite(v) ? static_cast<std::int64_t>(c.theta.size()) : 0);
      if (std::isfinite(v)) c.theta.push_back(v);
    }
    fields[name] = [a, at = array(places)](const Array& t) {
      return where(isfinite(a), reshape(take(t, at), a.shape()), a);
    };
  }
  auto has = [&](const char* name) { return fields.count(name) > 0; };
  const auto n = static_cast<std::int64_t>(c.start.size());
  c.f = [fields, quadratic = has("P")](const Array& t, const Array& x) {
    const Array cost = dot(fields.at("q")(t), x);
    return quadratic ? 0.5 * dot(x, dot(fields.at("P")(t), x)) + cost : cost;
  };
  if (has("A")) {
    c.equal = [fields](const Array& t, const Array& x) { return dot(fields.at("A")(t), x) - ravel(fields.at("b")(t)); };
  }
  if (has("G")) {
    // Rows whose side is infinite are none.
    std::vector<std::int64_t> above, below;
    auto finite_rows = [&](const char* side, std::vector<std::int64_t>& rows) {
      if (!has(side)) return;
      const Array h = field(program, side);
      for (std::int64_t k = 0; k < program.G.shape()[0]; ++k) {
        if (std::isfinite(h.ndim() ? h(k).item() : h.item())) rows.push_back(k);
      }
    };
    finite_rows("h", above);
    finite_rows("h_lower", below);
    c.at_most = [fields, above = array(above), below = array(below)](const Array& t, const Array& x) {
      const Array gx = dot(fields.at("G")(t), x);
      detail::Leaves rows;
      auto side = [&](const char* name, const Array& at, double sign) {
        if (at.size() == 0) return;
        rows.push_back(sign * (take(gx, at) - take(broadcast_to(fields.at(name)(t), gx.shape()), at)));
      };
      side("h", above, 1);
      side("h_lower", below, -1);
      return concatenate(rows);
    };
  }
  auto bound = [&](const char* name) -> KnownCase::Bound {
    if (!has(name)) return nullptr;
    return [f = fields.at(name), n](const Array& t) { return broadcast_to(f(t), {n}); };
  };
  c.lower = bound("lower");
  c.upper = bound("upper");
  c.smooth = p.smooth;
  c.weakly_active = static_cast<int>(p.weakly_active);
  return c;
}

std::vector<KnownCase> brackets() {
  const double e = 0.9;
  return {{.name = "Kepler's equation",
           .kind = Kind::bracketed_root,
           .theta = {.1, 1, 3},
           .f = [e](const Array& t, const Array& z) { return z - e * sin(z) - t; },
           .lower = [](const Array&) { return zeros({3}); },
           .upper = [](const Array&) { return 4.0 * ones({3}); },
           .start = {}},
          {.name = "a cubic in a bracket",
           .kind = Kind::bracketed_root,
           .theta = {1, 2},
           .f = [](const Array& t, const Array& z) { return t(0) * power(z, 3) - z - t(1); },
           .lower = [](const Array&) { return ones({1}); },
           .upper = [](const Array&) { return 2.0 * ones({1}); },
           .start = {},
           .solutions = {{.z = {1.5213797068045676}, .slopes = {{-0.5924469933174597}}}}}};
}

}  // namespace

const std::vector<KnownCase>& known_cases() {
  static const std::vector<KnownCase> all = [] {
    std::vector<KnownCase> out;
    for (const EquationCase& c : equation_cases()) out.push_back(of_equation(c));
    for (const literature::System& c : literature::systems()) out.push_back(of_system(c));
    for (const KnownCase& c : brackets()) out.push_back(c);
    for (const OptimumCase& c : optimum_cases()) out.push_back(of_optimum(c));
    for (const KnownCase& c : cases_with_bounds()) out.push_back(c);
    for (const KnownCase& c : cases_with_constraints()) out.push_back(c);
    for (const ProgramCase& c : program_cases()) out.push_back(of_program(c));
    return out;
  }();
  return all;
}

}  // namespace dini::tests
