#include "dini/ops/reduce_ops.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "dini/ops/elementwise.hpp"
#include "dini/ops/elementwise_build.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/reduce_loops.hpp"
#include "dini/ops/registry.hpp"
#include "dini/ops/shaping_ops.hpp"
#include "dini/trace/emit.hpp"

namespace dini {

namespace reduce_detail {

// ---- Rules that the reductions share --------------------------------------------------------------------------------

Shape without(const Shape& shape, const Params::Ints& axes) {
  Shape out;
  for (int i = 0; i < shape.ndim(); ++i) {
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) out.append(shape[i]);
  }
  return out;
}

Axes kept_axes(int ndim, const Axes& reduced) {
  Axes kept;
  for (int i = 0; i < ndim; ++i) {
    if (std::find(reduced.begin(), reduced.end(), i) == reduced.end()) kept.push_back(i);
  }
  return kept;
}

// A reduction's result, repeated along the reduced axes.
Array spread(const Array& y, const Shape& shape, const Axes& reduced) {
  return detail::emit_broadcast(y, shape, kept_axes(shape.ndim(), reduced));
}

std::vector<Aval> infer_reduction(std::span<const Aval> in, const Params& params) {
  return {{without(in[0].shape, params.ints("axes")), in[0].dtype, in[0].weak}};
}

std::vector<Aval> infer_running(std::span<const Aval> in, const Params&) { return {in[0]}; }

std::vector<Aval> infer_argument(std::span<const Aval> in, const Params& params) {
  return {{in[0].shape.erased(static_cast<int>(params.integer("axis"))), Dtype::int64, false}};
}

Batched batch_axes(const Op& op, const BatchCall& call) {
  Params params = call.params;
  if (params.has("axes")) {
    Params::Ints axes = params.ints("axes");
    for (std::int64_t& a : axes) ++a;
    params.set("axes", axes);
  } else {
    params.set("axis", params.integer("axis") + 1);
  }
  Leaves in(call.in.begin(), call.in.end());
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!call.batched[i]) in[i] = detail::emit_repeated(in[i], call.size);
  }
  return {emit(op, in, params), {true}};
}

// What the tests reduce: lengths that all differ, every set of axes.
std::vector<Sample> reduction_samples(Dtype dtype) {
  const Array x = detail::sample_array({0.5, -1.5, 2.25,  3,   -0.75, 1.25, -2,    0.125, 4,     -3.5,  1.75,  0.25,
                                        2.5, -1,   0.875, 1.5, -0.5,  3.25, -2.75, 0.625, 1.125, -4.25, 2.125, 0.375},
                                       Shape{2, 3, 4}, dtype);
  const Array v = detail::sample_array({1.5, -2, 0.25, 3, -0.5}, Shape{5}, dtype);
  std::vector<Sample> samples;
  for (Params::Ints axes : {Params::Ints{0}, {1}, {2}, {0, 2}, {1, 2}, {0, 1, 2}})
    samples.push_back({{x}, {{"axes", axes}}});
  samples.push_back({{v}, {{"axes", Params::Ints{0}}}});
  return samples;
}
std::vector<Sample> axis_samples(Dtype dtype) {
  std::vector<Sample> samples;
  for (std::int64_t axis : {0, 1, 2}) samples.push_back({reduction_samples(dtype)[0].in, {{"axis", axis}}});
  return samples;
}
std::vector<Sample> running_samples(Dtype dtype) {
  std::vector<Sample> samples = axis_samples(dtype);
  for (std::size_t i = 0; i < 3; ++i) {
    samples[i].params.set("reverse", false);
    samples.push_back(samples[i]);
    samples.back().params.set("reverse", true);
  }
  return samples;
}

// Where element i of an array stands after its axes in `reduced` are dropped, for the tests' references.
std::int64_t reduced_place(std::int64_t i, const Shape& shape, const Params::Ints& reduced) {
  std::int64_t place = 0, stride = 1;
  for (int axis = shape.ndim() - 1; axis >= 0; --axis) {
    const std::int64_t at = i % shape[axis];
    i /= shape[axis];
    if (std::find(reduced.begin(), reduced.end(), axis) != reduced.end()) continue;
    place += at * stride;
    stride *= shape[axis];
  }
  return place;
}

template <class F>
std::vector<std::vector<long double>> plain_reduction(const Sample& s, long double first, F combine) {
  const Array& x = s.in[0];
  const Params::Ints& axes = s.params.ints("axes");
  std::vector<long double> out(static_cast<std::size_t>(without(x.shape(), axes).size()), first);
  const auto values = x.to_vector<long double>();
  for (std::int64_t i = 0; i < x.size(); ++i) {
    long double& y = out[static_cast<std::size_t>(reduced_place(i, x.shape(), axes))];
    y = combine(y, values[static_cast<std::size_t>(i)]);
  }
  return {out};
}

// The running ops' reference: y_k = next(y_(k-1), x_k, k-th place) along the axis.
template <class F> std::vector<std::vector<long double>> plain_running(const Sample& s, long double first, F next) {
  const Array& x = s.in[0];
  const int axis = static_cast<int>(s.params.integer("axis"));
  const std::int64_t n = x.shape()[axis], inner = x.shape().sub(axis + 1, x.ndim()).size();
  std::vector<long double> out(static_cast<std::size_t>(x.size()));
  for (std::int64_t line = 0; line < x.size() / std::max<std::int64_t>(n, 1); ++line) {
    long double y = first;
    for (std::int64_t k = 0; k < n; ++k) {
      const std::int64_t at = s.params.flag("reverse") ? n - 1 - k : k;
      const auto i = static_cast<std::size_t>((line / inner * n + at) * inner + line % inner);
      out[i] = y = next(y, i);
    }
  }
  return {out};
}

template <class F> std::vector<std::vector<long double>> plain_argument(const Sample& s, F better) {
  const Array& x = s.in[0];
  const auto values = x.to_vector<long double>();
  const int axis = static_cast<int>(s.params.integer("axis"));
  const std::int64_t n = x.shape()[axis], inner = x.shape().sub(axis + 1, x.ndim()).size();
  std::vector<long double> out;
  for (std::int64_t line = 0; line < x.size() / n; ++line) {
    std::int64_t best = 0;
    const auto at = [&](std::int64_t k) {
      return values[static_cast<std::size_t>((line / inner * n + k) * inner + line % inner)];
    };
    for (std::int64_t k = 1; k < n; ++k) {
      if (better(at(k), at(best))) best = k;
    }
    out.push_back(static_cast<long double>(best));
  }
  return {out};
}

// Along an axis: elements moved one place on (away from where running starts), with `fill` in the first.
Array shifted(const Array& x, const Array& fill, int axis, bool reverse) {
  Params::Ints low(static_cast<std::size_t>(x.ndim()), 0), high = low;
  low[static_cast<std::size_t>(axis)] = reverse ? -1 : 1;
  high[static_cast<std::size_t>(axis)] = reverse ? 1 : -1;
  return detail::emit_pad(x, fill, low, high, Params::Ints(low.size(), 0));
}

Op extremum(const Op& (*self)(), const char* name, Kernel kernel) {
  Op op;
  op.name = name;
  op.rounding = Rounding::exact;
  op.takes = Operands::any;
  op.infer = infer_reduction;
  op.kernel = kernel;
  op.jvp = [](const JvpCall& call) -> Leaves {  // equal shares among the elements that are the largest
    const Array &x = call.in[0], &dx = call.tangents[0];
    const Axes axes = call.params.axes("axes");
    const Array chosen = astype(x == spread(call.out[0], x.shape(), axes), x.dtype());
    const Params& params = call.params;
    const Array number = emit_one(sum_op(), {chosen}, params);
    return {emit_one(sum_op(), {dx * (chosen / spread(number, x.shape(), axes))}, params)};
  };
  op.batch = [self](const BatchCall& call) { return batch_axes(self(), call); };
  op.samples = reduction_samples;
  return op;
}

Op argument(const Op& (*self)(), const char* name, Kernel kernel) {
  Op op;
  op.name = name;
  op.rounding = Rounding::exact;
  op.takes = Operands::any;
  op.infer = infer_argument;
  op.kernel = kernel;
  op.batch = [self](const BatchCall& call) { return batch_axes(self(), call); };
  op.samples = axis_samples;
  op.differentiable = false;
  return op;
}

Params running(int axis, bool reverse) { return {{"axis", static_cast<std::int64_t>(axis)}, {"reverse", reverse}}; }

// The products of all elements but one, as an array of x's shape: those before times those after. `axes` are sorted.
Array products_of_others(const Array& x, const Axes& axes) {
  // The reduced axes together as the last one.
  const int ndim = x.ndim();
  Axes order = kept_axes(ndim, axes);
  const int kept = static_cast<int>(order.size());
  order.insert(order.end(), axes.begin(), axes.end());
  const Array moved = detail::emit_transpose(x, order);
  const Shape outer = moved.shape().sub(0, kept);
  const std::int64_t n = moved.shape().sub(kept, ndim).size();
  const Array lines = detail::emit_reshape(moved, outer + Shape{n});
  const Array one = detail::literal(1, x);
  const Array before = emit_one(cumprod_op(), {shifted(lines, one, kept, false)}, running(kept, false));
  const Array after = emit_one(cumprod_op(), {shifted(lines, one, kept, true)}, running(kept, true));
  Axes back(static_cast<std::size_t>(ndim));
  for (int i = 0; i < ndim; ++i) back[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] = i;
  return detail::emit_transpose(detail::emit_reshape(before * after, moved.shape()), back);
}

}  // namespace reduce_detail

// ---- The ops --------------------------------------------------------------------------------------------------------

const Op& sum_op() {
  static const Op op = [] {
    using namespace reduce_detail;
    Op op;
    op.name = "sum";
    op.rounding = Rounding::accumulates;
    op.takes = Operands::integers;
    op.infer = infer_reduction;
    op.kernel = reduce_kernel<SumRule>;
    op.jvp = [](const JvpCall& call) -> Leaves { return {emit_one(sum_op(), {call.tangents[0]}, call.params)}; };
    op.transpose = [](const TransposeCall& call) -> Leaves {
      if (!call.cotangents[0].defined()) return {Array()};
      return {spread(call.cotangents[0], call.in_avals[0].shape, call.params.axes("axes"))};
    };
    op.batch = [](const BatchCall& call) { return batch_axes(sum_op(), call); };
    op.samples = reduction_samples;
    op.plain = [](const Sample& s) {
      return plain_reduction(s, 0, [](long double a, long double b) { return a + b; });
    };
    return op;
  }();
  return op;
}

const Op& prod_op() {
  static const Op op = [] {
    using namespace reduce_detail;
    Op op;
    op.name = "prod";
    op.rounding = Rounding::accumulates;
    op.takes = Operands::integers;
    op.infer = infer_reduction;
    op.kernel = reduce_kernel<ProdRule>;
    op.jvp = [](const JvpCall& call) -> Leaves {
      const Array others = products_of_others(call.in[0], call.params.axes("axes"));
      return {emit_one(sum_op(), {call.tangents[0] * others}, call.params)};
    };
    op.batch = [](const BatchCall& call) { return batch_axes(prod_op(), call); };
    op.samples = [](Dtype dtype) {
      std::vector<Sample> samples = reduction_samples(dtype);
      const Array zeros = detail::sample_array({1.5, 0, 0.25, 3, 0, 0, 2, -1, -0.5, 4, 0, 1.25}, Shape{3, 4}, dtype);
      samples.push_back({{zeros}, {{"axes", Params::Ints{1}}}});
      samples.push_back({{zeros}, {{"axes", Params::Ints{0}}}});
      return samples;
    };
    op.plain = [](const Sample& s) {
      return plain_reduction(s, 1, [](long double a, long double b) { return a * b; });
    };
    return op;
  }();
  return op;
}

const Op& max_op() {
  static const Op op = [] {
    using namespace reduce_detail;
    Op op = extremum(max_op, "max", reduce_kernel<MaxRule>);
    op.plain = [](const Sample& s) {
      return plain_reduction(s, -std::numeric_limits<long double>::infinity(),
                             [](long double a, long double b) { return std::fmax(a, b); });
    };
    return op;
  }();
  return op;
}

const Op& min_op() {
  static const Op op = [] {
    using namespace reduce_detail;
    Op op = extremum(min_op, "min", reduce_kernel<MinRule>);
    op.plain = [](const Sample& s) {
      return plain_reduction(s, std::numeric_limits<long double>::infinity(),
                             [](long double a, long double b) { return std::fmin(a, b); });
    };
    return op;
  }();
  return op;
}

// ‖x‖, d‖x‖ = Σ x/‖x‖ dx: no square stands in the derivative either.
const Op& norm2_op() {
  static const Op op = [] {
    using namespace reduce_detail;
    Op op;
    op.name = "norm2";
    op.rounding = Rounding::accumulates;
    op.infer = infer_reduction;
    op.kernel = norm_kernel;
    op.jvp = [](const JvpCall& call) -> Leaves {
      const Axes axes = call.params.axes("axes");
      Array direction = call.in[0] / spread(call.out[0], call.in[0].shape(), axes);
      // Of one element ±1, whose own slope is no difference of two large numbers.
      if (call.in[0].size() == call.out[0].size()) direction = stop_gradient(direction);
      return {emit_one(sum_op(), {call.tangents[0] * direction}, call.params)};
    };
    op.batch = [](const BatchCall& call) { return batch_axes(norm2_op(), call); };
    op.samples = [](Dtype dtype) {
      std::vector<Sample> samples = reduction_samples(dtype);
      const double large = dtype == Dtype::float32 ? 1e25 : 1e200;
      const Array x = detail::sample_array({3, -4, 0.5, 1.5 * large, -2 * large, 0.25 * large, 1.5 / large, 2 / large,
                                            -0.75 / large, 1.5, 0.5 * large, 1 / large},
                                           Shape{4, 3}, dtype);
      for (Params::Ints axes : {Params::Ints{1}, {0}, {0, 1}, {}}) samples.push_back({{x}, {{"axes", axes}}});
      return samples;
    };
    op.plain = [](const Sample& s) {  // a long double has the exponents for it
      auto out = plain_reduction(s, 0, [](long double a, long double b) { return a + b * b; });
      for (long double& y : out[0]) y = std::sqrt(y);
      return out;
    };
    return op;
  }();
  return op;
}

const Op& argmax_op() {
  static const Op op = [] {
    using namespace reduce_detail;
    Op op = argument(argmax_op, "argmax", argument_kernel<true>);
    op.plain = [](const Sample& s) { return plain_argument(s, [](long double a, long double b) { return a > b; }); };
    return op;
  }();
  return op;
}

const Op& argmin_op() {
  static const Op op = [] {
    using namespace reduce_detail;
    Op op = argument(argmin_op, "argmin", argument_kernel<false>);
    op.plain = [](const Sample& s) { return plain_argument(s, [](long double a, long double b) { return a < b; }); };
    return op;
  }();
  return op;
}

const Op& cumsum_op() {
  static const Op op = [] {
    using namespace reduce_detail;
    Op op;
    op.name = "cumsum";
    op.rounding = Rounding::accumulates;
    op.takes = Operands::integers;
    op.infer = infer_running;
    op.kernel = running_kernel<RunningSum>;
    op.jvp = [](const JvpCall& call) -> Leaves { return {emit_one(cumsum_op(), {call.tangents[0]}, call.params)}; };
    op.transpose = [](const TransposeCall& call) -> Leaves {
      if (!call.cotangents[0].defined()) return {Array()};
      Params params = call.params;
      params.set("reverse", !params.flag("reverse"));
      return {emit_one(cumsum_op(), {call.cotangents[0]}, params)};
    };
    op.batch = [](const BatchCall& call) { return batch_axes(cumsum_op(), call); };
    op.samples = running_samples;
    op.plain = [](const Sample& s) {
      const auto x = s.in[0].to_vector<long double>();
      return plain_running(s, 0, [&](long double y, std::size_t i) { return y + x[i]; });
    };
    return op;
  }();
  return op;
}

// y_k = x_k·y_(k-1), so dy_k = x_k·dy_(k-1) + dx_k·y_(k-1).
const Op& cumprod_op() {
  static const Op op = [] {
    using namespace reduce_detail;
    Op op;
    op.name = "cumprod";
    op.rounding = Rounding::accumulates;
    op.takes = Operands::integers;
    op.infer = infer_running;
    op.kernel = running_kernel<RunningProduct>;
    op.jvp = [](const JvpCall& call) -> Leaves {
      const Array& x = call.in[0];
      const Array before = shifted(call.out[0], detail::literal(1, x), static_cast<int>(call.params.integer("axis")),
                                   call.params.flag("reverse"));
      return {emit_one(linear_recurrence_op(), {x, call.tangents[0] * before}, call.params)};
    };
    op.batch = [](const BatchCall& call) { return batch_axes(cumprod_op(), call); };
    op.samples = [](Dtype dtype) {
      std::vector<Sample> samples = running_samples(dtype);
      const Array zeros = detail::sample_array({1.5, 0, 0.25, 3, 0, 0, 2, -1, -0.5, 4, 0, 1.25}, Shape{3, 4}, dtype);
      samples.push_back({{zeros}, running(1, false)});
      samples.push_back({{zeros}, running(0, true)});
      return samples;
    };
    op.plain = [](const Sample& s) {
      const auto x = s.in[0].to_vector<long double>();
      return plain_running(s, 1, [&](long double y, std::size_t i) { return y * x[i]; });
    };
    return op;
  }();
  return op;
}

const Op& linear_recurrence_op() {
  static const Op op = [] {
    using namespace reduce_detail;
    Op op;
    op.name = "linear_recurrence";
    op.rounding = Rounding::accumulates;
    op.takes = Operands::integers;
    op.infer = [](std::span<const Aval> in, const Params&) { return detail::infer_elementwise(in, false); };
    op.kernel = recurrence_kernel;
    op.jvp = [](const JvpCall& call) -> Leaves {
      const Array &a = call.in[0], &da = call.tangents[0], &db = call.tangents[1];
      Array change = db;
      if (da.defined()) {
        const Array before = shifted(call.out[0], detail::literal(0, a), static_cast<int>(call.params.integer("axis")),
                                     call.params.flag("reverse"));
        change = db.defined() ? db + da * before : da * before;
      }
      return {emit_one(linear_recurrence_op(), {a, change}, call.params)};
    };
    op.transpose = [](const TransposeCall& call) -> Leaves {
      if (!call.in[0].defined()) throw std::logic_error("linear_recurrence is not linear in its factors");
      Leaves out(2);
      if (!call.cotangents[0].defined()) return out;
      const Array& a = call.in[0];
      const int axis = static_cast<int>(call.params.integer("axis"));
      const bool back = !call.params.flag("reverse");
      out[1] = emit_one(linear_recurrence_op(), {shifted(a, detail::literal(0, a), axis, back), call.cotangents[0]},
                        running(axis, back));
      return out;
    };
    op.batch = [](const BatchCall& call) { return batch_axes(linear_recurrence_op(), call); };
    op.samples = [](Dtype dtype) {
      std::vector<Sample> samples = running_samples(dtype);
      for (Sample& s : samples) s.in.push_back(s.in[0] * s.in[0] - 1.5);
      return samples;
    };
    op.plain = [](const Sample& s) {
      const auto a = s.in[0].to_vector<long double>(), b = s.in[1].to_vector<long double>();
      return plain_running(s, 0, [&](long double y, std::size_t i) { return a[i] * y + b[i]; });
    };
    return op;
  }();
  return op;
}

OpList reduce_ops() {
  static const Op* const ops[] = {&sum_op(),    &prod_op(),   &max_op(),    &min_op(),     &norm2_op(),
                                  &argmax_op(), &argmin_op(), &cumsum_op(), &cumprod_op(), &linear_recurrence_op()};
  return ops;
}

}  // namespace dini
