#include "dini/transforms/host.hpp"

#include "dini/core/index.hpp"
#include "dini/core/readback.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_build.hpp"
#include "dini/trace/emit.hpp"

namespace dini::detail {

Leaves ValueTrace::process(const Op& op, const Leaves& inputs, const Params& params) {
  Leaves values = inputs;
  for (Array& a : values) {
    while (a.defined() && !a.concrete()) a = *readable(*static_cast<Tracer*>(a.node()));
  }
  TraceScope scope(nullptr);
  return emit(op, values, params);
}

Leaves StripTrace::process(const Op& op, const Leaves& inputs, const Params& params) {
  Leaves values = inputs;
  for (Array& a : values) {
    for (bool again = true; again;) {
      again = false;
      for (const TraceRef& t : stripped_) {
        if (!t->owns(a)) continue;
        if (const Array* primal = static_cast<Tracer*>(a.node())->primal()) {
          const Array value = *primal;
          a = value;
          again = true;
        }
      }
    }
  }
  TraceScope scope(parent());
  return emit(op, values, params);
}

namespace {

// A host function over a leading axis of some inputs: one call a lane.
struct LanesFunction final : HostFunction {
  std::shared_ptr<const Opaque> inner;
  std::vector<bool> batched;
  std::int64_t size = 0;
  const HostFunction& function() const { return static_cast<const HostFunction&>(*inner); }
  std::string name() const override { return inner->name(); }
  std::vector<Aval> outputs(std::span<const Aval> inputs) const override {
    std::vector<Aval> one(inputs.begin(), inputs.end());
    for (std::size_t k = 0; k < one.size(); ++k) {
      if (batched[k]) one[k].shape = one[k].shape.erased(0);
    }
    std::vector<Aval> out = function().outputs(one);
    for (Aval& a : out) a.shape = prepend(size, a.shape);
    return out;
  }
  Leaves call(const Leaves& inputs) const override {
    std::vector<Leaves> rows;
    for (std::int64_t lane = 0; lane < size; ++lane) {
      Leaves one = inputs;
      for (std::size_t k = 0; k < one.size(); ++k) {
        if (batched[k]) one[k] = inputs[k](lane);
      }
      const Leaves out = function().call(one);
      rows.resize(out.size());
      for (std::size_t k = 0; k < out.size(); ++k) rows[k].push_back(out[k]);
    }
    Leaves out;
    std::vector<Aval> avals;
    for (const Array& a : inputs) avals.push_back(a.aval());
    const std::vector<Aval> wanted = outputs(avals);
    for (std::size_t k = 0; k < wanted.size(); ++k) {
      out.push_back(size ? stack(rows[k]) : zeros(wanted[k].shape, wanted[k].dtype));
    }
    return out;
  }
};

// [x, m] -> [3 x + m, m + 1, Σ x], m integers.
struct SampleFunction final : HostFunction {
  std::string name() const override { return "sample"; }
  std::vector<Aval> outputs(std::span<const Aval> in) const override {
    return {in[0], in[1], {{}, in[0].dtype, false}};
  }
  Leaves call(const Leaves& in) const override {
    return {in[0] * 3 + astype(in[1], in[0].dtype()), in[1] + 1, sum(in[0])};
  }
};

}  // namespace

const Op& callback_op() {
  static const Op op = [] {
    Op o;
    o.name = "callback";
    o.control = Control::callback;
    o.effectful = true;
    o.infer = [](std::span<const Aval> in, const Params& params) {
      return static_cast<const HostFunction&>(*params.get<OpaqueRef>("function")).outputs(in);
    };
    o.jvp = [](const JvpCall& call) -> Leaves {
      throw TraceError(call.params.get<OpaqueRef>("function")->name() + ": " + callback_op().no_jvp);
    };
    o.no_jvp = "a function that is called at run time has no derivative";
    o.batch = [](const BatchCall& call) {
      auto lanes = std::make_shared<LanesFunction>();
      lanes->inner = call.params.get<OpaqueRef>("function");
      lanes->batched = call.batched;
      lanes->size = call.size;
      Leaves out = emit(callback_op(), Leaves(call.in.begin(), call.in.end()), {{"function", OpaqueRef(lanes)}});
      return Batched{out, std::vector<bool>(out.size(), true)};
    };
    o.samples = [](Dtype d) {
      const Params params{{"function", OpaqueRef(std::make_shared<SampleFunction>())}};
      return std::vector<Sample>{{{sample({3}, d), sample_integers({4, 1, 2}, {3})}, params},
                                 {{sample({0}, d), sample_integers({}, {0})}, params}};
    };
    o.plain = [](const Sample& s) {
      std::vector<std::vector<long double>> out{numbers(s.in[0]), numbers(s.in[1]), {0}};
      for (std::size_t k = 0; k < out[0].size(); ++k) {
        out[2][0] += out[0][k];
        out[0][k] = 3 * out[0][k] + out[1][k]++;
      }
      return out;
    };
    return o;
  }();
  return op;
}

}  // namespace dini::detail
