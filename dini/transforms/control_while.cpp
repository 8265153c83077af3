// while: forward mode and batches of a loop whose number of steps is not known.
#include <cmath>

#include "dini/ops/elementwise.hpp"
#include "dini/ops/elementwise_build.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_build.hpp"
#include "dini/transforms/control_parts.hpp"
#include "dini/transforms/guarded.hpp"
#include "dini/transforms/lanes.hpp"

namespace dini::detail {

namespace control {

// The Program with inputs behind its first `at` that it does not read.
static ProgramRef ignoring(const Program& p, std::size_t at, const std::vector<Aval>& avals) {
  auto out = std::make_shared<Program>(p);
  for (std::size_t k = 0; k < avals.size(); ++k) {
    out->inputs.insert(out->inputs.begin() + static_cast<std::ptrdiff_t>(at + k),
                       static_cast<int>(out->variables.size()));
    out->variables.push_back(avals[k]);
  }
  return out;
}

static std::pair<Leaves, Leaves> joint_while(const JvpCall& call) {
  const WhileParts w = parts_of_while(call.params);
  const Leaves in(call.in.begin(), call.in.end()), dx(call.tangents.begin(), call.tangents.end());
  const Mask captured = w.for_body.of(defined(dx));
  // Which carries have a tangent: those that start with one, and those that the body gives one, until nothing changes.
  Mask active = w.carry.of(defined(dx));
  for (;;) {
    const Mask next = either(active, jvp_program(w.body, joined({active, captured})).out_active);
    if (next == active) break;
    active = next;
  }
  const JvpProgram both = jvp_program(w.body, joined({active, captured}), active);
  // [c, k, dc, dk] -> [c, dc] becomes [c, dc | k, dk] -> [c, dc].
  Groups of_in;
  const Group c = of_in.next(w.carry.size), k = of_in.next(w.for_body.size), dc = of_in.next(count(active)),
              dk = of_in.next(count(captured));
  const std::vector<int>& inputs = both.program->inputs;
  const ProgramRef body = reordered(*both.program, joined({c.of(inputs), dc.of(inputs), k.of(inputs), dk.of(inputs)}),
                                    both.program->outputs);
  const ProgramRef condition = ignoring(*w.condition, c.size, dc.of(both.program->input_avals()));
  Leaves tangents;
  for (std::size_t j = 0; j < w.carry.size; ++j) {
    if (active[j]) tangents.push_back(instantiate(dx[j], in[j].aval()));
  }
  const Leaves out = emit(
      while_op(),
      joined({w.carry.of(in), tangents, w.for_condition.of(in), w.for_body.of(in), only(w.for_body.of(dx), captured)}),
      while_params(condition, body, c.size + dc.size, w.for_condition.size, w.watch, w.at_most));
  return {part(out, 0, c.size), spread(part(out, c.size, out.size()), active)};
}

static Batched batch_while(const BatchCall& call) {
  const WhileParts w = parts_of_while(call.params);
  const Leaves in(call.in.begin(), call.in.end());
  const Mask for_condition = w.for_condition.of(call.batched), for_body = w.for_body.of(call.batched);
  Mask carry = w.carry.of(call.batched);
  for (;;) {
    Mask next = either(carry, batch_program(w.body, joined({carry, for_body}), call.size).out_batched);
    if (batch_program(w.condition, joined({carry, for_condition}), call.size).out_batched[0])
      next = Mask(w.carry.size, true);
    if (next == carry) break;
    carry = next;
  }
  const BatchProgram condition = batch_program(w.condition, joined({carry, for_condition}), call.size);
  Leaves init = w.carry.of(in);
  for (std::size_t k = 0; k < init.size(); ++k) {
    if (carry[k] && !call.batched[k]) init[k] = repeat_leading(in[k], call.size);
  }
  const Leaves captured = joined({w.for_condition.of(in), w.for_body.of(in)});
  if (!condition.out_batched[0]) {
    const BatchProgram body = batch_program(w.body, joined({carry, for_body}), call.size, carry);
    const Params params =
        while_params(condition.program, body.program, init.size(), w.for_condition.size, w.watch, w.at_most);
    return {emit(while_op(), joined({init, captured}), params), carry};
  }
  std::vector<Aval> avals;
  for (std::size_t k = 0; k < in.size(); ++k) {
    const Aval& a = in[k].aval();
    avals.push_back(call.batched[k] ? Aval{a.shape.erased(0), a.dtype, a.weak} : a);
  }
  if (auto out = by_lanes(alone(while_op(), call.params, avals), in, call.batched, call.size)) return *out;
  // Lanes end at different steps: the loop goes on while any lane does, and finished lanes keep their values. Loops within do
  // not wait for them.
  const bool guards = has_loops(*w.body);
  const Mask of_body = joined({carry, for_body});
  const ProgramRef one_body = guards ? guarded(w.body, of_body) : w.body;
  const BatchProgram body = batch_program(one_body, guards ? joined({of_body, {true}}) : of_body, call.size, carry);
  const ProgramRef any_lane =
      stage_closed([&](const Leaves& a) { return Leaves{any(evaluate(*condition.program, a)[0])}; },
                   condition.program->input_avals(), "while_loop");
  Groups of_masked;  // the body's, which takes what the condition takes, too
  const Group state = of_masked.next(init.size()), body_captured = of_masked.next(for_body.size()),
              condition_captured = of_masked.next(for_condition.size());
  const Group behind{state.end(), for_condition.size()};  // of the condition's inputs
  std::vector<Aval> types = body.program->input_avals();
  if (guards) types.pop_back();
  const ProgramRef masked = stage_closed(
      [&](const Leaves& a) {
        const Leaves before = state.of(a);
        const Array going = evaluate(*condition.program, joined({before, condition_captured.of(a)}))[0];
        Leaves for_this = joined({before, body_captured.of(a)});
        if (guards) for_this.push_back(going);
        Leaves after = evaluate(*body.program, for_this);
        for (std::size_t k = 0; k < after.size(); ++k) {
          Shape lanes{call.size};
          while (lanes.ndim() < after[k].ndim()) lanes.append(1);
          after[k] = where(reshape(going, lanes), after[k], before[k]);
        }
        return after;
      },
      joined({types, behind.of(condition.program->input_avals())}), "while_loop");
  const Params params = while_params(any_lane, masked, init.size(), w.for_condition.size, w.watch, w.at_most);
  return {emit(while_op(), joined({init, captured, w.for_condition.of(in)}), params), carry};
}

// Samples: carries [i, x, y, t], captured by the condition [n, limit], by the body [a]. x and y change places, t comes to
// depend on them, and it ends after n turns or when x has grown. "inner" has another loop in it.
static std::vector<Sample> while_samples(Dtype d) {
  auto vector = [d](const std::vector<double>& v) { return sample_array(v, {3}, d); };
  const Leaves carry{sample_integers({0}, {}), vector({0.5, -1, 0.75}), vector({1, 0.25, -0.5}), vector({0, 1, 2})};
  const Array a = vector({2, -1.5, 1.75});
  std::vector<Sample> out;
  auto add = [&](std::int64_t n, double limit, bool inner) {
    const Leaves bounds{sample_integers({n}, {}), sample_array({limit}, {}, d)};
    const ProgramRef condition = program_like(
        join(carry, bounds), [](const Leaves& v) { return Leaves{(v[0] < v[4]) & (sum(v[1] * v[1]) < v[5])}; });
    ProgramRef body = program_like(join(carry, {a}), [](const Leaves& v) {
      return Leaves{v[0] + 1, v[2] * v[4], v[1], v[3] + sin(v[1])};
    });
    if (inner) {
      const ProgramRef once = body, short_condition = program_like(join(carry, bounds),
                                                                   [](const Leaves&v) { return Leaves{v[0] < v[4]}; });
      body = program_like(join(carry, {a}), [&](const Leaves& v) {
        // [i, ...] from 0 to i, then i + 1
        Leaves from = part(v, 0, 4);
        from[0] = from[0] - v[0];
        Leaves to =
            emit(while_op(), join(join(from, {v[0], sum(v[4])}), {v[4]}), while_params(short_condition, once, 4, 2));
        to[0] = v[0] + 1;
        return to;
      });
    }
    Params params = while_params(condition, body, 4, 2);
    params.set("inner", inner);
    out.push_back({join(join(carry, bounds), {a}), params});
  };
  for (std::int64_t n : {0, 1, 3}) add(n, 1000, false);
  add(50, 40, false);
  add(3, 1000, true);
  return out;
}

static Plain plain_while(const Sample& s) {
  auto x = numbers(s.in[1]), y = numbers(s.in[2]), t = numbers(s.in[3]);
  const auto a = numbers(s.in[6]);
  const long double n = numbers(s.in[4])[0], limit = numbers(s.in[5])[0];
  long double i = numbers(s.in[0])[0];
  auto turn = [&] {
    for (std::size_t k = 0; k < 3; ++k) {
      const long double before = x[k];
      x[k] = y[k] * a[k];
      y[k] = before;
      t[k] += std::sin(before);
    }
  };
  for (; i < n && x[0] * x[0] + x[1] * x[1] + x[2] * x[2] < limit; ++i) {
    for (int turns = s.params.flag("inner") ? static_cast<int>(i) : 1; turns > 0; --turns) turn();
  }
  return {{i}, x, y, t};
}

}  // namespace control

const Op& while_op() {
  static const Op op = [] {
    Op o;
    o.name = "while";
    o.control = Control::while_loop;
    o.rounding = Rounding::within;
    o.infer = [](std::span<const Aval>, const Params& params) { return params.program("body")->output_avals(); };
    o.joint = control::joint_while;
    o.batch = control::batch_while;
    o.no_transpose =
        "while_loop: reverse mode cannot go through a loop whose number of steps is not known, since the values of "
        "every step would have to be kept. Use a solve (fixed_point, root), whose derivative does not need the steps, "
        "or a loop with a fixed number of steps (fori_loop, scan); forward mode (jvp, jacfwd) goes through while_loop.";
    o.samples = control::while_samples;
    o.plain = control::plain_while;
    return o;
  }();
  return op;
}

}  // namespace dini::detail
