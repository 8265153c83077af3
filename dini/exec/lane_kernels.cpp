// Which step of a tile does an op: elementwise ones, those that move elements, sums. (lane_matrices.cpp has products and matrices.)
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "dini/exec/lane_kernels.hpp"
#include "dini/exec/steps.hpp"
#include "dini/ops/elementwise_ops.hpp"
#include "dini/ops/reduce_loops.hpp"
#include "dini/ops/reduce_ops.hpp"
#include "dini/ops/shaping_ops.hpp"
#include "dini/transforms/rounding_ops.hpp"

namespace dini::exec {

namespace lane_kernels {

using Function = void (*)();
using kernels::LaneKernels;
using kernels::LaneLogic;
using kernels::TileElements;

// ---- Elementwise ------------------------------------------------------------------------------------------------------

struct KnownElements {
  const Op& (*op)();
  TileElements LaneKernels<float>::*f32;
  TileElements LaneKernels<double>::*f64;
  TileElements LaneLogic::*truth, LaneLogic::*int64;
};
#define DINI_TILE(name) &LaneKernels<float>::name, &LaneKernels<double>::name
const KnownElements known_elements[] = {
    {add_op, DINI_TILE(add), nullptr, &LaneLogic::add},
    {sub_op, DINI_TILE(sub), nullptr, &LaneLogic::sub},
    {mul_op, DINI_TILE(mul), nullptr, nullptr},
    {maximum_op, DINI_TILE(maximum), &LaneLogic::logical_or, &LaneLogic::int_maximum},
    {minimum_op, DINI_TILE(minimum), &LaneLogic::logical_and, &LaneLogic::int_minimum},
    {abs_op, DINI_TILE(abs), nullptr, nullptr},
    {neg_op, DINI_TILE(neg), nullptr, nullptr},
    {lt_op, DINI_TILE(less), nullptr, &LaneLogic::less},
    {le_op, DINI_TILE(less_equal), nullptr, &LaneLogic::less_equal},
    {eq_op, DINI_TILE(equal), &LaneLogic::equal, &LaneLogic::int_equal},
    {ne_op, DINI_TILE(not_equal), &LaneLogic::not_equal, &LaneLogic::int_not_equal},
    {isfinite_op, DINI_TILE(is_finite), nullptr, nullptr},
    {logical_and_op, nullptr, nullptr, &LaneLogic::logical_and, nullptr},
    {logical_or_op, nullptr, nullptr, &LaneLogic::logical_or, nullptr},
    {logical_xor_op, nullptr, nullptr, &LaneLogic::not_equal, nullptr},
    {logical_not_op, nullptr, nullptr, &LaneLogic::logical_not, nullptr},
};
#undef DINI_TILE

TileElements select_by_size(std::size_t item) {
  const LaneLogic& logic = kernels::lane_logic();
  return item == 8 ? logic.select8 : item == 4 ? logic.select4 : logic.select1;
}

// The op's own kernel where there is none for tiles.
TileElements elements_of(const Op& op, std::span<const Aval> in, const Aval& out) {
  if (&op == &select_op()) return select_by_size(item_size(out.dtype));
  for (const KnownElements& k : known_elements) {
    if (&k.op() != &op) continue;
    TileElements f = nullptr;
    switch (in[0].dtype) {
      case Dtype::float32: f = k.f32 ? kernels::lane_kernels<float>().*k.f32 : nullptr; break;
      case Dtype::float64: f = k.f64 ? kernels::lane_kernels<double>().*k.f64 : nullptr; break;
      case Dtype::bool_: f = k.truth ? kernels::lane_logic().*k.truth : nullptr; break;
      case Dtype::int64: f = k.int64 ? kernels::lane_logic().*k.int64 : nullptr; break;
      default: break;
    }
    if (f) return f;
  }
  return op.element ? op.element(in, out) : nullptr;
}

template <std::size_t operands> void element(const LaneStep& s, LaneRun& r) {
  const void* in[operands];
  for (std::size_t k = 0; k < operands; ++k) in[k] = r.v[s.in[k]];
  reinterpret_cast<TileElements>(s.function)(in, r.v[s.out[0]], s.n);
}

bool choose_elementwise(LaneKernel& k, const Equation& e, std::span<const Aval> in, std::span<const Aval> out) {
  if (in.empty() || in.size() > 3 || out.size() != 1) return false;
  const TileElements f = elements_of(*e.op, in, out[0]);
  if (!f) return false;
  k.step.run = in.size() == 1 ? element<1> : in.size() == 2 ? element<2> : element<3>;
  k.step.function = reinterpret_cast<Function>(f);
  k.step.n = static_cast<std::size_t>(out[0].shape.size()) * tile_lanes;
  k.in_place = true;
  return true;
}

// One truth value for all elements.
void choose(const LaneStep& s, LaneRun& r) {
  const auto f = reinterpret_cast<TileElements>(s.function);
  const std::size_t row = tile_lanes * s.m;
  const char *a = static_cast<const char*>(r.v[s.in[1]]), *b = static_cast<const char*>(r.v[s.in[2]]);
  char* y = static_cast<char*>(r.v[s.out[0]]);
  for (std::size_t k = 0; k < s.n; ++k) {
    const void* in[] = {r.v[s.in[0]], a + k * row, b + k * row};
    f(in, y + k * row, tile_lanes);
  }
}

// ---- Moves ------------------------------------------------------------------------------------------------------------

struct MovesData final : StepData {
  struct From {
    std::uint32_t operand, row;
  };
  std::vector<From> rows;  // of each of the output
  std::size_t row_bytes = 0;
};
void move(const LaneStep& s, LaneRun& r) {
  const MovesData& d = *static_cast<const MovesData*>(s.data);
  char* y = static_cast<char*>(r.v[s.out[0]]);
  for (const MovesData::From& from : d.rows) {
    std::memcpy(y, static_cast<const char*>(r.v[s.in[from.operand]]) + from.row * d.row_bytes, d.row_bytes);
    y += d.row_bytes;
  }
}

bool choose_move(LaneKernel& k, const Equation& e, std::span<const Aval> in, std::span<const Aval> out,
                 LaneData& data) {
  const Op* const moves[] = {&transpose_op(), &broadcast_op(), &slice_op(), &reverse_op(), &concatenate_op()};
  if (std::find(std::begin(moves), std::end(moves), e.op) == std::end(moves)) return false;
  // Where elements come from the op itself says, of the elements' numbers.
  constexpr std::int64_t next_operand = std::int64_t{1} << 32;
  std::vector<std::vector<std::int64_t>> numbers;
  std::vector<const void*> operands;
  std::vector<Aval> in_avals, out_avals;
  for (std::size_t j = 0; j < in.size(); ++j) {
    numbers.emplace_back(static_cast<std::size_t>(in[j].shape.size()));
    std::iota(numbers[j].begin(), numbers[j].end(), static_cast<std::int64_t>(j) * next_operand);
    in_avals.push_back({in[j].shape, Dtype::int64, false});
  }
  for (const auto& list : numbers) operands.push_back(list.data());
  out_avals.push_back({out[0].shape, Dtype::int64, false});
  std::vector<std::int64_t> moved(static_cast<std::size_t>(out[0].shape.size()));
  void* results[] = {moved.data()};
  e.op->kernel({e.params, operands, results, in_avals, out_avals});
  auto d = std::make_unique<MovesData>();
  for (std::int64_t n : moved)
    d->rows.push_back({static_cast<std::uint32_t>(n / next_operand), static_cast<std::uint32_t>(n % next_operand)});
  d->row_bytes = tile_lanes * item_size(out[0].dtype);
  k.step.run = move;
  k.step.data = static_cast<const StepData*>(data.own(std::move(d)));
  return true;
}

// ---- Sums and the like ------------------------------------------------------------------------------------------------

// For each element of the result the first row, of so many, so many apart.
struct RunsData final : StepData {
  std::vector<std::size_t> first;
  std::size_t count = 0, apart = 1;
};

// Null where the rows of a result are not at equal distances, or there are none.
std::unique_ptr<RunsData> runs_of(const Shape& shape, const Axes& axes) {
  auto d = std::make_unique<RunsData>();
  std::vector<std::vector<std::size_t>> rows;
  const auto reduced = [&](int a) { return std::find(axes.begin(), axes.end(), a) != axes.end(); };
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    std::int64_t rest = i, out = 0, factor = 1;
    for (int a = shape.ndim(); a-- > 0;) {
      if (!reduced(a)) {
        out += rest % shape[a] * factor;
        factor *= shape[a];
      }
      rest /= shape[a];
    }
    rows.resize(std::max(rows.size(), static_cast<std::size_t>(out) + 1));
    rows[static_cast<std::size_t>(out)].push_back(static_cast<std::size_t>(i));
  }
  if (rows.empty()) return nullptr;
  d->count = rows[0].size();
  if (d->count > 1) d->apart = rows[0][1] - rows[0][0];
  for (const auto& list : rows) {
    d->first.push_back(list[0]);
    for (std::size_t k = 0; k < d->count; ++k) {
      if (list[k] != list[0] + k * d->apart) return nullptr;
    }
  }
  return d;
}

template <class T> void sum(const LaneStep& s, LaneRun& r) {
  const RunsData& d = *static_cast<const RunsData*>(s.data);
  const T* a = static_cast<const T*>(r.v[s.in[0]]);
  T* y = static_cast<T*>(r.v[s.out[0]]);
  for (std::size_t first : d.first) {
    if (d.apart == 1)
      kernels::lane_kernels<T>().sum(d.count, a + first * tile_lanes, y);
    else
      kernels::lane_kernels<T>().chain(d.count, a + first * tile_lanes, d.apart * tile_lanes, y);
    y += tile_lanes;
  }
}
// By an op of two operands.
void reduce(const LaneStep& s, LaneRun& r) {
  const RunsData& d = *static_cast<const RunsData*>(s.data);
  const auto f = reinterpret_cast<TileElements>(s.function);
  const std::size_t row = tile_lanes * s.m;
  const char* a = static_cast<const char*>(r.v[s.in[0]]);
  char* y = static_cast<char*>(r.v[s.out[0]]);
  for (std::size_t first : d.first) {
    const char* from = a + first * row;
    std::memcpy(y, from, row);
    for (std::size_t k = 1; k < d.count; ++k) {
      const void* in[] = {y, from + k * d.apart * row};
      f(in, y, tile_lanes);
    }
    y += row;
  }
}
template <class T> void all_finite(const LaneStep& s, LaneRun& r) {
  const T* a = static_cast<const T*>(r.v[s.in[0]]);
  bool* y = static_cast<bool*>(r.v[s.out[0]]);
  bool more[tile_lanes];
  for (std::size_t k = 0; k < s.n; ++k) {
    const void* row = a + k * tile_lanes;
    kernels::lane_kernels<T>().is_finite(&row, k ? more : y, tile_lanes);
    const void* in[] = {y, more};
    if (k) kernels::lane_logic().logical_and(in, y, tile_lanes);
  }
}
template <class T> void sum_product(const LaneStep& s, LaneRun& r) {
  kernels::lane_kernels<T>().dot(s.n, static_cast<const T*>(r.v[s.in[0]]), static_cast<const T*>(r.v[s.in[1]]),
                                 static_cast<T*>(r.v[s.out[0]]));
}
// As norm_of, lane by lane.
template <class T> void norm(const LaneStep& s, LaneRun& r) {
  const T* a = static_cast<const T*>(r.v[s.in[0]]);
  T* y = static_cast<T*>(r.v[s.out[0]]);
  if (s.n == 1) {
    const void* in[] = {a};
    return kernels::lane_kernels<T>().abs(in, y, tile_lanes);
  }
  T squares[tile_lanes];
  kernels::lane_kernels<T>().dot(s.n, a, a, squares);
  kernels::vector_kernels<T>().sqrt(squares, y, tile_lanes);
  using Limits = std::numeric_limits<T>;
  for (std::size_t l = 0; l < tile_lanes; ++l) {
    if (squares[l] >= Limits::min() / Limits::epsilon() && squares[l] <= Limits::max()) continue;
    y[l] = reduce_detail::norm_of(squares[l], [&](bool down) {
      T elements[kernels::reduction_block];
      for (std::size_t k = 0; k < s.n; ++k) elements[k] = a[k * tile_lanes + l];
      return reduce_detail::scaled_squares(elements, s.n,
                                           down ? 1 / reduce_detail::norm_scale<T> : reduce_detail::norm_scale<T>);
    });
  }
}

template <class T> void choose_floating_sum(LaneKernel& k, const Op& op) {
  if (&op == &sum_op()) k.step.run = sum<T>;
  if (&op == &sum_product_op()) k.step.run = sum_product<T>;
  if (&op == &norm2_op()) k.step.run = norm<T>;
  if (&op == &all_finite_op()) k.step.run = all_finite<T>;
}

bool choose_sum(LaneKernel& k, const Equation& e, std::span<const Aval> in, std::span<const Aval> out, LaneData& data) {
  const Op& op = *e.op;
  const bool axes = &op == &sum_op() || &op == &max_op() || &op == &min_op();
  if (!axes && &op != &sum_product_op() && &op != &norm2_op() && &op != &all_finite_op()) return false;
  if (in[0].shape.size() == 0 || in[0].shape.size() > static_cast<std::int64_t>(kernels::reduction_block)) return false;
  k.step.n = static_cast<std::size_t>(in[0].shape.size());
  k.step.m = item_size(in[0].dtype);
  if (&op == &norm2_op() && out[0].shape.size() != 1) return false;
  if (axes) {
    auto runs = runs_of(in[0].shape, e.params.axes("axes"));
    if (!runs) return false;
    k.step.data = static_cast<const StepData*>(data.own(std::move(runs)));
  }
  if (&op == &max_op() || &op == &min_op() || (&op == &sum_op() && in[0].dtype == Dtype::int64)) {
    const Op& two = &op == &max_op() ? maximum_op() : &op == &min_op() ? minimum_op() : add_op();
    const Aval both[] = {out[0], out[0]};
    k.step.run = reduce;
    k.step.function = reinterpret_cast<Function>(elements_of(two, both, out[0]));
    return k.step.function != nullptr;
  }
  if (in[0].dtype == Dtype::float32) choose_floating_sum<float>(k, op);
  if (in[0].dtype == Dtype::float64) choose_floating_sum<double>(k, op);
  return k.step.run != nullptr;
}

// ---- Roundings of a derivative's noise ----------------------------------------------------------------------------------

struct RoundingData final : StepData {
  Params params;
  std::vector<Aval> avals;  // patterns, y, and tangents if there are
  Aval out;
  std::vector<double> ones;  // in y's dtype
  std::size_t elements = 0, y = 0, tangent = 0;
};
// The weights are the op's own, of ones.
template <class T> void rounding(const LaneStep& s, LaneRun& r) {
  const RoundingData& d = *static_cast<const RoundingData*>(s.data);
  const LaneKernels<T>& k = kernels::lane_kernels<T>();
  kernels::Scratch<T> weights(d.elements);
  const void* in[] = {r.v[s.in[0]], d.ones.data()};
  void* out[] = {weights.data()};
  detail::rounding_op().kernel({d.params, in, out, std::span(d.avals).first(2), {&d.out, 1}});
  const T *y = static_cast<const T*>(r.v[s.in[1]]),
          *tangent = d.tangent ? static_cast<const T*>(r.v[s.in[2]]) : nullptr;
  T zeros[tile_lanes] = {}, size[tile_lanes], weight[tile_lanes], moved[tile_lanes];
  bool finite[tile_lanes];
  const auto finite_or_zero = [&](const T* x, T* to) {
    const void* operand[] = {x};
    k.is_finite(operand, finite, tile_lanes);
    const void* choice[] = {finite, x, zeros};
    select_by_size(sizeof(T))(choice, to, tile_lanes);
  };
  for (std::size_t i = 0; i < d.elements; ++i) {
    T* to = static_cast<T*>(r.v[s.out[0]]) + i * tile_lanes;
    finite_or_zero(y + i % d.y * tile_lanes, size);
    const void* one[] = {size};
    k.abs(one, size, tile_lanes);
    std::fill_n(weight, tile_lanes, weights[i]);
    const void* product[] = {weight, size};
    k.mul(product, to, tile_lanes);
    if (!tangent) continue;
    finite_or_zero(tangent + i % d.tangent * tile_lanes, moved);
    const void* sum[] = {moved, to};
    k.add(sum, to, tile_lanes);
  }
}

bool choose_rounding(LaneKernel& k, const Equation& e, std::span<const Aval> in, std::span<const Aval> out,
                     const std::vector<bool>& lane, LaneData& data) {
  if (e.op != &detail::rounding_op() || lane[0] || e.params.integer("block") > 1 || out[0].shape.size() == 0)
    return false;
  auto d = std::make_unique<RoundingData>();
  d->params = e.params;
  d->avals.assign(in.begin(), in.end());
  d->out = out[0];
  d->elements = static_cast<std::size_t>(out[0].shape.size());
  d->y = static_cast<std::size_t>(in[1].shape.size());
  d->tangent = in.size() > 2 ? static_cast<std::size_t>(in[2].shape.size()) : 0;
  d->ones.assign(d->y, 1);
  if (in[1].dtype == Dtype::float32) std::fill_n(reinterpret_cast<float*>(d->ones.data()), d->y, 1.0F);
  k.takes_shared[0] = true;
  k.step.run = in[1].dtype == Dtype::float32 ? rounding<float> : rounding<double>;
  k.step.data = static_cast<const StepData*>(data.own(std::move(d)));
  return true;
}

}  // namespace lane_kernels

LaneKernel lane_kernel(const Equation& e, std::span<const Aval> in, std::span<const Aval> out,
                       const std::vector<bool>& lane, LaneData& data) {
  using namespace lane_kernels;
  LaneKernel k;
  k.step.name = e.op->name.c_str();
  if (e.op == &choose_op()) {
    k.step.run = choose;
    k.step.function = reinterpret_cast<Function>(select_by_size(item_size(out[0].dtype)));
    k.step.n = static_cast<std::size_t>(out[0].shape.size());
    k.step.m = item_size(out[0].dtype);
    return k;
  }
  if (choose_elementwise(k, e, in, out) || choose_move(k, e, in, out, data) || choose_sum(k, e, in, out, data) ||
      choose_rounding(k, e, in, out, lane, data) || choose_matrices(k, e, in, lane, data))
    return k;
  return {};
}

}  // namespace dini::exec
