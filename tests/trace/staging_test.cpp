// trace/trace.hpp: what is recorded of a function, what it captured, and values that leave the trace they belong to.
#include <stdexcept>

#include "../ops/expect_array.hpp"
#include "dini/dini.hpp"
#include "dini/trace/internal.hpp"

namespace dini {
namespace {

const Aval vector{{3}, float64, false};
const char* const outside =
    ") is used outside that transformation. Return it from the transformed function instead of storing it elsewhere.";

TEST(Staging, RecordsTheFunction) {
  const Staged s = stage([](const Leaves& in) { return Leaves{tanh(in[0]) + in[1], in[0]}; }, {vector, vector}, "test");
  EXPECT_NO_THROW(s.program->check());
  EXPECT_TRUE(s.captured.empty());
  EXPECT_EQ(s.program->str(),
            "{ a: float64(3,), b: float64(3,) ->\n"
            "  c: float64(3,) = tanh(a)\n"
            "  d: float64(3,) = add(c, b)\n"
            "  return d, a }");
  EXPECT_EQ(current_trace(), nullptr);
}

TEST(Staging, HoistsWhatIsCaptured) {
  const Array w = array({1.0, 2.0, 3.0}), unused = array({7.0, 7.0, 7.0}), s = array(2.0);
  const auto f = [&](const Leaves& in) { return Leaves{in[0] * w + w, w, in[0] + s}; };
  const Staged staged = stage(f, {vector}, "test");
  // Each array once, in the order of its first use, behind the function's own inputs.
  ASSERT_EQ(staged.captured.size(), 2u);
  EXPECT_EQ(staged.captured[0].node(), w.node());
  EXPECT_EQ(staged.captured[1].node(), s.node());
  EXPECT_EQ(staged.program->input_avals(), (std::vector<Aval>{vector, vector, {{}, float64, false}}));
  const Array x = array({10.0, 20.0, 30.0});
  const Leaves out = evaluate(*staged.program, {x, array({1.0, 1.0, 1.0}), array(5.0)});
  expect_array(out.at(0), {3}, {11, 21, 31});
  expect_array(out.at(1), {3}, {1, 1, 1});
  expect_array(out.at(2), {3}, {15, 25, 35});
}

TEST(Staging, KeepsLiteralsAsConstants) {
  const Staged literal = stage([](const Leaves& in) { return Leaves{in[0] * 2.5}; }, {vector}, "test");
  EXPECT_TRUE(literal.captured.empty());
  ASSERT_EQ(literal.program->constants.size(), 1u);
  EXPECT_EQ(literal.program->constants[0].second.item(), 2.5);
  // stage_closed keeps all that is concrete.
  const Array w = array({1.0, 2.0, 3.0});
  const ProgramRef closed = stage_closed([&](const Leaves& in) { return Leaves{in[0] * w}; }, {vector}, "test");
  ASSERT_EQ(closed->constants.size(), 1u);
  EXPECT_EQ(closed->constants[0].second.node(), w.node());
  EXPECT_EQ(closed->inputs.size(), 1u);
}

TEST(Staging, CapturesValuesOfTheTraceOutside) {
  // Staged within a trace, the inner Program has the outer one's values as inputs.
  std::size_t captured = 0;
  const Staged outer = stage(
      [&](const Leaves& in) {
        const Array square = in[0] * in[0];
        const Staged inner = stage([&](const Leaves& x) { return Leaves{x[0] + square}; }, {vector}, "inner");
        captured = inner.captured.size();
        EXPECT_EQ(inner.captured.at(0).node(), square.node());
        Leaves inputs = {in[0]};
        inputs.insert(inputs.end(), inner.captured.begin(), inner.captured.end());
        return evaluate(*inner.program, inputs);
      },
      {vector}, "outer");
  EXPECT_EQ(captured, 1u);
  expect_array(evaluate(*outer.program, {array({1.0, 2.0, 3.0})}).at(0), {3}, {2, 6, 12});
}

TEST(Staging, ReadsNothing) {
  const std::string why =
      " it is abstract: it stands for all values that the traced function may be called with. Use where(condition, a, "
      "b) "
      "to choose between values, cond to choose between computations, while_loop or fori_loop to repeat one.";
  expect_error<HostReadError>(
      [] { stage([](const Leaves& in) { return Leaves{array(sum(in[0]).item())}; }, {vector}, "jit"); },
      "a value float64(), the result of sum, was read on the host, but under jit" + why);
  expect_error<HostReadError>(
      [] { stage([](const Leaves& in) { return Leaves{array(in[0].to_vector<double>())}; }, {vector}, "jit"); },
      "a value float64(3,) was read on the host, but under jit" + why);
  EXPECT_EQ(current_trace(), nullptr);
}

TEST(Staging, OfAnArrayThatWasNeverAssignedIsAnError) {
  expect_error<ValueError>([] { stage([](const Leaves&) { return Leaves{Array()}; }, {vector}, "test"); },
                           "test: the result: an array that was never assigned");
  expect_error<ValueError>([] { stage([](const Leaves& in) { return Leaves{in[0] + Array()}; }, {vector}, "test"); },
                           "+: an array that was never assigned");
}

TEST(Staging, EndsWithTheFunctionHoweverThatEnds) {
  Array kept;
  stage(
      [&](const Leaves& in) {
        kept = in[0];
        EXPECT_EQ(current_trace()->kind(), "test");
        EXPECT_TRUE(anything_abstract());
        return in;
      },
      {vector}, "test");
  EXPECT_FALSE(anything_abstract());
  expect_error<TraceError>([&] { kept + 1; }, "add: a value traced by test (float64(3,)" + std::string(outside));
  expect_error<TraceError>(
      [&] { kept.item(); },
      "reading a value traced by test (float64(3,)) after that transformation has ended. Return it "
      "from the transformed function instead of storing it elsewhere.");
  // Used in another trace; and as its result.
  expect_error<TraceError>([&] { stage([&](const Leaves& in) { return Leaves{in[0] * kept}; }, {vector}, "another"); },
                           "mul: a value traced by test (float64(3,)" + std::string(outside));
  expect_error<TraceError>([&] { stage([&](const Leaves&) { return Leaves{kept}; }, {vector}, "another"); },
                           "another: the result: a value traced by test (float64(3,)" + std::string(outside));
  // An exception ends a trace, too.
  EXPECT_THROW(stage(
                   [&](const Leaves& in) -> Leaves {
                     kept = in[0] + 1;
                     throw std::runtime_error("mine");
                   },
                   {vector}, "broken"),
               std::runtime_error);
  EXPECT_EQ(current_trace(), nullptr);
  expect_error<TraceError>([&] { kept + 1; }, "add: a value traced by broken (float64(3,)" + std::string(outside));
}

TEST(Staging, ValuesOfAnInnerTraceDoNotReachTheOuter) {
  stage(
      [](const Leaves& in) {
        Array inner;
        stage([&](const Leaves& x) { return Leaves{inner = x[0] * 2}; }, {vector}, "inner");
        expect_error<TraceError>([&] { in[0] + inner; },
                                 "add: a value traced by inner (float64(3,)" + std::string(outside));
        return in;
      },
      {vector}, "outer");
}

}  // namespace
}  // namespace dini
