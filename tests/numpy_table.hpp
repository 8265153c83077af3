// Tables that scripts/make_numpy_tables.py writes: expressions of named arrays with NumPy's values, and gradients of
// sum(value * weights) by differences of those. What is compared is a function of the arrays.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dini/dini.hpp"

namespace dini::numpy_table {

using Json = nlohmann::json;
using Values = std::map<std::string, Array>;
using Expression = std::function<Array(const Values&)>;

inline Json read(const std::string& file) {
  return Json::parse(std::ifstream(std::string(DINI_SOURCE_DIR "/tests/data/") + file));
}

inline std::vector<double> numbers(const Json& list) {
  std::vector<double> out;
  for (const Json& v : list)
    out.push_back(v.is_string() ? std::strtod(v.get<std::string>().c_str(), nullptr) : v.get<double>());
  return out;
}

inline Shape shape_of(const Json& x) { return Shape(x["shape"].get<std::vector<std::int64_t>>()); }

/// The inputs, the floating ones of this dtype.
inline Values inputs(const Json& table, Dtype dtype = float64) {
  Values out;
  for (const auto& [name, x] : table["inputs"].items()) {
    const std::vector<double> v = numbers(x["value"]);
    const std::string kind = x["kind"];
    out[name] = astype(from_data(v.data(), shape_of(x)), kind == "i" ? int64 : kind == "b" ? bool_ : dtype);
  }
  return out;
}

/// Equal where not finite, otherwise within a tolerance, relative above 1.
inline void expect_close(const Array& got, const std::vector<double>& wanted, double tolerance) {
  const std::vector<double> values = got.to_vector<double>();
  ASSERT_EQ(values.size(), wanted.size());
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    const double v = values[k], w = wanted[k];
    const bool close = std::isfinite(w) ? std::fabs(v - w) <= tolerance * std::max(std::fabs(w), 1.0)
                       : std::isnan(w)  ? std::isnan(v)
                                        : v == w;
    EXPECT_TRUE(close) << "element " << k << ": " << v << " for " << w;
  }
}

/// Shape, dtype and numbers.
inline void expect_value(const Json& row, const Expression& f, const Values& at) {
  const Array value = f(at);
  EXPECT_EQ(value.shape(), shape_of(row));
  const std::string kind = row["kind"];
  EXPECT_EQ(value.dtype(), kind == "f" ? float64 : kind == "b" ? bool_ : int64);
  expect_close(value, numbers(row["value"]), 1e-12);
}

/// The same numbers, and gradients, from float32.
inline void expect_value_of_floats(const Json& row, const Expression& f, const Values& at, Dtype wanted) {
  const Array value = f(at);
  EXPECT_EQ(value.shape(), shape_of(row));
  if (row["kind"] == "f" && !value.weak()) { EXPECT_EQ(value.dtype(), wanted) << name(value.dtype()); }
  expect_close(value, numbers(row["value"]), 1e-5);
}

/// float64 beside float32 as NumPy has it.
inline void expect_promotion(const Json& row, const Expression& f, Values at) {
  const std::string single = row["mixed"][0], wanted = row["mixed"][1];
  at[single] = astype(at.at(single), float32);
  EXPECT_EQ(name(f(at).dtype()), wanted) << single << " in float32";
}

/// Gradients by all floating inputs, compiled too.
inline void expect_gradients(const Json& row, const Expression& f, const Values& all, double tolerance) {
  Values at;
  for (const auto& [name, wanted] : row["gradient"].items()) at[name] = all.at(name);
  const auto value = [&](const Values& varied) {
    Values now = all;
    for (const auto& [name, x] : varied) now[name] = x;
    return f(now);
  };
  const auto loss = [&](const Values& varied) {
    const Array y = value(varied);
    std::vector<double> weights;
    for (std::int64_t k = 0; k < y.size(); ++k) weights.push_back(1 + 0.1 * static_cast<double>(k));
    return sum(y * astype(from_data(weights.data(), y.shape()), y.dtype()));
  };
  if (at.empty()) return;
  const Values eager = grad(loss)(at);
  if (row.contains("dynamic")) {
    try {
      jit(value)(at);
      ADD_FAILURE() << "compiled";
    } catch (const Error& e) { EXPECT_NE(std::string(e.what()).find("shape"), std::string::npos) << e.what(); }
  } else {
    expect_close(jit(value)(at), value(at).to_vector<double>(), 0);
    const Values compiled = jit(grad(loss))(at);
    for (const auto& [name, g] : compiled) {
      SCOPED_TRACE("compiled, by " + name);
      expect_close(g, eager.at(name).to_vector<double>(), 0);
    }
  }
  for (const auto& [name, g] : eager) {
    SCOPED_TRACE("by " + name);
    EXPECT_EQ(g.dtype(), at.at(name).dtype());
    expect_close(g, numbers(row["gradient"][name]), tolerance);
  }
}

}  // namespace dini::numpy_table
