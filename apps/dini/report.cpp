#include "apps/dini/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "dini/core/print.hpp"

namespace dini::app {

namespace {

constexpr std::size_t label_width = 16;

std::string shortest(double v) {
  std::string s = json_number(v);
  s.erase(std::remove(s.begin(), s.end(), '"'), s.end());
  return s;
}

std::string fixed(double v, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, v);
  return text;
}

std::string padded(const std::string& text, std::size_t width) {
  return text.size() < width ? text + std::string(width - text.size(), ' ') : text;
}

// The label, then the array, its further lines below its first.
void add_array(std::string& out, const std::string& label, const Array& a, std::size_t indent = 0) {
  PrintOptions options;
  options.threshold = 60;
  options.line_width = 100 - static_cast<int>(label_width);
  const std::string text = to_string(a, options);
  out += std::string(indent, ' ') + padded(label, label_width - indent);
  if (label.size() + indent >= label_width) out += '\n' + std::string(label_width, ' ');
  for (char c : text) {
    out += c;
    if (c == '\n') out += std::string(label_width, ' ');
  }
  if (a.ndim() > 0) out += "   " + a.shape().str();
  out += '\n';
}

void add_named(std::string& out, const std::string& title, const ProblemResult::Named& arrays) {
  if (arrays.empty()) return;
  out += title + '\n';
  for (const auto& [name, a] : arrays) add_array(out, name, a, 2);
}

void add_line(std::string& out, const std::string& label, const std::string& text) {
  out += padded(label, label_width) + text + '\n';
}

// "[1, 0]", or nothing for a scalar.
std::string index_in(const std::vector<std::int64_t>& shape, std::int64_t flat) {
  std::string out;
  for (std::size_t k = shape.size(); k-- > 0; flat /= shape[k]) {
    out = std::to_string(flat % shape[k]) + (out.empty() ? "" : ", ") + out;
  }
  return shape.empty() ? "" : "[" + out + "]";
}

template <class T> std::string count(T n, const char* what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

// A line for each bound and row, with its multiplier and how far it is from its limit; of many those that are active.
void add_rows(std::string& out, const ProblemResult& r) {
  constexpr std::size_t most = 20, column = 24;
  struct Row {
    std::string name;
    double dual, slack;
  };
  std::vector<Row> rows;
  for (std::size_t k = 0; k < r.slacks.size(); ++k) {
    const auto& [name, slack] = r.slacks[k];
    const std::vector<double> slacks = slack.to_vector<double>(), duals = r.duals.at(k).second.to_vector<double>();
    const std::vector<std::int64_t> shape = slack.shape().vector();
    for (std::size_t i = 0; i < slacks.size(); ++i) {
      if (std::isinf(slacks[i])) continue;  // no limit
      rows.push_back({name + index_in(shape, static_cast<std::int64_t>(i)), duals[i], slacks[i]});
    }
  }
  const bool all = rows.size() <= most;
  std::size_t shown = 0;
  add_line(out, "rows", padded("dual", column) + "slack");
  for (const Row& row : rows) {
    if ((!all && row.dual == 0) || shown == most) continue;
    ++shown;
    const std::string label = "  " + row.name;
    out += padded(label, label_width);
    if (label.size() >= label_width) out += '\n' + std::string(label_width, ' ');
    out += padded(shortest(row.dual), column) + shortest(row.slack) + '\n';
  }
  if (shown < rows.size()) add_line(out, "", "and " + std::to_string(rows.size() - shown) + " more");
}

// "3", "0 to 2" of lanes.
std::string range(const std::vector<std::int64_t>& counts) {
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  return std::to_string(*least) + (*least == *most ? "" : " to " + std::to_string(*most));
}

void add_constraints(std::string& out, const ProblemResult& r) {
  if (r.active.empty()) return;
  const auto any = [](const std::vector<std::int64_t>& counts) {
    return std::any_of(counts.begin(), counts.end(), [](std::int64_t n) { return n > 0; });
  };
  add_line(out, "active",
           range(r.active) + (any(r.weakly_active) ? ", weakly " + range(r.weakly_active) : "") +
               (any(r.dependent) ? ", dependent " + range(r.dependent) : ""));
  if (!r.slacks.empty())
    add_rows(out, r);
  else
    add_named(out, "duals", r.duals);
  add_named(out, "certificate", r.certificate);
  if (r.ray.defined()) add_array(out, "ray", r.ray);
}

}  // namespace

std::string report(const Problem& problem, const ProblemResult& r) {
  std::string out;
  if (r.batched) {
    const std::size_t lanes = r.status.size();
    const auto good = static_cast<std::size_t>(std::count(r.status.begin(), r.status.end(), "converged"));
    add_line(out, "status", r.message);
    std::size_t shown = 0;
    for (std::size_t k = 0; k < lanes && shown < 10; ++k) {
      if (r.status[k] == "converged") continue;
      add_line(out, "", "lane " + std::to_string(k) + ": " + r.status[k]);
      ++shown;
    }
    if (lanes - good > shown) add_line(out, "", "and " + std::to_string(lanes - good - shown) + " more");
  } else {
    add_line(out, "status", r.status[0] + (r.message.empty() || r.status[0] == "converged" ? "" : ": " + r.message));
  }
  if (problem.kind) {
    add_line(out, "solver", r.solver);
    const auto [least, most] = std::minmax_element(r.steps.begin(), r.steps.end());
    add_line(out, "steps",
             *least == *most ? std::to_string(*least) + " (" + count(r.evaluations[0], "evaluation") + ")"
                             : std::to_string(*least) + " to " + std::to_string(*most));
    add_line(out, "residual norm", shortest(*std::max_element(r.residual_norm.begin(), r.residual_norm.end())));
  }
  if (r.z.defined()) add_array(out, "z", r.z);
  if (r.objective.defined()) add_array(out, "objective", r.objective);
  add_constraints(out, r);
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
             r.adjoint->method + (r.derivative_failed() ? ": " + r.adjoint->status : "") +
                 (r.adjoint->exact ? "" : ", not exact"));
    if (!r.derivative_failed() && !r.adjoint->message.empty()) add_line(out, "", r.adjoint->message);
  }
  if (r.check_digits) {
    add_line(out, "check", shortest(*r.check_digits) + " digits of the gradient agree with differences");
  }
  if (!r.check_refused.empty()) add_line(out, "check", "refused: " + r.check_refused);
  char seconds[40];
  std::snprintf(seconds, sizeof seconds, "%.3g s", r.seconds_total);
  add_line(out, "time", seconds);
  return out;
}

std::string history_csv(const ProblemResult& r) {
  std::string out = r.batched ? "lane,step,residual_norm\n" : "step,residual_norm\n";
  for (std::size_t lane = 0; lane < r.history.size(); ++lane) {
    for (std::size_t k = 0; k < r.history[lane].size(); ++k) {
      if (r.batched) out += std::to_string(lane) + ",";
      out += std::to_string(k) + "," + shortest(r.history[lane][k]) + "\n";
    }
  }
  return out;
}

std::string history_svg(const ProblemResult& r) {
  constexpr double width = 640, height = 400, left = 70, right = 20, top = 20, bottom = 45;
  double low = 0, high = 0, last = 1;
  bool any = false;
  const auto usable = [](double v) { return std::isfinite(v) && v > 0; };
  for (const auto& lane : r.history) {
    last = std::max(last, static_cast<double>(lane.size()) - 1);
    for (double v : lane) {
      if (!usable(v)) continue;
      low = any ? std::min(low, std::log10(v)) : std::log10(v);
      high = any ? std::max(high, std::log10(v)) : std::log10(v);
      any = true;
    }
  }
  low = std::floor(low);
  high = std::max(std::ceil(high), low + 1);
  const auto x = [&](double step) { return left + (width - left - right) * step / last; };
  const auto y = [&](double log) { return top + (height - top - bottom) * (high - log) / (high - low); };
  const auto text = [](double at_x, double at_y, const char* anchor, const std::string& t) {
    return "<text x=\"" + fixed(at_x, 1) + "\" y=\"" + fixed(at_y, 1) + "\" text-anchor=\"" + anchor + "\">" + t +
           "</text>\n";
  };
  const std::string w = fixed(width, 0), h = fixed(height, 0);
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + w + " " + h + "\" width=\"" + w +
                    "\" height=\"" + h + "\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"" + w +
                    "\" height=\"" + h + "\" fill=\"white\"/>\n";
  const double decade = std::max(1.0, std::ceil((high - low) / 8));
  for (double log = low; log <= high; log += decade) {
    const std::string at = fixed(y(log), 1);
    out += "<line x1=\"" + fixed(left, 1) + "\" y1=\"" + at + "\" x2=\"" + fixed(width - right, 1) + "\" y2=\"" + at +
           "\" stroke=\"#ddd\"/>\n";
    out += text(left - 6, y(log) + 4, "end", "1e" + fixed(log, 0));
  }
  const double stride = std::max(1.0, std::ceil(last / 10));
  for (double step = 0; step <= last; step += stride) {
    out += text(x(step), height - bottom + 18, "middle", fixed(step, 0));
  }
  out += text((left + width - right) / 2, height - 8, "middle", "step");
  out += "<text transform=\"translate(14 " + fixed((top + height - bottom) / 2, 1) +
         ") rotate(-90)\" text-anchor=\"middle\">residual norm</text>\n";
  for (const auto& lane : r.history) {
    out += "<polyline points=\"";
    for (std::size_t k = 0; k < lane.size(); ++k) {
      if (usable(lane[k])) out += fixed(x(static_cast<double>(k)), 1) + "," + fixed(y(std::log10(lane[k])), 1) + " ";
    }
    out += "\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"1.5\"/>\n";
  }
  return out + "</svg>\n";
}

}  // namespace dini::app
