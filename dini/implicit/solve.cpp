#include "dini/implicit/solve.hpp"

#include "dini/core/lru_cache.hpp"
#include "dini/implicit/solve_samples.hpp"
#include "dini/implicit/solve_spec.hpp"
#include "dini/ops/registry.hpp"
#include "dini/trace/emit.hpp"
#include "dini/trace/numbers.hpp"
#include "dini/transforms/control_ops.hpp"

namespace dini {

namespace detail {

std::string SolveSettings::key() const {
  const auto text = [](const std::optional<double>& d) { return exact_digits(d.value_or(-1)); };
  const std::string known = {structure.symmetric ? 's' : '-', structure.positive_definite ? 'p' : '-',
                             structure.diagonal ? 'd' : '-'};
  const std::string constraints = {form.lower ? 'l' : '-', form.upper ? 'u' : '-', form.equal ? '=' : '-',
                                   form.at_most ? '<' : '-'};
  return std::string(name(kind)) + " " + known + " " + method->key() + " " + text(stop.tolerance.absolute) + " " +
         text(stop.tolerance.relative) + " " + std::to_string(stop.max_steps) + " " + std::to_string(stop.history) +
         " " + adjoint.key() + " " + std::to_string(static_cast<int>(on_failure)) + (derivative_anyway ? "!" : "") +
         text(accept) + " " + constraints + std::to_string(static_cast<int>(ties)) + text(stop.strict);
}

namespace implicit {

SpecRef spec_of(const Params& params) { return std::static_pointer_cast<const Spec>(params.get<OpaqueRef>("spec")); }

bool derivable(const Params& params) { return params.has("derivable") && params.flag("derivable"); }

const Op& solve_op() {
  static const Op op = [] {
    Op o;
    o.name = "solve";
    o.infer = [](std::span<const Aval>, const Params& params) {
      return spec_of(params)->forward(derivable(params))->output_avals();
    };
    o.inlined = [](const Params& params, std::span<const Aval>) { return spec_of(params)->forward(derivable(params)); };
    o.linearize = [](const LinearizeCall& call) {
      const Leaves in(call.in.begin(), call.in.end());
      const SpecRef spec = spec_of(call.params);
      const Mask active(call.active.begin() + 1, call.active.end());  // the start has no influence on the solution
      bool any = false;
      for (bool a : active) any |= a;
      if (!any) {
        const Leaves out = emit(solve_op(), in, call.params);
        return Linearized{out, [n = out.size()](const Leaves&) { return Leaves(n); }};
      }
      Params params = call.params;
      params.set("derivable", true);
      const std::size_t given = spec->outputs();
      const std::vector<std::size_t> points = spec->points();
      const Leaves all = emit(solve_op(), in, params), made = rest(all, given);
      const std::size_t n = derivable(call.params) ? all.size() : given;
      const Spec::Derivative d = spec->derivative(active);
      const SolveSettings& settings = spec->settings_of();
      // The points themselves where the values are NaN; elsewhere the values, which say by themselves that the solve failed.
      Leaves at;
      for (std::size_t k = 0; k < points.size(); ++k) {
        at.push_back(settings.on_failure == OnFailure::nan ? made[k] : all[points[k]]);
      }
      if (settings.on_failure == OnFailure::best && !settings.derivative_anyway) {
        at[0] = check_status(at[0], all[status_output], all[steps_output], all[norm_output],
                             {refused + settings.method->name(), ReportKind::solve});
      }
      at = join(join(at, {in[0], all[status_output]}), rest(made, points.size()));
      const Leaves kept =
          emit(call_op(), join(at, rest(in, 1)), {{"program", d.prepare}, {"name", std::string("linearize")}});
      return Linearized{part(all, 0, n), [=](const Leaves& tangents) {
                          Leaves moving;
                          for (std::size_t k = 0; k < active.size(); ++k) {
                            if (active[k]) moving.push_back(tangents[k + 1]);
                          }
                          const Leaves moved = emit(call_op(), join(moving, kept),
                                                    {{"program", d.push}, {"name", std::string("tangent")}});
                          Leaves of_outputs(n);
                          for (std::size_t k = 0; k < points.size(); ++k) {
                            of_outputs[points[k]] = moved[k];
                            if (n > given) of_outputs[given + k] = moved[k];
                          }
                          return of_outputs;
                        }};
    };
    o.batch = [](const BatchCall& call) {
      const SpecRef lanes = lanes_spec(spec_of(call.params), call.batched, call.size);
      const Leaves out = emit(solve_op(), Leaves(call.in.begin(), call.in.end()),
                              {{"spec", OpaqueRef(lanes)}, {"derivable", derivable(call.params)}});
      return Batched{out, Mask(out.size(), true)};
    };
    o.samples = solve_samples;
    o.plain = plain_solution;
    return o;
  }();
  return op;
}

}  // namespace implicit

namespace {

// One Spec for equal Programs and settings: what was derived and compiled for a solve serves the next one like it, since
// what a function captured is an input and no part of its Program.
struct SpecKey {
  ProgramRef map;
  std::string settings;
  friend bool operator==(const SpecKey& a, const SpecKey& b) {
    return a.settings == b.settings && a.map->equal(*b.map);
  }
};
struct SpecHash {
  std::size_t operator()(const SpecKey& k) const { return k.map->hash() ^ std::hash<std::string>{}(k.settings); }
};

implicit::SpecRef find_spec(const ProgramRef& map, const SolveSettings& settings) {
  // What is kept with a problem that has constraints, derivatives included, takes up to 70 MB; of others a tenth of it and less.
  constexpr std::size_t most = 256, weight_of_constrained = 8;
  static LruCache<SpecKey, const implicit::Spec, SpecHash> known(most, most);
  // What holds a user's objects is not kept beyond its use.
  if (!settings.method->shareable() || settings.stop.watch) return implicit::plain_spec(map, settings);
  SpecKey key{map, settings.key()};
  if (auto found = known.find(key)) return found;
  return known.keep(std::move(key), implicit::plain_spec(map, settings),
                    settings.form.any() ? weight_of_constrained : 1);
}

}  // namespace

Outcome solve(const ProgramRef& map, const SolveSettings& settings, const Array& z0, const Leaves& theta) {
  // What is made for one number serves the next.
  const Staged apart = with_numbers_apart(map);
  const implicit::SpecRef spec = find_spec(apart.program, settings);
  const Leaves in = implicit::join(implicit::join({z0}, theta), apart.captured);
  const Leaves out = emit(implicit::solve_op(), in, {{"spec", OpaqueRef(spec)}});
  Outcome like{z0, z0, z0, z0, z0, z0, z0, z0, {}, {}};
  if (settings.form.any()) like.constrained.resize(implicit::constrained_outputs - implicit::plain_outputs, z0);
  return unflatten(like, out);
}

}  // namespace detail

OpList implicit_ops() {
  static const Op* const list[] = {&detail::implicit::solve_op()};
  return list;
}

}  // namespace dini
