// Kernels that write whole registers: the bits of those that do not, and no register beyond the last.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "dini/ops/kernels/vector.hpp"

namespace dini::kernels {
namespace {

constexpr std::size_t register_bytes = 64;  // of the widest

// Where a result may stand: an array, room to the end of its last register, and what nobody may touch.
template <class T> struct Room {
  static constexpr std::size_t behind = register_bytes / sizeof(T);
  std::size_t length, end;
  std::vector<T> memory;
  T* data;
  explicit Room(std::size_t n) : length(n), end((n * sizeof(T) + register_bytes - 1) / register_bytes * behind) {
    memory.assign(end + 2 * behind, T(-7));
    data = memory.data();
    while (reinterpret_cast<std::uintptr_t>(data) % register_bytes) ++data;
  }
  bool keeps_to_itself() const {
    for (std::size_t k = end; k < end + behind; ++k) {
      if (data + k < memory.data() + memory.size() && data[k] != T(-7)) return false;
    }
    return true;
  }
};

template <class T> std::vector<T> numbers(std::size_t n, double step) {
  std::vector<T> out(n);
  for (std::size_t k = 0; k < n; ++k)
    out[k] = static_cast<T>(0.2 + std::abs(std::sin(step * static_cast<double>(k + 1))));
  return out;
}

template <class T> void same(const Room<T>& whole, const std::vector<T>& usual, const std::string& what) {
  EXPECT_EQ(std::memcmp(whole.data, usual.data(), usual.size() * sizeof(T)), 0) << what;
  EXPECT_TRUE(whole.keeps_to_itself()) << what;
}

template <class T> void compare(const char* isa) {
  const VectorKernels<T>* k = vector_kernels_for<T>(isa);
  if (!k) return;
  const WholeKernels<T>& w = k->whole;
  const UnaryKernel<T> unary[][2] = {{k->neg, w.neg},   {k->abs, w.abs}, {k->square, w.square},
                                     {k->sqrt, w.sqrt}, {k->exp, w.exp}, {k->log, w.log},
                                     {k->sin, w.sin},   {k->cos, w.cos}, {k->tanh, w.tanh}};
  const BinaryKernel<T> binary[][2] = {{k->add, w.add}, {k->sub, w.sub},         {k->mul, w.mul},
                                       {k->div, w.div}, {k->maximum, w.maximum}, {k->minimum, w.minimum}};
  for (std::size_t n = 1; n <= 40; ++n) {
    const std::string where = std::string(isa) + ", " + std::to_string(n);
    const std::vector<T> a = numbers<T>(n, 1.3), b = numbers<T>(n, 0.7);
    std::vector<T> usual(n);
    for (const auto& [one, other] : unary) {
      Room<T> room(n);
      one(a.data(), usual.data(), n);
      other(a.data(), room.data, n);
      same(room, usual, where);
    }
    for (const auto& [one, other] : binary) {
      Room<T> room(n);
      one(a.data(), b.data(), usual.data(), n);
      other(a.data(), b.data(), room.data, n);
      same(room, usual, where);
    }
    for (std::size_t m : {1, 3, 4, 7, 8, 9, 10, 15, 16, 17, 30, 100}) {
      const std::vector<T> matrix = numbers<T>(m * n, 0.9), x = numbers<T>(n, 1.1), y = numbers<T>(m, 0.3);
      std::vector<T> product(m);
      Room<T> rows(m), columns(n);
      k->gemv(m, n, matrix.data(), x.data(), product.data());
      w.gemv(m, n, matrix.data(), x.data(), rows.data);
      same(rows, product, where + " columns, " + std::to_string(m) + " rows");
      k->gemv_t(m, n, n, matrix.data(), y.data(), usual.data());
      w.gemv_t(m, n, matrix.data(), y.data(), columns.data);
      same(columns, usual, where + " columns, " + std::to_string(m) + " rows, transposed");
    }
  }
}

TEST(WholeKernels, HaveTheBitsOfTheOthersAndStayInTheirLastRegister) {
  for (const char* isa : {"baseline", "avx2", "avx512"}) {
    compare<float>(isa);
    compare<double>(isa);
  }
}

}  // namespace
}  // namespace dini::kernels
