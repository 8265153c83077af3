#include "dini/formula/formula.hpp"

#include <gtest/gtest.h>

#include "dini/formula/text.hpp"
#include "dini/ops/create.hpp"
#include "dini/transforms/grad.hpp"

namespace dini {
namespace formula_test {

const std::vector<std::string> names = {"z", "a", "b", "W", "x", "n"};

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
  };
  for (const Wrong& w : table) {
    SCOPED_TRACE(w.text);
    const std::string m = message(w.text);
    EXPECT_NE(m.find("column " + std::to_string(w.column) + ":"), std::string::npos) << m;
    EXPECT_NE(m.find(w.part), std::string::npos) << m;
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
  for (const std::string& text : {repeated("(", many), repeated("(", many) + "z" + repeated(")", many),
                                  repeated("[", many), repeated("-", many) + "z", "2" + repeated("**2", 60000),
                                  repeated("sin(", 30000) + "z" + repeated(")", 30000)}) {
    EXPECT_NE(message(text).find("deeper than 200"), std::string::npos) << text.substr(0, 20);
  }
  EXPECT_NE(message(repeated("z+", 200000) + "z").find("at most"), std::string::npos);
  EXPECT_EQ(message(repeated("(", 200) + "z" + repeated(")", 200)), "");
  EXPECT_EQ(message(repeated("-", 199) + "z"), "");
  EXPECT_NE(message(repeated("-", 200) + "z"), "");
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
