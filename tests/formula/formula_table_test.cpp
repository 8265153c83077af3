// Formulas against NumPy: tests/data/formula_table.json, which scripts/make_formula_table.py writes.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "dini/formula/formula.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/jit.hpp"

namespace dini {
namespace formula_table_test {

using Values = std::map<std::string, Array>;

const nlohmann::json& table() {
  static const nlohmann::json t =
      nlohmann::json::parse(std::ifstream(DINI_SOURCE_DIR "/tests/data/formula_table.json"));
  return t;
}

Values inputs() {
  Values out;
  for (const auto& [name, x] : table()["inputs"].items()) {
    const auto v = x["value"].get<std::vector<double>>();
    const Array a = from_data(v.data(), Shape(x["shape"].get<std::vector<std::int64_t>>()));
    const std::string kind = x["kind"];
    out[name] = kind == "i" ? astype(a, int64) : kind == "b" ? astype(a, bool_) : a;
  }
  return out;
}

std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const auto& [name, x] : table()["inputs"].items()) out.push_back(name);
  return out;
}

Formula parse(const nlohmann::json& row) { return Formula::parse(row["formula"].get<std::string>(), names()); }

void expect_close(const std::vector<double>& got, const std::vector<double>& wanted, double tolerance) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t k = 0; k < got.size(); ++k) {
    EXPECT_NEAR(got[k], wanted[k], tolerance * std::max(1.0, std::abs(wanted[k]))) << "element " << k;
  }
}

TEST(FormulaTable, ValuesAreNumPys) {
  const Values values = inputs();
  for (const auto& row : table()["rows"]) {
    SCOPED_TRACE(row["formula"].get<std::string>());
    try {
      const Array a = parse(row).evaluate(values);
      EXPECT_EQ(a.shape(), Shape(row["shape"].get<std::vector<std::int64_t>>()));
      const std::string kind = row["kind"];
      EXPECT_EQ(is_floating(a.dtype()) ? "f" : a.dtype() == bool_ ? "b" : "i", kind);
      expect_close(a.to_vector<double>(), row["value"].get<std::vector<double>>(), 2e-12);
    } catch (const Error& e) { ADD_FAILURE() << e.what(); }
  }
}

TEST(FormulaTable, GradientsAreThoseOfDifferences) {
  const Values values = inputs();
  for (const auto& row : table()["rows"]) {
    if (!row.contains("gradient")) continue;
    SCOPED_TRACE(row["formula"].get<std::string>());
    for (const auto& [name, wanted] : row["gradient"].items()) {
      SCOPED_TRACE(name);
      const Formula f = parse(row);
      const std::string varied = name;
      try {
        const auto loss = [&](const Array& x) {
          Values at = values;
          at[varied] = x;
          const Array y = f.evaluate(at);
          std::vector<double> weights;
          for (std::int64_t k = 0; k < y.size(); ++k) weights.push_back(1 + 0.1 * static_cast<double>(k));
          return sum(y * from_data(weights.data(), y.shape()));
        };
        expect_close(grad(loss)(values.at(name)).to_vector<double>(), wanted.get<std::vector<double>>(), 2e-7);
      } catch (const Error& e) { ADD_FAILURE() << e.what(); }
    }
  }
}

TEST(FormulaTable, CompiledIsEager) {
  const Values values = inputs();
  for (const char* text :
       {"tanh(M @ a + b)", "a[::-1][1:] * A[1:, 0]", "softmax(A @ c) @ a", "solve(M, a)", "where(a > s, a, b)**2"}) {
    SCOPED_TRACE(text);
    const Formula f = Formula::parse(text, names());
    const auto of_a = [&](const Array& a) {
      Values at = values;
      at["a"] = a;
      return f.evaluate(at);
    };
    expect_close(jit(of_a)(values.at("a")).to_vector<double>(), of_a(values.at("a")).to_vector<double>(), 1e-14);
  }
}

}  // namespace formula_table_test
}  // namespace dini
