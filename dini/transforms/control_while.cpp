// while: forward mode and batches of a loop whose number of steps is not known.
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
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

}  // namespace control

const Op& while_op() {
  static const Op op = [] {
    Op o;
    o.name = "while";
    o.infer = [](std::span<const Aval>, const Params& params) { return params.program("body")->output_avals(); };
    o.joint = control::joint_while;
    o.batch = control::batch_while;
    o.no_transpose =
        "while_loop: reverse mode cannot go through a loop whose number of steps is not known, since the values of "
        "every "
        "step would have to be kept. Use a solve (fixed_point, root), whose derivative does not need the steps, or a "
        "loop "
        "with a fixed number of steps (fori_loop, scan); forward mode (jvp, jacfwd) goes through while_loop.";
    return o;
  }();
  return op;
}

}  // namespace dini::detail
