#include "apps/dini/solvers.hpp"

#include <fmt/format.h>

#include <functional>

#include "dini/formula/text.hpp"
#include "dini/solvers/anderson.hpp"
#include "dini/solvers/forward_iteration.hpp"
#include "dini/solvers/newton.hpp"
#include "dini/solvers/textbook.hpp"

namespace dini::app {

namespace {

using Options = std::vector<std::pair<std::string, ProblemMethod::Option>>;

struct OptionEntry {
  std::string name, fallback, help;
};
struct SolverEntry {
  std::string name, purpose;
  bool fixed_point_only, automatic;
  std::vector<OptionEntry> options;
  std::function<Solver(const Options&)> make;
};

std::string where(const std::string& key, const std::string& method, const std::string& option) {
  return text::in_quotes(key) + ": " + method + "." + option + ": ";
}

// A number within a range, of the type of the field.
template <class T> T number(const ProblemMethod::Option& value, const std::string& place, double least, double most) {
  double v = 0;
  if (const auto* i = std::get_if<std::int64_t>(&value)) {
    v = static_cast<double>(*i);
  } else if (const auto* d = std::get_if<double>(&value); d && std::is_floating_point_v<T>) {
    v = *d;
  } else {
    throw ProblemError(place + (std::is_floating_point_v<T> ? "a number is wanted" : "a whole number is wanted"));
  }
  if (!(v >= least && v <= most)) {
    throw ProblemError(place + fmt::format("{} is not between {} and {}", v, least, most));
  }
  return static_cast<T>(v);
}

template <class S> struct Field {
  const char* name;
  std::variant<int S::*, std::int64_t S::*, double S::*> member;
  double least, most;
  const char* help;
};

// Sets the fields that the options name.
template <class S>
void set_fields(S& s, const std::vector<Field<S>>& fields, const Options& options, const std::string& key,
                const std::string& method) {
  for (const auto& option : options) {
    const std::string& name = option.first;
    const ProblemMethod::Option& value = option.second;
    bool known = false;
    for (const Field<S>& f : fields) {
      if (f.name != name) continue;
      known = true;
      std::visit(
          [&](auto member) {
            using T = std::remove_cvref_t<decltype(s.*member)>;
            s.*member = number<T>(value, where(key, method, name), f.least, f.most);
          },
          f.member);
    }
    if (known) continue;
    std::vector<std::string> names;
    for (const Field<S>& f : fields) names.push_back(f.name);
    throw ProblemError(text::in_quotes(key) + ": " + method + " has no option " + text::in_quotes(name) +
                       (names.empty() ? "; it has none" : "; there are " + text::listed(names)));
  }
}

template <class S>
SolverEntry entry(std::string name, std::string purpose, bool fixed_point_only, bool automatic,
                  std::vector<Field<S>> fields) {
  SolverEntry out{name, std::move(purpose), fixed_point_only, automatic, {}, {}};
  const S defaults{};
  for (const Field<S>& f : fields) {
    const std::string fallback = std::visit([&](auto member) { return fmt::format("{}", defaults.*member); }, f.member);
    out.options.push_back({f.name, fallback, f.help});
  }
  out.make = [name, fields](const Options& options) {
    S s{};
    set_fields(s, fields, options, "solver", name);
    return Solver(s);
  };
  return out;
}

constexpr double many = 1e9;

const std::vector<SolverEntry>& entries() {
  static const std::vector<SolverEntry> all = {
      entry<ForwardIteration>(
          "forward_iteration", "z = f(z) again and again; for maps that contract", true, true,
          {{"damping", &ForwardIteration::damping, 0, 0.999999, "the part of the old z that is kept"}}),
      entry<Newton>("newton", "Newton's method with a line search; forms the Jacobian", false, true,
                    {{"max_halvings", &Newton::max_halvings, 0, 1000, "of a step, in the line search"},
                     {"slope", &Newton::slope, 0, 0.5, "the part of the predicted decrease that is wanted"}}),
      entry<Anderson>("anderson", "mixes the last iterates; for maps that do not quite contract, and for large z", true,
                      true,
                      {{"history", &Anderson::history, 1, 1000, "how many iterates are mixed"},
                       {"mixing", &Anderson::mixing, 1e-6, 2, "how much of f's values is taken"},
                       {"ridge", &Anderson::ridge, 0, 1, "regularisation, relative"}}),
      entry<FwdSolver>("fwd_solver", "the textbook's forward iteration, to the letter", true, false,
                       {{"tolerance", &FwdSolver::tolerance, 0, 1e300, "on the length of a step"},
                        {"max_steps", &FwdSolver::max_steps, 1, many, "the most steps"}}),
      entry<NewtonSolver>("newton_solver", "the textbook's Newton iteration", true, false,
                          {{"tolerance", &NewtonSolver::tolerance, 0, 1e300, "on the length of a step"},
                           {"max_steps", &NewtonSolver::max_steps, 1, many, "the most steps"}}),
      entry<AndersonSolver>("anderson_solver", "the textbook's Anderson acceleration", true, false,
                            {{"m", &AndersonSolver::m, 2, 1000, "how many iterates are mixed"},
                             {"lam", &AndersonSolver::lam, 0, 1e300, "regularisation"},
                             {"max_iter", &AndersonSolver::max_iter, 1, many, "the most steps"},
                             {"tol", &AndersonSolver::tol, 0, 1e300, "on the relative residual"},
                             {"beta", &AndersonSolver::beta, 1e-6, 2, "how much of f's values is taken"}}),
  };
  return all;
}

}  // namespace

std::vector<NamedSolver> make_solvers(const Problem& p, std::int64_t unknowns) {
  const bool fixed_point = p.kind == ProblemKind::fixed_point;
  std::vector<NamedSolver> out;
  if (p.solver.name == "auto") {
    if (!p.solver.options.empty()) {
      throw ProblemError("`solver`: auto has no option " + text::in_quotes(p.solver.options[0].first) +
                         "; it has none");
    }
    for (const SolverEntry& e : entries()) {
      if (!e.automatic || (e.fixed_point_only && !fixed_point)) continue;
      if (e.name == "newton" && fixed_point && unknowns > 1000)
        continue;  // its matrix is not formed without being asked for
      out.push_back({e.name, e.make({})});
    }
    return out;
  }
  std::vector<std::string> names = {"auto"};
  for (const SolverEntry& e : entries()) {
    names.push_back(e.name);
    if (e.name != p.solver.name) continue;
    if (e.fixed_point_only && !fixed_point) {
      throw ProblemError("`solver`: " + e.name + " is for fixed points, z = f(z), not for problems of kind " +
                         text::in_quotes(name(p.kind)));
    }
    return {{e.name, e.make(p.solver.options)}};
  }
  throw ProblemError("`solver`: there is no " + text::in_quotes(p.solver.name) + "; there are " + text::listed(names));
}

Adjoint make_adjoint(const Problem& p) {
  const std::string& name = p.adjoint.name;
  Adjoint out;
  std::vector<Field<Adjoint>> fields;
  const Field<Adjoint> restart{"restart", &Adjoint::restart, 1, 1e6, ""}, terms{"terms", &Adjoint::terms, 1, 1e6, ""},
      tolerance{"tolerance", &Adjoint::tolerance, 0, 1, ""}, max_steps{"max_steps", &Adjoint::max_steps, 0, many, ""};
  if (name == "direct") {
    out = Direct{};
  } else if (name == "gmres") {
    out = GMRES{};
    fields = {restart, tolerance, max_steps};
  } else if (name == "cg") {
    out = CG{};
    fields = {tolerance, max_steps};
  } else if (name == "bicgstab") {
    out = BiCGStab{};
    fields = {tolerance, max_steps};
  } else if (name == "neumann") {
    out = Neumann{};
    fields = {terms};
  } else if (name == "same_solver") {
    out = SameSolver{};
  } else if (name == "one_step") {
    out = OneStep{};
  }
  set_fields(out, fields, p.adjoint.options, "adjoint", name);
  return out;
}

std::string solver_list() {
  std::string out =
      "auto\n    The solvers marked with * one after the other, each from z0, then from the best iterate, until one\n"
      "    converges; the result says which. No options.\n";
  for (const SolverEntry& e : entries()) {
    out += fmt::format("\n{}{}\n    {}{}.\n", e.name, e.automatic ? " *" : "",
                       static_cast<char>(std::toupper(static_cast<unsigned char>(e.purpose[0]))), e.purpose.substr(1));
    out += e.fixed_point_only ? "    For fixed_point.\n" : "    For root, fixed_point, minimize and least_squares.\n";
    for (const OptionEntry& o : e.options) out += fmt::format("      {:<14}{:<10}{}\n", o.name, o.fallback, o.help);
  }
  return out;
}

}  // namespace dini::app
