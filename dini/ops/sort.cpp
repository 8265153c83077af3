#include "dini/ops/sort.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "dini/ops/elementwise_build.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/indexing_ops.hpp"
#include "dini/ops/reduce_loops.hpp"
#include "dini/ops/registry.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/sort_ops.hpp"
#include "dini/trace/emit.hpp"

namespace dini {

namespace {

// NaN after everything else.
template <class T> bool sorts_before(T a, T b) { return a < b || (a == a && b != b); }

void sort_kernel(const KernelCall& call) {
  const reduce_detail::Lines l(call.in_avals[0].shape, static_cast<int>(call.params.integer("axis")));
  visit_dtype(call.in_avals[0].dtype, [&]<class T>() {
    const T* x = static_cast<const T*>(call.in[0]);
    T* y = static_cast<T*>(call.out[0]);
    if (l.inner == 1) {
      std::copy(x, x + l.outer * l.length, y);
      for (std::int64_t o = 0; o < l.outer; ++o) {
        std::stable_sort(y + o * l.length, y + (o + 1) * l.length, sorts_before<T>);
      }
      return;
    }
    const auto line = std::make_unique<T[]>(static_cast<std::size_t>(l.length));
    for (std::int64_t o = 0; o < l.outer; ++o) {
      for (std::int64_t i = 0; i < l.inner; ++i) {
        const std::int64_t first = o * l.length * l.inner + i;
        for (std::int64_t k = 0; k < l.length; ++k) line[static_cast<std::size_t>(k)] = x[first + k * l.inner];
        std::stable_sort(line.get(), line.get() + l.length, sorts_before<T>);
        for (std::int64_t k = 0; k < l.length; ++k) y[first + k * l.inner] = line[static_cast<std::size_t>(k)];
      }
    }
  });
}

void argsort_kernel(const KernelCall& call) {
  const reduce_detail::Lines l(call.in_avals[0].shape, static_cast<int>(call.params.integer("axis")));
  visit_dtype(call.in_avals[0].dtype, [&]<class T>() {
    const T* x = static_cast<const T*>(call.in[0]);
    std::int64_t* y = static_cast<std::int64_t*>(call.out[0]);
    std::vector<std::int64_t> order(static_cast<std::size_t>(l.length));
    for (std::int64_t o = 0; o < l.outer; ++o) {
      for (std::int64_t i = 0; i < l.inner; ++i) {
        const std::int64_t first = o * l.length * l.inner + i;
        for (std::size_t k = 0; k < order.size(); ++k) order[k] = static_cast<std::int64_t>(k);
        std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
          return sorts_before(x[first + a * l.inner], x[first + b * l.inner]);
        });
        for (std::size_t k = 0; k < order.size(); ++k) y[first + static_cast<std::int64_t>(k) * l.inner] = order[k];
      }
    }
  });
}

Batched batch_sort(const Op& op, const BatchCall& call) {
  return {emit(op, {call.in[0]}, {{"axis", call.params.integer("axis") + 1}}), {true}};
}

std::vector<Sample> sort_samples(Dtype dtype) {
  const Array x = detail::sample_array({0.5, -1.5, 2.25,  3,   -0.75, 1.25, -2,    0.125, 4,     -3.5,  1.75,  0.25,
                                        2.5, -1,   0.875, 1.5, -0.5,  3.25, -2.75, 0.625, 1.125, -4.25, 2.125, 0.375},
                                       Shape{2, 3, 4}, dtype);
  std::vector<Sample> samples;
  for (std::int64_t axis : {0, 1, 2}) samples.push_back({{x}, {{"axis", axis}}});
  return samples;
}

// The tests' reference: each element's rank by counting. Gives the order, or with `values` the elements in order.
std::vector<std::vector<long double>> plain_sort(const Sample& s, bool values) {
  const auto x = s.in[0].to_vector<long double>();
  const reduce_detail::Lines l(s.in[0].shape(), static_cast<int>(s.params.integer("axis")));
  std::vector<long double> out(x.size());
  const auto at = [&](std::int64_t o, std::int64_t k, std::int64_t i) {
    return static_cast<std::size_t>((o * l.length + k) * l.inner + i);
  };
  for (std::int64_t o = 0; o < l.outer; ++o) {
    for (std::int64_t i = 0; i < l.inner; ++i) {
      for (std::int64_t k = 0; k < l.length; ++k) {
        const long double mine = x[at(o, k, i)];
        std::int64_t rank = 0;
        for (std::int64_t j = 0; j < l.length; ++j) {
          const long double other = x[at(o, j, i)];
          rank += other < mine || (other == mine && j < k);
        }
        out[at(o, rank, i)] = values ? mine : static_cast<long double>(k);
      }
    }
  }
  return {out};
}

}  // namespace

const Op& sort_op() {
  static const Op op = [] {
    Op op;
    op.name = "sort";
    op.rounding = Rounding::exact;
    op.takes = Operands::any;
    op.infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> { return {in[0]}; };
    op.kernel = sort_kernel;
    op.jvp = [](const JvpCall& call) -> Leaves {
      const Array order = emit_one(argsort_op(), {call.in[0]}, call.params);
      return {detail::emit_take_along(call.tangents[0], order, static_cast<int>(call.params.integer("axis")))};
    };
    op.batch = [](const BatchCall& call) { return batch_sort(sort_op(), call); };
    op.samples = sort_samples;
    op.plain = [](const Sample& s) { return plain_sort(s, true); };
    return op;
  }();
  return op;
}

const Op& argsort_op() {
  static const Op op = [] {
    Op op;
    op.name = "argsort";
    op.rounding = Rounding::exact;
    op.takes = Operands::any;
    op.infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> {
      return {{in[0].shape, Dtype::int64, false}};
    };
    op.kernel = argsort_kernel;
    op.batch = [](const BatchCall& call) { return batch_sort(argsort_op(), call); };
    op.samples = sort_samples;
    op.plain = [](const Sample& s) { return plain_sort(s, false); };
    op.differentiable = false;
    return op;
  }();
  return op;
}

OpList sort_ops() {
  static const Op* const ops[] = {&sort_op(), &argsort_op()};
  return ops;
}

namespace {

Array ordered(const Op& op, const Array& a, int axis, const char* function) {
  detail::check_defined(a, function);
  return emit_one(op, {a}, {{"axis", static_cast<std::int64_t>(normalize_axis(axis, a.ndim(), function))}});
}

}  // namespace

Array sort(const Array& a, int axis, bool descending) {
  const Array up = ordered(sort_op(), a, axis, "sort");
  return descending ? flip(up, axis) : up;
}

// Sorted from the back and read from the back, so that equal ones stay in their order.
Array argsort(const Array& a, int axis, bool descending) {
  if (!descending) return ordered(argsort_op(), a, axis, "argsort");
  detail::check_defined(a, "argsort");
  axis = normalize_axis(axis, a.ndim(), "argsort");
  return Array(a.shape()[axis] - 1) - flip(ordered(argsort_op(), flip(a, axis), axis, "argsort"), axis);
}

TopK top_k(const Array& a, std::int64_t k) {
  detail::check_defined(a, "top_k");
  const std::int64_t n = a.ndim() ? a.shape().back() : 0;
  if (a.ndim() == 0 || k < 0 || k > n) {
    throw ShapeError("top_k: " + std::to_string(k) + " of the last axis of " + a.shape().str());
  }
  const Array first = argsort(a, -1, true)(ellipsis, slice(0, k));
  return {take_along_axis(a, first), first};
}

}  // namespace dini
