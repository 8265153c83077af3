// The dense kernels against products in long double. Every matrix is asymmetric where it may be, and lengths differ.

#include "dini/ops/kernels/dense.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace dini::kernels {
namespace dense_test {

constexpr std::size_t sizes[] = {0, 1, 2, 3, 5, 10, 16, 17, 33, 64, 100};

// Multiplicative congruential numbers in [-1, 1): the same everywhere.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(2 * seed + 1) {}
  double operator()() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state_ >> 11) / 4503599627370496.0 - 1;
  }

 private:
  std::uint64_t state_;
};

template <class T>
struct Matrix {
  std::size_t rows = 0, columns = 0;
  std::vector<T> data;

  Matrix(std::size_t m, std::size_t n, T value = 0) : rows(m), columns(n), data(m * n, value) {}
  T& operator()(std::size_t i, std::size_t j) { return data[i * columns + j]; }
  const T& operator()(std::size_t i, std::size_t j) const { return data[i * columns + j]; }
  T* p() { return data.data(); }
  const T* p() const { return data.data(); }
};

template <class T>
Matrix<T> random(std::size_t m, std::size_t n, std::uint64_t seed) {
  Matrix<T> a(m, n);
  Numbers next(seed + 1000 * m + n);
  for (T& x : a.data) x = static_cast<T>(next());
  return a;
}

template <class T>
Matrix<T> eye(std::size_t n) {
  Matrix<T> a(n, n);
  for (std::size_t i = 0; i < n; ++i) a(i, i) = 1;
  return a;
}

template <class T>
Matrix<T> transposed(const Matrix<T>& a) {
  Matrix<T> t(a.columns, a.rows);
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t j = 0; j < a.columns; ++j) t(j, i) = a(i, j);
  return t;
}

template <class T>
Matrix<long double> operator*(const Matrix<T>& a, const Matrix<T>& b) {
  EXPECT_EQ(a.columns, b.rows);
  Matrix<long double> c(a.rows, b.columns);
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t p = 0; p < a.columns; ++p)
      for (std::size_t j = 0; j < b.columns; ++j) c(i, j) += static_cast<long double>(a(i, p)) * b(p, j);
  return c;
}

template <class T>
Matrix<long double> wide(const Matrix<T>& a) {
  Matrix<long double> c(a.rows, a.columns);
  std::copy(a.data.begin(), a.data.end(), c.data.begin());
  return c;
}

template <class A, class B>
double distance(const Matrix<A>& a, const Matrix<B>& b) {
  EXPECT_EQ(a.rows, b.rows);
  EXPECT_EQ(a.columns, b.columns);
  long double most = 0;
  for (std::size_t i = 0; i < a.data.size(); ++i) {
    const long double d = std::abs(static_cast<long double>(a.data[i]) - static_cast<long double>(b.data[i]));
    if (!(d <= most)) most = d;
  }
  return static_cast<double>(most);
}

template <class T>
double largest(const Matrix<T>& a) {
  return distance(a, Matrix<T>(a.rows, a.columns));
}

// A sum of n products of numbers near 1.
template <class T>
double rounding(std::size_t n) {
  return static_cast<double>(std::numeric_limits<T>::epsilon()) * static_cast<double>(n + 4);
}

// Diagonally heavy enough to be well conditioned, light enough for pivoting to exchange rows.
template <class T>
Matrix<T> regular(std::size_t n, std::uint64_t seed) {
  Matrix<T> a = random<T>(n, n, seed);
  for (std::size_t i = 0; i < n; ++i) a(i, (i + n / 2) % n) += static_cast<T>(std::sqrt(static_cast<double>(n)) + 1);
  return a;
}

template <class T>
Matrix<T> symmetric(std::size_t n, std::uint64_t seed, bool positive) {
  const Matrix<T> b = random<T>(n, n, seed);
  Matrix<T> a(n, n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = 0;
      for (std::size_t p = 0; p < n; ++p) sum += static_cast<double>(b(i, p)) * b(j, p) * (!positive && p % 3 == 1 ? -1 : 1);
      a(i, j) = a(j, i) = static_cast<T>(sum + (positive && i == j ? 1 : 0));
    }
  }
  return a;
}

// The upper triangle replaced by what must never be read.
template <class T>
Matrix<T> lower_only(Matrix<T> a) {
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t j = i + 1; j < a.columns; ++j) a(i, j) = std::numeric_limits<T>::quiet_NaN();
  return a;
}

template <class T>
Matrix<T> operands(bool stored_transposed, const Matrix<T>& a) {
  return stored_transposed ? transposed(a) : a;
}

template <class T>
class DenseTest : public ::testing::Test {};
using Reals = ::testing::Types<float, double>;
TYPED_TEST_SUITE(DenseTest, Reals);

// ---- products -------------------------------------------------------------------------------------------------------

TYPED_TEST(DenseTest, Products) {
  using T = TypeParam;
  constexpr std::size_t shapes[][3] = {{0, 3, 2},  {3, 0, 2},   {3, 2, 0},   {1, 1, 1},    {1, 7, 5},    {7, 1, 5},
                                       {2, 3, 1},  {3, 5, 4},   {10, 9, 11}, {8, 16, 24},  {17, 13, 19}, {5, 33, 40},
                                       {64, 10, 3}, {31, 65, 7}, {33, 64, 65}, {64, 63, 66}, {100, 90, 110}, {3, 70, 600}};
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

template <class T>
Matrix<T> column_range(const Matrix<T>& a, std::size_t first, std::size_t count) {
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
        EXPECT_EQ(part[i].data, column_range(whole[i], first, count).data) << "n " << n << ", lanes " << count << ", " << i;
    }
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
          if (j < i) {
            EXPECT_LE(std::abs(lu(i, j)), T(1));
          }
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
      EXPECT_EQ(inertia.negative, static_cast<std::size_t>(std::count_if(w.begin(), w.end(), [](T x) { return x < 0; })));
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

// ---- orthogonal -----------------------------------------------------------------------------------------------------

template <class T>
void expect_orthonormal_columns(const Matrix<T>& q) {
  EXPECT_LE(distance(transposed(q) * q, eye<T>(q.columns)), 4 * rounding<T>(q.rows)) << q.rows << ' ' << q.columns;
}

TYPED_TEST(DenseTest, Qr) {
  using T = TypeParam;
  for (const std::size_t m : sizes) {
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{4}, m, m + 3, 2 * m / 3}) {
      const Matrix<T> a = random<T>(m, n, 3);
      const std::size_t k = std::min(m, n);
      for (const bool full : {false, true}) {
        const std::size_t width = full ? m : k;
        Matrix<T> q(m, width, T(7)), r(width, n, T(7));
        qr_factor(m, n, a.p(), q.p(), r.p(), full);
        expect_orthonormal_columns(q);
        EXPECT_LE(distance(q * r, a), 4 * rounding<T>(m)) << m << ' ' << n;
        for (std::size_t i = 0; i < width; ++i)
          for (std::size_t j = 0; j < std::min(i, n); ++j) EXPECT_EQ(r(i, j), T(0));

        Matrix<T> pq(m, width, T(7)), pr(width, n, T(7)), permuted(m, n);
        std::vector<std::int32_t> perm(n);
        EXPECT_EQ(qr_pivoted(m, n, a.p(), pq.p(), pr.p(), perm.data(), -1, full), static_cast<int>(k));
        for (std::size_t i = 0; i < m; ++i)
          for (std::size_t j = 0; j < n; ++j) permuted(i, j) = a(i, static_cast<std::size_t>(perm[j]));
        expect_orthonormal_columns(pq);
        EXPECT_LE(distance(pq * pr, permuted), 4 * rounding<T>(m)) << m << ' ' << n;
        for (std::size_t i = 0; i + 1 < k; ++i)
          EXPECT_GE(std::abs(pr(i, i)) * T(1.0001), std::abs(pr(i + 1, i + 1)));
      }
    }
  }
}

TYPED_TEST(DenseTest, QrHasLapacksSigns) {
  using T = TypeParam;
  // LAPACK makes r_ii the opposite sign of the entry it reflects: r = [[-5, -2.2], [0, -√25.16]], q[0, 0] = -0.6.
  const Matrix<T> a = [] {
    Matrix<T> x(3, 2);
    x.data = {3, 1, 4, 2, 0, 5};
    return x;
  }();
  Matrix<T> q(3, 2), r(2, 2);
  qr_factor(3, 2, a.p(), q.p(), r.p());
  EXPECT_NEAR(r(0, 0), -5, 1e-5);
  EXPECT_NEAR(r(0, 1), -2.2, 1e-5);
  EXPECT_NEAR(r(1, 1), -5.0159745, 1e-5);
  EXPECT_NEAR(q(0, 0), -0.6, 1e-6);
  // A 1×1 matrix and the last row of a square one have no reflection: the sign stays.
  const T one[] = {3};
  qr_factor(1, 1, one, q.p(), r.p());
  EXPECT_EQ(q(0, 0), T(1));
  EXPECT_EQ(r(0, 0), T(3));
}

TYPED_TEST(DenseTest, LeastSquaresOfAnyRank) {
  using T = TypeParam;
  constexpr std::size_t shapes[][3] = {{1, 1, 1},  {5, 3, 3}, {5, 3, 2},   {3, 5, 3},   {3, 5, 2},
                                       {17, 10, 7}, {6, 6, 4}, {40, 33, 20}, {33, 64, 33}, {4, 4, 0}};
  for (const auto& [m, n, rank] : shapes) {
    for (const std::size_t nrhs : {0, 1, 4}) {
      Matrix<T> a(m, n);
      if (rank > 0) gemm(false, false, m, n, rank, random<T>(m, rank, 1).p(), random<T>(rank, n, 2).p(), a.p());
      const Matrix<T> b = random<T>(m, nrhs, 3);
      Matrix<T> x(n, nrhs, T(7));
      const double tolerance = 100 * rounding<T>(n);
      ASSERT_EQ(least_squares(m, n, nrhs, a.p(), b.p(), x.p(), tolerance), static_cast<int>(rank)) << m << ' ' << n;
      // The residual is orthogonal to A's columns, and X to A's null space: X = A⁺A X, with A⁺ from the SVD.
      const std::size_t k = std::min(m, n);
      Matrix<T> u(m, k), vt(k, n);
      std::vector<T> s(k);
      ASSERT_EQ(svd(m, n, a.p(), u.p(), s.data(), vt.p()), 0);
      Matrix<long double> expected(n, nrhs);
      const Matrix<long double> ub = transposed(u) * b;
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < nrhs; ++j)
          for (std::size_t p = 0; p < rank; ++p)
            expected(i, j) += static_cast<long double>(vt(p, i)) * ub(p, j) / s[p];
      const double condition = rank > 0 ? static_cast<double>(s[0] / s[rank - 1]) : 1;
      EXPECT_LE(distance(x, expected), rounding<T>(m + n) * condition * (10 + 10 * largest(x))) << m << ' ' << n;
    }
  }
}

// ---- spectral -------------------------------------------------------------------------------------------------------

TYPED_TEST(DenseTest, Eigh) {
  using T = TypeParam;
  for (const std::size_t n : sizes) {
    const Matrix<T> a = symmetric<T>(n, 3, false);
    Matrix<T> v(n, n);
    std::vector<T> w(n), only_w(n);
    ASSERT_EQ(eigh(n, lower_only(a).p(), w.data(), v.p()), 0);
    ASSERT_EQ(eigh(n, lower_only(a).p(), only_w.data(), static_cast<T*>(nullptr)), 0);
    EXPECT_TRUE(std::is_sorted(w.begin(), w.end()));
    expect_orthonormal_columns(v);
    Matrix<T> vw = v;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) vw(i, j) *= w[j];
    EXPECT_LE(distance(a * v, vw), 4 * rounding<T>(n) * (1 + largest(a))) << n;
    for (std::size_t i = 0; i < n; ++i) EXPECT_NEAR(only_w[i], w[i], 4 * rounding<T>(n) * (1 + largest(a)));
  }
}

TYPED_TEST(DenseTest, Svd) {
  using T = TypeParam;
  for (const std::size_t m : sizes) {
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{4}, m, m + 3, 2 * m / 3}) {
      const Matrix<T> a = random<T>(m, n, 3);
      const std::size_t k = std::min(m, n);
      for (const bool full : {false, true}) {
        Matrix<T> u(m, full ? m : k, T(7)), vt(full ? n : k, n, T(7));
        std::vector<T> s(k), only_s(k);
        ASSERT_EQ(svd(m, n, a.p(), u.p(), s.data(), vt.p(), full), 0);
        ASSERT_EQ(svd(m, n, a.p(), static_cast<T*>(nullptr), only_s.data(), static_cast<T*>(nullptr), full), 0);
        EXPECT_TRUE(std::is_sorted(s.rbegin(), s.rend()));
        expect_orthonormal_columns(u);
        expect_orthonormal_columns(transposed(vt));
        Matrix<long double> product(m, n);
        for (std::size_t i = 0; i < m; ++i)
          for (std::size_t p = 0; p < k; ++p)
            for (std::size_t j = 0; j < n; ++j) product(i, j) += static_cast<long double>(u(i, p)) * s[p] * vt(p, j);
        EXPECT_LE(distance(product, a), 8 * rounding<T>(m + n)) << m << ' ' << n;
        for (std::size_t i = 0; i < k; ++i) EXPECT_NEAR(only_s[i], s[i], 8 * rounding<T>(m + n));
      }
    }
  }
}

// ---- condition ------------------------------------------------------------------------------------------------------

TYPED_TEST(DenseTest, ConditionIgnoresScaling) {
  using T = TypeParam;
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  for (const std::size_t n : sizes) {
    if (n == 0) continue;
    const Matrix<T> a = regular<T>(n, 3);
    const double sound = condition_equilibrated(n, a.p());
    EXPECT_GT(sound, 1e-4) << n;
    Matrix<T> scaled = a;
    Numbers next(n);
    std::vector<int> rows(n), columns(n);
    const double range = sizeof(T) == 4 ? 18 : 200;
    for (std::size_t i = 0; i < n; ++i) {
      rows[i] = static_cast<int>(range * next());
      columns[i] = static_cast<int>(range * next());
    }
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) scaled(i, j) = std::ldexp(scaled(i, j), rows[i] + columns[j]);
    const double found = condition_equilibrated(n, scaled.p());
    EXPECT_GT(found, sound / 8) << n;
    EXPECT_LT(found, sound * 8) << n;

    Matrix<T> singular = a;  // exactly singular in exact arithmetic, not in floating point
    if (n > 1) {
      for (std::size_t j = 0; j < n; ++j) singular(n - 1, j) = singular(0, j) * T(3);
      EXPECT_LT(condition_equilibrated(n, singular.p()), static_cast<double>(n) * eps) << n;
    }
    for (std::size_t j = 0; j < n; ++j) singular(n / 2, j) = 0;
    EXPECT_EQ(condition_equilibrated(n, singular.p()), 0.0);
    for (const T bad : {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity()}) {
      singular(n - 1, 0) = bad;
      EXPECT_TRUE(std::isnan(condition_equilibrated(n, singular.p())));
    }
  }
  EXPECT_EQ(condition_equilibrated(0, static_cast<const T*>(nullptr)), 1.0);
}

TEST(DenseTest, ConditionOfHilbertMatrices) {
  // ‖H‖₁ ‖H⁻¹‖₁ grows like e^(3.5 n), and no scaling of a Hilbert matrix helps much.
  double last = 1;
  for (const std::size_t n : {2, 4, 6, 8, 10}) {
    Matrix<double> h(n, n);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) h(i, j) = 1.0 / static_cast<double>(i + j + 1);
    const double rcond = condition_equilibrated(n, h.p());
    EXPECT_LT(rcond, last / 10);
    EXPECT_GT(rcond, std::exp(-3.6 * static_cast<double>(n)));
    last = rcond;
  }
}

// ---- exponential ----------------------------------------------------------------------------------------------------

TYPED_TEST(DenseTest, ExponentialOfSymmetricMatrices) {
  using T = TypeParam;
  for (const std::size_t n : sizes) {
    for (const double norm : {1e-3, 0.1, 0.6, 1.5, 4.0, 20.0}) {
      Matrix<double> a = symmetric<double>(n, 3, false);
      const double size = std::max(largest(a), 1e-300) * std::max<double>(1, static_cast<double>(n));
      for (double& x : a.data) x *= norm / size;
      Matrix<double> v(n, n);
      std::vector<double> w(n);
      eigh(n, a.p(), w.data(), v.p());
      Matrix<double> expected(n, n);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
          for (std::size_t p = 0; p < n; ++p) expected(i, j) += v(i, p) * std::exp(w[p]) * v(j, p);
      Matrix<T> input(n, n), e(n, n);
      std::transform(a.data.begin(), a.data.end(), input.data.begin(), [](double x) { return static_cast<T>(x); });
      ASSERT_EQ(expm(n, input.p(), e.p()), 0);
      EXPECT_LE(distance(e, expected), 10 * rounding<T>(n) * (1 + norm) * (1 + largest(expected))) << n << ' ' << norm;
    }
  }
}

TYPED_TEST(DenseTest, ExponentialOfOthers) {
  using T = TypeParam;
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  // Nilpotent: the series ends. A rotation. A triangular matrix with a huge off-diagonal entry, where squaring as often
  // as ‖A‖ asks for would cost every digit (Al-Mohy & Higham 2009, section 1).
  const T nilpotent[] = {0, 2, 3, 0, 0, 4, 0, 0, 0};
  T e[9];
  ASSERT_EQ(expm(3, nilpotent, e), 0);
  const double expected[] = {1, 2, 7, 0, 1, 4, 0, 0, 1};
  for (int i = 0; i < 9; ++i) EXPECT_NEAR(e[i], expected[i], 20 * eps);
  const T rotation[] = {0, T(-3), T(3), 0};
  ASSERT_EQ(expm(2, rotation, e), 0);
  EXPECT_NEAR(e[0], std::cos(3.0), 10 * eps);
  EXPECT_NEAR(e[1], -std::sin(3.0), 10 * eps);
  EXPECT_NEAR(e[2], std::sin(3.0), 10 * eps);
  const T large[] = {1, T(1e6), 0, -1};
  ASSERT_EQ(expm(2, large, e), 0);
  EXPECT_NEAR(e[0] / std::exp(1.0), 1, 20 * eps);
  EXPECT_NEAR(e[1] / (1e6 * std::sinh(1.0)), 1, 20 * eps);
  EXPECT_NEAR(e[3] * std::exp(1.0), 1, 20 * eps);
  const T zero[] = {0, 0, 0, 0};
  ASSERT_EQ(expm(2, zero, e), 0);
  EXPECT_EQ(std::vector<T>(e, e + 4), (std::vector<T>{1, 0, 0, 1}));
  const T overflow[] = {T(1e30), T(1), T(2), T(1e30)};
  EXPECT_EQ(expm(2, overflow, e), 0);  // returns; what it returns is not finite
  EXPECT_FALSE(std::isfinite(e[0]));
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
