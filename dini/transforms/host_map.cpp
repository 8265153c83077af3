// The op `host`.
#include "dini/transforms/host_map.hpp"

#include "dini/core/index.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_build.hpp"
#include "dini/trace/emit.hpp"
#include "dini/trace/run.hpp"
#include "dini/transforms/callable.hpp"
#include "dini/exec/executable.hpp"
#include "dini/transforms/derive.hpp"
#include "dini/transforms/grad_leaves.hpp"
#include "dini/transforms/host.hpp"

namespace dini {

using detail::Leaves;

namespace host_maps {

using Mask = std::vector<bool>;

// A map lane by lane. Outputs are side by side, or summed: the cotangents of what is the same for all lanes.
struct LanesMap final : HostMap {
  HostMapRef inner;
  Mask marked, summed;
  std::int64_t size;
  LanesMap(HostMapRef map, Mask in, Mask out, std::int64_t n)
      : inner(std::move(map)), marked(std::move(in)), summed(std::move(out)), size(n) {}

  std::string name() const override { return inner->name(); }
  std::size_t results() const override { return inner->results(); }
  std::size_t linear() const override { return inner->linear(); }

  std::vector<Aval> outputs(std::span<const Aval> inputs) const override {
    std::vector<Aval> one(inputs.begin(), inputs.end());
    for (std::size_t k = 0; k < one.size(); ++k) {
      if (marked[k]) one[k].shape = one[k].shape.erased(0);
    }
    std::vector<Aval> out = inner->outputs(one);
    for (std::size_t k = 0; k < out.size(); ++k) {
      if (!summed[k]) out[k].shape = prepend(size, out[k].shape);
    }
    return out;
  }
  Leaves call(const Leaves& inputs) const override {
    std::vector<Leaves> lanes;
    for (std::int64_t lane = 0; lane < size; ++lane) {
      Leaves one = inputs;
      for (std::size_t k = 0; k < one.size(); ++k) {
        if (marked[k]) one[k] = inputs[k](lane);
      }
      const Leaves values = inner->call(one);
      lanes.resize(values.size());
      for (std::size_t k = 0; k < values.size(); ++k) lanes[k].push_back(values[k]);
    }
    const std::vector<Aval> wanted = outputs(detail::avals_of_leaves(inputs));
    Leaves out;
    for (std::size_t k = 0; k < wanted.size(); ++k) {
      if (size == 0)
        out.push_back(zeros(wanted[k].shape, wanted[k].dtype));
      else
        out.push_back(summed[k] ? sum(stack(lanes[k]), 0) : stack(lanes[k]));
    }
    return out;
  }
  HostMapRef linearized() const override {
    Mask both = marked;
    both.insert(both.end(), marked.begin(), marked.end());
    return std::make_shared<LanesMap>(inner->linearized(), std::move(both), summed, size);
  }
  HostMapRef transposed() const override {
    const auto fixed = marked.end() - static_cast<std::ptrdiff_t>(inner->linear());
    Mask in(marked.begin(), fixed), out;
    for (bool s : summed) in.push_back(!s);
    for (auto k = fixed; k != marked.end(); ++k) out.push_back(!*k);
    return std::make_shared<LanesMap>(inner->transposed(), std::move(in), std::move(out), size);
  }
};

// A Program as such a map: what the generated tests of all ops run.
struct ProgramMap final : HostMap {
  ProgramRef program;
  std::size_t last;  // that it is linear in
  ProgramMap(ProgramRef p, std::size_t n) : program(std::move(p)), last(n) {}
  std::string name() const override { return "sample"; }
  std::size_t results() const override { return program->outputs.size(); }
  std::size_t linear() const override { return last; }
  std::vector<Aval> outputs(std::span<const Aval>) const override { return program->output_avals(); }
  Leaves call(const Leaves& inputs) const override { return run_program(*program, inputs); }
  HostMapRef linearized() const override {
    return program->cached<const ProgramMap>("host linearized", [&] {
      const std::size_t n = program->inputs.size();
      std::vector<Aval> in = program->input_avals();
      in.insert(in.end(), in.begin(), in.begin() + static_cast<std::ptrdiff_t>(n));
      const ProgramRef made = stage_closed(
          [&](const Leaves& v) {
            const Leaves x(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(n)),
                dx(v.begin() + static_cast<std::ptrdiff_t>(n), v.end());
            return detail::jvp_values([&](const Leaves& at) { return evaluate(*program, at); }, x, dx).second;
          },
          in, "host");
      return std::make_shared<const ProgramMap>(made, n);
    });
  }
  HostMapRef transposed() const override {
    return program->cached<const ProgramMap>("host transposed" + std::to_string(last), [&] {
      const std::size_t n = program->inputs.size() - last;
      Mask linear(n, false);
      linear.insert(linear.end(), last, true);
      const ProgramRef back = detail::transpose_program(program, linear);  // [cotangents..., others...]
      const std::vector<Aval> all = program->input_avals(), y = program->output_avals();
      std::vector<Aval> in(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
      in.insert(in.end(), y.begin(), y.end());
      const ProgramRef made = stage_closed(
          [&](const Leaves& v) {
            Leaves turned(v.begin() + static_cast<std::ptrdiff_t>(n), v.end());
            turned.insert(turned.end(), v.begin(), v.begin() + static_cast<std::ptrdiff_t>(n));
            return evaluate(*back, turned);
          },
          in, "host");
      return std::make_shared<const ProgramMap>(made, y.size());
    });
  }
};

const HostMap& map_of(const Params& p) { return static_cast<const HostMap&>(*p.get<OpaqueRef>("function")); }
Params holding(const HostMapRef& map) { return {{"function", OpaqueRef(map)}}; }

// The callback that runs it, with what it returns looked at.
struct CheckedCall final : HostFunction {
  HostMapRef map;
  explicit CheckedCall(HostMapRef m) : map(std::move(m)) {}
  std::string name() const override { return map->name(); }
  std::vector<Aval> outputs(std::span<const Aval> in) const override { return map->outputs(in); }
  Leaves call(const Leaves& in) const override {
    const std::vector<Aval> wanted = outputs(detail::avals_of_leaves(in));
    const Leaves values = map->call(in);
    Leaves out = detail::match_leaves(values, wanted, name().c_str(), "value");
    for (std::size_t k = 0; k < out.size(); ++k) {  // of what is not floating, which has no tangent, nothing was kept
      if (!is_floating(wanted[k].dtype)) out[k] = values[k].weak() ? astype(values[k], values[k].dtype()) : values[k];
    }
    return out;
  }
};

Leaves jvp_of_host(const JvpCall& c) {
  const HostMap& map = map_of(c.params);
  Leaves all(c.in.begin(), c.in.end());
  const std::size_t n = all.size(), fixed = n - map.linear();
  bool only_linear = map.linear() > 0;
  for (std::size_t k = 0; k < fixed; ++k) only_linear = only_linear && !c.tangents[k].defined();
  auto tangent = [&](std::size_t k) { return detail::instantiate(c.tangents[k], c.in[k].aval()); };
  if (only_linear) {
    for (std::size_t k = fixed; k < n; ++k) all[k] = tangent(k);
    return emit(detail::host_op(), all, c.params);
  }
  for (std::size_t k = 0; k < n; ++k) all.push_back(tangent(k));
  Leaves out = emit(detail::host_op(), all, holding(map.linearized()));
  for (std::size_t k = 0; k < out.size(); ++k) {
    if (!is_floating(c.out[k].dtype())) out[k] = Array();
  }
  return out;
}

Leaves transpose_of_host(const TransposeCall& c) {
  const HostMap& map = map_of(c.params);
  const std::size_t n = c.in.size(), fixed = n - map.linear();
  Leaves all(c.in.begin(), c.in.begin() + static_cast<std::ptrdiff_t>(fixed));
  for (const Array& a : all) {
    if (!a.defined()) throw detail::NotLinearError(map.name());
  }
  const std::vector<Aval> out = map.outputs(c.in_avals);
  for (std::size_t k = 0; k < out.size(); ++k) all.push_back(detail::instantiate(c.cotangents[k], out[k]));
  const Leaves sent = emit(detail::host_op(), all, holding(map.transposed()));
  Leaves result(n);
  for (std::size_t k = fixed; k < n; ++k) {
    if (!c.in[k].defined()) result[k] = sent.at(k - fixed);
  }
  return result;
}

}  // namespace host_maps

HostMapRef HostMap::linearized() const {
  throw TraceError(name() + ": a function that is called at run time, of which this derivative is not known");
}
HostMapRef HostMap::transposed() const {
  throw TraceError(name() + ": a function that is called at run time, whose derivative is not known in reverse mode");
}
HostMapRef HostMap::batched(const std::vector<bool>& marked, std::int64_t size) const {
  return std::make_shared<host_maps::LanesMap>(shared_from_this(), marked, host_maps::Mask(results(), false), size);
}

Leaves call_host(const HostMapRef& map, const Leaves& inputs) {
  detail::require_assigned(inputs, map->name().c_str());
  Leaves strong = inputs;
  for (Array& a : strong) {
    if (a.weak()) a = astype(a, a.dtype());
  }
  return emit(detail::host_op(), strong, host_maps::holding(map));
}

const Op& detail::host_op() {
  static const Op op = [] {
    using namespace host_maps;
    Op o;
    o.name = "host";
    o.infer = [](std::span<const Aval> in, const Params& p) { return map_of(p).outputs(in); };
    o.inlined = [](const Params& p, std::span<const Aval> in) {
      return stage_closed(
          [&](const Leaves& a) {
            const auto run =
                std::make_shared<CheckedCall>(std::static_pointer_cast<const HostMap>(p.get<OpaqueRef>("function")));
            return emit(callback_op(), a, {{"function", OpaqueRef(run)}});
          },
          {in.begin(), in.end()}, "host");
    };
    o.jvp = jvp_of_host;
    o.transpose = transpose_of_host;
    o.batch = [](const BatchCall& c) {
      const HostMapRef map = map_of(c.params).batched(c.batched, c.size);
      Leaves out = emit(host_op(), Leaves(c.in.begin(), c.in.end()), holding(map));
      return Batched{out, Mask(out.size(), true)};
    };
    o.samples = [](Dtype d) {
      // x, y -> [x²y, Σ y], linear in y
      const Aval three{{3}, d, false};
      const ProgramRef program = stage_closed(
          [](const Leaves& in) {
            return Leaves{in[0] * in[0] * in[1], sum(in[1])};
          },
          {three, three}, "sample");
      return std::vector<Sample>{
          {{sample({3}, d, 1), sample({3}, d, 2)}, holding(std::make_shared<ProgramMap>(program, std::size_t{1}))}};
    };
    o.plain = [](const Sample& s) {
      std::vector<std::vector<long double>> out{numbers(s.in[0]), {0}};
      const auto y = numbers(s.in[1]);
      for (std::size_t k = 0; k < y.size(); ++k) {
        out[0][k] *= out[0][k] * y[k];
        out[1][0] += y[k];
      }
      return out;
    };
    return o;
  }();
  return op;
}

}  // namespace dini
