// Constants: what is small and depends on nothing but constants is computed once, here. Constants that enter a Program
// within a control op from outside are made its own.
#include <algorithm>
#include <cstring>

#include "dini/exec/interpreter.hpp"
#include "dini/exec/passes.hpp"
#include "dini/exec/rewrite.hpp"
#include "dini/ops/shaping_ops.hpp"

namespace dini::exec {

namespace fold {

constexpr std::int64_t largest = 64;  // elements of a constant that folding may make

bool foldable(const Rewriter& r, const Equation& e) {
  if (!e.op->kernel || e.op->effectful || e.outputs.empty() || e.op == known().eye) return false;
  for (int v : e.inputs) {
    if (!r.constant_value(r.now(v))) return false;
  }
  for (int v : e.outputs) {
    if (r.aval(v).shape.size() > largest) return false;
  }
  return true;
}

// Puts the branch that a constant index chooses in the place of a cond.
bool choose_branch(Rewriter& r, const Equation& e) {
  if (kind_of(*e.op) != Kind::cond) return false;
  const Array* index = r.constant_value(r.now(e.inputs[0]));
  if (!index) return false;
  const std::vector<Program*> branches = programs_of(e);
  const std::int64_t last = static_cast<std::int64_t>(branches.size()) - 1;
  const Program& branch = *branches[std::clamp<std::int64_t>(index->item<std::int64_t>(), 0, last)];
  const std::vector<int> out = r.splice(branch, {e.inputs.begin() + 1, e.inputs.end()});
  for (std::size_t k = 0; k < out.size(); ++k) r.replace(e.outputs[k], out[k]);
  return true;
}

// Concrete also where something is traced meanwhile, to which `zeros` would be an operation.
Array zeros_of(const Shape& shape, Dtype dtype) {
  void* memory;
  Array a = allocate({shape, dtype, false}, &memory);
  std::memset(memory, 0, static_cast<std::size_t>(shape.size()) * item_size(dtype));
  return a;
}

// Arrays without elements need no computing, whatever they depend on; and what is summed over none is 0. (A status is looked at
// all the same.)
bool nothing_to_compute(Rewriter& r, Equation& e) {
  if (!e.op->kernel || e.op->effectful || e.op->sees_all_lanes || e.outputs.empty()) return false;
  auto empty = [&](int v) { return r.aval(v).shape.size() == 0; };
  if (std::all_of(e.outputs.begin(), e.outputs.end(), empty)) {
    for (int v : e.outputs) r.replace(v, r.constant(zeros_of(r.aval(v).shape, r.aval(v).dtype)));
    return true;
  }
  if (e.op == &concatenate_op()) {
    std::erase_if(e.inputs, empty);
    if (e.inputs.size() > 1) return false;
    r.replace(e.outputs[0], e.inputs[0]);
    return true;
  }
  const bool sums = e.op == known().dot_general || e.op == known().sum;
  if (!sums || std::none_of(e.inputs.begin(), e.inputs.end(), empty)) return false;
  const Aval out = r.aval(e.outputs[0]);
  const int zero = r.constant(zeros_of({}, out.dtype));
  r.replace(e.outputs[0], r.emit(*known().broadcast, {zero}, {{"shape", out.shape}, {"axes", Params::Ints{}}}));
  return true;
}

// Takes operand k out of a Program within, whose input it is, and puts a constant in its place.
void sink(Program& inner, std::size_t input, const Array& value) {
  const int v = inner.inputs[input];
  inner.inputs.erase(inner.inputs.begin() + input);
  inner.constants.emplace_back(v, value);
}

}  // namespace fold

void fold_constants(Program& p) {
  Rewriter r(p);
  for (Equation& e : r.take_equations()) {
    if (fold::choose_branch(r, e) || fold::nothing_to_compute(r, e)) continue;
    if (!fold::foldable(r, e)) {
      r.keep(std::move(e));
      continue;
    }
    Leaves in;
    for (int v : e.inputs) in.push_back(*r.constant_value(r.now(v)));
    const Leaves out = call_kernel(*e.op, in, e.params);
    for (std::size_t k = 0; k < out.size(); ++k) r.replace(e.outputs[k], r.constant(out[k]));
  }
  r.finish();
}

void sink_constants(Program& p) {
  std::vector<const Array*> values(p.variables.size(), nullptr);
  for (const auto& [v, a] : p.constants) {
    if (a.size() <= fold::largest) values[v] = &a;
  }
  for (Equation& e : p.equations) {
    const Kind kind = kind_of(*e.op);
    if (kind != Kind::cond && kind != Kind::while_loop && kind != Kind::scan && kind != Kind::lanes) continue;
    if (kind == Kind::cond) {
      for (std::size_t k = e.inputs.size(); k-- > 1;) {
        const Array* value = values[e.inputs[k]];
        if (!value) continue;
        for (Program* branch : programs_of(e)) fold::sink(*branch, k - 1, *value);
        e.inputs.erase(e.inputs.begin() + k);
      }
    } else if (kind == Kind::lanes) {
      for (std::size_t k = e.inputs.size(), mapped = e.params.integer("mapped"); k-- > mapped;) {
        const Array* value = values[e.inputs[k]];
        if (!value) continue;
        fold::sink(program_of(e, "program"), k, *value);
        e.inputs.erase(e.inputs.begin() + k);
      }
    } else {
      const std::size_t carry = e.params.integer("carry");
      const std::size_t other = kind == Kind::scan ? e.params.integer("xs") : e.params.integer("cond_captured");
      Program& body = program_of(e, "body");
      for (std::size_t k = e.inputs.size(); k-- > carry + other;) {
        const Array* value = values[e.inputs[k]];
        if (!value) continue;
        fold::sink(body, kind == Kind::scan ? k : k - other, *value);
        e.inputs.erase(e.inputs.begin() + k);
      }
      if (kind == Kind::scan) continue;
      std::size_t left = other;
      for (std::size_t k = carry + other; k-- > carry;) {
        const Array* value = values[e.inputs[k]];
        if (!value) continue;
        fold::sink(program_of(e, "cond"), k, *value);
        e.inputs.erase(e.inputs.begin() + k);
        --left;
      }
      e.params.set("cond_captured", static_cast<std::int64_t>(left));
    }
  }
}

}  // namespace dini::exec
