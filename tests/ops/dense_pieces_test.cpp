// Products, factorisations and triangular solves that are done in pieces: what they compute, and that they end between pieces.
#include "dini/ops/kernels/dense_pieces.hpp"

#include <ctime>

#include "dense_test.hpp"
#include "dini/core/error.hpp"
#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/kernels/vector.hpp"
#include "tests/sample.hpp"

namespace dini::kernels {
namespace {

using namespace dense_test;
using Vector = std::vector<double>;

Vector times(const Matrix<double>& a, const Vector& x, bool transposed = false) {
  Vector y(transposed ? a.columns : a.rows);
  if (transposed)
    vector_kernels<double>().gemv_t(a.rows, a.columns, a.columns, a.p(), x.data(), y.data());
  else
    vector_kernels<double>().gemv(a.rows, a.columns, a.p(), x.data(), y.data());
  return y;
}
Vector numbers(std::size_t n) { return random<double>(n, 1, 7).data; }
void expect_close(const Vector& got, const Vector& wanted, double tolerance, const char* what) {
  double most = 0, size = 0;
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    most = std::max(most, std::abs(got[k] - wanted[k]));
    size = std::max(size, std::abs(wanted[k]));
  }
  EXPECT_LE(most, tolerance * size) << what;
}

TEST(DensePieces, AreMadeOfWhatTakesLong) {
  struct Case {
    std::size_t all;
    double work;
    std::size_t length;
  };
  const Case cases[] = {{100, 1e3, 100},  {100, 1e12, 64}, {40, 1e12, 40},
                        {1000, 6e4, 128}, {250, 6e4, 250}, {1000, 0, 1000}};
  for (const Case& c : cases) EXPECT_EQ(piece_length(c.all, c.work), c.length) << c.all << " of " << c.work;
}

// C x against A (B x), in each of the four layouts, with pieces that do not go up evenly.
TEST(DensePieces, Products) {
  const std::size_t m = 310, n = 450, k = 650;
  ASSERT_GE(multiplications(m, n, k), 2 * work_of_piece);
  const Vector x = numbers(n);
  for (const bool trans_a : {false, true}) {
    for (const bool trans_b : {false, true}) {
      const Matrix<double> a = trans_a ? random<double>(k, m, 1) : random<double>(m, k, 1);
      const Matrix<double> b = trans_b ? random<double>(n, k, 2) : random<double>(k, n, 2);
      Matrix<double> c(m, n, 1e300);
      gemm(trans_a, trans_b, m, n, k, a.p(), b.p(), c.p());
      expect_close(times(c, x), times(a, times(b, x, trans_b), trans_a), 1e-12,
                   trans_a ? "transposed on the left" : "straight on the left");
    }
  }
}

TEST(DensePieces, Lu) {
  const std::size_t n = 700;
  const Matrix<double> a = random<double>(n, n, 3);
  Matrix<double> lu(n, n);
  std::vector<std::int32_t> perm(n);
  ASSERT_EQ(lu_factor(n, a.p(), lu.p(), perm.data()), 0);
  const Vector x = numbers(n), b = times(a, x), bt = times(a, x, true);
  Vector got(n);
  lu_solve(false, n, 1, lu.p(), perm.data(), b.data(), got.data());
  expect_close(got, x, 1e-8, "A x = b");
  lu_solve(true, n, 1, lu.p(), perm.data(), bt.data(), got.data());
  expect_close(got, x, 1e-8, "Aᵀ x = b");
  for (std::size_t i = 0; i < n; ++i) {  // pivots were the largest of their columns
    for (std::size_t j = 0; j < i; ++j) ASSERT_LE(std::abs(lu(i, j)), 1.0);
  }
}

TEST(DensePieces, Cholesky) {
  const std::size_t n = 850;
  Matrix<double> a = random<double>(n, n, 4);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) a(j, i) = a(i, j);
    a(i, i) = 100 + static_cast<double>(i % 7);
  }
  Matrix<double> l(n, n, 1e300);
  ASSERT_EQ(cholesky_factor(n, a.p(), l.p()), 0);
  const Vector x = numbers(n);
  expect_close(times(l, times(l, x, true)), times(a, x), 1e-12, "L Lᵀ");
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) ASSERT_EQ(l(i, j), 0) << i << ", " << j;
  }
  a(500, 500) = -1;
  EXPECT_EQ(cholesky_factor(n, a.p(), l.p()), 501);
}

TEST(DensePieces, TriangularSolves) {
  const std::size_t n = 650, nrhs = 550;
  ASSERT_GE(multiplications(n, n, nrhs), 2 * work_of_piece);
  Matrix<double> a = random<double>(n, n, 5);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) a(i, j) = j > i ? 0 : j == i ? 60 : a(i, j);
  }
  const Matrix<double> b = random<double>(n, nrhs, 6);
  const Vector y = numbers(nrhs);
  for (const bool transposed : {false, true}) {
    Matrix<double> x(n, nrhs);
    triangular_solve(true, transposed, false, n, nrhs, a.p(), b.p(), x.p());
    expect_close(times(a, times(x, y), transposed), times(b, y), 1e-11, transposed ? "transposed" : "straight");
  }
}

// Each takes several times as long as the deadline gives.
TEST(DensePieces, EndBetweenPieces) {
  const std::size_t n = 2000;
  const Matrix<double> a = random<double>(n, n, 8);
  Matrix<double> diagonal(n, n), out(n, n);
  for (std::size_t i = 0; i < n; ++i) diagonal(i, i) = 1;
  std::vector<std::int32_t> perm(n);
  const double* p = a.p();
  const std::pair<const char*, std::function<void()>> cases[] = {
      {"product", [&] { gemm(false, true, n, n, n, p, p, out.p()); }},
      {"LU", [&] { lu_factor(n, p, out.p(), perm.data()); }},
      {"Cholesky", [&] { cholesky_factor(n, diagonal.p(), out.p()); }},
      {"triangular solve", [&] { triangular_solve(true, false, true, n, n, diagonal.p(), p, out.p()); }},
      {"QR",
       [&] {
         Matrix<double> r(n, n);
         qr_factor(n, n, p, out.p(), r.p(), false);
       }},
  };
  for (const auto& [what, run] : cases) {
    CancelScope scope(Deadline::in(0.01));
    EXPECT_THROW(run(), CancelledError) << what;
  }
}

// By this thread's own clock, whatever else the machine does.
TEST(DensePieces, EndSoonAfterTheDeadline) {
  const std::size_t n = 3000;  // a product takes most of a second, LU a quarter
  const Matrix<double> a = random<double>(n, n, 8);
  Matrix<double> out(n, n);
  std::vector<std::int32_t> perm(n);
  const auto seconds = [] {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  };
  for (bool lu : {false, true}) {
    const CancelScope scope(Deadline::in(0.01));
    const double begin = seconds();
    const auto run = [&] {
      if (lu)
        lu_factor(n, a.p(), out.p(), perm.data());
      else
        gemm(false, true, n, n, n, a.p(), a.p(), out.p());
    };
    EXPECT_THROW(run(), CancelledError);
    EXPECT_LT(seconds() - begin, tests::sanitized ? 10 : 0.15) << lu;
  }
}

}  // namespace
}  // namespace dini::kernels
