// The kernels of the reducing and running ops.
//
// An array is seen as groups of neighbouring axes that are all reduced or all kept. Where the last group is reduced,
// each run of neighbouring elements is taken by the vector kernel and the runs are combined in order; where it is kept,
// rows are combined element by element, in blocks. So the order of operations for one result depends on the reduced
// lengths alone.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "dini/ops/kernels/vector.hpp"
#include "dini/ops/internal.hpp"

namespace dini::reduce_detail {

// Accumulators: floating numbers are summed in double, integers wrap around.
template <class T>
using Wide = std::conditional_t<std::is_floating_point_v<T>, double,
                                std::conditional_t<std::is_same_v<T, bool>, bool, std::uint64_t>>;

struct SumRule {
  template <class T> using Acc = Wide<T>;
  template <class T> static Acc<T> identity() { return 0; }
  template <class T> static Acc<T> combine(Acc<T> a, Acc<T> b) { return static_cast<Acc<T>>(a + b); }
  template <class T> static Acc<T> run(const T* x, std::size_t n) {
    if constexpr (std::is_floating_point_v<T>) return kernels::vector_kernels<T>().sum(x, n);
    Acc<T> y = 0;
    for (std::size_t i = 0; i < n; ++i) y = static_cast<Acc<T>>(y + static_cast<Acc<T>>(x[i]));
    return y;
  }
  template <std::same_as<double> T> static kernels::BinaryKernel<T> by_elements(T) {
    return kernels::vector_kernels<T>().add;
  }
};

struct ProdRule {
  template <class T> using Acc = Wide<T>;
  template <class T> static Acc<T> identity() { return 1; }
  template <class T> static Acc<T> combine(Acc<T> a, Acc<T> b) { return static_cast<Acc<T>>(a * b); }
  template <class T> static Acc<T> run(const T* x, std::size_t n) {
    Acc<T> y = 1;
    for (std::size_t i = 0; i < n; ++i) y = static_cast<Acc<T>>(y * static_cast<Acc<T>>(x[i]));
    return y;
  }
};

struct MaxRule {
  template <class T> using Acc = T;
  template <class T> static T identity() {
    if constexpr (std::is_floating_point_v<T>)
      return -std::numeric_limits<T>::infinity();
    else
      return std::numeric_limits<T>::lowest();
  }
  template <class T> static T combine(T a, T b) { return b > a || b != b ? b : a; }
  template <class T> static T run(const T* x, std::size_t n) {
    if constexpr (std::is_floating_point_v<T>) return kernels::vector_kernels<T>().max(x, n);
    if constexpr (std::is_same_v<T, bool>) return n > 0 && std::memchr(x, 1, n) != nullptr;
    T y = identity<T>();
    for (std::size_t i = 0; i < n; ++i) y = std::max(y, x[i]);
    return y;
  }
  template <class T>
  requires std::is_floating_point_v<T>
  static kernels::BinaryKernel<T> by_elements(T) { return kernels::vector_kernels<T>().maximum; }
};

struct MinRule {
  template <class T> using Acc = T;
  template <class T> static T identity() {
    if constexpr (std::is_floating_point_v<T>)
      return std::numeric_limits<T>::infinity();
    else
      return std::numeric_limits<T>::max();
  }
  template <class T> static T combine(T a, T b) { return b < a || b != b ? b : a; }
  template <class T> static T run(const T* x, std::size_t n) {
    if constexpr (std::is_floating_point_v<T>) return kernels::vector_kernels<T>().min(x, n);
    if constexpr (std::is_same_v<T, bool>) return n == 0 || std::memchr(x, 0, n) == nullptr;
    T y = identity<T>();
    for (std::size_t i = 0; i < n; ++i) y = std::min(y, x[i]);
    return y;
  }
  template <class T>
  requires std::is_floating_point_v<T>
  static kernels::BinaryKernel<T> by_elements(T) { return kernels::vector_kernels<T>().minimum; }
};

// Squares of floating numbers, of these times 2^k before where the plain ones over- or underflow (norm_of below).
template <class T> constexpr T norm_scale = std::is_same_v<T, float> ? T(0x1p100f) : T(0x1p600);

// Of n <= reduction_block elements times a power of two, in the order of sum_squares.
template <class T> T scaled_squares(const T* x, std::size_t n, T factor) {
  T scaled[kernels::reduction_block];
  for (std::size_t i = 0; i < n; ++i) scaled[i] = x[i] * factor;
  return kernels::vector_kernels<T>().sum_squares(scaled, n);
}

// scale: 0, 1 (up) or -1 (down).
template <int scale> struct SquaresRule {
  template <class T> using Acc = double;
  template <class T> static constexpr T factor = scale > 0 ? norm_scale<T> : scale < 0 ? 1 / norm_scale<T> : T(1);
  template <class T> static double identity() { return 0; }
  template <class T> static double combine(double a, double b) { return a + b; }
  template <class T> static double term(T x) {
    if constexpr (scale != 0) x *= factor<T>;
    return static_cast<double>(x * x);
  }
  template <class T> static double run(const T* x, std::size_t n) {
    if constexpr (scale == 0) return static_cast<double>(kernels::vector_kernels<T>().sum_squares(x, n));
    double total = 0;
    for (std::size_t i = 0; i < n; i += kernels::reduction_block)
      total += static_cast<double>(scaled_squares(x + i, std::min(n - i, kernels::reduction_block), factor<T>));
    return static_cast<double>(static_cast<T>(total));
  }
};

// The norm from Σx², where that has all its digits: no square overflowed, and those that lost digits below the smallest
// number are too small to count. Otherwise from scaled(down), Σx² of the elements times 1/norm_scale or norm_scale: with
// these fixed factors everything that counts is in range, whatever the elements are, so that nobody has to look for the
// largest of them.
template <class T, class Scaled> T norm_of(T squares, Scaled scaled) {
  using Limits = std::numeric_limits<T>;
  if ((squares >= Limits::min() / Limits::epsilon() && squares <= Limits::max()) || squares != squares)
    return std::sqrt(squares);
  const bool down = squares > 1;
  return std::sqrt(static_cast<T>(scaled(down))) * (down ? norm_scale<T> : 1 / norm_scale<T>);
}

// ‖x‖ of n elements that are neighbours.
template <class T> T norm_of(const T* x, std::size_t n) {
  if (n == 1) return std::fabs(*x);
  return norm_of(static_cast<T>(SquaresRule<0>::run(x, n)),
                 [=](bool down) { return down ? SquaresRule<-1>::run(x, n) : SquaresRule<1>::run(x, n); });
}

// What an element adds to a reduction. (by_elements, where a rule has it, combines rows by a vector kernel.)
template <class Rule, class T> typename Rule::template Acc<T> term(T x) {
  if constexpr (requires { Rule::term(x); })
    return Rule::term(x);
  else
    return static_cast<typename Rule::template Acc<T>>(x);
}

// The groups of axes, and how to walk over those of one kind.
struct Groups {
  struct Walk {
    int count = 0;
    std::array<std::int64_t, Shape::max_ndim> length{}, stride{};
    std::int64_t total = 1;
    void add(std::int64_t n, std::int64_t step) {
      length[static_cast<std::size_t>(count)] = n;
      stride[static_cast<std::size_t>(count++)] = step;
      total *= n;
    }
    // Where the i-th combination of indices (row-major) lies.
    std::int64_t offset(std::int64_t i) const {
      std::int64_t at = 0;
      for (int k = count - 1; k >= 0; --k) {
        at += i % length[static_cast<std::size_t>(k)] * stride[static_cast<std::size_t>(k)];
        i /= length[static_cast<std::size_t>(k)];
      }
      return at;
    }
  };
  Walk kept, reduced;            // without the last group
  std::int64_t last_length = 1;  // of the last group, whose elements are neighbours
  bool last_reduced = false;

  Groups(const Shape& shape, const Params::Ints& axes) {
    std::array<std::int64_t, Shape::max_ndim> lengths{};
    std::array<bool, Shape::max_ndim> is_reduced{};
    int count = 0;
    for (int i = 0; i < shape.ndim(); ++i) {
      if (shape[i] == 1) continue;
      const bool r = std::find(axes.begin(), axes.end(), i) != axes.end();
      const auto c = static_cast<std::size_t>(count);
      if (count && is_reduced[c - 1] == r)
        lengths[c - 1] *= shape[i];
      else
        lengths[c] = shape[i], is_reduced[c] = r, ++count;
    }
    if (!count) return;
    std::int64_t stride = last_length = lengths[static_cast<std::size_t>(count - 1)];
    last_reduced = is_reduced[static_cast<std::size_t>(count - 1)];
    std::array<std::int64_t, Shape::max_ndim> strides{};
    for (int k = count - 2; k >= 0; --k) {
      strides[static_cast<std::size_t>(k)] = stride;
      stride *= lengths[static_cast<std::size_t>(k)];
    }
    for (int k = 0; k + 1 < count; ++k) {
      const auto i = static_cast<std::size_t>(k);
      (is_reduced[i] ? reduced : kept).add(lengths[i], strides[i]);
    }
  }
};

template <class Rule, class T> void reduce_elements(const T* x, T* y, const Groups& g) {
  using Acc = typename Rule::template Acc<T>;
  if (g.last_reduced) {
    for (std::int64_t o = 0; o < g.kept.total; ++o) {
      const T* from = x + g.kept.offset(o);
      Acc acc = Rule::template identity<T>();
      for (std::int64_t r = 0; r < g.reduced.total; ++r) {
        acc = Rule::template combine<T>(
            acc, Rule::template run<T>(from + g.reduced.offset(r), static_cast<std::size_t>(g.last_length)));
      }
      y[o] = static_cast<T>(acc);
    }
    return;
  }
  // Rows are combined in blocks, and blocks into the total: fewer roundings meet in one place.
  constexpr std::int64_t columns = 256, rows = 256;
  Acc total[columns], part[columns];
  for (std::int64_t o = 0; o < g.kept.total; ++o) {
    const T* from = x + g.kept.offset(o);
    T* to = y + o * g.last_length;
    for (std::int64_t c0 = 0; c0 < g.last_length; c0 += columns) {
      const std::int64_t width = std::min(columns, g.last_length - c0);
      std::fill(total, total + width, Rule::template identity<T>());
      for (std::int64_t r0 = 0; r0 < g.reduced.total; r0 += rows) {
        std::fill(part, part + width, Rule::template identity<T>());
        const std::int64_t r1 = std::min(r0 + rows, g.reduced.total);
        for (std::int64_t r = r0; r < r1; ++r) {
          const T* row = from + g.reduced.offset(r) + c0;
          if constexpr (std::is_same_v<T, Acc> && requires(T t) { Rule::by_elements(t); }) {
            Rule::by_elements(T())(part, row, part, static_cast<std::size_t>(width));
          } else {
            for (std::int64_t c = 0; c < width; ++c) part[c] = Rule::template combine<T>(part[c], term<Rule>(row[c]));
          }
        }
        for (std::int64_t c = 0; c < width; ++c) total[c] = Rule::template combine<T>(total[c], part[c]);
      }
      for (std::int64_t c = 0; c < width; ++c) to[c0 + c] = static_cast<T>(total[c]);
    }
  }
}

template <class Rule> void reduce_kernel(const KernelCall& call) {
  if (!call.out_avals[0].shape.size()) return;
  const Groups groups(call.in_avals[0].shape, call.params.ints("axes"));
  visit_dtype(call.in_avals[0].dtype, [&]<class T>() {
    reduce_elements<Rule>(static_cast<const T*>(call.in[0]), static_cast<T*>(call.out[0]), groups);
  });
}

template <class T> void norm_elements(const T* x, T* y, std::int64_t results, const Groups& g) {
  reduce_elements<SquaresRule<0>>(x, y, g);
  std::vector<T> scaled[2];  // Σx² of the elements scaled up and down, for the results that want it
  for (std::int64_t o = 0; o < results; ++o) {
    y[o] = norm_of(y[o], [&](bool down) {
      std::vector<T>& all = scaled[down];
      if (all.empty()) {
        all.resize(static_cast<std::size_t>(results));
        down ? reduce_elements<SquaresRule<-1>>(x, all.data(), g) : reduce_elements<SquaresRule<1>>(x, all.data(), g);
      }
      return all[static_cast<std::size_t>(o)];
    });
  }
}

inline void norm_kernel(const KernelCall& call) {
  const std::int64_t results = call.out_avals[0].shape.size();
  if (!results) return;
  auto run = [&]<class T>() {
    const T* x = static_cast<const T*>(call.in[0]);
    T* y = static_cast<T*>(call.out[0]);
    if (results == 1)
      *y = norm_of(x, static_cast<std::size_t>(call.in_avals[0].shape.size()));
    else
      norm_elements(x, y, results, Groups(call.in_avals[0].shape, call.params.ints("axes")));
  };
  if (call.in_avals[0].dtype == Dtype::float32)
    run.operator()<float>();
  else
    run.operator()<double>();
}

// An axis between those before it, taken together, and those after it.
struct Lines {
  std::int64_t outer, length, inner;
  Lines(const Shape& shape, int axis)
      : outer(shape.sub(0, axis).size()), length(shape[axis]), inner(shape.sub(axis + 1, shape.ndim()).size()) {}
};

template <bool largest> void argument_kernel(const KernelCall& call) {
  const Lines l(call.in_avals[0].shape, static_cast<int>(call.params.integer("axis")));
  visit_dtype(call.in_avals[0].dtype, [&]<class T>() {
    const T* x = static_cast<const T*>(call.in[0]);
    std::int64_t* y = static_cast<std::int64_t*>(call.out[0]);
    for (std::int64_t o = 0; o < l.outer; ++o) {
      for (std::int64_t i = 0; i < l.inner; ++i) {
        const T* line = x + o * l.length * l.inner + i;
        std::int64_t best = 0;
        for (std::int64_t k = 1; k < l.length; ++k) {
          const T a = line[k * l.inner], b = line[best * l.inner];
          if (b != b) break;  // the first NaN stays
          if (a != a || (largest ? a > b : a < b)) best = k;
        }
        *y++ = best;
      }
    }
  });
}

struct RunningSum {
  static constexpr int identity = 0;
  template <class A> static A combine(A a, A b) { return static_cast<A>(a + b); }
};
struct RunningProduct {
  static constexpr int identity = 1;
  template <class A> static A combine(A a, A b) { return static_cast<A>(a * b); }
};

template <class Rule> void running_kernel(const KernelCall& call) {
  const Lines l(call.in_avals[0].shape, static_cast<int>(call.params.integer("axis")));
  const bool reverse = call.params.flag("reverse");
  visit_dtype(call.in_avals[0].dtype, [&]<class T>() {
    const T* x = static_cast<const T*>(call.in[0]);
    T* y = static_cast<T*>(call.out[0]);
    const std::int64_t step = reverse ? -l.inner : l.inner;
    for (std::int64_t o = 0; o < l.outer; ++o) {
      for (std::int64_t i = 0; i < l.inner; ++i) {
        std::int64_t at = o * l.length * l.inner + i + (reverse ? (l.length - 1) * l.inner : 0);
        Wide<T> acc = static_cast<Wide<T>>(Rule::identity);
        for (std::int64_t k = 0; k < l.length; ++k, at += step) {
          acc = Rule::template combine<Wide<T>>(acc, static_cast<Wide<T>>(x[at]));
          y[at] = static_cast<T>(acc);
        }
      }
    }
  });
}

inline void recurrence_kernel(const KernelCall& call) {
  const Lines l(call.in_avals[0].shape, static_cast<int>(call.params.integer("axis")));
  const bool reverse = call.params.flag("reverse");
  visit_dtype(call.in_avals[0].dtype, [&]<class T>() {
    const T *a = static_cast<const T*>(call.in[0]), *b = static_cast<const T*>(call.in[1]);
    T* y = static_cast<T*>(call.out[0]);
    const std::int64_t step = reverse ? -l.inner : l.inner;
    for (std::int64_t o = 0; o < l.outer; ++o) {
      for (std::int64_t i = 0; i < l.inner; ++i) {
        std::int64_t at = o * l.length * l.inner + i + (reverse ? (l.length - 1) * l.inner : 0);
        Wide<T> acc = 0;
        for (std::int64_t k = 0; k < l.length; ++k, at += step) {
          acc = static_cast<Wide<T>>(static_cast<Wide<T>>(a[at]) * acc + static_cast<Wide<T>>(b[at]));
          y[at] = static_cast<T>(acc);
        }
      }
    }
  });
}

}  // namespace dini::reduce_detail
