#include "dini/exec/rewrite.hpp"

#include "dini/exec/interpreter.hpp"
#include "dini/exec/subroutine.hpp"
#include "dini/ops/contract_ops.hpp"
#include "dini/ops/create_ops.hpp"
#include "dini/ops/elementwise_ops.hpp"
#include "dini/ops/reduce_ops.hpp"
#include "dini/ops/shaping_ops.hpp"

namespace dini::exec {

Kind kind_of(const Op& op) {
  if (op.kernel) return Kind::kernel;
  switch (op.control) {
    case Control::cond: return Kind::cond;
    case Control::while_loop: return Kind::while_loop;
    case Control::scan: return Kind::scan;
    case Control::callback: return Kind::callback;
    case Control::late: return Kind::late;
    case Control::lanes: return Kind::lanes;
    case Control::none: break;
  }
  if (&op == &subroutine_op()) return Kind::subroutine;
  return op.inlined ? Kind::inlined : Kind::none;
}

const KnownOps& known() {
  static const KnownOps ops = {
      .reshape = &reshape_op(),
      .transpose = &transpose_op(),
      .broadcast = &broadcast_op(),
      .convert = &convert_op(),
      .stop_gradient = &stop_gradient_op(),
      .eye = &eye_op(),
      .iota = &iota_op(),
      .dot_general = &dot_general_op(),
      .mul = &mul_op(),
      .div = &div_op(),
      .sub = &sub_op(),
      .add = &add_op(),
      .neg = &neg_op(),
      .abs = &abs_op(),
      .maximum = &maximum_op(),
      .minimum = &minimum_op(),
      .select = &select_op(),
      .isfinite = &isfinite_op(),
      .logical_not = &logical_not_op(),
      .sum = &sum_op(),
      .max = &max_op(),
      .min = &min_op(),
      .norm2 = &norm2_op(),
      .square = &square_op(),
      .sqrt = &sqrt_op(),
  };
  return ops;
}

namespace {

Aval strong(Aval a) {
  a.weak = false;
  return a;
}

std::shared_ptr<Program> copied(const Program& program, const Calls& calls);

// Copies `from`'s equations to the end of `to`. `map` gives the variables in `to`; those of from's inputs are set.
void append(Program& to, const Program& from, const Calls& calls, std::vector<int>& map) {
  for (const auto& [v, a] : from.constants) {
    map[v] = add_variable(to, strong(a.aval()));
    to.constants.emplace_back(map[v], a.weak() ? with_aval(a, strong(a.aval())) : a);
  }
  to.equations.reserve(to.equations.size() + from.equations.size());
  for (const Equation& e : from.equations) {
    const Kind kind = kind_of(*e.op);
    if (kind == Kind::none) throw_not_runnable(*e.op);
    if (kind == Kind::inlined) {
      const ProgramRef& inner = calls.called(e);
      if (calls.is_subroutine(*inner)) {
        Equation call{&subroutine_op(), {{"program", inner}}, {}, {}};
        for (int v : e.inputs) call.inputs.push_back(map[v]);
        for (int v : e.outputs) call.outputs.push_back(map[v] = add_variable(to, strong(from.variables[v])));
        to.equations.push_back(std::move(call));
        continue;
      }
      std::vector<int> inner_map(inner->variables.size(), -1);
      for (std::size_t k = 0; k < e.inputs.size(); ++k) inner_map[inner->inputs[k]] = map[e.inputs[k]];
      append(to, *inner, calls, inner_map);
      for (std::size_t k = 0; k < e.outputs.size(); ++k) map[e.outputs[k]] = inner_map[inner->outputs[k]];
      continue;
    }
    Equation copy{e.op, e.params, {}, {}};
    if (kind != Kind::kernel) {
      for (const auto& [key, value] : e.params.items()) {
        if (auto* p = std::get_if<ProgramRef>(&value); p && *p) {
          copy.params.set(key, ProgramRef(copied(**p, calls)));
        } else if (auto* list = std::get_if<std::vector<ProgramRef>>(&value)) {
          std::vector<ProgramRef> copies;
          for (const ProgramRef& p : *list) copies.push_back(copied(*p, calls));
          copy.params.set(key, std::move(copies));
        }
      }
    } else if (e.params.has("weak")) {
      copy.params.set("weak", false);
    }
    copy.inputs.reserve(e.inputs.size());
    for (int v : e.inputs) copy.inputs.push_back(map[v]);
    for (int v : e.outputs) copy.outputs.push_back(map[v] = add_variable(to, strong(from.variables[v])));
    to.equations.push_back(std::move(copy));
  }
}

std::shared_ptr<Program> copied(const Program& program, const Calls& calls) {
  auto copy = std::make_shared<Program>();
  std::vector<int> map(program.variables.size(), -1);
  copy->variables.reserve(program.variables.size());
  for (int v : program.inputs) copy->inputs.push_back(map[v] = add_variable(*copy, strong(program.variables[v])));
  append(*copy, program, calls, map);
  for (int v : program.outputs) copy->outputs.push_back(map[v]);
  return copy;
}

}  // namespace

std::shared_ptr<Program> private_copy(const Program& program) { return copied(program, Calls(program)); }

std::vector<Program*> programs_of(const Equation& e) {
  std::vector<Program*> out;
  if (e.op->kernel || e.op->inlined) return out;  // a subroutine's Program is nobody's
  for (const ProgramRef& p : programs_in(e.params)) out.push_back(const_cast<Program*>(p.get()));
  return out;
}

Program& program_of(const Equation& e, const char* parameter) {
  return const_cast<Program&>(*e.params.program(parameter));  // private_copy made it, as a Program that is not const
}

bool same_params(const Params& a, const Params& b) {
  if (a.items().size() != b.items().size()) return false;
  for (std::size_t k = 0; k < a.items().size(); ++k) {
    const auto& [key, x] = a.items()[k];
    const auto& [other, y] = b.items()[k];
    if (key != other || x.index() != y.index()) return false;
    if (auto* p = std::get_if<ProgramRef>(&x)) {
      const ProgramRef& q = std::get<ProgramRef>(y);
      if (*p != q && !(*p && q && (*p)->equal(*q))) return false;
    } else if (auto* list = std::get_if<std::vector<ProgramRef>>(&x)) {
      const auto& others = std::get<std::vector<ProgramRef>>(y);
      if (list->size() != others.size()) return false;
      for (std::size_t i = 0; i < list->size(); ++i) {
        if (!(*list)[i]->equal(*others[i])) return false;
      }
    } else if (x != y) {
      return false;
    }
  }
  return true;
}

int add_variable(Program& p, const Aval& aval) {
  p.variables.push_back(aval);
  return static_cast<int>(p.variables.size()) - 1;
}

// ---- Rewriter --------------------------------------------------------------------------------------------------------

Rewriter::Rewriter(Program& p) : p_(p), old_(std::move(p.equations)) {
  p.equations.clear();
  equations_.reserve(old_.size() + 8);
  grow();
  for (std::size_t k = 0; k < p.constants.size(); ++k) constant_[p.constants[k].first] = static_cast<int>(k);
  uses_.resize(p.variables.size(), 0);
  for (const Equation& e : old_) {
    for (int v : e.inputs) ++uses_[static_cast<std::size_t>(v)];
  }
  for (int v : p.outputs) ++uses_[static_cast<std::size_t>(v)];
}

void Rewriter::grow() {
  replaced_.resize(p_.variables.size(), -1);
  definition_.resize(p_.variables.size(), -1);
  constant_.resize(p_.variables.size(), -1);
}

void Rewriter::keep(Equation e) {
  rename(e);
  if (!e.outputs.empty()) definition_[e.outputs[0]] = static_cast<int>(equations_.size());
  equations_.push_back(std::move(e));
}

int Rewriter::emit(const Op& op, std::vector<int> inputs, Params params) {
  std::vector<Aval> avals;
  for (int& v : inputs) {
    v = now(v);
    avals.push_back(aval(v));
  }
  const int out = add_variable(p_, op.infer(avals, params).at(0));
  grow();
  keep({&op, std::move(params), std::move(inputs), {out}});
  return out;
}

int Rewriter::constant(const Array& value) {
  const int v = add_variable(p_, strong(value.aval()));
  grow();
  constant_[v] = static_cast<int>(p_.constants.size());
  p_.constants.emplace_back(v, value.weak() ? with_aval(value, strong(value.aval())) : value);
  return v;
}

std::vector<int> Rewriter::splice(const Program& program, const std::vector<int>& inputs) {
  std::vector<int> map(program.variables.size(), -1), out;
  for (std::size_t k = 0; k < inputs.size(); ++k) map[program.inputs[k]] = now(inputs[k]);
  for (const auto& [v, a] : program.constants) map[v] = constant(a);
  for (const Equation& e : program.equations) {
    Equation copy{e.op, e.params, {}, {}};
    for (int v : e.inputs) copy.inputs.push_back(map[v]);
    for (int v : e.outputs) copy.outputs.push_back(map[v] = add(program.variables[v]));
    keep(std::move(copy));
  }
  for (int v : program.outputs) out.push_back(map[v]);
  return out;
}

void Rewriter::finish() {
  for (int& v : p_.outputs) v = now(v);
  p_.equations = std::move(equations_);
}

}  // namespace dini::exec
