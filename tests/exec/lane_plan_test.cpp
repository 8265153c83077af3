// The plan of a tile: what it computes is what the interpreter does lane by lane, whatever is beside a lane.
#include "dini/exec/lane_plan.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>

#include "dini/dini.hpp"
#include "dini/linear/system.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/op.hpp"
#include "dini/trace/emit.hpp"
#include "dini/ops/indexing_ops.hpp"
#include "dini/transforms/lanes.hpp"
#include "programs.hpp"
#include "random_program.hpp"

namespace dini {
namespace {

using exec_tests::Case;
using exec_tests::make_case;
using exec_tests::numbers;
using exec_tests::same_bits;

constexpr auto tile = static_cast<std::int64_t>(exec::tile_lanes);

// Of lanes that have each their own of the inputs that are marked.
Case in_tiles(const ProgramRef& lane, const Leaves& inputs, const std::vector<bool>& mapped, std::int64_t size,
              const std::vector<bool>& summed = {}) {
  return make_case(
      [&](const Leaves& in) {
        detail::Batched made = detail::emit_lanes(lane, in, mapped, size, summed, tile);
        return made.out;
      },
      inputs);
}

ProgramRef lane_program(const std::function<Leaves(const Leaves&)>& f, const Leaves& one) {
  std::vector<Aval> avals;
  for (const Array& a : one) avals.push_back(a.aval());
  return detail::stage_closed(f, avals, "lane");
}

void expect_close(const Leaves& got, const Leaves& wanted, double tolerance, const std::string& what) {
  ASSERT_EQ(got.size(), wanted.size());
  double size = 1;
  for (const Array& a : wanted) {
    for (double x : a.to_vector<double>()) size = std::isfinite(x) ? std::max(size, std::fabs(x)) : size;
  }
  for (std::size_t k = 0; k < got.size(); ++k) {
    ASSERT_EQ(got[k].aval(), wanted[k].aval()) << what;
    const auto a = got[k].to_vector<double>(), b = wanted[k].to_vector<double>();
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
      ASSERT_LE(std::fabs(a[i] - b[i]), tolerance * size) << what << ", result " << k << " at " << i;
    }
  }
}

// Products of matrices are added in another order than one by one; all else has the same bits.
TEST(LanePlan, AgreesWithTheInterpreterOnRandomPrograms) {
#if defined(__OPTIMIZE__) && !defined(DINI_SANITIZED)
  constexpr unsigned programs = 150;
#else
  constexpr unsigned programs = 15;
#endif
  rc::Random random(20241);
  const rc::Gen<random_programs::Description> draw = random_programs::descriptions(5);
  for (unsigned number = 0; number < programs; ++number) {
    const random_programs::Description d = draw(random.split(), 100).value();
    if (d.sizes.n > 50) continue;
    std::ostringstream text;
    random_programs::showValue(d, text);
    const std::string what = std::to_string(number) + ": " + text.str();
    const double tolerance = 1024 * (d.traits() & random_programs::single ? epsilon(float32) : epsilon(float64));
    const Leaves one = d.inputs();
    const Staged staged = detail::stage([&](const Leaves& in) { return d(in); },
                                        [&] {
                                          std::vector<Aval> avals;
                                          for (const Array& a : one) avals.push_back(a.aval());
                                          return avals;
                                        }(),
                                        "lane");
    for (std::int64_t size : {1, 70}) {
      // Every other input is shared.
      std::vector<bool> mapped;
      Leaves in;
      for (std::size_t k = 0; k < one.size(); ++k) {
        mapped.push_back((k + number) % 2 == 0);
        Leaves each;
        for (unsigned lane = 0; mapped[k] && lane < static_cast<unsigned>(size); ++lane)
          each.push_back(d.inputs(lane)[k]);
        in.push_back(mapped[k] ? stack(std::vector<Array>(each.begin(), each.end())) : one[k]);
      }
      in.insert(in.end(), staged.captured.begin(), staged.captured.end());
      mapped.resize(in.size(), false);
      const Case c = in_tiles(staged.program, in, mapped, size);
      const Leaves plain = Executable::compile(*c.program, {.optimize = false})->run(c.inputs);
      const auto planned = Executable::compile(*c.program);
      const Leaves first = planned->run(c.inputs);
      expect_close(first, plain, tolerance, what);
      if (HasFatalFailure()) return;
      EXPECT_TRUE(same_bits(planned->run(c.inputs), first)) << what;
    }
  }
}

// A loop in a branch in a loop, of numbers whose arithmetic is the same everywhere.
TEST(LanePlan, LoopsAndBranchesGiveEachLaneItsOwn) {
  const auto f = [](const Leaves& v) {
    using State = std::tuple<Array, Array, Array>;
    const auto end = while_loop(
        [&](const State& s) { return std::get<0>(s) < v[0]; },
        [&](const State& s) {
          const auto& [k, x, turns] = s;
          using Pair = std::pair<Array, Array>;
          const auto halve = [](const Array& y, const Array& t) { return Pair(y * 0.5, t); };
          const auto grow = [&](const Array& y, const Array& t) {
            return while_loop([&](const Pair& p) { return p.first < v[1]; },
                              [](const Pair& p) { return Pair(p.first * 0.75 + 1.25, p.second + 1); }, Pair(y, t));
          };
          const auto turn = [](const Array& y, const Array& t) { return Pair(-y, t + 7); };
          const Array branch = astype(mod(k, Array(4.0)), int64) - 1;
          const auto inner = switch_case(branch, std::tuple(halve, grow, turn), x, turns);
          return State{k + 1.0, inner.first, inner.second};
        },
        State{array(0.0), v[0], array(std::int64_t{0})});
    return Leaves{std::get<0>(end), std::get<1>(end), std::get<2>(end), v[1]};
  };
  const ProgramRef lane = lane_program(f, {array(0.0), array(0.0)});
  for (std::int64_t size : {1, 2, 63, 64, 65, 300}) {
    const Array turns = astype(mod(7.0 * arange(0.0, static_cast<double>(size)), Array(11.0)), float64);
    const Array limit = 3.0 + numbers({size}, float64, 4);
    const Case c = in_tiles(lane, {turns, limit}, {true, true}, size);
    EXPECT_TRUE(exec_tests::agrees(c)) << size;
  }
}

// Factors of small matrices, also in lanes in which a tile's kernels do not have them: where the matrix is indefinite, not finite, or of
// numbers whose squares under- or overflow.
TEST(LanePlan, FactorsAndPlacesInEachLane) {
  const std::int64_t n = 6, m = 9, size = 70;
  const Array root = numbers({size, n, n}, float64, 3), wide = numbers({size, n, m}, float64, 5),
              b = numbers({size, n}, float64, 7);
  Array definite = einsum("bij,bkj->bik", root, root) + 0.5 * eye(n);
  definite = definite.at(3).set(definite(3) - 2.0 * eye(n));
  definite = definite.at(66).set(-definite(66));
  Array rows = wide.at(4).set(1e-200 * wide(4));
  rows = rows.at(5).set(1e200 * wide(5)).at(6, 0, 0).set(std::nan("")).at(7).set(0.0 * wide(7));
  const auto factored = [](const Leaves& v) { return detail::factorize(v[0], {.symmetric = true}); };
  struct Row {
    const char* name;
    std::function<Leaves(const Leaves&)> f;
  };
  const Row table[] = {
      {"symmetric solve",
       [&](const Leaves& v) {
         return Leaves{detail::solve_factored(factored(v), v[0], v[2], {.symmetric = true}),
                       detail::solve_factored(factored(v), v[0], v[2], {.symmetric = true}, true)};
       }},
      {"cholesky", [](const Leaves& v) { return Leaves{linalg::cholesky(v[0])}; }},
      {"triangles",
       [](const Leaves& v) {
         return Leaves{linalg::solve_triangular(v[0], v[2]), linalg::solve_triangular(v[0], v[2], false, true)};
       }},
      // Signs and the order of columns are nobody's choice.
      {"orthogonal",
       [](const Leaves& v) {
         const Leaves f = emit(qr_op(), {v[1]}, {{"full", false}});
         return Leaves{dot(f[0], f[1])};
       }},
      {"pivoted",
       [](const Leaves& v) {
         const Leaves f = emit(qr_pivoted_op(), {v[1]}, {{"full", true}});
         return Leaves{take(dot(f[0], f[1]), argsort(f[2]), 1)};
       }},
      {"norms", [](const Leaves& v) { return Leaves{norm(v[1], 2.0, 1)}; }},
      {"places",
       [](const Leaves& v) {
         const Array whole = astype(4.0 * v[2], int64);
         return Leaves{argmax(whole), argsort(whole)};
       }},
      // At places within and without, the same ones in all lanes or not, over an operand that somebody else wants and over one that nobody
      // does; what comes later stays.
      {"put", [](const Leaves& v) {
         const Array place = astype(9.0 * v[2], int64), few = astype(place, int32), twice = 2.0 * v[0];
         const auto put = [](const Array& a, const Array& at, const Array& u) {
           return detail::emit_scatter("set", a, at, u);
         };
         return Leaves{put(v[2], place, 3.0 * v[2]),
                       put(2.0 * v[2], few, v[2]),
                       put(v[0], place(0), v[2]),
                       put(twice, array(std::int64_t{2}), v[2]),
                       put(place, few, 5 * place),
                       put(v[2] > 0, place, v[2] < 0.5),
                       put(astype(v[2], float32), few, astype(4.0 * v[2], float32)),
                       twice};
       }}};
  for (const Row& r : table) {
    const ProgramRef lane = lane_program(r.f, {definite(0), rows(0), b(0)});
    const Case c = in_tiles(lane, {definite, rows, b}, {true, true, true}, size);
    const Leaves plain = Executable::compile(*c.program, {.optimize = false})->run(c.inputs),
                 tiles = Executable::compile(*c.program)->run(c.inputs);
    // Each lane by its own size.
    for (std::size_t k = 0; k < plain.size(); ++k)
      for (std::int64_t l = 0; l < size; ++l)
        expect_close({tiles[k](l)}, {plain[k](l)}, 1e-12, std::string(r.name) + ", lane " + std::to_string(l));
    EXPECT_EQ(Executable::compile(*c.program)->str().find("lane by lane"), std::string::npos) << r.name;
  }
}

// x as it is, and how often a kernel made it, whichever lanes somebody waits for.
std::atomic<int> kernels_run = 0;
const detail::Op& seen_op() {
  static const detail::Op op = [] {
    detail::Op o;
    o.name = "seen";
    o.infer = [](std::span<const Aval> in, const detail::Params&) { return std::vector<Aval>{in[0]}; };
    o.kernel = [](const detail::KernelCall& call) {
      ++kernels_run;
      std::memcpy(call.out[0], call.in[0], static_cast<std::size_t>(call.in_avals[0].shape.size()) * sizeof(double));
    };
    o.element = [](std::span<const Aval>, const Aval&) -> detail::ElementKernel {
      return [](const void* const* in, void* out, std::size_t n) {
        ++kernels_run;
        if (in[0] != out) std::memcpy(out, in[0], n * sizeof(double));
      };
    };
    return o;
  }();
  return op;
}
Array seen(const Array& x) { return emit(seen_op(), {x}, {})[0]; }

int kernels_run_by(const Case& c) {
  EXPECT_TRUE(exec_tests::agrees(c));
  const auto planned = Executable::compile(*c.program);
  kernels_run = 0;
  planned->run(c.inputs);
  return kernels_run;
}

TEST(LanePlan, RunsNoBranchThatNoLaneTakes) {
  const Array x = numbers({64}), all = ones({64}), some = cos(arange(64.0));
  const auto with = [](const Array& y) { return seen(y) + 1.0; };
  const auto without = [](const Array& y) { return y * 2.0; };
  for (bool first : {false, true}) {
    const ProgramRef branch = lane_program(
        [&](const Leaves& v) {
          return Leaves{first ? cond(v[0] > 0.0, without, with, v[1]) : cond(v[0] > 0.0, with, without, v[1])};
        },
        {array(0.0), array(0.0)});
    const auto runs = [&](const Array& a) { return kernels_run_by(in_tiles(branch, {a, x}, {true, true}, 64)); };
    EXPECT_EQ(runs(first ? -all : all), 1) << first;
    EXPECT_EQ(runs(some), 1) << first;
    EXPECT_EQ(runs(first ? all : -all), 0) << first;
  }
}

// Lane 0 needs 40 inner turns in its only outer one; the others one each in 10.
TEST(LanePlan, RunsNoTurnThatNoLaneNeeds) {
  using Pair = std::pair<Array, Array>;
  const ProgramRef loops = lane_program(
      [](const Leaves& v) {
        const auto inner = [&](const Array& y) {
          return while_loop([&](const Pair& p) { return p.first < v[1]; },
                            [](const Pair& p) { return Pair(p.first + 1.0, seen(p.second * 0.5)); },
                            Pair(array(0.0), y))
              .second;
        };
        const Pair end =
            while_loop([&](const Pair& s) { return s.first < v[0]; },
                       [&](const Pair& s) { return Pair(s.first + 1.0, inner(s.second)); }, Pair(array(0.0), v[0]));
        return Leaves{end.second};
      },
      {array(0.0), array(0.0)});
  const Array slow = arange(64) == 0;
  EXPECT_EQ(kernels_run_by(in_tiles(loops, {where(slow, array(1.0), array(10.0)), where(slow, array(40.0), array(1.0))},
                                    {true, true}, 64)),
            40 + 9);
}

TEST(LanePlan, BitsDoNotDependOnThreads) {
  const Array W = 0.5 * numbers({6, 6}, float64, 2), x = numbers({5000, 6}, float64, 3);
  const auto over = [](const Array& W, const Array& x) {
    const auto f = [](const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); };
    return sum(square(fixed_point(f, zeros({6}), {.solver = Newton{}}, W, x).value));
  };
  const auto both = jit(value_and_grad<0, 1>([&](const Array& W, const Array& x) {
    return sum(vmap(over, {.in = {not_mapped, 0}})(W, x));
  }));
  const int before = num_threads();
  std::optional<Leaves> wanted;
  for (int threads : {1, 2, 5}) {
    set_num_threads(threads);
    const auto [value, gradient] = both(W, x);
    const Leaves got{value, std::get<0>(gradient), std::get<1>(gradient)};
    if (!wanted) wanted = got;
    EXPECT_TRUE(same_bits(got, *wanted)) << threads;
  }
  set_num_threads(before);
}

TEST(LanePlan, SumsOfOuterProductsAreProducts) {
  for (Dtype dtype : {float64, float32}) {
    const ProgramRef lane = lane_program(
        [](const Leaves& v) {
          return Leaves{outer(v[0], v[1]), outer(v[1], v[0]), v[0]};
        },
        {zeros({5}, dtype), zeros({9}, dtype)});
    for (std::int64_t size : {1, 64, 150, 3000}) {
      const Array a = numbers({size, 5}, dtype, 2), b = numbers({size, 9}, dtype, 3);
      const Case c = in_tiles(lane, {a, b}, {true, true}, size, {true, true, true});
      const Leaves out = Executable::compile(*c.program)->run(c.inputs);
      const double tolerance = (dtype == float32 ? 1e-6 : 1e-15) * (10 + static_cast<double>(size));
      const Array product = dot(transpose(astype(a, float64)), astype(b, float64));
      EXPECT_LE(max(abs(astype(out[0], float64) - product)).item<double>(), tolerance) << size;
      EXPECT_LE(max(abs(astype(out[1], float64) - transpose(product))).item<double>(), tolerance) << size;
      expect_close(out, Executable::compile(*c.program, {.optimize = false})->run(c.inputs), tolerance, "interpreted");
    }
  }
}

}  // namespace
}  // namespace dini
