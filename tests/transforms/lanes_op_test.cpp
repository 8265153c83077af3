// The op `lanes`: its blocks and sums, what it computes once, what passes leave of it.
#include "dini/transforms/lanes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "../exec/programs.hpp"
#include "counted.hpp"
#include "dini/dini.hpp"
#include "dini/exec/passes.hpp"
#include "dini/exec/rewrite.hpp"
#include "dini/trace/emit.hpp"

namespace dini {
namespace {

using exec_tests::agrees;
using exec_tests::Case;
using exec_tests::make_case;
using exec_tests::numbers;
using exec_tests::same_bits;
using transforms_tests::counted;
using transforms_tests::runs_of;

bool has_lanes(const Program& p) {
  for (const detail::Equation& e : p.equations) {
    if (e.op == &detail::lanes_op()) return true;
    for (const ProgramRef& inner : detail::programs_in(p, e)) {
      if (has_lanes(*inner)) return true;
    }
  }
  return false;
}

// ---- The op -----------------------------------------------------------------------------------------------------------

Case summed(std::int64_t size, Dtype dtype = float64) {
  const Array x = numbers({size, 3}, dtype, 2), y = numbers({size}, dtype, 3), c = numbers({3}, dtype, 4);
  return make_case(
      [=](const Leaves& in) {
        const ProgramRef lane = detail::stage_closed(
            [](const Leaves& v) { return Leaves{sin(v[0]) * v[2], v[1], v[0] * v[1], v[1], v[2] * v[2], v[0] * v[2]}; },
            {{{3}, dtype, false}, {{}, dtype, false}, {{3}, dtype, false}}, "lane");
        return detail::emit_lanes(lane, in, {true, true, false}, size, {false, false, true, true, true, true}).out;
      },
      {x, y, c});
}

TEST(LanesOp, AddsByBlocksInTheirOrder) {
  for (Dtype dtype : {float64, float32}) {
    for (std::int64_t size : {0, 1, 2, 1023, 1024, 1025, 40000}) {
      const Case c = summed(size, dtype);
      EXPECT_TRUE(agrees(c)) << size;
      const Leaves out = Executable::compile(*c.program)->run(c.inputs);
      const Array &x = c.inputs[0], &y = c.inputs[1], &shared = c.inputs[2];
      EXPECT_TRUE(same_bits({out[0], out[1]}, {sin(x) * shared, y})) << size;
      // Block by block, each from its first lane on. There are 32 blocks, of no more than 1,024 lanes.
      const std::int64_t lanes = std::clamp<std::int64_t>((size + 31) / 32, 1, 1024);
      double total = 0;
      for (std::int64_t first = 0; first < size; first += lanes) {
        double block = 0;
        for (std::int64_t k = first; k < std::min(size, first + lanes); ++k) {
          const double next = y(k).item<double>();
          block = k == first         ? next
                  : dtype == float32 ? static_cast<double>(static_cast<float>(block + next))
                                     : block + next;
        }
        total = dtype == float32 ? static_cast<double>(static_cast<float>(total + block)) : total + block;
      }
      EXPECT_EQ(out[3].item<double>(), total) << size;
      EXPECT_EQ(out[4].shape(), Shape({3}));
      const double digits = dtype == float32 ? 1e-4 : 1e-12;
      EXPECT_LE(max(abs(out[4] - static_cast<double>(size) * square(shared))).item<double>(), digits * (1 + size));
      EXPECT_LE(max(abs(out[5] - sum(x, 0) * shared)).item<double>(), digits * (1 + size));
    }
  }
}

TEST(LanesOp, ComputesOnceWhatLanesShare) {
  const Array x = numbers({40}), c = numbers({5});
  auto f = [](const Leaves& v) {
    const Array shared = sum(counted(v[1]));
    return Leaves{v[0] * shared, shared, v[0], sum(counted(v[0] + v[1]))};
  };
  const ProgramRef one = detail::stage_closed(f, {{{}, float64, false}, c.aval()}, "lane");
  const auto emitted = [&](const Leaves& in) {
    const detail::Batched b = detail::emit_lanes(one, in, {true, false}, 40);
    EXPECT_EQ(b.batched, std::vector<bool>({true, false, true, true}));
    return b.out;
  };
  const Case all = make_case(emitted, {x, c});
  EXPECT_TRUE(agrees(all));
  EXPECT_EQ(runs_of([&] { Executable::compile(*all.program)->run(all.inputs); }), 41);
  // What is not asked for is not computed.
  const Case some = make_case([&](const Leaves& in) { return Leaves{emitted(in)[0]}; }, {x, c});
  EXPECT_EQ(runs_of([&] { Executable::compile(*some.program)->run(some.inputs); }), 1);
}

// An op that was emitted with a Program in which more is shared than its emission could see.
TEST(LanesOp, PassesTakeOutOfLoopsAndLanes) {
  const Array x = numbers({40}), c = numbers({5});
  const ProgramRef one = detail::stage_closed(
      [](const Leaves& v) {
        return Leaves{fori_loop(
            0, 3, [&](const Array&, const Array& z) { return z * sum(counted(v[1])) + v[0]; }, v[0])};
      },
      {{{}, float64, false}, c.aval()}, "lane");
  const Case all = make_case(
      [&](const Leaves& in) {
        return detail::emit_lanes(one, in, {true, false}, 40).out;
      },
      {x, c});
  EXPECT_TRUE(agrees(all));
  EXPECT_EQ(runs_of([&] { Executable::compile(*all.program)->run(all.inputs); }), 1);
  EXPECT_TRUE(has_lanes(*all.program));
}

TEST(LanesOp, ConstantsGoIntoIt) {
  const Array x = numbers({9});
  const Aval number{{}, float64, false}, literal{{}, float64, true};
  const ProgramRef one = detail::stage_closed([](const Leaves& v) { return Leaves{v[0] * v[1] + v[2]}; },
                                              {number, literal, literal}, "lane");
  const Case c = make_case(
      [&](const Leaves& in) {
        return detail::emit_lanes(one, {in[0], Array(1.0), Array(-0.0)}, {true, false, false}, 9).out;
      },
      {x});
  EXPECT_TRUE(agrees(c));
  EXPECT_TRUE(same_bits(Executable::compile(*c.program)->run(c.inputs), {x}));
  EXPECT_EQ(exec::optimized(*c.program)->equations[0].inputs.size(), 1u);
}

TEST(LanesOp, StandsWithinItself) {
  // Lanes within lanes: the sums of one are what the other stacks, and the other way round.
  const Array x = numbers({5, 12, 3}), y = numbers({12}, float64, 2), c = numbers({3}, float64, 3);
  const ProgramRef inner = detail::stage_closed(
      [](const Leaves& v) {
        return Leaves{v[0] * v[1], v[0] * v[2]};
      },
      {{{3}, float64, false}, {{}, float64, false}, {{3}, float64, false}}, "inner");
  const ProgramRef outer = detail::stage_closed(
      [&](const Leaves& v) {
        return detail::emit_lanes(inner, v, {true, true, false}, 12, {false, true}).out;
      },
      {{{12, 3}, float64, false}, y.aval(), c.aval()}, "outer");
  const Case all = make_case(
      [&](const Leaves& in) {
        return detail::emit_lanes(outer, in, {true, false, false}, 5, {true, false}).out;
      },
      {x, y, c});
  EXPECT_TRUE(agrees(all));
  const Leaves out = Executable::compile(*all.program)->run(all.inputs);
  EXPECT_LE(max(abs(out[0] - sum(x * expand_dims(y, 1), 0))).item<double>(), 1e-14);
  EXPECT_LE(max(abs(out[1] - sum(x * c, 1))).item<double>(), 1e-14);
}

TEST(LanesOp, EndsByACancelScope) {
  const Array x = numbers({5000});
  const ProgramRef one =
      detail::stage_closed([](const Leaves& v) { return Leaves{sin(v[0])}; }, {{{}, float64, false}}, "lane");
  const Case c = make_case([&](const Leaves& in) { return detail::emit_lanes(one, in, {true}, 5000).out; }, {x});
  const auto executable = Executable::compile(*c.program);
  CancelToken token;
  const CancelScope scope(token);
  token.cancel();
  EXPECT_THROW(executable->run(c.inputs), CancelledError);
}

}  // namespace
}  // namespace dini
