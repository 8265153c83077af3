// Many small problems at once by Dini, and by loops written by hand, in one process: value, and value with gradient. The loops by
// hand have one thread; Dini is timed with one and with all. Times by the wall's clock, beside them the processor's of all threads.
//
//     batches [--json] [--small]          --small: a tenth of the lanes
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include <dini/dini.hpp>

#include "by_hand.hpp"

namespace {

using namespace bench;
using dini::Array;

volatile double sink;

struct Row {
  std::string work;
  std::int64_t lanes;
  std::function<Array()> value, both;                 // by Dini
  std::function<double()> hand = {}, hand_both = {};  // or none
  std::function<double()> difference = {};            // of the gradients' sums
};

void report(const Row& row, bool json) {
  const int all = dini::num_threads();
  for (int threads : {1, all}) {
    if (threads == 1 && all == 1) continue;
    dini::set_num_threads(threads);
    auto times = [&](const std::function<Array()>& f, const std::function<double()>& hand) {
      auto dini_call = [&] { sink = f().item<double>(); };
      auto hand_call = [&] { sink = hand ? hand() : 0; };
      return race(dini_call, hand_call, std::chrono::milliseconds(600), 3);
    };
    const auto [value, hand_value] = times(row.value, row.hand);
    const auto [both, hand_both] = times(row.both, row.hand_both);
    const double error = row.difference ? row.difference() : 0;
    auto ratio = [&](const Time& a, const Time& b) { return row.hand ? a.wall / b.wall : NAN; };
    if (json) {
      std::printf(
          "{\"work\": \"%s\", \"lanes\": %lld, \"threads\": %d, \"value_us\": %.5g, \"value_cpu_us\": %.5g, "
          "\"value_us_by_hand\": %.5g, \"value_and_grad_us\": %.5g, \"value_and_grad_cpu_us\": %.5g, "
          "\"value_and_grad_us_by_hand\": %.5g, \"sum\": %.9g, \"difference\": %.2g}\n",
          row.work.c_str(), static_cast<long long>(row.lanes), threads, value.wall, value.processor,
          row.hand ? hand_value.wall : 0, both.wall, both.processor, row.hand ? hand_both.wall : 0,
          row.value().item<double>(), error);
    } else {
      std::printf("%-22s %8lld %3d  %10.3f %10.3f %10.3f %6.2f  %10.3f %10.3f %10.3f %6.2f   %.1e\n", row.work.c_str(),
                  static_cast<long long>(row.lanes), threads, value.wall / 1e3, value.processor / 1e3,
                  row.hand ? hand_value.wall / 1e3 : 0, ratio(value, hand_value), both.wall / 1e3, both.processor / 1e3,
                  row.hand ? hand_both.wall / 1e3 : 0, ratio(both, hand_both), error);
    }
    std::fflush(stdout);
  }
  dini::set_num_threads(all);
}

// ---- Layers of ten unknowns that share W ----------------------------------------------------------------------------

void layers(std::int64_t lanes, bool json) {
  using namespace dini;
  const Array W = 0.7 * random::normal(random::key(0), {10, 10}, Dtype::float32) / std::sqrt(10.0);
  const Array X = random::normal(random::key(1), {lanes, 10}, Dtype::float32);
  const FixedPointOptions options{.solver = FwdSolver{.tolerance = 1e-5}, .tolerance = {}, .adjoint = SameSolver{}};
  auto f = [](const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); };
  auto one = [=](const Array& W, const Array& x) { return sum(fixed_point(f, zeros_like(x), options, W, x).value); };
  auto loss = [=](const Array& W, const Array& X) { return sum(vmap(one, {.in = {not_mapped, 0}})(W, X)); };
  const auto value = jit(loss);
  const auto both = jit(value_and_grad<0, 1>(loss));
  LayersByHand hand{W.data<float>().data(), X.data<float>().data(), lanes};
  report({"layer of 10, shared W", lanes, [=] { return value(W, X); }, [=] { return both(W, X).first; },
          [&] { return hand.run(false); }, [&] { return hand.run(true); },
          [&] {
            const double by_hand = [&] {
              double s = 0;
              for (double g : hand.gradient_W) s += g;
              return s;
            }();
            return std::abs(sum(std::get<0>(both(W, X).second)).item<double>() - by_hand) / std::abs(by_hand);
          }},
         json);
}

// ---- Kepler's equation ----------------------------------------------------------------------------------------------

#ifdef __AVX2__
struct KeplerByHand {
  const double *e, *M;
  std::int64_t lanes;
  std::vector<double> gradient_e = std::vector<double>(static_cast<std::size_t>(lanes)), gradient_M = gradient_e;

  double run(bool gradient) {
    using V = __m256d;
    V total{};
    for (std::int64_t k = 0; k + 4 <= lanes; k += 4) {
      const V ek = _mm256_loadu_pd(e + k), Mk = _mm256_loadu_pd(M + k), s = _ZGVdN4v_sin(Mk);
      V E = Mk + 0.85 * ek * (V)_mm256_or_pd(_mm256_and_pd(s, _mm256_set1_pd(-0.0)), _mm256_set1_pd(1));
      for (int turn = 0; turn < 50; ++turn) {
        const V step = (E - ek * _ZGVdN4v_sin(E) - Mk) / (1 - ek * _ZGVdN4v_cos(E));
        E -= step;
        const V size = _mm256_andnot_pd(_mm256_set1_pd(-0.0), step);
        if (!_mm256_movemask_pd(_mm256_cmp_pd(size, _mm256_set1_pd(1e-12), _CMP_GT_OQ))) break;
      }
      total += E;
      if (!gradient) continue;
      const V slope = 1 / (1 - ek * _ZGVdN4v_cos(E));
      _mm256_storeu_pd(gradient_M.data() + k, slope);
      _mm256_storeu_pd(gradient_e.data() + k, slope * _ZGVdN4v_sin(E));
    }
    return total[0] + total[1] + total[2] + total[3];
  }
};

void kepler(std::int64_t lanes, bool json) {
  using namespace dini;
  const Array e = 0.9 * random::uniform(random::key(2), {lanes});
  const Array M = 6.283185307179586 * random::uniform(random::key(3), {lanes});
  auto F = [](const Array& e, const Array& M, const Array& E) { return E - e * sin(E) - M; };
  const RootOptions options{.solver = Newton{}};
  auto one = [=](const Array& e, const Array& M) { return root(F, M + 0.85 * e * sign(sin(M)), options, e, M).value; };
  KeplerByHand hand{e.data<double>().data(), M.data<double>().data(), lanes};
  const auto row = [&](const char* work, auto loss) {
    const auto value = jit(loss);
    const auto both = jit(value_and_grad<0, 1>(loss));
    report({work, lanes, [=] { return value(e, M); }, [=] { return both(e, M).first; }, [&] { return hand.run(false); },
            [&] { return hand.run(true); },
            [&] {
              double by_hand = 0;
              for (double g : hand.gradient_e) by_hand += g;
              const Array by_e = std::get<0>(both(e, M).second);
              return std::abs(sum(by_e).item<double>() - by_hand) / std::abs(by_hand);
            }},
           json);
  };
  row("Kepler's equation", [=](const Array& e, const Array& M) { return sum(vmap(one)(e, M)); });
  row("the same as one root", [=](const Array& e, const Array& M) { return sum(one(e, M)); });
}
#endif

// ---- Newton's method in lanes ---------------------------------------------------------------------------------------

struct NewtonByHand {
  static constexpr int n = 10;
  using Square = Eigen::Matrix<double, n, n, Eigen::RowMajor>;
  using Few = Eigen::Matrix<double, n, 1>;
  Eigen::Map<const Square> W;
  const double* X;
  std::int64_t lanes;
  double gradient_sum = 0;

  double run(bool gradient) {
    double total = 0;
    gradient_sum = 0;
    for (std::int64_t l = 0; l < lanes; ++l) {
      const Eigen::Map<const Few> x(X + l * n);
      Few z = Few::Zero();
      Eigen::PartialPivLU<Square> lu;
      Few slope;
      for (int turn = 0; turn < 50; ++turn) {
        const Few t = (W * z + x).array().tanh();
        slope = 1 - t.array().square();
        const Square A = slope.asDiagonal() * W - Square::Identity();
        lu.compute(A);
        const Few step = lu.solve(t - z);
        z -= step;
        if (step.norm() < 1e-9) break;
      }
      total += z.sum();
      if (!gradient) continue;
      slope = 1 - (W * z + x).array().tanh().square();
      lu.compute(Square::Identity() - slope.asDiagonal() * W);
      const Few u = lu.transpose().solve(Few::Ones());
      gradient_sum += slope.cwiseProduct(u).sum();
    }
    return total;
  }
};

void newton(std::int64_t lanes, bool json) {
  using namespace dini;
  const Array W = 0.7 * random::normal(random::key(0), {10, 10}, Dtype::float64) / std::sqrt(10.0);
  const Array X = random::normal(random::key(1), {lanes, 10}, Dtype::float64);
  auto f = [](const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); };
  auto one = [=](const Array& W, const Array& x) {
    return sum(fixed_point(f, zeros_like(x), FixedPointOptions{.solver = Newton{}}, W, x).value);
  };
  auto loss = [=](const Array& W, const Array& X) { return sum(vmap(one, {.in = {not_mapped, 0}})(W, X)); };
  const auto value = jit(loss);
  const auto both = jit(value_and_grad<1>(loss));
  NewtonByHand hand{Eigen::Map<const NewtonByHand::Square>(W.data<double>().data()), X.data<double>().data(), lanes};
  report({"Newton, layer of 10", lanes, [=] { return value(W, X); }, [=] { return both(W, X).first; },
          [&] { return hand.run(false); }, [&] { return hand.run(true); },
          [&] {
            const double by_dini = sum(both(W, X).second).item<double>();
            return std::abs(by_dini - hand.gradient_sum) / std::abs(hand.gradient_sum);
          }},
         json);
}

// ---- Layers of other sizes, without a loop by hand: where lanes are best run in tiles, and where one by one -----------

void sizes(const std::string& name, std::int64_t lanes, std::int64_t n, const dini::Solver& solver, bool json) {
  using namespace dini;
  const Array W = 0.7 * random::normal(random::key(0), {n, n}) / std::sqrt(static_cast<double>(n));
  const Array X = random::normal(random::key(1), {lanes, n});
  FixedPointOptions options;
  options.solver = solver;
  if (solver.method()->contracts()) options.adjoint = SameSolver{};
  auto f = [](const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); };
  auto one = [=](const Array& W, const Array& x) { return sum(fixed_point(f, zeros_like(x), options, W, x).value); };
  auto loss = [=](const Array& W, const Array& X) { return sum(vmap(one, {.in = {not_mapped, 0}})(W, X)); };
  const auto value = jit(loss);
  const auto both = jit(value_and_grad<0, 1>(loss));
  report(
      {name + ", layer of " + std::to_string(n), lanes, [=] { return value(W, X); }, [=] { return both(W, X).first; }},
      json);
}

// ---- Implied volatility: some lanes have no solution ----------------------------------------------------------------

void volatility(std::int64_t lanes, int without, bool json) {
  using namespace dini;
  const Array strike = 0.8 + 0.4 * random::uniform(random::key(5), {lanes});
  const Array sigma = 0.1 + 0.5 * random::uniform(random::key(6), {lanes});
  auto call = [](const Array& strike, const Array& s) {
    const Array d = -log(strike) / s + 0.5 * s;
    return special::ndtr(d) - strike * special::ndtr(d - s);
  };
  Array price = vmap(call)(strike, sigma);
  for (int k = 0; k < without; ++k) price = price.at(k * lanes / (without + 1) + 7).set(1.5);  // more than the share
  const RootOptions options{.on_failure = OnFailure::nan};
  auto one = [=](const Array& strike, const Array& price) {
    return root([=](const Array& k, const Array& p, const Array& s) { return call(k, s) - p; }, Array(0.3), options,
                strike, price)
        .value;
  };
  auto loss = [=](const Array& strike, const Array& price) { return nansum(vmap(one)(strike, price)); };
  const auto value = jit(loss);
  const auto both = jit(value_and_grad<1>(loss));
  report({without ? "volatility, " + std::to_string(without) + " without" : "volatility",
          lanes,
          [=] { return value(strike, price); },
          [=] { return both(strike, price).first; },
          {},
          {},
          {}},
         json);
}

// ---- Quadratic programs ---------------------------------------------------------------------------------------------

void programs(std::int64_t lanes, bool json) {
  using namespace dini;
  const Array key = random::key(7);
  const Array L = random::normal(random::fold_in(key, 0), {10, 10}, Dtype::float64);
  const Array P = dot(L, transpose(L)) + eye(10), G = random::normal(random::fold_in(key, 1), {20, 10}, Dtype::float64);
  const Array q = random::normal(random::fold_in(key, 2), {lanes, 10}, Dtype::float64);
  const Array h = random::uniform(random::fold_in(key, 3), {20}, Dtype::float64, 0.1, 1.0);
  auto one = [=](const Array& q) { return sum(quadratic_program({.P = P, .q = q, .G = G, .h = h}).value); };
  auto loss = [=](const Array& q) { return sum(vmap(one)(q)); };
  const auto value = jit(loss);
  const auto both = jit(value_and_grad(loss));
  report({"programs, 10 and 20", lanes, [=] { return value(q); }, [=] { return both(q).first; }, {}, {}, {}}, json);
}

}  // namespace

int main(int argc, char** argv) {
  bool json = false;
  std::int64_t part = 1;
  for (int k = 1; k < argc; ++k) {
    json = json || std::strcmp(argv[k], "--json") == 0;
    if (std::strcmp(argv[k], "--small") == 0) part = 10;
  }
  if (!json) {
    std::printf(
        "                                            value, ms                                value and gradient, "
        "ms\n");
    std::printf(
        "work                      lanes thr        dini  processor       hand  ratio        dini  processor       "
        "hand  ratio   difference\n");
  }
  layers(10000 / part, json);
#ifdef __AVX2__
  kepler(1000000 / part, json);
#endif
  newton(10000 / part, json);
  for (std::int64_t n : {3, 30, 100}) sizes("Newton", (n < 30 ? 10000 : 30000 / n) / part, n, dini::Newton{}, json);
  for (std::int64_t n : {30, 100, 300})
    sizes("forward", 60000 / n / part, n, dini::FwdSolver{.tolerance = 1e-10}, json);
  sizes("Anderson", 10000 / part, 10, dini::Anderson{}, json);
  volatility(5000 / part, 0, json);
  volatility(5000 / part, 3, json);
  programs(10000 / part, json);
}
