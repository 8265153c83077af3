#include "dini/transforms/custom.hpp"

#include <cmath>
#include <stdexcept>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_build.hpp"
#include "dini/transforms/control_ops.hpp"
#include "dini/transforms/derive.hpp"

namespace dini::detail {

// ---- custom_vjp ------------------------------------------------------------------------------------------------------
//
// The op custom_vjp holds the callables ("rule") and, once it is recorded in a Program, that of the primal. Linearizing it
// runs the forward callable and records custom_lin, which is linear, cannot be run forwards, and calls the backward
// callable when it is transposed, in the trace that is current then.

namespace {

struct Pull final : Opaque {
  std::string name() const override { return "bwd"; }
  std::function<Leaves(const Leaves& residuals, const Leaves& cotangents)> pull;
  std::vector<Aval> inputs, outputs;
};

const char* const forward_mode_message =
    "custom_vjp: forward mode cannot go through a function whose derivative is given as a vjp rule; give the rule as a "
    "custom_jvp, from which both modes follow";

const Op& custom_vjp_op();

const Op& custom_lin_op() {
  static const Op op = [] {
    Op o;
    o.name = "custom_lin";
    // Inputs: [tangents of the inputs..., residuals...].
    o.infer = [](std::span<const Aval>, const Params& params) {
      return static_cast<const Pull&>(*params.get<OpaqueRef>("rule")).outputs;
    };
    o.joint = [](const JvpCall& call) {
      // Linear in its tangents: the derivative by them is itself. By the residuals there is none in forward mode.
      const std::size_t n = static_cast<const Pull&>(*call.params.get<OpaqueRef>("rule")).inputs.size();
      for (std::size_t k = n; k < call.tangents.size(); ++k) {
        if (call.tangents[k].defined()) throw TraceError(forward_mode_message);
      }
      Leaves in(call.in.begin(), call.in.end()), dx = in;
      for (std::size_t k = 0; k < n; ++k) dx[k] = instantiate(call.tangents[k], call.in[k].aval());
      return std::pair(emit(custom_lin_op(), in, call.params), emit(custom_lin_op(), dx, call.params));
    };
    o.transpose = [](const TransposeCall& call) {
      const auto& rule = static_cast<const Pull&>(*call.params.get<OpaqueRef>("rule"));
      const std::size_t n = rule.inputs.size();
      Leaves residuals(call.in.begin() + static_cast<std::ptrdiff_t>(n), call.in.end()), cotangents;
      for (std::size_t k = 0; k < rule.outputs.size(); ++k)
        cotangents.push_back(instantiate(call.cotangents[k], rule.outputs[k]));
      Leaves out = rule.pull(residuals, cotangents);
      if (out.size() != n) throw_rule_arity("custom_vjp: bwd", out.size(), n);
      for (std::size_t k = 0; k < n; ++k) {
        if (call.in[k].defined()) out[k] = Array();
      }
      out.resize(call.in.size());
      return out;
    };
    o.batch = [](const BatchCall& call) {
      const OpaqueRef kept = call.params.get<OpaqueRef>("rule");
      const auto& rule = static_cast<const Pull&>(*kept);
      const std::size_t n = rule.inputs.size();
      auto made = std::make_shared<Pull>();
      for (Aval a : rule.inputs) made->inputs.push_back({prepend(call.size, a.shape), a.dtype, false});
      for (Aval a : rule.outputs) made->outputs.push_back({prepend(call.size, a.shape), a.dtype, false});
      const std::vector<bool> residual_batched(call.batched.begin() + static_cast<std::ptrdiff_t>(n),
                                               call.batched.end());
      made->pull = [kept, residual_batched, size = call.size](const Leaves& residuals, const Leaves& cotangents) {
        const auto& inner = static_cast<const Pull&>(*kept);
        const std::size_t r = residuals.size();
        Leaves all = residuals;
        all.insert(all.end(), cotangents.begin(), cotangents.end());
        std::vector<bool> batched = residual_batched;
        batched.resize(all.size(), true);
        return vmap(
                   [&](const Leaves& in) {
                     const auto middle = in.begin() + static_cast<std::ptrdiff_t>(r);
                     Leaves out = inner.pull(Leaves(in.begin(), middle), Leaves(middle, in.end()));
                     for (std::size_t k = 0; k < out.size(); ++k) out[k] = instantiate(out[k], inner.inputs[k]);
                     return out;
                   },
                   all, batched, size, true)
            .out;
      };
      Leaves in(call.in.begin(), call.in.end());
      for (std::size_t k = 0; k < n; ++k) {
        if (!call.batched[k]) in[k] = repeat_leading(in[k], call.size);
      }
      return Batched{emit(custom_lin_op(), in, {{"rule", OpaqueRef(made)}}),
                     std::vector<bool>(made->outputs.size(), true)};
    };
    o.no_jvp = forward_mode_message;
    // [t, s, r, m] -> [r² t + m s, Σ t], whose transpose sends [w, v] to [(r²)ᵀ w + v, m w].
    o.samples = [](Dtype d) {
      auto pull = std::make_shared<Pull>();
      pull->pull = [](const Leaves& kept, const Leaves& ct) {
        const Array &r = kept[0], &m = kept[1];
        return Leaves{sum(square(r) * reshape(ct[0], {2, 1}), 0) + ct[1], sum(astype(m, ct[0].dtype()) * ct[0])};
      };
      pull->inputs = {{{3}, d, false}, {{}, d, false}};
      pull->outputs = {{{2}, d, false}, {{}, d, false}};
      const Leaves in{sample({3}, d), sample({}, d, 1), sample({2, 3}, d, 2), sample_integers({3, -2}, {2})};
      return std::vector<Sample>{{in, {{"rule", OpaqueRef(pull)}}, forward_mode_message}};
    };
    o.plain = [](const Sample& s) {
      const auto t = numbers(s.in[0]), r = numbers(s.in[2]), m = numbers(s.in[3]);
      std::vector<std::vector<long double>> out{{0, 0}, {t[0] + t[1] + t[2]}};
      for (std::size_t i = 0; i < 2; ++i) {
        out[0][i] = m[i] * numbers(s.in[1])[0];
        for (std::size_t j = 0; j < 3; ++j) out[0][i] += r[3 * i + j] * r[3 * i + j] * t[j];
      }
      return out;
    };
    return o;
  }();
  return op;
}

// Samples of functions with a rule: [x, s, m] -> [s sin x + m, m + 1, s²], m integers, of which nothing else gives a
// derivative; as it is called, and with a Program that has captured another integer, q, which is added to the first.
Leaves ruled(const Leaves& in) {
  const Array x = stop_gradient(in[0]), s = stop_gradient(in[1]);
  const Array& m = in[2];
  const Array y = s * sin(x) + astype(m, x.dtype());
  return {in.size() > 3 ? y + astype(in[3], x.dtype()) : y, m + 1, s * s};
}
template <class Rule> std::vector<Sample> rule_samples(Dtype d, const std::shared_ptr<Rule>& rule, Params params = {}) {
  rule->primal = ruled;
  params.set("rule", OpaqueRef(rule));
  Leaves in{sample({3}, d), sample({}, d, 1), sample_integers({3, -2, 1}, {3})};
  std::vector<Sample> out{{in, params}};
  in.push_back(sample_integers({5}, {}));
  params.set("program", stage_closed(ruled, avals_of_leaves(in), "sample"));
  out.push_back({in, params});
  return out;
}
std::vector<std::vector<long double>> plain_ruled(const Sample& in) {
  const auto x = numbers(in.in[0]), m = numbers(in.in[2]);
  const long double s = numbers(in.in[1])[0];
  std::vector<std::vector<long double>> out{x, m, {s * s}};
  for (std::size_t k = 0; k < x.size(); ++k) {
    out[0][k] = s * std::sin(x[k]) + m[k] + (in.in.size() > 3 ? numbers(in.in[3])[0] : 0);
    out[1][k] = m[k] + 1;
  }
  return out;
}

const CustomVjpRule& vjp_rule(const Params& params) {
  return static_cast<const CustomVjpRule&>(*params.get<OpaqueRef>("rule"));
}

std::pair<Params, Leaves> close_primal(const ErasedFunction& primal, const Params& params, const Leaves& inputs) {
  if (params.has("program")) return {params, inputs};
  Staged staged = stage(primal, avals_of_leaves(inputs), "jit");
  Params closed = params;
  closed.set("program", staged.program);
  Leaves all = inputs;
  all.insert(all.end(), staged.captured.begin(), staged.captured.end());
  return {closed, all};
}

Leaves run_closed(const ErasedFunction& primal, const Params& params, const Leaves& inputs) {
  if (!params.has("program")) return primal(inputs);
  return emit(call_op(), inputs, {{"program", params.program("program")}, {"name", std::string("custom")}});
}

std::vector<Aval> infer_closed(std::span<const Aval>, const Params& params) {
  return params.program("program")->output_avals();
}
ProgramRef inline_closed(const Params& params, std::span<const Aval>) { return params.program("program"); }

void refuse_captured(const std::vector<bool>& active, std::size_t inputs, const char* what) {
  for (std::size_t k = inputs; k < active.size(); ++k) {
    if (active[k]) {
      throw TraceError(std::string(what) +
                       ": the function captured a value that is being differentiated; its rule gives no derivative for "
                       "it. Pass the value as an argument.");
    }
  }
}

Linearized linearize_custom(const LinearizeCall& call) {
  const OpaqueRef kept = call.params.get<OpaqueRef>("rule");
  const CustomVjpRule& rule = vjp_rule(call.params);
  refuse_captured(call.active, rule.inputs, "custom_vjp");
  const Leaves in(call.in.begin(), call.in.begin() + static_cast<std::ptrdiff_t>(rule.inputs));
  auto [out, residuals] = rule.run_forward(in);
  auto pull = std::make_shared<Pull>();
  pull->inputs = avals_of_leaves(in);
  pull->outputs = avals_of_leaves(out);
  pull->pull = [kept](const Leaves& r, const Leaves& ct) {
    return static_cast<const CustomVjpRule&>(*kept).pull(r, ct);
  };
  const std::size_t n_out = out.size();
  return {out, [pull, residuals = residuals, n_out](const Leaves& tangents) {
            Leaves inputs;
            for (std::size_t k = 0; k < pull->inputs.size(); ++k)
              inputs.push_back(instantiate(tangents[k], pull->inputs[k]));
            inputs.insert(inputs.end(), residuals.begin(), residuals.end());
            Leaves dy = emit(custom_lin_op(), inputs, {{"rule", OpaqueRef(pull)}});
            for (std::size_t k = 0; k < n_out; ++k) {
              if (!is_floating(pull->outputs[k].dtype)) dy[k] = Array();
            }
            return dy;
          }};
}

Batched batch_custom_vjp(const BatchCall& call) {
  const OpaqueRef kept = call.params.get<OpaqueRef>("rule");
  const CustomVjpRule& rule = vjp_rule(call.params);
  const std::vector<bool> batched(call.batched.begin(),
                                  call.batched.begin() + static_cast<std::ptrdiff_t>(rule.inputs));
  const std::int64_t size = call.size;
  auto made = std::make_shared<CustomVjpRule>();
  made->inputs = rule.inputs;
  made->primal = [kept, batched, size](const Leaves& in) {
    return vmap(static_cast<const CustomVjpRule&>(*kept).primal, in, batched, size, true).out;
  };
  made->run_forward = [kept, batched, size](const Leaves& in) {
    std::size_t outputs = 0;
    const Leaves all = vmap(
                           [&](const Leaves& one) {
                             auto [out, residuals] = static_cast<const CustomVjpRule&>(*kept).run_forward(one);
                             outputs = out.size();
                             Leaves both = out;
                             both.insert(both.end(), residuals.begin(), residuals.end());
                             return both;
                           },
                           in, batched, size, true)
                           .out;
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(outputs);
    return std::pair(Leaves(all.begin(), middle), Leaves(middle, all.end()));
  };
  std::vector<Aval> single;
  for (std::size_t k = 0; k < rule.inputs; ++k) {
    Aval a = call.in[k].aval();
    if (batched[k]) a.shape = a.shape.erased(0);
    single.push_back(a);
  }
  made->pull = [kept, batched, size, single](const Leaves& residuals, const Leaves& cotangents) {
    const std::size_t r = residuals.size();
    Leaves all = residuals;
    all.insert(all.end(), cotangents.begin(), cotangents.end());
    Leaves out = vmap(
                     [&](const Leaves& in) {
                       const auto middle = in.begin() + static_cast<std::ptrdiff_t>(r);
                       Leaves sent = static_cast<const CustomVjpRule&>(*kept).pull(Leaves(in.begin(), middle),
                                                                                   Leaves(middle, in.end()));
                       for (std::size_t k = 0; k < sent.size(); ++k) sent[k] = instantiate(sent[k], single[k]);
                       return sent;
                     },
                     all, std::vector<bool>(all.size(), true), size, true)
                     .out;
    for (std::size_t k = 0; k < out.size(); ++k) {
      if (!batched[k]) out[k] = sum(out[k], 0);  // an argument shared by the examples
    }
    return out;
  };
  Params params{{"rule", OpaqueRef(made)}};
  const Leaves in(call.in.begin(), call.in.end());
  if (!call.params.has("program")) {
    Leaves out = emit(custom_vjp_op(), in, params);
    return {out, std::vector<bool>(out.size(), true)};
  }
  const ProgramRef inner = call.params.program("program");
  const BatchProgram program = batch_program(inner, call.batched, size, std::vector<bool>(inner->outputs.size(), true));
  params.set("program", program.program);
  return {emit(custom_vjp_op(), in, params), program.out_batched};
}

const Op& custom_vjp_op() {
  static const Op op = [] {
    Op o;
    o.name = "custom_vjp";
    o.rounding = Rounding::within;
    o.infer = infer_closed;
    o.inlined = inline_closed;
    o.direct = [](const Params& p, const Leaves& in) { return run_closed(vjp_rule(p).primal, p, in); };
    o.prepare = [](const Params& p, const Leaves& in) { return close_primal(vjp_rule(p).primal, p, in); };
    o.linearize = linearize_custom;
    o.no_jvp = forward_mode_message;
    o.batch = batch_custom_vjp;
    o.samples = [](Dtype d) {
      auto rule = std::make_shared<CustomVjpRule>();
      rule->inputs = 3;
      const auto forward = [](const Leaves& in) { return std::pair(ruled(in), Leaves{cos(in[0]), in[0], in[1]}); };
      rule->run_forward = forward;
      rule->pull = [](const Leaves& kept, const Leaves& ct) {
        const Array &c = kept[0], &x = kept[1], &s = kept[2];
        return Leaves{ct[0] * s * c, sum(ct[0] * sin(x)) + 2 * s * ct[2], Array()};
      };
      std::vector<Sample> out = rule_samples(d, rule);
      // What the function captured, its forward function has captured as well.
      auto capturing = std::make_shared<CustomVjpRule>(*rule);
      capturing->run_forward = [forward, q = out[1].in[3]](Leaves in) {
        in.push_back(q);
        return forward(in);
      };
      out[1].params.set("rule", OpaqueRef(capturing));
      return out;
    };
    o.plain = plain_ruled;
    return o;
  }();
  return op;
}

// ---- custom_jvp ------------------------------------------------------------------------------------------------------

const CustomJvpRule& jvp_rule(const Params& params) {
  return static_cast<const CustomJvpRule&>(*params.get<OpaqueRef>("rule"));
}

const Op& custom_jvp_op() {
  static const Op op = [] {
    Op o;
    o.name = "custom_jvp";
    o.rounding = Rounding::within;
    o.infer = infer_closed;
    o.inlined = inline_closed;
    o.direct = [](const Params& p, const Leaves& in) { return run_closed(jvp_rule(p).primal, p, in); };
    o.prepare = [](const Params& p, const Leaves& in) {
      Params with = p;
      if (!with.has("inputs")) with.set("inputs", static_cast<std::int64_t>(in.size()));
      return close_primal(jvp_rule(p).primal, with, in);
    };
    o.joint_when_linearized = true;
    o.joint = [](const JvpCall& call) {
      const std::size_t n =
          call.params.has("inputs") ? static_cast<std::size_t>(call.params.integer("inputs")) : call.in.size();
      std::vector<bool> active;
      Leaves in, dx;
      for (std::size_t k = 0; k < call.in.size(); ++k) {
        active.push_back(call.tangents[k].defined());
        if (k >= n) continue;
        in.push_back(call.in[k]);
        dx.push_back(instantiate(call.tangents[k], call.in[k].aval()));
      }
      refuse_captured(active, n, "custom_jvp");
      return jvp_rule(call.params).rule(in, dx);
    };
    o.batch = [](const BatchCall& call) {
      const OpaqueRef kept = call.params.get<OpaqueRef>("rule");
      const std::size_t n =
          call.params.has("inputs") ? static_cast<std::size_t>(call.params.integer("inputs")) : call.in.size();
      const std::vector<bool> batched(call.batched.begin(), call.batched.begin() + static_cast<std::ptrdiff_t>(n));
      const std::int64_t size = call.size;
      auto made = std::make_shared<CustomJvpRule>();
      made->primal = [kept, batched, size](const Leaves& in) {
        return vmap(static_cast<const CustomJvpRule&>(*kept).primal, in, batched, size, true).out;
      };
      made->rule = [kept, batched, size](const Leaves& primals, const Leaves& tangents) {
        Leaves all = primals;
        all.insert(all.end(), tangents.begin(), tangents.end());
        std::vector<bool> both = batched;
        both.insert(both.end(), batched.begin(), batched.end());
        const std::size_t m = primals.size();
        const Leaves out = vmap(
                               [&](const Leaves& in) {
                                 const auto middle = in.begin() + static_cast<std::ptrdiff_t>(m);
                                 auto [y, dy] = static_cast<const CustomJvpRule&>(*kept).rule(
                                     Leaves(in.begin(), middle), Leaves(middle, in.end()));
                                 Leaves pair = y;
                                 for (std::size_t k = 0; k < y.size(); ++k)
                                   pair.push_back(instantiate(dy[k], y[k].aval()));
                                 return pair;
                               },
                               all, both, size, true)
                               .out;
        const auto middle = out.begin() + static_cast<std::ptrdiff_t>(out.size() / 2);
        return std::pair(Leaves(out.begin(), middle), Leaves(middle, out.end()));
      };
      Params params{{"rule", OpaqueRef(made)}};
      const Leaves in(call.in.begin(), call.in.end());
      if (!call.params.has("program")) {
        Leaves out = emit(custom_jvp_op(), in, params);
        return Batched{out, std::vector<bool>(out.size(), true)};
      }
      const ProgramRef inner = call.params.program("program");
      const BatchProgram program =
          batch_program(inner, call.batched, size, std::vector<bool>(inner->outputs.size(), true));
      params.set("inputs", static_cast<std::int64_t>(n));
      params.set("program", program.program);
      return Batched{emit(custom_jvp_op(), in, params), program.out_batched};
    };
    o.samples = [](Dtype d) {
      auto rule = std::make_shared<CustomJvpRule>();
      rule->rule = [](const Leaves& in, const Leaves& dx) {
        const Array &x = in[0], &s = in[1];
        return std::pair(ruled(in), Leaves{s * cos(x) * dx[0] + sin(x) * dx[1], Array(), 2 * s * dx[1]});
      };
      return rule_samples(d, rule, {{"inputs", std::int64_t{3}}});
    };
    o.plain = plain_ruled;
    return o;
  }();
  return op;
}

}  // namespace

// f, where a captured value of a transformation that is no longer around it is an error with the remedy.
template <class R, class... A>
static std::function<R(const A&...)> guarded(const char* what, std::function<R(const A&...)> f) {
  return [what, f = std::move(f)](const A&... a) {
    try {
      return f(a...);
    } catch (const LeakError& e) {
      throw TraceError(std::string(what) + " captured a traced value: " + e.fact + "; pass it as an argument of the " +
                       std::string(what).substr(0, std::string(what).find(':')));
    }
  };
}

Leaves custom_vjp_call(CustomVjpRule rule, std::shared_ptr<KnownOutputs> known, const Leaves& inputs) {
  rule.primal = guarded("custom_vjp", rule.primal);
  rule.pull = guarded("custom_vjp: bwd", rule.pull);
  rule.run_forward = [known, primal = rule.primal,
                      forward = guarded("custom_vjp: fwd", rule.run_forward)](const Leaves& in) {
    auto both = forward(in);
    known->check(primal, in, both.first, "custom_vjp: fwd");
    return both;
  };
  return emit(custom_vjp_op(), inputs, {{"rule", OpaqueRef(std::make_shared<const CustomVjpRule>(std::move(rule)))}});
}

Leaves custom_jvp_call(CustomJvpRule rule, std::shared_ptr<KnownOutputs> known, const Leaves& inputs) {
  rule.primal = guarded("custom_jvp", rule.primal);
  rule.rule = [known, primal = rule.primal, given = guarded("custom_jvp: the rule", rule.rule)](
                  const Leaves& primals, const Leaves& tangents) {
    auto both = given(primals, tangents);
    known->check(primal, primals, both.first, "custom_jvp: the rule's value");
    return both;
  };
  return emit(custom_jvp_op(), inputs, {{"rule", OpaqueRef(std::make_shared<const CustomJvpRule>(std::move(rule)))}});
}

}  // namespace dini::detail

namespace dini {
OpList custom_ops() {
  static const Op* const list[] = {&detail::custom_vjp_op(), &detail::custom_lin_op(), &detail::custom_jvp_op()};
  return list;
}
}  // namespace dini
