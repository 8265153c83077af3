#pragma once

// Matrices, products in long double and the sizes that the tests of the dense kernels share. Every matrix is asymmetric
// where it may be.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace dini::kernels {
namespace dense_test {

inline constexpr std::size_t sizes[] = {0, 1, 2, 3, 5, 10, 16, 17, 33, 64, 100};

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

template <class T> struct Matrix {
  std::size_t rows = 0, columns = 0;
  std::vector<T> data;

  Matrix(std::size_t m, std::size_t n, T value = 0) : rows(m), columns(n), data(m * n, value) {}
  T& operator()(std::size_t i, std::size_t j) { return data[i * columns + j]; }
  const T& operator()(std::size_t i, std::size_t j) const { return data[i * columns + j]; }
  T* p() { return data.data(); }
  const T* p() const { return data.data(); }
};

template <class T> Matrix<T> random(std::size_t m, std::size_t n, std::uint64_t seed) {
  Matrix<T> a(m, n);
  Numbers next(seed + 1000 * m + n);
  for (T& x : a.data) x = static_cast<T>(next());
  return a;
}

template <class T> Matrix<T> eye(std::size_t n) {
  Matrix<T> a(n, n);
  for (std::size_t i = 0; i < n; ++i) a(i, i) = 1;
  return a;
}

template <class T> Matrix<T> transposed(const Matrix<T>& a) {
  Matrix<T> t(a.columns, a.rows);
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t j = 0; j < a.columns; ++j) t(j, i) = a(i, j);
  return t;
}

template <class T> Matrix<long double> operator*(const Matrix<T>& a, const Matrix<T>& b) {
  EXPECT_EQ(a.columns, b.rows);
  Matrix<long double> c(a.rows, b.columns);
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t p = 0; p < a.columns; ++p)
      for (std::size_t j = 0; j < b.columns; ++j) c(i, j) += static_cast<long double>(a(i, p)) * b(p, j);
  return c;
}

template <class T> Matrix<long double> wide(const Matrix<T>& a) {
  Matrix<long double> c(a.rows, a.columns);
  std::copy(a.data.begin(), a.data.end(), c.data.begin());
  return c;
}

template <class A, class B> double distance(const Matrix<A>& a, const Matrix<B>& b) {
  EXPECT_EQ(a.rows, b.rows);
  EXPECT_EQ(a.columns, b.columns);
  long double most = 0;
  for (std::size_t i = 0; i < a.data.size(); ++i) {
    const long double d = std::abs(static_cast<long double>(a.data[i]) - static_cast<long double>(b.data[i]));
    if (!(d <= most)) most = d;
  }
  return static_cast<double>(most);
}

template <class T> double largest(const Matrix<T>& a) { return distance(a, Matrix<T>(a.rows, a.columns)); }

// A sum of n products of numbers near 1.
template <class T> double rounding(std::size_t n) {
  return static_cast<double>(std::numeric_limits<T>::epsilon()) * static_cast<double>(n + 4);
}

// Diagonally heavy enough to be well conditioned, light enough for pivoting to exchange rows.
template <class T> Matrix<T> regular(std::size_t n, std::uint64_t seed) {
  Matrix<T> a = random<T>(n, n, seed);
  for (std::size_t i = 0; i < n; ++i) a(i, (i + n / 2) % n) += static_cast<T>(std::sqrt(static_cast<double>(n)) + 1);
  return a;
}

template <class T> Matrix<T> symmetric(std::size_t n, std::uint64_t seed, bool positive) {
  const Matrix<T> b = random<T>(n, n, seed);
  Matrix<T> a(n, n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = 0;
      for (std::size_t p = 0; p < n; ++p)
        sum += static_cast<double>(b(i, p)) * b(j, p) * (!positive && p % 3 == 1 ? -1 : 1);
      a(i, j) = a(j, i) = static_cast<T>(sum + (positive && i == j ? 1 : 0));
    }
  }
  return a;
}

// The upper triangle replaced by what must never be read.
template <class T> Matrix<T> lower_only(Matrix<T> a) {
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t j = i + 1; j < a.columns; ++j) a(i, j) = std::numeric_limits<T>::quiet_NaN();
  return a;
}

template <class T> Matrix<T> operands(bool stored_transposed, const Matrix<T>& a) {
  return stored_transposed ? transposed(a) : a;
}

}  // namespace dense_test
}  // namespace dini::kernels
