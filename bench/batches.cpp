// Batches: many small solves at once, by vmap, each with its own number of steps. CPU time of the value and of the value with
// the gradient, the best of a few runs, a lane; and check sums, so that two builds can be seen to have done the same.
//
//     batches [part of a name]
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <string>

#include <dini/dini.hpp>

namespace {

using namespace dini;

double cpu_seconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double best_of_runs(const std::function<void()>& call) {
  double best = 1e300, spent = 0;
  for (int k = 0; k < 3 || (spent < 1.5 && k < 50); ++k) {
    const double start = cpu_seconds();
    call();
    const double t = cpu_seconds() - start;
    best = std::min(best, t);
    spent += t;
  }
  return best;
}

const char* wanted = "";

// `loss` of two arrays, differentiated in both.
template <class Loss>
void work(const std::string& name, std::int64_t lanes, const Loss& loss, const Array& a, const Array& b) {
  if (name.find(wanted) == std::string::npos) return;
  auto value = jit(loss);
  auto both = jit(value_and_grad<0, 1>(loss));
  const double begin = cpu_seconds();
  const auto [v, gradient] = both(a, b);
  const double first = cpu_seconds() - begin;
  volatile double sink = 0;
  const double value_s = best_of_runs([&] { sink = value(a, b).template item<double>(); });
  const double both_s = best_of_runs([&] { sink = both(a, b).first.template item<double>(); });
  std::printf(
      "%-28s %9lld lanes  value %9.3f us  both %9.3f us a lane  (%8.2f, %8.2f ms; first %.0f)  check %.12g %.12g "
      "%.12g\n",
      name.c_str(), static_cast<long long>(lanes), 1e6 * value_s / static_cast<double>(lanes),
      1e6 * both_s / static_cast<double>(lanes), 1e3 * value_s, 1e3 * both_s, 1e3 * first, v.template item<double>(),
      sum(astype(std::get<0>(gradient), float64)).template item<double>(),
      sum(astype(std::get<1>(gradient), float64)).template item<double>());
  std::fflush(stdout);
}

void kepler(std::int64_t lanes) {
  const Array e = 0.9 * random::uniform(random::key(0), {lanes}, float64),
              M = 6.283185307179586 * random::uniform(random::key(1), {lanes}, float64);
  auto one = [](const Array& e, const Array& M) {
    auto f = [](const Array& e, const Array& M, const Array& E) { return E - e * sin(E) - M; };
    return root(f, M + 0.85 * e * sign(sin(M)), {.solver = Newton{}}, e, M).value;
  };
  work(
      "kepler " + std::to_string(lanes), lanes, [=](const Array& e, const Array& M) { return sum(vmap(one)(e, M)); }, e,
      M);
}

// z = tanh(W z + x), with the solver and the adjoint of `options`.
void layer(const std::string& name, std::int64_t lanes, std::int64_t n, Dtype dtype, const FixedPointOptions& options) {
  const Array W = 0.7 * random::normal(random::key(0), {n, n}, dtype) / std::sqrt(static_cast<double>(n));
  const Array x = random::normal(random::key(1), {lanes, n}, dtype);
  auto f = [](const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); };
  auto one = [=](const Array& W, const Array& x) { return fixed_point(f, zeros_like(x), options, W, x).value; };
  auto over = vmap(one, {.in = {not_mapped, 0}});
  work(
      name + " " + std::to_string(n) + (dtype == float32 ? " float32" : " float64"), lanes,
      [=](const Array& W, const Array& x) { return sum(over(W, x)); }, W, x);
}

void forward_layer(std::int64_t lanes, std::int64_t n, Dtype dtype) {
  FixedPointOptions options{.adjoint = SameSolver{}};
  options.solver = FwdSolver{.tolerance = dtype == float32 ? 1e-5 : 1e-10};
  layer("forward", lanes, n, dtype, options);
}

// The volatility at which the Black-Scholes price of a call is the one given.
void volatility(std::int64_t lanes, bool bracket) {
  const Array strike = 0.7 + 0.6 * random::uniform(random::key(0), {lanes}, float64);
  const Array sigma = 0.1 + 0.6 * random::uniform(random::key(1), {lanes}, float64);
  auto price = [](const Array& k, const Array& s) {
    const Array d = (log(1.0 / k) + 0.5 * s * s) / s;
    auto normal = [](const Array& x) { return 0.5 * erfc(-x / std::sqrt(2.0)); };
    return normal(d) - k * normal(d - s);
  };
  auto one = [=](const Array& k, const Array& c) {
    auto f = [=](const Array& k, const Array& c, const Array& s) { return price(k, s) - c; };
    if (bracket) return root(f, Bracket{0.01, 3.0}, {}, k, c).value;
    return root(f, array(0.4), {.solver = Newton{}}, k, c).value;
  };
  work(
      bracket ? "volatility in a bracket" : "volatility", lanes,
      [=](const Array& k, const Array& c) { return sum(vmap(one)(k, c)); }, strike, vmap(price)(strike, sigma));
}

// A loop of a user's: the cube root by Newton's method, each lane until it is there.
void users_loop(std::int64_t lanes) {
  const Array a = 0.5 + 100.0 * random::uniform(random::key(0), {lanes}, float64);
  auto one = [](const Array& a) {
    using State = std::pair<Array, Array>;
    return while_loop([](const State& s) { return abs(s.first - s.second) > 1e-12 * abs(s.first); },
                      [&](const State& s) {
                        return State{(2.0 * s.first + a / (s.first * s.first)) / 3.0, s.first};
                      },
                      State{a, 2.0 * a})
        .first;
  };
  auto slope = [=](const Array& a) {
    auto r = jvp(one, a, array(1.0));
    return r.value + 0.0 * r.tangent;
  };
  if (std::string("cube roots").find(wanted) == std::string::npos) return;
  auto value = jit([=](const Array& a) { return sum(vmap(one)(a)); });
  auto both = jit([=](const Array& a) { return sum(vmap(slope)(a)); });
  volatile double sink = 0;
  const double value_s = best_of_runs([&] { sink = value(a).template item<double>(); });
  const double both_s = best_of_runs([&] { sink = both(a).template item<double>(); });
  std::printf("%-28s %9lld lanes  value %9.3f us  jvp  %9.3f us a lane  check %.12g\n", "cube roots",
              static_cast<long long>(lanes), 1e6 * value_s / static_cast<double>(lanes),
              1e6 * both_s / static_cast<double>(lanes), value(a).template item<double>());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) wanted = argv[1];
  const Dtype f32 = float32, f64 = float64;
  users_loop(100000);
  volatility(10000, false);
  volatility(10000, true);
  kepler(100000);
  forward_layer(10000, 10, f32);
  forward_layer(10000, 10, f64);
  forward_layer(2000, 30, f32);
  forward_layer(2000, 30, f64);
  forward_layer(1000, 100, f32);
  forward_layer(500, 100, f64);
  forward_layer(100, 300, f64);
  layer("newton", 10000, 3, f64, {.solver = Newton{}});
  layer("newton", 10000, 10, f64, {.solver = Newton{}});
  layer("newton", 10000, 10, f32, {.solver = Newton{}});
  layer("newton", 1000, 30, f64, {.solver = Newton{}});
  layer("newton", 100, 100, f64, {.solver = Newton{}});
  layer("auto", 10000, 10, f64, {});
  layer("anderson", 10000, 10, f64, {.solver = Anderson{}});
  if (argc > 2) kepler(1000000);
}
