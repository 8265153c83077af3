// The kernels on tiles of one instruction set; see vector_isa.hpp for who includes it.
#pragma once

#include "lane_impl_factor.hpp"
#include "lane_impl_logic.hpp"
#include "lane_tables.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

template <class T>
void lane_product(std::size_t n, const T* a, std::size_t a_step, const T* b, std::size_t b_step, T* y) {
  constexpr std::size_t together = 4;
  for (std::size_t l = 0; l < tile_lanes; l += together * width<T>) {
    Vec<T> sum[together];
    for (std::size_t i = 0; i < together; ++i) sum[i] = load(a + l + i * width<T>) * load(b + l + i * width<T>);
    for (std::size_t k = 1; k < n; ++k)
      for (std::size_t i = 0; i < together; ++i)
        sum[i] = mul_add(load(a + k * a_step + l + i * width<T>), load(b + k * b_step + l + i * width<T>), sum[i]);
    for (std::size_t i = 0; i < together; ++i) store(y + l + i * width<T>, sum[i]);
  }
}

template <class T> void lane_chain(std::size_t n, const T* a, std::size_t step, T* y) {
  constexpr std::size_t together = 4;
  for (std::size_t l = 0; l < tile_lanes; l += together * width<T>) {
    Vec<T> sum[together];
    for (std::size_t i = 0; i < together; ++i) sum[i] = load(a + l + i * width<T>);
    for (std::size_t k = 1; k < n; ++k)
      for (std::size_t i = 0; i < together; ++i) sum[i] = sum[i] + load(a + k * step + l + i * width<T>);
    for (std::size_t i = 0; i < together; ++i) store(y + l + i * width<T>, sum[i]);
  }
}

// A few registers of lanes.
template <class T> struct Lanes {
  static constexpr std::size_t count = 4, lanes = count * width<T>;
  Vec<T> r[count];
};
// Lane k's sum of VectorKernels::block_sum once those from 2 half on are in: the order of additions is the same. The bounds of the
// recursion are known, so that everything is in registers.
template <std::size_t k, std::size_t half, class T, class Term>
DINI_INLINE void lane_node(std::size_t n, Lanes<T>& y, const Term& term) {
  constexpr std::size_t sums = 128 / sizeof(T);
  if constexpr (half == sums) {
    for (std::size_t i = 0; i < y.count; ++i) y.r[i] = term(k, i * width<T>);
    for (std::size_t j = k + sums; j < n; j += sums)
      for (std::size_t i = 0; i < y.count; ++i) y.r[i] = y.r[i] + term(j, i * width<T>);
  } else {
    lane_node<k, 2 * half>(n, y, term);
    if (k + half >= n) return;
    Lanes<T> other;
    lane_node<k + half, 2 * half>(n, other, term);
    for (std::size_t i = 0; i < y.count; ++i) y.r[i] = y.r[i] + other.r[i];
  }
}
// A sum that starts from +0 is never -0: the +0 may be added in the end.
template <class T, class Term> DINI_INLINE void lane_tree(std::size_t n, T* y, const Term& term) {
  for (std::size_t l = 0; l < tile_lanes; l += Lanes<T>::lanes) {
    Lanes<T> sum;
    lane_node<0, 1>(n, sum,
                    [&](std::size_t row, std::size_t at) DINI_LAMBDA { return term(row * tile_lanes + l + at); });
    for (std::size_t i = 0; i < sum.count; ++i) store(y + l + i * width<T>, sum.r[i] + Vec<T>(T(0)));
  }
}
template <class T> void lane_sum(std::size_t n, const T* a, T* y) {
  lane_tree<T>(n, y, [&](std::size_t at) DINI_LAMBDA { return load(a + at); });
}
template <class T> void lane_dot(std::size_t n, const T* a, const T* b, T* y) {
  lane_tree<T>(n, y, [&](std::size_t at) DINI_LAMBDA { return load(a + at) * load(b + at); });
}

template <class T> std::uint64_t lane_norm(std::size_t n, const T* a, T* y) {
  T squares[tile_lanes];
  lane_dot(n, a, a, squares);
  const Vec<T> least = Format<T>::smallest_normal / Format<T>::epsilon, most = Format<T>::largest;
  std::uint64_t in_range = 0;
  for (std::size_t l = 0; l < tile_lanes; l += width<T>) {
    const Vec<T> s = load(squares + l);
    Mask<T> fits = (less_equal(least, s) & less_equal(s, most)) | is_nan(s);
    if (any(~fits)) {  // of nothing but zeros √0 is right
      Vec<T> size = T(0);
      for (std::size_t k = 0; k < n; ++k) size = size + abs(load(a + k * tile_lanes + l));
      fits = fits | equal(size, Vec<T>(T(0)));
    }
    in_range |= static_cast<std::uint64_t>(to_bits(fits)) << l;
    store(y + l, sqrt(s));
  }
  return ~in_range;
}

// A register of lanes at a time, their matrices copied to where their rows are neighbours.
template <class T> void lane_lu(std::size_t n, const T* a, T* lu, std::int32_t* perm) {
  constexpr std::size_t W = width<T>;
  alignas(64) T s[largest_lane_matrix * largest_lane_matrix * W];
  std::int32_t order[largest_lane_matrix][W];
  for (std::size_t l = 0; l < tile_lanes; l += W) {
    const auto at = [&](std::size_t i, std::size_t j) { return s + (i * n + j) * W; };
    for (std::size_t i = 0; i < n * n; ++i) store(s + i * W, load(a + i * tile_lanes + l));
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = 0; k < W; ++k) order[i][k] = static_cast<std::int32_t>(i);
    for (std::size_t k = 0; k < n; ++k) {
      const Vec<T> here = static_cast<T>(k);
      Vec<T> best = abs(load(at(k, k))), row = here;
      for (std::size_t i = k + 1; i < n; ++i) {
        const Vec<T> size = abs(load(at(i, k)));
        const Mask<T> larger = less(best, size);
        best = select(larger, size, best);
        row = select(larger, Vec<T>(static_cast<T>(i)), row);
      }
      if (any(not_equal(row, here))) {
        alignas(64) T rows[W];
        store(rows, row);
        for (std::size_t q = 0; q < W; ++q) {
          const auto p = static_cast<std::size_t>(rows[q]);
          if (p == k) continue;
          for (std::size_t j = 0; j < n; ++j) {
            const T other = at(k, j)[q];
            at(k, j)[q] = at(p, j)[q];
            at(p, j)[q] = other;
          }
          const std::int32_t other = order[k][q];
          order[k][q] = order[p][q];
          order[p][q] = other;
        }
      }
      // A column of zeros is left as it is.
      const Vec<T> pivot = load(at(k, k));
      const Mask<T> none = equal(pivot, Vec<T>(T(0)));
      for (std::size_t i = k + 1; i < n; ++i) {
        const Vec<T> below = load(at(i, k)), factor = select(none, below, below / pivot);
        store(at(i, k), factor);
        for (std::size_t j = k + 1; j < n; ++j) store(at(i, j), mul_add(-factor, load(at(k, j)), load(at(i, j))));
      }
    }
    for (std::size_t i = 0; i < n * n; ++i) store(lu + i * tile_lanes + l, load(s + i * W));
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = 0; k < W; ++k) perm[i * tile_lanes + l + k] = order[i][k];
  }
}

template <class T>
void lane_lu_solve(bool transposed, std::size_t n, std::size_t nrhs, const T* lu, const std::int32_t* perm, const T* b,
                   T* x) {
  constexpr std::size_t W = width<T>;
  alignas(64) T z[largest_lane_matrix * W];
  for (std::size_t l = 0; l < tile_lanes; l += W) {
    const auto factor = [&](std::size_t i, std::size_t j) { return load(lu + (i * n + j) * tile_lanes + l); };
    // z_i less the sum over j of m_ij z_j, m the factors or the transposed ones.
    const auto less_products = [&](std::size_t i, std::size_t first, std::size_t last) {
      Vec<T> left = load(z + i * W);
      for (std::size_t j = first; j < last; ++j)
        left = mul_add(-(transposed ? factor(j, i) : factor(i, j)), load(z + j * W), left);
      return left;
    };
    for (std::size_t c = 0; c < nrhs; ++c) {
      const auto row = [&](std::size_t i) { return (i * nrhs + c) * tile_lanes + l; };
      if (!transposed) {
        for (std::size_t i = 0; i < n; ++i) {
          const std::int32_t* from = perm + i * tile_lanes + l;
          bool same = true;
          for (std::size_t q = 1; q < W; ++q) same = same & (from[q] == from[0]);
          if (same) {
            store(z + i * W, load(b + row(static_cast<std::size_t>(from[0]))));
          } else {
            for (std::size_t q = 0; q < W; ++q) z[i * W + q] = b[row(static_cast<std::size_t>(from[q])) + q];
          }
        }
        for (std::size_t i = 1; i < n; ++i) store(z + i * W, less_products(i, 0, i));
        for (std::size_t i = n; i-- > 0;) store(z + i * W, less_products(i, i + 1, n) / factor(i, i));
        for (std::size_t i = 0; i < n; ++i) store(x + row(i), load(z + i * W));
      } else {
        for (std::size_t i = 0; i < n; ++i) store(z + i * W, load(b + row(i)));
        for (std::size_t i = 0; i < n; ++i) store(z + i * W, less_products(i, 0, i) / factor(i, i));
        for (std::size_t i = n; i-- > 0;) store(z + i * W, less_products(i, i + 1, n));
        for (std::size_t i = 0; i < n; ++i)
          for (std::size_t q = 0; q < W; ++q)
            x[row(static_cast<std::size_t>(perm[i * tile_lanes + l + q])) + q] = z[i * W + q];
      }
    }
  }
}

// Numbers that are not finite count as 0.
template <class T> void lane_rounding(T weight, const T* a, const T* tangent, T* y) {
  const auto finite_or_zero = [](Vec<T> x) DINI_LAMBDA {
    return select(less_equal(abs(x), Vec<T>(Format<T>::largest)), x, Vec<T>(T(0)));
  };
  for (std::size_t l = 0; l < tile_lanes; l += width<T>) {
    Vec<T> size = Vec<T>(weight) * abs(finite_or_zero(load(a + l)));
    if (tangent) size = finite_or_zero(load(tangent + l)) + size;
    store(y + l, size);
  }
}

template <class T>
constexpr LaneKernels<T> lane_table = {
    .product = lane_product<T>,
    .chain = lane_chain<T>,
    .sum = lane_sum<T>,
    .dot = lane_dot<T>,
    .norm = lane_norm<T>,
    .rounding = lane_rounding<T>,
    .lu = lane_lu<T>,
    .lu_solve = lane_lu_solve<T>,
    .cholesky = lane_cholesky<T>,
    .cholesky_solve = lane_cholesky_solve<T>,
    .triangular_solve = lane_triangular_solve<T>,
    .qr = lane_qr<T>,
    .is_finite = tile_function<tile_is_finite<T>, 1>,
    .abs = tile_function<tile_map<T, AbsLanes>, 1>,
    .neg = tile_function<tile_map<T, NegLanes>, 1>,
    .add = map_two<T, AddLanes>,
    .sub = map_two<T, SubLanes>,
    .mul = map_two<T, MulLanes>,
    .div = map_two<T, DivLanes>,
    .maximum = map_two<T, MaximumLanes>,
    .minimum = map_two<T, MinimumLanes>,
    .less = compare_two<T, LessLanes>,
    .less_equal = compare_two<T, LessEqualLanes>,
    .equal = compare_two<T, EqualLanes>,
    .not_equal = compare_two<T, NotEqualLanes>,
};

constexpr LaneLogic lane_logic_functions = {
    .logical_not = tile_function<tile_not, 1>,
    .logical_and = loop_two<Truth, Truth, AndTruths>,
    .logical_or = loop_two<Truth, Truth, OrTruths>,
    .equal = loop_two<Truth, Truth, EqualTruths>,
    .not_equal = loop_two<Truth, Truth, NotEqualTruths>,
    .select1 = select_two<Truth>,
    .select4 = select_two<float>,
    .select8 = select_two<double>,
    .add = loop_two<Integer, Integer, AddIntegers>,
    .sub = loop_two<Integer, Integer, SubIntegers>,
    .less = compare_integers<LessIntegers>,
    .less_equal = compare_integers<LessEqualIntegers>,
    .int_equal = compare_integers<EqualIntegers>,
    .int_not_equal = compare_integers<NotEqualIntegers>,
    .int_minimum = loop_two<Integer, Integer, MinimumIntegers>,
    .int_maximum = loop_two<Integer, Integer, MaximumIntegers>,
    .copy_lanes = tile_copy_lanes,
};

}  // namespace

const LaneKernels<float>& lane_float_table() { return lane_table<float>; }
const LaneKernels<double>& lane_double_table() { return lane_table<double>; }
const LaneLogic& lane_logic_table() { return lane_logic_functions; }

}  // namespace dini::kernels::DINI_VECTOR_ISA
