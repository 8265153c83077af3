// The ops that hold Programs: call, cond, while, scan, and the rules that transform those Programs.
#include "dini/transforms/control.hpp"

#include <algorithm>
#include <stdexcept>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/transforms/callable.hpp"
#include "dini/transforms/control_ops.hpp"
#include "dini/transforms/derive.hpp"
#include "dini/transforms/host.hpp"

namespace dini {

namespace detail {

using Programs = std::vector<ProgramRef>;
using Mask = std::vector<bool>;

static Leaves part(const Leaves& v, std::size_t first, std::size_t last) {
  return {v.begin() + static_cast<std::ptrdiff_t>(first), v.begin() + static_cast<std::ptrdiff_t>(last)};
}
static Leaves join(Leaves a, const Leaves& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
static Mask mask_part(const Mask& v, std::size_t first, std::size_t last) {
  return {v.begin() + static_cast<std::ptrdiff_t>(first), v.begin() + static_cast<std::ptrdiff_t>(last)};
}
static Leaves only(const Leaves& v, const Mask& mask) {
  Leaves out;
  for (std::size_t k = 0; k < v.size(); ++k) {
    if (mask[k]) out.push_back(v[k]);
  }
  return out;
}
static Leaves spread(const Leaves& some, const Mask& mask) {
  Leaves out;
  std::size_t next = 0;
  for (bool m : mask) out.push_back(m ? some[next++] : Array());
  return out;
}
static Mask defined(std::span<const Array> v) {
  Mask out;
  for (const Array& a : v) out.push_back(a.defined());
  return out;
}
static Mask either(const Mask& a, const Mask& b) {
  Mask out = a;
  for (std::size_t k = 0; k < b.size(); ++k) out[k] = out[k] || b[k];
  return out;
}
static std::size_t count(const Mask& m) { return static_cast<std::size_t>(std::count(m.begin(), m.end(), true)); }

// ---- Branches: call is the one without an index ------------------------------------------------------------------------

static Programs branches_of(const Params& params) {
  if (params.has("program")) return {params.program("program")};
  return params.get<Programs>("branches");
}
static bool has_index(const Params& params) { return !params.has("program"); }

static Leaves emit_branches(const Params& like, const Programs& programs, const Leaves& index, const Leaves& operands) {
  if (!has_index(like)) { return emit(call_op(), operands, {{"program", programs[0]}, {"name", like.text("name")}}); }
  return emit(cond_op(), join(index, operands), {{"branches", programs}});
}

static std::vector<Aval> infer_branches(std::span<const Aval>, const Params& params) {
  std::vector<Aval> out = branches_of(params)[0]->output_avals();
  for (const ProgramRef& p : branches_of(params)) {
    const std::vector<Aval> other = p->output_avals();
    for (std::size_t k = 0; k < out.size(); ++k) out[k].weak = out[k].weak && other[k].weak;
  }
  return out;
}

static Linearized linearize_branches(const LinearizeCall& call) {
  const Programs programs = branches_of(call.params);
  const std::size_t first = has_index(call.params) ? 1 : 0;
  const Leaves in(call.in.begin(), call.in.end());
  const Leaves index = part(in, 0, first), operands = part(in, first, in.size());
  const Mask active = mask_part(call.active, first, call.active.size());
  Mask out_active;
  for (const ProgramRef& p : programs) {
    const Mask m = linear_program(p, active).out_active;
    out_active = out_active.empty() ? m : either(out_active, m);
  }
  // The residuals of all branches stand side by side; each branch fills its own and leaves zeros in the others'.
  std::vector<LinearProgram> linear;
  std::vector<Aval> residual_avals;
  for (const ProgramRef& p : programs) {
    linear.push_back(linear_program(p, active, out_active));
    const std::vector<Aval> out = linear.back().primal->output_avals();
    residual_avals.insert(residual_avals.end(), out.end() - static_cast<std::ptrdiff_t>(linear.back().residuals),
                          out.end());
  }
  const std::size_t outputs = programs[0]->outputs.size();
  const std::size_t tangents = count(active);
  Programs primal, tangent;
  std::size_t before = 0;
  for (std::size_t b = 0; b < programs.size(); ++b) {
    const LinearProgram& own = linear[b];
    const std::size_t after = before + own.residuals;
    if (programs.size() == 1) {
      primal.push_back(own.primal);
      tangent.push_back(own.tangent);
      break;
    }
    primal.push_back(stage_closed(
        [&](const Leaves& inputs) {
          const Leaves own_out = evaluate(*own.primal, inputs);
          Leaves out = part(own_out, 0, outputs);
          for (std::size_t k = 0; k < residual_avals.size(); ++k) {
            const bool mine = k >= before && k < after;
            out.push_back(mine ? own_out[outputs + k - before]
                               : zeros(residual_avals[k].shape, residual_avals[k].dtype));
          }
          return out;
        },
        programs[b]->input_avals(), "linearize"));
    std::vector<Aval> avals = own.tangent->input_avals();
    avals.resize(tangents);
    avals.insert(avals.end(), residual_avals.begin(), residual_avals.end());
    tangent.push_back(stage_closed(
        [&](const Leaves& inputs) {
          return evaluate(*own.tangent,
                          join(part(inputs, 0, tangents), part(inputs, tangents + before, tangents + after)));
        },
        avals, "linearize"));
    before = after;
  }
  const Leaves all = emit_branches(call.params, primal, index, operands);
  const Leaves residuals = part(all, outputs, all.size());
  const Params params = call.params;
  return {part(all, 0, outputs), [=](const Leaves& given) {
            const Leaves dx = only(part(given, first, given.size()), active);
            return spread(emit_branches(params, tangent, index, join(dx, residuals)), out_active);
          }};
}

static std::pair<Leaves, Leaves> joint_branches(const JvpCall& call) {
  const Programs programs = branches_of(call.params);
  const std::size_t first = has_index(call.params) ? 1 : 0;
  const Leaves in(call.in.begin(), call.in.end()), given(call.tangents.begin(), call.tangents.end());
  const Leaves dx = part(given, first, given.size());
  const Mask active = defined(dx);
  Mask out_active;
  for (const ProgramRef& p : programs) {
    const Mask m = jvp_program(p, active).out_active;
    out_active = out_active.empty() ? m : either(out_active, m);
  }
  Programs both;
  for (const ProgramRef& p : programs) both.push_back(jvp_program(p, active, out_active).program);
  const Leaves all =
      emit_branches(call.params, both, part(in, 0, first), join(part(in, first, in.size()), only(dx, active)));
  const std::size_t n = programs[0]->outputs.size();
  return {part(all, 0, n), spread(part(all, n, all.size()), out_active)};
}

static Leaves transpose_branches(const TransposeCall& call) {
  const Programs programs = branches_of(call.params);
  const std::size_t first = has_index(call.params) ? 1 : 0;
  const Leaves in(call.in.begin(), call.in.end());
  const Leaves operands = part(in, first, in.size());
  Mask linear = defined(operands);
  linear.flip();
  Leaves cotangents;
  const std::vector<Aval> out = programs[0]->output_avals();
  for (std::size_t k = 0; k < out.size(); ++k) cotangents.push_back(instantiate(call.cotangents[k], out[k]));
  Programs transposed;
  for (const ProgramRef& p : programs) transposed.push_back(transpose_program(p, linear));
  Mask known = linear;
  known.flip();
  const Leaves sent =
      emit_branches(call.params, transposed, part(in, 0, first), join(cotangents, only(operands, known)));
  return join(Leaves(first), spread(sent, linear));
}

static Batched batch_branches(const BatchCall& call) {
  const Programs programs = branches_of(call.params);
  const std::size_t first = has_index(call.params) ? 1 : 0;
  const Leaves in(call.in.begin(), call.in.end());
  const Leaves operands = part(in, first, in.size());
  const Mask batched = mask_part(call.batched, first, call.batched.size());
  const bool lane_index = first == 1 && call.batched[0];
  Mask want(programs[0]->outputs.size(), lane_index);
  for (const ProgramRef& p : programs) want = either(want, batch_program(p, batched, call.size).out_batched);
  Programs made;
  for (const ProgramRef& p : programs) made.push_back(batch_program(p, batched, call.size, want).program);
  if (!lane_index) return {emit_branches(call.params, made, part(in, 0, first), operands), want};
  // Lanes take different branches: all are run, and each lane keeps its own.
  Leaves out;
  for (std::size_t b = 0; b < made.size(); ++b) {
    const Leaves these = emit(call_op(), operands, {{"program", made[b]}, {"name", std::string("branch")}});
    if (b == 0) {
      out = these;
      continue;
    }
    const Array mine =
        b + 1 == made.size() ? in[0] >= static_cast<std::int64_t>(b) : in[0] == static_cast<std::int64_t>(b);
    for (std::size_t k = 0; k < out.size(); ++k) {
      Shape lanes{call.size};
      while (lanes.ndim() < out[k].ndim()) lanes.append(1);
      out[k] = where(reshape(mine, lanes), these[k], out[k]);
    }
  }
  return {out, want};
}

static Op branches_record(std::string name) {
  Op op;
  op.name = std::move(name);
  op.infer = infer_branches;
  op.linearize = linearize_branches;
  op.joint = joint_branches;
  op.transpose = transpose_branches;
  op.batch = batch_branches;
  return op;
}

const Op& call_op() {
  static const Op op = [] {
    Op o = branches_record("call");
    o.inlined = [](const Params& params, std::span<const Aval>) { return params.program("program"); };
    return o;
  }();
  return op;
}

const Op& cond_op() {
  static const Op op = branches_record("cond");
  return op;
}

// ---- while -----------------------------------------------------------------------------------------------------------

struct WhileParts {
  ProgramRef condition, body;
  std::size_t carry, cond_captured;
};
static WhileParts parts_of_while(const Params& p) {
  return {p.program("cond"), p.program("body"), static_cast<std::size_t>(p.integer("carry")),
          static_cast<std::size_t>(p.integer("cond_captured"))};
}
static Params while_params(ProgramRef condition, ProgramRef body, std::size_t carry, std::size_t cond_captured) {
  return {{"cond", std::move(condition)},
          {"body", std::move(body)},
          {"carry", static_cast<std::int64_t>(carry)},
          {"cond_captured", static_cast<std::int64_t>(cond_captured)}};
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

const Op& while_op() {
  static const Op op = [] {
    Op o;
    o.name = "while";
    o.infer = [](std::span<const Aval>, const Params& params) { return params.program("body")->output_avals(); };
    o.joint = joint_while;
    o.batch = batch_while;
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

// ---- scan ------------------------------------------------------------------------------------------------------------

struct ScanParts {
  ProgramRef body;
  std::int64_t length;
  std::size_t carry, xs;
  bool reverse;
};
static ScanParts parts_of_scan(const Params& p) {
  return {p.program("body"), p.integer("length"), static_cast<std::size_t>(p.integer("carry")),
          static_cast<std::size_t>(p.integer("xs")), p.flag("reverse")};
}
static Params scan_params(ProgramRef body, std::int64_t length, std::size_t carry, std::size_t xs, bool reverse) {
  return {{"body", std::move(body)},
          {"length", length},
          {"carry", static_cast<std::int64_t>(carry)},
          {"xs", static_cast<std::int64_t>(xs)},
          {"reverse", reverse}};
}

// Which of the body's inputs are active once the carry's activity has settled.
static Mask scan_active(const ScanParts& s, Mask active) {
  for (;;) {
    const Mask out = linear_program(s.body, active).out_active;
    Mask next = active;
    for (std::size_t k = 0; k < s.carry; ++k) next[k] = next[k] || out[k];
    if (next == active) return active;
    active = next;
  }
}

// Where the pieces of a scan's Program inputs go when tangents or other inputs are added to each of the three groups.
struct Groups {
  Leaves carry, xs, captured;
};
static std::vector<Aval> lined_up(const std::vector<Aval>& a, const std::vector<Aval>& b, const std::vector<Aval>& c) {
  std::vector<Aval> out = a;
  out.insert(out.end(), b.begin(), b.end());
  out.insert(out.end(), c.begin(), c.end());
  return out;
}

static Linearized linearize_scan(const LinearizeCall& call) {
  const ScanParts s = parts_of_scan(call.params);
  const Leaves in(call.in.begin(), call.in.end());
  const Mask active = scan_active(s, call.active);
  Mask want(s.body->outputs.size(), false);
  for (std::size_t k = 0; k < s.carry; ++k) want[k] = active[k];
  const LinearProgram linear = linear_program(s.body, active, want);
  const std::size_t outputs = s.body->outputs.size(), n = s.carry;
  // A residual that is one of the captured inputs is the same at each step, and one that is an x is there already: they
  // are passed on. The others are stacked by the primal scan.
  enum class From { step, xs, captured };
  std::vector<std::pair<From, std::size_t>> origin;
  std::vector<int> stacked_outputs;
  for (std::size_t r = 0; r < linear.residuals; ++r) {
    const int v = linear.primal->outputs[outputs + r];
    const auto& inputs = linear.primal->inputs;
    const auto place = static_cast<std::size_t>(std::find(inputs.begin(), inputs.end(), v) - inputs.begin());
    if (place < inputs.size() && place >= n + s.xs)
      origin.emplace_back(From::captured, place);
    else if (place < inputs.size() && place >= n)
      origin.emplace_back(From::xs, place);
    else {
      origin.emplace_back(From::step, stacked_outputs.size());
      stacked_outputs.push_back(v);
    }
  }
  auto primal = std::make_shared<Program>();
  primal->variables = linear.primal->variables;
  primal->inputs = linear.primal->inputs;
  primal->constants = linear.primal->constants;
  primal->equations = linear.primal->equations;
  primal->outputs.assign(linear.primal->outputs.begin(),
                         linear.primal->outputs.begin() + static_cast<std::ptrdiff_t>(outputs));
  primal->outputs.insert(primal->outputs.end(), stacked_outputs.begin(), stacked_outputs.end());
  const Leaves all = emit(scan_op(), in, scan_params(primal, s.length, n, s.xs, s.reverse));

  // The tangent scan: carry [dc...], xs [dx..., residuals that vary...], captured [dcaptured..., residuals that do not...].
  const Mask carry_active = mask_part(active, 0, n), xs_active = mask_part(active, n, n + s.xs),
             captured_active = mask_part(active, n + s.xs, active.size());
  const std::size_t nc = count(carry_active), nx = count(xs_active), nk = count(captured_active);
  Leaves varying, fixed;
  std::vector<std::size_t> place_of(linear.residuals);  // in [varying..., fixed...]
  for (std::size_t r = 0; r < linear.residuals; ++r) {
    if (origin[r].first == From::captured) continue;
    place_of[r] = varying.size();
    varying.push_back(origin[r].first == From::xs ? in[origin[r].second] : all[outputs + origin[r].second]);
  }
  for (std::size_t r = 0; r < linear.residuals; ++r) {
    if (origin[r].first != From::captured) continue;
    place_of[r] = varying.size() + fixed.size();
    fixed.push_back(in[origin[r].second]);
  }
  const std::vector<Aval> tangent_in = linear.tangent->input_avals();
  auto sub = [&](std::size_t a, std::size_t b) {
    return std::vector<Aval>(tangent_in.begin() + static_cast<std::ptrdiff_t>(a),
                             tangent_in.begin() + static_cast<std::ptrdiff_t>(b));
  };
  std::vector<Aval> varying_avals(varying.size()), fixed_avals(fixed.size());
  for (std::size_t r = 0; r < linear.residuals; ++r) {
    const Aval& a = tangent_in[nc + nx + nk + r];
    (place_of[r] < varying.size() ? varying_avals[place_of[r]] : fixed_avals[place_of[r] - varying.size()]) = a;
  }
  std::vector<Aval> xs_avals = sub(nc, nc + nx), captured_avals = sub(nc + nx, nc + nx + nk);
  xs_avals.insert(xs_avals.end(), varying_avals.begin(), varying_avals.end());
  captured_avals.insert(captured_avals.end(), fixed_avals.begin(), fixed_avals.end());
  const std::size_t nv = varying.size();
  const ProgramRef body = stage_closed(
      [&](const Leaves& a) {
        Leaves inputs = part(a, 0, nc + nx);
        const Leaves moving = part(a, nc + nx, nc + nx + nv), dk = part(a, nc + nx + nv, nc + nx + nv + nk),
                     still = part(a, nc + nx + nv + nk, a.size());
        inputs = join(std::move(inputs), dk);
        for (std::size_t r = 0; r < linear.residuals; ++r) {
          inputs.push_back(place_of[r] < nv ? moving[place_of[r]] : still[place_of[r] - nv]);
        }
        return evaluate(*linear.tangent, inputs);
      },
      lined_up(sub(0, nc), xs_avals, captured_avals), "scan");
  const Mask out_active = linear.out_active;
  std::vector<Aval> carry_avals;
  for (std::size_t k = 0; k < n; ++k) carry_avals.push_back(in[k].aval());
  return {part(all, 0, outputs), [=](const Leaves& given) {
            Leaves inputs;
            for (std::size_t k = 0; k < n; ++k) {
              if (carry_active[k]) inputs.push_back(instantiate(given[k], carry_avals[k]));
            }
            inputs = join(join(std::move(inputs), only(part(given, n, n + s.xs), xs_active)), varying);
            inputs = join(join(std::move(inputs), only(part(given, n + s.xs, given.size()), captured_active)), fixed);
            return spread(emit(scan_op(), inputs, scan_params(body, s.length, nc, nx + nv, s.reverse)), out_active);
          }};
}

static std::pair<Leaves, Leaves> joint_scan(const JvpCall& call) {
  const ScanParts s = parts_of_scan(call.params);
  const Leaves in(call.in.begin(), call.in.end()), dx(call.tangents.begin(), call.tangents.end());
  const Mask active = scan_active(s, defined(dx));
  const std::size_t n = s.carry, m = n + s.xs, outputs = s.body->outputs.size();
  Mask want(outputs, false);
  for (std::size_t k = 0; k < n; ++k) want[k] = active[k];
  const JvpProgram both = jvp_program(s.body, active, want);
  const std::size_t nc = count(mask_part(active, 0, n)), nx = count(mask_part(active, n, m));
  const std::size_t n_captured = in.size() - m;
  std::vector<Aval> a = both.program->input_avals();
  auto sub = [&](std::size_t first, std::size_t last) {
    return std::vector<Aval>(a.begin() + static_cast<std::ptrdiff_t>(first),
                             a.begin() + static_cast<std::ptrdiff_t>(last));
  };
  const std::size_t t = in.size();  // where tangents begin
  const ProgramRef body = stage_closed(
      [&](const Leaves& v) {
        // [c, dc | x, dx | k, dk] -> [c, x, k, dc, dx, dk], and [c, y, dc, dy] -> [c, dc, y, dy]
        const std::size_t x = n + nc, k = x + s.xs + nx;
        Leaves inputs = join(join(part(v, 0, n), part(v, x, x + s.xs)), part(v, k, k + n_captured));
        inputs =
            join(join(join(std::move(inputs), part(v, n, x)), part(v, x + s.xs, k)), part(v, k + n_captured, v.size()));
        const Leaves out = evaluate(*both.program, inputs);
        return join(join(part(out, 0, n), part(out, outputs, outputs + nc)),
                    join(part(out, n, outputs), part(out, outputs + nc, out.size())));
      },
      [&] {
        std::vector<Aval> order = sub(0, n);
        for (auto piece :
             {sub(t, t + nc), sub(n, m), sub(t + nc, t + nc + nx), sub(m, t), sub(t + nc + nx, a.size())}) {
          order.insert(order.end(), piece.begin(), piece.end());
        }
        return order;
      }(),
      "scan");
  Leaves dc;
  for (std::size_t k = 0; k < n; ++k) {
    if (active[k]) dc.push_back(instantiate(dx[k], in[k].aval()));
  }
  Leaves inputs = join(part(in, 0, n), dc);
  inputs = join(join(std::move(inputs), part(in, n, m)), only(part(dx, n, m), mask_part(active, n, m)));
  inputs = join(join(std::move(inputs), part(in, m, t)), only(part(dx, m, t), mask_part(active, m, t)));
  const Leaves out = emit(scan_op(), inputs, scan_params(body, s.length, n + nc, s.xs + nx, s.reverse));
  const std::size_t ys = outputs - n;
  const Leaves tangents = join(part(out, n, n + nc), part(out, n + nc + ys, out.size()));
  return {join(part(out, 0, n), part(out, n + nc, n + nc + ys)), spread(tangents, both.out_active)};
}

// Which outputs depend on the inputs marked.
static Mask dependent_outputs(const Program& p, const Mask& inputs) {
  Mask depends(p.variables.size(), false), out;
  for (std::size_t k = 0; k < p.inputs.size(); ++k) depends[static_cast<std::size_t>(p.inputs[k])] = inputs[k];
  for (const Equation& e : p.equations) {
    const bool any =
        std::any_of(e.inputs.begin(), e.inputs.end(), [&](int v) { return depends[static_cast<std::size_t>(v)]; });
    for (int v : e.outputs) depends[static_cast<std::size_t>(v)] = any;
  }
  for (int v : p.outputs) out.push_back(depends[static_cast<std::size_t>(v)]);
  return out;
}

static Leaves transpose_scan_without(const TransposeCall& call, const Mask& linear);

// The transposed scan runs the other way: its carry is [ct of the carry..., ct gathered for captured...], its xs are
// [ct of ys..., xs that are known...], its ys are the ct of the xs that are not.
static Leaves transpose_scan(const TransposeCall& call) {
  const ScanParts s = parts_of_scan(call.params);
  const Leaves in(call.in.begin(), call.in.end());
  const std::size_t n = s.carry, m = n + s.xs;
  Mask linear = defined(in);
  linear.flip();
  // A carry that starts as a known value and comes to depend on what is transposed is linear, too; its start has no
  // cotangent. One that never does (a counter) is computed first, and then goes along as an x.
  const Mask wanted = linear;
  for (;;) {
    const Mask out = dependent_outputs(*s.body, linear);
    Mask next = linear;
    for (std::size_t k = 0; k < n; ++k) next[k] = next[k] || out[k];
    if (next == linear) break;
    linear = next;
  }
  if (count(mask_part(linear, 0, n)) < n) return transpose_scan_without(call, linear);
  const Mask xs_linear = mask_part(linear, n, m), captured_linear = mask_part(linear, m, in.size());
  Mask xs_known = xs_linear, captured_known = captured_linear;
  xs_known.flip();
  captured_known.flip();
  const std::size_t nx = count(xs_linear), nk = count(captured_linear), ny = s.body->outputs.size() - n;
  const ProgramRef transposed =
      transpose_program(s.body, linear);  // [ct c, ct y, known x, known k] -> [ct c, ct x, ct k]
  const std::vector<Aval> a = transposed->input_avals();
  const std::vector<Aval> body_in = s.body->input_avals();
  std::vector<Aval> avals(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(n));
  Leaves init;
  for (std::size_t k = 0; k < n; ++k) init.push_back(instantiate(call.cotangents[k], call.in_avals[k]));
  for (std::size_t k = m; k < in.size(); ++k) {
    if (!linear[k]) continue;
    avals.push_back({body_in[k].shape, body_in[k].dtype, false});
    init.push_back(zeros(body_in[k].shape, body_in[k].dtype));
  }
  avals.insert(avals.end(), a.begin() + static_cast<std::ptrdiff_t>(n), a.end());
  const ProgramRef body = stage_closed(
      [&](const Leaves& v) {
        const Leaves out = evaluate(*transposed, join(part(v, 0, n), part(v, n + nk, v.size())));
        Leaves carry = part(out, 0, n);
        for (std::size_t k = 0; k < nk; ++k) carry.push_back(v[n + k] + out[n + nx + k]);
        return join(std::move(carry), part(out, n, n + nx));
      },
      avals, "scan");
  Leaves xs;
  for (std::size_t k = 0; k < ny; ++k) {
    const Aval y = s.body->variables[s.body->outputs[n + k]];
    xs.push_back(instantiate(call.cotangents[n + k], {prepend(s.length, y.shape), y.dtype, false}));
  }
  xs = join(std::move(xs), only(part(in, n, m), xs_known));
  const Leaves inputs = join(join(init, xs), only(part(in, m, in.size()), captured_known));
  const Leaves out = emit(scan_op(), inputs, scan_params(body, s.length, n + nk, xs.size(), !s.reverse));
  Leaves sent = join(join(part(out, 0, n), spread(part(out, n + nk, out.size()), xs_linear)),
                     spread(part(out, n, n + nk), captured_linear));
  for (std::size_t k = 0; k < sent.size(); ++k) {
    if (!wanted[k]) sent[k] = Array();
  }
  return sent;
}

static Leaves transpose_scan_without(const TransposeCall& call, const Mask& linear) {
  const ScanParts s = parts_of_scan(call.params);
  const Leaves in(call.in.begin(), call.in.end());
  const std::size_t n = s.carry, m = n + s.xs;
  const std::vector<Aval> avals = s.body->input_avals();
  Mask known_carry = mask_part(linear, 0, n), known = linear;
  known_carry.flip();
  known.flip();
  const std::size_t nc = count(known_carry);
  std::vector<Aval> known_avals;
  for (std::size_t k = 0; k < avals.size(); ++k) {
    if (known[k]) known_avals.push_back(avals[k]);
  }
  const ProgramRef forward = stage_closed(
      [&](const Leaves& v) {
        Leaves inputs = spread(v, known);
        for (std::size_t k = 0; k < inputs.size(); ++k) inputs[k] = instantiate(inputs[k], avals[k]);
        return join(only(part(evaluate(*s.body, inputs), 0, n), known_carry), part(v, 0, nc));
      },
      known_avals, "scan");
  const Leaves seen =
      emit(scan_op(), only(in, known), scan_params(forward, s.length, nc, count(mask_part(known, n, m)), s.reverse));
  // The same scan with the known carries moved behind the xs.
  auto body = std::make_shared<Program>();
  body->variables = s.body->variables;
  body->constants = s.body->constants;
  body->equations = s.body->equations;
  std::vector<std::size_t> place;  // of the new inputs among the old ones
  for (std::size_t k = 0; k < n; ++k) {
    if (!known_carry[k]) place.push_back(k);
  }
  const std::size_t carry = place.size();
  for (std::size_t k = n; k < m; ++k) place.push_back(k);
  for (std::size_t k = 0; k < n; ++k) {
    if (known_carry[k]) place.push_back(k);
  }
  for (std::size_t k = m; k < in.size(); ++k) place.push_back(k);
  Leaves inputs, cotangents;
  std::vector<Aval> in_avals;
  std::size_t next = nc;
  for (std::size_t k : place) {
    const bool moved = k < n && known_carry[k];
    body->inputs.push_back(s.body->inputs[k]);
    inputs.push_back(moved ? seen[next++] : in[k]);
    in_avals.push_back(moved ? inputs.back().aval() : call.in_avals[k]);
  }
  for (std::size_t k = 0; k < s.body->outputs.size(); ++k) {
    if (k < n && known_carry[k]) continue;
    body->outputs.push_back(s.body->outputs[k]);
    cotangents.push_back(call.cotangents[k]);
  }
  const Params params = scan_params(body, s.length, carry, s.xs + nc, s.reverse);
  const Leaves some = transpose_scan({params, inputs, in_avals, cotangents});
  Leaves sent(in.size());
  for (std::size_t k = 0; k < place.size(); ++k) {
    if (place[k] >= n || !known_carry[place[k]]) sent[place[k]] = some[k];
  }
  return sent;
}

static Batched batch_scan(const BatchCall& call) {
  const ScanParts s = parts_of_scan(call.params);
  Leaves in(call.in.begin(), call.in.end());
  const std::size_t n = s.carry;
  Mask batched = call.batched;
  for (;;) {
    const Mask out = batch_program(s.body, batched, call.size).out_batched;
    Mask next = batched;
    for (std::size_t k = 0; k < n; ++k) next[k] = next[k] || out[k];
    if (next == batched) break;
    batched = next;
  }
  const BatchProgram body = batch_program(s.body, batched, call.size, mask_part(batched, 0, n));
  for (std::size_t k = 0; k < n; ++k) {
    if (batched[k] && !call.batched[k]) in[k] = repeat_leading(in[k], call.size);
  }
  for (std::size_t k = n; k < n + s.xs; ++k) {
    if (batched[k]) in[k] = moveaxis(in[k], 0, 1);  // steps in front, lanes behind them
  }
  Leaves out = emit(scan_op(), in, scan_params(body.program, s.length, n, s.xs, s.reverse));
  for (std::size_t k = n; k < out.size(); ++k) {
    if (body.out_batched[k]) out[k] = moveaxis(out[k], 1, 0);
  }
  return {out, body.out_batched};
}

const Op& scan_op() {
  static const Op op = [] {
    Op o;
    o.name = "scan";
    o.infer = [](std::span<const Aval>, const Params& params) {
      std::vector<Aval> out = params.program("body")->output_avals();
      for (std::size_t k = static_cast<std::size_t>(params.integer("carry")); k < out.size(); ++k) {
        out[k] = {prepend(params.integer("length"), out[k].shape), out[k].dtype, false};
      }
      return out;
    };
    o.linearize = linearize_scan;
    o.joint = joint_scan;
    o.transpose = transpose_scan;
    o.batch = batch_scan;
    return o;
  }();
  return op;
}

// ---- The functions that users call, on leaves ---------------------------------------------------------------------------

static std::string list(const std::vector<Aval>& avals) {
  std::string s;
  for (const Aval& a : avals) s += (s.empty() ? "" : ", ") + a.str();
  return "[" + s + "]";
}

static bool same_types(const std::vector<Aval>& a, const std::vector<Aval>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (a[k].shape != b[k].shape || a[k].dtype != b[k].dtype) return false;
  }
  return true;
}

// A state that enters as a C++ number or weak array must keep its type from step to step.
static Leaves strong(const Leaves& leaves) {
  Leaves out;
  for (const Array& a : leaves) out.push_back(a.weak() ? astype(a, a.dtype()) : a);
  return out;
}

// Traces of several functions share their operands; each gets the captured values of the others as inputs it ignores.
static Programs unify_captured(const std::vector<Staged>& staged, std::size_t operands, Leaves& captured) {
  for (const Staged& s : staged) {
    for (const Array& a : s.captured) {
      auto same = [&](const Array& b) { return b.node() == a.node(); };
      if (std::none_of(captured.begin(), captured.end(), same)) captured.push_back(a);
    }
  }
  Programs out;
  for (const Staged& s : staged) {
    if (s.captured.size() == captured.size() &&
        std::equal(captured.begin(), captured.end(), s.captured.begin(),
                   [](const Array& a, const Array& b) { return a.node() == b.node(); })) {
      out.push_back(s.program);
      continue;
    }
    std::vector<Aval> avals = s.program->input_avals();
    avals.resize(operands);
    for (const Array& a : captured) avals.push_back(a.aval());
    out.push_back(stage_closed(
        [&](const Leaves& in) {
          Leaves inputs = part(in, 0, operands);
          for (const Array& a : s.captured) {
            for (std::size_t k = 0; k < captured.size(); ++k) {
              if (captured[k].node() == a.node()) inputs.push_back(in[operands + k]);
            }
          }
          return evaluate(*s.program, inputs);
        },
        avals, "cond"));
  }
  return out;
}

Leaves switch_leaves(const Array& index, const std::vector<ErasedFunction>& branches, const Leaves& operands) {
  if (index.ndim() != 0 || is_floating(index.dtype())) {
    throw ShapeError("cond: the condition must be a boolean or integer scalar, and is " + index.aval().str());
  }
  const std::int64_t last = static_cast<std::int64_t>(branches.size()) - 1;
  if (is_readable(index)) {
    const std::int64_t k = std::clamp<std::int64_t>(index.item<std::int64_t>(), 0, last);
    return branches[static_cast<std::size_t>(k)](operands);
  }
  std::vector<Staged> staged;
  for (const ErasedFunction& f : branches) staged.push_back(stage(f, avals_of_leaves(operands), "cond"));
  for (const Staged& s : staged) {
    if (!same_types(s.program->output_avals(), staged[0].program->output_avals())) {
      throw ShapeError("cond: the branches return " + list(staged[0].program->output_avals()) + " and " +
                       list(s.program->output_avals()));
    }
  }
  Leaves captured;
  const Programs programs = unify_captured(staged, operands.size(), captured);
  const Array clamped = clip(astype(index, Dtype::int64), Array(0), Array(last));
  return emit(cond_op(), join(join({clamped}, operands), captured), {{"branches", programs}});
}

Leaves while_leaves(const std::function<Array(const Leaves&)>& condition, const ErasedFunction& body,
                    const Leaves& init) {
  const Leaves start = strong(init);
  const std::vector<Aval> avals = avals_of_leaves(start);
  const Staged c = stage([&](const Leaves& s) { return Leaves{condition(s)}; }, avals, "while_loop");
  const std::vector<Aval> answer = c.program->output_avals();
  if (answer[0].shape.ndim() != 0 || answer[0].dtype != Dtype::bool_) {
    throw ShapeError("while_loop: the condition must be a boolean scalar, and is " + answer[0].str());
  }
  const Staged b = stage([&](const Leaves& s) { return strong(body(s)); }, avals, "while_loop");
  if (!same_types(avals, b.program->output_avals())) {
    throw ShapeError("while_loop: the state went in as " + list(avals) + " and came out of the body as " +
                     list(b.program->output_avals()));
  }
  return emit(while_op(), join(join(start, c.captured), b.captured),
              while_params(c.program, b.program, start.size(), c.captured.size()));
}

Leaves loop_leaves(const std::function<Array(const Leaves&)>& condition, const ErasedFunction& body, Leaves state,
                   std::int64_t at_most) {
  const Array first = condition(state);
  if (is_readable(first)) {
    for (std::int64_t k = 0; k < at_most; ++k) {
      if (!(k == 0 ? first : condition(state)).item<bool>()) break;
      state = body(state);
    }
    return state;
  }
  state.push_back(array(std::int64_t{0}));
  auto inner = [](const Leaves& s) { return part(s, 0, s.size() - 1); };
  Leaves out = while_leaves([&](const Leaves& s) { return (s.back() < at_most) & condition(inner(s)); },
                            [&](const Leaves& s) { return join(body(inner(s)), {s.back() + 1}); }, state);
  out.pop_back();
  return out;
}

std::int64_t scan_length(const Leaves& xs, std::optional<std::int64_t> length) {
  for (const Array& x : xs) {
    if (x.ndim() == 0) throw ShapeError("scan: xs has a scalar, which has no axis to go along");
    if (!length) length = x.shape()[0];
    if (x.shape()[0] != *length) {
      throw ShapeError("scan: " + std::to_string(*length) + " steps, but an x has shape " + x.shape().str());
    }
  }
  if (!length || *length < 0) throw ShapeError("scan: needs xs or a length of 0 or more");
  return *length;
}

Leaves scan_leaves(const ErasedFunction& body, const Leaves& init, const Leaves& xs, std::int64_t length,
                   bool reverse) {
  const Leaves start = strong(init);
  std::vector<Aval> avals = avals_of_leaves(start);
  for (const Array& x : xs) avals.push_back({x.shape().erased(0), x.dtype(), x.weak()});
  const Staged b = stage([&](const Leaves& s) { return strong(body(s)); }, avals, "scan");
  std::vector<Aval> out = b.program->output_avals();
  out.resize(start.size());
  if (!same_types(avals_of_leaves(start), out)) {
    throw ShapeError("scan: the carry went in as " + list(avals_of_leaves(start)) + " and came out of the body as " +
                     list(out));
  }
  return emit(scan_op(), join(join(start, xs), b.captured),
              scan_params(b.program, length, start.size(), xs.size(), reverse));
}

}  // namespace detail

OpList control_ops() {
  static const Op* const list[] = {&detail::call_op(), &detail::cond_op(), &detail::while_op(), &detail::scan_op(),
                                   &detail::callback_op()};
  return list;
}

}  // namespace dini
