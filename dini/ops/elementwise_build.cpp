#include "dini/ops/elementwise_build.hpp"

#include <stdexcept>
#include <utility>

namespace dini::detail {

std::vector<Aval> infer_elementwise(std::span<const Aval> in, bool to_bool) {
  bool weak = true;
  for (const Aval& a : in) {
    weak = weak && a.weak;
    if (a.shape != in[0].shape || a.dtype != in[0].dtype) {
      throw std::logic_error("an elementwise op has operands " + in[0].str() + " and " + a.str());
    }
  }
  return {{in[0].shape, to_bool ? Dtype::bool_ : in[0].dtype, weak}};
}

// An operand without lanes is the same in all of them.
Batched batch_elementwise(const Op& op, const BatchCall& call) {
  Leaves in(call.in.begin(), call.in.end());
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (call.batched[i]) continue;
    Params::Ints axes;
    for (int k = 0; k < in[i].ndim(); ++k) axes.push_back(k + 1);
    in[i] = emit_one(broadcast_op(), {in[i]}, {{"shape", prepend(call.size, in[i].shape())}, {"axes", axes}});
  }
  return {emit(op, in, call.params), {true}};
}

Array sample_array(const std::vector<double>& values, const Shape& shape, Dtype dtype) {
  void* memory;
  Array out = allocate({shape, dtype, false}, &memory);
  visit_dtype(dtype, [&]<class T>() {
    for (std::size_t i = 0; i < values.size(); ++i) static_cast<T*>(memory)[i] = static_cast<T>(values[i]);
  });
  return out;
}

namespace {

template <class Record> Op elementwise_parts(const Record& record) {
  Op op;
  op.name = record.name;
  op.kernel = record.kernel.kernel;
  op.element = record.kernel.element;
  op.infer = [to_bool = record.to_bool](std::span<const Aval> in, const Params&) {
    return infer_elementwise(in, to_bool);
  };
  op.batch = [self = record.op](const BatchCall& call) { return batch_elementwise(self(), call); };
  op.reference = record.reference;
  op.in_place = !record.to_bool;
  op.takes = record.takes;
  op.rounding = record.rounding;
  return op;
}

}  // namespace

Op unary(Unary record) {
  Op op = elementwise_parts(record);
  if (record.jvp) {
    op.jvp = [jvp = record.jvp](const JvpCall& call) -> Leaves {
      return {jvp(call.in[0], call.out[0], call.tangents[0])};
    };
  } else {
    op.differentiable = false;
  }
  if (record.transpose) {
    op.transpose = [transpose = record.transpose](const TransposeCall& call) -> Leaves {
      if (!call.cotangents[0].defined()) return {Array()};
      return {transpose(call.cotangents[0])};
    };
  }
  op.samples = [values = std::move(record.samples)](Dtype dtype) -> std::vector<Sample> {
    return {{{sample_array(values, Shape{static_cast<std::int64_t>(values.size())}, dtype)}, {}}};
  };
  return op;
}

Op binary(Binary record) {
  Op op = elementwise_parts(record);
  op.exact_when = record.exact_when;
  if (record.jvp_a || record.jvp_b) {
    op.jvp = [by_a = record.jvp_a, by_b = record.jvp_b](const JvpCall& call) -> Leaves {
      Array total;
      if (by_a && call.tangents[0].defined()) total = by_a(call.in[0], call.in[1], call.out[0], call.tangents[0]);
      if (by_b && call.tangents[1].defined()) {
        const Array part = by_b(call.in[0], call.in[1], call.out[0], call.tangents[1]);
        total = total.defined() ? total + part : part;
      }
      return {total};
    };
  } else {
    op.differentiable = false;
  }
  if (record.transpose_a || record.transpose_b) {
    op.transpose = [by_a = record.transpose_a, by_b = record.transpose_b,
                    name = record.name](const TransposeCall& call) -> Leaves {
      Leaves out(2);
      for (int i = 0; i < 2; ++i) {
        if (call.in[i].defined() || !call.cotangents[0].defined()) continue;
        const auto rule = i == 0 ? by_a : by_b;
        if (!rule) throw std::logic_error(std::string(name) + " is not linear in an operand to transpose in");
        out[i] = rule(call.in[1 - i], call.cotangents[0]);
      }
      return out;
    };
  }
  op.samples = [values = std::move(record.samples)](Dtype dtype) -> std::vector<Sample> {
    std::vector<double> a, b;
    for (const auto& [x, y] : values) a.push_back(x), b.push_back(y);
    const Shape shape{static_cast<std::int64_t>(values.size())};
    return {{{sample_array(a, shape, dtype), sample_array(b, shape, dtype)}, {}}};
  };
  return op;
}

}  // namespace dini::detail
