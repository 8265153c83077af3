// What each pass is for, and that no result depends on it.
#include "dini/dini.hpp"
#include "dini/exec/passes.hpp"
#include "dini/ops/registry.hpp"
#include "dini/trace/emit.hpp"
#include "programs.hpp"

namespace dini::exec_tests {
namespace {

int count(const Program& p, const std::string& op) {
  int n = 0;
  for (const Equation& e : p.equations) n += e.op->name == op;
  return n;
}
const Program& body_of(const Program& p) {
  for (const Equation& e : p.equations) {
    if (e.params.has("body")) return *e.params.program("body");
  }
  throw std::logic_error("no loop");
}
std::shared_ptr<Program> after_passes(const Case& c) {
  auto p = exec::optimized(*c.program);
  p->check();
  return p;
}

const Array W = numbers({4, 4}, float64, 1), V = numbers({4, 3}, float64, 5), x = numbers({4}, float64, 2);

// A loop that keeps what it captured busy.
Array loop_over(const Array& start, const std::function<Array(const Array&)>& f, std::int64_t steps = 4) {
  using State = std::tuple<Array, Array>;
  return std::get<0>(while_loop([&](const State& s) { return std::get<1>(s) < steps; },
                                [&](const State& s) {
                                  return State{f(std::get<0>(s)), std::get<1>(s) + 1};
                                },
                                State{start, array(std::int64_t{0})}));
}

TEST(Passes, AProductWithAnIdentityIsNone) {
  struct Row {
    const char* name;
    std::function<Array(const Array&, const Array&)> f;  // of W and x
    int products;
  };
  const Row rows[] = {
      {"W I", [](const Array& w, const Array&) { return dot(w, eye(4)); }, 0},
      {"I W", [](const Array& w, const Array&) { return dot(eye(4), w); }, 0},
      {"I Wt", [](const Array& w, const Array&) { return dot(eye(4), transpose(w)); }, 0},
      {"diag(x) W",
       [](const Array& w, const Array& v) {
         return dot(eye(4) * reshape(v, {4, 1}), w);
       },
       0},
      {"diag(x) W, by columns", [](const Array& w, const Array& v) { return dot(eye(4) * v, w); }, 0},
      {"W diag(x)", [](const Array& w, const Array& v) { return dot(w, eye(4) * v); }, 0},
      {"batches",
       [](const Array& w, const Array&) {
         return matmul(broadcast_to(eye(4), {2, 4, 4}), stack({w, 2.0 * w}));
       },
       0},
      {"shifted", [](const Array& w, const Array&) { return dot(eye(4, 4, 1), w); }, 1},
      {"jacobian",
       [](const Array& w, const Array& v) { return jacobian([&](const Array& u) { return tanh(dot(w, u)); })(v); }, 1},
      {"jacrev",
       [](const Array& w, const Array& v) { return jacrev([&](const Array& u) { return tanh(dot(w, u)); })(v); }, 1},
      {"jacfwd",
       [](const Array& w, const Array& v) { return jacfwd([&](const Array& u) { return tanh(dot(w, u)); })(v); }, 1},
  };
  for (const Row& row : rows) {
    const Case c = make_case([&](const Leaves& in) -> Leaves { return {row.f(in[0], in[1])}; }, {W, x});
    EXPECT_TRUE(agrees(c)) << row.name;
    EXPECT_EQ(count(*after_passes(c), "dot_general"), row.products) << row.name << "\n" << after_passes(c)->str();
  }
}

TEST(Passes, InvariantsLeaveLoops) {
  const Case c = make_case(
      [](const Leaves& in) -> Leaves {
        return {loop_over(in[1], [&](const Array& z) { return tanh(dot(dot(in[0], in[0]) + 1.0, z) + sin(in[1])); })};
      },
      {W, x});
  EXPECT_TRUE(agrees(c));
  const auto p = after_passes(c);
  EXPECT_EQ(count(body_of(*p), "dot_general"), 1) << p->str();
  EXPECT_EQ(count(body_of(*p), "sin"), 0) << p->str();
  EXPECT_EQ(count(*p, "dot_general"), 1) << p->str();
}

TEST(Passes, InvariantsLeaveNestedLoopsAndScans) {
  const Case c = make_case(
      [](const Leaves& in) -> Leaves {
        auto [z, ys] = scan(
            [&](const Array& z, const Array& row) {
              const Array inner =
                  loop_over(z, [&](const Array& u) { return tanh(u + dot(transpose(in[0]), sin(in[1]))); });
              return std::pair<Array, Array>(inner + row, sum(inner));
            },
            in[1], in[0]);
        return {z, ys};
      },
      {W, x});
  EXPECT_TRUE(agrees(c));
  const auto p = after_passes(c);
  EXPECT_EQ(count(*p, "dot_general"), 1) << p->str();
  EXPECT_EQ(count(*p, "sin"), 1) << p->str();
}

TEST(Passes, ACarryThatNeverChangesIsCaptured) {
  using State = std::tuple<Array, Array, Array>;
  const Case c = make_case(
      [](const Leaves& in) -> Leaves {
        const State end =
            while_loop([](const State& s) { return sum(square(std::get<0>(s))) > 0.01 * sum(square(std::get<2>(s))); },
                       [](const State& s) {
                         return State{0.5 * std::get<0>(s), std::get<1>(s) + 1, std::get<2>(s)};
                       },
                       State{in[0], array(std::int64_t{0}), in[0] + 1.0});
        return {std::get<0>(end), std::get<1>(end), std::get<2>(end)};
      },
      {x});
  EXPECT_TRUE(agrees(c));
  EXPECT_EQ(body_of(*after_passes(c)).outputs.size(), 2u);
}

TEST(Passes, WhatNobodyNeedsIsNotDone) {
  using State = std::tuple<Array, Array, Array, Array>;
  const Case c = make_case(
      [](const Leaves& in) -> Leaves {
        const State end = while_loop([](const State& s) { return std::get<3>(s) < 5; },
                                     [&](const State& s) {
                                       const auto& [a, b, unused, k] = s;
                                       return State{tanh(b), a + 1.0, exp(unused) + a, k + 1};
                                     },
                                     State{in[0], in[0], in[0], array(std::int64_t{0})});
        auto [carry, ys] =
            scan([](const Array& s, const Array& r) { return std::pair<Array, Array>(s + r, exp(s)); }, in[0], in[1]);
        return {std::get<0>(end), carry};
      },
      {x, W});
  EXPECT_TRUE(agrees(c));
  const auto p = after_passes(c);
  EXPECT_EQ(p->str().find("exp"), std::string::npos) << p->str();
}

TEST(Passes, EqualComputationsAreDoneOnce) {
  const Case c = make_case(
      [](const Leaves& in) -> Leaves {
        return {tanh(dot(in[0], in[1])), square(tanh(dot(in[0], in[1]))), cumsum(in[1], 0) + cumsum(in[1])};
      },
      {W, x});
  EXPECT_TRUE(agrees(c));
  EXPECT_EQ(count(*after_passes(c), "dot_general"), 1);
  EXPECT_EQ(count(*after_passes(c), "cumsum"), 1);
}

TEST(Passes, MovesThatCancelAreNotDone) {
  const Case c = make_case(
      [](const Leaves& in) -> Leaves {
        return {transpose(transpose(in[0])), reshape(reshape(in[0], {2, 6}), {3, 4}) * 1.0,
                tanh(reshape(transpose(in[0]), {12}))};
      },
      {V});
  EXPECT_TRUE(agrees(c));
  const auto p = after_passes(c);
  EXPECT_EQ(count(*p, "transpose"), 1) << p->str();
  EXPECT_EQ(count(*p, "mul"), 0) << p->str();
}

// As a program's equations are where it has none.
TEST(Passes, WhatHasNoElementsIsNotComputed) {
  const Case c = make_case(
      [](const Leaves& in) -> Leaves {
        const Array &none = in[1], rows = dot(none, in[0]), back = dot(transpose(none), exp(rows));
        return {tanh(rows) * 2.0, in[0] + back, concatenate({rows, in[0], rows}), sum(rows),
                max(abs(concatenate({rows, in[0]})))};
      },
      {x, numbers({0, x.size()})});
  EXPECT_TRUE(agrees(c));
  const auto p = after_passes(c);
  for (const char* op : {"dot_general", "exp", "tanh", "concatenate", "sum"})
    EXPECT_EQ(count(*p, op), 0) << op << p->str();
}

TEST(Passes, RunWhileSomethingIsTraced) {
  const Case c = make_case(
      [](const Leaves& in) -> Leaves {
        return {dot(transpose(in[1]), dot(in[1], in[0])) + in[0], dot(in[1], in[0])};
      },
      {x, numbers({0, x.size()})});
  stage(
      [&](const Leaves& in) {
        EXPECT_TRUE(agrees(c));
        return in;
      },
      {x.aval()}, "test");
}

TEST(Passes, SignsOfZerosStay) {
  const Array zeros_of_both_signs = array({0.0, -0.0, 1.0});
  const Case c = make_case(
      [](const Leaves& in) -> Leaves {
        const Array& a = in[0];
        return {a + 0.0, a - 0.0, 0.0 + a, a * 1.0, a / 1.0, 0.0 - a, -(-a), a + (-0.0), 1.0 * a, dot(a, eye(3) * a)};
      },
      {zeros_of_both_signs});
  EXPECT_TRUE(agrees(c));
}

TEST(Passes, AConstantIndexChoosesItsBranch) {
  const Case c = make_case(
      [](const Leaves& in) -> Leaves {
        const Array which = 1.0 * Array(2.0) > 1.0;  // a constant, once it is computed
        return {cond(
                    which, [](const Array& a) { return tanh(a) + 2.0; }, [](const Array& a) { return dot(a, a) * a; },
                    in[0]),
                in[0]};
      },
      {x});
  EXPECT_TRUE(agrees(c));
  EXPECT_EQ(count(*after_passes(c), "cond"), 0) << after_passes(c)->str();
  EXPECT_EQ(count(*after_passes(c), "dot_general"), 0);
}

// Two loops, scans and choices of one type, each with what every pass works on.
TEST(Passes, AlikeIsNotEqual) {
  const Case c = make_case(
      [](const Leaves& in) -> Leaves {
        const Array &w = in[0], &v = in[1], twice = 1.0 * (v + v);
        const auto grown = [&](double factor) {
          return while_loop([](const Array& z) { return sum(z * z) < 50.0; },
                            [&](const Array& z) { return factor * z + sum(tanh(dot(w, twice))); }, v);
        };
        const auto summed = [&](double factor) {
          return scan([&](const Array& s, const Array& row) { return std::pair(factor * s + row * v, dot(w, s)); },
                      twice, w);
        };
        const auto chosen = [&](double factor) {
          return cond(
              sum(v) > factor, [](const Array& a) { return a * a; },
              [&](const Array& a) { return a - factor * twice + w(1); }, v);
        };
        const auto one = summed(0.5), other = summed(0.25);
        // Constant in two steps: the branch is known after one, what it computes after another.
        const Array known = cond(
            1.0 * Array(2.0) > 1.0, [](const Array& a) { return tanh(a); }, [](const Array& a) { return a * a; },
            exp(Array(0.3)));
        return {grown(2.0),   grown(-3.0), one.first,
                other.first,  one.second,  other.second,
                chosen(-9.0), chosen(9.0), where(sum(v * v) > 1.0, v, w(0)),
                v * known};
      },
      {W, x});
  EXPECT_TRUE(agrees(c));
  const std::vector<exec::Pass> all(exec::passes().begin(), exec::passes().end());
  exec::mutable_passes() = {};
  for (const exec::Pass& pass : all) {
    const std::string before = after_passes(c)->str();
    exec::mutable_passes().push_back(pass);
    EXPECT_NE(after_passes(c)->str(), before) << pass.name << " has nothing to do";
  }
}

TEST(Passes, NoResultDependsOnAPass) {
  const Case cases[] = {
      make_case([](const Leaves& in)
                    -> Leaves { return {jacobian([&](const Array& u) { return tanh(dot(in[0], u)) - u; })(in[1])}; },
                {W, x}),
      make_case(
          [](const Leaves& in) -> Leaves {
            return {loop_over(in[1], [&](const Array& z) { return tanh(dot(dot(in[0], in[0]), z)); })};
          },
          {W, x}),
      make_case(
          [](const Leaves& in) -> Leaves {
            return {norm(square(in[0]) * 3.0), where(sum(in[0]) > 0.0, in[0], 2.0 * in[0])};
          },
          {numbers({3000}, float32, 8)}),
  };
  const std::vector<exec::Pass> all(exec::passes().begin(), exec::passes().end());
  for (const Case& c : cases) {
    for (std::size_t k = 0; k < all.size(); ++k) {
      std::vector<exec::Pass> without = all;
      without.erase(without.begin() + static_cast<std::ptrdiff_t>(k));
      exec::mutable_passes() = without;
      EXPECT_TRUE(agrees(c)) << "without " << all[k].name;
    }
    exec::mutable_passes() = {};
    EXPECT_TRUE(agrees(c)) << "without any";
    exec::mutable_passes() = all;
  }
}

// A norm is one step; of a long array it ends the loop over blocks that makes the array, and the loop is run again where
// squares over- or underflow.
TEST(Passes, ANormIsOneStepOrTheEndOfALoop) {
  for (Dtype dtype : {float32, float64}) {
    for (const std::int64_t n : {1, 7, 3000}) {
      for (const double size : {1.0, 1e25, 1e-25, 1e200, 1e-200, 0.0}) {
        const Case c = make_case(
            [&](const Leaves& in) -> Leaves {
              const Array d = in[0] - in[1];
              return {norm(d), norm(in[0] * 2.0), sum(d), exp(d)};
            },
            {numbers({n}, dtype, 3) * size, numbers({n}, dtype, 4) * size});
        EXPECT_TRUE(agrees(c)) << n << " of " << size;
      }
      const Case c = make_case([](const Leaves& in) -> Leaves { return {norm(in[0] - in[1])}; },
                               {numbers({n}, dtype, 3), numbers({n}, dtype, 4)});
      const std::string plan = Executable::compile(*c.program)->str();
      EXPECT_EQ(std::count(plan.begin(), plan.end(), '\n'), n == 1     ? 3
                                                            : n < 3000 ? 4
                                                                       : 5)
          << plan;  // of one number it is |d|
      EXPECT_EQ(plan.find("fused") != std::string::npos, n == 3000) << plan;
    }
  }
}

// Every op that has samples: planned as a Program of its own, at its place in a loop, and beside others.
TEST(Passes, EveryOpIsPlannedToTheBit) {
  for (const Op* op : all_ops()) {
    if (op->effectful) continue;
    for (Dtype dtype : {float32, float64}) {
      for (const Sample& sample : op->samples(dtype)) {
        if (!sample.error.empty()) continue;  // it throws
        SCOPED_TRACE(op->name);
        const Case alone = make_case([&](const Leaves& in) { return emit(*op, in, sample.params); }, sample.in);
        EXPECT_TRUE(agrees(alone));
        const Case looped = make_case(
            [&](const Leaves& in) {
              auto [k, ys] =
                  scan([&](const Array& k,
                           const None&) { return std::pair<Array, Leaves>(k + 1, emit(*op, in, sample.params)); },
                       array(std::int64_t{0}), none, 2);
              return ys;
            },
            sample.in);
        EXPECT_TRUE(agrees(looped));
      }
    }
  }
}

}  // namespace
}  // namespace dini::exec_tests
