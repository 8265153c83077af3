// Quadratic and linear programs of known kinds: how they end, in how many steps, and how exactly. Random, of fixed seeds.
//
//     quadratic_programs [--float32]
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>

#include <dini/dini.hpp>
#include "tests/solvers/programs.hpp"

int main(int argc, char** argv) {
  using namespace dini;
  const Dtype dtype = argc > 1 && std::strcmp(argv[1], "--float32") == 0 ? float32 : float64;
  std::printf("%-34s %6s %12s %10s  %s\n", "", "steps", "most steps", "error", "ends");
  for (const tests::Programs& set : tests::random_programs()) {
    struct End {
      Array status, steps, error;
      auto tree() { return std::tie(status, steps, error); }
    };
    const auto solved = jit([](const tests::ProgramData& d) {
      const auto s = quadratic_program(d.program(), {.on_failure = OnFailure::best});
      return End{s.status.code, s.steps, s.residual_norm};
    });
    double steps = 0, most = 0, worst = 0;
    std::map<std::string, int> ends;
    for (int k = 0; k < set.count; ++k) {
      const End end = solved(set.make(k).as(dtype));
      ++ends[name(static_cast<StatusCode>(end.status.item<std::int64_t>()))];
      const auto taken = static_cast<double>(end.steps.item<std::int64_t>());
      steps += taken;
      most = std::max(most, taken);
      worst = std::max(worst, astype(end.error, float64).item<double>());
    }
    std::string text;
    for (const auto& [status, count] : ends) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + status;
    std::printf("%-34s %6.1f %12.0f %10.1e  %s\n", set.name.c_str(), steps / set.count, most, worst, text.c_str());
  }
  return 0;
}
