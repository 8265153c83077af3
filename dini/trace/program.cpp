#include "dini/trace/program.hpp"

#include <cstring>
#include <sstream>
#include <stdexcept>
#include <unordered_map>

#include "dini/trace/emit.hpp"

namespace dini::detail {

Program::Program(const Program& other)
    : variables(other.variables),
      inputs(other.inputs),
      outputs(other.outputs),
      constants(other.constants),
      equations(other.equations) {}

std::vector<Aval> Program::input_avals() const {
  std::vector<Aval> out;
  for (int v : inputs) out.push_back(variables[v]);
  return out;
}

std::vector<Aval> Program::output_avals() const {
  std::vector<Aval> out;
  for (int v : outputs) out.push_back(variables[v]);
  return out;
}

std::ostream& operator<<(std::ostream& out, const Program& program) { return out << program.str(); }

std::vector<ProgramRef> programs_in(const Params& params) {
  std::vector<ProgramRef> out;
  for (const auto& [key, value] : params.items()) {
    if (auto* p = std::get_if<ProgramRef>(&value); p && *p) out.push_back(*p);
    if (auto* list = std::get_if<std::vector<ProgramRef>>(&value)) out.insert(out.end(), list->begin(), list->end());
  }
  return out;
}

std::vector<ProgramRef> programs_in(const Program& program, const Equation& e) {
  // What is made late is not made to be looked at.
  if (e.op->kernel || e.op->control == Control::late) return {};
  if (!e.op->inlined) return programs_in(e.params);
  std::vector<Aval> avals;
  for (int v : e.inputs) avals.push_back(program.variables[v]);
  return {e.op->inlined(e.params, avals)};
}

bool is_effectful(const Program& program, const Equation& e) {
  if (e.op->effectful || e.params.has("watch")) return true;
  for (const ProgramRef& p : programs_in(program, e)) {
    // What many equations stand for is looked through once.
    if (e.op->inlined ? *p->cached<bool>("effectful", [&] { return std::make_shared<bool>(is_effectful(*p)); })
                      : is_effectful(*p)) {
      return true;
    }
  }
  return false;
}

bool is_effectful(const Program& program) {
  for (const Equation& e : program.equations) {
    if (is_effectful(program, e)) return true;
  }
  return false;
}

std::optional<double> uniform_number(const Array& a) {
  if (a.size() == 0) return std::nullopt;
  const std::size_t item = item_size(a.dtype());
  const char* data = static_cast<const char*>(a.raw());
  for (std::int64_t k = 1; k < a.size(); ++k) {
    if (std::memcmp(data, data + static_cast<std::size_t>(k) * item, item) != 0) return std::nullopt;
  }
  return visit_dtype(a.dtype(), [&]<class T>() { return static_cast<double>(*reinterpret_cast<const T*>(data)); });
}

Leaves evaluate(const Program& program, const Leaves& inputs) {
  if (inputs.size() != program.inputs.size()) throw std::logic_error("evaluate: wrong number of inputs");
  // A value is dropped after its last use: a long Program holds what is alive, not everything.
  std::vector<int> last(program.variables.size(), -1);
  const int n = static_cast<int>(program.equations.size());
  for (int k = 0; k < n; ++k) {
    for (int v : program.equations[k].inputs) last[v] = k;
  }
  for (int v : program.outputs) last[v] = n;
  Leaves values(program.variables.size());
  for (std::size_t k = 0; k < inputs.size(); ++k) values[program.inputs[k]] = inputs[k];
  for (const auto& [v, a] : program.constants) values[v] = a;
  Leaves arguments;
  for (int k = 0; k < n; ++k) {
    const Equation& e = program.equations[k];
    arguments.clear();
    for (int v : e.inputs) arguments.push_back(values[v]);
    Leaves results = emit(*e.op, arguments, e.params);
    for (std::size_t j = 0; j < results.size(); ++j) {
      if (last[e.outputs[j]] >= 0) values[e.outputs[j]] = std::move(results[j]);
    }
    for (int v : e.inputs) {
      if (last[v] == k) values[v] = Array();
    }
  }
  Leaves out;
  for (int v : program.outputs) out.push_back(values[v]);
  return out;
}

// ---- Printing --------------------------------------------------------------------------------------------------------

namespace {

std::string variable_name(int v) {
  std::string s;
  for (++v; v > 0; v = (v - 1) / 26) s.insert(s.begin(), static_cast<char>('a' + (v - 1) % 26));
  return s;
}

// "a: float64(3,)"; check() prints Programs in which there may be no such variable.
std::string typed_variable(const Program& p, int v) {
  const bool known = v >= 0 && v < static_cast<int>(p.variables.size());
  return variable_name(v) + ": " + (known ? p.variables[v].str() : "?");
}

void print(std::ostream& out, const Program& p, const std::string& indent);

void print_value(std::ostream& out, const Params::Value& value, const std::string& indent) {
  struct Visitor {
    std::ostream& out;
    const std::string& indent;
    void operator()(bool b) const { out << (b ? "true" : "false"); }
    void operator()(std::int64_t i) const { out << i; }
    void operator()(double d) const { out << d; }
    void operator()(const std::string& s) const { out << s; }
    void operator()(Dtype d) const { out << name(d); }
    void operator()(const Shape& s) const { out << s.str(); }
    void operator()(const Params::Ints& v) const {
      out << '[';
      for (std::size_t k = 0; k < v.size(); ++k) out << (k ? ", " : "") << v[k];
      out << ']';
    }
    void operator()(const ProgramRef& p) const {
      if (p)
        print(out, *p, indent + "  ");
      else
        out << "none";
    }
    void operator()(const std::vector<ProgramRef>& v) const {
      for (std::size_t k = 0; k < v.size(); ++k) {
        out << (k ? ", " : "");
        print(out, *v[k], indent + "  ");
      }
    }
    void operator()(const OpaqueRef& o) const { out << (o ? o->name() : "none"); }
  };
  std::visit(Visitor{out, indent}, value);
}

void print(std::ostream& out, const Program& p, const std::string& indent) {
  out << "{ ";
  for (std::size_t k = 0; k < p.inputs.size(); ++k) { out << (k ? ", " : "") << typed_variable(p, p.inputs[k]); }
  out << (p.inputs.empty() ? "->" : " ->");
  for (const auto& [v, a] : p.constants) {
    out << "\n" << indent << "  " << typed_variable(p, v) << " = ";
    if (a.size() == 1)
      out << a.item<double>();
    else
      out << "constant";
  }
  for (const Equation& e : p.equations) {
    out << "\n" << indent << "  ";
    for (std::size_t k = 0; k < e.outputs.size(); ++k) { out << (k ? ", " : "") << typed_variable(p, e.outputs[k]); }
    out << " = " << e.op->name;
    if (!e.params.items().empty()) {
      out << '[';
      std::size_t k = 0;
      for (const auto& [key, value] : e.params.items()) {
        out << (k++ ? "; " : "") << key << '=';
        print_value(out, value, indent);
      }
      out << ']';
    }
    out << '(';
    for (std::size_t k = 0; k < e.inputs.size(); ++k) out << (k ? ", " : "") << variable_name(e.inputs[k]);
    out << ')';
  }
  out << "\n" << indent << "  return ";
  for (std::size_t k = 0; k < p.outputs.size(); ++k) out << (k ? ", " : "") << variable_name(p.outputs[k]);
  out << " }";
}

}  // namespace

std::string Program::str() const {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out.precision(9);
  print(out, *this, "");
  return out.str();
}

// ---- Checking --------------------------------------------------------------------------------------------------------

void Program::check() const {
  std::vector<bool> defined(variables.size(), false);
  auto fail = [&](const std::string& what) { throw std::logic_error("Program: " + what + "\n" + str()); };
  auto define = [&](int v) {
    if (v < 0 || v >= static_cast<int>(variables.size())) fail("no such variable");
    if (defined[v]) fail(variable_name(v) + " is defined twice");
    defined[v] = true;
  };
  auto use = [&](int v) {
    if (v < 0 || v >= static_cast<int>(variables.size()) || !defined[v])
      fail("a variable is used before it is defined");
  };
  for (int v : inputs) define(v);
  for (const auto& [v, a] : constants) {
    define(v);
    if (!a.concrete() || a.aval() != variables[v]) fail("the constant " + variable_name(v) + " has another type");
  }
  for (const Equation& e : equations) {
    std::vector<Aval> avals;
    for (int v : e.inputs) {
      use(v);
      avals.push_back(variables[v]);
    }
    const std::vector<Aval> inferred = e.op->infer(avals, e.params);
    if (inferred.size() != e.outputs.size()) fail(e.op->name + " has another number of outputs");
    for (std::size_t k = 0; k < inferred.size(); ++k) {
      define(e.outputs[k]);
      if (inferred[k] != variables[e.outputs[k]]) {
        fail(e.op->name + " gives " + inferred[k].str() + ", not " + variables[e.outputs[k]].str());
      }
    }
    for (const ProgramRef& p : programs_in(e.params)) p->check();
  }
  for (int v : outputs) use(v);
}

// ---- Equality --------------------------------------------------------------------------------------------------------

namespace {

struct Hasher {
  std::uint64_t state = 0x9e3779b97f4a7c15ULL;
  void add(std::uint64_t x) {
    state ^= x + 0x9e3779b97f4a7c15ULL + (state << 6) + (state >> 2);
    state *= 0xff51afd7ed558ccdULL;
    state ^= state >> 33;
  }
  void add(const std::string& s) { add(std::hash<std::string>()(s)); }
  void add(const Shape& s) {
    add(static_cast<std::uint64_t>(s.ndim()));
    for (std::int64_t n : s) add(static_cast<std::uint64_t>(n));
  }
  void add(const Aval& a) {
    add(a.shape);
    add(static_cast<std::uint64_t>(a.dtype) * 2 + a.weak);
  }
  void add(const Params::Value& value) {
    add(value.index());
    struct Visitor {
      Hasher& h;
      void operator()(bool b) const { h.add(std::uint64_t{b}); }
      void operator()(std::int64_t i) const { h.add(static_cast<std::uint64_t>(i)); }
      void operator()(double d) const {
        std::uint64_t bits;
        std::memcpy(&bits, &d, sizeof bits);
        h.add(bits);
      }
      void operator()(const std::string& s) const { h.add(s); }
      void operator()(Dtype d) const { h.add(static_cast<std::uint64_t>(d)); }
      void operator()(const Shape& s) const { h.add(s); }
      void operator()(const Params::Ints& v) const {
        for (std::int64_t i : v) h.add(static_cast<std::uint64_t>(i));
      }
      void operator()(const ProgramRef& p) const { h.add(p ? p->hash() : 0); }
      void operator()(const std::vector<ProgramRef>& v) const {
        for (const ProgramRef& p : v) h.add(p->hash());
      }
      void operator()(const OpaqueRef& o) const { h.add(reinterpret_cast<std::uintptr_t>(o.get())); }
    };
    std::visit(Visitor{*this}, value);
  }
};

std::size_t bytes(const Array& a) { return static_cast<std::size_t>(a.size()) * item_size(a.dtype()); }

bool equal_values(const Params::Value& a, const Params::Value& b) {
  if (a.index() != b.index()) return false;
  if (auto* p = std::get_if<ProgramRef>(&a)) {
    const ProgramRef& q = std::get<ProgramRef>(b);
    return *p == q || (*p && q && (*p)->equal(*q));
  }
  if (auto* p = std::get_if<std::vector<ProgramRef>>(&a)) {
    const auto& q = std::get<std::vector<ProgramRef>>(b);
    if (p->size() != q.size()) return false;
    for (std::size_t k = 0; k < q.size(); ++k) {
      if ((*p)[k] != q[k] && !(*p)[k]->equal(*q[k])) return false;
    }
    return true;
  }
  return a == b;
}

bool equal_params(const Params& a, const Params& b) {
  if (a.items().size() != b.items().size()) return false;
  for (std::size_t k = 0; k < a.items().size(); ++k) {
    if (a.items()[k].first != b.items()[k].first || !equal_values(a.items()[k].second, b.items()[k].second))
      return false;
  }
  return true;
}

}  // namespace

std::uint64_t Program::hash() const {
  auto kept = cached<std::uint64_t>("hash", [&] {
    Hasher h;
    for (const Aval& a : variables) h.add(a);
    for (int v : inputs) h.add(static_cast<std::uint64_t>(v));
    for (const auto& [v, a] : constants) {
      h.add(static_cast<std::uint64_t>(v));
      h.add(std::string(static_cast<const char*>(a.raw()), bytes(a)));
    }
    for (const Equation& e : equations) {
      h.add(reinterpret_cast<std::uintptr_t>(e.op));
      for (int v : e.inputs) h.add(static_cast<std::uint64_t>(v));
      for (const auto& [key, value] : e.params.items()) h.add(value);
    }
    for (int v : outputs) h.add(static_cast<std::uint64_t>(v));
    return std::make_shared<std::uint64_t>(h.state);
  });
  return *kept;
}

bool Program::equal(const Program& o) const {
  if (this == &o) return true;
  if (variables != o.variables || inputs != o.inputs || outputs != o.outputs ||
      constants.size() != o.constants.size() || equations.size() != o.equations.size()) {
    return false;
  }
  for (std::size_t k = 0; k < constants.size(); ++k) {
    const auto& [v, a] = constants[k];
    const auto& [w, b] = o.constants[k];
    if (v != w || bytes(a) != bytes(b) || std::memcmp(a.raw(), b.raw(), bytes(a)) != 0) return false;
  }
  for (std::size_t k = 0; k < equations.size(); ++k) {
    const Equation &a = equations[k], &b = o.equations[k];
    if (a.op != b.op || a.inputs != b.inputs || a.outputs != b.outputs || !equal_params(a.params, b.params))
      return false;
  }
  return true;
}

}  // namespace dini::detail
