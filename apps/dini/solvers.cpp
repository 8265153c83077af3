#include "apps/dini/solvers.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "dini/formula/text.hpp"
#include "dini/linear/system.hpp"
#include "dini/solvers/automatic.hpp"
#include "dini/solvers/from_multipliers.hpp"
#include "dini/solvers/library.hpp"

namespace dini::app {

namespace {

double option_value(const ProblemMethod::Option& value, const std::string& place) {
  if (const auto* i = std::get_if<std::int64_t>(&value)) return static_cast<double>(*i);
  if (const auto* d = std::get_if<double>(&value)) return *d;
  throw ProblemError(place + ": a number is wanted");
}

// The method with a problem's options.
template <class Made> Made make(const MethodInfo<Made>& info, const char* key, const ProblemMethod& method) {
  OptionValues values;
  for (const auto& [name, value] : method.options) {
    const std::string shown = text::escaped(name);
    values.emplace_back(shown, option_value(value, text::in_quotes(key) + ": " + info.name + "." + shown));
  }
  try {
    return info.make(values);
  } catch (const ValueError& e) { throw ProblemError(text::in_quotes(key) + ": " + e.what()); }
}

// A root in a bracket is a kind of its own to solvers, and no other than any root to adjoints.
std::optional<Kind> solved_kind(const Problem& p) { return p.bracket ? Kind::bracketed_root : p.kind; }

// What a problem that is no program has besides.
Restriction restriction_of(const Problem& p) {
  if (!p.equalities.empty() || !p.inequalities.empty()) return Restriction::general;
  return p.lower.given() || p.upper.given() ? Restriction::bounds : Restriction::none;
}

// The one that a problem names. "auto" is none of them, and has no options.
template <class Made>
const MethodInfo<Made>* find(const std::vector<MethodInfo<Made>>& known, const char* key, const ProblemMethod& method,
                             const Problem& p, std::optional<Kind> kind) {
  if (method.name == "auto") {
    if (method.options.empty()) return nullptr;
    throw ProblemError(text::in_quotes(key) + ": auto has no option " + text::in_quotes(method.options[0].first) +
                       "; it has none");
  }
  std::vector<std::string> names = {"auto"};
  for (const MethodInfo<Made>& info : known) {
    if (info.name == method.name) {
      if (!kind || info.kinds.has(*kind)) return &info;
      throw ProblemError(text::in_quotes(key) + ": " + info.name + " is for " + info.kinds.text() +
                         ", not for problems of kind " + text::in_quotes(kind ? name(*kind) : p.kind_name()));
    }
    names.push_back(info.name);
  }
  throw ProblemError(text::in_quotes(key) + ": there is no " + text::in_quotes(method.name) + "; there are " +
                     text::listed(names));
}

std::string padded(const std::string& text, std::size_t width) {
  return text.size() < width ? text + std::string(width - text.size(), ' ') : text;
}

std::string plain_number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

// What a problem may have besides.
std::string besides(const MethodInfo<Solver>& info) {
  if (info.takes == Restriction::none) return "";
  return info.takes == Restriction::bounds ? ", with bounds" : ", with bounds and constraints";
}
std::string besides(const MethodInfo<Adjoint>&) { return ""; }

template <class Made> std::string described(const MethodInfo<Made>& info) {
  std::string purpose = info.purpose;
  // A sentence's first letter; that of a formula stays.
  if (purpose.size() > 1 && std::isalpha(static_cast<unsigned char>(purpose[1]))) {
    purpose[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(purpose[0])));
  }
  std::string out = "\n" + info.name + "\n    " + purpose + ".\n    For " + info.kinds.text() + besides(info) + ".\n";
  for (const OptionInfo& o : info.options) {
    out += "      " + padded(o.name, 14) + padded(plain_number(o.fallback), 10) + o.help + "\n";
  }
  return out;
}

// Whether it hands on a matrix for so many unknowns, which is then more than were looked at.
bool forms(const Solver& solver, std::int64_t unknowns) {
  const std::int64_t many = std::max(unknowns, detail::formed_for_a_look + 1);
  return solver.method()->factors(Kind::root, many, {});
}

std::string sequence(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& n : names) out += (out.empty() ? "" : ", ") + n;
  return out;
}

}  // namespace

Solver make_solver(const Problem& p, bool resumed) {
  const MethodInfo<Solver>* info = find(library_solvers(), "solver", p.solver, p, solved_kind(p));
  if (info && info->takes < restriction_of(p)) {
    std::vector<std::string> takers;
    for (const MethodInfo<Solver>& s : library_solvers()) {
      if (s.kinds.has(*p.kind) && s.takes >= restriction_of(p)) takers.push_back(s.name);
    }
    throw ProblemError("`solver`: " + info->name + " takes " + name(info->takes) + ", and the problem has " +
                       name(restriction_of(p)) + "; those that take them are " + text::listed(takers));
  }
  const Solver solver = info ? make(*info, "solver", p.solver) : Solver();
  return resumed ? Solver(detail::from_multipliers(solver.method())) : solver;
}

Loss make_robust(const Problem& p) {
  if (!p.robust) return {};
  constexpr std::pair<const char*, Loss (*)(double)> known[] = {
      {"huber", huber}, {"soft_l1", soft_l1}, {"cauchy", cauchy}, {"tukey", tukey}};
  double width = 1;
  for (const auto& [name, value] : p.robust->options) {
    if (name != "width")
      throw ProblemError("`robust`: there is no option " + text::in_quotes(name) + "; there is `width`");
    width = option_value(value, "`robust`: width");
    if (!(width > 0)) throw ProblemError("`robust`: the width must be more than 0, got " + plain_number(width));
  }
  std::vector<std::string> names;
  for (const auto& [name, make] : known) {
    if (p.robust->name == name) return make(width);
    names.emplace_back(name);
  }
  throw ProblemError("`robust`: there is no " + text::in_quotes(p.robust->name) + "; there are " + text::listed(names));
}

Tolerance make_tolerance(const Problem& p) {
  return p.tolerance ? Tolerance(p.tolerance->absolute, p.tolerance->relative) : Tolerance();
}

Adjoint make_adjoint(const Problem& p, std::int64_t unknowns) {
  if (!p.program.empty()) {
    const std::string& direct = Direct::table().name;
    if ((p.adjoint.name == "auto" || p.adjoint.name == direct) && p.adjoint.options.empty()) return {};
    throw ProblemError("`adjoint`: of problems of kind " + text::in_quotes(p.kind_name()) + " it is " +
                       text::in_quotes(direct) + ", without options");
  }
  if (const MethodInfo<Adjoint>* info = find(library_adjoints(), "adjoint", p.adjoint, p, p.kind)) {
    return make(*info, "adjoint", p.adjoint);
  }
  if (p.bracket) return Diagonal{};
  if (p.constrained()) return Direct{};
  if (unknowns <= detail::formed_unasked || !forms_matrix(p, unknowns).empty()) return Direct{};
  return GMRES{};
}

std::string forms_matrix(const Problem& p, std::int64_t unknowns) {
  if (p.solver.name != "auto") return forms(make_solver(p), unknowns) ? p.solver.name : "";
  const std::vector<std::string> tried = detail::automatic_sequence(*solved_kind(p), unknowns);
  for (const MethodInfo<Solver>& info : library_solvers()) {
    const bool is_tried = std::find(tried.begin(), tried.end(), info.name) != tried.end();
    if (is_tried && forms(info.make({}), unknowns)) return info.name;
  }
  return "";
}

std::string solvers_without_matrix(Kind kind, std::int64_t unknowns) {
  std::vector<std::string> names;
  for (const MethodInfo<Solver>& info : library_solvers()) {
    if (info.automatic && info.kinds.has(kind) && !forms(info.make({}), unknowns)) names.push_back(info.name);
  }
  return names.empty() ? "" : text::listed(names);
}

std::string adjoints_without_matrix(Kind kind) {
  std::vector<std::string> names;
  for (const MethodInfo<Adjoint>& info : library_adjoints()) {
    if (info.automatic && info.kinds.has(kind) && !info.make({}).method()->wants_matrix()) names.push_back(info.name);
  }
  return text::listed(names);
}

std::string solver_list() {
  std::string out =
      "auto\n    Several one after the other, each from z0, then each from the best iterate, until one converges;\n"
      "    the result says which. No options.\n";
  constexpr std::pair<Restriction, const char*> restrictions[] = {
      {Restriction::none, ""}, {Restriction::bounds, " with bounds"}, {Restriction::general, " with constraints"}};
  for (const Kind kind : {Kind::root, Kind::bracketed_root, Kind::fixed_point, Kind::minimize, Kind::least_squares,
                          Kind::quadratic_program}) {
    const bool own = kind == Kind::quadratic_program || kind == Kind::bracketed_root;
    for (const auto& [restriction, suffix] : restrictions) {
      const std::vector<std::string> tried = detail::automatic_sequence(kind, 1, restriction);
      if (tried.empty() || (own && restriction != Restriction::none)) continue;
      out += "      " + padded(name(kind) + std::string(suffix), 32) + sequence(tried) + "\n";
    }
  }
  const std::int64_t many = detail::formed_unasked + 1;
  out += "    Of more than " + std::to_string(detail::formed_unasked) +
         " unknowns, a root: " + sequence(detail::automatic_sequence(Kind::root, many)) +
         "; a fixed point: " + sequence(detail::automatic_sequence(Kind::fixed_point, many)) + ".\n";
  for (const auto& info : library_solvers()) out += described(info);
  out += "\n\nAdjoints, which solve the derivative's linear system. auto is direct up to " +
         std::to_string(detail::formed_unasked) + " unknowns,\nand where a solver has formed the matrix; else gmres.\n";
  for (const auto& info : library_adjoints()) out += described(info);
  return out;
}

}  // namespace dini::app
