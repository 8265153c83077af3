// The op late_call: a call of a Program that is made when it is first run.
#include "dini/ops/registry.hpp"
#include "dini/trace/late.hpp"
#include "dini/transforms/control_ops.hpp"
#include "dini/transforms/derive.hpp"

namespace dini::detail {

const Op& late_call_op() {
  static const Op op = [] {
    Op o;
    o.name = "late_call";
    o.control = Control::late;
    o.rounding = Rounding::within;
    o.infer = [](std::span<const Aval>, const Params& params) { return late_program(params)->outputs; };
    o.inlined = [](const Params& params, std::span<const Aval>) { return late_program(params)->program(); };
    // A derivative goes through the steps: they are needed.
    o.linearize = [](const LinearizeCall& call) {
      const Params params{{"program", late_program(call.params)->program()}, {"name", std::string("late")}};
      return call_op().linearize({params, call.in, call.active});
    };
    o.batch = [](const BatchCall& call) {
      const LateProgramRef one = late_program(call.params);
      auto with_lanes = [&](std::vector<Aval> avals, const std::vector<bool>& which) {
        for (std::size_t k = 0; k < avals.size(); ++k) {
          std::vector<std::int64_t> dims{call.size};
          for (int i = 0; i < avals[k].shape.ndim(); ++i) dims.push_back(avals[k].shape[i]);
          if (which[k]) avals[k].shape = Shape(dims);
        }
        return avals;
      };
      const std::vector<bool> all(one->outputs.size(), true);
      const auto lanes =
          std::make_shared<LateProgram>(with_lanes(one->inputs, call.batched), with_lanes(one->outputs, all),
                                        [one, batched = call.batched, size = call.size, all] {
                                          return batch_program(one->program(), batched, size, all).program;
                                        });
      return Batched{emit(late_call_op(), Leaves(call.in.begin(), call.in.end()), {{"program", OpaqueRef(lanes)}}),
                     all};
    };
    // Those of a call.
    o.samples = [](Dtype d) {
      std::vector<Sample> out = call_op().samples(d);
      for (Sample& s : out) {
        const ProgramRef p = s.params.program("program");
        s.params.set("program",
                     OpaqueRef(std::make_shared<LateProgram>(p->input_avals(), p->output_avals(), [p] { return p; })));
      }
      return out;
    };
    o.plain = call_op().plain;
    return o;
  }();
  return op;
}

}  // namespace dini::detail
