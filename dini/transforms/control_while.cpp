// while: forward mode and batches of a loop whose number of steps is not known.
#include <cmath>

#include "dini/ops/elementwise.hpp"
#include "dini/ops/elementwise_build.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_build.hpp"
#include "dini/transforms/control_parts.hpp"

namespace dini::detail {

namespace control {

struct WhileParts {
  ProgramRef condition, body;
  std::size_t carry, cond_captured;
};
static WhileParts parts_of_while(const Params& p) {
  return {p.program("cond"), p.program("body"), static_cast<std::size_t>(p.integer("carry")),
          static_cast<std::size_t>(p.integer("cond_captured"))};
}

static std::pair<Leaves, Leaves> joint_while(const JvpCall& call) {
  const WhileParts w = parts_of_while(call.params);
  const Leaves in(call.in.begin(), call.in.end()), dx(call.tangents.begin(), call.tangents.end());
  const std::size_t start = w.carry + w.cond_captured;
  const Mask captured = defined(part(dx, start, dx.size()));
  // Which carries have a tangent: those that start with one, and those that the body gives one, until nothing changes.
  Mask active = defined(part(dx, 0, w.carry));
  auto all = [&] {
    Mask m = active;
    m.insert(m.end(), captured.begin(), captured.end());
    return m;
  };
  for (;;) {
    const Mask next = either(active, jvp_program(w.body, all()).out_active);
    if (next == active) break;
    active = next;
  }
  const JvpProgram both = jvp_program(w.body, all(), active);
  const std::size_t tangents = count(active), n = w.carry;
  // The carry is [values..., tangents...]; the Programs are put around that order.
  std::vector<Aval> carry_avals = w.body->input_avals();
  const std::vector<Aval> body_captured(carry_avals.begin() + static_cast<std::ptrdiff_t>(n), carry_avals.end());
  carry_avals.resize(n);
  for (std::size_t k = 0; k < n; ++k) {
    if (active[k]) carry_avals.push_back({carry_avals[k].shape, carry_avals[k].dtype, false});
  }
  std::vector<Aval> cond_avals = carry_avals, body_avals = carry_avals;
  const std::vector<Aval> condition_in = w.condition->input_avals();
  cond_avals.insert(cond_avals.end(), condition_in.begin() + static_cast<std::ptrdiff_t>(n), condition_in.end());
  body_avals.insert(body_avals.end(), body_captured.begin(), body_captured.end());
  for (std::size_t k = 0; k < captured.size(); ++k) {
    if (captured[k]) body_avals.push_back({body_captured[k].shape, body_captured[k].dtype, false});
  }
  const ProgramRef condition = stage_closed(
      [&](const Leaves& a) { return evaluate(*w.condition, join(part(a, 0, n), part(a, n + tangents, a.size()))); },
      cond_avals, "while_loop");
  const ProgramRef body = stage_closed(
      [&](const Leaves& a) {
        const std::size_t c = n + tangents, d = c + body_captured.size();
        Leaves inputs = join(part(a, 0, n), part(a, c, d));
        inputs = join(join(std::move(inputs), part(a, n, c)), part(a, d, a.size()));
        return evaluate(*both.program, inputs);
      },
      body_avals, "while_loop");
  Leaves init = part(in, 0, n);
  for (std::size_t k = 0; k < n; ++k) {
    if (active[k]) init.push_back(instantiate(dx[k], in[k].aval()));
  }
  Leaves inputs = join(std::move(init), part(in, n, in.size()));
  inputs = join(std::move(inputs), only(part(dx, start, dx.size()), captured));
  const Leaves out = emit(while_op(), inputs, while_params(condition, body, n + tangents, w.cond_captured));
  return {part(out, 0, n), spread(part(out, n, out.size()), active)};
}

static Batched batch_while(const BatchCall& call) {
  const WhileParts w = parts_of_while(call.params);
  const Leaves in(call.in.begin(), call.in.end());
  const std::size_t n = w.carry, start = n + w.cond_captured;
  const Mask cond_captured = mask_part(call.batched, n, start),
             body_captured = mask_part(call.batched, start, in.size());
  Mask carry = mask_part(call.batched, 0, n);
  auto with = [](Mask a, const Mask& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  };
  for (;;) {
    Mask next = either(carry, batch_program(w.body, with(carry, body_captured), call.size).out_batched);
    if (batch_program(w.condition, with(carry, cond_captured), call.size).out_batched[0]) next = Mask(n, true);
    if (next == carry) break;
    carry = next;
  }
  const BatchProgram condition = batch_program(w.condition, with(carry, cond_captured), call.size);
  const BatchProgram body = batch_program(w.body, with(carry, body_captured), call.size, carry);
  Leaves init = in;
  for (std::size_t k = 0; k < n; ++k) {
    if (carry[k] && !call.batched[k]) init[k] = repeat_leading(in[k], call.size);
  }
  if (!condition.out_batched[0]) {
    return {emit(while_op(), init, while_params(condition.program, body.program, n, w.cond_captured)), carry};
  }
  // Lanes end at different steps: the loop goes on while any lane does, and finished lanes keep their values.
  const ProgramRef any_lane =
      stage_closed([&](const Leaves& a) { return Leaves{any(evaluate(*condition.program, a)[0])}; },
                   condition.program->input_avals(), "while_loop");
  std::vector<Aval> avals = body.program->input_avals();
  const std::vector<Aval> condition_avals = condition.program->input_avals();
  const std::size_t body_inputs = avals.size();
  avals.insert(avals.end(), condition_avals.begin() + static_cast<std::ptrdiff_t>(n), condition_avals.end());
  const ProgramRef masked = stage_closed(
      [&](const Leaves& a) {
        const Leaves before = part(a, 0, n);
        const Array going = evaluate(*condition.program, join(before, part(a, body_inputs, a.size())))[0];
        Leaves after = evaluate(*body.program, part(a, 0, body_inputs));
        for (std::size_t k = 0; k < n; ++k) {
          Shape lanes{call.size};
          while (lanes.ndim() < after[k].ndim()) lanes.append(1);
          after[k] = where(reshape(going, lanes), after[k], before[k]);
        }
        return after;
      },
      avals, "while_loop");
  const Leaves inputs = join(init, part(in, n, start));
  return {emit(while_op(), inputs, while_params(any_lane, masked, n, w.cond_captured)), carry};
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
