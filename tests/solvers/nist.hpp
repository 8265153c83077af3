// The data sets for nonlinear regression of NIST's Statistical Reference Datasets: tests/data/nist_regression.json.
#pragma once

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/formula/formula.hpp"

namespace dini::tests {

struct Regression {
  std::string name, difficulty;
  Formula residuals;
  std::map<std::string, Array> data;
  std::vector<std::vector<double>> starts;
  std::vector<double> certified, deviations;  // of the parameters
  double sum_of_squares = 0;

  /// The residuals of parameters z, with y in place of what was observed.
  Array operator()(const Array& y, const Array& z) const {
    std::map<std::string, Array> at = data;
    at["y"] = y;
    at["z"] = z;
    return residuals.evaluate(at);
  }
  const Array& observed() const { return data.at("y"); }
  std::int64_t degrees_of_freedom() const { return observed().size() - static_cast<std::int64_t>(certified.size()); }
};

inline const std::vector<Regression>& nist_regressions() {
  static const std::vector<Regression> all = [] {
    std::vector<Regression> out;
    const auto file = nlohmann::json::parse(std::ifstream(DINI_SOURCE_DIR "/tests/data/nist_regression.json"));
    for (const auto& set : file["sets"]) {
      Regression r;
      r.name = set["name"];
      r.difficulty = set["difficulty"];
      r.residuals = Formula::parse(set["residuals"], {"x", "x2", "y", "z"});
      for (const char* key : {"x", "x2", "y"}) {
        if (set.contains(key)) r.data[key] = array(set[key].get<std::vector<double>>());
      }
      r.starts = set["starts"].get<std::vector<std::vector<double>>>();
      r.certified = set["certified"].get<std::vector<double>>();
      r.deviations = set["deviations"].get<std::vector<double>>();
      r.sum_of_squares = set["sum_of_squares"];
      out.push_back(std::move(r));
    }
    return out;
  }();
  return all;
}

/// The largest difference from numbers that are given, beside their size.
inline double worst_digits(const Array& got, const std::vector<double>& wanted) {
  const std::vector<double> v = got.to_vector<double>();
  double worst = 0;
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    const double off = std::fabs(v[k] - wanted[k]) / std::fabs(wanted[k]);
    worst = std::isfinite(off) ? std::max(worst, off) : std::numeric_limits<double>::infinity();
  }
  return worst;
}

}  // namespace dini::tests
