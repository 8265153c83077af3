#include "dini/implicit/solve.hpp"

#include <mutex>
#include <unordered_map>

#include "dini/implicit/solve_samples.hpp"
#include "dini/implicit/solve_spec.hpp"
#include "dini/ops/registry.hpp"
#include "dini/trace/emit.hpp"
#include "dini/transforms/control_ops.hpp"

namespace dini {

namespace detail {

std::string SolveSettings::key() const {
  auto text = [](const std::optional<double>& d) {
    char s[40];
    std::snprintf(s, sizeof s, "%.17g", d.value_or(-1));
    return std::string(s);
  };
  return std::string(fixed_point ? "fixed_point " : "root ") + method->key() + " " + text(stop.tolerance.absolute) +
         " " + text(stop.tolerance.relative) + " " + std::to_string(stop.max_steps) + " " +
         std::to_string(stop.history) + " " + adjoint.key() + " " + std::to_string(static_cast<int>(on_failure)) +
         (derivative_anyway ? "!" : "") + text(accept);
}

namespace implicit {

SpecRef spec_of(const Params& params) { return std::static_pointer_cast<const Spec>(params.get<OpaqueRef>("spec")); }

const Op& solve_op() {
  static const Op op = [] {
    Op o;
    o.name = "solve";
    o.infer = [](std::span<const Aval>, const Params& params) { return spec_of(params)->forward()->output_avals(); };
    o.inlined = [](const Params& params, std::span<const Aval>) { return spec_of(params)->forward(); };
    o.linearize = [](const LinearizeCall& call) {
      const Leaves in(call.in.begin(), call.in.end());
      Leaves out = emit(solve_op(), in, call.params);
      const std::size_t n = out.size();
      const Mask active(call.active.begin() + 1, call.active.end());  // the start has no influence on the solution
      bool any = false;
      for (bool a : active) any |= a;
      if (!any) return Linearized{out, [n](const Leaves&) { return Leaves(n); }};
      const Spec::Derivative d = spec_of(call.params)->derivative(active);
      Leaves at{out[0], in[0]};
      const SolveSettings& settings = spec_of(call.params)->settings_of();
      if (settings.on_failure == OnFailure::best && !settings.derivative_anyway) {
        at[0] = check_status(out[0], out[1], out[2], out[4], {refused + settings.method->name(), ReportKind::solve});
      }
      const Leaves kept =
          emit(call_op(), join(at, rest(in, 1)), {{"program", d.prepare}, {"name", std::string("linearize")}});
      return Linearized{
          out, [=](const Leaves& tangents) {
            Leaves moving;
            for (std::size_t k = 0; k < active.size(); ++k) {
              if (active[k]) moving.push_back(tangents[k + 1]);
            }
            Leaves all(n);
            all[0] = emit_one(call_op(), join(moving, kept), {{"program", d.push}, {"name", std::string("tangent")}});
            return all;
          }};
    };
    o.batch = [](const BatchCall& call) {
      const SpecRef lanes = lanes_spec(spec_of(call.params), call.batched, call.size);
      const Leaves out = emit(solve_op(), Leaves(call.in.begin(), call.in.end()), {{"spec", OpaqueRef(lanes)}});
      return Batched{out, Mask(out.size(), true)};
    };
    o.samples = solve_samples;
    o.plain = plain_solution;
    return o;
  }();
  return op;
}

}  // namespace implicit

// One Spec for equal Programs and settings: what was derived and compiled for a solve serves the next one like it, since
// what a function captured is an input and no part of its Program.
static implicit::SpecRef find_spec(const ProgramRef& map, const SolveSettings& settings) {
  constexpr std::size_t most = 512;
  struct Known {
    std::string key;
    ProgramRef map;
    implicit::SpecRef spec;
  };
  static std::mutex mutex;
  static std::unordered_multimap<std::uint64_t, Known> table;
  if (!settings.method->shareable()) return implicit::plain_spec(map, settings);
  const std::string key = settings.key();
  const std::uint64_t hash = map->hash();
  std::lock_guard lock(mutex);
  const auto [first, last] = table.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (it->second.key == key && it->second.map->equal(*map)) return it->second.spec;
  }
  if (table.size() >= most) table.clear();  // those in use live on in their ops
  return table.emplace(hash, Known{key, map, implicit::plain_spec(map, settings)})->second.spec;
}

Outcome solve(const ProgramRef& map, const SolveSettings& settings, const Array& z0, const Leaves& theta) {
  const implicit::SpecRef spec = find_spec(map, settings);
  const Leaves out = emit(implicit::solve_op(), implicit::join({z0}, theta), {{"spec", OpaqueRef(spec)}});
  return unflatten(Outcome{z0, z0, z0, z0, z0, z0, z0}, out);
}

}  // namespace detail

OpList implicit_ops() {
  static const Op* const list[] = {&detail::implicit::solve_op()};
  return list;
}

}  // namespace dini
