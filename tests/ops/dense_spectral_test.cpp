// Orthogonal and spectral factorisations, condition and exponential of the dense kernels.

#include "dini/ops/kernels/dense.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/ops/dense_test.hpp"

namespace dini::kernels {
namespace dense_test {

template <class T> class DenseSpectralTest : public ::testing::Test {};
using DenseSpectralTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(DenseSpectralTest, DenseSpectralTypes);

// ---- orthogonal -----------------------------------------------------------------------------------------------------

template <class T> void expect_orthonormal_columns(const Matrix<T>& q) {
  EXPECT_LE(distance(transposed(q) * q, eye<T>(q.columns)), 4 * rounding<T>(q.rows)) << q.rows << ' ' << q.columns;
}

TYPED_TEST(DenseSpectralTest, Qr) {
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
        for (std::size_t i = 0; i + 1 < k; ++i) EXPECT_GE(std::abs(pr(i, i)) * T(1.0001), std::abs(pr(i + 1, i + 1)));
      }
    }
  }
}

TYPED_TEST(DenseSpectralTest, QrHasLapacksSigns) {
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

TYPED_TEST(DenseSpectralTest, QrOfExtremeScales) {
  using T = TypeParam;
  // The squares of these entries overflow or underflow. Q does not depend on the scale.
  const std::size_t m = 20, n = 18;
  const Matrix<T> a = random<T>(m, n, 3);
  Matrix<T> q(m, n), r(n, n), qs(m, n), rs(n, n);
  qr_factor(m, n, a.p(), q.p(), r.p());
  for (const int exponent : {std::numeric_limits<T>::max_exponent - 8, std::numeric_limits<T>::min_exponent + 40}) {
    Matrix<T> scaled = a;
    for (T& x : scaled.data) x = std::ldexp(x, exponent);
    qr_factor(m, n, scaled.p(), qs.p(), rs.p());
    for (T& x : rs.data) x = std::ldexp(x, -exponent);
    EXPECT_LE(distance(qs, q), 100 * rounding<T>(m)) << exponent;
    EXPECT_LE(distance(rs, r), 100 * rounding<T>(m)) << exponent;
  }
}

TYPED_TEST(DenseSpectralTest, QrWithNothingToAnnihilate) {
  using T = TypeParam;
  // Zero columns and columns that are triangular already have H = I: LAPACK's convention, which leaves their signs alone.
  Matrix<T> a(4, 3), q(4, 3), r(3, 3);
  a.data = {2, 0, 1, 0, 0, 5, 0, 0, 0, 0, 0, 0};
  qr_factor(4, 3, a.p(), q.p(), r.p());
  EXPECT_EQ(r.data, (std::vector<T>{2, 0, 1, 0, 0, 5, 0, 0, 0}));
  EXPECT_EQ(q.data, (std::vector<T>{1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}));
}

TYPED_TEST(DenseSpectralTest, LeastSquaresOfAnyRank) {
  using T = TypeParam;
  constexpr std::size_t shapes[][3] = {{1, 1, 1},   {5, 3, 3}, {5, 3, 2},    {3, 5, 3},    {3, 5, 2},
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
          for (std::size_t p = 0; p < rank; ++p) expected(i, j) += static_cast<long double>(vt(p, i)) * ub(p, j) / s[p];
      const double condition = rank > 0 ? static_cast<double>(s[0] / s[rank - 1]) : 1;
      EXPECT_LE(distance(x, expected), rounding<T>(m + n) * condition * (10 + 10 * largest(x))) << m << ' ' << n;
    }
  }
}

// ---- spectral -------------------------------------------------------------------------------------------------------

TYPED_TEST(DenseSpectralTest, Eigh) {
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

TYPED_TEST(DenseSpectralTest, Svd) {
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

TYPED_TEST(DenseSpectralTest, ConditionIgnoresScaling) {
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

TEST(DenseSpectralTest, ConditionOfGradedAndTriangularMatrices) {
  // MGH 10's kind: a sound matrix whose condition number of 1e16 comes from units alone; and one where the equilibration
  // by largest entries is not unique, since it has zeros.
  const double graded[] = {2e-8, 1e-4, 3e-12, 1e-4, 1, 1e-8, 3e-12, 1e-8, 4e-15};
  EXPECT_GT(condition_equilibrated(3, graded), 1e-3);
  const double triangular[] = {1, 1e9, 0, 1e-9};
  EXPECT_GT(condition_equilibrated(2, triangular), 0.1);
  const double nearly[] = {1, 1, 1, 1 + 1e-15};
  EXPECT_LT(condition_equilibrated(2, nearly), 1e-14);
}

TEST(DenseSpectralTest, ConditionOfHilbertMatrices) {
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

TYPED_TEST(DenseSpectralTest, ExponentialOfSymmetricMatrices) {
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

TYPED_TEST(DenseSpectralTest, ExponentialOfOthers) {
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

}  // namespace dense_test
}  // namespace dini::kernels
