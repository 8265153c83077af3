// Products, LU, symmetric factorisations and triangular solves by their residuals in long double; what is not finite;
// threads.

#include "dini/ops/kernels/dense.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include "dini/ops/kernels/dense_micro.hpp"
#include "dini/ops/kernels/vector.hpp"
#include "tests/ops/dense_test.hpp"

namespace dini::kernels {
namespace dense_test {

template <class T> class DenseTest : public ::testing::Test {};
using Reals = ::testing::Types<float, double>;
TYPED_TEST_SUITE(DenseTest, Reals);

// ---- products -------------------------------------------------------------------------------------------------------

TYPED_TEST(DenseTest, Products) {
  using T = TypeParam;
  constexpr std::size_t shapes[][3] = {{0, 3, 2},    {3, 0, 2},      {3, 2, 0},   {1, 1, 1},   {1, 7, 5},
                                       {7, 1, 5},    {2, 3, 1},      {3, 5, 4},   {10, 9, 11}, {8, 16, 24},
                                       {17, 13, 19}, {5, 33, 40},    {64, 10, 3}, {31, 65, 7}, {33, 64, 65},
                                       {64, 63, 66}, {100, 90, 110}, {3, 70, 600}};
  for (const auto& [m, n, k] : shapes) {
    const Matrix<T> a = random<T>(m, k, 1), b = random<T>(k, n, 2);
    const Matrix<long double> expected = a * b;
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) {
        Matrix<T> c(m, n, T(7));
        gemm(ta, tb, m, n, k, operands(ta, a).p(), operands(tb, b).p(), c.p());
        EXPECT_LE(distance(c, expected), rounding<T>(k)) << m << ' ' << n << ' ' << k << ' ' << ta << tb;
      }
      Matrix<T> c(m, n, T(7));
      gemm_lanes(ta, m, n, k, operands(ta, a).p(), b.p(), c.p());
      EXPECT_LE(distance(c, expected), rounding<T>(k)) << m << ' ' << n << ' ' << k << ' ' << ta;
    }
  }
}

template <class T> Matrix<T> column_range(const Matrix<T>& a, std::size_t first, std::size_t count) {
  Matrix<T> b(a.rows, count);
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t j = 0; j < count; ++j) b(i, j) = a(i, first + j);
  return b;
}

TYPED_TEST(DenseTest, LanesDoNotDependOnTheirNeighbours) {
  using T = TypeParam;
  constexpr std::size_t lanes = 71;
  for (const std::size_t n : {1, 3, 10, 17, 37, 300}) {
    const Matrix<T> a = regular<T>(n, 5), b = random<T>(n, lanes, 6);
    const Matrix<T> s = symmetric<T>(n, 7, true), indefinite = symmetric<T>(n, 8, false);
    Matrix<T> lu(n, n), l(n, n), ldlt(n, n);
    std::vector<std::int32_t> perm(n), pivots(n);
    lu_factor(n, a.p(), lu.p(), perm.data());
    cholesky_factor(n, s.p(), l.p());
    ldlt_factor(n, indefinite.p(), ldlt.p(), pivots.data());
    const auto all = [&](std::size_t count, const Matrix<T>& rhs) {
      std::vector<Matrix<T>> results(7, Matrix<T>(n, count));
      gemm_lanes(false, n, count, n, a.p(), rhs.p(), results[0].p());
      gemm_lanes(true, n, count, n, a.p(), rhs.p(), results[1].p());
      lu_solve(false, n, count, lu.p(), perm.data(), rhs.p(), results[2].p());
      lu_solve(true, n, count, lu.p(), perm.data(), rhs.p(), results[3].p());
      cholesky_solve(n, count, l.p(), rhs.p(), results[4].p());
      ldlt_solve(n, count, ldlt.p(), pivots.data(), rhs.p(), results[5].p());
      triangular_solve(false, true, false, n, count, s.p(), rhs.p(), results[6].p());
      return results;
    };
    const std::vector<Matrix<T>> whole = all(lanes, b);
    for (const std::size_t count : {1, 2, 3, 8, 9, 16, 30, 64}) {
      const std::size_t first = (lanes - count) / 2;
      const std::vector<Matrix<T>> part = all(count, column_range(b, first, count));
      for (std::size_t i = 0; i < whole.size(); ++i)
        EXPECT_EQ(part[i].data, column_range(whole[i], first, count).data)
            << "n " << n << ", lanes " << count << ", " << i;
    }
  }
}

// AVX2's kernels and AVX-512's take sums in the same order with the same fused operation: not a bit of difference. The
// generic ones round products first.
TYPED_TEST(DenseTest, InstructionSetsAgree) {
  using T = TypeParam;
  const DenseMicro<T>& generic = micro_generic::table<T>();
  std::vector<const DenseMicro<T>*> fused;
  for (const char* isa : {"avx2", "avx512"})
    if (const DenseMicro<T>* micro = dense_micro_for<T>(isa)) fused.push_back(micro);
  const auto run = [](const DenseMicro<T>& micro, std::ptrdiff_t n, std::ptrdiff_t columns) {
    const auto order = static_cast<std::size_t>(n), width = static_cast<std::size_t>(columns);
    const Matrix<T> a = regular<T>(order, 3), b = random<T>(order, width, 4);
    Matrix<T> c(order, width), x = b, upward = b, panel(panel_width, order + panel_width), square(order, panel_width);
    micro.multiply(Accumulate::set, n, columns, n, a.p(), n, 1, b.p(), columns, c.p(), columns);
    micro.multiply(Accumulate::add, n, columns, n, a.p(), 1, n, b.p(), columns, c.p(), columns);
    micro.multiply(Accumulate::subtract, n, columns, 1, a.p(), n, 1, b.p(), columns, c.p(), columns);
    micro.solve_lower(true, n, columns, a.p(), n, 1, x.p(), columns);
    const T* end = a.p() + order * order - 1;
    micro.solve_lower(false, n, columns, end, -1, -n, upward.p() + (order - 1) * width, -columns);
    std::vector<std::int32_t> pivot(panel_width);
    const std::ptrdiff_t most = std::min(n, panel_width);
    for (std::size_t i = 0; i < order; ++i)
      for (std::size_t j = 0; j < static_cast<std::size_t>(most); ++j) panel(j, i) = a(i, j);
    const int lu = micro.lu_panel(n, most, panel.p(), n + panel_width, pivot.data());
    for (std::size_t j = 0; j < panel.rows; ++j)  // what a vector wrote beyond the rows is nobody's
      std::fill_n(panel.p() + j * panel.columns + order, panel_width, T(0));
    Matrix<T> turned(width, order + 1);
    micro.transpose(n, columns, b.p(), columns, turned.p(), n + 1);
    for (std::size_t i = 0; i < order; ++i)
      for (std::size_t j = 0; j < width; ++j) EXPECT_EQ(turned(j, i), b(i, j)) << n << ", " << columns;
    const Matrix<T> s = symmetric<T>(static_cast<std::size_t>(most), 5, true);
    for (std::size_t i = 0; i < s.rows; ++i)
      for (std::size_t j = i; j < s.rows; ++j) square(i, j) = s(i, j);
    const int cholesky = micro.cholesky_panel(most, square.p());
    EXPECT_EQ(lu, 0);
    EXPECT_EQ(cholesky, 0);
    std::vector<T> bits = c.data;
    for (const Matrix<T>* m : {&x, &upward, &panel}) bits.insert(bits.end(), m->data.begin(), m->data.end());
    for (std::size_t i = 0; i < s.rows; ++i)
      for (std::size_t j = i; j < s.rows; ++j) bits.push_back(square(i, j));
    bits.insert(bits.end(), pivot.begin(), pivot.begin() + most);
    return bits;
  };
  for (const std::ptrdiff_t n : {1, 2, 3, 7, 8, 9, 16, 17, 40, 150}) {
    for (const std::ptrdiff_t columns : {1, 2, 7, 16, 33, 130}) {
      for (const DenseMicro<T>* micro : fused) EXPECT_EQ(run(*micro, n, columns), run(*fused.front(), n, columns)) << n;
    }
    if (n > 17 || fused.empty()) continue;
    const std::vector<T> fine = run(*fused.front(), n, 5), plain = run(generic, n, 5);
    ASSERT_EQ(fine.size(), plain.size());
    for (std::size_t i = 0; i < fine.size(); ++i)
      EXPECT_NEAR(fine[i], plain[i], 1e4 * rounding<T>(17) * (1 + std::abs(fine[i]))) << n << ' ' << i;
  }
}

TEST(DenseTest, IntegerProductsWrap) {
  constexpr std::int64_t top = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::int64_t> a{1, 2, 3, -4, 5, top}, b{7, 8, -9, 10, 11, 12};  // [2,3], [3,2]
  std::vector<std::int64_t> c(4);
  gemm(false, false, 2, 2, 3, a.data(), b.data(), c.data());
  EXPECT_EQ(c[0], 7 - 18 + 33);
  EXPECT_EQ(c[1], 8 + 20 + 36);
  EXPECT_EQ(c[2], -28 - 45 + (top - 10));  // 11 max = 5·2⁶⁴ + 2⁶³ − 11 ≡ max − 10
  const std::vector<std::int32_t> at{1, 4, 2, 5, 3, 6}, bt{7, 9, 11, 8, 10, 12};
  std::vector<std::int32_t> d(4);
  gemm(true, true, 2, 2, 3, at.data(), bt.data(), d.data());
  EXPECT_EQ(d, (std::vector<std::int32_t>{58, 64, 139, 154}));
}

// ---- LU -------------------------------------------------------------------------------------------------------------

TYPED_TEST(DenseTest, LuFactorsAndSolves) {
  using T = TypeParam;
  for (const std::size_t n : sizes) {
    for (const bool diagonal_heavy : {false, true}) {
      const Matrix<T> a = diagonal_heavy ? regular<T>(n, 3) : random<T>(n, n, 3);
      Matrix<T> lu(n, n);
      std::vector<std::int32_t> perm(n);
      ASSERT_EQ(lu_factor(n, a.p(), lu.p(), perm.data()), 0);
      Matrix<T> l(n, n), u(n, n), pa(n, n);
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          (j < i ? l : u)(i, j) = lu(i, j);
          pa(i, j) = a(static_cast<std::size_t>(perm[i]), j);
          if (j < i) { EXPECT_LE(std::abs(lu(i, j)), T(1)); }
        }
        l(i, i) = 1;
      }
      EXPECT_LE(distance(l * u, pa), rounding<T>(n) * (1 + largest(u))) << n;

      Matrix<T> in_place = a;
      std::vector<std::int32_t> perm2(n);
      lu_factor(n, in_place.p(), in_place.p(), perm2.data());
      EXPECT_EQ(in_place.data, lu.data);
      EXPECT_EQ(perm2, perm);

      for (const std::size_t nrhs : {0, 1, 2, 7, 19}) {
        const Matrix<T> b = random<T>(n, nrhs, 4);
        Matrix<T> x(n, nrhs);
        lu_solve(false, n, nrhs, lu.p(), perm.data(), b.p(), x.p());
        EXPECT_LE(distance(a * x, b), rounding<T>(n) * 20 * (1 + largest(x))) << n << ' ' << nrhs;
        lu_solve(true, n, nrhs, lu.p(), perm.data(), b.p(), x.p());
        EXPECT_LE(distance(transposed(a) * x, b), rounding<T>(n) * 20 * (1 + largest(x))) << n << ' ' << nrhs;
      }
      Matrix<T> inverse(n, n);
      lu_inverse(n, lu.p(), perm.data(), inverse.p());
      EXPECT_LE(distance(a * inverse, eye<T>(n)), rounding<T>(n) * 20 * (1 + largest(inverse))) << n;
    }
  }
}

TYPED_TEST(DenseTest, LuBeyondTheTablesSizes) {
  using T = TypeParam;
  for (const std::size_t n : {255, 300}) {
    const Matrix<T> a = random<T>(n, n, 13), b = random<T>(n, 3, 14);
    Matrix<T> lu(n, n), x(n, 3);
    std::vector<std::int32_t> perm(n);
    ASSERT_EQ(lu_factor(n, a.p(), lu.p(), perm.data()), 0);
    lu_solve(false, n, 3, lu.p(), perm.data(), b.p(), x.p());
    EXPECT_LE(distance(a * x, b), rounding<T>(n) * 20 * (1 + largest(x)));
  }
}

TYPED_TEST(DenseTest, LuOfSingularMatrices) {
  using T = TypeParam;
  for (const std::size_t n : sizes) {
    if (n == 0) continue;
    for (const std::size_t zero : {std::size_t{0}, n / 2, n - 1}) {
      // A zero column stays a column of zeros under elimination: its pivot is exactly 0.
      Matrix<T> a = regular<T>(n, 3);
      for (std::size_t i = 0; i < n; ++i) a(i, zero) = 0;
      Matrix<T> lu(n, n);
      std::vector<std::int32_t> perm(n);
      EXPECT_EQ(lu_factor(n, a.p(), lu.p(), perm.data()), static_cast<int>(zero + 1)) << n;
      EXPECT_EQ(lu_det(n, lu.p(), perm.data()), T(0));
      T sign = 7, log = 7;
      lu_slogdet(n, lu.p(), perm.data(), &sign, &log);
      EXPECT_EQ(sign, T(0));
      EXPECT_EQ(log, -std::numeric_limits<T>::infinity());
    }
  }
}

TYPED_TEST(DenseTest, Determinants) {
  using T = TypeParam;
  // A permutation with scaled rows: the determinant is known exactly.
  for (const std::size_t n : sizes) {
    Matrix<T> a(n, n);
    std::vector<std::int32_t> target(n);
    double expected = 1;
    for (std::size_t i = 0; i < n; ++i) {
      target[i] = static_cast<std::int32_t>(n - 1 - i);
      const double value = i % 3 == 0 ? -2 : i % 3 == 1 ? 0.5 : 1;
      a(i, n - 1 - i) = static_cast<T>(value);
      expected *= value;
    }
    expected *= (n * (n - (n > 0)) / 2) % 2 == 0 ? 1 : -1;  // the reversal's inversions
    Matrix<T> lu(n, n);
    std::vector<std::int32_t> perm(n);
    ASSERT_EQ(lu_factor(n, a.p(), lu.p(), perm.data()), 0);
    EXPECT_EQ(perm, target);
    EXPECT_EQ(lu_det(n, lu.p(), perm.data()), static_cast<T>(expected)) << n;
    T sign = 0, log = 7;
    lu_slogdet(n, lu.p(), perm.data(), &sign, &log);
    EXPECT_EQ(sign, static_cast<T>(expected < 0 ? -1 : 1));
    EXPECT_NEAR(log, std::log(std::abs(expected)), 1e-5);
  }
  EXPECT_EQ(permutation_sign(4, std::vector<std::int32_t>{1, 2, 0, 3}.data()), 1);
  EXPECT_EQ(permutation_sign(4, std::vector<std::int32_t>{1, 2, 3, 0}.data()), -1);
}

// ---- symmetric ------------------------------------------------------------------------------------------------------

TYPED_TEST(DenseTest, Cholesky) {
  using T = TypeParam;
  for (const std::size_t n : sizes) {
    const Matrix<T> a = symmetric<T>(n, 3, true);
    Matrix<T> l(n, n, T(7));
    ASSERT_EQ(cholesky_factor(n, lower_only(a).p(), l.p()), 0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = i + 1; j < n; ++j) EXPECT_EQ(l(i, j), T(0));
    EXPECT_LE(distance(l * transposed(l), a), rounding<T>(n) * (1 + largest(a))) << n;
    for (const std::size_t nrhs : {0, 1, 3, 19}) {
      const Matrix<T> b = random<T>(n, nrhs, 4);
      Matrix<T> x = b;
      cholesky_solve(n, nrhs, l.p(), x.p(), x.p());
      EXPECT_LE(distance(a * x, b), rounding<T>(n) * 20 * (1 + largest(x)) * (1 + largest(a))) << n;
    }
    for (const std::size_t bad : {std::size_t{0}, n / 2, n - 1}) {
      if (n == 0) continue;
      Matrix<T> broken = a;
      broken(bad, bad) = -1;
      EXPECT_EQ(cholesky_factor(n, broken.p(), l.p()), static_cast<int>(bad + 1)) << n;
      broken(bad, bad) = std::numeric_limits<T>::quiet_NaN();
      EXPECT_EQ(cholesky_factor(n, broken.p(), broken.p()), static_cast<int>(bad + 1)) << n;
    }
  }
}

TYPED_TEST(DenseTest, Ldlt) {
  using T = TypeParam;
  for (const std::size_t n : sizes) {
    // Indefinite by construction; and a saddle point with a block of zeros, which needs 2×2 pivots.
    Matrix<T> saddle = symmetric<T>(n, 5, true);
    for (std::size_t i = n - n / 3; i < n; ++i)
      for (std::size_t j = n - n / 3; j < n; ++j) saddle(i, j) = 0;
    for (const Matrix<T>& a : {symmetric<T>(n, 3, false), saddle}) {
      Matrix<T> f(n, n);
      std::vector<std::int32_t> pivots(n);
      ASSERT_EQ(ldlt_factor(n, lower_only(a).p(), f.p(), pivots.data()), 0);
      for (const std::size_t nrhs : {0, 1, 3, 19}) {
        const Matrix<T> b = random<T>(n, nrhs, 4);
        Matrix<T> x = b;
        ldlt_solve(n, nrhs, f.p(), pivots.data(), x.p(), x.p());
        EXPECT_LE(distance(a * x, b), rounding<T>(n) * 40 * (1 + largest(x)) * (1 + largest(a))) << n;
      }
      std::vector<T> w(n);
      eigh(n, a.p(), w.data(), static_cast<T*>(nullptr));
      const Inertia inertia = ldlt_inertia(n, f.p(), pivots.data());
      EXPECT_EQ(inertia.negative,
                static_cast<std::size_t>(std::count_if(w.begin(), w.end(), [](T x) { return x < 0; })));
      EXPECT_EQ(inertia.positive + inertia.negative, n);
    }
    if (n == 0) continue;
    Matrix<T> zeros(n, n), f(n, n);
    std::vector<std::int32_t> pivots(n);
    EXPECT_NE(ldlt_factor(n, zeros.p(), f.p(), pivots.data()), 0);
    EXPECT_EQ(ldlt_inertia(n, f.p(), pivots.data()).zero, n);
  }
}

TYPED_TEST(DenseTest, TriangularSolves) {
  using T = TypeParam;
  for (const std::size_t n : sizes) {
    for (const int variant : {0, 1, 2, 3, 4, 5, 6, 7}) {
      const bool lower = variant & 1, trans = variant & 2, unit = variant & 4;
      Matrix<T> a = random<T>(n, n, 3), full(n, n);
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          const bool inside = lower ? j < i : j > i;
          if (inside) full(i, j) = a(i, j) /= static_cast<T>(n);
          if (!inside && i != j) a(i, j) = std::numeric_limits<T>::quiet_NaN();
        }
        a(i, i) += T(2) + static_cast<T>(i % 2);
        full(i, i) = unit ? T(1) : a(i, i);
        if (unit) a(i, i) = std::numeric_limits<T>::quiet_NaN();
      }
      for (const std::size_t nrhs : {0, 1, 2, 9, 21}) {
        const Matrix<T> b = random<T>(n, nrhs, 4);
        Matrix<T> x(n, nrhs), in_place = b;
        triangular_solve(lower, trans, unit, n, nrhs, a.p(), b.p(), x.p());
        EXPECT_LE(distance(operands(trans, full) * x, b), rounding<T>(n) * 4) << n << ' ' << variant << ' ' << nrhs;
        triangular_solve(lower, trans, unit, n, nrhs, a.p(), in_place.p(), in_place.p());
        EXPECT_EQ(in_place.data, x.data);
      }
    }
  }
}

// ---- what must not hang or crash --------------------------------------------------------------------------------------

TYPED_TEST(DenseTest, InputThatIsNotFinite) {
  using T = TypeParam;
  for (const std::size_t n : sizes) {
    if (n == 0) continue;
    for (const T bad : {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity()}) {
      for (const std::size_t row : {std::size_t{0}, n / 2, n - 1}) {
        Matrix<T> a = symmetric<T>(n, 3, false);
        a(row, row / 2) = bad;
        const std::size_t m = n + 2;
        Matrix<T> tall = random<T>(m, n, 4);
        tall(row + 1, n / 2) = bad;
        Matrix<T> f(n, n), q(m, n), r(n, n), vt(n, n), b = random<T>(n, 3, 5), x(n, 3), y = random<T>(m, 2, 6), z(n, 2);
        std::vector<T> w(n);
        std::vector<std::int32_t> perm(n);
        const auto all_nan = [](const std::vector<T>& v) {
          return std::all_of(v.begin(), v.end(), [](T e) { return std::isnan(e); });
        };
        lu_factor(n, a.p(), f.p(), perm.data());
        std::vector<std::int32_t> sorted = perm;
        std::sort(sorted.begin(), sorted.end());
        for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(sorted[i], static_cast<std::int32_t>(i));
        lu_solve(false, n, 3, f.p(), perm.data(), b.p(), x.p());
        lu_solve(true, n, 3, f.p(), perm.data(), b.p(), x.p());
        cholesky_factor(n, a.p(), f.p());
        EXPECT_NE(ldlt_factor(n, a.p(), f.p(), perm.data()), 0);
        ldlt_solve(n, 3, f.p(), perm.data(), b.p(), x.p());
        EXPECT_TRUE(all_nan(x.data));
        EXPECT_NE(eigh(n, a.p(), w.data(), f.p()), 0);
        EXPECT_TRUE(all_nan(w) && all_nan(f.data));
        EXPECT_NE(svd(m, n, tall.p(), q.p(), w.data(), vt.p()), 0);
        EXPECT_TRUE(all_nan(w) && all_nan(q.data) && all_nan(vt.data));
        qr_factor(m, n, tall.p(), q.p(), r.p());
        EXPECT_TRUE(all_nan(q.data) && all_nan(r.data));
        EXPECT_EQ(qr_pivoted(m, n, tall.p(), q.p(), r.p(), perm.data()), -1);
        EXPECT_EQ(least_squares(m, n, 2, tall.p(), y.p(), z.p()), -1);
        EXPECT_TRUE(all_nan(z.data));
        EXPECT_EQ(expm(n, a.p(), f.p()), 1);
        EXPECT_TRUE(all_nan(f.data));
      }
    }
  }
}

TYPED_TEST(DenseTest, NanPivotIsReported) {
  using T = TypeParam;
  for (const std::size_t n : {1, 3, 10, 17, 40, 260}) {
    Matrix<T> a = eye<T>(n), f(n, n);
    a(0, 0) = std::numeric_limits<T>::quiet_NaN();
    std::vector<std::int32_t> perm(n);
    EXPECT_EQ(lu_factor(n, a.p(), f.p(), perm.data()), 1) << n;
  }
}

TYPED_TEST(DenseTest, ThreadsSeeTheSameBits) {
  using T = TypeParam;
  const std::size_t n = 100;
  const Matrix<T> a = random<T>(n, n, 3), s = symmetric<T>(n, 4, true);
  const auto work = [&] {
    std::vector<T> bits;
    Matrix<T> f(n, n), g(n, n), h(n, n);
    std::vector<T> w(n);
    std::vector<std::int32_t> perm(n);
    const auto keep = [&](const Matrix<T>& x) { bits.insert(bits.end(), x.data.begin(), x.data.end()); };
    for (int turn = 0; turn < 3; ++turn) {
      gemm(false, true, n, n, n, a.p(), s.p(), f.p());
      keep(f);
      lu_factor(n, a.p(), f.p(), perm.data());
      keep(f);
      cholesky_factor(n, s.p(), f.p());
      keep(f);
      svd(n, n, a.p(), f.p(), w.data(), g.p());
      keep(f);
      qr_factor(n, n, a.p(), f.p(), g.p());
      keep(g);
      expm(n, a.p(), h.p());
      keep(h);
    }
    return bits;
  };
  const std::vector<T> alone = work();
  std::vector<std::vector<T>> together(3);
  std::vector<std::thread> threads;
  for (auto& bits : together) threads.emplace_back([&] { bits = work(); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& bits : together) EXPECT_EQ(bits, alone);
}

}  // namespace dense_test
}  // namespace dini::kernels
