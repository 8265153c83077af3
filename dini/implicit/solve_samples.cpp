#include "dini/implicit/solve_samples.hpp"

#include <cmath>

#include "dini/implicit/solve_spec.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/elementwise_build.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_build.hpp"
#include "dini/solvers/drive.hpp"
#include "dini/transforms/callable.hpp"

namespace dini::detail::implicit {

namespace samples {

// Six steps of Newton's method, of which it reports made-up numbers and, if so asked, that they were too few.
struct SixSteps final : SolverMethod {
  bool fails = false;
  std::string name() const override { return "six_steps"; }
  std::string key() const override { return fails ? "six_steps, failing" : "six_steps"; }
  Outcome solve(const SolverProblem& p, const Array& z0, const StopRule&) const override {
    const Array z = fori_loop(
        0, 6, [&](const Array&, const Array& at) { return at + newton_correction(p, at, p.residual(at)).delta; }, z0);
    return {z,
            code(fails ? StatusCode::max_steps : StatusCode::converged),
            array(std::int64_t{6}),
            array(std::int64_t{13}),
            scalar_like(0.5, z),
            scalar_like(0.25, z),
            scalar_like(0.125, z),
            array(std::int64_t{0}),
            {}};
  }
};

Leaves sample_map(const Leaves& v, bool fixed_point) {
  const Array &z = v[0], &a = v[1], &s = v[2];
  const Array right = 0.1 * s * astype(v[3], z.dtype()) - 0.3 * tanh(s * flip(z, 0));
  return {fixed_point ? right / a : right - a * z};
}

}  // namespace samples

std::vector<Sample> solve_samples(Dtype d) {
  Leaves in{sample_array({0.3, -0.2}, {2}, d), sample_array({1.75, -2.5}, {2}, d), sample_array({1.25}, {}, d),
            sample_integers({4, 3}, {2}), sample({}, d)};
  std::vector<Sample> out;
  auto add = [&](SolveSettings settings, bool fixed_point, const Adjoint& adjoint, const char* error = "") {
    settings.kind = fixed_point ? Kind::fixed_point : Kind::root;
    settings.adjoint = adjoint;
    if (!settings.method) settings.method = std::make_shared<samples::SixSteps>();
    const ProgramRef map = stage_closed([&](const Leaves& v) { return samples::sample_map(v, fixed_point); },
                                        avals_of_leaves(in), "sample");
    out.push_back({in, {{"spec", OpaqueRef(plain_spec(map, settings))}, {"staged", settings.method->staged()}}, error});
  };
  const double tolerance = d == Dtype::float32 ? 1e-6 : 1e-14;
  add({}, false, Direct{});
  in.pop_back();
  add({}, false, BiCGStab{.tolerance = tolerance});
  add({}, true, GMRES{.restart = 2, .tolerance = tolerance});
  add({}, true, SameSolver{});
  SolveSettings other;
  other.on_failure = OnFailure::nan;
  add(other, true, Direct{});
  other = {};
  other.method = host_method(
      [](const Function& f, Array z) {
        for (int k = 0; k < 60; ++k) z = f(z);
        return z;
      },
      true);
  add(other, true, Direct{});
  auto failing = std::make_shared<samples::SixSteps>();
  failing->fails = true;
  other.method = failing;
  add(other, false, Direct{}, "six_steps: max_steps after 6 steps");
  return out;
}

std::vector<std::vector<long double>> plain_solution(const Sample& in) {
  const auto a = numbers(in.in[1]), m = numbers(in.in[3]);
  const long double s = numbers(in.in[2])[0];
  std::vector<long double> z{0, 0};
  for (int k = 0; k < 200; ++k) {
    z = {(m[0] * s / 10 - 0.3L * std::tanh(s * z[1])) / a[0], (m[1] * s / 10 - 0.3L * std::tanh(s * z[0])) / a[1]};
  }
  if (!in.params.flag("staged")) return {z, {0}, {0}, {0}, {0}, {0}, {}, {0}};
  return {z, {0}, {6}, {13}, {0.5L}, {0.25L}, {0.125L}, {0}};
}

}  // namespace dini::detail::implicit
