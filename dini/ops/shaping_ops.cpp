// broadcast, reshape, transpose, slice, reverse: kernels and rules. pad and concatenate are in shaping_join_ops.cpp.
#include "dini/ops/shaping_ops.hpp"

#include <algorithm>
#include <cstring>

#include "dini/ops/reduce.hpp"
#include "dini/ops/registry.hpp"
#include "dini/ops/shaping_build.hpp"

namespace dini {

// A trace is current: see reshape.
namespace detail {
class Trace;
const std::shared_ptr<Trace>& current_trace();
}  // namespace detail

using detail::Ints;

namespace shaping {

Shape slice_shape(const Params& p) {
  const Ints &start = p.ints("start"), &stop = p.ints("stop"), &step = p.ints("step");
  std::vector<std::int64_t> lengths;
  for (std::size_t k = 0; k < start.size(); ++k) {
    lengths.push_back(stop[k] <= start[k] ? 0 : (stop[k] - start[k] + step[k] - 1) / step[k]);
  }
  return lengths;
}

void broadcast_kernel(const KernelCall& c) {
  const Shape &from = c.in_avals[0].shape, &to = c.out_avals[0].shape;
  const detail::Strides own = detail::row_major_strides(from);
  const Ints& axes = c.params.ints("axes");
  detail::Strides strides{};
  for (std::size_t k = 0; k < axes.size(); ++k) strides[static_cast<std::size_t>(axes[k])] = own[k];
  detail::copy_strided(item(c), to, strides, c.in[0], detail::row_major_strides(to), c.out[0]);
}

void reshape_kernel(const KernelCall& c) {
  const std::size_t bytes = static_cast<std::size_t>(c.out_avals[0].shape.size()) * item(c);
  if (bytes > 0) std::memmove(c.out[0], c.in[0], bytes);
}

void transpose_kernel(const KernelCall& c) {
  const detail::Strides own = detail::row_major_strides(c.in_avals[0].shape);
  const Ints& axes = c.params.ints("axes");
  detail::Strides strides{};
  for (std::size_t k = 0; k < axes.size(); ++k) strides[k] = own[static_cast<std::size_t>(axes[k])];
  const Shape& to = c.out_avals[0].shape;
  detail::copy_strided(item(c), to, strides, c.in[0], detail::row_major_strides(to), c.out[0]);
}

void slice_kernel(const KernelCall& c) {
  const Shape& to = c.out_avals[0].shape;
  if (to.size() == 0) return;
  detail::Strides strides = detail::row_major_strides(c.in_avals[0].shape);
  const Ints &start = c.params.ints("start"), &step = c.params.ints("step");
  std::int64_t offset = 0;
  for (std::size_t k = 0; k < start.size(); ++k) {
    offset += start[k] * strides[k];
    strides[k] *= step[k];
  }
  detail::copy_strided(item(c), to, strides,
                       static_cast<const char*>(c.in[0]) + offset * static_cast<std::int64_t>(item(c)),
                       detail::row_major_strides(to), c.out[0]);
}

void reverse_kernel(const KernelCall& c) {
  const Shape& to = c.out_avals[0].shape;
  if (to.size() == 0) return;
  detail::Strides strides = detail::row_major_strides(to);
  const detail::Strides out_strides = strides;
  std::int64_t offset = 0;
  for (std::int64_t axis : c.params.ints("axes")) {
    const auto k = static_cast<std::size_t>(axis);
    offset += (to[static_cast<int>(axis)] - 1) * strides[k];
    strides[k] = -strides[k];
  }
  detail::copy_strided(item(c), to, strides,
                       static_cast<const char*>(c.in[0]) + offset * static_cast<std::int64_t>(item(c)), out_strides,
                       c.out[0]);
}

}  // namespace shaping

const Op& broadcast_op() {
  static const Op op = [] {
    Op o;
    o.name = "broadcast";
    o.rounding = Rounding::exact;
    o.takes = Operands::any;
    o.infer = [](std::span<const Aval> in, const Params& p) -> std::vector<Aval> {
      return {{p.shape("shape"), in[0].dtype, in[0].weak}};
    };
    o.kernel = shaping::broadcast_kernel;
    o.jvp = [](const JvpCall& c) { return detail::linear_jvp(broadcast_op(), c); };
    o.transpose = [](const TransposeCall& c) -> Leaves {
      if (!c.cotangents[0].defined()) return {Array()};
      const Axes kept = c.params.axes("axes");
      Axes summed;
      for (int k = 0; k < c.params.shape("shape").ndim(); ++k) {
        if (std::find(kept.begin(), kept.end(), k) == kept.end()) summed.push_back(k);
      }
      return {summed.empty() ? c.cotangents[0] : sum(c.cotangents[0], summed)};
    };
    o.batch = [](const BatchCall& c) -> Batched {
      return {emit(broadcast_op(), {c.in[0]},
                   {{"shape", prepend(c.size, c.params.shape("shape"))},
                    {"axes", shaping::prepended(0, shaping::plus_one(c.params.ints("axes")))}}),
              {true}};
    };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample({3, 2}, d)}, {{"shape", Shape{3, 4, 2}}, {"axes", Ints{0, 2}}}},
              {{detail::sample({}, d)}, {{"shape", Shape{2, 3}}, {"axes", Ints{}}}},
              {{detail::sample({3}, d)}, {{"shape", Shape{2, 3}}, {"axes", Ints{1}}}},
              {{detail::sample({2}, d)}, {{"shape", Shape{2, 0}}, {"axes", Ints{0}}}}};
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      return {shaping::gathered(s.in[0], s.params.shape("shape"), [&](const Ints& index) {
        Ints from;
        for (std::int64_t axis : s.params.ints("axes")) from.push_back(index[static_cast<std::size_t>(axis)]);
        return from;
      })};
    };
    return o;
  }();
  return op;
}

const Op& reshape_op() {
  static const Op op = [] {
    Op o;
    o.name = "reshape";
    o.rounding = Rounding::exact;
    o.takes = Operands::any;
    o.infer = [](std::span<const Aval> in, const Params& p) -> std::vector<Aval> {
      return {{p.shape("shape"), in[0].dtype, in[0].weak}};
    };
    o.kernel = shaping::reshape_kernel;
    o.in_place = true;
    o.jvp = [](const JvpCall& c) { return detail::linear_jvp(reshape_op(), c); };
    o.transpose = [](const TransposeCall& c) -> Leaves {
      if (!c.cotangents[0].defined()) return {Array()};
      return {detail::emit_reshape(c.cotangents[0], c.in_avals[0].shape)};
    };
    o.batch = [](const BatchCall& c) -> Batched {
      return {{detail::emit_reshape(c.in[0], prepend(c.size, c.params.shape("shape")))}, {true}};
    };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample({3, 4}, d)}, {{"shape", Shape{2, 6}}}},
              {{detail::sample({6}, d)}, {{"shape", Shape{1, 2, 3}}}},
              {{detail::sample({1, 1}, d)}, {{"shape", Shape{}}}}};
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> { return {detail::numbers(s.in[0])}; };
    return o;
  }();
  return op;
}

const Op& transpose_op() {
  static const Op op = [] {
    Op o;
    o.name = "transpose";
    o.rounding = Rounding::exact;
    o.takes = Operands::any;
    o.infer = [](std::span<const Aval> in, const Params& p) -> std::vector<Aval> {
      std::vector<std::int64_t> lengths;
      for (int axis : p.axes("axes")) lengths.push_back(in[0].shape[axis]);
      return {{lengths, in[0].dtype, in[0].weak}};
    };
    o.kernel = shaping::transpose_kernel;
    o.jvp = [](const JvpCall& c) { return detail::linear_jvp(transpose_op(), c); };
    o.transpose = [](const TransposeCall& c) -> Leaves {
      if (!c.cotangents[0].defined()) return {Array()};
      const Axes axes = c.params.axes("axes");
      Axes back(axes.size());
      for (std::size_t k = 0; k < axes.size(); ++k) back[static_cast<std::size_t>(axes[k])] = static_cast<int>(k);
      return {detail::emit_transpose(c.cotangents[0], back)};
    };
    o.batch = [](const BatchCall& c) -> Batched {
      return {
          emit(transpose_op(), {c.in[0]}, {{"axes", shaping::prepended(0, shaping::plus_one(c.params.ints("axes")))}}),
          {true}};
    };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample({3, 4}, d)}, {{"axes", Ints{1, 0}}}},
              {{detail::sample({2, 3, 4}, d)}, {{"axes", Ints{2, 0, 1}}}},
              {{detail::sample({2, 3, 4, 5}, d)}, {{"axes", Ints{3, 1, 0, 2}}}}};
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      const Axes axes = s.params.axes("axes");
      std::vector<std::int64_t> lengths;
      for (int axis : axes) lengths.push_back(s.in[0].shape()[axis]);
      return {shaping::gathered(s.in[0], lengths, [&](const Ints& index) {
        Ints from(axes.size());
        for (std::size_t k = 0; k < axes.size(); ++k) from[static_cast<std::size_t>(axes[k])] = index[k];
        return from;
      })};
    };
    return o;
  }();
  return op;
}

const Op& slice_op() {
  static const Op op = [] {
    Op o;
    o.name = "slice";
    o.rounding = Rounding::exact;
    o.takes = Operands::any;
    o.infer = [](std::span<const Aval> in, const Params& p) -> std::vector<Aval> {
      return {{shaping::slice_shape(p), in[0].dtype, in[0].weak}};
    };
    o.kernel = shaping::slice_kernel;
    o.jvp = [](const JvpCall& c) { return detail::linear_jvp(slice_op(), c); };
    o.transpose = [](const TransposeCall& c) -> Leaves {
      const Array& ct = c.cotangents[0];
      if (!ct.defined()) return {Array()};
      const Shape &from = c.in_avals[0].shape, to = ct.shape();
      const Ints &start = c.params.ints("start"), &step = c.params.ints("step");
      Ints low(start.size()), high(start.size()), interior(start.size());
      for (int k = 0; k < from.ndim(); ++k) {
        const auto i = static_cast<std::size_t>(k);
        interior[i] = step[i] - 1;
        low[i] = to[k] > 0 ? start[i] : 0;
        high[i] = from[k] - low[i] - (to[k] > 0 ? (to[k] - 1) * step[i] + 1 : 0);
      }
      return {detail::emit_pad(ct, detail::literal(0, ct), low, high, interior)};
    };
    o.batch = [](const BatchCall& c) -> Batched {
      return {emit(slice_op(), {c.in[0]},
                   {{"start", shaping::prepended(0, c.params.ints("start"))},
                    {"stop", shaping::prepended(c.size, c.params.ints("stop"))},
                    {"step", shaping::prepended(1, c.params.ints("step"))}}),
              {true}};
    };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample({5, 7}, d)}, {{"start", Ints{1, 0}}, {"stop", Ints{4, 6}}, {"step", Ints{1, 1}}}},
              {{detail::sample({5, 7}, d)}, {{"start", Ints{0, 1}}, {"stop", Ints{5, 7}}, {"step", Ints{3, 2}}}},
              {{detail::sample({4, 3}, d)}, {{"start", Ints{2, 0}}, {"stop", Ints{2, 3}}, {"step", Ints{1, 1}}}}};
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      return {shaping::gathered(s.in[0], shaping::slice_shape(s.params), [&](Ints index) {
        for (std::size_t k = 0; k < index.size(); ++k) {
          index[k] = s.params.ints("start")[k] + index[k] * s.params.ints("step")[k];
        }
        return index;
      })};
    };
    return o;
  }();
  return op;
}

const Op& reverse_op() {
  static const Op op = [] {
    Op o;
    o.name = "reverse";
    o.rounding = Rounding::exact;
    o.takes = Operands::any;
    o.infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> { return {in[0]}; };
    o.kernel = shaping::reverse_kernel;
    o.jvp = [](const JvpCall& c) { return detail::linear_jvp(reverse_op(), c); };
    o.transpose = [](const TransposeCall& c) -> Leaves {
      if (!c.cotangents[0].defined()) return {Array()};
      return emit(reverse_op(), {c.cotangents[0]}, c.params);
    };
    o.batch = [](const BatchCall& c) -> Batched {
      return {emit(reverse_op(), {c.in[0]}, {{"axes", shaping::plus_one(c.params.ints("axes"))}}), {true}};
    };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample({5}, d)}, {{"axes", Ints{0}}}},
              {{detail::sample({3, 4}, d)}, {{"axes", Ints{1}}}},
              {{detail::sample({2, 3, 4}, d)}, {{"axes", Ints{0, 2}}}}};
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      const Shape shape = s.in[0].shape();
      return {shaping::gathered(s.in[0], shape, [&](Ints index) {
        for (int axis : s.params.axes("axes")) {
          index[static_cast<std::size_t>(axis)] = shape[axis] - 1 - index[static_cast<std::size_t>(axis)];
        }
        return index;
      })};
    };
    return o;
  }();
  return op;
}

namespace detail {

Array emit_reshape(const Array& a, const Shape& shape) {
  if (a.aval().shape == shape) return a;
  // Data is shared. Not while something traces: one array must stay one array to it, not become two captured ones.
  if (a.concrete() && !detail::current_trace()) return with_aval(a, {shape, a.dtype(), a.weak()});
  return emit_one(reshape_op(), {a}, {{"shape", shape}});
}

}  // namespace detail

OpList shape_ops() {
  static const Op* const ops[] = {&broadcast_op(), &reshape_op(), &transpose_op(),  &slice_op(),
                                  &reverse_op(),   &pad_op(),     &concatenate_op()};
  return ops;
}

}  // namespace dini
