// Compiling takes a time that grows as a Program's length does.
#include <algorithm>
#include <ctime>

#include "dini/dini.hpp"
#include "dini/trace/emit.hpp"
#include "programs.hpp"
#include "tests/sample.hpp"

namespace dini::exec_tests {
namespace {

double seconds_to_compile(const Program& p) {
  const auto now = [] {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);  // whatever else this machine does
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  };
  const double start = now();
  Executable::compile(p);
  return now() - start;
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
      {"loops, one after the other",
       [](const Leaves& in, int n) {
         Array a = in[0];
         for (int k = 0; k < n / 10; ++k)
           a = fori_loop(
               0, 3, [](const Array&, const Array& v) { return 0.5 * v + 1; }, a);
         return Leaves{a};
       }},
      {"branches, one after the other",
       [](const Leaves& in, int n) {
         Array a = in[0];
         for (int k = 0; k < n / 10; ++k) {
           a = cond(
               sum(a) > k, [](const Array& v) { return 0.5 * v; }, [](const Array& v) { return v; }, a);
         }
         return Leaves{a};
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
    const int n = tests::sanitized ? 500 : 2000;
    const ProgramRef shorter = make_case([&](const Leaves&in) { return row.f(in, n); }, {x, longer}).program,
                     tenfold = make_case([&](const Leaves&in) { return row.f(in, 10 * n); }, {x, longer}).program;
    const double once = seconds_to_compile(*shorter);
    double ten = seconds_to_compile(*tenfold);
    // What is quadratic takes 100 times as long; what is not suffers from caches. Once more, should it have been disturbed.
    const double most = 50 * std::max(once, 1e-3);
    if (ten > most) ten = std::min(ten, seconds_to_compile(*tenfold));
    EXPECT_LT(ten, most) << row.name;
  }
}

}  // namespace
}  // namespace dini::exec_tests
