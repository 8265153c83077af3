#include "apps/dini/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "dini/core/print.hpp"

namespace dini::app {

namespace {

constexpr int label_width = 16;

std::string shortest(double v) {
  std::string s = json_number(v);
  s.erase(std::remove(s.begin(), s.end(), '"'), s.end());
  return s;
}

// The label, then the array, its further lines below its first.
void add_array(std::string& out, const std::string& label, const Array& a, int indent = 0) {
  PrintOptions options;
  options.threshold = 60;
  options.line_width = 100 - label_width;
  const std::string text = to_string(a, options);
  out += fmt::format("{:{}}{:<{}}", "", indent, label, label_width - indent);
  if (static_cast<int>(label.size()) + indent >= label_width) out += '\n' + std::string(label_width, ' ');
  for (char c : text) {
    out += c;
    if (c == '\n') out += std::string(label_width, ' ');
  }
  if (a.ndim() > 0) out += fmt::format("   {}", a.shape().str());
  out += '\n';
}

void add_named(std::string& out, const std::string& title, const ProblemResult::Named& arrays) {
  if (arrays.empty()) return;
  out += title + '\n';
  for (const auto& [name, a] : arrays) add_array(out, name, a, 2);
}

void add_line(std::string& out, const std::string& label, const std::string& text) {
  out += fmt::format("{:<{}}{}\n", label, label_width, text);
}

std::string count(std::int64_t n, const char* what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

}  // namespace

std::string report(const Problem& problem, const ProblemResult& r) {
  std::string out;
  if (r.batched) {
    const std::size_t lanes = r.status.size();
    const auto good = static_cast<std::size_t>(std::count(r.status.begin(), r.status.end(), "converged"));
    add_line(out, "status", fmt::format("{} of {} lanes converged", good, lanes));
    std::size_t shown = 0;
    for (std::size_t k = 0; k < lanes && shown < 10; ++k) {
      if (r.status[k] == "converged") continue;
      add_line(out, "", fmt::format("lane {}: {}", k, r.status[k]));
      ++shown;
    }
    if (lanes - good > shown) add_line(out, "", fmt::format("and {} more", lanes - good - shown));
  } else {
    add_line(out, "status", r.status[0] + (r.message.empty() || r.status[0] == "converged" ? "" : ": " + r.message));
  }
  if (problem.kind != ProblemKind::value) {
    add_line(out, "solver", r.solver);
    const auto [least, most] = std::minmax_element(r.steps.begin(), r.steps.end());
    add_line(out, "steps",
             *least == *most ? fmt::format("{} ({})", *least, count(r.evaluations[0], "evaluation"))
                             : fmt::format("{} to {}", *least, *most));
    add_line(out, "residual norm", shortest(*std::max_element(r.residual_norm.begin(), r.residual_norm.end())));
  }
  if (r.z.defined()) add_array(out, "z", r.z);
  if (r.loss.defined()) add_array(out, "loss", r.loss);
  const char* anyway = r.gradient_anyway ? " (of a solve that failed)" : "";
  add_named(out, std::string("gradient") + anyway, r.gradient);
  add_named(out, std::string("hessian") + anyway, r.hessian);
  add_named(out, std::string("jacobian") + anyway, r.jacobian);
  if (r.lanes_summed && *r.lanes_summed != static_cast<std::int64_t>(r.status.size())) {
    add_line(out, "lanes summed", std::to_string(*r.lanes_summed));
  }
  if (r.adjoint) {
    add_line(out, "adjoint",
             r.adjoint->method + (r.adjoint->status == "converged" ? "" : ": " + r.adjoint->status) +
                 (r.adjoint->exact ? "" : ", not exact"));
  }
  if (r.check_digits) {
    add_line(out, "check", fmt::format("{} digits of the gradient agree with differences", *r.check_digits));
  }
  add_line(out, "time", fmt::format("{:.3g} s", r.seconds_total));
  return out;
}

std::string history_csv(const ProblemResult& r) {
  std::string out = "step,residual_norm\n";
  for (std::size_t k = 0; k < r.history.size(); ++k) out += fmt::format("{},{}\n", k, shortest(r.history[k]));
  return out;
}

std::string history_svg(const ProblemResult& r) {
  constexpr double width = 640, height = 400, left = 70, right = 20, top = 20, bottom = 45;
  double low = 0, high = 0;
  bool any = false;
  const auto usable = [](double v) { return std::isfinite(v) && v > 0; };
  for (double v : r.history) {
    if (!usable(v)) continue;
    low = any ? std::min(low, std::log10(v)) : std::log10(v);
    high = any ? std::max(high, std::log10(v)) : std::log10(v);
    any = true;
  }
  low = std::floor(low);
  high = std::max(std::ceil(high), low + 1);
  const double last = std::max<double>(1, static_cast<double>(r.history.size()) - 1);
  const auto x = [&](double step) { return left + (width - left - right) * step / last; };
  const auto y = [&](double log) { return top + (height - top - bottom) * (high - log) / (high - low); };
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
      width, height);
  const double decade = std::max(1.0, std::ceil((high - low) / 8));
  for (double log = low; log <= high; log += decade) {
    out += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ddd\"/>\n", left,
                       y(log), width - right, y(log));
    out +=
        fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">1e{:.0f}</text>\n", left - 6, y(log) + 4, log);
  }
  const double stride = std::max(1.0, std::ceil(last / 10));
  for (double step = 0; step <= last; step += stride) {
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:.0f}</text>\n", x(step),
                       height - bottom + 18, step);
  }
  out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">step</text>\n", (left + width - right) / 2,
                     height - 8);
  out +=
      fmt::format("<text transform=\"translate(14 {:.1f}) rotate(-90)\" text-anchor=\"middle\">residual norm</text>\n",
                  (top + height - bottom) / 2);
  std::string points;
  for (std::size_t k = 0; k < r.history.size(); ++k) {
    if (usable(r.history[k]))
      points += fmt::format("{:.1f},{:.1f} ", x(static_cast<double>(k)), y(std::log10(r.history[k])));
  }
  out +=
      fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"1.5\"/>\n</svg>\n", points);
  return out;
}

}  // namespace dini::app
