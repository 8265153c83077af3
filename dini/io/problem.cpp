#include "dini/io/problem.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "dini/formula/text.hpp"
#include "dini/io/file.hpp"
#include "dini/io/problem_read.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/promote.hpp"

namespace dini {

namespace problem_reader {

const std::vector<std::string> keys = {
    "kind",      "formula",   "let",      "inputs",     "z0",           "loss",    "gradient", "hessian", "jacobian",
    "batch",     "lower",     "upper",    "equalities", "inequalities", "ties",    "start",    "P",       "q",
    "A",         "b",         "G",        "h",          "h_lower",      "bracket", "dtype",    "solver",  "adjoint",
    "tolerance", "max_steps", "deadline", "robust"};
constexpr Kind solved_kinds[] = {Kind::root, Kind::fixed_point, Kind::minimize, Kind::least_squares,
                                 Kind::quadratic_program};
constexpr const char *linear_program = "linear_program", *value_kind = "value";

std::vector<std::string> kind_names() {
  std::vector<std::string> out;
  for (Kind k : solved_kinds) out.emplace_back(name(k));
  out.emplace_back(linear_program);
  out.emplace_back(value_kind);
  return out;
}

void check_name(const std::string& name, const std::string& key) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const bool shaped =
      !name.empty() && name.size() <= 64 && letter(name[0]) &&
      std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
  if (!shaped) {
    fail(key,
         "the name " + text::in_quotes(name) + " is not made of up to 64 letters, digits and _, a digit not first");
  }
  for (const char* reserved : {"z", "z0", "True", "False", "None", "newaxis"}) {
    if (name == reserved) fail(key, text::in_quotes(name) + " has a meaning in formulas and cannot be a name");
  }
  const std::vector<std::string>& functions = formula_functions();
  if (std::binary_search(functions.begin(), functions.end(), name)) {
    fail(key, text::in_quotes(name) + " is a function of the formula language and cannot be a name");
  }
}

// A list of inputs' names.
std::vector<std::string> read_names(const ProblemValue& value, const std::string& key, const Problem& p, bool z0_too) {
  std::vector<std::string> out;
  const auto add = [&](const ProblemValue& v) {
    if (!v.holds<std::string>()) fail(key, std::string("a list of inputs' names is wanted, got ") + v.kind());
    const std::string& name = v.get<std::string>();
    if (!(z0_too && name == "z0") && !p.inputs.count(name)) {
      fail(key, "there is no input " + text::in_quotes(name) + text::nearest_hint(name, p.input_names));
    }
    if (std::find(out.begin(), out.end(), name) != out.end()) fail(key, text::in_quotes(name) + " stands twice");
    out.push_back(name);
  };
  if (value.holds<ProblemValue::List>())
    for (const ProblemValue& v : value.get<ProblemValue::List>()) add(v);
  else
    add(value);
  return out;
}

void check_floating(const Problem& p, const std::vector<std::string>& names, const std::string& key) {
  for (const std::string& n : names) {
    const Dtype d = p.inputs.at(n).dtype();
    if (!is_floating(d)) {
      fail(key, "the input " + text::in_quotes(n) + " is of dtype " + dini::name(d) + ", which has no derivative");
    }
  }
}

ProblemMethod read_method(const ProblemValue& value, const std::string& key) {
  ProblemMethod out;
  if (value.holds<std::string>()) {
    out.name = value.get<std::string>();
    return out;
  }
  if (!value.holds<ProblemValue::Object>()) {
    fail(key, std::string("a name, or an object with a `name`, is wanted, got ") + value.kind());
  }
  bool named = false;
  for (const auto& [option, v] : value.get<ProblemValue::Object>()) {
    if (option == "name") {
      if (!v.holds<std::string>()) fail(key + ".name", std::string("a name is wanted, got ") + v.kind());
      out.name = v.get<std::string>();
      named = true;
    } else if (v.holds<bool>()) {
      out.options.emplace_back(option, v.get<bool>());
    } else if (v.holds<std::int64_t>()) {
      out.options.emplace_back(option, v.get<std::int64_t>());
    } else if (v.holds<double>()) {
      out.options.emplace_back(option, v.get<double>());
    } else if (v.holds<std::string>()) {
      out.options.emplace_back(option, v.get<std::string>());
    } else {
      fail(key + "." + text::escaped(option), std::string("a number, bool or text is wanted, got ") + v.kind());
    }
  }
  if (!named) fail(key, "the object has no `name`");
  return out;
}

double read_number(const ProblemValue& value, const std::string& key, double least) {
  if (!value.is_number()) fail(key, std::string("a number is wanted, got ") + value.kind());
  if (!(value.number() >= least))
    fail(key, "a number of at least " + shown(least) + " is wanted, got " + shown(value.number()));
  return value.number();
}

ProblemTolerance read_tolerance(const ProblemValue& value) {
  ProblemTolerance out;
  if (!value.holds<ProblemValue::Object>()) {
    out.absolute = out.relative = read_number(value, "tolerance", 0);
    return out;
  }
  check_keys(value, {"absolute", "relative"}, "tolerance");
  if (value.get<ProblemValue::Object>().empty()) fail("tolerance", "the object has neither `absolute` nor `relative`");
  if (const ProblemValue* v = value.find("absolute")) out.absolute = read_number(*v, "tolerance.absolute", 0);
  if (const ProblemValue* v = value.find("relative")) out.relative = read_number(*v, "tolerance.relative", 0);
  return out;
}

const std::string& read_text(const ProblemValue& value, const std::string& key) {
  if (!value.holds<std::string>()) fail(key, std::string("text is wanted, got ") + value.kind());
  return value.get<std::string>();
}

// Formulas, each with the names that it may use.
void read_formulas(const ProblemValue& contents, Problem& p, const Source& source) {
  Names names;
  auto& [inputs, without_z, with_z] = names;
  inputs.insert(p.input_names.begin(), p.input_names.end());
  with_z = without_z = inputs;
  with_z.insert("z");
  if (const ProblemValue* let = contents.find("let")) {
    if (!let->holds<ProblemValue::Object>()) {
      fail("let", std::string("an object of named expressions is wanted, got ") + let->kind());
    }
    std::set<std::string> using_z = {"z"};
    for (const auto& [name, value] : let->get<ProblemValue::Object>()) {
      check_name(name, "let");
      if (with_z.count(name)) { fail("let", text::in_quotes(name) + " is the name of an input, too"); }
      const std::string key = "let." + name;
      Formula f = Formula::parse(read_text(value, key), with_z, {key, p.dtype});
      const bool uses_z =
          std::any_of(f.names().begin(), f.names().end(), [&](const auto& n) { return using_z.count(n); });
      if (uses_z)
        using_z.insert(name);
      else
        without_z.insert(name);
      with_z.insert(name);
      p.let.emplace_back(name, std::move(f));
    }
  }
  const auto parse = [&](const ProblemValue& value, const std::string& key, const FormulaNames& known) {
    return Formula::parse(read_text(value, key), known, {key, p.dtype});
  };
  const bool program = p.kind == Kind::quadratic_program;
  const ProblemValue* formula = contents.find("formula");
  if (formula && program) fail("formula", "a program has none; what is made least is given by `P` and `q`");
  if (!formula && !program) fail("formula", "is missing");
  if (formula) p.formula = parse(*formula, "formula", p.kind ? names.with_z : names.without_z);
  read_constraints(contents, names, source, p);
  if (const ProblemValue* loss = contents.find("loss")) {
    FormulaNames known = names.with_z;
    for (const std::string& n : p.found_names()) known.insert(n);
    p.loss = parse(*loss, "loss", known);
  }
  if (const ProblemValue* z0 = contents.find("z0")) {
    if (const ProblemValue* f = z0->find("formula")) {
      check_keys(*z0, {"formula"}, "z0");
      p.z0_formula = parse(*f, "z0.formula", names.inputs);
    } else {
      p.z0 = astype(read_array(*z0, "z0", p.dtype, source), p.dtype);
    }
  }
}

void warn_of_unused(Problem& p) {
  std::set<std::string> used;
  for (const std::optional<Formula>* f : {&p.loss, &p.z0_formula}) {
    if (*f) used.insert((*f)->names().begin(), (*f)->names().end());
  }
  for (const Formula* f : p.formulas()) used.insert(f->names().begin(), f->names().end());
  for (auto l = p.let.rbegin(); l != p.let.rend(); ++l) {
    if (!used.count(l->first)) p.warnings.push_back("let." + l->first + " is not used");
    used.insert(l->second.names().begin(), l->second.names().end());
  }
  for (const std::string& n : p.input_names) {
    if (!used.count(n)) p.warnings.push_back("the input " + text::in_quotes(n) + " is not used");
  }
}

void check_batch(const Problem& p) {
  std::int64_t lanes = -1;
  std::string first;
  for (const std::string& n : p.batch) {
    if (n == "z0" && !p.z0.defined()) fail("batch", "`z0` is a formula, which is evaluated lane by lane, or missing");
    const Array& a = n == "z0" ? p.z0 : p.inputs.at(n);
    if (a.ndim() == 0) fail("batch", text::in_quotes(n) + " is a scalar, without an axis for the lanes");
    const std::int64_t length = a.shape()[0];
    if (length < 1) fail("batch", text::in_quotes(n) + " has no lanes: its shape is " + a.shape().str());
    if (lanes >= 0 && length != lanes) {
      fail("batch", text::in_quotes(n) + " has " + std::to_string(length) + " lanes, " + text::in_quotes(first) +
                        " has " + std::to_string(lanes));
    }
    lanes = length;
    first = n;
  }
}

}  // namespace problem_reader

const char* Problem::kind_name() const {
  if (linear_program) return problem_reader::linear_program;
  return kind ? name(*kind) : problem_reader::value_kind;
}

bool Problem::constrained() const {
  return lower.given() || upper.given() || !equalities.empty() || !inequalities.empty() || !program.empty();
}

std::vector<std::string> Problem::dual_names() const {
  std::vector<std::string> out;
  if (lower.given()) out.emplace_back("lower");
  if (upper.given()) out.emplace_back("upper");
  for (const auto* rows : {&equalities, &inequalities}) {
    for (const ProblemRows& r : *rows) out.push_back(r.name);
  }
  if (program.count("A")) out.emplace_back("A");
  if (program.count("h")) out.emplace_back("G");
  if (program.count("h_lower")) out.emplace_back("G_lower");
  return out;
}

std::vector<std::string> Problem::found_names() const {
  std::vector<std::string> out;
  if (kind && kind != Kind::root && kind != Kind::fixed_point) out.emplace_back("objective");
  for (const std::string& n : dual_names()) out.push_back("dual_" + n);
  return out;
}

std::vector<const Formula*> Problem::formulas() const {
  std::vector<const Formula*> out;
  const auto add = [&](const std::optional<Formula>& f) {
    if (f) out.push_back(&*f);
  };
  add(formula);
  add(lower.formula);
  add(upper.formula);
  for (const auto* rows : {&equalities, &inequalities}) {
    for (const ProblemRows& r : *rows) out.push_back(&r.formula);
  }
  for (const auto& [n, a] : program) add(a.formula);
  return out;
}

Array Problem::evaluate(const Formula& f, const Inputs& at, const Array& z) const {
  return evaluate_found(f, at, z.defined() ? Inputs{{"z", z}} : Inputs{});
}

Array Problem::evaluate_found(const Formula& f, const Inputs& at, const Inputs& found) const {
  std::set<std::string> wanted(f.names().begin(), f.names().end());
  for (auto l = let.rbegin(); l != let.rend(); ++l) {
    if (wanted.count(l->first)) wanted.insert(l->second.names().begin(), l->second.names().end());
  }
  Inputs values = at;
  values.insert(found.begin(), found.end());
  for (const auto& [n, expression] : let) {
    if (wanted.count(n)) values[n] = expression.evaluate(values);
  }
  return f.evaluate(values);
}

Array Problem::value(const ProblemArray& a, const Inputs& at) const {
  return a.formula ? astype(evaluate(*a.formula, at), dtype) : a.numbers;
}

Array Problem::start(const Inputs& at) const {
  if (z0_formula) return astype(z0_formula->evaluate(at), dtype);
  return z0.defined() || program.empty() ? z0 : zeros_like(value(program.at("q"), at));
}

Problem make_problem(const ProblemValue& contents, const std::string& folder, std::int64_t max_bytes) {
  using namespace problem_reader;
  const Source source{folder, max_bytes};
  if (!contents.holds<ProblemValue::Object>()) {
    throw ProblemError(std::string("a problem is an object with keys, not ") + contents.kind());
  }
  check_keys(contents, keys, "");
  Problem p;
  const ProblemValue* kind = contents.find("kind");
  if (!kind) fail("kind", "is missing; there are " + text::listed(kind_names()));
  const std::size_t choice = read_choice(*kind, "kind", kind_names());
  p.linear_program = kind_names()[choice] == linear_program;
  if (p.linear_program) p.kind = Kind::quadratic_program;
  if (choice < std::size(solved_kinds)) p.kind = solved_kinds[choice];
  const std::vector<std::string> dtypes = {"float64", "float32"};
  if (const ProblemValue* d = contents.find("dtype")) {
    p.dtype = read_choice(*d, "dtype", dtypes) == 0 ? Dtype::float64 : Dtype::float32;
  }

  if (const ProblemValue* inputs = contents.find("inputs")) {
    if (!inputs->holds<ProblemValue::Object>()) {
      fail("inputs", std::string("an object of named values is wanted, got ") + inputs->kind());
    }
    for (const auto& [n, value] : inputs->get<ProblemValue::Object>()) {
      check_name(n, "inputs");
      p.inputs[n] = read_array(value, "inputs." + n, p.dtype, source);
      p.input_names.push_back(n);
    }
  }
  read_formulas(contents, p, source);

  // Derivatives.
  const ProblemValue* gradient = contents.find("gradient");
  const bool all = gradient ? gradient->holds<bool>() && gradient->get<bool>() : p.loss.has_value();
  if (all) {
    for (const std::string& n : p.input_names) {
      if (is_floating(p.inputs[n].dtype())) p.gradient.push_back(n);
    }
  } else if (gradient && !gradient->holds<bool>()) {
    p.gradient = read_names(*gradient, "gradient", p, false);
  }
  if (const ProblemValue* v = contents.find("hessian")) p.hessian = read_names(*v, "hessian", p, false);
  if (const ProblemValue* v = contents.find("jacobian")) p.jacobian = read_names(*v, "jacobian", p, false);
  if (const ProblemValue* v = contents.find("batch")) p.batch = read_names(*v, "batch", p, true);
  check_floating(p, p.gradient, "gradient");
  check_floating(p, p.hessian, "hessian");
  check_floating(p, p.jacobian, "jacobian");
  if (!p.loss) {
    if (all || !p.gradient.empty()) fail("gradient", "there is no `loss` to differentiate");
    if (!p.hessian.empty()) fail("hessian", "there is no `loss` to differentiate");
  }
  read_start(contents, source, p);
  check_batch(p);

  // How to solve.
  if (const ProblemValue* v = contents.find("bracket")) {
    if (p.kind != Kind::root)
      fail("bracket", std::string("only problems of kind `root` have one, not ") + text::in_quotes(p.kind_name()));
    if (p.constrained()) fail("bracket", "a root in a bracket has no bounds; the bracket's ends are some");
    if (!v->holds<ProblemValue::List>() || v->get<ProblemValue::List>().size() != 2)
      fail("bracket", "[a, b] is wanted");
    const ProblemValue::List& ends = v->get<ProblemValue::List>();
    p.bracket.emplace(astype(read_array(ends[0], "bracket[0]", p.dtype, source), p.dtype),
                      astype(read_array(ends[1], "bracket[1]", p.dtype, source), p.dtype));
    try {
      detail::promote_operands(p.bracket->first, p.bracket->second, "the ends");
    } catch (const ShapeError& e) { fail("bracket", e.what()); }
    if (!p.z0.defined() && !p.z0_formula) p.z0 = p.bracket->first;
  }
  if (p.kind && p.program.empty() && !p.z0.defined() && !p.z0_formula) {
    fail("z0", "is missing; it is where the search for z starts, and gives its shape");
  }
  if (const ProblemValue* v = contents.find("solver")) p.solver = read_method(*v, "solver");
  if (const ProblemValue* v = contents.find("adjoint")) p.adjoint = read_method(*v, "adjoint");
  if (const ProblemValue* v = contents.find("robust")) {
    if (p.kind != Kind::least_squares)
      fail("robust",
           std::string("only problems of kind `least_squares` have one, not ") + text::in_quotes(p.kind_name()));
    p.robust = read_method(*v, "robust");
  }
  if (const ProblemValue* v = contents.find("tolerance")) p.tolerance = read_tolerance(*v);
  if (const ProblemValue* v = contents.find("max_steps")) {
    const double steps = v->is_number() ? v->number() : -1;
    if (!(steps >= 0 && steps <= 1e9 && std::floor(steps) == steps)) {
      fail("max_steps", "a whole number from 0 to 1000000000 is wanted, got " +
                            (v->is_number() ? shown(v->number()) : std::string(v->kind())));
    }
    p.max_steps = static_cast<std::int64_t>(steps);
  }
  if (const ProblemValue* v = contents.find("deadline")) {
    p.deadline = std::min(read_number(*v, "deadline", 0), 1e9);  // what a clock can be moved by: 30 years
  }
  warn_of_unused(p);
  return p;
}

ProblemValue read_problem_file(const std::string& path) {
  const std::string contents = io::read_file(path, "problem", max_problem_bytes);
  return path.ends_with(".toml") ? parse_toml(contents, text::escaped(path))
                                 : parse_json(contents, text::escaped(path));
}

}  // namespace dini
