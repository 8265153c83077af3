#include "dini/ops/create.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

#include "dini/ops/create_ops.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/reduce_loops.hpp"
#include "dini/ops/registry.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_ops.hpp"
#include "dini/trace/emit.hpp"

namespace dini {

namespace {

// A number repeated: in a Program a scalar and one broadcast, whatever the shape.
Array filled(const Shape& shape, const Array& number, Dtype dtype) {
  return detail::emit_broadcast(astype(number, dtype), shape, {});
}

// What has no operands is the same for every lane.
Batched batch_created(const Op& op, const BatchCall& call) { return {emit(op, {}, call.params), {false}}; }

// 0, 1, ..., count - 1.
Array counted(std::int64_t count, Dtype dtype) {
  return emit_one(iota_op(), {}, {{"shape", Shape{count}}, {"dtype", dtype}, {"axis", std::int64_t{0}}});
}

std::string digits(double v) {
  char out[32];
  std::snprintf(out, sizeof out, "%.17g", v);
  return out;
}

}  // namespace

const Op& iota_op() {
  static const Op op = [] {
    Op op;
    op.name = "iota";
    op.rounding = Rounding::exact;
    op.takes = Operands::integers;
    op.infer = [](std::span<const Aval>, const Params& params) -> std::vector<Aval> {
      return {{params.shape("shape"), params.dtype("dtype"), false}};
    };
    op.kernel = [](const KernelCall& call) {
      const reduce_detail::Lines l(call.out_avals[0].shape, static_cast<int>(call.params.integer("axis")));
      visit_dtype(call.out_avals[0].dtype, [&]<class T>() {
        T* y = static_cast<T*>(call.out[0]);
        for (std::int64_t o = 0; o < l.outer; ++o) {
          for (std::int64_t k = 0; k < l.length; ++k) {
            for (std::int64_t i = 0; i < l.inner; ++i) *y++ = static_cast<T>(k);
          }
        }
      });
    };
    op.batch = [](const BatchCall& call) { return batch_created(iota_op(), call); };
    op.samples = [](Dtype dtype) -> std::vector<Sample> {
      return {{{}, {{"shape", Shape{5}}, {"dtype", dtype}, {"axis", std::int64_t{0}}}},
              {{}, {{"shape", Shape{2, 3, 4}}, {"dtype", dtype}, {"axis", std::int64_t{1}}}}};
    };
    op.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      const Shape shape = s.params.shape("shape");
      const int axis = static_cast<int>(s.params.integer("axis"));
      std::vector<long double> out;
      for (std::int64_t i = 0; i < shape.size(); ++i) {
        out.push_back(static_cast<long double>(i / shape.sub(axis + 1, shape.ndim()).size() % shape[axis]));
      }
      return {out};
    };
    op.differentiable = false;
    return op;
  }();
  return op;
}

const Op& eye_op() {
  static const Op op = [] {
    Op op;
    op.name = "eye";
    op.rounding = Rounding::exact;
    op.takes = Operands::any;
    op.infer = [](std::span<const Aval>, const Params& params) -> std::vector<Aval> {
      return {{Shape{params.integer("rows"), params.integer("columns")}, params.dtype("dtype"), false}};
    };
    op.kernel = [](const KernelCall& call) {
      const std::int64_t rows = call.params.integer("rows"), columns = call.params.integer("columns");
      const std::int64_t offset = call.params.integer("offset");
      visit_dtype(call.out_avals[0].dtype, [&]<class T>() {
        T* y = static_cast<T*>(call.out[0]);
        std::fill(y, y + rows * columns, T(0));
        for (std::int64_t i = std::max<std::int64_t>(0, -offset); i < rows && i + offset < columns; ++i) {
          y[i * columns + i + offset] = T(1);
        }
      });
    };
    op.batch = [](const BatchCall& call) { return batch_created(eye_op(), call); };
    op.samples = [](Dtype dtype) -> std::vector<Sample> {
      std::vector<Sample> samples;
      for (std::int64_t offset : {0, 1, -2}) {
        samples.push_back(
            {{}, {{"rows", std::int64_t{3}}, {"columns", std::int64_t{4}}, {"offset", offset}, {"dtype", dtype}}});
      }
      return samples;
    };
    op.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      std::vector<long double> out;
      for (std::int64_t i = 0; i < s.params.integer("rows"); ++i) {
        for (std::int64_t j = 0; j < s.params.integer("columns"); ++j)
          out.push_back(j - i == s.params.integer("offset"));
      }
      return {out};
    };
    op.differentiable = false;
    return op;
  }();
  return op;
}

OpList create_ops() {
  static const Op* const ops[] = {&iota_op(), &eye_op()};
  return ops;
}

Array zeros(const Lengths& shape, Dtype dtype) { return filled(shape.shape("zeros"), 0, dtype); }
Array ones(const Lengths& shape, Dtype dtype) { return filled(shape.shape("ones"), 1, dtype); }

Array full(const Lengths& shape, const Array& value, std::optional<Dtype> dtype) {
  detail::check_defined(value, "full");
  return detail::as_shape(astype(value, dtype.value_or(value.dtype())), shape.shape("full"), "full");
}

Array zeros_like(const Array& a, std::optional<Dtype> dtype) {
  detail::check_defined(a, "zeros_like");
  return zeros(a.shape(), dtype.value_or(a.dtype()));
}
Array ones_like(const Array& a, std::optional<Dtype> dtype) {
  detail::check_defined(a, "ones_like");
  return ones(a.shape(), dtype.value_or(a.dtype()));
}
Array full_like(const Array& a, const Array& value, std::optional<Dtype> dtype) {
  detail::check_defined(a, "full_like");
  return full(a.shape(), value, dtype.value_or(a.dtype()));
}

Array detail::arange_integers(std::int64_t start, std::int64_t stop, std::int64_t step) {
  if (!step) throw ValueError("arange: the step is 0");
  // Without signs, since the distance of two of int64 may need one bit more.
  const auto bits = [](std::int64_t v) { return static_cast<std::uint64_t>(v); };
  const std::uint64_t distance = step > 0 ? bits(stop) - bits(start) : bits(start) - bits(stop);
  const bool empty = step > 0 ? stop <= start : stop >= start;
  const std::uint64_t count = empty ? 0 : (distance - 1) / (step > 0 ? bits(step) : 0 - bits(step)) + 1;
  if (count > bits(std::numeric_limits<std::int64_t>::max())) {
    throw ShapeError("arange: from " + std::to_string(start) + " to " + std::to_string(stop) + " are too many numbers");
  }
  const Array k = counted(static_cast<std::int64_t>(count), Dtype::int64);
  const Array scaled = step == 1 ? k : k * step;
  return start ? scaled + start : scaled;
}

Array arange(double stop, Dtype dtype) { return arange(0.0, stop, 1.0, dtype); }

Array arange(double start, double stop, double step, Dtype dtype) {
  if (step == 0 || std::isnan(step)) throw ValueError("arange: the step is " + digits(step));
  const double count = std::ceil((stop - start) / step);
  if (!(count < 1e12)) {
    throw ValueError("arange: from " + digits(start) + " to " + digits(stop) + " in steps of " + digits(step) +
                     " has no end");
  }
  const Array k = counted(count > 0 ? static_cast<std::int64_t>(count) : 0, Dtype::float64);
  return astype(start + k * step, dtype);
}

Array linspace(double start, double stop, std::int64_t count, Dtype dtype) {
  if (count < 0) throw ValueError("linspace: count is " + std::to_string(count) + ", wanted 0 or more");
  const Array k = counted(count, Dtype::float64);
  if (count < 2) return astype(start + k, dtype);
  const Array line = start + k * ((stop - start) / static_cast<double>(count - 1));
  return astype(where(k == static_cast<double>(count - 1), stop, line), dtype);
}

Array eye(std::int64_t rows, std::int64_t columns, std::int64_t k, Dtype dtype) {
  if (columns == -1) columns = rows;
  Lengths{rows, columns}.shape("eye");
  k = std::clamp(k, -rows, columns);
  return emit_one(eye_op(), {}, {{"rows", rows}, {"columns", columns}, {"offset", k}, {"dtype", dtype}});
}
Array eye(std::int64_t rows, Dtype dtype) { return eye(rows, rows, 0, dtype); }
Array identity(std::int64_t n, Dtype dtype) { return eye(n, n, 0, dtype); }

Array tri(std::int64_t rows, std::optional<std::int64_t> columns, std::int64_t k, Dtype dtype) {
  const Array all = ones(Lengths{rows, columns.value_or(rows)}.shape("tri"), dtype);
  return tril(all, static_cast<int>(std::clamp(k, -rows, columns.value_or(rows))));
}

Array one_hot(const Array& x, std::int64_t classes, Dtype dtype, int axis) {
  detail::check_defined(x, "one_hot");
  if (is_floating(x.dtype())) throw DtypeError("one_hot: wants integers, not " + x.aval().str());
  axis = normalize_axis(axis, x.ndim() + 1, "one_hot");
  std::vector<std::int64_t> column(static_cast<std::size_t>(x.ndim() + 1), 1);
  column[static_cast<std::size_t>(axis)] = Lengths(classes).shape("one_hot")[0];
  return astype(expand_dims(x, axis) == reshape(arange(classes), column), dtype);
}

Array array(std::initializer_list<Array> parts) {
  const Array out = stack(parts);
  return astype(out, out.dtype());  // strong, also of numbers alone
}
Array array(std::initializer_list<std::initializer_list<Array>> rows) {
  std::vector<Array> parts;
  for (const auto& row : rows) parts.push_back(array(row));
  return stack(parts);
}

std::vector<Array> meshgrid(const std::vector<Array>& vectors, const Choice& indexing) {
  const bool ij = indexing.resolve("meshgrid", "xy", "ij");
  const int n = static_cast<int>(vectors.size());
  // Where vector i's axis goes: "xy" swaps the first two.
  const auto place = [&](int i) { return ij || n < 2 || i > 1 ? i : 1 - i; };
  std::vector<std::int64_t> lengths(vectors.size());
  for (int i = 0; i < n; ++i) {
    const Array& v = vectors[static_cast<std::size_t>(i)];
    detail::check_defined(v, "meshgrid");
    if (v.ndim() > 1) throw ShapeError("meshgrid: got an array of shape " + v.shape().str() + ", wanted vectors");
    lengths[static_cast<std::size_t>(place(i))] = v.size();
  }
  std::vector<Array> out;
  for (int i = 0; i < n; ++i) {
    const Array& v = vectors[static_cast<std::size_t>(i)];
    out.push_back(detail::emit_broadcast(detail::emit_reshape(v, Shape{v.size()}), lengths, {place(i)}));
  }
  return out;
}

}  // namespace dini
