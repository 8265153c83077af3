// Dini's side of the comparison of quadratic programs with other libraries (scripts/program_peers.py has the others'): random programs
// of three sizes, their solutions, and the gradients of Σ cos(1 + k)·x_k by q and h. Times are of one program after the other, and of
// all of them as lanes of one call.
//
//     program_peers [FOLDER]      with a folder all of it as .npz files, one a size
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <map>
#include <string>
#include <vector>

#include <dini/dini.hpp>
#include "tests/solvers/programs.hpp"

namespace {

using namespace dini;

struct Data {
  Array P, q, G, h;
  auto tree() { return std::tie(P, q, G, h); }
};
struct Found {
  Array x, y, steps, status;
  auto tree() { return std::tie(x, y, steps, status); }
};

Found solved(const Data& d) {
  const auto s = quadratic_program({.P = d.P, .q = d.q, .G = d.G, .h = d.h}, {.on_failure = OnFailure::nan});
  return {s.value, s.duals.at_most, s.steps, s.status.code};
}
Array weights(std::int64_t n) { return cos(1.0 + 1.0 * arange(n)); }
auto slopes(const Data& d) {
  return grad<0, 1>([&](const Array& q, const Array& h) {
    const Array x = quadratic_program({.P = d.P, .q = q, .G = d.G, .h = h}, {.on_failure = OnFailure::nan}).value;
    return sum(weights(x.size()) * x);
  })(d.q, d.h);
}

// The processor's, of all threads: what else the machine does has next to no part in it.
double seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// The least of a few runs.
template <class F> double timed(const F& run) {
  double least = 1e300;
  for (int k = 0; k < 3; ++k) {
    const double start = seconds();
    run();
    least = std::min(least, seconds() - start);
  }
  return least;
}

}  // namespace

int main(int argc, char** argv) {
  std::printf("%-24s %6s %5s %14s %14s %14s %14s\n", "", "steps", "most", "us a solve", "with gradient", "us a lane",
              "with gradient");
  const auto sets = tests::random_programs();
  for (std::size_t size = 0; size < 3; ++size) {
    const tests::Programs& set = sets[size];
    std::vector<Data> all;
    for (int k = 0; k < set.count; ++k) {
      const tests::ProgramData p = set.make(k);
      all.push_back({p.p, p.q, p.g, p.h});
    }
    auto together = [&](auto member) {
      std::vector<Array> each;
      for (const Data& d : all) each.push_back(d.*member);
      return stack(each);
    };
    const Data lanes{together(&Data::P), together(&Data::q), together(&Data::G), together(&Data::h)};
    const auto one = jit([](const Data& d) { return solved(d); });
    const auto one_slope = jit([](const Data& d) { return slopes(d); });
    const auto batch = jit([](const Data& d) { return vmap([](const Data& e) { return solved(e); })(d); });
    const auto batch_slope = jit([](const Data& d) { return vmap([](const Data& e) { return slopes(e); })(d); });
    // What is run for the first time is compiled first.
    one(all[0]), one_slope(all[0]);
    const Found found = batch(lanes);
    const auto [by_q, by_h] = batch_slope(lanes);
    const double count = set.count;
    const double of_one = timed([&] {
                            for (const Data& d : all) one(d);
                          }) /
                          count;
    const double of_slope = timed([&] {
                              for (const Data& d : all) one_slope(d);
                            }) /
                            count;
    const double of_lane = timed([&] { batch(lanes); }) / count,
                 of_lane_slope = timed([&] { batch_slope(lanes); }) / count;
    std::printf("%-24s %6.1f %5lld %14.1f %14.1f %14.1f %14.1f\n", set.name.c_str(),
                mean(astype(found.steps, float64)).item(),
                static_cast<long long>(max(found.steps).item<std::int64_t>()), 1e6 * of_one, 1e6 * of_slope,
                1e6 * of_lane, 1e6 * of_lane_slope);
    if (argc < 2) continue;
    save_npz(std::string(argv[1]) + "/" + std::to_string(size) + ".npz",
             {{"P", lanes.P},
              {"q", lanes.q},
              {"G", lanes.G},
              {"h", lanes.h},
              {"x", found.x},
              {"y", found.y},
              {"steps", found.steps},
              {"by_q", by_q},
              {"by_h", by_h},
              {"seconds", array({of_one, of_slope, of_lane, of_lane_slope})}});
  }
  return 0;
}
