// Bounds, constraints, and quadratic and linear programs in problem files.
#include <algorithm>
#include <cmath>
#include <limits>

#include "dini/formula/text.hpp"
#include "dini/io/problem_read.hpp"
#include "dini/ops/promote.hpp"

namespace dini::problem_reader {

namespace {

constexpr const char* program_keys[] = {"P", "q", "A", "b", "G", "h", "h_lower"};
constexpr double infinite = std::numeric_limits<double>::infinity();

// `none` where null stands.
ProblemValue without_null(const ProblemValue& value, double none) {
  ProblemValue out = value;
  if (out.holds<std::nullptr_t>()) out.content = none;
  if (out.holds<ProblemValue::List>()) {
    for (ProblemValue& v : out.get<ProblemValue::List>()) v = without_null(v, none);
  }
  return out;
}

class ConstraintReader {
 public:
  ConstraintReader(const ProblemValue& contents, const Names& names, const Source& source, Problem& p)
      : contents_(contents), names_(names), source_(source), p_(p) {}

  void read() {
    bounds();
    rows("equalities", {"=="}, p_.equalities);
    rows("inequalities", {"<=", ">="}, p_.inequalities);
    program();
    if (const ProblemValue* v = contents_.find("ties")) {
      const std::vector<std::string> sides = {"average", "active", "inactive", "raise"};
      p_.ties = sides[read_choice(*v, "ties", sides)];
      if (!p_.constrained()) fail("ties", "there are no bounds and no constraints between which there could be a tie");
    }
  }

 private:
  const ProblemValue& contents_;
  const Names& names_;
  const Source& source_;
  Problem& p_;

  bool is_program() const { return p_.kind == Kind::quadratic_program; }
  bool is_optimum() const { return p_.kind == Kind::minimize || p_.kind == Kind::least_squares; }
  std::string kind() const { return text::in_quotes(p_.kind_name()); }

  // An expression, or numbers; null is ±∞.
  ProblemArray array(const ProblemValue& value, const std::string& key, double none) const {
    const auto parsed = [&](const ProblemValue& v, const std::string& label) {
      return Formula::parse(read_text(v, label), names_.without_z, {label, p_.dtype});
    };
    ProblemArray out;
    if (value.holds<std::string>()) {
      out.formula = parsed(value, key);
    } else if (const ProblemValue* f = value.find("formula")) {
      check_keys(value, {"formula"}, key);
      out.formula = parsed(*f, key + ".formula");
    } else {
      out.numbers = astype(read_array(without_null(value, none), key, p_.dtype, source_), p_.dtype);
      for (double v : astype(out.numbers, Dtype::float64).to_vector<double>()) {
        if (std::isnan(v)) fail(key, "there is a NaN, or a null where a number is wanted");
      }
    }
    return out;
  }

  void bounds() {
    const auto bound = [&](const char* key, ProblemArray& to, double none) {
      const ProblemValue* v = contents_.find(key);
      if (!v) return;
      if (!is_optimum() && !is_program() && p_.kind != Kind::root)
        fail(key, "there are no bounds for problems of kind " + kind());
      to = array(*v, key, none);
    };
    bound("lower", p_.lower, -infinite);
    bound("upper", p_.upper, infinite);
  }

  void rows(const std::string& key, const std::vector<std::string>& comparisons, std::vector<ProblemRows>& to) {
    const ProblemValue* v = contents_.find(key);
    if (!v) return;
    const bool equal = comparisons.size() == 1;
    if (is_program())
      fail(key, std::string("those of a program are ") + (equal ? "`A` @ z = `b`" : "`h_lower` <= `G` @ z <= `h`"));
    if (!is_optimum()) {
      fail(key, "there are no constraints for problems of kind " + kind() +
                    (p_.kind == Kind::root ? ", but `lower` and `upper`" : ""));
    }
    if (!v->holds<ProblemValue::Object>())
      fail(key, std::string("an object of named expressions is wanted, got ") + v->kind());
    for (const auto& [name, value] : v->get<ProblemValue::Object>()) {
      check_name(name, key);
      const auto is_name = [&, n = name](const ProblemRows& r) { return r.name == n; };
      if (name == "lower" || name == "upper")
        fail(key, text::in_quotes(name) + " is the name of the bounds' multipliers");
      if (std::any_of(p_.equalities.begin(), p_.equalities.end(), is_name))
        fail(key, text::in_quotes(name) + " is the name of an equality, too");
      const std::string label = key + "." + name;
      const Formula f = Formula::parse(read_text(value, label), names_.with_z, {label, p_.dtype, true});
      const std::string& sign = f.comparison();
      if (!sign.empty() && std::find(comparisons.begin(), comparisons.end(), sign) == comparisons.end()) {
        const bool other = sign == "==" || (equal && (sign == "<=" || sign == ">="));
        fail(label,
             (other ? sign + " belongs to " + text::in_quotes(equal ? "inequalities" : "equalities") + "; " : "") +
                 "what is compared here is compared by " + (equal ? "==" : "<= or >=") + ", not by " + sign);
      }
      to.push_back({name, f, sign == ">="});
    }
  }

  void program() {
    for (const char* key : program_keys) {
      const ProblemValue* v = contents_.find(key);
      if (!v) continue;
      if (!is_program())
        fail(key, "it belongs to problems of kind `quadratic_program` and `linear_program`, not " + kind());
      const std::string name = key;
      const double none = name == "h" ? infinite : name == "h_lower" ? -infinite : std::nan("");
      p_.program[name] = array(*v, name, none);
    }
    if (!is_program()) return;
    const auto has = [&](const char* key) { return p_.program.count(key) > 0; };
    if (!has("q")) {
      fail("q", std::string("is missing; what is made least is ") + (p_.linear_program ? "" : "0.5*z @ P @ z + ") +
                    "q @ z, and `q` gives z its shape");
    }
    if (p_.linear_program && has("P")) fail("P", "a linear program has none; with it the kind is `quadratic_program`");
    if (has("A") != has("b")) fail(has("A") ? "b" : "A", "is missing: the equations are A @ z = b");
    const bool sides = has("h") || has("h_lower");
    if (has("G") != sides) {
      fail(has("G") ? "h" : "G", "is missing: the inequalities are G @ z <= h, or h_lower <= G @ z");
    }
  }
};

}  // namespace

void read_constraints(const ProblemValue& contents, const Names& names, const Source& source, Problem& p) {
  ConstraintReader(contents, names, source, p).read();
}

}  // namespace dini::problem_reader
