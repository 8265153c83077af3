// The kernels as they are on a processor of which the build knows nothing, by the compiler's vectors alone: the same bits as with
// SSE2's instructions.
#define DINI_VECTOR_ISA plain
#define DINI_VECTOR_LEVEL 0
#define DINI_VECTOR_PLAIN
#include "dini/ops/kernels/vector_impl.hpp"

#include <cstring>
#include <random>

#include "vector_test.hpp"

namespace dini::kernels::vector_test {
namespace {

template <class T> const VectorKernels<T>& plain_table() {
  if constexpr (sizeof(T) == 4)
    return plain::float_table();
  else
    return plain::double_table();
}

// Bit patterns across all exponents, uniform draws of three sizes, and numbers at which something happens, each with each.
template <class T> std::vector<T> operands(std::size_t n, std::uint64_t seed, bool left) {
  std::mt19937_64 random(seed);
  std::vector<T> out;
  const T special[] = {T(0), -T(0), inf<T>, -inf<T>, nan_of<T>, T(1), T(-1), T(0.5), T(1.5), T(-2.5), T(1e10)};
  for (T a : special)
    for (T b : special) out.push_back(left ? a : b);
  while (out.size() < n) {
    const auto kind = random() % 4;
    const double size = kind == 1 ? 1 : kind == 2 ? 20 : 800;
    out.push_back(kind == 0 ? std::bit_cast<T>(static_cast<Unsigned<T>>(random()))
                            : static_cast<T>(std::uniform_real_distribution<double>(-size, size)(random)));
  }
  return out;
}
template <class T> std::vector<T> fractions(std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<T> out(n);
  for (T& x : out) x = static_cast<T>(std::uniform_real_distribution<double>(-1, 1)(random));
  return out;
}

template <class T> void expect_same(const std::vector<T>& got, const std::vector<T>& wanted, const std::string& what) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    ASSERT_TRUE(same_bits(got[i], wanted[i])) << what << ", " << i << ": " << got[i] << ", not " << wanted[i];
}

template <class T> class VectorPlain : public ::testing::Test {
 protected:
  void SetUp() override {
#ifndef __SSE2__
    GTEST_SKIP() << "this processor fuses products and sums";
#endif
  }
};
using Reals = ::testing::Types<float, double>;
TYPED_TEST_SUITE(VectorPlain, Reals);

TYPED_TEST(VectorPlain, FunctionsOfOneElement) {
  using T = TypeParam;
  const VectorKernels<T>&plain = plain_table<T>(), &usual = *vector_kernels_for<T>("baseline");
  for (const std::size_t n : {std::size_t(1), std::size_t(2), std::size_t(3), std::size_t(20003)}) {
    const std::vector<T> a = operands<T>(n, n, true), b = operands<T>(n, n + 1, false);
    std::vector<T> y(a.size()), z(a.size());
    for (const UnaryCase& c : unary_cases) {
      c.get(plain)(a.data(), y.data(), n);
      c.get(usual)(a.data(), z.data(), n);
      expect_same(y, z, c.name);
    }
    for (const BinaryCase& c : binary_cases) {
      c.get(plain)(a.data(), b.data(), y.data(), n);
      c.get(usual)(a.data(), b.data(), z.data(), n);
      expect_same(y, z, c.name);
    }
    std::vector<unsigned char> truths(a.size());
    for (std::size_t i = 0; i < n; ++i) truths[i] = i % 3 == 0;
    const auto* c = reinterpret_cast<const bool*>(truths.data());
    plain.select(c, a.data(), b.data(), y.data(), n);
    usual.select(c, a.data(), b.data(), z.data(), n);
    expect_same(y, z, "select");
  }
}

TYPED_TEST(VectorPlain, SumsAndProducts) {
  using T = TypeParam;
  const VectorKernels<T>&plain = plain_table<T>(), &usual = *vector_kernels_for<T>("baseline");
  const std::vector<T> A = fractions<T>(20 * 20, 1), x = fractions<T>(3000, 2), start = fractions<T>(20 * 20, 3);
  for (std::size_t n = 0; n < 3000; n += 1 + n / 10) {
    const auto all = [&](const VectorKernels<T>& k) {
      const T* from = x.data() + 3000 - n;
      return std::vector<T>{k.sum(from, n), k.dot(from, x.data(), n), k.max(from, n), k.min(from, n)};
    };
    expect_same(all(plain), all(usual), "sums of " + std::to_string(n));
  }
  for (std::size_t m = 1; m < 20; ++m) {
    for (std::size_t n = 1; n < 20; ++n) {
      const auto all = [&](const VectorKernels<T>& k) {
        std::vector<T> Ax(m), Atx(n), y(start), outer(m * n);
        k.gemv(m, n, A.data(), x.data(), Ax.data());
        k.gemv_t(m, n, n + 1, A.data(), x.data(), Atx.data());
        k.axpy(n, T(0.3), x.data(), y.data());
        k.outer(m, n, A.data(), x.data(), outer.data());
        for (const std::vector<T>* part : {&Ax, &Atx, &outer}) y.insert(y.end(), part->begin(), part->end());
        return y;
      };
      expect_same(all(plain), all(usual), "products of " + std::to_string(m) + " x " + std::to_string(n));
    }
  }
}

}  // namespace
}  // namespace dini::kernels::vector_test
