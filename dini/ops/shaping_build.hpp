// What the families that move, pick and multiply elements share: strided copies, samples, and plain references' tools.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dini/ops/internal.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/shaping_ops.hpp"
#include "dini/trace/emit.hpp"

namespace dini::detail {

void check_defined(const Array& a, const char* function);
Array literal(double value, const Array& like);

using Ints = Params::Ints;

// Strides in elements, axis by axis. Of a fixed length, so that kernels allocate nothing.
using Strides = std::array<std::int64_t, Shape::max_ndim>;
Strides row_major_strides(const Shape& shape);

// out[i·out_strides] = in[i·in_strides] for all i below shape; strides in elements of `item` bytes, 0 and negative allowed
// for `in`.
void copy_strided(std::size_t item, const Shape& shape, const Strides& in_strides, const void* in,
                  const Strides& out_strides, void* out);

// Numbers between -2 and 2, none of them equal or 0, without a pattern; other numbers for another seed.
Array sample(const Shape& shape, Dtype dtype, int seed = 0);
Array sample_integers(const std::vector<std::int64_t>& values, const Shape& shape, Dtype dtype = Dtype::int64);

// The elements as long double.
inline std::vector<long double> numbers(const Array& a) { return a.to_vector<long double>(); }

// The index of each element in turn, row-major.
template <class F> void for_each_index(const Shape& shape, F&& f) {
  Ints index(static_cast<std::size_t>(shape.ndim()), 0);
  for (std::int64_t k = 0; k < shape.size(); ++k) {
    f(index);
    for (int d = shape.ndim() - 1; d >= 0 && ++index[static_cast<std::size_t>(d)] == shape[d]; --d) {
      index[static_cast<std::size_t>(d)] = 0;
    }
  }
}
std::int64_t flat_index(const Shape& shape, const Ints& index);

// The op on a tangent where there is one.
inline Leaves linear_jvp(const Op& op, const JvpCall& c) {
  if (!c.tangents[0].defined()) return {Array()};
  return emit(op, {c.tangents[0]}, c.params);
}

// Operands with the batch axis in front, repeated along it where they had none.
Leaves all_batched(const BatchCall& call);

inline bool is_iota(const Axes& axes) {
  for (int k = 0; k < static_cast<int>(axes.size()); ++k) {
    if (axes[static_cast<std::size_t>(k)] != k) return false;
  }
  return true;
}

}  // namespace dini::detail

namespace dini::shaping {

using detail::Ints;

// a[start:stop] along an axis, which is not negative.
Array part(const Array& a, int axis, std::int64_t start, std::int64_t stop);

inline std::size_t item(const KernelCall& c) { return item_size(c.out_avals[0].dtype); }

inline Ints plus_one(const Ints& axes) {
  Ints out = axes;
  for (auto& a : out) ++a;
  return out;
}
inline Ints prepended(std::int64_t first, Ints rest) {
  rest.insert(rest.begin(), first);
  return rest;
}

// A plain reference: element `out_index` of the result is element `source(out_index)` of the input.
template <class F> std::vector<long double> gathered(const Array& in, const Shape& shape, F&& source) {
  const auto values = detail::numbers(in);
  std::vector<long double> out;
  detail::for_each_index(shape, [&](const Ints& index) {
    out.push_back(values[static_cast<std::size_t>(detail::flat_index(in.shape(), source(index)))]);
  });
  return out;
}

}  // namespace dini::shaping
