// erased.hpp: functions of leaves, as bindings have them, beside what the templates do; what they throw.
#include "dini/erased.hpp"

#include <thread>

#include "transforms/expect.hpp"

namespace dini {
namespace {

using erased::ErasedFunction;
using erased::Leaves;

const Array x3 = array({0.3, -1.2, 0.7}), y3 = array({1.0, 0.5, -2.0});

Array product(const Array& x, const Array& y) { return sum(tanh(x) * y); }
const ErasedFunction erased_product = [](const Leaves& in) { return Leaves{product(in[0], in[1])}; };
Array curve(const Array& x) { return sin(x) * x; }
const ErasedFunction erased_curve = [](const Leaves& in) { return Leaves{curve(in[0])}; };

TEST(Erased, DerivativesAreThoseOfTheTemplates) {
  const auto r = erased::value_and_grad(erased_product, {x3, y3});
  const auto [gx, gy] = grad<0, 1>(product)(x3, y3);
  close(r.value, product(x3, y3));
  same(r.gradient, {gx, gy});
  const auto moved = erased::jvp(erased_curve, {x3}, {y3});
  close(moved.second[0], jvp(curve, x3, y3).tangent);
  const auto map = erased::vjp(erased_curve, {x3});
  close(map->map.out[0], curve(x3));
  close(map->pull({y3})[0], vjp(curve, x3).pullback(y3));
  close(erased::linearize(erased_curve, {x3})->push({y3})[0], moved.second[0]);
  // A map of another point has other captured arrays, and the same Program.
  erased::Linearization other = *map;
  other.map.captured = erased::vjp(erased_curve, {x3 + 1.0})->map.captured;
  close(other.pull({y3})[0], vjp(curve, x3 + 1.0).pullback(y3));
  close(erased::linear_transpose([](const Leaves& in) { return Leaves{flip(in[0], 0) * 2}; }, {x3})({y3})[0],
        flip(y3, 0) * 2);
  close(erased::jacobian(erased_curve, {x3})[0][0], jacobian(curve)(x3));
}

TEST(Erased, BatchesAndCompiledFunctions) {
  const Array rows = stack({x3, y3});
  close(erased::vmap(erased_curve, {rows}, {1}, {})[0], vmap(curve)(rows));
  close(erased::checkpoint(erased_curve, {x3})[0], curve(x3));
  erased::Jit cache("jit");
  int traced = 0;
  const ErasedFunction counted = [&](const Leaves& in) {
    ++traced;
    return erased_curve(in);
  };
  std::shared_ptr<const erased::Jit::Entry> used;
  for (int k = 0; k < 3; ++k) close(cache.call(counted, {x3}, "key", used, [] { return std::any(7); })[0], curve(x3));
  EXPECT_EQ(traced, 1);
  EXPECT_EQ(std::any_cast<int>(used->prototype), 7);
  cache.call(counted, {x3}, "other", used, [] { return std::any(8); });
  EXPECT_EQ(traced, 2);
  EXPECT_TRUE(cache.still_valid(counted, {x3}, "key"));
}

TEST(Erased, ControlFlow) {
  const ErasedFunction twice = [](const Leaves& in) { return Leaves{in[0] * 2}; };
  close(erased::switch_case("cond", erased::truth(array(true)), {erased_curve, twice}, {x3})[0], x3 * 2);
  const auto less = [](const Leaves& s) { return s[0] < 100; };
  close(erased::while_loop(less, twice, {array(3.0)})[0], array(192.0));
  const ErasedFunction step = [](const Leaves& in) { return Leaves{in[0] + in[1], in[0] * in[1]}; };
  same(erased::scan(step, {array(0.0)}, {array({1.0, 2.0, 3.0})}, {}, false), {array(6.0), array({0.0, 2.0, 9.0})});
}

TEST(Erased, RulesOfTheUsers) {
  erased::VjpRule rule;
  rule.inputs = 1;
  rule.primal = erased_curve;
  rule.run_forward = [](const Leaves& in) { return std::pair(erased_curve(in), Leaves{}); };
  rule.pull = [](const Leaves&, const Leaves& ct) { return Leaves{7 * ct[0]}; };
  const auto known = std::make_shared<erased::KnownOutputs>();
  const ErasedFunction f = [&](const Leaves& in) { return erased::custom_vjp(rule, known, in); };
  close(erased::vjp(f, {x3})->pull({y3})[0], 7 * y3);
  erased::JvpRule forward;
  forward.primal = erased_curve;
  forward.rule = [](const Leaves& x, const Leaves& dx) { return std::pair(erased_curve(x), Leaves{3 * dx[0]}); };
  const ErasedFunction g = [&](const Leaves& in) { return erased::custom_jvp(forward, known, in); };
  close(erased::jvp(g, {x3}, {y3}).second[0], 3 * y3);
}

TEST(Erased, Solves) {
  FixedPointOptions options;
  const ErasedFunction f = [](const Leaves& in) { return Leaves{in[0] * in[0] - in[1]}; };
  const ErasedFunction solved = [&](const Leaves& theta) {
    return erased::solve({"root", Kind::root, f, {array(1.0)}, theta, "*", options}).z;
  };
  const auto r = erased::value_and_grad(solved, {array(4.0)});
  close(r.value, array(2.0));
  close(r.gradient[0], array(0.25));
  options.solver = erased::user_solver([](const Function&, const Array&) { return array({2.0}); }, true);
  const ErasedFunction step = [](const Leaves& in) { return Leaves{in[0] - (in[0] * in[0] - in[1]) / 8}; };
  const ErasedFunction given = [&](const Leaves& theta) {
    return erased::solve({"fixed_point", Kind::fixed_point, step, {array(1.0)}, theta, "*", options}).z;
  };
  close(erased::value_and_grad(given, {array(4.0)}).gradient[0], array(0.25));
}

TEST(Erased, Programs) {
  const erased::Staged s = erased::stage(erased_curve, {x3.aval()}, "stage");
  const auto map = erased::linear_program(s.program, {true});
  EXPECT_EQ(map.out_active, std::vector<bool>{true});
  EXPECT_EQ(erased::batch_program(s.program, {true}, 4).program->input_avals()[0].shape, (Shape{4, 3}));
}

struct Mine {
  int number;
};

TEST(Erased, WhatAFunctionThrowsComesOutAsItIs) {
  const ErasedFunction thrower = [](const Leaves&) -> Leaves { throw Mine{7}; };
  const std::vector<std::function<void()>> calls = {
      [&] { erased::value_and_grad(thrower, {x3}); }, [&] { erased::jvp(thrower, {x3}, {x3}); },
      [&] { erased::vmap(thrower, {x3}, {1}, {}); }, [&] { erased::checkpoint(thrower, {x3}); },
      [&] {
        erased::solve({"root", Kind::root, thrower, {x3}, {}, "*", FixedPointOptions{}});
      }};
  for (const auto& call : calls) {
    try {
      call();
      ADD_FAILURE();
    } catch (const Mine& m) { EXPECT_EQ(m.number, 7); }
    EXPECT_EQ(detail::current_trace(), nullptr);
  }
  // The very object: what is added to it on the way stays.
  std::exception_ptr thrown;
  const ErasedFunction keeps = [&](const Leaves&) -> Leaves {
    try {
      throw ShapeError("here");
    } catch (...) {
      thrown = std::current_exception();
      throw;
    }
  };
  try {
    erased::value_and_grad([&](const Leaves& in) { return erased::jvp(keeps, in, in).first; }, {x3});
    ADD_FAILURE();
  } catch (const ShapeError&) { EXPECT_EQ(std::current_exception(), thrown); }
}

TEST(Erased, AnErrorHasTheLeavesOfZ) {
  const ErasedFunction f = [](const Leaves& in) { return Leaves{in[0] * in[0] + 1, in[1] * in[1] + in[2]}; };
  FixedPointOptions options;
  const ErasedFunction solved = [&](const Leaves& theta) {
    return erased::solve({"root", Kind::root, f, {ones({2, 2}), array(1.0)}, theta, "(*, *)", options}).z;
  };
  try {
    solved({array(1.0)});
    ADD_FAILURE();
  } catch (const SolveError& e) {
    EXPECT_EQ(e.value.shape(), (Shape{5}));
    ASSERT_EQ(e.parts.size(), 2u);
    EXPECT_EQ(e.parts[0].shape(), (Shape{2, 2}));
    EXPECT_EQ(e.parts[1].shape(), Shape{});
  }
  try {
    erased::vmap(solved, {array({1.0, 2.0, 3.0})}, {1}, {});
    ADD_FAILURE();
  } catch (const SolveError& e) {
    ASSERT_EQ(e.parts.size(), 2u);
    EXPECT_EQ(e.parts[0].shape(), (Shape{3, 2, 2}));
    EXPECT_EQ(e.parts[1].shape(), (Shape{3}));
  }
}

thread_local int thread_number = -1;

// A rule that waits until the other thread runs it as many times: with a lock around one of them it would wait for ever.
TEST(Erased, RulesOfTwoThreadsDoNotWaitForEachOther) {
  std::atomic<bool> met = true;
  std::atomic<int> runs[2] = {0, 0};
  erased::JvpRule rule;
  rule.primal = [](const Leaves& in) { return Leaves{in[0] * in[0]}; };
  rule.rule = [&](const Leaves& x, const Leaves& dx) {
    if (thread_number >= 0 && met) {
      const int mine = ++runs[thread_number];
      const std::atomic<int>& other = runs[1 - thread_number];
      for (int k = 0; k < 3000 && other < mine; ++k) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (other < mine) met = false;
    }
    return std::pair(Leaves{x[0] * x[0]}, Leaves{2 * x[0] * dx[0]});
  };
  const auto known = std::make_shared<erased::KnownOutputs>();
  const ErasedFunction f = [&](const Leaves& in) {
    return Leaves{erased::custom_jvp(rule, known, {in[0]})[0] - in[1]};
  };
  // One op in a Program that both run, whose derivative both make.
  FixedPointOptions options;
  options.solver = Solver(DFSane{});  // without derivatives of its own
  const ErasedFunction solved = [&](const Leaves& theta) {
    return erased::solve({"root", Kind::root, f, {array(1.0)}, theta, "*", options}).z;
  };
  const erased::Staged staged = erased::stage(solved, {{{}, float64, false}}, "stage");
  const ErasedFunction shared = [&](const Leaves& in) {
    Leaves all = in;
    all.insert(all.end(), staged.captured.begin(), staged.captured.end());
    return detail::evaluate(*staged.program, all);
  };
  shared({array(4.0)});
  std::vector<double> slopes(2);
  {
    std::vector<std::jthread> threads;
    for (std::size_t k = 0; k < 2; ++k)
      threads.emplace_back([&, k] {
        thread_number = static_cast<int>(k);
        slopes[k] = erased::value_and_grad(shared, {array(4.0)}).gradient[0].item();
      });
  }
  for (double slope : slopes) EXPECT_NEAR(slope, 0.25, 1e-12);
  EXPECT_TRUE(met);
  EXPECT_GT(runs[0], 0);
}

}  // namespace
}  // namespace dini
