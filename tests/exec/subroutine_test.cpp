// Programs that call long Programs from many places: those have plans of their own, and results and memory are the same.
#include "dini/exec/subroutine.hpp"

#include <malloc.h>

#include <ctime>

#include "../allocations.hpp"
#include "dini/dini.hpp"
#include "dini/exec/passes.hpp"
#include "dini/exec/rewrite.hpp"
#include "dini/trace/emit.hpp"
#include "dini/transforms/control_ops.hpp"
#include "programs.hpp"
#include "tests/sample.hpp"

namespace dini::exec_tests {
namespace {

using Function = std::function<Array(const Array&)>;

// f_0 has a few ops; f_k calls f_(k-1) a dozen times.
Function tower(int levels, const Function& base) {
  Function f = base;
  for (int k = 0; k < levels; ++k) {
    f = [inner = jit(f)](const Array& x) {
      Array sum = x;
      for (int j = 0; j < 12; ++j) sum = sum + inner(sum * 0.125);
      return sum * 0.0625;
    };
  }
  return f;
}
Array few_ops(const Array& x) { return sin(x) * cos(x) + tanh(x) - exp(x) * 0.5 + square(x) - 0.25 * x; }

int subroutines(const Program& p) {
  int n = 0;
  for (const Equation& e : p.equations) {
    n += e.op == &exec::subroutine_op();
    for (const Program* inner : exec::programs_of(e)) n += subroutines(*inner);
  }
  return n;
}

TEST(Subroutines, HaveTheBitsOfWhatTheyStandFor) {
  const Array x = numbers({5}, float64, 3);
  const Function deep = tower(3, few_ops);
  // Of a long Program whose outputs are an input, a constant, one array twice, and something new.
  const auto odd = jit([&](const Array& a, const Array& b) {
    const Array y = tower(2, few_ops)(a) + tower(2, few_ops)(b);
    return std::tuple(a, y, array({1.0, 2.0}), y, b, y * 2);
  });
  auto all_of = [&](const Array& a, const Array& b) {
    const auto [p, q, r, s, t, u] = odd(a, b);
    return concatenate({p, q, r, s, t, u});
  };
  struct Row {
    const char* name;
    std::function<Array(const Array&)> f;
    int called;
  };
  const Row rows[] = {
      {"short ones", tower(1, few_ops), 0},
      {"long ones", tower(3, few_ops), 12},
      {"a long one, once", [&](const Array& a) { return jit(tower(2, few_ops))(a); }, 0},
      {"outputs of all kinds", [&](const Array& a) { return all_of(a, a * 2) + all_of(a * 0.5, a); }, 2},
      {"in a loop",
       [&](const Array& a) {
         return fori_loop(
             0, 3, [g = jit(tower(2, few_ops))](const Array&, const Array& z) { return g(z) + g(z * 0.5); }, a);
       },
       2},
      {"in a scan that stacks what they give",
       [&](const Array& a) {
         const auto step = [g = jit(tower(2, few_ops))](const Array& c, const Array& v) {
           return std::tuple(g(c) * v, g(c * 0.5));
         };
         const auto [c, ys] = scan(step, a, numbers({4, 5}, float64, 7));
         return ys + c;
       },
       2},
      {"in branches",
       [&](const Array& a) {
         const auto g = jit(tower(2, few_ops));
         return cond(
             sum(a) > 0, [&](const Array& v) { return g(v); }, [&](const Array& v) { return g(v) + g(v * 2); }, a);
       },
       3},
      {"derived", [&](const Array& a) { return grad([&](const Array& v) { return sum(deep(v)); })(a); }, 1},
      {"batched",
       [&](const Array& a) {
         return vmap(deep)(stack({a, a * 2}));
       },
       12},
  };
  for (const Row& row : rows) {
    const Case c = make_case([&](const Leaves& in) { return Leaves{row.f(in[0])}; }, {x});
    EXPECT_TRUE(agrees(c)) << row.name;
    const auto p = exec::optimized(*c.program);
    p->check();
    if (row.called != 1)
      EXPECT_EQ(subroutines(*p), row.called) << row.name;
    else
      EXPECT_GT(subroutines(*p), 1) << row.name;
  }
}

TEST(Subroutines, AllocateNothing) {
  const Array x = numbers({50}, float64, 3);
  const auto one = Executable::compile(*make_program([](const Array& a) { return sin(a); }, x).program);
  const auto many = Executable::compile(*make_program(tower(3, few_ops), x).program);
  for (const auto& e : {one, many}) e->run(std::vector{x});
  auto count = [&](const auto& e) {
    const long before = tests::allocations();
    e->run(std::vector{x});
    return tests::allocations() - before;
  };
  EXPECT_EQ(count(many), count(one));
}

// A solve whose residual is a solve, and so on: a level is a dozen times the work of the one below, but not as much to compile.
TEST(Subroutines, MakeDeeplyNestedSolvesCompileSoon) {
  std::function<Array(const Array&)> f = [](const Array& a) { return a * 0.5; };
  const Array a = array({0.75, -1.5});
  const auto bytes = [] { return ::mallinfo2().uordblks + ::mallinfo2().hblkhd; };
  const std::size_t before = bytes();
  std::vector<std::shared_ptr<const Executable>> kept;
  double compiling = 0;
  for (int level = 1; level <= 5; ++level) {
    const auto inner = f;
    f = [inner](const Array& p) {
      return root([&](const Array& q, const Array& z) { return z + 0.1 * sin(inner(z)) - q; }, zeros({2}),
                  RootOptions{}, p)
          .value;
    };
    const std::clock_t start = std::clock();
    kept.push_back(Executable::compile(*make_program(f, a).program));
    compiling += static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    if (tests::sanitized && level > 3) continue;
    const Array z = kept.back()->run(std::vector{a})[0];
    EXPECT_LT(max(abs(z + 0.1 * sin(jit(inner)(z)) - a)).item<double>(), 1e-12) << level;
  }
  // With the solves put into each other the fourth level alone would take minutes.
  EXPECT_LT(compiling, tests::sanitized ? 60 : 2);
  if (!tests::sanitized) { EXPECT_LT(bytes(), before + 128'000'000); }
}

TEST(LateCalls, AreMadeWhenTheyAreFirstRun) {
  int made = 0;
  const std::vector<Aval> type{{Shape{2}, Dtype::float64, false}};
  const auto program = std::make_shared<detail::LateProgram>(type, type, [&made, type] {
    ++made;
    return stage_closed([](const Leaves& in) { return Leaves{2 * in[0] + 1}; }, type, "late");
  });
  auto f = [&](const Array& x) {
    return cond(
        sum(x) > 0,
        [&](const Array& v) {
          return emit(detail::late_call_op(), {v}, {{"program", OpaqueRef(program)}})[0];
        },
        [](const Array& v) { return v; }, x);
  };
  const auto executable = Executable::compile(*make_program(f, array({1.0, 2.0})).program);
  EXPECT_NE(executable->str().find("late_call"), std::string::npos) << executable->str();
  EXPECT_EQ(executable->run(std::vector{array({-1.0, -2.0})})[0].to_vector<double>(), (std::vector<double>{-1, -2}));
  EXPECT_EQ(made, 0);
  for (int turn = 0; turn < 2; ++turn)
    EXPECT_EQ(executable->run(std::vector{array({1.0, 2.0})})[0].to_vector<double>(), (std::vector<double>{3, 5}));
  EXPECT_EQ(made, 1);
  // Derivatives and lanes go through it.
  EXPECT_EQ(diagonal(jacrev(f)(array({1.0, 2.0}))).to_vector<double>(), (std::vector<double>{2, 2}));
  const Array lanes = jit([&](const Array& x) { return vmap(f)(x); })(array({{1.0, 2.0}, {-1.0, -2.0}}));
  EXPECT_EQ(lanes.to_vector<double>(), (std::vector<double>{3, 5, -1, -2}));
}

TEST(LateCalls, WhatTheDefaultSolverFallsBackOnCostsNothingBefore) {
  auto lines = [](const Solver& solver) {
    auto f = [&](const Array& a) {
      return root([](const Array& a, const Array& z) { return z * z - a; }, ones({2}), {.solver = solver}, a).value;
    };
    const std::string plan = Executable::compile(*make_program(f, array({2.0, 3.0})).program)->str();
    return std::count(plan.begin(), plan.end(), '\n');
  };
  EXPECT_LT(lines(Solver()), 1.2 * static_cast<double>(lines(Newton{})));
}

}  // namespace
}  // namespace dini::exec_tests
