// Running: what is allocated, from how many threads, from within itself, and what happens when something throws.
#include <atomic>
#include <thread>

#include "../allocations.hpp"
#include "dini/dini.hpp"
#include "dini/transforms/host.hpp"
#include "programs.hpp"
#include "tests/sample.hpp"

namespace dini::exec_tests {
namespace {

// z = tanh(W z + x) iterated a fixed number of times, in a loop with counters.
Leaves iterate(const Leaves& in, std::int64_t steps) {
  using State = std::tuple<Array, Array, Array>;
  const State end = while_loop([&](const State& s) { return (std::get<2>(s) < steps) & (norm(std::get<0>(s)) >= 0.0); },
                               [&](const State& s) {
                                 const Array z = tanh(dot(in[0], std::get<0>(s)) + in[1]);
                                 return State{z, std::get<0>(s), std::get<2>(s) + 1};
                               },
                               State{zeros_like(in[1]), zeros_like(in[1]), array(std::int64_t{0})});
  return {std::get<0>(end), norm(std::get<0>(end) - std::get<1>(end))};
}

TEST(Run, AllocatesItsOutputsAndNothingElse) {
  for (std::int64_t n : {10, 3000}) {
    const Case few = make_case(
        [n](const Leaves& in) {
          if (n < 100) return iterate(in, 5);
          const Array y = square(in[1]) + tanh(in[1]) * 2.0;
          return Leaves{y, sum(y)};
        },
        {numbers({n < 100 ? n : 1, n < 100 ? n : 1}, float32, 1), numbers({n}, float32, 2)});
    const auto executable = Executable::compile(*few.program);
    executable->run(few.inputs);
    const long before = tests::allocations();
    const Leaves out = executable->run(few.inputs);
    // The list of outputs, for each of two arrays its node, and its memory where it is large: a small one gets that of one before it.
    const long memory = !tests::keeps_blocks ? 2 : n < 100 ? 0 : 1;
    EXPECT_EQ(tests::allocations() - before, 3 + memory) << executable->str();
  }
}

TEST(Run, AllocatesNoMoreInALongerLoop) {
  for (std::int64_t steps : {3, 300}) {
    const Case c = make_case([&](const Leaves& in) { return iterate(in, steps); },
                             {numbers({10, 10}, float64, 1), numbers({10}, float64, 2)});
    const auto executable = Executable::compile(*c.program);
    executable->run(c.inputs);
    const long before = tests::allocations();
    executable->run(c.inputs);
    EXPECT_EQ(tests::allocations() - before, tests::keeps_blocks ? 3 : 5) << steps;
  }
}

TEST(Run, ThreadsGetTheSerialBits) {
  const Case c = make_case([](const Leaves& in) { return iterate(in, 20); },
                           {0.1 * numbers({40, 40}, float64, 1), numbers({40}, float64, 2)});
  const auto executable = Executable::compile(*c.program);
  const Leaves serial = executable->run(c.inputs);
  std::atomic<int> different{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 12; ++t) {  // more than there are lists of workspaces
    threads.emplace_back([&] {
      for (int k = 0; k < 200; ++k) different += !same_bits(executable->run(c.inputs), serial);
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(different.load(), 0);
}

// A function of the tests' as a callback.
struct Host : HostFunction {
  std::function<Leaves(const Leaves&)> f;
  std::vector<Aval> results;
  std::string name() const override { return "host"; }
  Leaves call(const Leaves& inputs) const override { return f(inputs); }
  std::vector<Aval> outputs(std::span<const Aval>) const override { return results; }
};
Array call_back(const Array& x, const std::function<Leaves(const Leaves&)>& f) {
  auto host = std::make_shared<Host>();
  host->f = f;
  host->results = {x.aval()};
  return emit_one(detail::callback_op(), {x}, {{"function", OpaqueRef(host)}});
}

TEST(Run, EntersItselfAgain) {
  // depth(x) = x > 0 ? tanh(depth(x - 1)) + x : x, each level an activation of the same Executable.
  std::shared_ptr<const Executable> executable;
  const Case c = make_case(
      [&](const Leaves& in) -> Leaves {
        const Array before = exp(in[0]);
        const Array y = cond(
            in[0] > 0.0,
            [&](const Array& x) {
              return tanh(call_back(x - 1.0, [&](const Leaves& args) { return Leaves{executable->run(args)[0]}; })) + x;
            },
            [](const Array& x) { return x + 0.0; }, in[0]);
        return {y, before};
      },
      {array(6.0)});
  executable = Executable::compile(*c.program);
  double wanted = 0;
  for (int k = 1; k <= 6; ++k) wanted = std::tanh(wanted) + k;
  for (int turn = 0; turn < 2; ++turn) {
    const Leaves out = executable->run(c.inputs);
    EXPECT_NEAR(out[0].item<double>(), wanted, 1e-12);
    EXPECT_NEAR(out[1].item<double>(), std::exp(6.0), 1e-10);
  }
}

TEST(Run, CallbacksSeeNoTraceAndTheirErrorsPass) {
  int calls = 0, fail_at = -1;
  const Case c = make_case(
      [&](const Leaves& in) -> Leaves {
        return flatten(while_loop([](const std::tuple<Array, Array>& s) { return std::get<1>(s) < 5; },
                                  [&](const std::tuple<Array, Array>& s) {
                                    return std::tuple<Array, Array>(call_back(std::get<0>(s),
                                                                              [&](const Leaves& args) {
                                                                                if (++calls == fail_at)
                                                                                  throw std::out_of_range("the user's");
                                                                                return Leaves{args[0] * 2.0};
                                                                              }),
                                                                    std::get<1>(s) + 1);
                                  },
                                  std::tuple<Array, Array>(in[0], array(std::int64_t{0}))));
      },
      {numbers({3}, float64, 4)});
  const auto executable = Executable::compile(*c.program);
  const Leaves wanted = executable->run(c.inputs);
  EXPECT_EQ(calls, 5);
  EXPECT_EQ(wanted[0].to_vector<double>()[0], 32 * c.inputs[0].to_vector<double>()[0]);
  for (fail_at = 1; fail_at <= 5; ++fail_at) {
    calls = 0;
    EXPECT_THROW(executable->run(c.inputs), std::out_of_range) << fail_at;
    const int stopped = fail_at;
    fail_at = -1;
    EXPECT_TRUE(same_bits(executable->run(c.inputs), wanted)) << stopped;
    fail_at = stopped;
  }
}

TEST(Run, CallbacksThatReturnSomethingElseAreErrors) {
  for (const Leaves& wrong :
       {Leaves{}, Leaves{numbers({4})}, Leaves{numbers({3}, float32)}, Leaves{numbers({3}), numbers({3})}}) {
    const Case c =
        make_case([&](const Leaves& in) -> Leaves { return {call_back(in[0], [&](const Leaves&) { return wrong; })}; },
                  {numbers({3})});
    EXPECT_THROW(Executable::compile(*c.program)->run(c.inputs), Error);
    EXPECT_THROW(Executable::compile(*c.program, {.optimize = false})->run(c.inputs), Error);
  }
}

TEST(Run, BadAllocLeavesItUsable) {
  const Case c = make_case([](const Leaves& in) { return iterate(in, 5); },
                           {numbers({6, 6}, float64, 1), numbers({6}, float64, 2)});
  const Leaves wanted = Executable::compile(*c.program, {.optimize = false})->run(c.inputs);
  const auto executable = Executable::compile(*c.program);  // its first run makes a workspace
  long failures = 0;
  for (bool done = false; !done; ++failures) {
    tests::FailAllocation fail(failures + 1);
    try {
      const Leaves out = executable->run(c.inputs);
      done = !fail.happened();
    } catch (const std::bad_alloc&) { EXPECT_TRUE(fail.happened()); }
  }
  // The workspace, the list of outputs, for each of two its node, and its memory where that of one before is not kept.
  EXPECT_GE(failures, tests::keeps_blocks ? 4 : 6);
  EXPECT_TRUE(same_bits(executable->run(c.inputs), wanted));
}

TEST(Run, InputsOfAnotherTypeAreErrors) {
  const Case c = make_case([](const Leaves& in) -> Leaves { return {in[0] + 1.0}; }, {numbers({3})});
  const auto executable = Executable::compile(*c.program);
  EXPECT_THROW(executable->run(Leaves{numbers({4})}), ShapeError);
  EXPECT_THROW(executable->run(Leaves{numbers({3}, float32)}), DtypeError);
  EXPECT_THROW(executable->run(Leaves{}), ShapeError);
}

TEST(Run, InputsStayAsTheyAre) {
  // Every op here could be done in place, were the operand not the caller's.
  const Array x = numbers({5}, float64, 7), copy = x + 0.0;
  const Case c = make_case(
      [](const Leaves& in) -> Leaves {
        return {tanh(in[0]), in[0].at(2).set(3.0), in[0], reshape(in[0], {5, 1})};
      },
      {x});
  const Leaves out = Executable::compile(*c.program)->run(c.inputs);
  EXPECT_TRUE(same_bits({x}, {copy}));
  EXPECT_EQ(out[2].node(), x.node());
  EXPECT_EQ(out[3].raw(), x.raw());
}

TEST(Run, EqualProgramsShareAnExecutable) {
  auto f = [](const Leaves& in) -> Leaves { return {tanh(in[0]) * 3.0}; };
  const Case a = make_case(f, {numbers({3})}), b = make_case(f, {numbers({3})});
  run_program(*a.program, a.inputs);
  const long before = tests::allocations();
  run_program(*b.program, b.inputs);
  const long shared = tests::allocations() - before;
  const Case other = make_case([](const Leaves& in) -> Leaves { return {tanh(in[0]) * 4.0}; }, {numbers({3})});
  const long start = tests::allocations();
  run_program(*other.program, other.inputs);
  EXPECT_LT(shared, (tests::allocations() - start) / 2);
}

TEST(Run, MemoryOfASolveAndItsGradientDoesNotGrowWithItsSteps) {
  for (const Solver& solver : {Solver(ForwardIteration{}), Solver(Anderson{}), Solver(Newton{}), Solver(FwdSolver{})}) {
    std::vector<unsigned long> bytes;
    for (std::int64_t most : {7, 100000}) {
      const FixedPointOptions o{.solver = solver, .max_steps = most};
      const auto loss = [&](const Array& W, const Array& x) {
        const auto f = [](const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); };
        return sum(fixed_point(f, zeros_like(x), o, W, x).value);
      };
      const Case c = make_case(
          [&](const Leaves& in) {
            const auto [value, gradient] = value_and_grad<0, 1>(loss)(in[0], in[1]);
            return Leaves{value, std::get<0>(gradient), std::get<1>(gradient)};
          },
          {0.3 * numbers({10, 10}, float64, 1), numbers({10}, float64, 2)});
      const std::string plan = Executable::compile(*c.program)->str();
      bytes.push_back(std::stoul(plan.substr(plan.rfind(" slots, ") + 8)));
    }
    EXPECT_EQ(bytes[0], bytes[1]) << solver.name();
  }
}

}  // namespace
}  // namespace dini::exec_tests
