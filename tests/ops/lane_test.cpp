// The kernels on tiles, of every instruction set that this processor has: each lane's result is that of the lane alone.
#include "dini/ops/kernels/lane.hpp"

#include <gtest/gtest.h>

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
          EXPECT_EQ((other >> l & 1) != 0, !(std::isnan(squares) || (squares > 1e-20 && std::isfinite(squares))));
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

}  // namespace
}  // namespace dini::kernels
