// What the benchmarks share: races between two ways of doing one thing in one process, by the wall's clock and the processor's.
#pragma once

#include <immintrin.h>
#include <time.h>

#include <Eigen/Dense>
#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <utility>

namespace bench {

template <class T> using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;
template <class T> using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

using Clock = std::chrono::steady_clock;
inline double micros(Clock::duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

/// Of all threads of the process, in µs.
inline double processor_micros() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return 1e6 * static_cast<double>(t.tv_sec) + 1e-3 * static_cast<double>(t.tv_nsec);
}

struct Time {
  double wall = 1e300, processor = 1e300;  // µs a call
};

inline Time once(const std::function<void()>& call, int repeat) {
  const auto start = Clock::now();
  const double processor = processor_micros();
  for (int k = 0; k < repeat; ++k) call();
  return {micros(Clock::now() - start) / repeat, (processor_micros() - processor) / repeat};
}

/// The best of many short runs of the two in turn, so that both see the same machine.
inline std::pair<Time, Time> race(const std::function<void()>& a, const std::function<void()>& b,
                                  std::chrono::milliseconds at_least = std::chrono::milliseconds(1500), int runs = 10) {
  a();
  b();
  const double longer = std::max({once(a, 1).wall, once(b, 1).wall, 0.1});
  const int repeat = std::max(1, static_cast<int>(200 / longer));
  Time best_a, best_b;
  auto keep = [](Time& best, const Time& t) {
    best.wall = std::min(best.wall, t.wall), best.processor = std::min(best.processor, t.processor);
  };
  const auto end = Clock::now() + at_least;
  for (int k = 0; k < runs || Clock::now() < end; ++k) {
    keep(best_a, once(a, repeat));
    keep(best_b, once(b, repeat));
  }
  return {best_a, best_b};
}

#ifdef __AVX2__
extern "C" __m256d _ZGVdN4v_tanh(__m256d);
extern "C" __m256d _ZGVdN4v_sin(__m256d);
extern "C" __m256d _ZGVdN4v_cos(__m256d);
#endif

inline void tanh_of(Vector<float>& v) { v = v.array().tanh(); }
inline void tanh_of(Vector<double>& v) {
#ifdef __AVX2__
  Eigen::Index k = 0;
  for (; k + 4 <= v.size(); k += 4) _mm256_storeu_pd(v.data() + k, _ZGVdN4v_tanh(_mm256_loadu_pd(v.data() + k)));
  if (k == v.size()) return;
  alignas(32) double last[4] = {};
  std::memcpy(last, v.data() + k, sizeof(double) * static_cast<std::size_t>(v.size() - k));
  _mm256_store_pd(last, _ZGVdN4v_tanh(_mm256_load_pd(last)));
  std::memcpy(v.data() + k, last, sizeof(double) * static_cast<std::size_t>(v.size() - k));
#else
  v = v.array().tanh();
#endif
}

}  // namespace bench
