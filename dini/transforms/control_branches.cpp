// call and cond: one Program, or one of several, and the rules that transform them. call is the one without an index.
#include <algorithm>
#include <cmath>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_build.hpp"
#include "dini/transforms/control_parts.hpp"
#include "dini/transforms/guarded.hpp"

namespace dini::detail {

namespace control {

// The inputs are [index (of a cond), operands...].
struct BranchParts {
  Programs programs;
  Group index, operands;
  std::size_t outputs;
};
static Programs branches_of(const Params& params) {
  if (params.has("program")) return {params.program("program")};
  return params.get<Programs>("branches");
}
static BranchParts parts_of_branches(const Params& params) {
  Groups in;
  const Programs programs = branches_of(params);
  const Group index = in.next(params.has("program") ? 0 : 1), operands = in.next(programs[0]->inputs.size());
  return {programs, index, operands, programs[0]->outputs.size()};
}

// Outputs of a cond that one of its branches alone looks at again have that branch as their owner; of the others it is -1. Where lanes
// take different branches, all of which are run, an owner keeps its own for all lanes: in a lane that takes another branch zeros would
// be read in their place, which may be no factors of anything.
using Owners = Params::Ints;
static Owners owners_of(const Params& params, std::size_t outputs) {
  return params.has("owners") ? params.ints("owners") : Owners(outputs, -1);
}

static Leaves emit_branches(const Params& like, const Programs& programs, const Leaves& index, const Leaves& operands,
                            const Owners& owners = {}) {
  if (like.has("program")) return emit(call_op(), operands, {{"program", programs[0]}, {"name", like.text("name")}});
  Params params{{"branches", programs}};
  if (std::any_of(owners.begin(), owners.end(), [](std::int64_t b) { return b >= 0; })) params.set("owners", owners);
  return emit(cond_op(), joined({index, operands}), params);
}

static std::vector<Aval> infer_branches(std::span<const Aval>, const Params& params) {
  std::vector<Aval> out = branches_of(params)[0]->output_avals();
  for (const ProgramRef& p : branches_of(params)) {
    const std::vector<Aval> other = p->output_avals();
    for (std::size_t k = 0; k < out.size(); ++k) out[k].weak = out[k].weak && other[k].weak;
  }
  return out;
}

// Of outputs: those that are active in any branch.
template <class OutActive> static Mask active_in_any(const Programs& programs, const OutActive& out_active) {
  Mask all = out_active(programs[0]);
  for (const ProgramRef& p : programs) all = either(all, out_active(p));
  return all;
}

static Owners only_of(const Owners& owners, const Mask& mask) {
  Owners out;
  for (std::size_t k = 0; k < owners.size(); ++k) {
    if (mask[k]) out.push_back(owners[k]);
  }
  return out;
}

static Linearized linearize_branches(const LinearizeCall& call) {
  const BranchParts s = parts_of_branches(call.params);
  const Leaves in(call.in.begin(), call.in.end());
  const Leaves index = s.index.of(in), operands = s.operands.of(in);
  const Mask active = s.operands.of(call.active);
  const Mask out_active =
      active_in_any(s.programs, [&](const ProgramRef& p) { return linear_program(p, active).out_active; });
  // The residuals of all branches stand side by side; each branch fills its own and leaves zeros in the others'.
  std::vector<LinearProgram> linear;
  std::vector<Aval> residual_avals;
  std::vector<Group> own;
  Groups of_residuals;
  for (const ProgramRef& p : s.programs) {
    linear.push_back(linear_program(p, active, out_active));
    own.push_back(of_residuals.next(linear.back().residuals));
    const Group residuals{s.outputs, linear.back().residuals};
    residual_avals = joined({residual_avals, residuals.of(linear.back().primal->output_avals())});
  }
  Programs primal, tangent;
  for (std::size_t b = 0; b < linear.size(); ++b) {
    const LinearProgram& from = linear[b];
    if (linear.size() == 1) {
      primal.push_back(from.primal);
      tangent.push_back(from.tangent);
      break;
    }
    primal.push_back(stage_closed(
        [&](const Leaves& inputs) {
          Leaves out = evaluate(*from.primal, inputs), residuals;
          for (std::size_t k = 0; k < residual_avals.size(); ++k) {
            residuals.push_back(own[b].has(k) ? out[s.outputs + k - own[b].first]
                                              : zeros(residual_avals[k].shape, residual_avals[k].dtype));
          }
          out.resize(s.outputs);
          return joined({out, residuals});
        },
        s.programs[b]->input_avals(), "linearize"));
    const Group dx{0, count(active)}, mine{dx.size + own[b].first, own[b].size};
    tangent.push_back(stage_closed(
        [&](const Leaves& inputs) {
          return evaluate(*from.tangent, joined({dx.of(inputs), mine.of(inputs)}));
        },
        joined({dx.of(from.tangent->input_avals()), residual_avals}), "linearize"));
  }
  Owners owners = owners_of(call.params, s.outputs);
  const Owners of_tangents = only_of(owners, out_active);
  for (std::size_t b = 0; b < own.size(); ++b) owners.insert(owners.end(), own[b].size, static_cast<std::int64_t>(b));
  const Leaves all = emit_branches(call.params, primal, index, operands, owners);
  const Leaves residuals = part(all, s.outputs, all.size());
  const Params params = call.params;
  return {part(all, 0, s.outputs), [=](const Leaves& given) {
            const Leaves dx = only(s.operands.of(given), active);
            return spread(emit_branches(params, tangent, index, joined({dx, residuals}), of_tangents), out_active);
          }};
}

static std::pair<Leaves, Leaves> joint_branches(const JvpCall& call) {
  const BranchParts s = parts_of_branches(call.params);
  const Leaves in(call.in.begin(), call.in.end()), given(call.tangents.begin(), call.tangents.end());
  const Leaves dx = s.operands.of(given);
  const Mask active = defined(dx);
  const Mask out_active =
      active_in_any(s.programs, [&](const ProgramRef& p) { return jvp_program(p, active).out_active; });
  Programs both;
  for (const ProgramRef& p : s.programs) both.push_back(jvp_program(p, active, out_active).program);
  Owners owners = owners_of(call.params, s.outputs);
  const Owners of_tangents = only_of(owners, out_active);
  owners.insert(owners.end(), of_tangents.begin(), of_tangents.end());
  const Leaves all =
      emit_branches(call.params, both, s.index.of(in), joined({s.operands.of(in), only(dx, active)}), owners);
  return {part(all, 0, s.outputs), spread(part(all, s.outputs, all.size()), out_active)};
}

static Leaves transpose_branches(const TransposeCall& call) {
  const BranchParts s = parts_of_branches(call.params);
  const Leaves in(call.in.begin(), call.in.end());
  const Leaves operands = s.operands.of(in);
  const Mask known = defined(operands), linear = flipped(known);
  Leaves cotangents;
  const std::vector<Aval> out = s.programs[0]->output_avals();
  for (std::size_t k = 0; k < out.size(); ++k) cotangents.push_back(instantiate(call.cotangents[k], out[k]));
  Programs transposed;
  for (const ProgramRef& p : s.programs) transposed.push_back(transpose_program(p, linear));
  const Leaves sent =
      emit_branches(call.params, transposed, s.index.of(in), joined({cotangents, only(operands, known)}));
  return joined({Leaves(s.index.size), spread(sent, linear)});
}

// A branch's outputs in the lanes that are `mine`; of no use in others, and zeros where there are none.
static Leaves run_where(const Array& mine, const ProgramRef& branch, const Leaves& operands, const Mask& batched,
                        std::int64_t size, const Mask& want) {
  const ProgramRef taken = batch_program(guarded(branch, batched), joined({batched, {true}}), size, want).program;
  const Leaves in = joined({operands, {mine}});
  const ProgramRef left = stage_closed(
      [&](const Leaves&) {
        Leaves out;
        for (const Aval& a : taken->output_avals()) out.push_back(zeros(a.shape, a.dtype));
        return out;
      },
      taken->input_avals(), "branch");
  return emit(cond_op(), joined({{astype(any(mine), Dtype::int64)}, in}), {{"branches", Programs{left, taken}}});
}

static Batched batch_branches(const BatchCall& call) {
  const BranchParts s = parts_of_branches(call.params);
  const Leaves in(call.in.begin(), call.in.end());
  const Leaves operands = s.operands.of(in);
  const Mask batched = s.operands.of(call.batched);
  const bool lane_index = s.index.size == 1 && call.batched[0];
  Mask want(s.outputs, lane_index);
  for (const ProgramRef& p : s.programs) want = either(want, batch_program(p, batched, call.size).out_batched);
  Programs made;
  for (const ProgramRef& p : s.programs) made.push_back(batch_program(p, batched, call.size, want).program);
  const Owners owners = owners_of(call.params, s.outputs);
  if (!lane_index) return {emit_branches(call.params, made, s.index.of(in), operands, owners), want};
  // Lanes take different branches: all are run, and each lane keeps its own. One with loops is run for those that take it alone,
  // where nobody looks at the others'.
  const bool owned = std::any_of(owners.begin(), owners.end(), [](std::int64_t b) { return b >= 0; });
  const auto mine = [&](std::size_t b) {
    const auto number = static_cast<std::int64_t>(b);
    if (b == 0) return in[0] <= number;
    return b + 1 == made.size() ? in[0] >= number : in[0] == number;
  };
  Leaves out;
  for (std::size_t b = 0; b < made.size(); ++b) {
    const Leaves these = !owned && has_loops(*s.programs[b])
                             ? run_where(mine(b), s.programs[b], operands, batched, call.size, want)
                             : emit(call_op(), operands, {{"program", made[b]}, {"name", std::string("branch")}});
    if (b == 0) {
      out = these;
      continue;
    }
    const Array takes_it = mine(b);
    for (std::size_t k = 0; k < out.size(); ++k) {
      if (owners[k] >= 0) {
        if (owners[k] == static_cast<std::int64_t>(b)) out[k] = these[k];
        continue;
      }
      Shape lanes{call.size};
      while (lanes.ndim() < out[k].ndim()) lanes.append(1);
      out[k] = where(reshape(takes_it, lanes), these[k], out[k]);
    }
  }
  return {out, want};
}

// Samples: three functions of [x, c, k, m, n], m and n integers, none of which uses all of them, and two that are linear in
// each of x, c, k.
static Leaves branch_of_xc(const Leaves& in) { return {in[0] * in[1] * in[1], in[3], sum(in[0])}; }
static Leaves branch_of_xk(const Leaves& in) { return {sin(in[0]) * in[2], in[3] + 1, full_like(in[2], 2.0)}; }
static Leaves branch_of_all(const Leaves& in) {
  return {in[1] - in[0] * in[0] * in[1], in[3] + in[3] - in[4], sum(in[0] * in[1] * in[2])};
}
static Leaves branch_scaled(const Leaves& in) { return {in[0] * in[1] * in[2], in[3], full_like(in[2], 0.0)}; }
static Leaves branch_reversed(const Leaves& in) {
  return {flip(in[0], 0) * in[1] * in[2], in[3], sum(in[0] * in[1]) * in[2]};
}

static Leaves branch_operands(Dtype d) {
  return {sample({3}, d), sample({3}, d, 1), sample({}, d, 2), sample_integers({4, 1, 2}, {3}),
          sample_integers({3, 0, 6}, {3})};
}

// By `which`, in the order above.
static Plain plain_branch(int which, const Leaves& in) {
  const auto x = numbers(in[0]), c = numbers(in[1]), m = numbers(in[3]), n = numbers(in[4]);
  const long double k = numbers(in[2])[0];
  Plain out(3, std::vector<long double>(3));
  out[2] = {which == 1 ? 2.0L : 0.0L};
  for (std::size_t i = 0; i < 3; ++i) {
    const long double values[] = {x[i] * c[i] * c[i], std::sin(x[i]) * k, c[i] - x[i] * x[i] * c[i], x[i] * c[i] * k,
                                  x[2 - i] * c[i] * k};
    const long double integers[] = {m[i], m[i] + 1, 2 * m[i] - n[i], m[i], m[i]};
    const long double terms[] = {x[i], 0, x[i] * c[i] * k, 0, x[i] * c[i] * k};
    out[0][i] = values[which];
    out[1][i] = integers[which];
    out[2][0] += terms[which];
  }
  return out;
}

static Op branches_record(std::string name) {
  Op op;
  op.name = std::move(name);
  op.rounding = Rounding::within;
  op.infer = infer_branches;
  op.linearize = linearize_branches;
  op.joint = joint_branches;
  op.transpose = transpose_branches;
  op.batch = batch_branches;
  return op;
}

}  // namespace control

const Op& call_op() {
  static const Op op = [] {
    using namespace control;
    Op o = branches_record("call");
    o.inlined = [](const Params& params, std::span<const Aval>) { return params.program("program"); };
    // The name says which it is, the last calls another; then what is passed on, and what is linear in several operands.
    o.samples = [](Dtype d) {
      const Leaves in = branch_operands(d);
      const auto inner = program_like(in, branch_of_all);
      const std::pair<const char*, std::function<Leaves(const Leaves&)>> functions[] = {
          {"0", branch_of_xc},
          {"1", branch_of_xk},
          {"4", branch_reversed},
          {"2",
           [&](const Leaves& v) {
             return emit(call_op(), v, {{"program", inner}, {"name", std::string("f")}});
           }},
          {"passed on",
           [](const Leaves& v) {
             return Leaves{v[1], v[3], v[0] * v[2], v[1]};
           }},
          {"linear", [](const Leaves& v) {
             return Leaves{v[0] + v[1] * 3, v[2] - sum(v[1]), zeros_like(v[0])};
           }}};
      std::vector<Sample> out;
      for (const auto& [name, f] : functions)
        out.push_back({in, {{"program", program_like(in, f)}, {"name", std::string(name)}}});
      return out;
    };
    o.plain = [](const Sample& s) -> Plain {
      const std::string& name = s.params.text("name");
      if (name.size() == 1) return plain_branch(name[0] - '0', s.in);
      const auto x = numbers(s.in[0]), c = numbers(s.in[1]);
      const long double k = numbers(s.in[2])[0];
      if (name == "passed on") return {c, numbers(s.in[3]), {x[0] * k, x[1] * k, x[2] * k}, c};
      return {{x[0] + 3 * c[0], x[1] + 3 * c[1], x[2] + 3 * c[2]}, {k - c[0] - c[1] - c[2]}, {0, 0, 0}};
    };
    return o;
  }();
  return op;
}

const Op& cond_op() {
  static const Op op = [] {
    using namespace control;
    Op o = branches_record("cond");
    o.control = Control::cond;
    // Of an index out of range the nearest branch. "first" says which of plain_branch the first branch is; with "nested" the
    // second of the three is itself a cond, which takes the third.
    o.samples = [](Dtype d) {
      const Leaves in = branch_operands(d);
      const auto a = program_like(in, branch_of_xc), b = program_like(in, branch_of_xk),
                 c = program_like(in, branch_of_all);
      const auto nested = program_like(in, [&](const Leaves& v) {
        return emit(cond_op(), join({astype(sum(v[3]) > 2, Dtype::int64)}, v), {{"branches", Programs{b, c}}});
      });
      const Programs linear{program_like(in, branch_scaled), program_like(in, branch_reversed)};
      std::vector<Sample> out;
      auto add = [&](std::int64_t index, const Programs& branches, std::int64_t first, bool is_nested = false) {
        out.push_back({join({sample_integers({index}, {})}, in),
                       {{"branches", branches}, {"first", first}, {"nested", is_nested}},
                       "",
                       first == 3});
      };
      for (std::int64_t index : {0, 1}) {
        add(index, {a, b}, 0);
        add(index, linear, 3);
      }
      for (std::int64_t index : {2, -1, 7}) add(index, {a, b, c}, 0);
      add(1, {a, nested, c}, 0, true);
      return out;
    };
    o.plain = [](const Sample& s) {
      const auto last = static_cast<long double>(s.params.get<Programs>("branches").size() - 1);
      const int index = static_cast<int>(std::clamp(numbers(s.in[0])[0], 0.0L, last));
      const bool third = s.params.flag("nested") && index == 1;
      return plain_branch(third ? 2 : static_cast<int>(s.params.integer("first")) + index, part(s.in, 1, s.in.size()));
    };
    return o;
  }();
  return op;
}

}  // namespace dini::detail
