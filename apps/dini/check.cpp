#include "apps/dini/check.hpp"

#include <algorithm>
#include <cmath>

#include "apps/dini/constraints.hpp"
#include "apps/dini/solvers.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"

namespace dini::app {

namespace {

// Arrays of doubles by lanes: one row for all of them where the input is shared.
using Rows = std::vector<std::vector<double>>;

Rows rows_of_lanes(const Array& a, std::int64_t rows) {
  const std::vector<double> all = a.to_vector<double>();
  const std::size_t n = all.size() / static_cast<std::size_t>(rows);
  Rows out;
  for (std::size_t k = 0; k < static_cast<std::size_t>(rows); ++k) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(k * n);
    out.emplace_back(first, first + static_cast<std::ptrdiff_t>(n));
  }
  return out;
}

double root_mean_square(const std::vector<double>& v) {
  double s = 0;
  for (double x : v) s += x * x;
  return std::sqrt(s / static_cast<double>(std::max<std::size_t>(1, v.size())));
}

class Check {
 public:
  Check(const Lanes& lanes, const Point& points) : lanes_(lanes) {
    const Problem& p = lanes.problem();
    for (const auto& [name, a] : points) points_[name] = astype(a, p.dtype);
    if (!p.kind) return;
    options_.solver = make_solver(p, has_multipliers(p, points));
    options_.on_failure = OnFailure::nan;
  }

  double digits(const std::string& name, const Array& gradient) const {
    const bool batched = lanes_.is_batched(name);
    const std::int64_t count = batched ? lanes_.size() : 1;
    const Array& input = lanes_.input(name);
    const Rows x = rows_of_lanes(input, count), slope = rows_of_lanes(gradient, count), loss = values({}, count);
    std::vector<double> size;
    for (const auto& row : x) size.push_back(std::max(1.0, root_mean_square(row)));
    const auto along = [&](const std::vector<double>& direction, double h) {
      std::vector<double> moved;
      for (std::size_t k = 0; k < x.size(); ++k) {
        for (std::size_t i = 0; i < direction.size(); ++i) moved.push_back(x[k][i] + h * size[k] * direction[i]);
      }
      return values({{name, astype(from_data(moved.data(), input.shape()), input.dtype())}}, count);
    };
    const std::size_t n = x[0].size(), directions = std::min<std::size_t>(n, 32);
    std::vector<double> wrong(x.size(), 0.0), right(x.size(), 0.0);
    for (std::size_t d = 0; d < directions; ++d) {
      const std::vector<double> direction = direction_of(d, n);
      // Central differences at h, h/2 and h/4, extrapolated twice.
      Rows up[3], down[3];
      for (int m = 0; m < 3; ++m) {
        up[m] = along(direction, step / (1 << m));
        down[m] = along(direction, -step / (1 << m));
      }
      for (std::size_t k = 0; k < x.size(); ++k) {
        double predicted = 0, e[3];
        for (std::size_t i = 0; i < n; ++i) predicted += slope[k][i] * direction[i];
        for (int m = 0; m < 3; ++m) e[m] = (up[m][k][0] - down[m][k][0]) / (2 * step * size[k] / (1 << m));
        const double first = (4 * e[1] - e[0]) / 3, second = (4 * e[2] - e[1]) / 3;
        const double difference = (16 * second - first) / 15;
        wrong[k] += (predicted - difference) * (predicted - difference);
        right[k] += std::max(predicted * predicted, difference * difference);
      }
    }
    double worst = 16;
    for (std::size_t k = 0; k < x.size(); ++k) {
      // What rounding of the loss makes of a slope that is 0.
      const double floor =
          (lanes_.problem().constrained() ? 1e-10 : 1e-11) * std::max(std::abs(loss[k][0]), 1e-300) / (step * size[k]);
      const double relative = std::sqrt(wrong[k]) / std::max(std::sqrt(right[k]), floor);
      worst = std::min(worst, std::isnan(relative) ? 0 : relative <= 1e-16 ? 16 : std::max(0.0, -std::log10(relative)));
    }
    return worst;
  }

 private:
  static constexpr double step = 2e-3;  // beside an input of size 1
  const Lanes& lanes_;
  Point points_;
  FixedPointOptions options_;

  // The losses of the lanes with these inputs moved, or all in one, which a shared input's gradient is of.
  Rows values(const Problem::Inputs& moved, std::int64_t count) const {
    const Problem& p = lanes_.problem();
    const Array each = lanes_.with(moved).each(
        [&](const Problem::Inputs& inputs, const Leaves& rows) {
          return Leaves{loss_at(p, inputs, solution_at(p, inputs, unflatten(points_, rows), options_))};
        },
        flatten(points_))[0];
    return rows_of_lanes(count == lanes_.size() ? each : sum(each), count);
  }

  // Element by element where there are few, else along fixed directions of scattered signs.
  static std::vector<double> direction_of(std::size_t d, std::size_t n) {
    std::vector<double> out(n, 0.0);
    if (n <= 32) {
      out[d] = 1;
      return out;
    }
    const double scale = 1 / std::sqrt(static_cast<double>(n));
    for (std::size_t k = 0; k < n; ++k) out[k] = ((k + 1) * 2654435761u >> (d % 24)) & 1 ? scale : -scale;
    return out;
  }
};

}  // namespace

double check_gradient(const Lanes& lanes, const ProblemResult::Named& gradient, const Point& points) {
  const Check check(lanes, points);
  double worst = 16;
  for (const auto& [name, g] : gradient) worst = std::min(worst, check.digits(name, g));
  return std::round(worst * 10) / 10;
}

}  // namespace dini::app
