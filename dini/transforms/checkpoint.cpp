// The ops checkpoint {program}, which has the derivatives of its Program, computed anew, and barrier, which is the identity.
#include "dini/transforms/checkpoint.hpp"

#include <cmath>
#include <cstring>

#include "dini/ops/shaping_build.hpp"
#include "dini/transforms/control_parts.hpp"

namespace dini::detail {

namespace remat {

using control::Mask;
using control::part;
using control::spread;

const Op& checkpoint_op();

Leaves only_defined(std::span<const Array> v) {
  Leaves out;
  for (const Array& a : v) {
    if (a.defined()) out.push_back(a);
  }
  return out;
}

Leaves emit_checkpoint(const ProgramRef& program, const Leaves& inputs) {
  return emit(checkpoint_op(), inputs, {{"program", program}});
}

// The identity, which no pass sees through: what is computed from it is not the same as what was computed before, so that
// merging common subexpressions does not keep the first run's values alive instead of recomputing them.
const Op& barrier_op() {
  static const Op op = [] {
    Op o;
    o.name = "barrier";
    o.rounding = Rounding::exact;
    o.takes = Operands::any;
    o.infer = [](std::span<const Aval> in, const Params&) { return std::vector<Aval>{in[0]}; };
    o.kernel = [](const KernelCall& c) {
      const std::size_t bytes = static_cast<std::size_t>(c.in_avals[0].shape.size()) * item_size(c.in_avals[0].dtype);
      if (bytes && c.out[0] != c.in[0]) std::memcpy(c.out[0], c.in[0], bytes);
    };
    o.jvp = [](const JvpCall& c) { return linear_jvp(barrier_op(), c); };
    o.transpose = [](const TransposeCall& c) { return Leaves{c.cotangents[0]}; };
    o.batch = [](const BatchCall& c) { return Batched{emit(barrier_op(), Leaves(c.in.begin(), c.in.end())), {true}}; };
    o.samples = [](Dtype dtype) {
      return std::vector<Sample>{{{sample({3, 2}, dtype)}, {}}, {{sample({}, dtype)}, {}}, {{sample({0}, dtype)}, {}}};
    };
    o.plain = [](const Sample& s) { return std::vector<std::vector<long double>>{numbers(s.in[0])}; };
    o.in_place = true;
    return o;
  }();
  return op;
}

// [tangents of the active inputs..., inputs...] -> tangents of the outputs that have any: the Program run anew, and its
// derivative there.
struct Tangent {
  ProgramRef program;
  Mask out_active;
};
Tangent tangent_of(const ProgramRef& p, const Mask& active) {
  std::string key = "checkpoint";
  for (bool a : active) key += a ? '1' : '0';
  return *p->cached<Tangent>(key, [&] {
    const LinearProgram linear = linear_program(p, active);
    auto made = std::make_shared<Tangent>();
    made->out_active = linear.out_active;
    const std::vector<Aval> in = p->input_avals();
    std::vector<Aval> avals;
    for (std::size_t k = 0; k < in.size(); ++k) {
      if (active[k]) avals.push_back({in[k].shape, in[k].dtype, false});
    }
    const std::size_t tangents = avals.size(), outputs = p->outputs.size();
    avals.insert(avals.end(), in.begin(), in.end());
    made->program = stage_closed(
        [&](const Leaves& v) {
          Leaves again;
          for (std::size_t k = tangents; k < v.size(); ++k) again.push_back(emit_one(barrier_op(), {v[k]}));
          const Leaves all = evaluate(*linear.primal, again);
          Leaves inputs = part(v, 0, tangents);
          inputs.insert(inputs.end(), all.begin() + static_cast<std::ptrdiff_t>(outputs), all.end());
          return evaluate(*linear.tangent, inputs);
        },
        avals, "checkpoint");
    return made;
  });
}

Linearized linearize_checkpoint(const LinearizeCall& call) {
  const Leaves in(call.in.begin(), call.in.end());
  const Tangent tangent = tangent_of(call.params.program("program"), call.active);
  // What is kept is `in`, and nothing else.
  return {emit_checkpoint(call.params.program("program"), in),
          [in, tangent, active = call.active](const Leaves& given) {
            Leaves inputs;
            for (std::size_t k = 0; k < active.size(); ++k) {
              if (active[k]) inputs.push_back(given[k]);
            }
            inputs.insert(inputs.end(), in.begin(), in.end());
            return spread(emit_checkpoint(tangent.program, inputs), tangent.out_active);
          }};
}

std::pair<Leaves, Leaves> joint_checkpoint(const JvpCall& call) {
  const ProgramRef p = call.params.program("program");
  Mask active;
  for (const Array& t : call.tangents) active.push_back(t.defined());
  const JvpProgram both = jvp_program(p, active);
  Leaves inputs(call.in.begin(), call.in.end());
  const Leaves tangents = only_defined(call.tangents);
  inputs.insert(inputs.end(), tangents.begin(), tangents.end());
  const Leaves all = emit_checkpoint(both.program, inputs);
  const std::size_t n = p->outputs.size();
  return {part(all, 0, n), spread(part(all, n, all.size()), both.out_active)};
}

Leaves transpose_checkpoint(const TransposeCall& call) {
  const ProgramRef p = call.params.program("program");
  Mask linear;
  for (const Array& a : call.in) linear.push_back(!a.defined());
  const std::vector<Aval> out = p->output_avals();
  Leaves inputs;
  for (std::size_t k = 0; k < out.size(); ++k) inputs.push_back(instantiate(call.cotangents[k], out[k]));
  const Leaves known = only_defined(call.in);
  inputs.insert(inputs.end(), known.begin(), known.end());
  return spread(emit_checkpoint(transpose_program(p, linear), inputs), linear);
}

Batched batch_checkpoint(const BatchCall& call) {
  const BatchProgram batch = batch_program(call.params.program("program"), call.batched, call.size);
  return {emit_checkpoint(batch.program, Leaves(call.in.begin(), call.in.end())), batch.out_batched};
}

const Op& checkpoint_op() {
  static const Op op = [] {
    Op o;
    o.name = "checkpoint";
    o.rounding = Rounding::within;
    o.infer = [](std::span<const Aval>, const Params& params) { return params.program("program")->output_avals(); };
    o.inlined = [](const Params& params, std::span<const Aval>) { return params.program("program"); };
    o.linearize = linearize_checkpoint;
    o.joint = joint_checkpoint;
    o.transpose = transpose_checkpoint;
    o.batch = batch_checkpoint;
    o.samples = call_op().samples;  // the Programs of a call
    o.plain = call_op().plain;
    return o;
  }();
  return op;
}

}  // namespace remat

Leaves checkpoint_leaves(const ErasedFunction& f, const Leaves& inputs) {
  if (!current_trace()) return f(inputs);
  require_assigned(inputs, "checkpoint");
  const Staged staged = stage(f, avals_of_leaves(inputs), "checkpoint");
  Leaves all = inputs;
  all.insert(all.end(), staged.captured.begin(), staged.captured.end());
  return remat::emit_checkpoint(staged.program, all);
}

}  // namespace dini::detail

namespace dini {
OpList checkpoint_ops() {
  static const Op* const list[] = {&detail::remat::checkpoint_op(), &detail::remat::barrier_op()};
  return list;
}
}  // namespace dini
