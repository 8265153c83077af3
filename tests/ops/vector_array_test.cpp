// What the vector kernels do with arrays, on every instruction set that this processor has: remainders, position and
// neighbours, outputs in the place of inputs, the order of sums, and products.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <utility>

#include "vector_test.hpp"

namespace dini::kernels::vector_test {
namespace {

template <class T> class VectorArrays : public testing::Test {};
using Dtypes = testing::Types<float, double>;
TYPED_TEST_SUITE(VectorArrays, Dtypes);

// ---- Tails, position, in place --------------------------------------------------------------------------------------

// Values that send some lanes and not others through the rare branches.
template <class T> std::vector<T> mixed_values(std::size_t n, unsigned seed) {
  const T odd[] = {0,      T(-0.0),   T(1e30), T(-1e30), inf<T>, nan_of<T>, std::numeric_limits<T>::denorm_min(),
                   T(1e7), T(0.9999), -1,      100};
  std::mt19937_64 random(seed);
  std::vector<T> x(n);
  for (T& v : x)
    v = random() % 4 == 0 ? odd[random() % std::size(odd)] : T(std::uniform_real_distribution<double>(-4, 4)(random));
  return x;
}

constexpr std::size_t guard = 24;

// f(n, y) writes n elements at y and nowhere else; they are returned.
template <class T, class F> std::vector<T> guarded(std::size_t n, T fill, F f) {
  std::vector<T> y(n + 2 * guard, fill);
  f(y.data() + guard);
  for (std::size_t i = 0; i < guard; ++i) {
    EXPECT_EQ(std::memcmp(&y[i], &fill, sizeof(T)), 0) << "before the array, n = " << n;
    EXPECT_EQ(std::memcmp(&y[guard + n + i], &fill, sizeof(T)), 0) << "behind the array, n = " << n;
  }
  return {y.begin() + guard, y.begin() + guard + n};
}

TYPED_TEST(VectorArrays, AnElementDependsOnItselfAlone) {
  using T = TypeParam;
  for (const std::string& isa : instruction_sets()) {
    const VectorKernels<T>& k = *vector_kernels_for<T>(isa.c_str());
    const std::vector<T> x = mixed_values<T>(64, 1), z = mixed_values<T>(64, 2);
    for (const UnaryCase& c : unary_cases) {
      std::vector<T> alone(64);
      for (std::size_t i = 0; i < 64; ++i) c.get(k)(&x[i], &alone[i], 1);
      for (std::size_t n = 0; n <= 40; ++n) {
        std::size_t from = (n * 7) % 24;
        auto y = guarded<T>(n, T(7), [&](T* p) { c.get(k)(x.data() + from, p, n); });
        auto in_place = guarded<T>(n, T(7), [&](T* p) {
          std::copy_n(x.data() + from, n, p);
          c.get(k)(p, p, n);
        });
        for (std::size_t i = 0; i < n; ++i) {
          ASSERT_TRUE(same_bits(y[i], alone[from + i])) << c.name << " " << isa << " n = " << n << " element " << i;
          ASSERT_TRUE(same_bits(in_place[i], y[i])) << c.name << " in place";
        }
      }
    }
    for (const BinaryCase& c : binary_cases) {
      std::vector<T> alone(64);
      for (std::size_t i = 0; i < 64; ++i) c.get(k)(&x[i], &z[i], &alone[i], 1);
      for (std::size_t n = 0; n <= 40; ++n) {
        std::size_t from = (n * 5) % 24;
        for (int place = 0; place < 3; ++place) {
          auto y = guarded<T>(n, T(7), [&](T* p) {
            const T *a = x.data() + from, *b = z.data() + from;
            if (place == 1) std::copy_n(a, n, p), a = p;
            if (place == 2) std::copy_n(b, n, p), b = p;
            c.get(k)(a, b, p, n);
          });
          for (std::size_t i = 0; i < n; ++i)
            ASSERT_TRUE(same_bits(y[i], alone[from + i])) << c.name << " " << isa << " n = " << n << " element " << i;
        }
      }
    }
  }
}

TYPED_TEST(VectorArrays, ComparisonsAndSelect) {
  using T = TypeParam;
  for (const std::string& isa : instruction_sets()) {
    const VectorKernels<T>& k = *vector_kernels_for<T>(isa.c_str());
    std::vector<T> a = mixed_values<T>(40, 3), b = mixed_values<T>(40, 4);
    for (std::size_t i = 0; i < 40; i += 3) b[i] = a[i];
    for (std::size_t n = 0; n <= 40; ++n) {
      // std::vector<bool> has no array inside.
      auto c = std::make_unique<bool[]>(n + 2);
      auto check = [&](CompareKernel<T> f, auto reference) {
        std::fill_n(c.get(), n + 2, true);
        f(a.data(), b.data(), c.get() + 1, n);
        EXPECT_TRUE(c[0] && c[n + 1]);
        for (std::size_t i = 0; i < n; ++i)
          EXPECT_EQ(c[i + 1], reference(a[i], b[i])) << isa << " " << a[i] << " " << b[i];
      };
      check(k.lt, std::less<>());
      check(k.le, std::less_equal<>());
      check(k.eq, std::equal_to<>());
      check(k.ne, std::not_equal_to<>());
      auto y = guarded<T>(n, T(7), [&](T* p) { k.select(c.get() + 1, a.data(), b.data(), p, n); });
      for (std::size_t i = 0; i < n; ++i) EXPECT_TRUE(same_bits(y[i], c[i + 1] ? a[i] : b[i]));
    }
  }
}

// ---- Reductions -----------------------------------------------------------------------------------------------------

template <class T> std::vector<T> uniform_values(std::size_t n, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> draw(-1, 1);
  std::vector<T> x(n);
  for (T& v : x) v = T(draw(random) * std::exp2(draw(random) * 10));
  return x;
}

// The order that vector.hpp states, as plainly as possible.
template <class T> T stated_sum(const std::vector<T>& x) {
  constexpr std::size_t lanes = 128 / sizeof(T);
  double total = 0;
  for (std::size_t block = 0; block < x.size(); block += reduction_block) {
    T lane[lanes] = {};
    for (std::size_t i = block; i < std::min(x.size(), block + reduction_block); ++i) lane[(i - block) % lanes] += x[i];
    for (std::size_t half = lanes / 2; half > 0; half /= 2)
      for (std::size_t l = 0; l < half; ++l) lane[l] += lane[l + half];
    total += lane[0];
  }
  return T(total);
}

TYPED_TEST(VectorArrays, SumsHaveTheStatedOrderEverywhere) {
  using T = TypeParam;
  for (std::size_t n :
       {0, 1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1000, 1023, 1024, 1025, 2048, 5000, 10007}) {
    const std::vector<T> x = uniform_values<T>(n, 5), z = uniform_values<T>(n, 6);
    std::vector<T> products(n), squares(n);
    for (std::size_t i = 0; i < n; ++i) products[i] = x[i] * z[i], squares[i] = x[i] * x[i];
    for (const std::string& isa : instruction_sets()) {
      const VectorKernels<T>& k = *vector_kernels_for<T>(isa.c_str());
      EXPECT_TRUE(same_bits(k.sum(x.data(), n), stated_sum(x))) << isa << " n = " << n;
      EXPECT_TRUE(same_bits(k.dot(x.data(), z.data(), n), stated_sum(products))) << isa << " n = " << n;
      EXPECT_TRUE(same_bits(k.sum_squares(x.data(), n), stated_sum(squares))) << isa << " n = " << n;
      if (n <= reduction_block) { EXPECT_TRUE(same_bits(k.block_sum(x.data(), n), stated_sum(x))); }
    }
  }
}

TYPED_TEST(VectorArrays, LargestAndSmallest) {
  using T = TypeParam;
  for (const std::string& isa : instruction_sets()) {
    const VectorKernels<T>& k = *vector_kernels_for<T>(isa.c_str());
    EXPECT_EQ(k.max(nullptr, 0), -inf<T>);
    EXPECT_EQ(k.min(nullptr, 0), inf<T>);
    for (std::size_t n = 1; n < 150; ++n) {
      std::vector<T> x = uniform_values<T>(n, unsigned(n));
      EXPECT_EQ(k.max(x.data(), n), *std::max_element(x.begin(), x.end()));
      EXPECT_EQ(k.min(x.data(), n), *std::min_element(x.begin(), x.end()));
      x[(n * 37) % n] = nan_of<T>;
      x[n / 2] = nan_of<T>;
      EXPECT_TRUE(std::isnan(k.max(x.data(), n)));
      EXPECT_TRUE(std::isnan(k.min(x.data(), n)));
    }
  }
}

// ---- Products -------------------------------------------------------------------------------------------------------

TYPED_TEST(VectorArrays, MatrixTimesVector) {
  using T = TypeParam;
  const T eps = std::numeric_limits<T>::epsilon();
  for (const std::string& isa : instruction_sets()) {
    const VectorKernels<T>& k = *vector_kernels_for<T>(isa.c_str());
    for (std::size_t m : {0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 13, 20, 33}) {
      for (std::size_t n : {0, 1, 2, 3, 5, 8, 10, 15, 16, 17, 33, 63, 64, 65, 128, 131, 200, 257}) {
        const std::vector<T> A = uniform_values<T>(m * n, 8), x = uniform_values<T>(n, 9), u = uniform_values<T>(m, 10);
        auto y = guarded<T>(m, T(7), [&](T* p) { k.gemv(m, n, A.data(), x.data(), p); });
        auto t = guarded<T>(n, T(7), [&](T* p) { k.gemv_t(m, n, n, A.data(), u.data(), p); });
        auto C = guarded<T>(m * n, T(7), [&](T* p) { k.outer(m, n, u.data(), x.data(), p); });
        for (std::size_t i = 0; i < m; ++i) {
          double exact = 0, size = 0;
          for (std::size_t j = 0; j < n; ++j)
            exact += double(A[i * n + j]) * x[j], size += std::abs(double(A[i * n + j]) * x[j]);
          ASSERT_LE(std::abs(y[i] - exact), 20 * eps * size) << isa << " " << m << " x " << n << " row " << i;
          for (std::size_t j = 0; j < n; ++j) ASSERT_EQ(C[i * n + j], u[i] * x[j]);
        }
        for (std::size_t j = 0; j < n; ++j) {
          double exact = 0, size = 0;
          for (std::size_t i = 0; i < m; ++i)
            exact += double(A[i * n + j]) * u[i], size += std::abs(double(A[i * n + j]) * u[i]);
          ASSERT_LE(std::abs(t[j] - exact), 20 * eps * size) << isa << " " << m << " x " << n << " column " << j;
        }
        // A row's or column's bits are its own.
        if (m == 20) {
          T one;
          for (std::size_t i = 0; i < m; ++i) {
            k.gemv(1, n, A.data() + i * n, x.data(), &one);
            ASSERT_TRUE(same_bits(one, y[i])) << isa << " row " << i << " alone";
          }
          std::vector<T> column(m);
          for (std::size_t j = 0; j < n; ++j) {
            for (std::size_t i = 0; i < m; ++i) column[i] = A[i * n + j];
            k.gemv_t(m, 1, 1, column.data(), u.data(), &one);
            ASSERT_TRUE(same_bits(one, t[j])) << isa << " column " << j << " alone";
          }
        }
      }
    }
    for (std::size_t n = 0; n <= 40; ++n) {
      const std::vector<T> x = uniform_values<T>(n, 11), start = uniform_values<T>(n, 12);
      auto y = guarded<T>(n, T(7), [&](T* p) {
        std::copy(start.begin(), start.end(), p);
        k.axpy(n, T(0.3), x.data(), p);
      });
      for (std::size_t i = 0; i < n; ++i) {
        T fused = std::fma(T(0.3), x[i], start[i]), plain = T(0.3) * x[i] + start[i];
        ASSERT_TRUE(y[i] == fused || y[i] == plain);
      }
      // The very bits.
      for (const T value : {T(0.1), T(-0.0), nan_of<T>, -nan_of<T>}) {
        y = guarded<T>(n, T(7), [&](T* p) { k.fill(n, value, p); });
        for (std::size_t i = 0; i < n; ++i) ASSERT_TRUE(same_bits(y[i], value)) << isa << " element " << i;
      }
    }
  }
}

TEST(Vector, TheChosenTableIsOneOfThem) {
  std::string isa = instruction_set();
  EXPECT_EQ(&vector_kernels<float>(), vector_kernels_for<float>(isa.c_str()));
  EXPECT_EQ(&vector_kernels<double>(), vector_kernels_for<double>(isa.c_str()));
  EXPECT_EQ(vector_kernels_for<double>("mmx"), nullptr);
  const char* wanted = std::getenv("DINI_ISA");
  if (wanted && vector_kernels_for<float>(wanted)) { EXPECT_EQ(isa, wanted); }
}

}  // namespace
}  // namespace dini::kernels::vector_test
