// Batches of loops and solves that are run lane by lane or in tiles: a lane's bits, ends, derivatives and failures.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include "../exec/programs.hpp"
#include "counted.hpp"
#include "dini/dini.hpp"

namespace dini {
namespace {

using exec_tests::numbers;
using exec_tests::same_bits;
using transforms_tests::counted;
using transforms_tests::runs_of;

// Of vectors [a, b]: steps and results, by loops and solves of all sizes that are run in another way.
struct Function {
  const char* name;
  std::function<std::vector<Array>(const Array& a, const Array& shared)> f;
};
Array matrix_of(std::int64_t n) {
  return 0.7 * random::normal(random::key(7), {n, n}) / std::sqrt(static_cast<double>(n));
}
Function layer(const char* name, std::int64_t n, const Solver& solver) {
  return {name, [n, solver](const Array& a, const Array& shared) {
            const Array W = matrix_of(n) * (1.0 + 0.1 * shared);
            const Array x = 2.0 * sin(a * arange(1.0, static_cast<double>(n) + 0.5));
            FixedPointOptions o;
            o.solver = solver;
            o.on_failure = OnFailure::best;
            const auto s =
                fixed_point([](const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); },
                            zeros({n}), o, W, x);
            return std::vector<Array>{s.value, s.steps, s.status.code, s.residual_norm};
          }};
}
const std::vector<Function>& functions() {
  static const std::vector<Function> all = {
      {"Kepler",
       [](const Array& a, const Array& shared) {
         auto f = [](const Array& e, const Array& M, const Array& E) { return E - e * sin(E) - M; };
         const auto s = root(f, a, {.solver = Newton{}, .on_failure = OnFailure::best}, 0.9 * shared * cos(a), a);
         return std::vector<Array>{s.value, s.steps, s.status.code, s.evaluations};
       }},
      {"no root for some",
       [](const Array& a, const Array& shared) {
         auto f = [](const Array& a, const Array& z) { return z * z + a; };
         const auto s = root(f, 0.5 + shared, {.solver = Newton{}, .max_steps = 20, .on_failure = OnFailure::nan}, a);
         return std::vector<Array>{s.value, s.steps, s.status.code, s.evaluations};
       }},
      {"a loop in a branch in a loop",
       [](const Array& a, const Array& shared) {
         using State = std::tuple<Array, Array, Array>;
         const auto end = while_loop(
             [&](const State& s) { return std::get<0>(s) < 5.0 + 3.0 * a; },
             [&](const State& s) {
               const auto& [k, x, turns] = s;
               const auto inner = cond(
                   sin(7.0 * a + k) > 0.3,
                   [&](const Array& y, const Array& t) {
                     return while_loop([&](const std::pair<Array, Array>& p) { return p.first < 2.0 * shared; },
                                       [&](const std::pair<Array, Array>& p) {
                                         return std::pair<Array, Array>(p.first * 1.25 + 0.01, p.second + 1);
                                       },
                                       std::pair<Array, Array>(abs(y), t));
                   },
                   [](const Array& y, const Array& t) { return std::pair<Array, Array>(y * 0.5, t); }, x, turns);
               return State{k + 1.0, inner.first * 0.3, inner.second};
             },
             State{array(0.0), a, array(std::int64_t{0})});
         return std::vector<Array>{std::get<0>(end), std::get<1>(end), std::get<2>(end)};
       }},
      layer("Newton, 3", 3, Newton{}),
      layer("Newton, 20", 20, Newton{}),
      layer("forward, 5", 5, ForwardIteration{}),
      layer("forward, 20", 20, ForwardIteration{}),
      layer("Anderson, 4", 4, Anderson{}),
      layer("auto, 2", 2, {}),
  };
  return all;
}

Array lanes_of(std::int64_t size) {
  std::vector<double> a;
  for (std::int64_t k = 0; k < size; ++k) a.push_back(3.0 * std::sin(1.0 + 0.7 * static_cast<double>(k)));
  return array(a);
}

TEST(BatchesByLanes, ALaneHasItsBitsWhateverIsBesideIt) {
  const Array shared = array(1.0), all = lanes_of(200);
  for (const Function& function : functions()) {
    const auto over = jit(vmap(function.f, {.in = {0, not_mapped}}));
    const std::vector<Array> wanted = over(all, shared);
    for (std::int64_t size : {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 33, 63, 64, 65, 129}) {
      const std::vector<Array> got = over(all(slice(0, size)), shared);
      for (std::size_t r = 0; r < got.size(); ++r)
        EXPECT_TRUE(same_bits({got[r]}, {wanted[r](slice(0, size))}))
            << function.name << ", " << size << " lanes, " << r;
    }
    if (std::string(function.name).find("auto") == 0) continue;  // it tries everything for the NaN
    // In another order, beside lanes that are NaN.
    std::vector<double> mixed;
    std::vector<std::int64_t> places;
    for (std::int64_t k = 0; k < 150; ++k) {
      places.push_back(static_cast<std::int64_t>(mixed.size()));
      mixed.push_back(all(149 - k).item<double>());
      if (k % 3 == 0) mixed.push_back(k % 2 ? std::nan("") : -std::numeric_limits<double>::infinity());
    }
    const std::vector<Array> got = over(array(mixed), shared);
    for (std::size_t r = 0; r < got.size(); ++r) {
      const Array beside = flip(take(got[r], array(places), 0), 0);
      EXPECT_TRUE(same_bits({beside}, {wanted[r](slice(0, 150))})) << function.name << " beside NaN, " << r;
    }
  }
}

// From 2,049 lanes on a block has more than one tile, and a tile's memory is used again.
TEST(BatchesByLanes, ALaneHasItsBitsInAnyBlockAndOnAnyThread) {
  const Array shared = array(1.0), few = lanes_of(200), many = lanes_of(2500);
  const int before = num_threads();
  for (const Function& function : functions()) {
    const auto over = jit(vmap(function.f, {.in = {0, not_mapped}}));
    const std::vector<Array> wanted = over(few, shared);
    std::vector<Array> first;
    for (int threads : {1, 2, 5}) {
      set_num_threads(threads);
      const std::vector<Array> got = over(many, shared);
      if (first.empty()) first = got;
      EXPECT_TRUE(same_bits(got, first)) << function.name << ", " << threads << " threads";
      for (std::size_t r = 0; r < got.size(); ++r)
        EXPECT_TRUE(same_bits({got[r](slice(0, 200))}, {wanted[r]})) << function.name << ", " << threads << ", " << r;
    }
    set_num_threads(before);
  }
}

TEST(BatchesByLanes, SeveralThreadsAtOnceGetTheSameBits) {
  const Array shared = array(1.0), all = lanes_of(300);
  const int before = num_threads();
  set_num_threads(3);
  for (std::size_t which : {0u, 3u, 4u}) {
    const auto over = jit(vmap(functions()[which].f, {.in = {0, not_mapped}}));
    const std::vector<Array> wanted = over(all, shared);
    std::atomic<int> different = 0;
    std::vector<std::thread> users;
    for (int u = 0; u < 3; ++u) {
      users.emplace_back([&] {
        for (int k = 0; k < 10; ++k) different += same_bits(over(all, shared), wanted) ? 0 : 1;
      });
    }
    for (std::thread& u : users) u.join();
    EXPECT_EQ(different, 0) << functions()[which].name;
  }
  set_num_threads(before);
}

TEST(BatchesByLanes, LanesAreTheSolvesOneByOne) {
  const Array shared = array(1.0), all = lanes_of(70);
  for (const Function& function : functions()) {
    const std::vector<Array> got = vmap(function.f, {.in = {0, not_mapped}})(all, shared);
    for (std::int64_t k : {0, 1, 7, 63, 64, 69}) {
      const std::vector<Array> alone = function.f(all(k), shared);
      for (std::size_t r = 0; r < got.size(); ++r) {
        if (r == 3) continue;  // evaluations go with steps, and norms are rounding
        const std::string what = std::string(function.name) + ", lane " + std::to_string(k) + ", " + std::to_string(r);
        if (alone[r].dtype() == int64) {
          // Steps may differ by one, or by a few where there are thousands.
          const auto wanted = alone[r].item<std::int64_t>(), off = got[r](k).item<std::int64_t>() - wanted;
          EXPECT_LE(std::abs(off), r == 1 ? 1 + wanted / 256 : 0) << what;
          continue;
        }
        EXPECT_TRUE(dini::all(isnan(got[r](k)) == isnan(alone[r])).item<bool>()) << what;
        const Array off = where(isnan(alone[r]), 0.0, abs(got[r](k) - alone[r]) / (1.0 + abs(alone[r])));
        EXPECT_LE(max(off).item<double>(), 1e-9) << what;
      }
    }
  }
}

TEST(BatchesByLanes, InnerLoopsDoNotWaitForLanesThatHaveFinished) {
  // Lane 0 needs 40 turns of the inner loop, in its first and only turn of the outer one; the others need one each in 10 turns.
  auto one = [](const Array& n, const Array& turns) {
    using State = std::tuple<Array, Array>;
    const auto end = while_loop(
        [&](const State& s) { return std::get<0>(s) < n; },
        [&](const State& s) {
          const Array k = std::get<0>(s);
          const Array y = while_loop([&](const std::pair<Array, Array>& p) { return p.first < turns; },
                                     [&](const std::pair<Array, Array>& p) {
                                       return std::pair<Array, Array>(p.first + 1.0, counted(p.second * 0.5));
                                     },
                                     std::pair<Array, Array>(array(0.0), std::get<1>(s)))
                              .second;
          return State{k + 1.0, y};
        },
        State{array(0.0), n});
    return std::get<1>(end);
  };
  const Array n = array({1.0, 10, 10, 10, 10}), turns = array({40.0, 1, 1, 1, 1});
  const auto f = jit(vmap(one));
  Array y;
  EXPECT_EQ(runs_of([&] { y = f(n, turns); }), 40 + 4 * 10);
  EXPECT_TRUE(same_bits({y}, {n * exp2(-n * turns)}));

  // A branch with a loop is run for those that take it, and not at all where none does.
  auto branching = [&](const Array& n, const Array& turns) {
    return cond(
        n > 5.0, [&](const Array& t) { return one(array(2.0), t); }, [](const Array& t) { return t; }, turns);
  };
  const auto g = jit(vmap(branching));
  EXPECT_EQ(runs_of([&] { y = g(n, turns); }), 4 * 2);
  EXPECT_TRUE(same_bits({y}, {array({40.0, 0.5, 0.5, 0.5, 0.5})}));
  EXPECT_EQ(runs_of([&] { y = g(n * 0.1, turns); }), 0);
  EXPECT_TRUE(same_bits({y}, {turns}));
}

TEST(BatchesByLanes, AFinishedLaneStops) {
  // One lane of 640 needs 1000 turns, all others one: it goes on alone.
  auto one = [](const Array& n) {
    return while_loop([&](const std::pair<Array, Array>& s) { return s.first < n; },
                      [](const std::pair<Array, Array>& s) {
                        return std::pair<Array, Array>(s.first + 1.0, counted(s.second));
                      },
                      std::pair<Array, Array>(array(0.0), n))
        .second;
  };
  const Array n = where(arange(640) == 100, array(1000.0), array(1.0));
  EXPECT_EQ(runs_of([&] { EXPECT_TRUE(same_bits({jit(vmap(one))(n)}, {n})); }), 1000 + 639);
}

// ---- Derivatives ------------------------------------------------------------------------------------------------------

double distance(const Array& a, const Array& b) {
  EXPECT_EQ(a.shape(), b.shape());
  const Array scale = 1.0 + max(abs(b));
  return (max(abs(a - b)) / scale).item<double>();
}

TEST(BatchesByLanes, DerivativesOfBatchesOfSolves) {
  for (std::int64_t n : {2, 20}) {
    const Array W = matrix_of(n), xs = numbers({70, n}, float64, 5);
    auto one = [n](const Array& W, const Array& x) {
      const Array z = fixed_point([](const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); },
                                  zeros({n}), {.solver = Newton{}}, W, x)
                          .value;
      return sum(square(z) * z + z);
    };
    const auto over = vmap(one, {.in = {not_mapped, 0}});
    auto loss = [&](const Array& W, const Array& x) { return sum(over(W, x) * arange(1.0, 70.5)); };
    // A W that all lanes share, an x that each has.
    const auto [in_W, in_x] = grad<0, 1>(loss)(W, xs);
    Array sum_W = zeros_like(W);
    std::vector<Array> each;
    for (std::int64_t k = 0; k < 70; ++k) {
      const auto [w, x] = grad<0, 1>(one)(W, xs(k));
      sum_W = sum_W + static_cast<double>(k + 1) * w;
      each.push_back(static_cast<double>(k + 1) * x);
    }
    EXPECT_LE(distance(in_W, sum_W), 1e-11) << n;
    EXPECT_LE(distance(in_x, stack(each)), 1e-11) << n;
    const auto of_x = [&](const Array& x) { return one(W, x); };
    const Array by_lane = vmap(grad(of_x))(xs);
    EXPECT_LE(distance(by_lane * expand_dims(arange(1.0, 70.5), 1), in_x), 1e-12) << n;
    // Forward mode.
    const Array dx = cos(xs);
    EXPECT_LE(distance(jvp([&](const Array& x) { return over(W, x); }, xs, dx).tangent, sum(by_lane * dx, 1)), 1e-11)
        << n;
    if (n > 2) continue;
    // Second order, in both orders of vmap and derivative, and a batch of batches.
    const Array together = vmap(hessian(of_x))(xs);
    const Array mixed = jacfwd(grad([&](const Array& s) { return sum(over(W, s * xs)); }))(array(1.0));
    const Array whole = hessian([&](const Array& x) { return sum(over(W, x)); })(xs(slice(0, 66)));
    double along = 0;
    for (std::int64_t k = 0; k < 70; ++k) {
      const Array h = hessian(of_x)(xs(k));
      EXPECT_LE(distance(together(k), h), 1e-10) << k;
      if (k < 66) { EXPECT_LE(distance(whole(k, slice(), k, slice()), h), 1e-10) << k; }
      along += dot(xs(k), dot(h, xs(k))).item<double>();
    }
    EXPECT_NEAR(mixed.item<double>(), along, 1e-9 * std::fabs(along));
    const Array Ws = stack({W, 0.5 * W, 0.25 * W});
    const auto nested = vmap([&](const Array& W) { return over(W, xs); });
    const auto crossed = vmap([&](const Array& x) { return vmap(one, {.in = {0, not_mapped}})(Ws, x); });
    for (std::int64_t k = 0; k < 3; ++k) {
      EXPECT_LE(distance(nested(Ws)(k), over(Ws(k), xs)), 1e-13);
      EXPECT_LE(distance(crossed(xs)(slice(), k), over(Ws(k), xs)), 1e-13);
    }
    const Array in_Ws = grad([&](const Array& Ws) { return sum(nested(Ws)); })(Ws);
    for (std::int64_t k = 0; k < 3; ++k)
      EXPECT_LE(distance(in_Ws(k), grad([&](const Array& W) { return sum(over(W, xs)); })(Ws(k))), 1e-11);
  }
}

// Twenty unknowns are too many for tiles.
TEST(BatchesByLanes, SecondDerivativesOfLanesThatAreRunOneByOne) {
  constexpr std::int64_t n = 20;
  const Array W = matrix_of(n), xs = numbers({3, n}, float64, 5), Ws = stack({W, 0.5 * W});
  const auto one = [](const Array& W, const Array& x) {
    const Array z = fixed_point([](const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); },
                                zeros({n}), {.solver = Newton{}}, W, x)
                        .value;
    return sum(square(z) * z + z);
  };
  const auto over = vmap(one, {.in = {not_mapped, 0}});
  const auto of_x = [&](const Array& x) { return one(W, x); };
  const Array together = vmap(hessian(of_x))(xs), whole = hessian([&](const Array&x) { return sum(over(W, x)); })(xs);
  for (std::int64_t k = 0; k < 3; ++k) {
    const Array h = hessian(of_x)(xs(k));
    EXPECT_LE(distance(together(k), h), 1e-10) << k;
    EXPECT_LE(distance(whole(k, slice(), k, slice()), h), 1e-10) << k;
    EXPECT_EQ(max(abs(whole(k, slice(), (k + 1) % 3, slice()))).item<double>(), 0) << k;
  }
  const auto nested = vmap([&](const Array& W) { return over(W, xs); });
  const Array in_Ws = grad([&](const Array& Ws) { return sum(nested(Ws)); })(Ws);
  for (std::int64_t k = 0; k < 2; ++k)
    EXPECT_LE(distance(in_Ws(k), grad([&](const Array& W) { return sum(over(W, xs)); })(Ws(k))), 1e-11) << k;
}

TEST(BatchesByLanes, TangentsOfLoopsAreThoseOfEachLane) {
  const Array all = lanes_of(70), shared = array(1.0);
  const Function& function = functions()[2];
  using Two = std::pair<Array, Array>;
  const auto over = vmap(function.f, {.in = {0, not_mapped}});
  const auto second = [&](const auto& f, const Two& at, const Two& along) {
    return jvp(
               [&](const Two& p) {
                 return jvp([&](const Two& q) { return f(q.first, q.second)[1]; }, p, along).tangent;
               },
               at, along)
        .tangent;
  };
  const Two at{all, shared}, along{cos(all), array(0.5)};
  const auto got = jvp([&](const Two& p) { return over(p.first, p.second)[1]; }, at, along);
  const Array twice = second(over, at, along);
  for (std::int64_t k = 0; k < 70; ++k) {
    const Two one{all(k), shared}, its{cos(all)(k), array(0.5)};
    const auto alone = jvp([&](const Two& p) { return function.f(p.first, p.second)[1]; }, one, its);
    EXPECT_LE(distance(got.value(k), alone.value), 1e-14) << k;
    EXPECT_LE(distance(got.tangent(k), alone.tangent), 1e-13) << k;
    EXPECT_LE(distance(twice(k), second(function.f, one, its)), 1e-13) << k;
  }
  // Reverse mode says why it does not go.
  EXPECT_THROW(grad([&](const Array& a) { return sum(over(a, shared)[1]); })(all), TraceError);
}

// ---- Failures ---------------------------------------------------------------------------------------------------------

TEST(BatchesByLanes, ReportsEveryLaneThatFailed) {
  for (std::int64_t n : {1, 20}) {
    auto one = [n](const Array& a) {
      return root([](const Array& a, const Array& z) { return z * z + a; }, ones({n}), {.max_steps = 30}, a).value;
    };
    std::vector<double> a(200, -2.0);
    a[70] = a[150] = 3.0;
    for (bool compiled : {false, true}) {
      const auto over = vmap(one);
      try {
        compiled ? jit(over)(array(a)) : over(array(a));
        FAIL();
      } catch (const SolveError& e) {
        EXPECT_NE(std::string(e.what()).find("in lane 70 (2 of 200 lanes failed)"), std::string::npos) << e.what();
        EXPECT_EQ(e.status.shape(), Shape({200}));
        EXPECT_EQ(sum(astype(e.status != 0, int64)).item<std::int64_t>(), 2);
        EXPECT_NEAR(e.value(0, 0).item<double>(), std::sqrt(2.0), 1e-12);
      }
    }
  }
}

TEST(BatchesByLanes, ADerivativeThatFailsNamesItsLane) {
  for (std::int64_t n : {1, 20}) {
    auto one = [n](const Array& a) {
      return sum(root([](const Array& a, const Array& z) { return z * z * z - a * z + z; }, 0.01 * ones({n}),
                      {.max_steps = 200, .on_failure = OnFailure::raise}, a)
                     .value);
    };
    // z³ + (1 - a) z: a triple root at a = 1.
    std::vector<double> a(100, 0.5);
    a[80] = 1.0;
    try {
      grad([&](const Array& a) { return sum(vmap(one)(a)); })(array(a));
      FAIL();
    } catch (const SolveError& e) {
      EXPECT_NE(std::string(e.what()).find("in lane 80 (1 of 100 lanes failed)"), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace dini
