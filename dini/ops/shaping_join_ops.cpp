// pad and concatenate: kernels and rules.
#include <algorithm>
#include <cstring>

#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping_build.hpp"

namespace dini {

using detail::Ints;

namespace shaping {

Shape pad_shape(const Shape& shape, const Params& p) {
  const Ints &low = p.ints("low"), &high = p.ints("high"), &interior = p.ints("interior");
  std::vector<std::int64_t> lengths;
  for (int k = 0; k < shape.ndim(); ++k) {
    const auto i = static_cast<std::size_t>(k);
    lengths.push_back(low[i] + high[i] + shape[k] + (shape[k] > 0 ? (shape[k] - 1) * interior[i] : 0));
  }
  return lengths;
}

// For one axis of a pad: which elements of the operand are in the result, and where the first of them goes.
struct PadRange {
  std::int64_t first, count, place;
};
PadRange pad_range(std::int64_t n, std::int64_t out, std::int64_t low, std::int64_t interior) {
  const std::int64_t step = interior + 1;
  const std::int64_t first = low >= 0 ? 0 : (-low + step - 1) / step;
  // element k is at low + k·step, and must be below `out`
  const std::int64_t end = out - low <= 0 ? 0 : std::min(n, (out - low + step - 1) / step);
  return {first, std::max<std::int64_t>(0, end - first), low + first * step};
}

void pad_kernel(const KernelCall& c) {
  const Shape &from = c.in_avals[0].shape, &to = c.out_avals[0].shape;
  if (to.size() == 0) return;
  visit_dtype(c.out_avals[0].dtype,
              [&]<class T>() { std::fill_n(static_cast<T*>(c.out[0]), to.size(), *static_cast<const T*>(c.in[1])); });
  const Ints &low = c.params.ints("low"), &interior = c.params.ints("interior");
  const detail::Strides in_strides = detail::row_major_strides(from);
  detail::Strides out_strides = detail::row_major_strides(to);
  Shape kept = from;
  std::int64_t in_offset = 0, out_offset = 0;
  for (int k = 0; k < from.ndim(); ++k) {
    const auto i = static_cast<std::size_t>(k);
    const PadRange r = pad_range(from[k], to[k], low[i], interior[i]);
    kept.set(k, r.count);
    in_offset += r.first * in_strides[i];
    out_offset += r.place * out_strides[i];
    out_strides[i] *= interior[i] + 1;
  }
  if (kept.size() == 0) return;
  const auto bytes = static_cast<std::int64_t>(item(c));
  detail::copy_strided(item(c), kept, in_strides, static_cast<const char*>(c.in[0]) + in_offset * bytes, out_strides,
                       static_cast<char*>(c.out[0]) + out_offset * bytes);
}

void concatenate_kernel(const KernelCall& c) {
  const auto axis = static_cast<int>(c.params.integer("axis"));
  const Shape& to = c.out_avals[0].shape;
  if (to.size() == 0) return;
  const std::int64_t outer = to.sub(0, axis).size();
  const auto bytes = static_cast<std::int64_t>(item(c));
  const std::int64_t row = to.sub(axis, to.ndim()).size() * bytes;
  std::int64_t place = 0;
  for (std::size_t k = 0; k < c.in.size(); ++k) {
    const std::int64_t length = c.in_avals[k].shape.sub(axis, to.ndim()).size() * bytes;
    for (std::int64_t i = 0; length > 0 && i < outer; ++i) {
      std::memcpy(static_cast<char*>(c.out[0]) + i * row + place, static_cast<const char*>(c.in[k]) + i * length,
                  static_cast<std::size_t>(length));
    }
    place += length;
  }
}

// The cotangent of a pad's operand: what became of its elements.
Array unpad(const Array& ct, const Params& p, const Shape& operand) {
  Ints low = p.ints("low"), high = p.ints("high"), interior = p.ints("interior");
  Ints zero(low.size(), 0), stop(low.size()), step(low.size());
  for (std::size_t k = 0; k < low.size(); ++k) {
    low[k] = -low[k];
    high[k] = -high[k];
    step[k] = interior[k] + 1;
    const std::int64_t n = operand[static_cast<int>(k)];
    stop[k] = n > 0 ? (n - 1) * step[k] + 1 : 0;
  }
  const Array padded = detail::emit_pad(ct, detail::literal(0, ct), low, high, zero);
  return detail::emit_slice(padded, zero, stop, step);
}

// Where a pad's result comes from its operand.
Array pad_mask(const Shape& operand, const Params& p) {
  return emit_one(pad_op(), {detail::emit_broadcast(array(true), operand, {}), array(false)}, p);
}

}  // namespace shaping

const Op& pad_op() {
  static const Op op = [] {
    Op o;
    o.name = "pad";
    o.rounding = Rounding::exact;
    o.takes = Operands::any;
    o.infer = [](std::span<const Aval> in, const Params& p) -> std::vector<Aval> {
      return {{shaping::pad_shape(in[0].shape, p), in[0].dtype, in[0].weak}};
    };
    o.kernel = shaping::pad_kernel;
    o.jvp = [](const JvpCall& c) -> Leaves {
      const Array &da = c.tangents[0], &dv = c.tangents[1];
      if (!da.defined() && !dv.defined()) return {Array()};
      return emit(
          pad_op(),
          {da.defined() ? da : detail::emit_zeros(c.in[0].aval()), dv.defined() ? dv : detail::literal(0, c.in[1])},
          c.params);
    };
    o.transpose = [](const TransposeCall& c) -> Leaves {
      const Array& ct = c.cotangents[0];
      if (!ct.defined()) return {Array(), Array()};
      Leaves out(2);
      if (!c.in[0].defined()) out[0] = shaping::unpad(ct, c.params, c.in_avals[0].shape);
      if (!c.in[1].defined()) {
        const Array mask = shaping::pad_mask(c.in_avals[0].shape, c.params);
        out[1] = sum(where(mask, detail::literal(0, ct), ct));
      }
      return out;
    };
    o.batch = [](const BatchCall& c) -> Batched {
      Params p{{"low", shaping::prepended(0, c.params.ints("low"))},
               {"high", shaping::prepended(0, c.params.ints("high"))},
               {"interior", shaping::prepended(0, c.params.ints("interior"))}};
      if (!c.batched[1]) return {emit(pad_op(), {c.in[0], c.in[1]}, p), {true}};
      const Array a = c.batched[0] ? c.in[0] : detail::emit_repeated(c.in[0], c.size);
      const Array padded = emit_one(pad_op(), {a, detail::literal(0, a)}, p);
      const Array mask = shaping::pad_mask(a.shape(), p);
      return {{where(mask, padded, detail::emit_broadcast(c.in[1], padded.shape(), {0}))}, {true}};
    };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample({3, 2}, d), detail::sample({}, d, 1)},
               {{"low", Ints{1, 0}}, {"high", Ints{0, 2}}, {"interior", Ints{0, 0}}}},
              {{detail::sample({3, 2}, d), detail::sample({}, d, 1)},
               {{"low", Ints{2, 1}}, {"high", Ints{1, 0}}, {"interior", Ints{2, 1}}}},
              {{detail::sample({5, 4}, d), detail::sample({}, d, 1)},
               {{"low", Ints{-1, 1}}, {"high", Ints{2, -2}}, {"interior", Ints{0, 1}}}}};
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      const Shape from = s.in[0].shape(), to = shaping::pad_shape(from, s.params);
      std::vector<long double> out(static_cast<std::size_t>(to.size()), detail::numbers(s.in[1])[0]);
      const auto values = detail::numbers(s.in[0]);
      std::size_t next = 0;
      detail::for_each_index(from, [&](Ints index) {
        bool inside = true;
        for (std::size_t k = 0; k < index.size(); ++k) {
          index[k] = s.params.ints("low")[k] + index[k] * (1 + s.params.ints("interior")[k]);
          inside = inside && index[k] >= 0 && index[k] < to[static_cast<int>(k)];
        }
        if (inside) out[static_cast<std::size_t>(detail::flat_index(to, index))] = values[next];
        ++next;
      });
      return {out};
    };
    return o;
  }();
  return op;
}

const Op& concatenate_op() {
  static const Op op = [] {
    Op o;
    o.name = "concatenate";
    o.rounding = Rounding::exact;
    o.takes = Operands::any;
    o.infer = [](std::span<const Aval> in, const Params& p) -> std::vector<Aval> {
      const auto axis = static_cast<int>(p.integer("axis"));
      std::int64_t length = 0;
      bool weak = true;
      for (const Aval& a : in) {
        length += a.shape[axis];
        weak = weak && a.weak;
      }
      Shape shape = in[0].shape;
      shape.set(axis, length);
      return {{shape, in[0].dtype, weak}};
    };
    o.kernel = shaping::concatenate_kernel;
    o.jvp = [](const JvpCall& c) -> Leaves {
      Leaves parts;
      bool any = false;
      for (std::size_t k = 0; k < c.in.size(); ++k) {
        any = any || c.tangents[k].defined();
        parts.push_back(c.tangents[k].defined() ? c.tangents[k] : detail::emit_zeros(c.in[k].aval()));
      }
      if (!any) return {Array()};
      return emit(concatenate_op(), parts, c.params);
    };
    o.transpose = [](const TransposeCall& c) -> Leaves {
      Leaves out(c.in.size());
      const Array& ct = c.cotangents[0];
      if (!ct.defined()) return out;
      const auto axis = static_cast<std::size_t>(c.params.integer("axis"));
      Ints start(static_cast<std::size_t>(ct.ndim()), 0), stop = ct.shape().vector(), step(start.size(), 1);
      std::int64_t place = 0;
      for (std::size_t k = 0; k < out.size(); ++k) {
        start[axis] = place;
        stop[axis] = place += c.in_avals[k].shape[static_cast<int>(axis)];
        if (!c.in[k].defined()) out[k] = detail::emit_slice(ct, start, stop, step);
      }
      return out;
    };
    o.batch = [](const BatchCall& c) -> Batched {
      return {emit(concatenate_op(), detail::all_batched(c), {{"axis", c.params.integer("axis") + 1}}), {true}};
    };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample({2, 3}, d), detail::sample({4, 3}, d, 1), detail::sample({1, 3}, d, 2)},
               {{"axis", std::int64_t{0}}}},
              {{detail::sample({2, 3}, d), detail::sample({2, 1}, d, 1)}, {{"axis", std::int64_t{1}}}},
              {{detail::sample({3}, d), detail::sample({0}, d, 1)}, {{"axis", std::int64_t{0}}}}};
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      const auto axis = static_cast<int>(s.params.integer("axis"));
      Shape shape = s.in[0].shape();
      std::int64_t length = 0;
      for (const Array& a : s.in) length += a.shape()[axis];
      shape.set(axis, length);
      std::vector<long double> out;
      detail::for_each_index(shape, [&](Ints index) {
        std::size_t part = 0;
        std::int64_t& along = index[static_cast<std::size_t>(axis)];
        while (along >= s.in[part].shape()[axis]) along -= s.in[part++].shape()[axis];
        out.push_back(
            detail::numbers(s.in[part])[static_cast<std::size_t>(detail::flat_index(s.in[part].shape(), index))]);
      });
      return {out};
    };
    return o;
  }();
  return op;
}

}  // namespace dini
