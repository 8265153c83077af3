// Common subexpressions: an equation with the same op, inputs and parameters as an earlier one is that one.
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "dini/exec/passes.hpp"
#include "dini/exec/rewrite.hpp"

namespace dini::exec {

namespace merge {

std::size_t hash(const Equation& e) {
  std::size_t h = reinterpret_cast<std::uintptr_t>(e.op);
  for (int v : e.inputs) h = (h ^ static_cast<std::size_t>(v)) * 0x9e3779b97f4a7c15ULL;
  for (const auto& [key, value] : e.params.items()) {
    if (auto* ints = std::get_if<Params::Ints>(&value)) {
      for (std::int64_t i : *ints) h = (h ^ static_cast<std::size_t>(i)) * 0x9e3779b97f4a7c15ULL;
    } else if (auto* shape = std::get_if<Shape>(&value)) {
      for (std::int64_t i : *shape) h = (h ^ static_cast<std::size_t>(i)) * 0x9e3779b97f4a7c15ULL;
    }
  }
  return h ^ (h >> 32);
}

void constants(Rewriter& r) {
  const auto& list = r.program().constants;
  std::unordered_map<std::string, int> first;  // by type and bytes
  first.reserve(list.size());
  std::string key;
  for (const auto& [v, a] : list) {
    const std::size_t bytes = static_cast<std::size_t>(a.size()) * item_size(a.dtype());
    if (bytes > 128) continue;
    key = {static_cast<char>(2 * static_cast<int>(a.dtype()) + a.weak()), static_cast<char>(a.ndim())};
    for (std::int64_t n : a.shape()) key.append(reinterpret_cast<const char*>(&n), sizeof n);
    key.append(static_cast<const char*>(a.raw()), bytes);
    const auto [place, fresh] = first.try_emplace(key, v);
    if (!fresh) r.replace(v, place->second);
  }
}

}  // namespace merge

void merge_common(Program& p) {
  Rewriter r(p);
  merge::constants(r);
  std::vector<Equation> equations = r.take_equations();
  std::unordered_map<std::size_t, int> seen;  // the last one's first output by hash; `before` has those before it
  seen.reserve(equations.size());
  std::vector<int> before(p.variables.size(), -1);
  for (Equation& e : equations) {
    r.rename(e);
    if (e.outputs.empty() || is_effectful(p, e)) {
      r.keep(std::move(e));
      continue;
    }
    const auto [place, fresh] = seen.try_emplace(merge::hash(e), e.outputs[0]);
    const Equation* same = nullptr;
    for (int v = fresh ? -1 : place->second; v >= 0 && !same; v = before[static_cast<std::size_t>(v)]) {
      const Equation* other = r.definition(v);
      if (other->op == e.op && other->inputs == e.inputs && same_params(other->params, e.params)) same = other;
    }
    if (same) {
      for (std::size_t k = 0; k < e.outputs.size(); ++k) r.replace(e.outputs[k], same->outputs[k]);
    } else {
      if (!fresh) before[static_cast<std::size_t>(e.outputs[0])] = std::exchange(place->second, e.outputs[0]);
      r.keep(std::move(e));
    }
  }
  r.finish();
}

}  // namespace dini::exec
