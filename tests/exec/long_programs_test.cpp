// Compiling takes a time that grows as a Program's length does.
#include <algorithm>
#include <chrono>

#include "dini/dini.hpp"
#include "dini/trace/emit.hpp"
#include "programs.hpp"

namespace dini::exec_tests {
namespace {

double seconds_to_compile(const Program& p) {
  const auto start = std::chrono::steady_clock::now();
  Executable::compile(p);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TEST(LongPrograms, CompileInLinearTime) {
  const Array x = numbers({3}), longer = numbers({2000});
  struct Row {
    const char* name;
    std::function<Leaves(const Leaves&, int)> f;
  };
  const Row rows[] = {
      {"as many outputs as ops",
       [](const Leaves& in, int n) {
         Leaves out{in[0]};
         for (int k = 0; k < n; ++k) out.push_back(sin(out.back()));
         return out;
       }},
      {"an output many times", [](const Leaves& in, int n) { return Leaves(static_cast<std::size_t>(n), sin(in[0])); }},
      {"as many constants as ops",
       [](const Leaves& in, int n) {
         Array sum = in[0];
         for (int k = 0; k < n; ++k) sum = sum * (1.0 + k);
         return Leaves{sum};
       }},
      {"constants that are outputs",
       [](const Leaves&, int n) {
         Leaves out;
         for (int k = 0; k < n; ++k) out.push_back(Array(1.0 + k));
         return out;
       }},
      {"fused loops, one after the other",
       [](const Leaves& in, int n) {
         Array a = in[1];
         for (int k = 0; k < n; ++k) a = k % 2 ? sin(a) : flip(a, 0);
         return Leaves{a};
       }},
      {"fused loops, all of them at once",
       [](const Leaves& in, int n) {
         Leaves out;
         for (int k = 0; k < n; ++k) out.push_back(sum(in[1] * (1.0 + k)));
         return out;
       }},
      {"many arrays alive at once",
       [](const Leaves& in, int n) {
         Leaves rows;
         for (int k = 1; k <= n; ++k) rows.push_back(cumsum(broadcast_to(in[0](0) * k, {1 + k % 97})));
         Array total = 0.0;
         for (const Array& row : rows) total = total + sum(row);
         return Leaves{total};
       }},
  };
  for (const Row& row : rows) {
    const int n = 2000;
    const ProgramRef shorter = make_case([&](const Leaves&in) { return row.f(in, n); }, {x, longer}).program,
                     tenfold = make_case([&](const Leaves&in) { return row.f(in, 10 * n); }, {x, longer}).program;
    double once = seconds_to_compile(*shorter), ten = seconds_to_compile(*tenfold);
    // What is quadratic takes 100 times as long. Once more, should something else have held it up.
    if (ten > 35 * std::max(once, 1e-3)) ten = std::min(ten, seconds_to_compile(*tenfold));
    EXPECT_LT(ten, 35 * std::max(once, 1e-3)) << row.name;
  }
}

}  // namespace
}  // namespace dini::exec_tests
