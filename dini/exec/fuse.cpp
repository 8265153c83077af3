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

}  // namespace fusion

bool is_splat(const Program& p, const Equation& e) {
  return e.op == known().broadcast && p.variables[e.inputs[0]].shape.size() == 1;
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
  out.only_splat.resize(p.equations.size(), false);
  // Groups by size that have room; one in which nothing more fits is taken out, so that each is looked at a few times only.
  std::map<std::int64_t, std::set<int>> open;
  // A variable can be read by groups from `ready` on, and by the fused group `member` itself.
  std::vector<int> ready(p.variables.size(), 0), member(p.variables.size(), -1), splat(p.variables.size(), -1);
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
    if (is_splat(p, e)) {
      splat[e.outputs[0]] = static_cast<int>(k);
      out.only_splat[k] = p.variables[e.outputs[0]].shape.size() > static_cast<std::int64_t>(FusedData::block);
      ready[e.outputs[0]] = ready[e.inputs[0]];
    }
  }
  // A splat that anything else reads has to be there as an array, and before its readers.
  auto read_elsewhere = [&](int v) {
    if (splat[v] >= 0) out.only_splat[splat[v]] = false;
  };
  for (std::size_t k = 0; k < p.equations.size(); ++k) {
    if (out.groups[out.group_of[k]].fused && p.equations[k].op != known().reshape) continue;
    for (int v : p.equations[k].inputs) read_elsewhere(v);
  }
  for (int v : p.outputs) read_elsewhere(v);
  return out;
}

}  // namespace dini::exec
