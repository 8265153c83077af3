#include "dini/io/problem.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "dini/io/npy.hpp"
#include "dini/io/problem_result.hpp"

namespace dini {
namespace problem_test {

std::string json_error(const std::string& text) {
  try {
    make_problem(parse_json(text, "p.json"), "");
    return "";
  } catch (const ProblemError& e) { return e.what(); } catch (const FormulaError& e) {
    return std::string("formula: ") + e.what();
  }
}

Problem from_json(const std::string& text) { return make_problem(parse_json(text, "p.json"), ""); }

const std::string root = R"j("kind": "root", "formula": "z - a", "inputs": {"a": 2}, "z0": 1)j";

const std::string minimum = R"j("kind": "minimize", "formula": "(z - a)**2", "inputs": {"a": 2}, "z0": 1)j";

struct Wrong {
  std::string text;
  const char* part;
};

TEST(Problem, ErrorsNameTheKey) {
  const Wrong table[] = {
      {"", "line 1, column 1"},
      {"[1, 2]", "an object with keys"},
      {"{}", "`kind`: is missing"},
      {R"j({"kind": "rot"})j", "there are `root`, `fixed_point`"},
      {R"j({"kind": "root"})j", "`formula`: is missing"},
      {"{" + root + R"j(, "gradeint": true})j", "unknown key `gradeint`; the nearest known one is `gradient`"},
      {"{" + root + R"j(, "kind": "root"})j", "`kind` stands twice"},
      {R"j({"kind": "root", "inputs": {"a": 1, "a": 2}})j", "in inputs: the key `a` stands twice"},
      {R"j({"kind": "root", "formula": "z", "let": {"b": "1", "b": "2"}, "z0": 1})j", "`b` stands twice"},
      {R"j({"kind": "root", "formula": "z - q", "z0": 1})j", "unknown name `q`"},
      {R"j({"kind": "root", "formula": "z"})j", "`z0`: is missing"},
      {R"j({"kind": "root", "formula": "z", "z0": NaN})j", "NaN and infinities"},
      {R"j({"kind": "root", "formula": "z", "z0": 1e400})j", "larger than a number can be"},
      {R"j({"kind": "root", "formula": "z", "z0": "1"})j", "`z0`: numbers are wanted, got text"},
      {R"j({"kind": "root", "formula": "z", "z0": [[1, 2], [3]]})j", "`z0`: ragged"},
      {R"j({"kind": "root", "formula": "z", "z0": [1, [2]]})j", "`z0`: ragged"},
      {R"j({"kind": "root", "formula": "z", "z0": [[1], 2]})j", "`z0`: ragged"},
      {R"j({"kind": "root", "formula": "z", "z0": {"value": 0.5, "dtype": "int64"}})j",
       "0.5 is no number of dtype int64"},
      {R"j({"kind": "root", "formula": "z", "z0": {"value": 1e10, "dtype": "int32"}})j", "no number of dtype int32"},
      {R"j({"kind": "root", "formula": "z", "z0": 1e39, "dtype": "float32"})j", "larger than a float32"},
      {R"j({"kind": "root", "formula": "z", "z0": {"fiel": "a.npy"}})j",
       "unknown key `fiel`; the nearest known one is `file`"},
      {R"j({"kind": "root", "formula": "z", "z0": {"file": "a.npz"}})j", "wants a `key`"},
      {R"j({"kind": "root", "formula": "z", "z0": {"file": "a.npy", "key": "k"}})j", "only a .npz file"},
      {R"j({"kind": "root", "formula": "z", "z0": 1, "inputs": {"z": 1}})j", "has a meaning"},
      {R"j({"kind": "root", "formula": "z", "z0": 1, "inputs": {"sin": 1}})j", "is a function"},
      {R"j({"kind": "root", "formula": "z", "z0": 1, "inputs": {"2a": 1}})j", "up to 64 letters"},
      {R"j({"kind": "root", "formula": "z", "z0": 1, "inputs": {"a": 1}, "let": {"a": "2"}})j", "the name of an input"},
      {R"j({"kind": "root", "formula": "z", "z0": 1, "let": {"b": "c", "c": "1"}})j",
       "let.b, column 1: unknown name `c`"},
      {R"j({"kind": "value", "formula": "z"})j", "unknown name `z`"},
      {"{" + root + R"j(, "gradient": ["a"]})j", "`gradient`: there is no `loss`"},
      {"{" + root + R"j(, "loss": "z", "gradient": ["b"]})j", "there is no input `b`; the nearest known one is `a`"},
      {"{" + root + R"j(, "loss": "z", "gradient": ["a", "a"]})j", "`a` stands twice"},
      {R"j({"kind": "root", "formula": "z - a", "inputs": {"a": {"value": 2, "dtype": "int64"}}, "z0": 1, "loss": "z",
           "gradient": "a"})j",
       "int64, which has no derivative"},
      {"{" + root + R"j(, "batch": ["a"]})j", "a scalar, without an axis"},
      {R"j({"kind": "root", "formula": "z - a - b", "inputs": {"a": [1, 2], "b": [1, 2, 3]}, "z0": 1, "batch": ["a", "b"]})j",
       "`b` has 3 lanes, `a` has 2"},
      {R"j({"kind": "fixed_point", "formula": "z", "z0": 1, "lower": 0})j",
       "`lower`: there are no bounds for problems of kind `fixed_point`"},
      {R"j({"kind": "fixed_point", "formula": "z", "z0": 1, "bracket": [0, 1]})j", "only problems of kind `root`"},
      {"{" + root + R"j(, "bracket": [1]})j", "[a, b] is wanted"},
      {"{" + root + R"j(, "robust": "huber"})j",
       "`robust`: only problems of kind `least_squares` have one, not `root`"},
      {R"j({"kind": "least_squares", "formula": "z", "z0": 1, "robust": {"width": 2}})j",
       "`robust`: the object has no `name`"},
      {"{" + root + R"j(, "bracket": [0, 1], "lower": 0})j", "`bracket`: a root in a bracket has no bounds"},
      {"{" + root + R"j(, "lower": true})j", "`lower`: numbers are wanted, got a bool"},
      {"{" + root + R"j(, "lower": {"formla": "a"}})j", "`lower`: unknown key `formla`"},
      {"{" + root + R"j(, "lower": {"formula": "z"}})j", "lower.formula, column 1: unknown name `z`"},
      {"{" + root + R"j(, "lower": "b"})j", "lower, column 1: unknown name `b`"},
      {"{" + root + R"j(, "lower": "c", "let": {"c": "a*z"}})j", "lower, column 1: unknown name `c`"},
      {"{" + root + R"j(, "equalities": {"c": "z"}})j",
       "`equalities`: there are no constraints for problems of kind `root`, but `lower` and `upper`"},
      {R"j({"kind": "value", "formula": "1", "inequalities": {}})j", "no constraints for problems of kind `value`"},
      {"{" + minimum + R"j(, "equalities": ["z"]})j",
       "`equalities`: an object of named expressions is wanted, got a list"},
      {"{" + minimum + R"j(, "equalities": {"c": 1}})j", "`equalities.c`: text is wanted, got a number"},
      {"{" + minimum + R"j(, "equalities": {"2c": "z"}})j", "`equalities`: the name `2c` is not made of"},
      {"{" + minimum + R"j(, "equalities": {"sum": "z"}})j", "`equalities`: `sum` is a function"},
      {"{" + minimum + R"j(, "equalities": {"lower": "z"}})j", "`equalities`: `lower` is the name of the bounds'"},
      {"{" + minimum + R"j(, "equalities": {"c": "z"}, "inequalities": {"c": "z"}})j",
       "`inequalities`: `c` is the name of an equality, too"},
      {"{" + minimum + R"j(, "equalities": {"c": "z <= 1"}})j", "`equalities.c`: <= belongs to `inequalities`"},
      {"{" + minimum + R"j(, "inequalities": {"c": "z == 1"}})j", "`inequalities.c`: == belongs to `equalities`"},
      {"{" + minimum + R"j(, "inequalities": {"c": "z < 1"}})j", "is compared by <= or >=, not by <"},
      {"{" + minimum + R"j(, "equalities": {"c": "z != 1"}})j", "is compared by ==, not by !="},
      {"{" + minimum + R"j(, "equalities": {"c": "q == z"}})j", "equalities.c, column 1: unknown name `q`"},
      {"{" + minimum + R"j(, "ties": "active"})j", "`ties`: there are no bounds and no constraints"},
      {"{" + minimum + R"j(, "lower": 0, "ties": "both"})j", "`ties`: there is no `both`; there are `average`"},
      {"{" + minimum + R"j(, "lower": 0, "loss": "dual_uper"})j", "unknown name `dual_uper`"},
      {"{" + minimum + R"j(, "q": 0})j", "`q`: it belongs to problems of kind `quadratic_program`"},
      {"{" + minimum + R"j(, "start": 1})j", "`start`: text is wanted, got a number"},
      {R"j({"kind": "value", "formula": "1", "start": "result.json"})j", "`start`: nothing is solved"},
      {R"j({"kind": "linear_program"})j", "`q`: is missing; what is made least is q @ z"},
      {R"j({"kind": "quadratic_program"})j", "`q`: is missing; what is made least is 0.5*z @ P @ z + q @ z"},
      {R"j({"kind": "linear_program", "q": [1], "bracket": [0, 1]})j", "only problems of kind `root`"},
      {"{" + root + R"j(, "tolerance": -1})j", "`tolerance`: a number of at least 0"},
      {"{" + root + R"j(, "tolerance": {"relativ": 1}})j", "the nearest known one is `relative`"},
      {"{" + root + R"j(, "tolerance": {}})j", "`tolerance`: the object has neither `absolute` nor `relative`"},
      {"{" + root + R"j(, "tolerance": {"absolute": -1}})j", "`tolerance.absolute`: a number of at least 0"},
      {"{" + root + R"j(, "tolerance": {"relative": "1"}})j", "`tolerance.relative`: a number is wanted, got text"},
      {"{" + root + R"j(, "tolerance": [1]})j", "`tolerance`: a number is wanted, got a list"},
      {"{" + root + R"j(, "tolerance": NaN})j", "NaN and infinities"},
      {"{" + root + R"j(, "max_steps": -1})j", "from 0 to 1000000000"},
      {"{" + root + R"j(, "max_steps": 1.5})j", "from 0 to 1000000000 is wanted, got 1.5"},
      {"{" + root + R"j(, "max_steps": 1e99})j", "from 0 to 1000000000 is wanted, got 1e+99"},
      {"{" + root + R"j(, "max_steps": true})j", "from 0 to 1000000000 is wanted, got a bool"},
      {"{" + root + R"j(, "deadline": -1})j", "`deadline`: a number of at least 0 is wanted, got -1"},
      {"{" + root + R"j(, "solver": {"history": 5}})j", "no `name`"},
      {"{" + root + R"j(, "solver": {}})j", "`solver`: the object has no `name`"},
      {"{" + root + R"j(, "adjoint": {}})j", "`adjoint`: the object has no `name`"},
      {"{" + root + R"j(, "solver": {"name": 5}})j", "`solver.name`: a name is wanted, got a number"},
      {"{" + root + R"j(, "solver": {"name": "newton", "slope": [1]}})j", "`solver.slope`: a number, bool or text"},
      {"{" + root + R"j(, "batch": null})j", "`batch`: a list of inputs' names is wanted, got null"},
      {"{" + root + R"j(, "batch": ["a", "a"]})j", "`batch`: `a` stands twice"},
      {"{" + root + R"j(, "hessian": ["a"]})j", "`hessian`: there is no `loss`"},
      {"{" + root + R"j(, "gradient": true})j", "`gradient`: there is no `loss`"},
      {"{" + root + R"j(, "dtype": "float16"})j", "there are `float64` and `float32`"},
      {"\xEF\xBB\xBF{}", "byte order mark"},
      {"{\"kind\": \"\xff\"}", "not UTF-8"},
      {std::string(100000, '['), "deeper than 100"},
      {"{\"kind\": " + std::string(100000, '['), "deeper than 100"},
  };
  for (const Wrong& w : table) {
    SCOPED_TRACE(w.text.substr(0, 200));
    const std::string m = json_error(w.text);
    EXPECT_NE(m.find(w.part), std::string::npos) << m;
  }
}

TEST(Problem, ListsOfNothing) {
  const Problem p =
      from_json("{" + root + R"j(, "gradient": [], "hessian": [], "jacobian": [], "batch": [], "max_steps": 1e3})j");
  EXPECT_TRUE(p.gradient.empty() && p.hessian.empty() && p.jacobian.empty() && p.batch.empty());
  EXPECT_EQ(p.max_steps, 1000);
}

TEST(Problem, ReadsWhatJsonSays) {
  const Problem p =
      from_json(R"j({"kind": "fixed_point", "formula": "tanh(W @ z + h)", "let": {"h": "2*x", "g": "h + z"},
      "inputs": {"x": [1, 2], "W": [[1, 2], [3, 4]], "i": {"value": [0, 1], "dtype": "int64"}}, "z0": {"formula": "zeros(len(x))"},
      "loss": "sum(z*g)", "hessian": "x", "solver": {"name": "anderson", "history": 5}, "tolerance": {"absolute": 1e-9},
      "max_steps": 7, "dtype": "float32"})j");
  EXPECT_EQ(p.kind, Kind::fixed_point);
  EXPECT_EQ(p.let[0].first, "h");
  EXPECT_EQ(p.let[1].first, "g");
  EXPECT_EQ(p.input_names, (std::vector<std::string>{"x", "W", "i"}));
  EXPECT_EQ(p.inputs.at("x").dtype(), float32);
  EXPECT_EQ(p.inputs.at("i").dtype(), int64);
  EXPECT_EQ(p.gradient, (std::vector<std::string>{"x", "W"}));
  EXPECT_EQ(p.hessian, (std::vector<std::string>{"x"}));
  EXPECT_EQ(p.start(p.inputs).shape(), Shape({2}));
  EXPECT_EQ(p.start(p.inputs).dtype(), float32);
  EXPECT_EQ(std::get<std::int64_t>(p.solver.options.at(0).second), 5);
  EXPECT_EQ(p.tolerance->absolute, 1e-9);
  EXPECT_EQ(*p.max_steps, 7);
  EXPECT_EQ(p.warnings, (std::vector<std::string>{"the input `i` is not used"}));
  EXPECT_NEAR(p.evaluate(*p.formula, p.inputs, p.start(p.inputs)).to_vector<double>()[0], std::tanh(2.0), 1e-6);
}

// Which names a loss may use, where infinities come from, and how sides are read.
TEST(Problem, BoundsAndConstraints) {
  const Problem p = from_json("{" + minimum + R"j(, "let": {"c": "2*a", "d": "z*a"}, "lower": "c", "upper": [null, 3],
      "equalities": {"e": "d == 1", "f": "z - d"}, "inequalities": {"g": "z >= d", "h": "z <= a"},
      "loss": "objective + dual_lower + dual_g", "ties": "inactive"})j");
  EXPECT_TRUE(p.constrained());
  EXPECT_EQ(p.dual_names(), (std::vector<std::string>{"lower", "upper", "e", "f", "g", "h"}));
  EXPECT_EQ(p.value(p.lower, p.inputs).item<double>(), 4);
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_EQ(p.value(p.upper, p.inputs).to_vector<double>(), (std::vector<double>{infinite, 3}));
  const auto at = [&](const ProblemRows& r) { return p.evaluate(r.formula, p.inputs, array(5.0)).item<double>(); };
  EXPECT_EQ(at(p.equalities[0]), 9);
  EXPECT_EQ(at(p.equalities[1]), -5);
  EXPECT_EQ(at(p.inequalities[0]), -5);
  EXPECT_TRUE(p.inequalities[0].negated);
  EXPECT_EQ(at(p.inequalities[1]), 3);
  EXPECT_FALSE(p.inequalities[1].negated);
  EXPECT_EQ(p.ties, "inactive");
  EXPECT_TRUE(p.warnings.empty());
  EXPECT_FALSE(from_json("{" + root + "}").constrained());
}

TEST(Problem, Programs) {
  const Problem p = from_json(R"j({"kind": "quadratic_program", "inputs": {"s": 2}, "let": {"P": "s*eye(2)"}, "P": "P",
      "q": {"formula": "s*ones(2)"}, "G": [[1, 2]], "h": [null], "h_lower": "s", "A": [[1, 1]], "b": 1, "lower": 0,
      "dtype": "float32", "loss": "dual_G_lower[0]*objective"})j");
  EXPECT_EQ(p.kind, Kind::quadratic_program);
  EXPECT_EQ(std::string(p.kind_name()), "quadratic_program");
  EXPECT_EQ(p.dual_names(), (std::vector<std::string>{"lower", "A", "G", "G_lower"}));
  EXPECT_EQ(p.start(p.inputs).to_vector<float>(), (std::vector<float>{0, 0}));
  EXPECT_EQ(p.value(p.program.at("P"), p.inputs).dtype(), float32);
  EXPECT_TRUE(p.warnings.empty());
  const Problem lp = from_json(R"j({"kind": "linear_program", "q": [1, 2], "z0": [3, 4]})j");
  EXPECT_EQ(std::string(lp.kind_name()), "linear_program");
  EXPECT_EQ(lp.kind, Kind::quadratic_program);
  EXPECT_EQ(lp.start({}).to_vector<double>(), (std::vector<double>{3, 4}));
}

TEST(Problem, TomlSaysTheSame) {
  const std::string text = R"j(
kind = "root"
formula = "z - c"
z0 = [1, 2.5]
[inputs]
b = 3
a = {value = [0, 2], dtype = "int64"}
[let]
d = "b * 2"
c = "d + a"
)j";
  const Problem p = make_problem(parse_toml(text, "p.toml"), "");
  EXPECT_EQ(p.input_names, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(p.let[0].first, "d");
  EXPECT_EQ(p.z0.to_vector<double>(), (std::vector<double>{1, 2.5}));
  for (const Wrong& w : {Wrong{"kind = 1979-05-27", "dates"}, Wrong{"z0 = nan", "NaN and infinities"},
                         Wrong{"a = 1\na = 2", "line 2"}, Wrong{"x = " + std::string(100000, '['), "line 1"}}) {
    try {
      parse_toml(w.text, "p.toml");
      ADD_FAILURE() << w.text.substr(0, 50);
    } catch (const ProblemError& e) { EXPECT_NE(std::string(e.what()).find(w.part), std::string::npos) << e.what(); }
  }
}

// toml++ makes a table of every dot of a key, within the table of the dot before.
TEST(Problem, DeepTomlIsRefusedBeforeItIsRead) {
  const auto repeated = [](const std::string& s, int n) {
    std::string out;
    for (int k = 0; k < n; ++k) out += s;
    return out;
  };
  const std::string dots = repeated(".a", 31000), some = "a" + repeated(".a", 60);
  std::string headers;  // each a list of tables within the one before
  for (int k = 0; k < 90; ++k) headers += "[[a" + repeated(".a", k) + "]]\n";
  const Wrong deep[] = {
      {"a" + dots + " = 1", "line 1, column 202: nested deeper than 100"},
      {"b = 1\n[a" + dots + "]", "line 2, column 201: nested deeper than 100"},
      {"[[a" + repeated(" . 'b.c'", 31000) + "]]", "line 1, column "},
      {"b = '''\n[ '''\n  [ a" + dots + "]", "line 3, column 204"},
      {"b = [ # [\n1]\na" + dots + "= 1", "line 3, column 202"},
      {"b = \"\"\"\\\"\"\"\"\"\"\na" + dots + " = 1", "line 2, column 202"},
      {"a" + dots, "nested deeper"},
      {"[" + some + "]\n" + some + " = 1", "line 2, column 80"},
      {"b = {" + some + " = {" + some + " = 1}}", "nested deeper"},
      {"b = " + repeated("{a = ", 31000), "nested deeper"},
      {"b = " + repeated("[{a.a = ", 31000), "nested deeper"},
      {"\xC2\xA0[a" + dots + "]", "nested deeper"},
      {headers, "nested deeper"},
  };
  for (const Wrong& w : deep) {
    SCOPED_TRACE(w.text.substr(0, 60));
    try {
      parse_toml(w.text, "p.toml");
      ADD_FAILURE();
    } catch (const ProblemError& e) { EXPECT_NE(std::string(e.what()).find(w.part), std::string::npos) << e.what(); }
  }
  // The dots of no key are not counted, nor those of another.
  const std::string many = repeated(".", 500);
  const std::string shallow = "d = \"" + many + "\\\"" + many + "\" # " + many + "\nb = '" + many + "'\n'" + many +
                              "'.b = '''" + many + "\n''" + many + "'''\n[" + some + "] # " + many + "\n[[" + some +
                              ".b]]\nx = [" + repeated("1.5, {a.b.c = 1.5}, [2.5],\n", 100) + "]";
  EXPECT_NO_THROW(parse_toml(shallow, "p.toml"));
}

TEST(Problem, FilesAreFoundInTheProblemsFolder) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "dini_problem_test";
  std::filesystem::create_directories(folder);
  save_npy((folder / "a.npy").string(), array({1.5, 2.5}));
  save_npy((folder / "i.npy").string(), array({1, 0}));
  const ProblemValue contents = parse_json(
      R"j({"kind": "root", "formula": "z - a[i]", "inputs": {"a": {"file": "a.npy"}, "i": {"file": "i.npy"}}, "z0": [0, 0],
          "dtype": "float32"})j",
      "p.json");
  const Problem p = make_problem(contents, folder.string());
  EXPECT_EQ(p.inputs.at("a").dtype(), float32);
  EXPECT_EQ(p.inputs.at("i").dtype(), int64);
  EXPECT_THROW(make_problem(contents, (folder / "nowhere").string()), FileError);
  EXPECT_THROW(read_problem_file(folder.string()), FileError);
  EXPECT_THROW(read_problem_file("/dev/zero"), FileError);
  std::filesystem::remove_all(folder);
}

TEST(ProblemResult, NumbersReadBack) {
  EXPECT_EQ(json_number(1.0), "1.0");
  EXPECT_EQ(json_number(-0.0), "-0.0");
  EXPECT_EQ(json_number(0.1), "0.1");
  EXPECT_EQ(json_number(0.1f), "0.1");
  EXPECT_EQ(json_number(5e-324), "5e-324");
  EXPECT_EQ(json_number(std::nan("")), "\"nan\"");
  EXPECT_EQ(json_number(-std::numeric_limits<double>::infinity()), "\"-inf\"");
  for (double v : {1.0 / 3, 1e22, 123456789.123, -2.5e-300, 1e17}) {
    EXPECT_EQ(std::strtod(json_number(v).c_str(), nullptr), v);
    EXPECT_NE(json_number(v).find_first_of(".e"), std::string::npos);
  }
  EXPECT_EQ(json_array(array({{1.0, 2.0}, {-0.0, 0.5}})), "[[1.0, 2.0], [-0.0, 0.5]]");
  EXPECT_EQ(json_array(array({1, 2})), "[1, 2]");
  EXPECT_EQ(json_array(array(true)), "true");
  EXPECT_EQ(json_text("a\"\\\n\x01"), "\"a\\\"\\\\\\n\\u0001\"");
}

TEST(ProblemResult, WhatThereIsOfAnOptimum) {
  ProblemResult r;
  r.status = {"infeasible"};
  r.steps = r.evaluations = {1};
  r.residual_norm = {0.5};
  r.objective = array(2.0);
  r.duals = {{"lower", array({0.0, 1.0})}, {"total", array(-1.5)}};
  r.active = {2};
  r.weakly_active = {1};
  r.dependent = {0};
  r.certificate = {{"total", array(1.0)}};
  r.ray = array({1.0, 0.0});
  r.check_refused = "no";
  const std::string json = to_json(r);
  EXPECT_NE(
      json.find(R"("objective": 2.0, "duals": {"lower": [0.0, 1.0], "total": -1.5}, "active": 2, "weakly_active": 1, )"
                R"("dependent": 0, "certificate": {"total": 1.0}, "ray": [1.0, 0.0])"),
      std::string::npos)
      << json;
  EXPECT_NE(json.find(R"("check": {"refused": "no"})"), std::string::npos) << json;
}

}  // namespace problem_test
}  // namespace dini
