// The kernels on tiles, of every instruction set that this processor has: each lane's result is that of the lane alone.
#include "dini/ops/kernels/lane.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "dense_test.hpp"
#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/kernels/lane_tables.hpp"

namespace dini::kernels {
namespace {

using dense_test::Numbers;

constexpr std::size_t row = tile_lanes;

constexpr const char* instruction_sets[] = {"baseline", "avx2", "avx512"};
template <class T> std::vector<const LaneKernels<T>*> tables() {
  std::vector<const LaneKernels<T>*> all;
  for (const char* isa : instruction_sets)
    if (const LaneKernels<T>* table = lane_kernels_for<T>(isa)) all.push_back(table);
  return all;
}
std::vector<const LaneLogic*> logics() {
  std::vector<const LaneLogic*> all;
  for (const char* isa : instruction_sets)
    if (const LaneLogic* table = lane_logic_for(isa)) all.push_back(table);
  return all;
}

// Rows of numbers; some of what lanes that nobody waits for may hold, with `wild`.
template <class T> std::vector<T> rows_of(std::size_t elements, std::uint64_t seed, bool wild = false) {
  constexpr T strange[] = {std::numeric_limits<T>::quiet_NaN(),
                           std::numeric_limits<T>::infinity(),
                           -std::numeric_limits<T>::infinity(),
                           T(0),
                           -T(0),
                           std::numeric_limits<T>::denorm_min()};
  std::vector<T> out(elements * row);
  Numbers next(seed);
  for (std::size_t k = 0; k < out.size(); ++k)
    out[k] = wild && k % 5 == 0 ? strange[k / 5 % 6] : static_cast<T>(next());
  return out;
}
template <class T> std::vector<T> lane_of(const std::vector<T>& rows, std::size_t lane) {
  std::vector<T> out;
  for (std::size_t k = 0; k < rows.size() / row; ++k) out.push_back(rows[k * row + lane]);
  return out;
}
template <class T>::testing::AssertionResult same(const std::vector<T>& a, const std::vector<T>& b) {
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (!(a[k] == b[k] && std::signbit(a[k]) == std::signbit(b[k])) && !(std::isnan(a[k]) && std::isnan(b[k])))
      return ::testing::AssertionFailure() << a[k] << " and " << b[k] << " at " << k;
  }
  return ::testing::AssertionSuccess();
}

template <class T> class LaneTest : public ::testing::Test {};
using Reals = ::testing::Types<float, double>;
TYPED_TEST_SUITE(LaneTest, Reals);

TYPED_TEST(LaneTest, SumsAreThoseOfALane) {
  using T = TypeParam;
  const VectorKernels<T>& one = vector_kernels<T>();
  for (const LaneKernels<T>* k : tables<T>()) {
    for (std::size_t n : {1, 2, 7, 15, 16, 17, 31, 32, 33, 100}) {
      for (bool wild : {false, true}) {
        const std::vector<T> a = rows_of<T>(n, n, wild), b = rows_of<T>(n, n + 1, wild);
        std::vector<T> sum(row), dot(row), norm(row);
        k->sum(n, a.data(), sum.data());
        k->dot(n, a.data(), b.data(), dot.data());
        const std::uint64_t other = k->norm(n, a.data(), norm.data());
        for (std::size_t l = 0; l < row; ++l) {
          const std::vector<T> x = lane_of(a, l), y = lane_of(b, l);
          EXPECT_TRUE(same<T>({sum[l], dot[l]}, {one.sum(x.data(), n), one.dot(x.data(), y.data(), n)})) << n;
          const T squares = one.sum_squares(x.data(), n);
          if (!(other >> l & 1)) { EXPECT_TRUE(same<T>({norm[l]}, {std::sqrt(squares)})) << n; }
          const bool zeros = std::all_of(x.begin(), x.end(), [](T v) { return v == 0; });
          EXPECT_EQ((other >> l & 1) != 0,
                    !(zeros || std::isnan(squares) || (squares > 1e-20 && std::isfinite(squares))));
        }
      }
    }
  }
}

TYPED_TEST(LaneTest, ElementwiseWithOperandsThatLanesShare) {
  using T = TypeParam;
  const std::size_t n = 3;
  const std::vector<T> a = rows_of<T>(n, 1, true), b = rows_of<T>(n, 2, true);
  const T shared[] = {T(0.5), -std::numeric_limits<T>::infinity(), std::numeric_limits<T>::quiet_NaN()};
  std::vector<T> spread;
  for (T x : shared) spread.insert(spread.end(), row, x);
  const VectorKernels<T>& one = vector_kernels<T>();
  const std::pair<TileBinary LaneKernels<T>::*, BinaryKernel<T>> numbers[] = {
      {&LaneKernels<T>::add, one.add},         {&LaneKernels<T>::sub, one.sub},
      {&LaneKernels<T>::mul, one.mul},         {&LaneKernels<T>::div, one.div},
      {&LaneKernels<T>::maximum, one.maximum}, {&LaneKernels<T>::minimum, one.minimum}};
  const std::pair<TileBinary LaneKernels<T>::*, CompareKernel<T>> truths[] = {{&LaneKernels<T>::less, one.lt},
                                                                              {&LaneKernels<T>::less_equal, one.le},
                                                                              {&LaneKernels<T>::equal, one.eq},
                                                                              {&LaneKernels<T>::not_equal, one.ne}};
  const void *lanes[] = {a.data(), b.data()}, *left[] = {shared, b.data()}, *right[] = {a.data(), shared};
  for (const LaneKernels<T>* k : tables<T>()) {
    for (const auto& [member, f] : numbers) {
      std::vector<T> got(n * row), wanted(n * row);
      (k->*member).lanes(lanes, got.data(), n * row), f(a.data(), b.data(), wanted.data(), n * row);
      EXPECT_TRUE(same(got, wanted));
      (k->*member).left_shared(left, got.data(), n * row), f(spread.data(), b.data(), wanted.data(), n * row);
      EXPECT_TRUE(same(got, wanted));
      (k->*member).right_shared(right, got.data(), n * row), f(a.data(), spread.data(), wanted.data(), n * row);
      EXPECT_TRUE(same(got, wanted));
    }
    for (const auto& [member, f] : truths) {
      bool got[n * row], wanted[n * row];
      (k->*member).lanes(lanes, got, n * row), f(a.data(), b.data(), wanted, n * row);
      EXPECT_EQ(std::memcmp(got, wanted, sizeof got), 0);
      (k->*member).left_shared(left, got, n * row), f(spread.data(), b.data(), wanted, n * row);
      EXPECT_EQ(std::memcmp(got, wanted, sizeof got), 0);
      (k->*member).right_shared(right, got, n * row), f(a.data(), spread.data(), wanted, n * row);
      EXPECT_EQ(std::memcmp(got, wanted, sizeof got), 0);
    }
  }
}

TYPED_TEST(LaneTest, FactorsAndSolvesEachLanesMatrix) {
  using T = TypeParam;
  const T epsilon = std::numeric_limits<T>::epsilon();
  for (const LaneKernels<T>* k : tables<T>()) {
    for (std::size_t n : {1, 2, 3, 5, 10, 16}) {
      std::vector<T> a = rows_of<T>(n * n, n);
      // A singular lane, and one of what is none, beside the others.
      for (std::size_t i = 0; i < n * n; ++i) a[i * row + 3] = 0, a[i * row + 4] = std::numeric_limits<T>::quiet_NaN();
      const std::vector<T> b = rows_of<T>(2 * n, n + 7);
      std::vector<T> lu(n * n * row), x(2 * n * row);
      std::vector<std::int32_t> perm(n * row);
      k->lu(n, a.data(), lu.data(), perm.data());
      for (bool transposed : {false, true}) {
        k->lu_solve(transposed, n, 2, lu.data(), perm.data(), b.data(), x.data());
        for (std::size_t l = 0; l < row; ++l) {
          const std::vector<T> m = lane_of(a, l), right = lane_of(b, l), got = lane_of(x, l);
          if (l == 4) {
            EXPECT_TRUE(std::isnan(got[0]));
            continue;
          }
          std::vector<T> factors(n * n), wanted(2 * n);
          std::vector<std::int32_t> order(n);
          EXPECT_EQ(lu_factor(n, m.data(), factors.data(), order.data()) != 0, l == 3);
          EXPECT_EQ(lane_of(perm, l), order);
          if (l == 3) continue;
          lu_solve(transposed, n, 2, factors.data(), order.data(), right.data(), wanted.data());
          T size = 0;
          for (T w : wanted) size = std::max(size, std::abs(w));
          for (std::size_t i = 0; i < 2 * n; ++i) EXPECT_NEAR(got[i], wanted[i], 1e4 * epsilon * size * size) << n;
        }
      }
    }
  }
}

TYPED_TEST(LaneTest, CholeskysFactorsAreThoseOfALane) {
  using T = TypeParam;
  for (const LaneKernels<T>* k : tables<T>()) {
    for (std::size_t n : {1, 2, 5, 10, 16}) {
      std::vector<T> a = rows_of<T>(n * n, n);
      // Definite ones, but for every seventh lane, and one that is NaN.
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t l = 0; l < row; ++l)
          a[(i * n + i) * row + l] += l % 7 == 3 && i == n / 2 ? T(-9) : static_cast<T>(2 * n);
      a[((n - 1) * n + n - 1) * row + 5] = std::numeric_limits<T>::quiet_NaN();
      const std::size_t columns = 2;
      const std::vector<T> b = rows_of<T>(n * columns, n + 1);
      std::vector<T> factors(a.size()), x(b.size());
      const std::uint64_t others = k->cholesky(n, a.data(), factors.data());
      k->cholesky_solve(n, columns, factors.data(), b.data(), x.data());
      for (std::size_t l = 0; l < row; ++l) {
        const std::vector<T> matrix = lane_of(a, l), right = lane_of(b, l);
        std::vector<T> its(n * n), solution(n * columns);
        const bool fails = cholesky_factor(n, matrix.data(), its.data()) != 0;
        EXPECT_EQ((others >> l & 1) != 0, fails) << n << ", lane " << l;
        if (fails) continue;
        cholesky_solve(n, columns, its.data(), right.data(), solution.data());
        const std::vector<T> got = lane_of(factors, l), near = lane_of(x, l);
        for (std::size_t i = 0; i < n * n; ++i) EXPECT_NEAR(got[i], its[i], 8 * std::numeric_limits<T>::epsilon() * 8);
        for (std::size_t i = 0; i < n * columns; ++i)
          EXPECT_NEAR(near[i], solution[i], 100 * std::numeric_limits<T>::epsilon());
      }
    }
  }
}

TYPED_TEST(LaneTest, TriangularSolvesAreThoseOfALane) {
  using T = TypeParam;
  for (const LaneKernels<T>* k : tables<T>()) {
    for (std::size_t n : {1, 3, 10, 16}) {
      const std::size_t columns = 3;
      std::vector<T> a = rows_of<T>(n * n, n);
      const std::vector<T> b = rows_of<T>(n * columns, n + 1);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t l = 0; l < row; ++l) a[(i * n + i) * row + l] += static_cast<T>(n);
      for (int form = 0; form < 8; ++form) {
        const bool lower = form & 1, transposed = form & 2, unit = form & 4;
        if (unit && n > 3) continue;  // they grow
        std::vector<T> x(b.size());
        k->triangular_solve(lower, transposed, unit, n, columns, a.data(), b.data(), x.data());
        for (std::size_t l = 0; l < row; l += 9) {
          std::vector<T> solution(n * columns);
          triangular_solve(lower, transposed, unit, n, columns, lane_of(a, l).data(), lane_of(b, l).data(),
                           solution.data());
          const std::vector<T> got = lane_of(x, l);
          for (std::size_t i = 0; i < got.size(); ++i)
            EXPECT_NEAR(got[i], solution[i], 300 * std::numeric_limits<T>::epsilon()) << form;
        }
      }
    }
  }
}

// QR = A, columns in the order of perm, Q orthogonal, R triangular, with pivots its diagonal falling.
TYPED_TEST(LaneTest, OrthogonalFactorsOfEachLanesMatrix) {
  using T = TypeParam;
  const T tolerance = 200 * std::numeric_limits<T>::epsilon();
  struct Size {
    std::size_t m, n;
    bool full;
  };
  for (const LaneKernels<T>* k : tables<T>()) {
    for (const Size& size :
         {Size{1, 1, true}, {4, 1, true}, {1, 4, false}, {7, 3, false}, {7, 3, true}, {10, 20, true}}) {
      const auto [m, n, full] = size;
      const std::size_t most = std::min(m, n), columns = full ? m : most;
      std::vector<T> a = rows_of<T>(m * n, m * 64 + n);
      for (std::size_t i = 0; i < m; ++i) a[i * n * row + 1] = 0;  // lane 1 with a column of zeros,
      for (std::size_t i = 0; i < m * n; ++i) a[i * row + 2] = 0;  // 2 with nothing but zeros,
      a[3] = std::numeric_limits<T>::quiet_NaN();                  // 3 not finite,
      for (std::size_t i = 0; i < m * n; ++i) a[i * row + 4] *= std::numeric_limits<T>::min();  // 4 too small
      for (bool pivoted : {false, true}) {
        std::vector<T> q(m * columns * row), r(columns * n * row), memory(lane_qr_memory(m, n, columns));
        std::vector<std::int32_t> perm(n * row);
        const std::uint64_t others =
            k->qr(pivoted, m, n, columns, a.data(), q.data(), r.data(), perm.data(), memory.data());
        EXPECT_EQ(others, m > 1 ? std::uint64_t{1} << 4 : 0) << m << " " << n;
        for (std::size_t l = 0; l < row; ++l) {
          if (others >> l & 1) continue;
          const std::vector<T> own = lane_of(a, l), qs = lane_of(q, l), rs = lane_of(r, l);
          if (l == 3) {
            EXPECT_TRUE(std::all_of(qs.begin(), qs.end(), [](T x) { return std::isnan(x); }));
            EXPECT_TRUE(std::all_of(rs.begin(), rs.end(), [](T x) { return std::isnan(x); }));
            continue;
          }
          for (std::size_t i = 0; i < m; ++i) {
            for (std::size_t j = 0; j < n; ++j) {
              T sum = 0;
              for (std::size_t p = 0; p < columns; ++p) sum += qs[i * columns + p] * rs[p * n + j];
              const auto from = pivoted ? static_cast<std::size_t>(perm[j * row + l]) : j;
              EXPECT_NEAR(sum, own[i * n + from], tolerance) << m << " " << n << " lane " << l;
            }
          }
          for (std::size_t i = 0; i < columns; ++i) {
            for (std::size_t j = 0; j < columns; ++j) {
              T sum = 0;
              for (std::size_t p = 0; p < m; ++p) sum += qs[p * columns + i] * qs[p * columns + j];
              EXPECT_NEAR(sum, T(i == j), tolerance);
            }
            for (std::size_t j = 0; j < std::min(i, n); ++j) EXPECT_EQ(rs[i * n + j], T(0));
          }
          for (std::size_t i = 1; pivoted && i < most; ++i)
            EXPECT_LE(std::fabs(rs[i * n + i]), std::fabs(rs[(i - 1) * n + i - 1]) * (1 + tolerance));
        }
      }
    }
  }
}

TEST(LaneLogicTest, SomeLanesAndTranspositions) {
  for (const LaneLogic* k : logics()) {
    Numbers next(3);
    for (std::size_t item : {1, 4, 8}) {
      for (std::size_t elements : {1, 2, 7, 8, 9, 16, 21}) {
        std::vector<unsigned char> lanes(row * elements * item), rows(lanes.size()), back(lanes.size());
        for (auto& byte : lanes) byte = static_cast<unsigned char>(static_cast<int>(100 * next()));
        lanes_to_rows(lanes.data(), rows.data(), elements, item);
        rows_to_lanes(rows.data(), back.data(), elements, item);
        EXPECT_EQ(back, lanes) << elements << " of " << item;
        for (std::size_t l = 0; l < row; ++l) {
          for (std::size_t e = 0; e < elements; ++e)
            EXPECT_EQ(std::memcmp(&rows[(e * row + l) * item], &lanes[(l * elements + e) * item], item), 0);
        }
        for (std::uint64_t mask : {std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{0x8000000000000011},
                                   std::uint64_t{0xf0f00ff012345678}, ~std::uint64_t{0}}) {
          std::vector<unsigned char> to(rows.size(), 7);
          k->copy_lanes(mask, rows.data(), to.data(), elements, item);
          for (std::size_t at = 0; at < rows.size(); ++at)
            EXPECT_EQ(to[at], mask >> (at / item % row) & 1 ? rows[at] : 7) << at;
        }
      }
    }
    bool truths[row];
    std::uint64_t bits = 0x9234567890abcdef;
    for (std::size_t l = 0; l < row; ++l) truths[l] = bits >> l & 1;
    EXPECT_EQ(lanes_of(truths), bits);
  }
}

TYPED_TEST(LaneTest, FactorsDoNotDependOnWhatIsBesideALane) {
  using T = TypeParam;
  using Limits = std::numeric_limits<T>;
  const T strange[] = {Limits::quiet_NaN(),  Limits::infinity(), -Limits::infinity(), T(0),
                       Limits::denorm_min(), Limits::max(),      -Limits::max()};
  for (const LaneKernels<T>* k : tables<T>()) {
    for (std::size_t n : {1, 2, 5, 16}) {
      const std::size_t columns = 2, m = n + 3;
      std::vector<T> a = rows_of<T>(n * n, n), b = rows_of<T>(n * columns, n + 1), tall = rows_of<T>(m * n, n + 2);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t l = 0; l < row; ++l) a[(i * n + i) * row + l] += static_cast<T>(2 * n);
      const auto results = [&] {
        std::vector<T> lu(a.size()), l(a.size()), r(a.size()), q(tall.size()), memory(lane_qr_memory(m, n, n));
        std::vector<T> x(b.size()), y(b.size()), z(b.size()), u(b.size());
        std::vector<std::int32_t> perm(n * row), order(n * row);
        k->lu(n, a.data(), lu.data(), perm.data());
        k->lu_solve(false, n, columns, lu.data(), perm.data(), b.data(), x.data());
        k->lu_solve(true, n, columns, lu.data(), perm.data(), b.data(), y.data());
        k->cholesky(n, a.data(), l.data());
        k->cholesky_solve(n, columns, l.data(), b.data(), z.data());
        k->triangular_solve(true, false, false, n, columns, a.data(), b.data(), u.data());
        k->qr(true, m, n, n, tall.data(), q.data(), r.data(), order.data(), memory.data());
        const std::vector<T> pivots(perm.begin(), perm.end()), places(order.begin(), order.end());
        return std::vector<std::vector<T>>{lu, l, x, y, z, u, q, r, pivots, places};
      };
      const std::vector<std::vector<T>> alone = results();
      for (std::vector<T>* v : {&a, &b, &tall}) {
        for (std::size_t at = 1; at < v->size(); at += 2) (*v)[at] = strange[at / 2 % std::size(strange)];
      }
      const std::vector<std::vector<T>> beside = results();
      for (std::size_t which = 0; which < alone.size(); ++which) {
        for (std::size_t l = 0; l < row; l += 2)
          EXPECT_TRUE(same(lane_of(beside[which], l), lane_of(alone[which], l))) << n << ", result " << which;
      }
    }
  }
}

}  // namespace
}  // namespace dini::kernels
