// BLAS's threads: the host's number of them is its own, and no result depends on it.
#include <cblas.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>
#include <vector>

#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/kernels/dense_backend.hpp"
#include "tests/ops/dense_test.hpp"

namespace dini::kernels {
namespace dense_test {

using Numbers64 = std::vector<double>;

struct Call {
  const char* name;
  std::function<Numbers64()> results;
};

std::vector<Call> calls_of_blas() {
  constexpr std::size_t n = 420;
  const Matrix<double> a = random<double>(n, n, 1), b = random<double>(n, n, 2);
  return {{"ldlt",
           [=] {
             Numbers64 y(n * n);
             std::vector<std::int32_t> pivots(n);
             ldlt_factor(n, a.p(), y.data(), pivots.data());
             return y;
           }},
          {"qr_pivoted",
           [=] {
             Numbers64 q(n * n), r(n * n);
             std::vector<std::int32_t> perm(n);
             qr_pivoted(n, n, a.p(), q.data(), r.data(), perm.data());
             return r;
           }},
          {"least_squares",
           [=] {
             Numbers64 y(n * n);
             least_squares(n, n, n, a.p(), b.p(), y.data());
             return y;
           }},
          {"eigh",
           [=] {
             Numbers64 w(n), v(n * n);
             eigh(n, a.p(), w.data(), v.data());
             return v;
           }},
          {"svd", [=] {
             Numbers64 u(n * n), s(n), vt(n * n);
             svd(n, n, a.p(), u.data(), s.data(), vt.data());
             return u;
           }}};
}

class HostsThreads {
 public:
  ~HostsThreads() { openblas_set_num_threads(before_); }

 private:
  int before_ = openblas_get_num_threads();
};

TEST(DenseThreads, TheHostsNumberIsNeitherUsedNorChanged) {
  const HostsThreads keep;
  for (const Call& call : calls_of_blas()) {
    openblas_set_num_threads(1);
    const Numbers64 alone = call.results();
    EXPECT_EQ(openblas_get_num_threads(), 1) << call.name;
    openblas_set_num_threads(3);
    EXPECT_TRUE(call.results() == alone) << call.name;
    EXPECT_EQ(openblas_get_num_threads(), 3) << call.name;
  }
}

TEST(DenseThreads, TheNumberIsPutBackAfterTheLastOfManyCalls) {
  const HostsThreads keep;
  openblas_set_num_threads(3);
  const std::vector<Call> calls = calls_of_blas();
  const Numbers64 alone = calls[0].results();
  std::vector<std::thread> threads;
  std::vector<int> same(3, 0);
  for (int& count : same) {
    threads.emplace_back([&] {
      for (int k = 0; k < 10; ++k) count += calls[0].results() == alone;
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(same, (std::vector<int>{10, 10, 10}));
  EXPECT_EQ(openblas_get_num_threads(), 3);
}

TEST(DenseThreads, WhatTheHostSetsMeanwhileStays) {
  const HostsThreads keep;
  openblas_set_num_threads(3);
  {
    const OneBlasThread outer;
    { const OneBlasThread inner; }
    EXPECT_EQ(openblas_get_num_threads(), 1);
    openblas_set_num_threads(2);
  }
  EXPECT_EQ(openblas_get_num_threads(), 2);
}

}  // namespace dense_test
}  // namespace dini::kernels
