#include "dini/implicit/solve.hpp"

#include <new>
#include <optional>
#include <unordered_set>

#include "dini/core/caches.hpp"
#include "dini/core/lru_cache.hpp"
#include "dini/implicit/solve_samples.hpp"
#include "dini/implicit/solve_spec.hpp"
#include "dini/ops/registry.hpp"
#include "dini/trace/emit.hpp"
#include "dini/trace/numbers.hpp"
#include "dini/trace/program_size.hpp"
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

using Solves = LruCache<SpecKey, const implicit::Spec, SpecHash>;

// The solves that were last made. Their weight is the number of equations of their Programs: with its place in plans an equation takes
// about 1 kB, of which a Newton solve with its derivative has a thousand, a fit 7,000, one with constraints 14,000.
constexpr std::size_t most_solves = 256, most_equations = std::size_t{1} << 18;
Solves& known_solves() {
  static Solves known(most_solves, most_equations);
  static const bool registered [[maybe_unused]] =
      register_cache({"solves", [] { known_solves().clear(); }, [] { return known_solves().size(); }});
  return known;
}

// Keeps a solve that is new when it has been run, whether it succeeded or not: how large it is, is known then.
class Keeper {
 public:
  Keeper(SpecKey key, implicit::SpecRef made) : key_(std::move(key)), made_(std::move(made)) {}
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  ~Keeper() {
    try {
      std::unordered_set<const Program*> seen;
      std::size_t weight = 0;
      for (const ProgramRef& p : made_->made()) weight += equations_in(*p, seen);
      known_solves().keep(std::move(key_), std::move(made_), weight);
    } catch (const std::bad_alloc&) {}  // then it is not kept
  }

 private:
  SpecKey key_;
  implicit::SpecRef made_;
};

}  // namespace

Outcome solve(const ProgramRef& map, const SolveSettings& settings, const Array& z0, const Leaves& theta) {
  // What is made for one number serves the next.
  const Staged apart = with_numbers_apart(map);
  // What holds a user's objects is not kept beyond its use.
  const bool shareable = settings.method->shareable() && !settings.stop.watch;
  SpecKey key{apart.program, shareable ? settings.key() : ""};
  implicit::SpecRef spec = shareable ? known_solves().find(key) : nullptr;
  std::optional<Keeper> keeper;
  if (!spec) {
    spec = implicit::plain_spec(apart.program, settings);
    if (shareable) keeper.emplace(std::move(key), spec);
  }
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
