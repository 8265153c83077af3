// A Program in which every rounding is marked (with_rounding), differentiated by the input that all marks share.
#include "dini/transforms/rounding_noise.hpp"

#include <optional>
#include <span>
#include <stdexcept>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/elementwise_ops.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping_ops.hpp"
#include "dini/transforms/control_parts.hpp"
#include "dini/transforms/lanes.hpp"
#include "dini/transforms/rounding_ops.hpp"

namespace dini::detail {

namespace noise {

using Numbers = std::vector<std::optional<double>>;

std::vector<bool> floating(const std::vector<Aval>& avals) {
  std::vector<bool> out;
  for (const Aval& a : avals) out.push_back(is_floating(a.dtype));
  return out;
}

// Whether an equation's tangents can be had: some rules refuse some parameters.
bool has_derivative(const Equation& e, const std::vector<Aval>& in, const std::vector<Aval>& out) {
  if (!e.op->no_jvp.empty()) return false;
  if (e.op->rounding != Rounding::backward && (e.op->kernel || e.op->element)) return true;
  auto alone = std::make_shared<Program>();
  Equation copy{e.op, e.params, {}, {}};
  for (const Aval& a : in) {
    copy.inputs.push_back(static_cast<int>(alone->variables.size()));
    alone->variables.push_back(a);
  }
  for (const Aval& a : out) {
    copy.outputs.push_back(static_cast<int>(alone->variables.size()));
    alone->variables.push_back(a);
  }
  alone->inputs = copy.inputs;
  alone->outputs = copy.outputs;
  alone->equations.push_back(std::move(copy));
  try {
    jvp_program(alone, floating(in));
    return true;
  } catch (const Error&) { return false; }
}

// Builds a Program from another's equations, with a mark behind each that rounds.
class Marking {
 public:
  Marking(const Program& p, std::int64_t& seed) : seed_(seed) {
    std::vector<int> arguments;
    for (const Aval& a : p.input_avals()) arguments.push_back(variable(a));
    mark_ = variable({Shape{}, Dtype::float64, false});
    made_->inputs = arguments;
    made_->inputs.push_back(mark_);
    made_->outputs = splice(p, arguments);
  }
  ProgramRef program() const { return made_; }

 private:
  int variable(const Aval& a, std::optional<double> number = {}) {
    made_->variables.push_back(a);
    numbers_.push_back(number);
    return static_cast<int>(made_->variables.size()) - 1;
  }
  const Aval& aval(int v) const { return made_->variables[static_cast<std::size_t>(v)]; }
  std::vector<Aval> avals(const std::vector<int>& variables) const {
    std::vector<Aval> out;
    for (int v : variables) out.push_back(aval(v));
    return out;
  }

  std::vector<int> append(const Op& op, Params params, std::vector<int> inputs, const std::vector<Aval>& out) {
    std::vector<int> outputs;
    for (const Aval& a : out) outputs.push_back(variable(a));
    made_->equations.push_back({&op, std::move(params), std::move(inputs), outputs});
    return outputs;
  }
  int append_one(const Op& op, Params params, std::vector<int> inputs, const Aval& out) {
    return append(op, std::move(params), std::move(inputs), {out})[0];
  }

  // v with a mark; `operands`: of the measure, where there is one.
  int marked(int v, double times, std::int64_t block = 1, const OpaqueRef& measure = {},
             const std::vector<int>& operands = {}) {
    Params params{{"seed", seed_++}, {"times", times}, {"block", block}};
    std::vector<int> inputs{v, mark_};
    if (measure) {
      params.set("measure", measure);
      inputs.insert(inputs.end(), operands.begin(), operands.end());
    }
    const Aval a = aval(v);
    return append_one(rounded_op(), std::move(params), std::move(inputs), a);
  }

  // p's equations for these arguments; the variables of its outputs.
  std::vector<int> splice(const Program& p, const std::vector<int>& arguments) {
    std::vector<int> now(p.variables.size(), -1);
    const auto at = [&now](int v) -> int& { return now[static_cast<std::size_t>(v)]; };
    for (std::size_t k = 0; k < arguments.size(); ++k) at(p.inputs[k]) = arguments[k];
    for (const auto& [v, a] : p.constants) {
      at(v) = variable(a.aval(), uniform_number(a));
      made_->constants.emplace_back(at(v), a);
    }
    for (const Equation& e : p.equations) {
      std::vector<int> inputs;
      std::vector<Aval> out;
      for (int v : e.inputs) inputs.push_back(at(v));
      for (int v : e.outputs) out.push_back(p.variables[static_cast<std::size_t>(v)]);
      const std::vector<int> made = equation(e, inputs, out);
      for (std::size_t k = 0; k < made.size(); ++k) at(e.outputs[k]) = made[k];
    }
    std::vector<int> outputs;
    for (int v : p.outputs) outputs.push_back(at(v));
    return outputs;
  }

  std::vector<int> equation(const Equation& e, const std::vector<int>& inputs, const std::vector<Aval>& out) {
    if (e.op->rounding == Rounding::within) return within(e, inputs, out);
    const std::vector<bool> rounds = floating(out);
    if (control::count(rounds) == 0 || exact(e, inputs)) return append_exact(e, inputs, out);
    const bool follows = has_derivative(e, avals(inputs), out),
               backward = follows && e.op->rounding == Rounding::backward;
    std::vector<int> operands = inputs;
    if (!follows) {
      for (int& v : operands) {
        const Aval a = aval(v);
        if (is_floating(a.dtype)) v = append_one(stop_gradient_op(), {}, {v}, a);
      }
    } else if (backward) {
      int& v = operands[static_cast<std::size_t>(e.op->backward_operand)];
      const Shape& shape = aval(v).shape;
      v = marked(v, 4 * e.op->roundings, shape.sub(shape.ndim() - 2, shape.ndim()).size());
    }
    std::vector<int> outputs = append(*e.op, e.params, operands, out);
    const bool sums = e.op->rounding == Rounding::accumulates;
    const OpaqueRef measure = sums ? OpaqueRef(std::make_shared<RoundingMeasure>(*e.op, e.params)) : OpaqueRef();
    const bool stands_for_program = !e.op->kernel && !e.op->element;
    const double usual = sums ? 2 : stands_for_program ? 4 : 1, times = backward ? 1 : usual * e.op->roundings;
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (rounds[k]) outputs[k] = marked(outputs[k], times, 1, measure, operands);
    }
    return outputs;
  }

  bool exact(const Equation& e, const std::vector<int>& inputs) const {
    if (e.op->rounding == Rounding::exact) return true;
    if (!e.op->exact_when) return false;
    Numbers known;
    for (int v : inputs) known.push_back(numbers_[static_cast<std::size_t>(v)]);
    return e.op->exact_when(e.params, avals(inputs), known);
  }

  std::vector<int> append_exact(const Equation& e, const std::vector<int>& inputs, const std::vector<Aval>& out) {
    const std::vector<int> outputs = append(*e.op, e.params, inputs, out);
    const bool same_number = e.op == &broadcast_op() || e.op == &reshape_op() || e.op == &convert_op();
    if (same_number && is_floating(out[0].dtype)) {
      numbers_[static_cast<std::size_t>(outputs[0])] = numbers_[static_cast<std::size_t>(inputs[0])];
    }
    return outputs;
  }

  // The Programs that an op holds: in its place, or each marked and given the mark.
  std::vector<int> within(const Equation& e, std::vector<int> inputs, const std::vector<Aval>& out) {
    if (e.op->inlined) return splice(*e.op->inlined(e.params, avals(inputs)), inputs);
    if (e.op->control == Control::lanes) return splice(*batch_of_lanes(e.params), inputs);
    Params params = e.params;
    if (e.op->control == Control::cond) {
      control::Programs branches = params.get<control::Programs>("branches");
      for (ProgramRef& p : branches) p = Marking(*p, seed_).program();
      params.set("branches", branches);
    } else if (e.op->control == Control::while_loop || e.op->control == Control::scan) {
      return loop(e, std::move(inputs), out);
    } else {
      throw std::logic_error(e.op->name + ": the Programs that it holds are not known to rounding_noise");
    }
    inputs.push_back(mark_);
    return append(*e.op, std::move(params), std::move(inputs), out);
  }

  // The mark is one more carry, so that it is another in each step.
  std::vector<int> loop(const Equation& e, std::vector<int> inputs, std::vector<Aval> out) {
    const std::int64_t carry = e.params.integer("carry");
    Marking body(*e.params.program("body"), seed_);
    Program& made = *body.made_;
    made.inputs.pop_back();
    made.inputs.insert(made.inputs.begin() + carry, body.mark_);
    const Aval mark = aval(mark_);
    made.outputs.insert(made.outputs.begin() + carry, body.append_one(next_rounding_op(), {}, {body.mark_}, mark));
    Params params = e.params;
    params.set("body", body.program());
    params.set("carry", carry + 1);
    if (e.op->control == Control::while_loop) {
      std::vector<Aval> in = params.program("cond")->input_avals();
      in.insert(in.begin() + carry, mark);
      params.set("cond", stage_closed(
                             [&](Leaves all) {
                               all.erase(all.begin() + carry);
                               return evaluate(*e.params.program("cond"), all);
                             },
                             in, "while_loop"));
    }
    inputs.insert(inputs.begin() + carry, mark_);
    out.insert(out.begin() + carry, mark);
    std::vector<int> outputs = append(*e.op, std::move(params), std::move(inputs), out);
    outputs.erase(outputs.begin() + carry);
    return outputs;
  }

  std::shared_ptr<Program> made_ = std::make_shared<Program>();
  Numbers numbers_;  // the number that a variable is everywhere, as far as known
  int mark_ = -1;
  std::int64_t& seed_;
};

ProgramRef make(const ProgramRef& p, const std::vector<bool>& of, bool values) {
  std::int64_t seed = 0;
  const ProgramRef marked = Marking(*p, seed).program();
  const Array mark = array(0.0), patterns = array({0.0, 1.0, 2.0, 3.0});
  const std::vector<Aval> out = p->output_avals();
  return stage_closed(
      [&](const Leaves& inputs) {
        Leaves at;
        for (const Array& a : inputs) at.push_back(is_floating(a.dtype()) ? stop_gradient(a) : a);
        at.push_back(mark);
        std::vector<bool> moves;
        const Batched r = vmap(
            [&](const Leaves& pattern) {
              Leaves tangents(at.size());
              tangents.back() = pattern[0];
              const ErasedFunction all_of = [&](const Leaves& all) { return evaluate(*marked, all); };
              JvpResult j = jvp(all_of, at, tangents);
              Leaves both;
              if (values) both = j.out;
              for (std::size_t k = 0; k < out.size(); ++k) {
                moves.push_back(j.tangents[k].defined());
                if ((of.empty() || of[k]) && moves[k]) both.push_back(j.tangents[k]);
              }
              return both;
            },
            {patterns}, {true}, rounding_patterns, false);
        std::size_t next = values ? out.size() : 0;
        Leaves results(r.out.begin(), r.out.begin() + static_cast<std::ptrdiff_t>(next));
        for (std::size_t k = 0; k < out.size(); ++k) {
          if (!of.empty() && !of[k]) continue;
          results.push_back(moves[k] ? rounding_unit * max(abs(r.out[next++]), 0) : zeros(out[k].shape, out[k].dtype));
        }
        return results;
      },
      p->input_avals(), "rounding_noise");
}

ProgramRef kept(const ProgramRef& p, const std::vector<bool>& of, bool values) {
  std::string key = values ? "value and noise " : "noise ";
  for (bool x : of) key += x ? '1' : '0';
  return p->cached<const Program>(key, [&] { return std::const_pointer_cast<Program>(make(p, of, values)); });
}

}  // namespace noise

ProgramRef noise_program(const ProgramRef& p, const std::vector<bool>& of) { return noise::kept(p, of, false); }
ProgramRef value_and_noise_program(const ProgramRef& p, const std::vector<bool>& of) {
  return noise::kept(p, of, true);
}

Leaves rounding_noise_leaves(const ErasedFunction& f, const Leaves& inputs) {
  require_assigned(inputs, "rounding_noise");
  const ErasedFunction checked = [&](const Leaves& in) {
    Leaves out = f(in);
    require_assigned(out, "rounding_noise", "function's value");
    return out;
  };
  const Staged staged = stage(checked, avals_of_leaves(inputs), "rounding_noise");
  Leaves all = inputs;
  all.insert(all.end(), staged.captured.begin(), staged.captured.end());
  return evaluate(*noise_program(staged.program), all);
}

}  // namespace dini::detail
