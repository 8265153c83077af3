#include "apps/dini/solvers.hpp"

#include <fmt/format.h>

#include <cctype>

#include "dini/formula/text.hpp"
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

// The one that a problem names. "auto" is none of them, and has no options.
template <class Made>
const MethodInfo<Made>* find(const std::vector<MethodInfo<Made>>& known, const char* key, const ProblemMethod& method) {
  if (method.name == "auto") {
    if (method.options.empty()) return nullptr;
    throw ProblemError(text::in_quotes(key) + ": auto has no option " + text::in_quotes(method.options[0].first) +
                       "; it has none");
  }
  std::vector<std::string> names = {"auto"};
  for (const MethodInfo<Made>& info : known) {
    if (info.name == method.name) return &info;
    names.push_back(info.name);
  }
  throw ProblemError(text::in_quotes(key) + ": there is no " + text::in_quotes(method.name) + "; there are " +
                     text::listed(names));
}

template <class Made> std::string described(const MethodInfo<Made>& info, const char* others) {
  std::string purpose = info.purpose;
  // A sentence's first letter; that of a formula stays.
  if (purpose.size() > 1 && std::isalpha(static_cast<unsigned char>(purpose[1]))) {
    purpose[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(purpose[0])));
  }
  std::string out = fmt::format("\n{}{}\n    {}.\n", info.name, info.automatic ? " *" : "", purpose);
  out += fmt::format("    For {}.\n", info.fixed_point_only ? "fixed_point" : others);
  for (const OptionInfo& o : info.options) out += fmt::format("      {:<14}{:<10}{}\n", o.name, o.fallback, o.help);
  return out;
}

}  // namespace

std::vector<NamedSolver> make_solvers(const Problem& p, std::int64_t unknowns) {
  const bool fixed_point = p.kind == ProblemKind::fixed_point;
  if (const MethodInfo<Solver>* info = find(library_solvers(), "solver", p.solver)) {
    if (info->fixed_point_only && !fixed_point) {
      throw ProblemError("`solver`: " + info->name + " is for fixed points, z = f(z), not for problems of kind " +
                         text::in_quotes(name(p.kind)));
    }
    return {{info->name, make(*info, "solver", p.solver)}};
  }
  std::vector<NamedSolver> out;
  for (const MethodInfo<Solver>& info : library_solvers()) {
    if (!info.automatic || (info.fixed_point_only && !fixed_point)) continue;
    if (info.name == "newton" && fixed_point && unknowns > 1000)
      continue;  // its matrix is not formed without being asked for
    out.push_back({info.name, info.make({})});
  }
  return out;
}

Adjoint make_adjoint(const Problem& p) {
  const MethodInfo<Adjoint>* info = find(library_adjoints(), "adjoint", p.adjoint);
  return info ? make(*info, "adjoint", p.adjoint) : Adjoint();
}

std::string solver_list() {
  std::string out =
      "auto\n    The solvers marked with * one after the other, each from z0, then from the best iterate, until one\n"
      "    converges; the result says which. No options.\n";
  for (const auto& info : library_solvers()) {
    out += described(info, "root, fixed_point, minimize and least_squares");
  }
  out += "\n\nAdjoints, which solve the derivative's linear system. auto takes one marked with * by the size.\n";
  for (const auto& info : library_adjoints()) out += described(info, "all kinds");
  return out;
}

}  // namespace dini::app
