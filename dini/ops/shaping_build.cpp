#include "dini/ops/shaping_build.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#include "dini/ops/create.hpp"
#include "dini/ops/kernels/dense_micro.hpp"

namespace dini::detail {

Strides row_major_strides(const Shape& shape) {
  Strides strides{};
  std::int64_t s = 1;
  for (int k = shape.ndim() - 1; k >= 0; --k) {
    strides[static_cast<std::size_t>(k)] = s;
    s *= shape[k];
  }
  return strides;
}

namespace {

struct CopyAxis {
  std::int64_t length, in, out;
};

template <class T> void copy_line(std::int64_t n, const T* in, std::int64_t si, T* out, std::int64_t so) {
  if (so == 1 && si == 1) {
    std::memcpy(out, in, static_cast<std::size_t>(n) * sizeof(T));
  } else if (so == 1 && si == 0) {
    std::fill(out, out + n, *in);
  } else {
    for (std::int64_t k = 0; k < n; ++k) out[k * so] = in[k * si];
  }
}

// Tiles that fit the first cache, since one of the two sides is always read or written across. What is contiguous on both sides, along
// one axis here and the other there, has kernels that hold squares in registers.
template <class T> void copy_plane(const CopyAxis& rows, const CopyAxis& columns, const T* in, T* out) {
  if constexpr (sizeof(T) > 1) {
    using Float = std::conditional_t<sizeof(T) == sizeof(float), float, double>;
    if (rows.in == 1 && columns.out == 1)
      return kernels::dense_micro<Float>().transpose(columns.length, rows.length, reinterpret_cast<const Float*>(in),
                                                     columns.in, reinterpret_cast<Float*>(out), rows.out);
  }
  constexpr std::int64_t tile = 32;
  for (std::int64_t i0 = 0; i0 < rows.length; i0 += tile) {
    const std::int64_t i1 = std::min(i0 + tile, rows.length);
    for (std::int64_t j0 = 0; j0 < columns.length; j0 += tile) {
      const std::int64_t j1 = std::min(j0 + tile, columns.length);
      for (std::int64_t i = i0; i < i1; ++i) {
        for (std::int64_t j = j0; j < j1; ++j) out[i * rows.out + j * columns.out] = in[i * rows.in + j * columns.in];
      }
    }
  }
}

template <class T> void copy_axes(const CopyAxis* axes, int n, const T* in, T* out) {
  if (n == 0) {
    *out = *in;
  } else if (n == 1) {
    copy_line(axes[0].length, in, axes[0].in, out, axes[0].out);
  } else if (n == 2 && axes[1].in != 1 && axes[1].in != 0) {
    copy_plane(axes[0], axes[1], in, out);
  } else {
    for (std::int64_t k = 0; k < axes[0].length; ++k) {
      copy_axes(axes + 1, n - 1, in + k * axes[0].in, out + k * axes[0].out);
    }
  }
}

}  // namespace

void copy_strided(std::size_t item, const Shape& shape, const Strides& in_strides, const void* in,
                  const Strides& out_strides, void* out) {
  if (shape.size() == 0) return;
  CopyAxis axes[Shape::max_ndim];
  int n = 0;
  for (int k = 0; k < shape.ndim(); ++k) {
    const CopyAxis next{shape[k], in_strides[static_cast<std::size_t>(k)], out_strides[static_cast<std::size_t>(k)]};
    if (next.length == 1) continue;
    if (n > 0 && axes[n - 1].in == next.length * next.in && axes[n - 1].out == next.length * next.out) {
      axes[n - 1] = {axes[n - 1].length * next.length, next.in, next.out};
    } else {
      axes[n++] = next;
    }
  }
  // Of the outer axes the one that is contiguous in the input makes the plane with the last one.
  for (int k = 0; n > 2 && axes[n - 1].in != 1 && k < n - 2; ++k) {
    if (std::abs(axes[k].in) == 1) {
      std::rotate(axes + k, axes + k + 1, axes + n - 1);
      break;
    }
  }
  switch (item) {
    case 1: copy_axes(axes, n, static_cast<const std::uint8_t*>(in), static_cast<std::uint8_t*>(out)); break;
    case 4: copy_axes(axes, n, static_cast<const std::uint32_t*>(in), static_cast<std::uint32_t*>(out)); break;
    default: copy_axes(axes, n, static_cast<const std::uint64_t*>(in), static_cast<std::uint64_t*>(out)); break;
  }
}

Array sample(const Shape& shape, Dtype dtype, int seed) {
  void* memory;
  Array out = allocate({shape, dtype, false}, &memory);
  visit_dtype(dtype, [&]<class T>() {
    for (std::int64_t k = 0; k < shape.size(); ++k) {
      // Splitmix64's mixing of the number of the element.
      std::uint64_t bits = 0x9e3779b97f4a7c15ULL * static_cast<std::uint64_t>(k + 1 + 1000 * std::int64_t{seed});
      bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9ULL;
      bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebULL;
      static_cast<T*>(memory)[k] =
          static_cast<T>(std::ldexp(static_cast<double>((bits ^ (bits >> 31)) >> 11), -51) - 2);
    }
  });
  return out;
}

Array sample_integers(const std::vector<std::int64_t>& values, const Shape& shape, Dtype dtype) {
  void* memory;
  Array out = allocate({shape, dtype, false}, &memory);
  visit_dtype(dtype, [&]<class T>() {
    for (std::size_t k = 0; k < values.size(); ++k) static_cast<T*>(memory)[k] = static_cast<T>(values[k]);
  });
  return out;
}

std::int64_t flat_index(const Shape& shape, const Ints& index) {
  std::int64_t flat = 0;
  for (int k = 0; k < shape.ndim(); ++k) flat = flat * shape[k] + index[static_cast<std::size_t>(k)];
  return flat;
}

Leaves all_batched(const BatchCall& call) {
  Leaves in(call.in.begin(), call.in.end());
  for (std::size_t k = 0; k < in.size(); ++k) {
    if (!call.batched[k]) in[k] = emit_repeated(in[k], call.size);
  }
  return in;
}

Array emit_broadcast(const Array& a, const Shape& shape, const Axes& axes) {
  if (a.aval().shape == shape) return a;
  return emit_one(broadcast_op(), {a}, {{"shape", shape}, {"axes", to_ints(axes)}});
}

Array emit_transpose(const Array& a, const Axes& axes) {
  if (is_iota(axes)) return a;
  return emit_one(transpose_op(), {a}, {{"axes", to_ints(axes)}});
}

Array emit_slice(const Array& a, const Ints& start, const Ints& stop, const Ints& step) {
  bool whole = true;
  for (int k = 0; k < a.ndim(); ++k) {
    const auto i = static_cast<std::size_t>(k);
    whole = whole && start[i] == 0 && stop[i] == a.aval().shape[k] && step[i] == 1;
  }
  if (whole) return a;
  return emit_one(slice_op(), {a}, {{"start", start}, {"stop", stop}, {"step", step}});
}

Array emit_reverse(const Array& a, const Axes& axes) {
  if (axes.empty()) return a;
  return emit_one(reverse_op(), {a}, {{"axes", to_ints(axes)}});
}

Array emit_pad(const Array& a, const Array& value, const Ints& low, const Ints& high, const Ints& interior) {
  const auto none = [](const Ints& v) {
    return std::all_of(v.begin(), v.end(), [](std::int64_t x) { return x == 0; });
  };
  if (none(low) && none(high) && none(interior)) return a;
  return emit_one(pad_op(), {a, value}, {{"low", low}, {"high", high}, {"interior", interior}});
}

Array emit_concatenate(const Leaves& parts, int axis) {
  if (parts.size() == 1) return parts[0];
  return emit_one(concatenate_op(), parts, {{"axis", std::int64_t{axis}}});
}

Array emit_repeated(const Array& a, std::int64_t length) {
  return emit_one(broadcast_op(), {a},
                  {{"shape", prepend(length, a.shape())}, {"axes", to_ints(axes_from(1, a.ndim() + 1))}});
}

Array emit_moved(const Array& a, int from, int to) {
  if (from == to) return a;
  Axes axes = axes_from(0, a.ndim());
  axes.erase(axes.begin() + from);
  axes.insert(axes.begin() + to, from);
  return emit_transpose(a, axes);
}

Array emit_zeros(const Aval& aval) { return zeros(aval.shape, aval.dtype); }

}  // namespace dini::detail
