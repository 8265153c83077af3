#include "dini/exec/moves.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "dini/ops/shaping_ops.hpp"

namespace dini::exec {

namespace moves {

// Beyond that many elements of the operands or the result, or runs of them, the op's kernel is as fast, and a list takes too much
// time and memory.
constexpr std::int64_t most_elements = 16384;
constexpr std::size_t most_runs = 1024;

template <class T> void by_places(const Step& s, void** v, const RunContext&) {
  const MovesData& d = *static_cast<const MovesData*>(s.data);
  const T* x = static_cast<const T*>(v[d.in[0]]);
  T* y = static_cast<T*>(v[d.out]);
  for (std::size_t i = 0; i < d.places.size(); ++i) y[i] = x[d.places[i]];
}

void by_runs(const Step& s, void** v, const RunContext&) {
  const MovesData& d = *static_cast<const MovesData*>(s.data);
  char* y = static_cast<char*>(v[d.out]);
  for (const MovesData::Run& r : d.runs) {
    const char* x = static_cast<const char*>(v[d.in[r.operand]]) + r.from;
    if (r.bytes == 8)
      std::memcpy(y, x, 8);
    else
      std::memcpy(y, x, r.bytes);
    y += r.bytes;
  }
}

}  // namespace moves

std::optional<std::vector<MovedRun>> moved_runs(const Op& op, const Params& params, std::span<const Aval> in,
                                                const Aval& out) {
  using namespace detail;
  const Op* const known_moves[] = {&transpose_op(), &broadcast_op(),   &slice_op(),
                                   &reverse_op(),   &concatenate_op(), &pad_op()};
  if (std::find(std::begin(known_moves), std::end(known_moves), &op) == std::end(known_moves)) return {};
  // The op itself says where elements come from, of the elements' numbers.
  constexpr std::int64_t next_operand = std::int64_t{1} << 32;
  std::vector<std::vector<std::int64_t>> numbers;
  std::vector<const void*> operands;
  std::vector<Aval> in_avals, out_avals{{out.shape, Dtype::int64, false}};
  for (std::size_t j = 0; j < in.size(); ++j) {
    numbers.emplace_back(static_cast<std::size_t>(in[j].shape.size()));
    std::iota(numbers[j].begin(), numbers[j].end(), static_cast<std::int64_t>(j) * next_operand);
    in_avals.push_back({in[j].shape, Dtype::int64, false});
  }
  for (const auto& list : numbers) operands.push_back(list.data());
  std::vector<std::int64_t> moved(static_cast<std::size_t>(out.shape.size()));
  void* results[] = {moved.data()};
  op.kernel({params, operands, results, in_avals, out_avals});
  std::vector<MovedRun> runs;
  for (std::size_t i = 0; i < moved.size(); ++i) {
    if (i == 0 || moved[i] != moved[i - 1] + 1)
      runs.push_back({static_cast<std::uint32_t>(moved[i] / next_operand),
                      static_cast<std::uint32_t>(moved[i] % next_operand), 0});
    ++runs.back().count;
  }
  return runs;
}

Step moves_step(const Op& op, const Params& params, std::span<const Aval> in, const Aval& out,
                std::unique_ptr<MovesData>& data) {
  Step s{nullptr};
  s.name = op.name.c_str();
  const std::int64_t size = out.shape.size();
  const auto large = [](const Aval& a) { return a.shape.size() > moves::most_elements; };
  if (size == 0 || large(out) || std::any_of(in.begin(), in.end(), large)) return s;
  const auto runs = moved_runs(op, params, in, out);
  if (!runs) return s;
  const std::size_t item = item_size(out.dtype);
  if (runs->size() == 1 && in.size() == 1) return part_step(op.name.c_str(), runs->front().from * item, size * item);
  if (runs->size() > moves::most_runs) return s;
  data = std::make_unique<MovesData>();
  const bool one = std::all_of(runs->begin(), runs->end(), [](const MovedRun& r) { return r.operand == 0; });
  if (one && runs->size() * 4 > static_cast<std::size_t>(size)) {
    for (const MovedRun& r : *runs) {
      for (std::size_t i = 0; i < r.count; ++i) data->places.push_back(r.from + static_cast<std::uint32_t>(i));
    }
    s.run = item == 1   ? moves::by_places<std::uint8_t>
            : item == 4 ? moves::by_places<std::uint32_t>
                        : moves::by_places<std::uint64_t>;
  } else {
    for (const MovedRun& r : *runs) data->runs.push_back({r.operand, r.from * item, r.count * item});
    s.run = moves::by_runs;
  }
  s.data = static_cast<const StepData*>(data.get());
  return s;
}

}  // namespace dini::exec
