// Which step of a tile does an op: elementwise ones, and those that move elements. (lane_sums.cpp has sums, lane_matrices.cpp products
// and matrices.)
#include <algorithm>
#include <cstring>

#include "dini/exec/lane_kernels.hpp"
#include "dini/exec/moves.hpp"
#include "dini/exec/steps.hpp"
#include "dini/ops/elementwise_ops.hpp"
#include "dini/transforms/rounding_ops.hpp"

namespace dini::exec {

namespace lane_kernels {

using kernels::LaneKernels;
using kernels::LaneLogic;
using kernels::TileChoice;

// ---- Elementwise ------------------------------------------------------------------------------------------------------

// What has kernels of its own for tiles, by dtype.
struct KnownOne {
  const Op& (*op)();
  TileFunction LaneKernels<float>::*f32;
  TileFunction LaneKernels<double>::*f64;
  TileFunction LaneLogic::*truth;
};
struct KnownTwo {
  const Op& (*op)();
  TileBinary LaneKernels<float>::*f32;
  TileBinary LaneKernels<double>::*f64;
  TileBinary LaneLogic::*truth, LaneLogic::*int64;
};
#define DINI_TILE(name) &LaneKernels<float>::name, &LaneKernels<double>::name
const KnownOne known_ones[] = {
    {abs_op, DINI_TILE(abs), nullptr},
    {neg_op, DINI_TILE(neg), nullptr},
    {isfinite_op, DINI_TILE(is_finite), nullptr},
    {logical_not_op, nullptr, nullptr, &LaneLogic::logical_not},
};
const KnownTwo known_twos[] = {
    {add_op, DINI_TILE(add), nullptr, &LaneLogic::add},
    {sub_op, DINI_TILE(sub), nullptr, &LaneLogic::sub},
    {mul_op, DINI_TILE(mul), nullptr, nullptr},
    {div_op, DINI_TILE(div), nullptr, nullptr},
    {maximum_op, DINI_TILE(maximum), &LaneLogic::logical_or, &LaneLogic::int_maximum},
    {minimum_op, DINI_TILE(minimum), &LaneLogic::logical_and, &LaneLogic::int_minimum},
    {lt_op, DINI_TILE(less), nullptr, &LaneLogic::less},
    {le_op, DINI_TILE(less_equal), nullptr, &LaneLogic::less_equal},
    {eq_op, DINI_TILE(equal), &LaneLogic::equal, &LaneLogic::int_equal},
    {ne_op, DINI_TILE(not_equal), &LaneLogic::not_equal, &LaneLogic::int_not_equal},
    {logical_and_op, nullptr, nullptr, &LaneLogic::logical_and, nullptr},
    {logical_or_op, nullptr, nullptr, &LaneLogic::logical_or, nullptr},
    {logical_xor_op, nullptr, nullptr, &LaneLogic::not_equal, nullptr},
};
#undef DINI_TILE

TileFunction known_one(const Op& op, Dtype dtype) {
  for (const KnownOne& k : known_ones) {
    if (&k.op() != &op) continue;
    if (dtype == Dtype::float32 && k.f32) return kernels::lane_kernels<float>().*k.f32;
    if (dtype == Dtype::float64 && k.f64) return kernels::lane_kernels<double>().*k.f64;
    if (dtype == Dtype::bool_ && k.truth) return kernels::lane_logic().*k.truth;
  }
  return {};
}

const TileChoice& select_by_size(std::size_t item) {
  const LaneLogic& logic = kernels::lane_logic();
  return item == 8 ? logic.select8 : item == 4 ? logic.select4 : logic.select1;
}

template <std::size_t operands> void element(const LaneStep& s, LaneRun& r) {
  const void* in[operands];
  for (std::size_t k = 0; k < operands; ++k) in[k] = r.v[s.in[k]];
  reinterpret_cast<TileElements>(s.function)(in, r.v[s.out[0]], s.n);
}

// The op's own kernel where there is none for tiles.
bool choose_elementwise(LaneKernel& k, const Equation& e, std::span<const Aval> in, std::span<const Aval> out,
                        const std::vector<bool>& lane) {
  if (in.empty() || in.size() > 3 || out.size() != 1) return false;
  TileFunction f;
  if (e.op == &select_op()) {
    f = select_by_size(item_size(out[0].dtype)).by_shared[!lane[1]][!lane[2]];
    k.takes_shared = {false, true, true};
  } else if (const TileBinary* two = in.size() == 2 ? known_two(*e.op, in[0].dtype) : nullptr) {
    f = !lane[0] ? two->left_shared : !lane[1] ? two->right_shared : two->lanes;
    k.takes_shared = {true, true};
  } else if (in.size() == 1) {
    f = known_one(*e.op, in[0].dtype);
  }
  if (f) {
    k.step.run = f.step;
  } else {
    const TileElements own = e.op->element ? e.op->element(in, out[0]) : nullptr;
    if (!own) return false;
    k.step.run = in.size() == 1 ? element<1> : in.size() == 2 ? element<2> : element<3>;
    k.step.function = reinterpret_cast<Function>(own);
  }
  k.step.n = static_cast<std::uint32_t>(out[0].shape.size()) * static_cast<std::uint32_t>(tile_lanes);
  k.in_place = in.size();
  return true;
}

// One truth value for all elements.
template <bool shared_a, bool shared_b> void choose(const LaneStep& s, LaneRun& r) {
  const auto f = reinterpret_cast<TileElements>(s.function);
  const std::size_t row = tile_lanes * s.m;
  const char *a = static_cast<const char*>(r.v[s.in[1]]), *b = static_cast<const char*>(r.v[s.in[2]]);
  char* y = static_cast<char*>(r.v[s.out[0]]);
  for (std::size_t k = 0; k < s.n; ++k, y += row) {
    const void* in[] = {r.v[s.in[0]], a + k * (shared_a ? s.m : row), b + k * (shared_b ? s.m : row)};
    f(in, y, tile_lanes);
  }
}
bool choose_choice(LaneKernel& k, const Equation& e, std::span<const Aval> out, const std::vector<bool>& lane) {
  if (e.op != &choose_op()) return false;
  k.step.run = lane[1]   ? lane[2] ? choose<false, false> : choose<false, true>
                 : lane[2] ? choose<true, false>
                         : choose<true, true>;
  k.step.function =
      reinterpret_cast<Function>(select_by_size(item_size(out[0].dtype)).by_shared[!lane[1]][!lane[2]].run);
  k.step.n = static_cast<std::uint32_t>(out[0].shape.size());
  k.step.m = static_cast<std::uint32_t>(item_size(out[0].dtype));
  k.takes_shared = {false, true, true};
  return true;
}

// ---- Moves ------------------------------------------------------------------------------------------------------------

struct MovedRows final : StepData {
  struct From {
    std::uint32_t operand = 0, row = 0;
    std::size_t bytes = 0;
  };
  std::vector<From> runs;  // rows one after the other
  std::size_t row_bytes = 0;
};
void move(const LaneStep& s, LaneRun& r) {
  const MovedRows& d = *static_cast<const MovedRows*>(s.data);
  char* y = static_cast<char*>(r.v[s.out[0]]);
  for (const MovedRows::From& from : d.runs) {
    std::memcpy(y, static_cast<const char*>(r.v[s.in[from.operand]]) + from.row * d.row_bytes, from.bytes);
    y += from.bytes;
  }
}

bool choose_move(LaneKernel& k, const Equation& e, std::span<const Aval> in, std::span<const Aval> out,
                 LaneData& data) {
  const auto runs = moved_runs(*e.op, e.params, in, out[0]);
  if (!runs) return false;
  auto d = std::make_unique<MovedRows>();
  d->row_bytes = tile_lanes * item_size(out[0].dtype);
  for (const MovedRun& r : *runs) d->runs.push_back({r.operand, r.from, r.count * d->row_bytes});
  k.step.run = move;
  k.step.data = static_cast<const StepData*>(data.own(std::move(d)));
  return true;
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
void rounding_weights(const Step& s, void** v, const RunContext&) {
  const RoundingData& d = *static_cast<const RoundingData*>(static_cast<const StepData*>(s.data));
  const void* in[] = {v[s.a], d.ones.data()};
  void* out[] = {v[s.d]};
  detail::rounding_op().kernel({d.params, in, out, std::span(d.avals).first(2), {&d.out, 1}});
}
template <class T> void rounding(const LaneStep& s, LaneRun& r) {
  const RoundingData& d = *static_cast<const RoundingData*>(s.data);
  const LaneKernels<T>& k = kernels::lane_kernels<T>();
  const T* weights = static_cast<const T*>(r.v[s.in[0]]);
  const T *y = static_cast<const T*>(r.v[s.in[1]]),
          *tangent = d.tangent ? static_cast<const T*>(r.v[s.in[2]]) : nullptr;
  for (std::size_t i = 0; i < d.elements; ++i)
    k.rounding(weights[i], y + i % d.y * tile_lanes, tangent ? tangent + i % d.tangent * tile_lanes : nullptr,
               static_cast<T*>(r.v[s.out[0]]) + i * tile_lanes);
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
  k.prepare.run = rounding_weights;
  k.prepare.data = k.step.data;
  k.prepare.name = "weights";
  k.prepared_bytes = static_cast<std::size_t>(out[0].shape.size()) * item_size(out[0].dtype);
  return true;
}

}  // namespace lane_kernels

namespace lane_kernels {
const TileBinary* known_two(const Op& op, Dtype dtype) {
  for (const KnownTwo& k : known_twos) {
    if (&k.op() != &op) continue;
    if (dtype == Dtype::float32 && k.f32) return &(kernels::lane_kernels<float>().*k.f32);
    if (dtype == Dtype::float64 && k.f64) return &(kernels::lane_kernels<double>().*k.f64);
    if (dtype == Dtype::bool_ && k.truth) return &(kernels::lane_logic().*k.truth);
    if (dtype == Dtype::int64 && k.int64) return &(kernels::lane_logic().*k.int64);
  }
  return nullptr;
}
}  // namespace lane_kernels

LaneKernel lane_kernel(const Equation& e, std::span<const Aval> in, std::span<const Aval> out,
                       const std::vector<bool>& lane, LaneData& data) {
  using namespace lane_kernels;
  LaneKernel k;
  k.step.name = e.op->name.c_str();
  if (choose_choice(k, e, out, lane) || choose_elementwise(k, e, in, out, lane) || choose_move(k, e, in, out, data) ||
      choose_sum(k, e, in, data) || choose_index(k, e, in, out, data) || choose_rounding(k, e, in, out, lane, data) ||
      choose_factors(k, e, in, out, data) || choose_matrices(k, e, in, lane, data))
    return k;
  return {};
}

}  // namespace dini::exec
