#include "dini/exec/rewrite.hpp"

#include "dini/exec/interpreter.hpp"
#include "dini/ops/registry.hpp"

namespace dini::exec {

Kind kind_of(const Op& op) {
  if (op.kernel) return Kind::kernel;
  if (op.name == "cond") return Kind::cond;
  if (op.name == "while") return Kind::while_loop;
  if (op.name == "scan") return Kind::scan;
  if (op.name == "callback") return Kind::callback;
  return op.inlined ? Kind::inlined : Kind::none;
}

const KnownOps& known() {
  static const KnownOps ops = {
      .reshape = find_op("reshape"),
      .transpose = find_op("transpose"),
      .broadcast = find_op("broadcast"),
      .convert = find_op("convert"),
      .stop_gradient = find_op("stop_gradient"),
      .eye = find_op("eye"),
      .iota = find_op("iota"),
      .dot_general = find_op("dot_general"),
      .mul = find_op("mul"),
      .div = find_op("div"),
      .sub = find_op("sub"),
      .add = find_op("add"),
      .neg = find_op("neg"),
      .select = find_op("select"),
      .sum = find_op("sum"),
      .norm2 = find_op("norm2"),
      .square = find_op("square"),
      .sqrt = find_op("sqrt"),
  };
  return ops;
}

namespace {

Aval strong(Aval a) {
  a.weak = false;
  return a;
}

// Copies `from`'s equations to the end of `to`. `map` gives the variables in `to`; those of from's inputs are set.
void append(Program& to, const Program& from, std::vector<int>& map) {
  for (const auto& [v, a] : from.constants) {
    map[v] = add_variable(to, strong(a.aval()));
    to.constants.emplace_back(map[v], a.weak() ? with_aval(a, strong(a.aval())) : a);
  }
  to.equations.reserve(to.equations.size() + from.equations.size());
  for (const Equation& e : from.equations) {
    const Kind kind = kind_of(*e.op);
    if (kind == Kind::none) throw_not_runnable(*e.op);
    if (kind == Kind::inlined) {
      std::vector<Aval> avals;
      for (int v : e.inputs) avals.push_back(from.variables[v]);
      const ProgramRef inner = e.op->inlined(e.params, avals);
      std::vector<int> inner_map(inner->variables.size(), -1);
      for (std::size_t k = 0; k < e.inputs.size(); ++k) inner_map[inner->inputs[k]] = map[e.inputs[k]];
      append(to, *inner, inner_map);
      for (std::size_t k = 0; k < e.outputs.size(); ++k) map[e.outputs[k]] = inner_map[inner->outputs[k]];
      continue;
    }
    Equation copy{e.op, e.params, {}, {}};
    if (kind != Kind::kernel) {
      for (const auto& [key, value] : e.params.items()) {
        if (auto* p = std::get_if<ProgramRef>(&value); p && *p) {
          copy.params.set(key, ProgramRef(private_copy(**p)));
        } else if (auto* list = std::get_if<std::vector<ProgramRef>>(&value)) {
          std::vector<ProgramRef> copies;
          for (const ProgramRef& p : *list) copies.push_back(private_copy(*p));
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

}  // namespace

std::shared_ptr<Program> private_copy(const Program& program) {
  auto copy = std::make_shared<Program>();
  std::vector<int> map(program.variables.size(), -1);
  copy->variables.reserve(program.variables.size());
  for (int v : program.inputs) copy->inputs.push_back(map[v] = add_variable(*copy, strong(program.variables[v])));
  append(*copy, program, map);
  for (int v : program.outputs) copy->outputs.push_back(map[v]);
  return copy;
}

std::vector<Program*> programs_of(const Equation& e) {
  std::vector<Program*> out;
  if (e.op->kernel) return out;
  for (const auto& [key, value] : e.params.items()) {
    if (auto* p = std::get_if<ProgramRef>(&value); p && *p) out.push_back(const_cast<Program*>(p->get()));
    if (auto* list = std::get_if<std::vector<ProgramRef>>(&value)) {
      for (const ProgramRef& p : *list) out.push_back(const_cast<Program*>(p.get()));
    }
  }
  return out;
}

Program& program_of(const Equation& e, const char* parameter) {
  return const_cast<Program&>(*e.params.program(parameter));  // private_copy made it, as a Program that is not const
}

bool is_effectful(const Equation& e) {
  if (e.op->effectful) return true;
  for (const Program* p : programs_of(e)) {
    if (is_effectful(*p)) return true;
  }
  return false;
}

bool is_effectful(const Program& p) {
  for (const Equation& e : p.equations) {
    if (is_effectful(e)) return true;
  }
  return false;
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

void Rewriter::finish() {
  for (int& v : p_.outputs) v = now(v);
  p_.equations = std::move(equations_);
}

}  // namespace dini::exec
