// The op that watches a loop: which steps of which lanes are reported, and what tokens and deadlines say, under every
// transformation.
#include "dini/transforms/watch_op.hpp"

#include <stdexcept>

#include "dini/exec/executable.hpp"
#include "expect.hpp"

namespace dini {
namespace {

using detail::WatchOpaque;

// z -> z / 2 until z < 1 or the watch says stop: as a solve's loop, with the steps a lane took. The residual is z.
struct Progress {
  Array z, best, steps, going, stopped;
  auto tree() { return std::tie(z, best, steps, going, stopped); }
};
Progress halve(const std::shared_ptr<const WatchOpaque>& w, const Array& z0) {
  const Progress start{z0, z0, array(std::int64_t{0}), z0 >= 1.0, array(false)};
  return loop([](const Progress& p) { return p.going; },
              [&](const Progress& p) {
                Progress q;
                q.z = p.z / 2;
                q.best = minimum(p.best, q.z);
                q.steps = p.steps + 1;
                q.stopped = detail::watch(w, q.steps, q.z, q.best, p.going);
                q.going = (q.z >= 1.0) & ~q.stopped;
                return q;
              },
              start, 100);
}

struct Seen {
  std::vector<StepReport> reports;
  std::shared_ptr<const WatchOpaque> watch(CancelToken token = CancelToken::never(), Deadline deadline = {}) {
    return std::make_shared<WatchOpaque>(
        Watch{[this](const StepReport& r) { reports.push_back(r); }, std::move(token), deadline});
  }
  std::vector<std::int64_t> steps(std::int64_t lane) const {
    std::vector<std::int64_t> out;
    for (const StepReport& r : reports) {
      if (r.lane == lane) out.push_back(r.step);
    }
    return out;
  }
};
using Steps = std::vector<std::int64_t>;

TEST(WatchOp, ReportsEachStep) {
  for (const bool compiled : {false, true}) {
    Seen seen;
    const auto w = seen.watch();
    auto f = [&](const Array& z) { return halve(w, z).z; };
    EXPECT_EQ((compiled ? jit(f)(array(5.0)) : f(array(5.0))).item<double>(), 0.625);
    ASSERT_EQ(seen.steps(0), (Steps{1, 2, 3})) << compiled;
    EXPECT_EQ(seen.reports[1].residual_norm, 1.25);
    EXPECT_EQ(seen.reports[1].best_norm, 1.25);
    EXPECT_EQ(seen.reports.size(), 3u);
  }
}

TEST(WatchOp, TakesNormsOfAnyFloatingDtype) {
  Seen seen;
  const auto w = seen.watch();
  halve(w, array(3.0f));
  ASSERT_EQ(seen.reports.size(), 2u);
  EXPECT_EQ(seen.reports[1].residual_norm, 0.75);
  detail::watch(w, array(7), array(1.5f), array(0.5), array(true));
  EXPECT_EQ(seen.reports[2].residual_norm, 1.5);
  EXPECT_EQ(seen.reports[2].best_norm, 0.5);
  EXPECT_EQ(seen.reports[2].step, 7);
}

TEST(WatchOp, ReportsTheLanesThatAreGoing) {
  const Array z = array({5.0, 0.5, 2.0, 9.0});
  for (const bool compiled : {false, true}) {
    Seen seen;
    const auto w = seen.watch();
    auto f = vmap([&](const Array& x) { return halve(w, x).steps; });
    EXPECT_EQ((compiled ? jit(f)(z) : f(z)).to_vector<int>(), (std::vector<int>{3, 0, 2, 4})) << compiled;
    EXPECT_EQ(seen.steps(0), (Steps{1, 2, 3}));
    EXPECT_EQ(seen.steps(1), Steps());
    EXPECT_EQ(seen.steps(2), (Steps{1, 2}));
    EXPECT_EQ(seen.steps(3), (Steps{1, 2, 3, 4}));
    EXPECT_EQ(seen.reports.size(), 9u);
    for (std::size_t k = 1; k < seen.reports.size(); ++k) {  // step after step, lanes in order
      const StepReport &a = seen.reports[k - 1], &b = seen.reports[k];
      EXPECT_TRUE(a.step < b.step || (a.step == b.step && a.lane < b.lane)) << k;
    }
  }
}

TEST(WatchOp, NumbersNestedLanesFlat) {
  Seen seen;
  const auto w = seen.watch();
  const Array z = array({{1.0, 2.0, 4.0}, {8.0, 16.0, 32.0}});
  vmap(vmap([&](const Array& x) { return halve(w, x).steps; }))(z);
  for (int lane = 0; lane < 6; ++lane) EXPECT_EQ(seen.steps(lane).size(), static_cast<std::size_t>(lane + 1)) << lane;
}

TEST(WatchOp, StopsAllLanesOnceTheTokenIsCancelled) {
  for (const bool compiled : {false, true}) {
    const CancelToken token;
    const auto w = std::make_shared<WatchOpaque>(Watch{[&](const StepReport& r) {
                                                         if (r.step == 2) token.cancel();
                                                       },
                                                       token});
    auto f = vmap([&](const Array& x) {
      const Progress p = halve(w, x);
      return std::pair<Array, Array>(p.steps, p.stopped);
    });
    const Array z = array({64.0, 3.0, 0.0, 1e9});
    const auto [steps, stopped] = compiled ? jit(f)(z) : f(z);
    EXPECT_EQ(steps.to_vector<int>(), (std::vector<int>{2, 2, 0, 2})) << compiled;
    EXPECT_EQ(stopped.to_vector<bool>(), (std::vector<bool>{true, true, false, true})) << compiled;
  }
}

TEST(WatchOp, StopsAfterTheDeadline) {
  const auto late = std::make_shared<WatchOpaque>(Watch{.deadline = Deadline::in(0)});
  const auto early = std::make_shared<WatchOpaque>(Watch{.deadline = Deadline::in(3600)});
  EXPECT_EQ(halve(late, array(64.0)).steps.item<int>(), 1);
  EXPECT_EQ(halve(early, array(64.0)).steps.item<int>(), 7);
}

TEST(WatchOp, WhatTheMonitorThrowsPassesThrough) {
  int calls = 0;
  const auto w = std::make_shared<WatchOpaque>(Watch{[&](const StepReport& r) {
    ++calls;
    if (r.step == 3) throw std::out_of_range("the user's");
  }});
  auto f = [&](const Array& z) { return halve(w, z).z; };
  auto compiled = jit(f);
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_THROW(compiled(array(64.0)), std::out_of_range);
    EXPECT_EQ(compiled(array(2.0)).item<double>(), 0.5);  // nothing is left behind
    EXPECT_THROW(f(array(64.0)), std::out_of_range);
    EXPECT_THROW(vmap(f)(array({64.0, 2.0})), std::out_of_range);
  }
  EXPECT_EQ(calls, 3 * (3 + 2 + 3 + 3 + 2));
}

TEST(WatchOp, AMonitorMayCompute) {
  std::vector<double> seen;
  const auto w = std::make_shared<WatchOpaque>(Watch{[&](const StepReport& r) {
    seen.push_back(jit([](const Array& x) { return exp(x); })(array(r.residual_norm)).item<double>());
  }});
  grad([&](const Array& z) { return halve(w, z).z; })(array(2.0));
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_NEAR(seen[0], std::exp(1.0), 1e-15);
  EXPECT_NEAR(seen[1], std::exp(0.5), 1e-15);
}

// z / 4, in two steps whose number is known, so that reverse mode goes through them when compiled.
Array quarter(const std::shared_ptr<const WatchOpaque>& w, const Array& z) {
  return fori_loop(
      0, 2,
      [&](const Array& k, const Array& x) {
        const Array next = x / 2;
        return where(detail::watch(w, k + 1, next, next, array(true)), x, next);
      },
      z);
}

// Derivatives go by, and each step is reported once.
TEST(WatchOp, HasNoPartInDerivatives) {
  struct Case {
    const char* what;
    std::function<Array(const std::function<Array(const Array&)>&, const Array&)> derivative;
    double wanted;
  };
  auto direction = [](const Array& x) { return ones(x.shape()); };
  const Case cases[] = {
      {"jvp", [&](auto& f, auto& z) { return jvp(f, z, direction(z)).tangent; }, 0.25},
      {"grad", [](auto& f, auto& z) { return grad(f)(z); }, 0.25},
      {"vjp", [](auto& f, auto& z) { return vjp(f, z).pullback(array(2.0)); }, 0.5},
      {"linearize", [&](auto& f, auto& z) { return linearize(f, z).second(direction(z)); }, 0.25},
      {"grad of grad", [](auto& f, auto& z) { return grad([&](const Array& x) { return grad(f)(x) * x; })(z); }, 0.25},
  };
  for (const Case& c : cases) {
    for (const bool compiled : {false, true}) {
      Seen seen;
      const auto w = seen.watch();
      const std::function<Array(const Array&)> f = [&](const Array& z) { return quarter(w, z); };
      auto g = [&](const Array& z) { return c.derivative(f, z); };
      const Array got = compiled ? jit(g)(array(2.5)) : g(array(2.5));
      EXPECT_EQ(got.item<double>(), c.wanted) << c.what;
      EXPECT_EQ(seen.steps(0), (Steps{1, 2})) << c.what << (compiled ? ", compiled" : "");
    }
  }
}

// Tangents of the norms are dropped, not refused, where they are tracers of a derivative and where they are recorded.
TEST(WatchOp, IgnoresTangents) {
  Seen seen;
  const auto w = seen.watch();
  auto f = [&](const Array& z) {
    const Array stop = detail::watch(w, array(1), z * 2, square(z), array(true));
    return where(stop, z, 3 * z);
  };
  EXPECT_EQ(jvp(f, array(2.0), array(1.0)).tangent.item<double>(), 3);
  EXPECT_EQ(grad(f)(array(2.0)).item<double>(), 3);
  EXPECT_EQ(jacobian(grad(f))(array(2.0)).item<double>(), 0);
  EXPECT_EQ(seen.reports.back().best_norm, 4);
}

// Neither what looks alike nor what nobody reads is left out, and nothing is computed before its turn.
TEST(WatchOp, IsKeptWhereItStands) {
  Seen seen;
  const auto w = seen.watch();
  const auto f = jit([&](const Array& x) {
    for (int k = 0; k < 2; ++k) detail::watch(w, array(1), x, x, array(true));  // alike, and not read
    return fori_loop(
        0, 3,
        [&](const Array&, const Array& y) {
          detail::watch(w, array(2), x, x, array(true));                    // invariant
          detail::watch(w, array(3), array(1.0), array(1.0), array(true));  // constant
          return y + 1;
        },
        x);
  });
  for (int turn = 1; turn < 3; ++turn) {
    EXPECT_EQ(f(array(1.0)).item<double>(), 4);
    EXPECT_EQ(seen.reports.size(), static_cast<std::size_t>(8 * turn));
  }
}

// A loop that a deadline ends in the middle of its third turn. Carries change places and are written over where they can be.
struct Swaps {
  Array x, y, z, sum, k;
  auto tree() { return std::tie(x, y, z, sum, k); }
};
Swaps swaps(const Array& x, const detail::WatchRef& watch, std::int64_t stuck_at, std::int64_t at_most) {
  struct Inner {
    Array x, k;
    auto tree() { return std::tie(x, k); }
  };
  return loop([=](const Swaps& s) { return s.k < at_most; },
              [=](const Swaps& s) {
                const Array next = tanh(s.y) + s.z / 2;
                const Array turns = where(s.k == stuck_at, array(std::int64_t{1} << 60), array(std::int64_t{2}));
                const Inner inner = while_loop([&](const Inner& i) { return i.k < turns; },
                                               [](const Inner& i) {
                                                 return Inner{cos(i.x), i.k + 1};
                                               },
                                               Inner{next, array(std::int64_t{0})});
                return Swaps{s.y, inner.x, inner.x - s.x, s.sum + s.x * next, s.k + 1};
              },
              Swaps{x, 2 * x, 1 - x, zeros(x.shape()), array(std::int64_t{0})}, 5, watch);
}

TEST(WatchedLoops, EndInTheMiddleOfATurnWithWhatTheyHadBefore) {
  using Function = std::function<Leaves(const Array&)>;
  struct Case {
    const char* what;
    std::function<Leaves(const Function&, const Array&)> call;
  };
  const auto tree = [](const Leaves& l) { return std::tuple(l[0], l[1], l[2], l[3], l[4]); };
  const Case cases[] = {
      {"eagerly", [](const Function& f, const Array& x) { return f(x); }},
      {"jit",
       [&](const Function& f, const Array& x) { return flatten(jit([&](const Array& a) { return tree(f(a)); })(x)); }},
      {"vmap",
       [&](const Function& f, const Array& x) { return flatten(vmap([&](const Array& a) { return tree(f(a)); })(x)); }},
      {"jit of vmap",
       [&](const Function& f, const Array& x) {
         return flatten(jit(vmap([&](const Array& a) { return tree(f(a)); }))(x));
       }},
      {"jvp",
       [&](const Function& f, const Array& x) {
         auto [value, tangent] = jvp([&](const Array& a) { return std::get<3>(tree(f(a))); }, x, x);
         return Leaves{value, tangent};
       }},
      {"jit of jvp",
       [&](const Function& f, const Array& x) {
         return flatten(jit([&](const Array& b) {
           auto [value, tangent] = jvp([&](const Array& a) { return std::get<3>(tree(f(a))); }, b, b);
           return std::pair(value, tangent);
         })(x));
       }},
      {"an operation at a time",
       [](const Function& f, const Array& x) {
         const ProgramRef p = stage_closed([&](const Leaves& in) { return f(in[0]); }, {x.aval()}, "test");
         return Executable::compile(*p, {.optimize = false})->run(Leaves{x});
       }},
  };
  const Array x = array({0.3, -0.7, 1.1, 0.2});
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const auto until_now = std::make_shared<WatchOpaque>(Watch{.deadline = Deadline::in(0.03)});
    const Leaves got = c.call([&](const Array& a) { return flatten(swaps(a, until_now, 2, 5)); }, x);
    same(got, c.call([&](const Array& a) { return flatten(swaps(a, nullptr, -1, 2)); }, x));
  }
}

TEST(WatchedLoops, EndWhereTheyAreWhenCancelledBefore) {
  const CancelToken token;
  const auto w = std::make_shared<WatchOpaque>(Watch{.token = token});
  token.cancel();
  const auto f = [&](const Array& x) { return swaps(x, w, -1, 5).k; };
  EXPECT_EQ(f(array(1.0)).item<int>(), 0);
  EXPECT_EQ(jit(f)(array(1.0)).item<int>(), 0);
  EXPECT_EQ(jit([&](const Array& x) { return x + swaps(x, w, -1, 5).y; })(array(1.0)).item<double>(),
            3);  // and on it goes
}

TEST(WatchedLoops, WhatAScopeAroundThemEndsIsNotTheirs) {
  const auto w = std::make_shared<WatchOpaque>(Watch{.token = CancelToken(), .deadline = Deadline::in(3600)});
  const auto f = [&](const Array& x) { return swaps(x, w, 2, 5).y; };
  const auto compiled = jit(f);
  for (const bool jitted : {false, true}) {
    CancelScope scope(Deadline::in(0.02));
    throws<CancelledError>([&] { jitted ? compiled(array(1.0)) : f(array(1.0)); }, {"deadline"});
  }
}

TEST(WatchedLoops, AMonitorThatCancelsGoesOnComputing) {
  for (const bool compiled : {false, true}) {
    const CancelToken token;
    double computed = 0;
    const auto w = std::make_shared<WatchOpaque>(Watch{[&](const StepReport& r) {
                                                         if (r.step != 2) return;
                                                         token.cancel();
                                                         computed = exp(array(r.residual_norm)).item<double>();
                                                       },
                                                       token});
    auto f = [&](const Array& z) {
      return loop([](const Array& x) { return x < 10.0; },
                  [&](const Array& x) {
                    return x + where(detail::watch(w, astype(x, Dtype::int64), x, x, array(true)), 100.0, 1.0);
                  },
                  z, 100, w);
    };
    const Array end = compiled ? jit(f)(array(0.0)) : f(array(0.0));
    EXPECT_NEAR(computed, std::exp(2.0), 1e-14);
    EXPECT_TRUE(end.item<double>() == 2 || end.item<double>() == 102) << end.item<double>();
  }
}

TEST(WatchOp, ProgramsWithDifferentWatchesDiffer) {
  Seen seen;
  const auto one = seen.watch(), other = seen.watch();
  auto program = [](const std::shared_ptr<const WatchOpaque>& w) {
    return stage_closed([&](const Leaves& in) { return Leaves{halve(w, in[0]).z}; }, {{{}, Dtype::float64, false}},
                        "jit");
  };
  EXPECT_TRUE(program(one)->equal(*program(one)));
  EXPECT_EQ(program(one)->hash(), program(one)->hash());
  EXPECT_FALSE(program(one)->equal(*program(other)));
}

TEST(WatchOp, IsNotKeptAliveByWhatIsCompiled) {
  std::weak_ptr<const WatchOpaque> gone;
  {
    const auto w = std::make_shared<WatchOpaque>(Watch{[](const StepReport&) {}});
    gone = w;
    jit([&](const Array& z) { return halve(w, z).z; })(array(5.0));
    run_program(*stage_closed([&](const Leaves& in) { return Leaves{halve(w, in[0]).z}; },
                              {{{}, Dtype::float64, false}}, "jit"),
                Leaves{array(5.0)});
    halve(w, array(5.0));
  }
  EXPECT_TRUE(gone.expired());
}

}  // namespace
}  // namespace dini
