#include "dini/transforms/check_grads.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <ostream>
#include <random>

#include "dini/ops/promote.hpp"
#include "dini/transforms/grad.hpp"

namespace dini {

namespace detail::check {

using Numbers = std::vector<double>;

std::string index_text(std::int64_t flat, const Shape& shape) {
  std::string s;
  for (int d = shape.ndim() - 1; d >= 0; --d) {
    s = std::to_string(flat % shape[d]) + (s.empty() ? "" : ", ") + s;
    flat /= shape[d];
  }
  return "(" + s + ")";
}

Array like(const Numbers& x, const Array& a) { return astype(from_data(x.data(), a.shape()), a.dtype()); }

// All elements of all floating outputs, one after the other.
Numbers line_of(const Leaves& out) {
  Numbers all;
  for (const Array& a : out) {
    if (!is_floating(a.dtype())) continue;
    const Numbers x = a.to_vector<double>();
    all.insert(all.end(), x.begin(), x.end());
  }
  return all;
}

// (output, index) of a place in that line.
std::string output_text(std::size_t place, const Leaves& out) {
  for (std::size_t k = 0; k < out.size(); ++k) {
    if (!is_floating(out[k].dtype())) continue;
    const auto n = static_cast<std::size_t>(out[k].size());
    if (place < n) {
      const std::string which = out.size() > 1 ? "output " + std::to_string(k) : "output";
      return out[k].ndim() ? which + " at " + index_text(static_cast<std::int64_t>(place), out[k].shape()) : which;
    }
    place -= n;
  }
  return "output";
}

class Checker {
 public:
  Checker(const GradientCheckOptions& options, std::vector<std::size_t> counts, GradientReport& report)
      : options_(options), counts_(std::move(counts)), report_(report), random_(options.seed + 1) {}

  void run(const ErasedFunction& f, const Leaves& primals, int order, const std::string& outer) {
    const Leaves out = f(primals);
    const auto outputs = line_of(out).size();
    set_tolerances(primals, out);
    Leaves weights;
    Numbers w;
    for (const Array& a : out) {
      if (!is_floating(a.dtype())) {
        weights.push_back(Array());
        continue;
      }
      const Numbers some = draw(static_cast<std::size_t>(a.size()));
      weights.push_back(like(some, a));
      const Numbers rounded = weights.back().to_vector<double>();
      w.insert(w.end(), rounded.begin(), rounded.end());
    }
    Leaves cotangents;
    if (options_.reverse) cotangents = make_vjp(f, primals)->pull(weights);
    for (std::size_t k = 0; k < primals.size(); ++k) {
      if (is_floating(primals[k].dtype())) leaf(f, primals, k, out, outputs, w, cotangents, order, outer);
    }
    if (order >= options_.order) return;
    const std::string of = " of ";
    if (options_.forward) {
      Leaves tangents;
      for (const Array& a : primals) {
        tangents.push_back(is_floating(a.dtype()) ? like(draw(static_cast<std::size_t>(a.size())), a) : Array());
      }
      const ErasedFunction push = [f, tangents](const Leaves& x) { return jvp_values(f, x, tangents).second; };
      run(push, primals, order + 1, of + "jvp" + outer);
    }
    if (options_.reverse) {
      const ErasedFunction pull = [f, weights](const Leaves& x) {
        Leaves some = make_vjp(f, x)->pull(weights), wanted;
        for (std::size_t k = 0; k < x.size(); ++k) {
          if (is_floating(x[k].dtype())) wanted.push_back(some[k]);
        }
        return wanted;
      };
      run(pull, primals, order + 1, of + "vjp" + outer);
    }
  }

 private:
  struct Row {
    GradientComparison c;
    double relative, absolute;
  };

  void set_tolerances(const Leaves& in, const Leaves& out) {
    auto is_single = [](const Array& a) { return a.dtype() == Dtype::float32; };
    const bool single = std::any_of(in.begin(), in.end(), is_single) || std::any_of(out.begin(), out.end(), is_single);
    relative_ = options_.relative_tolerance > 0 ? options_.relative_tolerance : single ? 1e-2 : 1e-7;
    absolute_ = options_.absolute_tolerance > 0 ? options_.absolute_tolerance : single ? 1e-3 : 1e-9;
    rounding_ = single ? 1e-4 : 1e-11;
  }

  Numbers draw(std::size_t n) {
    std::uniform_real_distribution<double> d(0.25, 1.0);
    Numbers out(n);
    for (double& x : out) x = d(random_) * (random_() % 2 ? 1 : -1);
    return out;
  }

  // The element's own magnitude, and a tenth of the leaf's where it is smaller.
  static Numbers magnitudes(const Numbers& x) {
    double mean = 0;
    for (double v : x) mean += v * v;
    mean = x.empty() ? 0 : std::sqrt(mean / static_cast<double>(x.size()));
    Numbers out;
    for (double v : x) out.push_back(mean > 0 && std::isfinite(mean) ? std::max(std::fabs(v), mean / 10) : 1.0);
    return out;
  }

  void leaf(const ErasedFunction& f, const Leaves& primals, std::size_t k, const Leaves& out, std::size_t outputs,
            const Numbers& w, const Leaves& cotangents, int order, const std::string& outer) {
    const Array& a = primals[k];
    const Numbers x = a.to_vector<double>(), unit = magnitudes(x);
    const bool each = order == 1 && a.size() <= options_.max_elements;
    const std::int64_t directions = each ? a.size() : std::min<std::int64_t>(options_.directions, a.size());
    Row forward = row("jvp" + outer, k, a), reverse = row("vjp" + outer, k, a), dot = row("dot" + outer, k, a);
    dot.relative = rounding_;
    dot.absolute = rounding_;
    const Numbers pulled = options_.reverse ? cotangents[k].to_vector<double>() : Numbers();
    for (std::int64_t d = 0; d < directions; ++d) {
      Numbers v(x.size(), 0.0);
      std::string where = "random direction " + std::to_string(d);
      if (each) {
        v[static_cast<std::size_t>(d)] = unit[static_cast<std::size_t>(d)];
        where = a.ndim() ? "element " + index_text(d, a.shape()) : "the number";
      } else {
        v = draw(x.size());
        for (std::size_t i = 0; i < v.size(); ++i) v[i] *= unit[i];
      }
      const Array direction = like(v, a);
      v = direction.to_vector<double>();
      const Numbers difference = limit(f, primals, k, x, v, outputs);
      double largest = 0, gathered = 0, gathered_size = 0;
      for (std::size_t i = 0; i < outputs; ++i) {
        largest = std::fmax(largest, std::fabs(difference[i]));
        gathered += w[i] * difference[i];
        gathered_size += std::fabs(w[i] * difference[i]);
      }
      Numbers pushed;
      if (options_.forward) {
        Leaves tangents(primals.size());
        tangents[k] = direction;
        pushed = line_of(jvp_values(f, primals, tangents).second);
        for (std::size_t i = 0; i < outputs; ++i) {
          compare(forward, pushed[i], difference[i], largest, [&] { return where + ", " + output_text(i, out); });
        }
      }
      if (!options_.reverse) continue;
      double product = 0;
      for (std::size_t i = 0; i < v.size(); ++i) {
        if (v[i] != 0) product += pulled[i] * v[i];
      }
      compare(reverse, product, gathered, gathered_size, [&] { return where; });
      if (!options_.forward) continue;
      double other = 0, size = 0;
      for (std::size_t i = 0; i < outputs; ++i) {
        other += w[i] * pushed[i];
        size += std::fabs(w[i] * pushed[i]);
      }
      compare(dot, product, other, size, [&] { return where; });
    }
    for (const Row* r : {&forward, &reverse, &dot}) {
      if (r->c.compared == 0) continue;
      report_.comparisons.push_back(r->c);
      report_.ok = report_.ok && r->c.ok;
    }
  }

  Row row(const std::string& kind, std::size_t k, const Array& a) const {
    std::size_t argument = 0, number = k;
    while (argument < counts_.size() && number >= counts_[argument]) number -= counts_[argument++];
    return {{kind, argument, number, a.shape(), 0, true, 0, 0, 0, ""}, relative_, absolute_};
  }

  template <class Where>
  static void compare(Row& r, double derivative, double difference, double largest, Where&& where) {
    GradientComparison& c = r.c;
    double error = std::fabs(derivative - difference) / (largest + r.absolute / r.relative);
    if (derivative == difference) error = 0;  // infinities too
    if (c.compared++ == 0 || !(error <= c.error)) {
      if (!(c.compared > 1 && std::isnan(c.error))) {
        c.error = error;
        c.derivative = derivative;
        c.difference = difference;
        c.place = where();
      }
    }
    c.ok = c.ok && error <= r.relative;
  }

  // d/dh f(x + hv) at 0 of all outputs, NaN where it cannot be had.
  Numbers limit(const ErasedFunction& f, const Leaves& primals, std::size_t k, const Numbers& x, const Numbers& v,
                std::size_t outputs) const {
    constexpr int levels = 9;
    auto at = [&](double h) -> Numbers {
      Numbers moved = x;
      for (std::size_t i = 0; i < x.size(); ++i) moved[i] += h * v[i];
      Leaves in = primals;
      in[k] = like(moved, primals[k]);
      try {
        return line_of(f(in));
      } catch (const CancelledError&) { throw; } catch (const Error&) {
        return Numbers(outputs, std::numeric_limits<double>::quiet_NaN());
      }
    };
    Numbers best(outputs, std::numeric_limits<double>::quiet_NaN()),
        trust(outputs, std::numeric_limits<double>::infinity());
    std::vector<Numbers> previous, current;  // [extrapolation][output]
    double h = options_.step;
    for (int level = 0; level < levels; ++level, h /= 2) {
      const Numbers right = at(h), left = at(-h);
      if (right.size() != outputs || left.size() != outputs)
        throw ShapeError("check_grads: the function's result changes its shape");
      current.assign(previous.size() + 1, Numbers(outputs));
      for (std::size_t i = 0; i < outputs; ++i) {
        current[0][i] = (right[i] - left[i]) / (2 * h);
        double factor = 4;
        for (std::size_t j = 1; j < current.size(); ++j, factor *= 4) {
          current[j][i] = (factor * current[j - 1][i] - previous[j - 1][i]) / (factor - 1);
          const double error =
              std::max(std::fabs(current[j][i] - current[j - 1][i]), std::fabs(current[j][i] - previous[j - 1][i]));
          if (error < trust[i]) {
            trust[i] = error;
            best[i] = current[j][i];
          }
        }
      }
      previous.swap(current);
    }
    return best;
  }

  const GradientCheckOptions& options_;
  std::vector<std::size_t> counts_;
  GradientReport& report_;
  std::mt19937_64 random_;
  double relative_ = 0, absolute_ = 0, rounding_ = 0;
};

}  // namespace detail::check

namespace detail {

GradientReport check_leaves(const ErasedFunction& f, const Leaves& primals, const std::vector<std::size_t>& counts,
                            const GradientCheckOptions& options) {
  if (current_trace())
    throw TraceError("check_grads: reads values, and cannot be called in a function that is being transformed");
  if (options.order < 1)
    throw ValueError("check_grads: order is " + std::to_string(options.order) + ", expected 1 or more");
  if (!(options.step > 0))
    throw ValueError("check_grads: step is " + std::to_string(options.step) + ", expected a positive number");
  GradientReport report;
  require_assigned(primals, "check_grads");
  check::Checker(options, counts, report).run(f, primals, 1, "");
  return report;
}

void require_ok(const GradientReport& report) {
  if (report.ok) return;
  const auto failed =
      std::find_if(report.comparisons.begin(), report.comparisons.end(), [](const auto& c) { return !c.ok; });
  char s[200];
  std::snprintf(s, sizeof s, "the derivative is %.10g, by differences %.10g", failed->derivative, failed->difference);
  throw GradientCheckError("check_grads: " + failed->kind + " by argument " + std::to_string(failed->argument) +
                           ", leaf " + std::to_string(failed->leaf) + ", " + failed->place + ": " + s + "\n" +
                           report.str());
}

}  // namespace detail

const GradientComparison& GradientReport::worst() const {
  if (comparisons.empty()) throw ValueError("GradientReport: nothing was compared");
  return *std::max_element(comparisons.begin(), comparisons.end(), [](const auto& a, const auto& b) {
    if (std::isnan(a.error) || std::isnan(b.error)) return !std::isnan(a.error) && std::isnan(b.error);
    return a.error < b.error;
  });
}

std::string GradientReport::str() const {
  std::string s =
      "kind                argument  leaf  shape           compared     error      derivative     difference  worst "
      "at\n";
  for (const GradientComparison& c : comparisons) {
    char line[400];
    std::snprintf(line, sizeof line, "%-20s%8zu%6zu  %-14s%10zu  %8.1e%16.8g%15.8g  %s%s\n", c.kind.c_str(), c.argument,
                  c.leaf, c.shape.str().c_str(), c.compared, c.error, c.derivative, c.difference, c.place.c_str(),
                  c.ok ? "" : "  WRONG");
    s += line;
  }
  return s;
}

std::ostream& operator<<(std::ostream& out, const GradientReport& report) { return out << report.str(); }

}  // namespace dini
