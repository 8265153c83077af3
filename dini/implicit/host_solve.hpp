// A solver that must be called at run time, a user's, as a function that an op calls.
#pragma once

#include "dini/implicit/solve_spec.hpp"
#include "dini/transforms/host.hpp"

namespace dini::detail::implicit {

/// [z0, θ...] -> z, for the map [z, θ...] -> its value.
struct HostSolve final : HostFunction {
  HostSolve(ProgramRef m, const SolveSettings& s) : map(std::move(m)), settings(s) {}
  ProgramRef map;
  SolveSettings settings;
  std::string name() const override { return settings.method->name(); }
  std::vector<Aval> outputs(std::span<const Aval> in) const override { return {{in[0].shape, in[0].dtype, false}}; }
  Leaves call(const Leaves& inputs) const override;
};

}  // namespace dini::detail::implicit
