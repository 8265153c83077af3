// How what Dini costs grows: time with the number of unknowns and of lanes beside loops by hand; allocations of a warm call; peak
// memory with steps and with lanes.
//
//     growth [--json] [--small]
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include <dini/dini.hpp>

#include "by_hand.hpp"
#include "tests/allocations.hpp"

namespace {

using namespace bench;

volatile double sink;
bool json = false;

double number(const dini::Array& a) { return a.item<double>(); }

template <class T> auto layer_loss(double tolerance) {
  dini::FixedPointOptions options{.adjoint = dini::SameSolver{}};
  options.solver = dini::FwdSolver{.tolerance = tolerance};
  return [=](const dini::Array& W, const dini::Array& x) {
    return sum(fixed_point(layer, zeros_like(x), options, W, x).value);
  };
}

// ---- Time -----------------------------------------------------------------------------------------------------------

void growth_row(const char* work, long long size, int threads, const Time& dini, const Time& hand) {
  if (json) {
    std::printf("{\"work\": \"%s\", \"size\": %lld, \"threads\": %d, \"us\": %.5g, \"us_by_hand\": %.5g}\n", work, size,
                threads, dini.wall, hand.wall);
  } else {
    std::printf("%-44s %8lld %3d   %12.2f %12.2f %6.2f\n", work, size, threads, dini.wall, hand.wall,
                dini.wall / hand.wall);
  }
  std::fflush(stdout);
}

void time_with_unknowns(bool small) {
  const int all = dini::num_threads();
  for (int n : {10, 30, 100, 300, 1000, 3000}) {
    if (small && n > 300) continue;
    const auto [W, x] = inputs<double>(n);
    const auto both = dini::jit(dini::value_and_grad<0, 1>(layer_loss<double>(1e-10)));
    LayerByHand<double> hand(n, W.data<double>().data(), x.data<double>().data(), 1e-10);
    for (int threads : {1, all}) {
      if (threads == 1 && all == 1) continue;
      dini::set_num_threads(threads);
      const auto [dini_time, hand_time] =
          race([&, &W = W, &x = x] { sink = number(both(W, x).first); }, [&] { sink = hand.value_and_gradient(); },
               std::chrono::milliseconds(300), 3);
      growth_row("layer, value and gradient, by unknowns", n, threads, dini_time, hand_time);
    }
    dini::set_num_threads(all);
  }
}

auto batch_loss() {
  using namespace dini;
  const auto one = layer_loss<float>(1e-5);
  return [=](const Array& W, const Array& X) { return sum(vmap(one, {.in = {not_mapped, 0}})(W, X)); };
}

void time_with_lanes(bool small) {
  using namespace dini;
  const Array W = inputs<float>(10).first;
  const int all = num_threads();
  for (std::int64_t lanes : {16, 64, 1024, 16384, 262144, 1048576}) {
    if (small && lanes > 20000) continue;
    const Array X = random::normal(random::key(1), {lanes, 10}, Dtype::float32);
    const auto both = jit(value_and_grad<0, 1>(batch_loss()));
    LayersByHand hand{W.data<float>().data(), X.data<float>().data(), lanes};
    for (int threads : {1, all}) {
      if (threads == 1 && all == 1) continue;
      set_num_threads(threads);
      const auto [dini_time, hand_time] = race([&] { sink = number(both(W, X).first); }, [&] { sink = hand.run(true); },
                                               std::chrono::milliseconds(300), 3);
      growth_row("layers of 10, value and gradient, by lanes", lanes, threads, dini_time, hand_time);
    }
    set_num_threads(all);
  }
}

// ---- Allocations of a warm call -------------------------------------------------------------------------------------

template <class F> void allocations_row(const char* work, std::int64_t steps, const F& call) {
  for (int k = 0; k < 3; ++k) call();
  const long before = dini::tests::allocations();
  call();
  const long made = dini::tests::allocations() - before;
  if (json)
    std::printf("{\"work\": \"%s\", \"steps\": %lld, \"allocations\": %ld}\n", work, static_cast<long long>(steps),
                made);
  else
    std::printf("%-44s %8lld %12ld\n", work, static_cast<long long>(steps), made);
}

void allocations() {
  using namespace dini;
  const auto [W, x] = inputs<double>(10);
  for (double tolerance : {1e-2, 1e-12}) {
    FixedPointOptions options;
    options.solver = FwdSolver{.tolerance = tolerance};
    const std::int64_t steps = fixed_point(layer, zeros_like(x), options, W, x).steps.item<std::int64_t>();
    const auto value = jit(layer_loss<double>(tolerance));
    const auto both = jit(value_and_grad<0, 1>(layer_loss<double>(tolerance)));
    allocations_row("layer of 10, value", steps, [&, &W = W, &x = x] { value(W, x); });
    allocations_row("layer of 10, value and gradient", steps, [&, &W = W, &x = x] { both(W, x); });
  }
  const auto newton = jit(value_and_grad<0, 1>([](const Array& W, const Array& x) {
    return sum(fixed_point(layer, zeros_like(x), FixedPointOptions{.solver = Newton{}}, W, x).value);
  }));
  allocations_row("layer of 10 by Newton's method, with gradient", 4, [&, &W = W, &x = x] { newton(W, x); });
}

// ---- Memory ---------------------------------------------------------------------------------------------------------

// What the process holds, or has held at most since `forget`, in MB.
double memory(const char* key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key, 0) == 0) return std::stod(line.substr(std::strlen(key) + 1)) / 1024;
  }
  return 0;
}
void forget() { std::ofstream("/proc/self/clear_refs") << "5"; }

template <class F> double peak(const F& call) {
  forget();
  const double before = memory("VmRSS");
  call();
  return memory("VmHWM") - before;
}

void memory_row(const char* work, long long size, double inputs_mb, double mb) {
  if (json)
    std::printf("{\"work\": \"%s\", \"size\": %lld, \"inputs_mb\": %.4g, \"peak_mb\": %.4g}\n", work, size, inputs_mb,
                mb);
  else
    std::printf("%-44s %8lld %12.2f %12.2f\n", work, size, inputs_mb, mb);
}

void memory_with_steps() {
  using namespace dini;
  // Contracts by a factor 1 - 1/steps, from 1 to e⁻¹ in that many.
  const Array x = linspace(1.0, 2.0, 10000);
  for (std::int64_t steps : {10, 100, 1000, 10000, 100000}) {
    const Array share = Array(1.0 / static_cast<double>(steps));
    const auto run = [&](const Array& x) {
      FixedPointOptions options{.on_failure = OnFailure::best};
      options.solver = ForwardIteration{};
      options.max_steps = steps;
      return sum(
          fixed_point([=](const Array& x, const Array& z) { return z + share * (x - z); }, zeros_like(x), options, x)
              .value);
    };
    const auto value = jit(run);
    sink = number(value(x));  // compiled
    memory_row("10,000 unknowns, value, by steps", steps, 0.08, peak([&] { sink = number(value(x)); }));
  }
}

void memory_with_lanes(bool small) {
  using namespace dini;
  const Array W = inputs<float>(10).first;
  for (std::int64_t lanes : {1000, 10000, 100000, 1000000}) {
    if (small && lanes > 10000) continue;
    const Array X = random::normal(random::key(1), {lanes, 10}, Dtype::float32);
    sink = number(sum(X));
    const auto both = jit(value_and_grad<0, 1>(batch_loss()));
    memory_row("layers of 10, value and gradient, by lanes", lanes, 4e-5 * static_cast<double>(lanes),
               peak([&] { sink = number(both(W, X).first); }));
  }
}

}  // namespace

int main(int argc, char** argv) {
  bool small = false;
  for (int k = 1; k < argc; ++k) {
    json = json || std::strcmp(argv[k], "--json") == 0;
    small = small || std::strcmp(argv[k], "--small") == 0;
  }
  if (!json)
    std::printf("time                                             size thr       dini, µs  by hand, µs  ratio\n");
  time_with_unknowns(small);
  time_with_lanes(small);
  if (!json) std::printf("\nallocations of a warm call                      steps  allocations\n");
  allocations();
  if (!json) std::printf("\nmemory                                           size   inputs, MB     peak, MB\n");
  memory_with_steps();
  memory_with_lanes(small);
}
