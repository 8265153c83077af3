// From a lane's Program to the plan of a tile.
#include <algorithm>
#include <iterator>
#include <limits>
#include <map>

#include "dini/exec/lane_plan.hpp"
#include "dini/exec/plan_build.hpp"
#include "dini/exec/steps.hpp"
#include "dini/exec/subroutine.hpp"

namespace dini::exec {

namespace {

constexpr int nobody = -1;

// A value of a Program on its way into a block: nothing yet, rows, or what all lanes share.
struct Place {
  int slot = -1;
  bool lane = false;
};

struct LaneLevel {
  LaneLevel(const Program& program, int number)
      : p(program), id(number), place(program.variables.size()), last(program.variables.size(), -1) {
    for (std::size_t k = 0; k < p.equations.size(); ++k) {
      for (int v : p.equations[k].inputs) last[static_cast<std::size_t>(v)] = static_cast<int>(k);
    }
    for (int v : p.outputs) last[static_cast<std::size_t>(v)] = std::numeric_limits<int>::max();
  }
  Place& at(int v) { return place[static_cast<std::size_t>(v)]; }
  const Aval& aval(int v) const { return p.variables[static_cast<std::size_t>(v)]; }
  bool used(int v) const { return last[static_cast<std::size_t>(v)] >= 0; }
  const Program& p;
  int id;
  std::vector<Place> place;
  std::vector<int> last;  // the last equation that reads it
};

class LanePlanBuilder {
 public:
  explicit LanePlanBuilder(LanePlan& plan) : plan_(plan), data_(plan.data) {}
  void build(const Program& p, const std::vector<bool>& lane, const std::vector<bool>& summed);

 private:
  int add_slot(Slot::Kind kind, std::size_t bytes, int owner = nobody);
  int add_rows(const Aval& a, int owner) { return add_slot(Slot::temporary, bytes_of(a) * tile_lanes, owner); }
  int result(LaneLevel& l, int v);
  void bind(LaneLevel& l, int v, Place place);
  bool dying(const LaneLevel& l, int v, int equation) const;
  void touch(int slot);
  void live(std::span<const int> slots, int last);
  int rows(const LaneLevel& l, int v);
  void constants(LaneLevel& l);
  void copy(LaneBlock& block, int from, int to, std::size_t bytes);

  void lower(LaneLevel& l, LaneBlock& block);
  void lower_shared(LaneLevel& l, const Equation& e);
  bool lower_kernel(LaneLevel& l, LaneBlock& block, const Equation& e, int number);
  int carry(LaneLevel& l, LaneBlock& block, const Equation& e, std::size_t k, int number);
  void lower_while(LaneLevel& l, LaneBlock& block, const Equation& e, int number);
  void lower_cond(LaneLevel& l, LaneBlock& block, const Equation& e);
  void lower_by_lane(LaneLevel& l, LaneBlock& block, const Equation& e);
  std::vector<bool> lanes_of_inputs(const LaneLevel& l, const Equation& e) const;
  bool is_outer(const LaneLevel& l, const Equation& e) const;

  LanePlan& plan_;
  LaneData data_;
  int clock_ = 0, levels_ = 0;
  std::vector<int> owner_, last_use_;  // by slot: the level that may write over it, and its last equation that reads it
  std::vector<int> touched_;
  std::vector<const Equation*> left_out_;
  std::map<std::pair<int, Dtype>, int> spread_;               // rows of what is shared, by its slot
  std::map<std::pair<std::string, std::string>, int> known_;  // constants, by type and bytes
};

// ---- Slots ------------------------------------------------------------------------------------------------------------

int LanePlanBuilder::add_slot(Slot::Kind kind, std::size_t bytes, int owner) {
  Slot s;
  s.kind = kind;
  s.bytes = bytes;
  plan_.slots.push_back(s);
  owner_.push_back(owner);
  last_use_.push_back(-1);
  return static_cast<int>(plan_.slots.size()) - 1;
}

void LanePlanBuilder::bind(LaneLevel& l, int v, Place place) {
  l.at(v) = place;
  int& last = last_use_[static_cast<std::size_t>(place.slot)];
  if (owner_[static_cast<std::size_t>(place.slot)] == l.id) last = std::max(last, l.last[static_cast<std::size_t>(v)]);
}

int LanePlanBuilder::result(LaneLevel& l, int v) {
  const int slot = add_rows(l.aval(v), l.id);
  bind(l, v, {slot, true});
  return slot;
}

bool LanePlanBuilder::dying(const LaneLevel& l, int v, int equation) const {
  const Place& place = l.place[static_cast<std::size_t>(v)];
  const auto s = static_cast<std::size_t>(place.slot);
  return place.lane && owner_[s] == l.id && last_use_[s] <= equation;
}

void LanePlanBuilder::touch(int slot) {
  Slot& s = plan_.slots[static_cast<std::size_t>(slot)];
  if (s.first < 0) s.first = clock_;
  if (s.last != clock_) touched_.push_back(slot);
  s.last = clock_;
}

// All these places are alive at once from the first use of any of them until then: pointers to them change places.
void LanePlanBuilder::live(std::span<const int> slots, int last) {
  int first = last;
  for (int slot : slots) {
    const Slot& s = plan_.slots[static_cast<std::size_t>(slot)];
    if (s.first >= 0) first = std::min(first, s.first);
  }
  for (int slot : slots) {
    Slot& s = plan_.slots[static_cast<std::size_t>(slot)];
    s.first = first, s.last = std::max(s.last, last);
  }
}

// Rows in memory that nothing else is ever in: they are made once for all tiles.
int LanePlanBuilder::rows(const LaneLevel& l, int v) {
  const Place& place = l.place[static_cast<std::size_t>(v)];
  if (place.lane) return place.slot;
  const auto [at, is_new] = spread_.try_emplace({place.slot, l.aval(v).dtype}, -1);
  if (is_new) {
    at->second = add_slot(Slot::dedicated, bytes_of(l.aval(v)) * tile_lanes);
    Step step = spread_step(l.aval(v));
    step.a = static_cast<std::uint32_t>(place.slot), step.d = static_cast<std::uint32_t>(at->second);
    plan_.shared.steps.push_back(step);
  }
  return at->second;
}

void LanePlanBuilder::constants(LaneLevel& l) {
  for (const auto& [v, a] : l.p.constants) {
    const std::string bytes(static_cast<const char*>(a.raw()), bytes_of(a.aval()));
    const auto [at, is_new] = known_.try_emplace({a.aval().str(), bytes}, -1);
    if (is_new) {
      at->second = add_slot(Slot::constant, bytes_of(a.aval()));
      plan_.constants.emplace_back(static_cast<std::uint32_t>(at->second), a);
    }
    l.at(v) = {at->second, false};
  }
}

void LanePlanBuilder::copy(LaneBlock& block, int from, int to, std::size_t bytes) {
  ++clock_;
  touch(from);
  touch(to);
  LaneStep step = copy_rows_step(bytes);
  step.in[0] = static_cast<std::uint32_t>(from), step.out[0] = static_cast<std::uint32_t>(to);
  block.push_back(step);
}

// ---- Equations --------------------------------------------------------------------------------------------------------

std::vector<bool> LanePlanBuilder::lanes_of_inputs(const LaneLevel& l, const Equation& e) const {
  std::vector<bool> out;
  for (int v : e.inputs) out.push_back(l.place[static_cast<std::size_t>(v)].lane);
  return out;
}

void LanePlanBuilder::lower(LaneLevel& l, LaneBlock& block) {
  for (std::size_t k = 0; k < l.p.equations.size(); ++k) {
    const Equation& e = l.p.equations[k];
    if (std::find(left_out_.begin(), left_out_.end(), &e) != left_out_.end()) continue;
    if (e.op == known().reshape) {
      bind(l, e.outputs[0], l.at(e.inputs[0]));
      continue;
    }
    const std::vector<bool> lane = lanes_of_inputs(l, e);
    const bool any_lane = std::find(lane.begin(), lane.end(), true) != lane.end();
    const Kind kind = kind_of(*e.op);
    if (!any_lane && kind == Kind::kernel) {
      lower_shared(l, e);
    } else if (kind == Kind::while_loop && !e.params.has("watch")) {
      lower_while(l, block, e, static_cast<int>(k));
    } else if (kind == Kind::cond) {
      lower_cond(l, block, e);
    } else if (kind != Kind::kernel || !lower_kernel(l, block, e, static_cast<int>(k))) {
      lower_by_lane(l, block, e);
    }
  }
}

// What no lane has a part in is computed before the first tile, in memory of its own.
void LanePlanBuilder::lower_shared(LaneLevel& l, const Equation& e) {
  const auto one = single_equation(l.p, e);
  auto data = std::make_unique<SubroutineData>(make_plan(*one, one->output_avals()));
  data->workspace = static_cast<std::uint32_t>(add_slot(Slot::dedicated, data->workspace_bytes()));
  for (int v : e.inputs) data->in.push_back(static_cast<std::uint32_t>(l.at(v).slot));
  for (int v : e.outputs) {
    const int slot = add_slot(Slot::dedicated, bytes_of(l.aval(v)));
    l.at(v) = {slot, false};
    data->out.push_back(static_cast<std::uint32_t>(slot));
  }
  plan_.shared.steps.push_back(subroutine_step(*data_.own(std::move(data))));
}

bool LanePlanBuilder::lower_kernel(LaneLevel& l, LaneBlock& block, const Equation& e, int number) {
  LaneStep step;
  const std::size_t outputs = e.outputs.size();
  if (e.inputs.size() > (outputs == 3 ? third_output : std::size(step.in)) || outputs > 3) return false;
  std::vector<Aval> in, out;
  for (int v : e.inputs) in.push_back(l.aval(v));
  for (int v : e.outputs) out.push_back(l.aval(v));
  const LaneKernel kernel = lane_kernel(e, in, out, lanes_of_inputs(l, e), data_);
  if (!kernel.step.run) return false;
  step = kernel.step;
  std::vector<int> slots;
  for (std::size_t k = 0; k < in.size(); ++k)
    slots.push_back(kernel.takes_shared[k] && !l.at(e.inputs[k]).lane ? l.at(e.inputs[k]).slot : rows(l, e.inputs[k]));
  if (kernel.prepare.run) {
    Step prepare = kernel.prepare;
    prepare.a = static_cast<std::uint32_t>(slots[0]);
    slots[0] = add_slot(Slot::dedicated, kernel.prepared_bytes);
    prepare.d = static_cast<std::uint32_t>(slots[0]);
    plan_.shared.steps.push_back(prepare);
  }
  ++clock_;
  for (std::size_t k = 0; k < in.size(); ++k) {
    touch(slots[k]);
    step.in[k] = static_cast<std::uint32_t>(slots[k]);
  }
  int over = -1;
  for (std::size_t k = 0; k < std::min(kernel.in_place, in.size()) && over < 0; ++k) {
    if (in[k].dtype == out[0].dtype && bytes_of(in[k]) == bytes_of(out[0]) && dying(l, e.inputs[k], number))
      over = slots[k];
  }
  if (over >= 0) bind(l, e.outputs[0], {over, true});
  for (std::size_t k = 0; k < out.size(); ++k) {
    const int slot = over >= 0 && k == 0 ? over : result(l, e.outputs[k]);
    touch(slot);
    (k < std::size(step.out) ? step.out[k] : step.in[third_output]) = static_cast<std::uint32_t>(slot);
  }
  block.push_back(step);
  return true;
}

void LanePlanBuilder::lower_by_lane(LaneLevel& l, LaneBlock& block, const Equation& e) {
  LaneByLaneData* data = data_.own(lane_by_lane(l.p, e, lanes_of_inputs(l, e)));
  data->workspace = static_cast<std::uint32_t>(add_slot(Slot::temporary, data->bytes));
  ++clock_;
  touch(static_cast<int>(data->workspace));
  for (std::size_t k = 0; k < data->in.size(); ++k) {
    data->in[k].outer = static_cast<std::uint32_t>(l.at(e.inputs[k]).slot);
    touch(l.at(e.inputs[k]).slot);
  }
  for (std::size_t k = 0; k < data->out.size(); ++k) {
    const int slot = result(l, e.outputs[k]);
    touch(slot);
    data->out[k].outer = static_cast<std::uint32_t>(slot);
  }
  block.push_back(lane_by_lane_step(*data, e.op->name.c_str()));
}

// ---- Loops and branches -----------------------------------------------------------------------------------------------

// The place of a carry: a value that nobody else needs becomes it, another is copied.
int LanePlanBuilder::carry(LaneLevel& l, LaneBlock& block, const Equation& e, std::size_t k, int number) {
  const int v = e.inputs[k], from = rows(l, v);
  bool only = dying(l, v, number);
  for (std::size_t j = 0; j < e.inputs.size(); ++j) only = only && (j == k || l.at(e.inputs[j]).slot != from);
  if (only) {
    owner_[static_cast<std::size_t>(from)] = nobody;
    return from;
  }
  const std::size_t bytes = bytes_of(l.aval(v)) * tile_lanes;
  const int slot = add_slot(Slot::temporary, bytes);
  copy(block, from, slot, bytes);
  return slot;
}

void LanePlanBuilder::lower_while(LaneLevel& l, LaneBlock& block, const Equation& e, int number) {
  const auto count = static_cast<std::size_t>(e.params.integer("carry")),
             captured = static_cast<std::size_t>(e.params.integer("cond_captured"));
  LaneWhileData* data = data_.own(std::make_unique<LaneWhileData>());
  std::vector<Place> carries;
  for (std::size_t k = 0; k < count; ++k) carries.push_back({carry(l, block, e, k, number), true});
  const int start = ++clock_;
  const std::size_t touched = touched_.size();
  for (std::size_t k = 0; k < count; ++k) {
    const int v = e.outputs[k];
    if (!l.used(v)) continue;
    const int slot = result(l, v);
    touch(slot);
    data->leaving.push_back({static_cast<std::uint32_t>(carries[k].slot), static_cast<std::uint32_t>(slot),
                             static_cast<std::size_t>(l.aval(v).shape.size()), item_size(l.aval(v).dtype)});
  }
  const auto enter = [&](LaneLevel& inner, std::size_t first, std::size_t others) {
    for (std::size_t k = 0; k < count; ++k) inner.at(inner.p.inputs[k]) = carries[k];
    for (std::size_t k = 0; k < others; ++k) inner.at(inner.p.inputs[count + k]) = l.at(e.inputs[first + k]);
    constants(inner);
  };
  LaneLevel cond(program_of(e, "cond"), ++levels_);
  enter(cond, count, captured);
  lower(cond, data->cond);
  const int condition = rows(cond, cond.p.outputs[0]);
  data->condition = static_cast<std::uint32_t>(condition);
  ++clock_;
  touch(condition);

  LaneLevel body(program_of(e, "body"), ++levels_);
  enter(body, count + captured, e.inputs.size() - count - captured);
  lower(body, data->body);
  // What the body makes changes places with the carry; anything else is copied first.
  std::vector<int> taken;
  for (std::size_t k = 0; k < count; ++k) {
    const int v = body.p.outputs[k];
    int from = rows(body, v);
    if (from == carries[k].slot) continue;
    const bool own =
        owner_[static_cast<std::size_t>(from)] == body.id && std::find(taken.begin(), taken.end(), from) == taken.end();
    if (!own) {
      const std::size_t bytes = bytes_of(body.aval(v)) * tile_lanes;
      const int fresh = add_slot(Slot::temporary, bytes);
      copy(data->body, from, fresh, bytes);
      from = fresh;
    }
    taken.push_back(from);
    data->exchanged.emplace_back(carries[k].slot, from);
  }
  ++clock_;
  for (const LaneWhileData::Leaving& r : data->leaving) touch(static_cast<int>(r.result));
  for (std::size_t k = touched; k < touched_.size(); ++k) {
    Slot& s = plan_.slots[static_cast<std::size_t>(touched_[k])];
    if (s.first <= start) s.last = clock_;
  }
  for (const Place& carried : carries) live(std::array{carried.slot}, clock_);
  for (const auto& [a, b] : data->exchanged) live(std::array{static_cast<int>(a), static_cast<int>(b)}, clock_);
  block.push_back(lane_while_step(*data));
}

void LanePlanBuilder::lower_cond(LaneLevel& l, LaneBlock& block, const Equation& e) {
  LaneCondData* data = data_.own(std::make_unique<LaneCondData>());
  const int index = rows(l, e.inputs[0]);
  data->index = static_cast<std::uint32_t>(index);
  ++clock_;
  touch(index);
  std::vector<int> results;
  for (int v : e.outputs) {
    results.push_back(l.used(v) ? result(l, v) : -1);
    if (results.back() >= 0) touch(results.back());
  }
  for (const Program* p : programs_of(e)) {
    LaneLevel branch(*p, ++levels_);
    for (std::size_t k = 0; k < p->inputs.size(); ++k) branch.at(p->inputs[k]) = l.at(e.inputs[k + 1]);
    constants(branch);
    LaneBlock& to = data->branches.emplace_back();
    lower(branch, to);
    std::vector<LaneCondData::Result>& copied = data->results.emplace_back();
    ++clock_;
    for (std::size_t k = 0; k < results.size(); ++k) {
      if (results[k] < 0) continue;
      const int v = p->outputs[k], from = rows(branch, v);
      touch(from);
      copied.push_back({static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(results[k]),
                        static_cast<std::size_t>(branch.aval(v).shape.size()), item_size(branch.aval(v).dtype)});
    }
  }
  ++clock_;
  touch(index);
  for (int s : results) {
    if (s >= 0) touch(s);
  }
  block.push_back(lane_cond_step(*data));
}

// ---- The whole --------------------------------------------------------------------------------------------------------

// Whether it makes a bᵀ of two vectors that have lanes.
bool LanePlanBuilder::is_outer(const LaneLevel& l, const Equation& e) const {
  if (e.op != known().dot_general) return false;
  const Aval in[] = {l.aval(e.inputs[0]), l.aval(e.inputs[1])};
  const auto product = product_of(e.params, in);
  return product && product->batch == 1 && product->k == 1;
}

void LanePlanBuilder::build(const Program& p, const std::vector<bool>& lane, const std::vector<bool>& summed) {
  LaneLevel l(p, ++levels_);
  // Sums of outer products need their factors in the end, and not the products.
  std::vector<const Equation*> outer(p.outputs.size(), nullptr);
  for (std::size_t k = 0; k < p.outputs.size(); ++k) {
    const int v = p.outputs[k];
    const bool once = std::count(p.outputs.begin(), p.outputs.end(), v) == 1 &&
                      std::none_of(p.equations.begin(), p.equations.end(), [&](const Equation& e) {
                        return std::find(e.inputs.begin(), e.inputs.end(), v) != e.inputs.end();
                      });
    if (!summed[k] || !once) continue;
    for (const Equation& e : p.equations) {
      if (e.outputs[0] == v && is_outer(l, e)) outer[k] = &e;
    }
    if (!outer[k]) continue;
    left_out_.push_back(outer[k]);
    for (int u : outer[k]->inputs) l.last[static_cast<std::size_t>(u)] = std::numeric_limits<int>::max();
  }
  for (std::size_t k = 0; k < p.inputs.size(); ++k) {
    const int v = p.inputs[k];
    const std::size_t bytes = bytes_of(l.aval(v));
    // One element's rows may be the caller's own, in place of a copy.
    const int slot = lane[k] ? add_slot(Slot::dedicated, bytes * tile_lanes) : add_slot(Slot::input, bytes);
    l.at(v) = {slot, lane[k]};
    plan_.inputs.push_back({static_cast<std::uint32_t>(slot), lane[k], l.used(v)});
  }
  constants(l);
  lower(l, plan_.main);
  ++clock_;
  const auto kept = [&](int v) {
    const int slot = rows(l, v);
    touch(slot);
    return static_cast<std::uint32_t>(slot);
  };
  for (std::size_t k = 0; k < p.outputs.size(); ++k) {
    LaneValue out{0, true, true};
    if (outer[k]) {
      out.slot = kept(outer[k]->inputs[0]), out.other = kept(outer[k]->inputs[1]);
      out.rows = static_cast<std::size_t>(l.aval(outer[k]->inputs[0]).shape.size());
      out.columns = static_cast<std::size_t>(l.aval(outer[k]->inputs[1]).shape.size());
    } else {
      out.slot = kept(p.outputs[k]);
    }
    plan_.outputs.push_back(out);
  }
  plan_.workspace_bytes = assign_memory(plan_.slots);
}

}  // namespace

std::unique_ptr<const LanePlan> make_lane_plan(const Program& program, const std::vector<bool>& lane,
                                               const std::vector<bool>& summed) {
  auto plan = std::make_unique<LanePlan>();
  LanePlanBuilder(*plan).build(program, lane, summed);
  return plan;
}

}  // namespace dini::exec
