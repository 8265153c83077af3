#include "apps/dini/derivatives.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dini/formula/text.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/trace/internal.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::app {

namespace {

Problem::Inputs replaced(Problem::Inputs inputs, const std::string& name, const Array& value) {
  inputs[name] = value;
  return inputs;
}

std::int64_t bytes_of(const Aval& a) { return a.shape.size() * static_cast<std::int64_t>(item_size(a.dtype)); }

// The most that is alive at once when the equations run in order.
double peak_bytes(const Program& program) {
  std::vector<std::size_t> last(program.variables.size(), 0);
  for (std::size_t k = 0; k < program.equations.size(); ++k) {
    for (int v : program.equations[k].inputs) last[static_cast<std::size_t>(v)] = k;
  }
  for (int v : program.outputs) last[static_cast<std::size_t>(v)] = program.equations.size();
  const auto bytes = [&](int v) {
    return static_cast<double>(bytes_of(program.variables[static_cast<std::size_t>(v)]));
  };
  double alive = 0, peak = 0;
  for (int v : program.inputs) alive += bytes(v);
  for (std::size_t k = 0; k < program.equations.size(); ++k) {
    const Equation& e = program.equations[k];
    for (int v : e.outputs) alive += bytes(v);
    peak = std::max(peak, alive);
    std::vector<int> ended = e.inputs;
    std::sort(ended.begin(), ended.end());
    ended.erase(std::unique(ended.begin(), ended.end()), ended.end());
    for (int v : ended) {
      const bool is_input = std::find(program.inputs.begin(), program.inputs.end(), v) != program.inputs.end();
      if (last[static_cast<std::size_t>(v)] == k && !is_input) alive -= bytes(v);
    }
  }
  return std::max(peak, alive);
}

}  // namespace

Array loss_at(const Problem& problem, const Problem::Inputs& inputs, const Array& z) {
  const Array loss = problem.evaluate(*problem.loss, inputs, z);
  if (loss.ndim() != 0) {
    throw ProblemError("`loss`: a scalar is wanted, its shape is " + loss.shape().str() + "; sum(...) makes one");
  }
  return astype(loss, problem.dtype);
}

ProblemResult::Named gradients(const Problem& problem, const Problem::Inputs& inputs, const Solution& solution,
                               Array* added) {
  if (problem.gradient.empty()) return {};
  Problem::Inputs chosen;
  for (const std::string& name : problem.gradient) chosen[name] = inputs.at(name);
  const auto loss = [&](const Problem::Inputs& varied) {
    Problem::Inputs all = inputs;
    for (const auto& [name, value] : varied) all[name] = value;
    const Array z = solution(all);
    all.erase("");
    return loss_at(problem, all, z);
  };
  if (added) chosen[""] = *added;
  const Problem::Inputs g = grad(loss)(chosen);
  if (added) *added = g.at("");
  ProblemResult::Named out;
  for (const std::string& name : problem.gradient) out.emplace_back(name, g.at(name));
  return out;
}

ProblemResult::Named hessians(const Problem& problem, const Problem::Inputs& inputs, const Solution& solution) {
  ProblemResult::Named out;
  for (const std::string& name : problem.hessian) {
    const auto loss = [&](const Array& x) {
      const Problem::Inputs all = replaced(inputs, name, x);
      return loss_at(problem, all, solution(all));
    };
    const std::int64_t n = inputs.at(name).size();
    out.emplace_back(name, reshape(hessian(loss)(inputs.at(name)), {n, n}));
  }
  return out;
}

ProblemResult::Named jacobians(const Problem& problem, const Problem::Inputs& inputs, const Solution& solution) {
  ProblemResult::Named out;
  for (const std::string& name : problem.jacobian) {
    const auto z = [&](const Array& x) { return astype(solution(replaced(inputs, name, x)), problem.dtype); };
    out.emplace_back(name, jacobian(z)(inputs.at(name)));
  }
  return out;
}

double check_gradient(const Problem& problem, const Problem::Inputs& inputs, const ProblemResult::Named& gradient,
                      const Solution& solution) {
  const auto value = [&](const Problem::Inputs& at) { return loss_at(problem, at, solution(at)).item(); };
  const double loss = std::abs(value(inputs));
  double worst = 16;
  for (const auto& entry : gradient) {
    const std::string& name = entry.first;
    const Array& g = entry.second;
    const Array& x = inputs.at(name);
    const std::vector<double> x0 = x.to_vector<double>(), slope = g.to_vector<double>();
    const double size = std::sqrt(std::max(1.0, [&] {
      double s = 0;
      for (double v : x0) s += v * v;
      return s / static_cast<double>(std::max<std::size_t>(1, x0.size()));
    }()));
    const auto along = [&](const std::vector<double>& direction, double h) {
      std::vector<double> moved = x0;
      for (std::size_t k = 0; k < moved.size(); ++k) moved[k] += h * direction[k];
      return value(replaced(inputs, name, astype(from_data(moved.data(), x.shape()), x.dtype())));
    };
    // Element by element where there are few, else along fixed directions of scattered signs.
    const std::size_t directions = std::min<std::size_t>(x0.size(), 32);
    double wrong = 0, right = 0;
    for (std::size_t d = 0; d < directions; ++d) {
      std::vector<double> direction(x0.size(), 0.0);
      if (x0.size() <= 32) {
        direction[d] = 1;
      } else {
        const double scale = 1 / std::sqrt(static_cast<double>(x0.size()));
        for (std::size_t k = 0; k < direction.size(); ++k) {
          direction[k] = ((k + 1) * 2654435761u >> (d % 24)) & 1 ? scale : -scale;
        }
      }
      double predicted = 0;
      for (std::size_t k = 0; k < direction.size(); ++k) predicted += slope[k] * direction[k];
      // Central differences at h, h/2 and h/4, extrapolated twice.
      const double h = 2e-3 * size;
      double e[3];
      for (int m = 0; m < 3; ++m) {
        const double step = h / (1 << m);
        e[m] = (along(direction, step) - along(direction, -step)) / (2 * step);
      }
      const double first = (4 * e[1] - e[0]) / 3, second = (4 * e[2] - e[1]) / 3;
      const double difference = (16 * second - first) / 15;
      wrong += (predicted - difference) * (predicted - difference);
      right += std::max(predicted * predicted, difference * difference);
    }
    // What rounding of the loss makes of a slope that is 0.
    const double floor = 1e-11 * std::max(loss, 1e-300) / (2e-3 * size);
    const double relative = std::sqrt(wrong) / std::max(std::sqrt(right), floor);
    const double digits = std::isnan(relative) ? 0 : relative <= 1e-16 ? 16 : std::max(0.0, -std::log10(relative));
    worst = std::min(worst, digits);
  }
  return std::round(worst * 10) / 10;
}

void check_memory(const Problem& problem, const Problem::Inputs& inputs, const Array& z0, std::int64_t max_bytes) {
  const auto refuse = [&](const std::string& what, double bytes) {
    if (bytes <= static_cast<double>(max_bytes)) return;
    throw ProblemError(what + " would take " + std::to_string(static_cast<std::int64_t>(bytes / 1048576)) +
                       " MB of memory, more than the limit of " + std::to_string(max_bytes / 1048576) +
                       " MB (--max-memory)");
  };
  Aval z;
  // The inputs are captured, so that what must be read (a mask) can be.
  const auto measure = [&](const std::string& what, const std::vector<Aval>& free, auto&& f) {
    const Staged staged = stage([&](const Leaves& leaves) { return Leaves{f(leaves)}; }, free, "check_memory");
    refuse(what, peak_bytes(*staged.program));
    return staged.program->output_avals().at(0);
  };
  if (problem.kind == ProblemKind::value) {
    z = measure("`formula`", {}, [&](const Leaves&) { return problem.evaluate(*problem.formula, inputs); });
  } else {
    z = measure("`z0`", {}, [&](const Leaves&) { return z0.defined() ? z0 : problem.start(inputs); });
    measure("`formula`", {z}, [&](const Leaves& l) { return problem.evaluate(*problem.formula, inputs, l[0]); });
  }
  if (problem.loss) {
    measure("`loss`", {z}, [&](const Leaves& l) { return problem.evaluate(*problem.loss, inputs, l[0]); });
  }
  // Arrays without elements take no memory, but the brackets of their rows do where they are written.
  const auto refuse_rows = [&](const std::string& what, const Shape& shape) {
    double rows = 1;
    for (int k = 0; k < shape.ndim() && shape[k] > 0; ++k) rows *= static_cast<double>(shape[k]);
    if (shape.size() == 0) refuse(what + ", of shape " + shape.str() + ",", 4 * rows);
  };
  refuse_rows("`z`", z.shape);
  for (const std::string& name : problem.gradient) {
    refuse_rows("the gradient in " + text::in_quotes(name), inputs.at(name).shape());
  }
  for (const std::string& name : problem.jacobian) {
    refuse_rows("the Jacobian in " + text::in_quotes(name), z.shape + inputs.at(name).shape());
  }
  const double item = static_cast<double>(item_size(problem.dtype));
  for (const std::string& name : problem.hessian) {
    const double n = static_cast<double>(inputs.at(name).size());
    refuse("the Hessian in " + text::in_quotes(name), n * n * item);
  }
  for (const std::string& name : problem.jacobian) {
    const double n = static_cast<double>(inputs.at(name).size());
    refuse("the Jacobian in " + text::in_quotes(name), n * static_cast<double>(z.shape.size()) * item);
  }
}

}  // namespace dini::app
