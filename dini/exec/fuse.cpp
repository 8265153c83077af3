#include "dini/exec/fuse.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "dini/exec/rewrite.hpp"
#include "dini/exec/steps.hpp"

namespace dini::exec {

namespace fusion {

constexpr int most_operands = FusedData::most_operands - 4;

bool is_element(const Program& p, const Equation& e) {
  if (!e.op->element || e.outputs.size() != 1 || e.inputs.empty() || e.inputs.size() > 3) return false;
  std::vector<Aval> in;
  for (int v : e.inputs) in.push_back(p.variables[v]);
  return e.op->element(in, p.variables[e.outputs[0]]) != nullptr;
}

// The number of elements of a fused loop that could do it; 0: none could.
std::int64_t fused_size(const Program& p, const Equation& e) {
  const std::int64_t n = e.inputs.empty() ? 0 : p.variables[e.inputs[0]].shape.size();
  if (n <= static_cast<std::int64_t>(FusedData::block)) return 0;
  return e.op == known().reshape || is_full_sum(p, e) || is_element(p, e) ? n : 0;
}

// Whether a group is over at once and may wait until somebody wants it.
bool may_wait(const Program& p, const Group& group, const std::vector<bool>& waits) {
  const Equation& e = p.equations[static_cast<std::size_t>(group.equations[0])];
  if (group.fused || e.outputs.size() != 1) return false;
  if (e.op == known().reshape) return waits[static_cast<std::size_t>(e.inputs[0])];
  if (p.variables[e.outputs[0]].shape.size() > static_cast<std::int64_t>(FusedData::block)) return false;
  return e.op->element || e.op == &choose_op() || is_splat(p, e);
}

// Short elementwise work is put off until its results are read, and all that has gathered is then done in one chain. Nothing is
// put off beyond loops and branches, whose carries may then be the arrays themselves.
void gather_chains(const Program& p, Grouping& grouping) {
  std::vector<Group> order;
  order.reserve(grouping.groups.size());
  std::vector<std::size_t> waiting;
  std::vector<bool> waits(p.variables.size(), false);
  // Fused groups may stand before the group of a repetition that they read: they read what is behind it.
  std::vector<int> behind(p.variables.size(), -1);
  for (const Equation& e : p.equations) {
    if (repeats(p, e)) behind[static_cast<std::size_t>(e.outputs[0])] = e.inputs[0];
  }
  const auto is_waiting = [&](int v) {
    const int source = behind[static_cast<std::size_t>(v)];
    return waits[static_cast<std::size_t>(v)] || (source >= 0 && waits[static_cast<std::size_t>(source)]);
  };
  const auto place = [&](std::size_t g) {
    for (int k : grouping.groups[g].equations) {
      grouping.group_of[static_cast<std::size_t>(k)] = static_cast<int>(order.size());
      for (int v : p.equations[static_cast<std::size_t>(k)].outputs) waits[static_cast<std::size_t>(v)] = false;
    }
    order.push_back(std::move(grouping.groups[g]));
  };
  const auto place_waiting = [&] {
    for (std::size_t g : waiting) place(g);
    waiting.clear();
  };
  for (std::size_t g = 0; g < grouping.groups.size(); ++g) {
    const Group& group = grouping.groups[g];
    if (may_wait(p, group, waits)) {
      waits[static_cast<std::size_t>(p.equations[static_cast<std::size_t>(group.equations[0])].outputs[0])] = true;
      waiting.push_back(g);
      continue;
    }
    const bool reads = std::any_of(group.equations.begin(), group.equations.end(), [&](int k) {
      const Equation& e = p.equations[static_cast<std::size_t>(k)];
      return kind_of(*e.op) != Kind::kernel || std::any_of(e.inputs.begin(), e.inputs.end(), is_waiting);
    });
    if (reads) place_waiting();
    place(g);
  }
  place_waiting();
  grouping.groups = std::move(order);
}

}  // namespace fusion

std::optional<Repeats> repeats(const Program& p, const Equation& e) {
  if (e.op != known().broadcast) return std::nullopt;
  const Shape &from = p.variables[e.inputs[0]].shape, &to = p.variables[e.outputs[0]].shape;
  const auto& axes = e.params.ints("axes");
  Repeats out{from.size(), 1};
  if (out.length <= 1) return out.length == 1 ? std::optional(out) : std::nullopt;
  // The axes that are longer than 1 have to be neighbours; what is after the last of them is `inner`.
  int first = -1, last = -1;
  for (std::size_t k = 0; k < axes.size(); ++k) {
    if (from[static_cast<int>(k)] == 1) continue;
    last = static_cast<int>(axes[k]);
    if (first < 0) first = last;
  }
  std::int64_t between = 1;
  for (int k = first; k <= last; ++k) between *= to[k];
  if (between != out.length) return std::nullopt;
  for (int k = last + 1; k < to.ndim(); ++k) out.inner *= to[k];
  return out;
}

bool is_splat(const Program& p, const Equation& e) {
  const auto r = repeats(p, e);
  return r && r->length == 1;
}

bool is_full_sum(const Program& p, const Equation& e) {
  const Aval& a = p.variables[e.inputs.empty() ? 0 : e.inputs[0]];
  if (e.inputs.empty() || !is_floating(a.dtype)) return false;
  return e.op == &sum_product_op() || ((e.op == known().sum || e.op == known().norm2) &&
                                       static_cast<int>(e.params.ints("axes").size()) == a.shape.ndim());
}

Grouping group_equations(const Program& p) {
  Grouping out;
  out.group_of.resize(p.equations.size());
  out.only_repeats.resize(p.equations.size(), false);
  // Groups by size that have room; one in which nothing more fits is taken out, so that each is looked at a few times only.
  std::map<std::int64_t, std::set<int>> open;
  // A variable can be read by groups from `ready` on, and by the fused group `member` itself.
  std::vector<int> ready(p.variables.size(), 0), member(p.variables.size(), -1), repeated(p.variables.size(), -1);
  for (std::size_t k = 0; k < p.equations.size(); ++k) {
    const Equation& e = p.equations[k];
    const std::int64_t size = fusion::fused_size(p, e);
    int group = -1, first = 0;
    if (size) {
      for (int v : e.inputs) first = std::max(first, ready[v]);
      // The group that makes an input has it before others do.
      int home = -1;
      for (int v : e.inputs) home = std::max(home, member[v]);
      auto fits = [&](int g) {
        const Group& candidate = out.groups[g];
        if (!candidate.fused || candidate.size != size) return false;
        if (candidate.operands + static_cast<int>(e.inputs.size()) + 1 > fusion::most_operands) return false;
        return std::all_of(e.inputs.begin(), e.inputs.end(), [&](int v) { return ready[v] <= g || member[v] == g; });
      };
      if (home >= 0 && fits(home)) group = home;
      if (e.op != known().reshape) {
        std::set<int>& candidates = open[size];
        for (auto g = candidates.lower_bound(first); group < 0 && g != candidates.end(); ++g) {
          if (fits(*g)) group = *g;
        }
      }
    }
    if (group < 0) {
      group = static_cast<int>(out.groups.size());
      out.groups.push_back({{}, size > 0 && e.op != known().reshape, size, 0});
    }
    Group& g = out.groups[group];
    g.equations.push_back(static_cast<int>(k));
    g.operands += static_cast<int>(e.inputs.size()) + 1;
    if (g.fused && g.operands + 2 <= fusion::most_operands)
      open[size].insert(group);
    else if (g.fused)
      open[size].erase(group);
    out.group_of[k] = group;
    const bool sums = g.fused && is_full_sum(p, e);
    for (int v : e.outputs) {
      ready[v] = group + 1;
      if (g.fused && !sums) member[v] = group;
    }
    if (repeats(p, e)) {
      repeated[e.outputs[0]] = static_cast<int>(k);
      out.only_repeats[k] = p.variables[e.outputs[0]].shape.size() > static_cast<std::int64_t>(FusedData::block);
      ready[e.outputs[0]] = ready[e.inputs[0]];
    }
  }
  // A repetition that anything else reads has to be there as an array, and before its readers.
  auto read_elsewhere = [&](int v) {
    if (repeated[v] >= 0) out.only_repeats[repeated[v]] = false;
  };
  for (std::size_t k = 0; k < p.equations.size(); ++k) {
    if (out.groups[out.group_of[k]].fused && p.equations[k].op != known().reshape) continue;
    for (int v : p.equations[k].inputs) read_elsewhere(v);
  }
  for (int v : p.outputs) read_elsewhere(v);
  fusion::gather_chains(p, out);
  return out;
}

}  // namespace dini::exec
