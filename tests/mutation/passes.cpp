// Mutants of passes: each makes of the first Program that the pass changed, and where there is a place for it, another one.
#include "dini/exec/passes.hpp"

#include <algorithm>

#include "dini/exec/rewrite.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise_ops.hpp"
#include "mutant.hpp"

namespace dini::mutation {
namespace {

std::vector<exec::Pass>& whole() {
  static std::vector<exec::Pass> list;
  return list;
}

void rename(Program& p, int from, int to, std::size_t after) {
  for (std::size_t k = after; k < p.equations.size(); ++k) {
    for (int& v : p.equations[k].inputs) {
      if (v == from) v = to;
    }
  }
  for (int& v : p.outputs) {
    if (v == from) v = to;
  }
}

int zeros_for(Program& p, int variable) {
  const Aval aval = p.variables[variable];
  const int v = exec::add_variable(p, aval);
  p.constants.emplace_back(v, zeros(aval.shape, aval.dtype));
  return v;
}

void break_program(Program& p, const std::string& pass) {
  std::vector<int> before = p.inputs;  // variables that are defined by now
  for (const auto& [v, a] : p.constants) before.push_back(v);
  const auto another = [&](int v) {
    return std::find_if(before.begin(), before.end(),
                        [&](int w) { return w != v && p.variables[w] == p.variables[v]; });
  };
  for (std::size_t k = 0; k < p.equations.size(); ++k) {
    Equation& e = p.equations[k];
    const bool holds = !exec::programs_of(e).empty();
    const std::string what = pass + " leaves " + (holds ? e.op->name : "an equation");
    for (std::size_t i = 0; i < std::min<std::size_t>(e.inputs.size(), 4); ++i) {
      const std::string input = what + " with " + (holds ? "input " + std::to_string(i) : "an input") + ": ";
      if (const auto w = another(e.inputs[i]); w != before.end() && chosen(input + "replaced")) {
        e.inputs[i] = *w;
        return;
      }
      if (holds && chosen(input + "zero")) {
        e.inputs[i] = zeros_for(p, e.inputs[i]);
        return;
      }
    }
    if (e.op == &sub_op() && chosen(pass + " leaves an equation: add instead of sub")) {
      e.op = &add_op();
      return;
    }
    if (e.op == &add_op() && chosen(pass + " leaves an equation: sub instead of add")) {
      e.op = &sub_op();
      return;
    }
    for (std::size_t j = k + 1; j < p.equations.size(); ++j) {
      const Equation& other = p.equations[j];
      if (other.op != e.op || e.op->effectful || other.outputs.size() != 1 || e.outputs.size() != 1 ||
          p.variables[e.outputs[0]] != p.variables[other.outputs[0]]) {
        continue;
      }
      if (!chosen(what + ": merged with another")) continue;
      rename(p, other.outputs[0], e.outputs[0], j + 1);
      return;
    }
    before.insert(before.end(), e.outputs.begin(), e.outputs.end());
  }
  for (std::size_t i = 0; i < p.outputs.size(); ++i) {
    for (std::size_t j = i + 1; j < p.outputs.size(); ++j) {
      if (p.outputs[i] == p.outputs[j] || p.variables[p.outputs[i]] != p.variables[p.outputs[j]]) continue;
      if (!chosen(pass + " leaves outputs: swapped")) continue;
      std::swap(p.outputs[i], p.outputs[j]);
      return;
    }
  }
}

template <std::size_t k> void broken_pass(Program& p) {
  const exec::Pass& pass = whole()[k];
  const std::string name = "pass " + std::string(pass.name);
  if (chosen(name + ": not run")) return;
  if (!session().listing && session().wanted.compare(0, name.size() + 1, name + " ") != 0) return pass.run(p);
  const std::string before = p.str();
  pass.run(p);
  if (p.str() != before) break_program(p, name);
}

template <std::size_t... k> void wrap(std::index_sequence<k...>) {
  ((exec::mutable_passes()[k].run = broken_pass<k>), ...);
}

}  // namespace

void break_passes() {
  whole() = exec::mutable_passes();
  constexpr std::size_t count = 9;
  if (whole().size() != count) throw std::logic_error("break_passes: the number of passes has changed");
  wrap(std::make_index_sequence<count>());
}

}  // namespace dini::mutation
