// Loops and branches of a tile, equations that are run lane by lane in it, copies.
#include <algorithm>
#include <cstring>

#include "dini/exec/lane_plan.hpp"
#include "dini/exec/subroutine.hpp"
#include "dini/exec/steps.hpp"

namespace dini::exec {

namespace lane_control {

constexpr std::uint64_t all_lanes = ~std::uint64_t{0};

// The first time for all lanes, so that every lane holds a value of its kind.
void write(const LaneWhileData::Leaving& r, LaneRun& run, std::uint64_t lanes, bool first) {
  kernels::lane_logic().copy_lanes(first ? all_lanes : lanes, run.v[r.carry], run.v[r.result], r.rows, r.item);
}

void while_loop(const LaneStep& s, LaneRun& r) {
  const LaneWhileData& d = *static_cast<const LaneWhileData*>(s.data);
  const std::uint64_t entered = r.live;
  bool first = true;
  while (true) {
    context_of(r).poll_turn();
    run_lane_block(d.cond, r);
    const std::uint64_t going = kernels::lanes_of(r.v[d.condition]) & r.live, leaving = r.live & ~going;
    if (leaving) {
      for (const LaneWhileData::Leaving& l : d.leaving) write(l, r, leaving, first);
      first = false;
    }
    if (!going) break;
    r.live = going;
    run_lane_block(d.body, r);
    for (const auto& [a, b] : d.exchanged) std::swap(r.v[a], r.v[b]);
  }
  r.live = entered;
}

void cond(const LaneStep& s, LaneRun& r) {
  const LaneCondData& d = *static_cast<const LaneCondData*>(s.data);
  const auto* index = static_cast<const std::int64_t*>(r.v[d.index]);
  const std::uint64_t entered = r.live;
  const auto last = static_cast<std::int64_t>(d.branches.size()) - 1;
  std::uint64_t left = entered;
  bool first = true;
  for (std::int64_t branch = 0; left; ++branch) {
    std::uint64_t taken = left;
    if (branch < last) {
      std::uint64_t those = 0;
      for (std::size_t l = 0; l < tile_lanes; ++l) those |= std::uint64_t{index[l] <= branch} << l;
      taken &= those;
    }
    left &= ~taken;
    if (!taken) continue;
    r.live = taken;
    run_lane_block(d.branches[static_cast<std::size_t>(branch)], r);
    for (const LaneCondData::Result& result : d.results[static_cast<std::size_t>(branch)])
      write(result, r, taken, first);
    first = false;
  }
  r.live = entered;
}

// ---- Lane by lane -----------------------------------------------------------------------------------------------------

template <class T> void gather(const void* rows, void* to, std::size_t n, std::size_t lane) {
  for (std::size_t k = 0; k < n; ++k) static_cast<T*>(to)[k] = static_cast<const T*>(rows)[k * tile_lanes + lane];
}
template <class T> void scatter(const void* from, void* rows, std::size_t n, std::size_t lane) {
  for (std::size_t k = 0; k < n; ++k) static_cast<T*>(rows)[k * tile_lanes + lane] = static_cast<const T*>(from)[k];
}

void by_lane(const LaneStep& s, LaneRun& r) {
  const LaneByLaneData& d = *static_cast<const LaneByLaneData*>(s.data);
  char* memory = static_cast<char*>(r.v[d.workspace]);
  void** slots = reinterpret_cast<void**>(memory);
  fill_table(*d.plan, slots, memory + d.arrays);
  for (const LaneByLaneData::Operand& o : d.in) slots[o.inner] = o.shared ? r.v[o.outer] : memory + o.offset;
  const auto put = [&](std::size_t lane) {
    for (const LaneByLaneData::Operand& o : d.out) {
      const auto f = o.item == 8 ? scatter<std::uint64_t> : o.item == 4 ? scatter<std::uint32_t> : scatter<char>;
      f(slots[o.inner], r.v[o.outer], o.elements, lane);
    }
  };
  for (std::uint64_t live = r.live; live; live &= live - 1) {
    const auto lane = static_cast<std::size_t>(__builtin_ctzll(live));
    context_of(r).poll_turn();
    for (const LaneByLaneData::Operand& o : d.in) {
      if (o.shared) continue;
      const auto f = o.item == 8 ? gather<std::uint64_t> : o.item == 4 ? gather<std::uint32_t> : gather<char>;
      f(r.v[o.outer], slots[o.inner], o.elements, lane);
    }
    for (const LaneByLaneData::Operand& o : d.out) {
      if (o.offset) slots[o.inner] = memory + o.offset;
    }
    run_block(d.plan->main, slots, context_of(r));
    put(lane);
  }
  // Lanes that nobody waits for get some lane's values, which are of their kind.
  for (std::uint64_t other = ~r.live; other; other &= other - 1) put(static_cast<std::size_t>(__builtin_ctzll(other)));
}

// ---- Copies -----------------------------------------------------------------------------------------------------------

void copy_rows(const LaneStep& s, LaneRun& r) { std::memcpy(r.v[s.out[0]], r.v[s.in[0]], s.n); }

template <class T> void spread(const Step& s, void** v, const RunContext&) {
  const T* a = static_cast<const T*>(v[s.a]);
  T* y = static_cast<T*>(v[s.d]);
  for (std::size_t k = 0; k < s.n; ++k) std::fill_n(y + k * tile_lanes, tile_lanes, a[k]);
}

std::size_t rounded(std::size_t n) { return (n + 63) / 64 * 64; }

}  // namespace lane_control

LaneStep copy_rows_step(std::size_t bytes) {
  LaneStep s{lane_control::copy_rows};
  s.n = static_cast<std::uint32_t>(bytes);
  s.name = "copy";
  return s;
}

Step spread_step(const Aval& aval) {
  const std::size_t item = item_size(aval.dtype);
  Step s{item == 8   ? lane_control::spread<std::uint64_t>
         : item == 4 ? lane_control::spread<std::uint32_t>
                     : lane_control::spread<char>};
  s.n = static_cast<std::size_t>(aval.shape.size());
  s.name = "spread";
  return s;
}

LaneStep lane_while_step(const LaneWhileData& data) {
  LaneStep s{lane_control::while_loop};
  s.data = static_cast<const StepData*>(&data);
  s.name = "while";
  return s;
}

LaneStep lane_cond_step(const LaneCondData& data) {
  LaneStep s{lane_control::cond};
  s.data = static_cast<const StepData*>(&data);
  s.name = "cond";
  return s;
}

std::unique_ptr<Program> single_equation(const Program& p, const Equation& e) {
  auto one = std::make_unique<Program>();
  Equation copy{e.op, e.params, {}, {}};
  for (int v : e.inputs) copy.inputs.push_back(add_variable(*one, p.variables[static_cast<std::size_t>(v)]));
  for (int v : e.outputs) copy.outputs.push_back(add_variable(*one, p.variables[static_cast<std::size_t>(v)]));
  one->inputs = copy.inputs;
  one->outputs = copy.outputs;
  one->equations.push_back(copy);
  return one;
}

std::unique_ptr<LaneByLaneData> lane_by_lane(const Program& p, const Equation& e, const std::vector<bool>& lane) {
  auto data = std::make_unique<LaneByLaneData>();
  const auto one = single_equation(p, e);
  data->plan = make_plan(*one, one->output_avals());
  const Plan& plan = *data->plan;
  data->arrays = table_bytes(plan);
  data->bytes = data->arrays + lane_control::rounded(plan.workspace_bytes);
  const auto operand = [&](const Aval& a, std::uint32_t inner) {
    LaneByLaneData::Operand o;
    o.inner = inner;
    o.elements = static_cast<std::size_t>(a.shape.size());
    o.item = item_size(a.dtype);
    return o;
  };
  const auto place = [&](LaneByLaneData::Operand& o) {
    o.offset = data->bytes;
    data->bytes += lane_control::rounded(o.elements * o.item);
  };
  for (std::size_t k = 0; k < plan.input_avals.size(); ++k) {
    LaneByLaneData::Operand o = operand(plan.input_avals[k], static_cast<std::uint32_t>(k));
    o.shared = !lane[k];
    if (!o.shared) place(o);
    data->in.push_back(o);
  }
  for (const OutputSource& from : plan.outputs) {
    LaneByLaneData::Operand o = operand(from.aval, slot_of(plan, from));
    if (from.kind == Slot::output) place(o);
    data->out.push_back(o);
  }
  return data;
}

LaneStep lane_by_lane_step(const LaneByLaneData& data, const char* name) {
  LaneStep s{lane_control::by_lane};
  s.data = static_cast<const StepData*>(&data);
  s.name = name;
  return s;
}

// ---- Printed ----------------------------------------------------------------------------------------------------------

std::string print(const LaneBlock& block, const std::string& indent) {
  std::string out;
  for (const LaneStep& s : block) {
    out += indent + s.name;
    for (std::uint32_t slot : s.in) out += slot ? " " + std::to_string(slot) : "";
    out += s.out[0] ? " -> " + std::to_string(s.out[0]) : "";
    out += "\n";
    if (s.data) out += static_cast<const StepData*>(s.data)->str(indent + "  ");
  }
  return out;
}

std::string LanePlan::str(const std::string& indent) const {
  return print(shared, indent) + indent + "each tile, " + std::to_string(slots.size()) + " slots, " +
         std::to_string(workspace_bytes) + " bytes\n" + print(main, indent);
}
std::string LaneWhileData::str(const std::string& indent) const {
  return indent + "condition " + std::to_string(condition) + "\n" + print(cond, indent) + indent + "body\n" +
         print(body, indent);
}
std::string LaneCondData::str(const std::string& indent) const {
  std::string out;
  for (std::size_t k = 0; k < branches.size(); ++k)
    out += indent + "branch " + std::to_string(k) + " of " + std::to_string(index) + "\n" + print(branches[k], indent);
  return out;
}
std::string LaneByLaneData::str(const std::string& indent) const {
  return print(plan->main, indent + "lane by lane: ");
}

}  // namespace dini::exec
