// Kernels on tiles: the values of 64 lanes side by side. A value of e elements is e rows of 64 numbers.
//
// A lane's result depends on that lane alone, never on what is beside it, and nothing traps or loops on what a lane holds: lanes that
// nobody waits for may hold anything.
#pragma once

#include <cstddef>
#include <cstdint>

#include "vector.hpp"

namespace dini::kernels {

inline constexpr std::size_t tile_lanes = 64;

/// The tile that is being computed: where its slots are, and which lanes somebody waits for.
struct LaneRun {
  void** v = nullptr;
  std::uint64_t live = 0;
  std::size_t width = tile_lanes;  // so many may ever be live, in whole registers: the last tile may have few
  const void* context = nullptr;   // the executor's
};

/// A step of a tile's plan: what it does, and its slots. It is here, and not with the executor, so that the shortest steps are kernels
/// themselves.
struct LaneStep {
  void (*run)(const LaneStep& self, LaneRun& run) = nullptr;  // null: there is none
  void (*function)() = nullptr;                               // a kernel, whose type `run` knows
  std::uint32_t in[4] = {}, out[2] = {};                      // slots
  std::uint32_t n = 0, m = 0;
  const void* data = nullptr;  // what does not fit here
  const char* name = "";
};
static_assert(sizeof(LaneStep) <= 64);  // a line of the cache

/// On n elements of each operand, n a multiple of 64; the output may be an operand. As a step it takes n and the slots from there.
struct TileFunction {
  void (*run)(const void* const* in, void* out, std::size_t n) = nullptr;
  void (*step)(const LaneStep& self, LaneRun& run) = nullptr;
  void operator()(const void* const* in, void* out, std::size_t n) const { run(in, out, n); }
  explicit operator bool() const { return run != nullptr; }
};
/// Of two operands, which both are rows, or one of which is a number for each row that all lanes share.
struct TileBinary {
  TileFunction lanes, left_shared, right_shared;
};
/// y = c ? a : b, c truth values, by whether a is such numbers, and whether b is.
struct TileChoice {
  TileFunction by_shared[2][2];
};

template <class T> struct LaneKernels {
  /// y = Σ a b over n rows of each, so many numbers apart: a chain of fused multiply-adds (a multiply and an add where the machine has
  /// no fused one) in their order.
  void (*product)(std::size_t n, const T* a, std::size_t a_step, const T* b, std::size_t b_step, T* y);
  /// y = a + ... of n >= 1 rows so many numbers apart, in their order.
  void (*chain)(std::size_t n, const T* a, std::size_t step, T* y);
  /// Σ a and Σ a b of 1 to reduction_block rows one after the other, as sum and dot of each lane's elements, to the bit.
  void (*sum)(std::size_t n, const T* a, T* y);
  void (*dot)(std::size_t n, const T* a, const T* b, T* y);
  /// √Σ a² of as many rows; the lanes in which it has to be computed in another way, since Σ a² over- or underflows.
  std::uint64_t (*norm)(std::size_t n, const T* a, T* y);
  /// y = weight |a| + tangent of a row, a bound on what rounding moves a tangent by; tangent may be null.
  void (*rounding)(T weight, const T* a, const T* tangent, T* y);
  /// LU with partial pivots of each lane's matrix of order n <= largest_lane_matrix, as lu_factor; lu may be a.
  void (*lu)(std::size_t n, const T* a, T* lu, std::int32_t* perm);
  /// As lu_solve, of nrhs columns. Not in place.
  void (*lu_solve)(bool transposed, std::size_t n, std::size_t nrhs, const T* lu, const std::int32_t* perm, const T* b,
                   T* x);
  /// Cholesky's factors of each lane's matrix of that order, as cholesky_factor; l may be a. The lanes whose matrix is not positive
  /// definite, in which they have no meaning.
  std::uint64_t (*cholesky)(std::size_t n, const T* a, T* l);
  void (*cholesky_solve)(std::size_t n, std::size_t nrhs, const T* l, const T* b, T* x);
  /// As triangular_solve, of that order.
  void (*triangular_solve)(bool lower, bool transposed, bool unit, std::size_t n, std::size_t nrhs, const T* a,
                           const T* b, T* x);
  /// As qr_factor or qr_pivoted of [m, n], with so many columns of q, in memory of lane_qr_memory numbers. The lanes that have to be
  /// computed in another way, since lengths over- or underflow.
  std::uint64_t (*qr)(bool pivoted, std::size_t m, std::size_t n, std::size_t q_columns, const T* a, T* q, T* r,
                      std::int32_t* perm, T* memory);
  TileFunction is_finite, abs, neg;
  TileBinary add, sub, mul, div, maximum, minimum, less, less_equal, equal, not_equal;
};
inline constexpr std::size_t largest_lane_matrix = 16;
/// Of LaneKernels::qr, for any register.
inline constexpr std::size_t lane_qr_memory(std::size_t m, std::size_t n, std::size_t q_columns) {
  return 16 * (m * n + m * q_columns + (m < n ? m : n));
}

template <class T> const LaneKernels<T>& lane_kernels();

/// What has nothing to round: truth values (bytes of 0 and 1), choices by them, int64.
struct LaneLogic {
  TileFunction logical_not;
  TileBinary logical_and, logical_or, equal, not_equal;  // of truth values
  TileChoice select1, select4, select8;                  // by the size of an element
  TileBinary add, sub, less, less_equal, int_equal, int_not_equal, int_minimum, int_maximum;  // of int64
  /// y = a in the lanes whose bit is set, of so many rows of elements of that size.
  void (*copy_lanes)(std::uint64_t lanes, const void* a, void* y, std::size_t rows, std::size_t item);
};
const LaneLogic& lane_logic();

/// 64 lanes with so many elements each, of 1, 4 or 8 bytes, from one after the other to rows, and back.
void lanes_to_rows(const void* lanes, void* rows, std::size_t elements, std::size_t item);
void rows_to_lanes(const void* rows, void* lanes, std::size_t elements, std::size_t item);

/// The lanes whose truth value is 1, as bits.
inline std::uint64_t lanes_of(const void* truths) {
  const auto* bytes = static_cast<const unsigned char*>(truths);
  std::uint64_t out = 0;
  for (std::size_t k = 0; k < 8; ++k) {
    std::uint64_t eight;
    __builtin_memcpy(&eight, bytes + 8 * k, 8);
    out |= (eight * 0x0102040810204080u >> 56) << (8 * k);  // the bytes' lowest bits, the first one lowest
  }
  return out;
}

}  // namespace dini::kernels
