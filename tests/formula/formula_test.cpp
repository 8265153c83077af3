#include "dini/formula/formula.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "dini/formula/functions.hpp"
#include "dini/formula/text.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/jit.hpp"

namespace dini {
namespace formula_test {

const FormulaNames names = {"z", "a", "b", "W", "x", "n"};

// The message of the FormulaError that reading, or evaluating, throws; empty where none does.
std::string message(const std::string& text) {
  try {
    const Formula f = Formula::parse(text, names);
    f.evaluate({{"z", array({1.0, 2.0, 3.0})},
                {"a", array({1.0, 2.0})},
                {"b", Array(2.0)},
                {"W", ones({10, 4})},
                {"x", ones({5})},
                {"n", array({2, 0})}});
    return "";
  } catch (const FormulaError& e) { return e.what(); }
}

// The column is named, and the line shown with a mark under it.
void expect_place(const std::string& m, const std::string& text, int column) {
  EXPECT_EQ(m.find("formula, column " + std::to_string(column) + ": "), 0u) << m;
  if (text.find_first_of("\n\xff\x1b") != std::string::npos) return;  // shown in another way
  const std::string shown = "\n  " + text + "\n  " + std::string(static_cast<std::size_t>(column - 1), ' ') + "^";
  ASSERT_GT(m.size(), shown.size()) << m;
  EXPECT_EQ(m.substr(m.size() - shown.size()), shown);
}

struct Wrong {
  const char* text;
  int column;
  const char* part;
};

TEST(Formula, ErrorsNameTheColumnAndTheReason) {
  const Wrong table[] = {
      {"z + zz", 5, "unknown name `zz`; the nearest known one is `z`"},
      {"sinn(z)", 1, "the nearest known one is `sin`"},
      {"tanh(W @ z + x", 5, "never closed"},
      {"z)", 2, "closes nothing"},
      {"(z]", 3, "cannot close"},
      {"2 z", 3, "an operator is missing"},
      {"2z", 2, "runs into"},
      {"z +", 4, "a value is missing"},
      {"* z", 1, "a value is missing before `*`"},
      {"1e999", 1, "larger than a number"},
      {"z + 1e999", 5, "larger than a number"},
      {"0 < z < 1", 7, "use `&`"},
      {"z < 1 & b < 2", 11, "chained"},
      {"sum(z, 1, 2, 3)", 1, "at most 3 arguments, got 4"},
      {"sum()", 1, "at least 1 argument, got 0"},
      {"where(z > 0, z)", 1, "takes 3 arguments, got 2"},
      {"sum(z, axs=0)", 8, "nearest known one is `axis`"},
      {"sum(z, axis=0, axis=0)", 16, "given twice"},
      {"sum(axis=0, z)", 13, "without a name after"},
      {"z.shape", 3, "no attributes but .T"},
      {"z.sum()", 3, "sum(x), not x.sum()"},
      {"z = 1", 3, "comparison is written =="},
      {"z ^ 2", 3, "a**b"},
      {"z and a", 3, "use &, |, ~"},
      {"'z'", 1, "no text"},
      {"", 1, "empty"},
      {" \n ", 1, "empty"},
      {"z[]", 3, "an index is missing"},
      {"(z,,a)", 4, "not expected"},
      {"z(1)", 1, "no function"},
      {"sin + 1", 1, "is a function"},
      {"[z, a]", 1, "stack([...])"},
      {"W @ x", 3, "(10, 4) and (5,)"},
      {"z + a", 3, "(3,) and (2,)"},
      {"z[3]", 2, "3"},
      {"z[b]", 3, "whole numbers"},
      {"z[:b]", 4, "literals, len(x) and size(x)"},
      {"reshape(z, (b, 3))", 13, "literals, len(x) and size(x)"},
      {"reshape(z, 2)", 1, "(3,)"},
      {"sum(z, axis=5)", 1, "5"},
      {"sum(z, axis=0.5)", 13, "whole number"},
      {"sum(z, keepdims=1)", 17, "True or False"},
      {"z[::0]", 3, "step is 0"},
      {"1/0", 2, "division"},
      {"stack(z)", 7, "must be a sequence"},
      {"zeros(None)", 7, "cannot be None"},
      {"inf", 1, "norm"},
      {"z + \xff", 5, "not UTF-8"},
      {"z $ a", 3, "no meaning"},
      {"1e400*0", 1, "`1e400` is larger than a number"},
      {"10**400*b", 3, "larger than a number"},
      {"1e300*1e300", 6, "larger than a number"},
      {"(0-8)**0.5", 6, "root of a negative number"},
      {"1_000", 2, "runs into"},
      {"007", 1, "leading zeros"},
      {"0**-1", 2, "zero to a negative power"},
      {"1 % 0", 3, "division"},
      {"1 // 0", 3, "division"},
      {"z == a", 3, "(3,) and (2,)"},
      {"(z > 0) & (a > 0)", 9, "(3,) and (2,)"},
      {"z & 1", 3, "float64"},
      {"~z", 1, "float64"},
      {"(z > 0) | 1.5", 9, "float64"},
      {"where(z > 0, a, z)", 1, "(2,) and (3,)"},
      {"clip(z, a)", 1, "(2,)"},
      {"dot(z, a)", 1, "(3,) and (2,)"},
      {"tensordot(W, x, 1)", 1, "(10, 4) and axis 0 of (5,)"},
      {"solve(W, z)", 1, "(10, 4)"},
      {"inv(W)", 1, "(10, 4)"},
      {"det(z)", 1, "(3,)"},
      {"cholesky(W)", 1, "(10, 4)"},
      {"concatenate([z, W])", 1, "(10, 4)"},
      {"stack([z, a])", 1, "(2,)"},
      {"block([[W, z]])", 7, "(10, 4) and (1, 3)"},
      {"block([])", 7, "empty"},
      {"block(())", 7, "empty"},
      {"block([[z], []])", 13, "empty"},
      {"block([z, [z]])", 11, "side by side"},
      {"block([[z], z])", 13, "side by side"},
      {"not (z > 0)", 1, "`not` is not part of the language"},
      {"lambda z: z", 1, "`lambda` is not part of the language"},
      {"arange(0, 1e308, 1e-300)", 1, "from 0 to 1e+308 in steps of 1e-300 has no end"},
      {"arange(-9223372036854775807, 9223372036854775807)", 1, "too many numbers"},
      {"broadcast_to(z, (3, 2))", 1, "(3,)"},
      {"reshape(z, (2, -1))", 1, "(3,)"},
      {"squeeze(z, 0)", 1, "(3,)"},
      {"transpose(W, (0, 0))", 1, "0"},
      {"diag(zeros((2, 2, 2)))", 1, "(2, 2, 2)"},
      {"outer()", 1, "takes 2 arguments, got 0"},
      {"len(b)", 1, "no length"},
      {"max(zeros(0))", 1, "max"},
      {"min(zeros((2, 0)), axis=1)", 1, "(2, 0)"},
      {"norm(z, 1.5, axis=(0, 0))", 1, "0"},
      {"norm(W, 3)", 1, "no norm of matrices"},
      {"softmax(b)", 1, "softmax"},
      {"roll(z, (1, 2))", 1, "axes"},
      {"zeros(-1)", 1, "-1"},
      {"zeros((10000000000, 10000000000))", 1, "10000000000"},
      {"eye(-1)", 1, "negative"},
      {"linspace(0, 1, -1)", 1, "negative"},
      {"linspace(z, 1, 3)", 1, "(3,)"},
      {"arange(0, 1, 0)", 1, "step"},
      {"arange(z)", 8, "literals"},
      {"take(z, 3)", 1, "3"},
      {"take(z, b)", 9, "whole numbers"},
      {"z[n + 2]", 2, "4"},
      {"z[-4]", 2, "-4"},
      {"z[0, 0]", 2, "(3,)"},
      {"W[..., ...]", 2, "..."},
      {"z[1.5]", 3, "whole number"},
      {"z[True]", 2, "mask"},
      {"W[z > 0]", 2, "(10, 4)"},
      {"z[[0, b]]", 7, "literals"},
      {"z[1:2:3:4]", 8, "not expected"},
      {"z[", 2, "never closed"},
      {"z]", 2, "closes nothing"},
      {"[z)", 3, "cannot close"},
      {"z.T.t", 5, "no attributes but .T"},
      {"z.", 3, "no attributes but .T"},
      {"z,", 2, "not expected"},
      {"(z, a) + 1", 1, "stack([...])"},
      {"()", 1, "sequence"},
      {"z if a else b", 3, "where("},
      {"z lambda", 3, "not part of the language"},
      {"z := 1", 3, "not expected"},
      {"z == ", 6, "a value is missing"},
      {"1 < b <= 2 < 3", 7, "use `&`"},
      {"b == 1 == 1", 8, "use `&`"},
      {"sum(z)(1)", 1, "only functions"},
      {"None", 1, "None is no value"},
      {"None + z", 1, "None is no value"},
      {"sum(None)", 5, "cannot be None"},
      {"stack([])", 7, "the sequence is empty"},
      {"tensordot(z, z, (0, 1, 2))", 17, "two lists of axes"},
      {"sum(z, axis=(0, b))", 17, "literals"},
      {"sum(z, axis=99999999999)", 1, "out of range"},
      {"{z}", 1, "no braces"},
      {"z ! a", 3, "not expected"},
      {"...", 1, "a value is missing"},
      {":", 1, "a value is missing"},
  };
  for (const Wrong& w : table) {
    SCOPED_TRACE(w.text);
    const std::string m = message(w.text);
    if (std::string(w.text) != " \n ") expect_place(m, w.text, w.column);  // two lines
    EXPECT_NE(m.find(w.part), std::string::npos) << m;
  }
}

TEST(Formula, EveryFunctionRefusesWrongArguments) {
  for (const formula::Function& f : formula::all_functions()) {
    SCOPED_TRACE(f.signature);
    const auto refuses = [&](const std::string& arguments, std::size_t column, const std::vector<std::string>& parts) {
      const std::string text = "z + " + f.name + "(" + arguments + ")", m = message(text);
      expect_place(m, text, static_cast<int>(column));
      for (const std::string& part : parts) EXPECT_NE(m.find(part), std::string::npos) << part << " in " << m;
    };
    std::string many = "z";
    for (std::size_t k = 0; k < f.parameters.size(); ++k) many += ", z";
    const std::size_t at_name = 5, at_argument = 5 + f.name.size() + 1;
    refuses(many, at_name,
            {f.signature, "at most " + std::to_string(f.parameters.size()),
             "got " + std::to_string(f.parameters.size() + 1)});
    refuses("", at_name, {f.required ? f.signature : f.name, f.required ? f.parameters[0].name : "a stop is missing"});
    const std::string slip = f.parameters.back().name + "q";
    refuses(slip + "=1", at_argument,
            {f.signature, "`" + slip + "`", "the nearest known one is `" + f.parameters.back().name + "`"});
    refuses(f.parameters[0].name + "=z, " + f.parameters[0].name + "=z", at_argument + f.parameters[0].name.size() + 4,
            {"given twice"});
    // A name that is nearly right.
    const std::string text = "z*" + f.name + "_(z)";
    expect_place(message(text), text, 3);
    EXPECT_NE(message(text).find("unknown function `" + f.name + "_`; the nearest known one is `"), std::string::npos);
    // A function is no value.
    const std::string value = "z*" + f.name;
    expect_place(message(value), value, 3);
    EXPECT_NE(message(value).find(f.signature), std::string::npos);
    // Shapes that do not broadcast.
    if (f.parameters.size() != 2 || f.parameters[1].name != "x2") continue;
    refuses("z, a", at_name, {"(3,)", "(2,)"});
  }
}

TEST(Formula, TheLineIsShownWithAMark) {
  const std::string m = message("z\n  + qq * 2");
  EXPECT_NE(m.find("line 2, column 5"), std::string::npos) << m;
  EXPECT_NE(m.find("\n    + qq * 2\n      ^"), std::string::npos) << m;
  EXPECT_NE(message("z + \x1b[31m").find("\\x1b"), std::string::npos);
  EXPECT_EQ(message("z + \x1b[31m").find('\x1b'), std::string::npos);
}

TEST(Formula, NestingIsBounded) {
  const auto repeated = [](const std::string& s, int n) {
    std::string out;
    for (int k = 0; k < n; ++k) out += s;
    return out;
  };
  const int many = 100000;
  for (const std::string& text :
       {repeated("(", many), repeated("(", many) + "z" + repeated(")", many), repeated("[", many), repeated("z[", many),
        repeated("e(", many), repeated("-", many) + "z", repeated("~", many) + "z", repeated("- + ", 60000) + "z",
        "2" + repeated("**2", 80000), "z" + repeated("**-z", 60000), repeated("2-(", 80000),
        repeated("sin(", 30000) + "z" + repeated(")", 30000), repeated("z[0, ", 30000) + "0" + repeated("]", 30000)}) {
    const std::string m = message(text);
    EXPECT_NE(m.find("deeper than 200"), std::string::npos) << text.substr(0, 20);
    EXPECT_NE(m.find("formula, column "), std::string::npos) << text.substr(0, 20);
    EXPECT_EQ(m.back(), '^') << text.substr(0, 20);
    EXPECT_LT(m.size(), 400u) << text.substr(0, 20);
  }
  EXPECT_EQ(message("W" + repeated(".T", many)), "");
  EXPECT_EQ(message("z" + repeated("[:]", 1000)), "");
  EXPECT_NE(message(repeated("z+", 200000) + "z").find("at most"), std::string::npos);
  EXPECT_EQ(message(repeated("(", 200) + "z" + repeated(")", 200)), "");
  EXPECT_EQ(message(repeated("-", 199) + "z"), "");
  EXPECT_NE(message(repeated("-", 200) + "z"), "");
}

TEST(Formula, AComparisonAtTheTopHasSides) {
  const struct {
    const char *text, *comparison;
    double value;
  } table[] = {{"x == 1", "==", 2}, {"x <= 1 + x", "<=", -1},      {"(x >= 5)", ">=", -2},
               {"x < 1", "<", 2},   {"x != 2", "!=", 1},           {"5 > 2", ">", 3},
               {"x - 1", "", 2},    {"where(x < 1, 7, 8)", "", 8}, {"-x == x**2", "==", -12}};
  for (const auto& row : table) {
    SCOPED_TRACE(row.text);
    const Formula f = Formula::parse(row.text, {"x"}, {"formula", float64, true});
    EXPECT_EQ(f.comparison(), row.comparison);
    EXPECT_EQ(astype(f.evaluate({{"x", array(3.0)}}), float64).item<double>(), row.value);
  }
  EXPECT_EQ(Formula::parse("x == 1", {"x"}).comparison(), "");
  EXPECT_EQ(Formula::parse("x == 1", {"x"}).evaluate({{"x", array(1.0)}}).dtype(), Dtype::bool_);
  EXPECT_THROW(Formula::parse("0 <= x <= 1", {"x"}, {"formula", float64, true}), FormulaError);
}

TEST(Formula, LongChainsAreNoNesting) {
  std::string text = "z";
  for (int k = 0; k < 2000; ++k) text += " + 1";
  const Array v = Formula::parse(text, names).evaluate({{"z", array({1.0, 2.0})}});
  EXPECT_EQ(v.to_vector<double>(), (std::vector<double>{2001, 2002}));
}

TEST(Formula, PowersWithLiteralExponentsAreRightAtZero) {
  const Formula f = Formula::parse("z**3 + z**2 + z**0", names);
  const auto of_z = [&](const Array& z) { return f.evaluate({{"z", z}}); };
  EXPECT_EQ(grad(of_z)(Array(0.0)).item(), 0);
  EXPECT_EQ(grad(grad(of_z))(Array(0.0)).item(), 2);
  EXPECT_EQ(grad(grad(grad(of_z)))(Array(0.0)).item(), 6);
  EXPECT_EQ(Formula::parse("(-2)**3", names).evaluate({}).item(), -8);
  const Formula reciprocal = Formula::parse("1/z", names);
  const auto of = [&](const Array& z) { return reciprocal.evaluate({{"z", z}}); };
  EXPECT_EQ(grad(grad(grad(grad(grad(grad(of))))))(Array(4.0)).item(), 0.0439453125);
}

TEST(Formula, SlopesAtTheEdges) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const struct {
    const char* text;
    double z, slope;
  } table[] = {
      {"z**0", 0, 0},
      {"z**1", 0, 1},
      {"z**2", 0, 0},
      {"power(z, 2)", 0, 0},
      {"0.0**z", 0, 0},
      {"prod(stack([z, 2.0, 3.0]))", 0, 6},
      {"prod(stack([z, 0.0, 3.0]))", 0, 0},
      {"sum(cumprod(stack([2.0, z, 3.0])))", 0, 8},
      {"abs(z)", 0, 1},
      {"sqrt(z)", 0, inf},
      {"z**0.5", 0, inf},
      {"norm(stack([z, z]))", 0, nan},
      {"maximum(z, 1)", 1, 0.5},
      {"minimum(1, z)", 1, 0.5},
      {"max(stack([z, 1.0, 1.0]))", 1, 1 / 3.0},
      {"sum(min(stack([[z, 1.0], [z, 2.0]]), axis=1))", 1, 1.5},
      {"clip(z, 0, 1)", 0, 0.5},
      {"clip(z, 0, 1)", 1, 0.5},
      {"relu(z)", 0, 0},
      {"where(z > 0, z, 0)", 0, 0},
      {"floor(z)", 0.5, 0},
      {"ceil(z)", 0.5, 0},
      {"round(z)", 0.25, 0},
      {"sign(z)", 0, 0},
      {"z % 1", 0.5, 1},
      {"z // 1", 0.5, 0},
      {"where(z > 0, sqrt(where(z > 0, z, 1)), 0)", 0, 0},
      {"tanh(z)", 1000, 0},
      {"tanh(z)", 0, 1},
      {"sigmoid(z)", -1000, 0},
      {"exp(z)", -1000, 0},
      {"log1p(z)", -1, inf},
      {"softplus(z)", 1000, 1},
      {"softplus(z)", -1000, 0},
      {"logsumexp(stack([z, 1e4]))", 1e4, 0.5},
      {"logsumexp(stack([z, 1e4]))", -1e4, 0},
      {"softmax(stack([z, 1e4]))[0]", 1e4, 0.25},
      {"arctan2(z, 1)", 0, 1},
      {"hypot(z, 3)", 4, 0.8},
      {"sum(z*zeros(0))", 2, 0},
      {"det(z*ones((2, 2)))", 1, 0},
      {"sum(sort(stack([z, 1.0]))*stack([2.0, 3.0]))", 2, 3},
  };
  for (const auto& row : table) {
    for (const Dtype dtype : {float64, float32}) {
      SCOPED_TRACE(std::string(row.text) + " in " + name(dtype));
      const Formula f = Formula::parse(row.text, {"z"}, {"formula", dtype});
      const auto of_z = [&](const Array& z) { return f.evaluate({{"z", z}}); };
      const Array z = astype(Array(row.z), dtype);
      for (const Array& slope : {grad(of_z)(z), jit(grad(of_z))(z), jvp(of_z, z, ones_like(z)).tangent}) {
        const double got = slope.item();
        EXPECT_EQ(slope.dtype(), dtype);
        EXPECT_TRUE(std::isnan(row.slope) ? std::isnan(got)
                                          : got == row.slope || std::fabs(got - row.slope) < 4 * epsilon(dtype))
            << got << " for " << row.slope;
      }
    }
  }
}

TEST(Formula, CreationTakesTheProblemsDtype) {
  for (const char* text : {"zeros(3)", "eye(2)", "linspace(0, 1, 3)", "full(2, 1)", "arange(0, 1, 0.5)"}) {
    EXPECT_EQ(Formula::parse(text, {}, {"formula", float32}).evaluate({}).dtype(), float32) << text;
  }
  EXPECT_EQ(Formula::parse("2*z + 0.5", {"z"}, {"formula", float32}).evaluate({{"z", array(1.0f)}}).dtype(), float32);
}

TEST(Formula, NamesOfInputsComeBeforeConstants) {
  EXPECT_EQ(Formula::parse("e", {"e"}).evaluate({{"e", Array(5.0)}}).item(), 5);
  EXPECT_DOUBLE_EQ(Formula::parse("e", {}).evaluate({}).item(), 2.718281828459045);
  EXPECT_EQ(Formula::parse("b*a + b", names).names(), (std::vector<std::string>{"b", "a"}));
}

TEST(Text, NearestAndEscapes) {
  EXPECT_EQ(text::nearest("gradeint", {"gradient", "hessian"}), "gradient");
  EXPECT_EQ(text::nearest("Z", {"a", "z"}), "z");
  EXPECT_EQ(text::nearest("x", {}), "");
  EXPECT_EQ(text::escaped("a\n\x1b\xff\u202e\u00e9"), "a\\n\\x1b\\xff\\u202e\u00e9");
  EXPECT_EQ(text::escaped("abcdef", 3), "abc...");
  EXPECT_EQ(text::invalid_utf8("a\xc0\x80"), 1u);
  EXPECT_EQ(text::invalid_utf8("\xed\xa0\x80"), 0u);
  EXPECT_EQ(text::invalid_utf8("\u00e9\xf0\x9f\x98\x80"), std::string::npos);
}

}  // namespace formula_test
}  // namespace dini
