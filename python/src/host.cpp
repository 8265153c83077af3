// Functions of Python's that are called at run time: host_function, with derivatives that are functions of Python's, too; and functions
// of other frameworks, of which the framework makes derivatives and batches of every order.
#include "dini/transforms/host_map.hpp"

#include <functional>
#include <mutex>

#include "wrapper.hpp"

namespace pydini {

namespace {

// What a user said of such a function. A rule that is such a function itself has derivatives in its turn.
struct Told {
  nb::object f, like, jvp, vjp;
  std::string name;
  std::shared_ptr<const Told> rules_of_jvp, rules_of_vjp;
};

// One call of it: the structure of its arguments and of its value.
struct Signature {
  std::shared_ptr<const Told> told;
  std::vector<TreeDef> args;
  std::size_t inputs = 0;
  TreeDef out;
  std::vector<Aval> in_avals, avals;
  // It is the rule vjp of another function: its value are cotangents of these arguments.
  std::optional<std::vector<TreeDef>> of_arguments = {};

  // Of a function's own calls.
  bool like(const Signature& other) const {
    return in_avals == other.in_avals && avals == other.avals && args == other.args && out == other.out;
  }

  nb::object numpy(const Leaves& in, std::size_t first) const {
    std::vector<nb::object> all;
    for (const TreeDef& d : args) {
      std::vector<nb::object> leaves;
      for (std::size_t k = 0; k < d.leaves(); ++k) leaves.push_back(from_array(in.at(first + k)).attr("numpy")());
      all.push_back(d.build(leaves));
      first += d.leaves();
    }
    return tuple_of(all);
  }
  Leaves checked(nb::handle value, nb::handle point) const {
    if (of_arguments) return cotangents(value, *of_arguments, nb::object(point[0]));
    Flat flat(value);
    match(flat.def, out, told->name.c_str(), "values");
    return std::move(flat.leaves);
  }
  // What a rule vjp returns: a tuple, or the cotangent of the only argument; None is 0 everywhere, like the arguments `point`.
  Leaves cotangents(nb::handle value, const std::vector<TreeDef>& of, nb::handle point) const {
    const nb::object sent = PyTuple_Check(value.ptr()) ? nb::borrow(value) : nb::object(nb::make_tuple(value));
    if (static_cast<std::size_t>(PyTuple_Size(sent.ptr())) != of.size())
      dini::detail::throw_rule_arity((told->name + ": vjp").c_str(), nb::len(sent), of.size());
    Leaves all;
    for (std::size_t k = 0; k < of.size(); ++k) {
      const nb::handle one = PyTuple_GetItem(sent.ptr(), static_cast<Py_ssize_t>(k));
      if (one.is_none()) {
        for (const Array& x : Flat(nb::object(point[k])).leaves) all.push_back(dini::zeros(x.shape(), x.dtype()));
        continue;
      }
      Flat flat(one);
      match(flat.def, of[k], told->name.c_str(), "cotangents of vjp");
      all.insert(all.end(), flat.leaves.begin(), flat.leaves.end());
    }
    return all;
  }
};

// The structure of a tuple of these.
TreeDef tuple_def(const std::vector<TreeDef>& members) {
  std::vector<nb::object> objects;
  for (const TreeDef& d : members) objects.push_back(d.build(std::vector<nb::object>(d.leaves(), nb::float_(0.0))));
  Leaves leaves;
  return TreeDef::flatten(tuple_of(objects), leaves);
}

struct PyHost final : dini::HostMap {
  enum class Form { plain, tangent, cotangent } form;
  std::shared_ptr<const Signature> sig;
  PyHost(Form f, std::shared_ptr<const Signature> s) : form(f), sig(std::move(s)) {}

  std::string name() const override { return sig->told->name; }
  std::size_t results() const override { return form == Form::cotangent ? sig->inputs : sig->avals.size(); }
  std::size_t linear() const override {
    return form == Form::plain ? 0 : form == Form::tangent ? sig->inputs : sig->avals.size();
  }
  std::vector<Aval> outputs(std::span<const Aval> in) const override {
    if (form != Form::cotangent) return sig->avals;
    return {in.begin(), in.begin() + static_cast<std::ptrdiff_t>(sig->inputs)};
  }
  // Made once, so that what was compiled for them serves again.
  dini::HostMapRef linearized() const override {
    {
      std::lock_guard lock(mutex_);
      if (linearized_) return linearized_;
    }
    dini::HostMapRef made = make_linearized();
    std::lock_guard lock(mutex_);
    if (!linearized_) linearized_ = std::move(made);
    return linearized_;
  }
  dini::HostMapRef transposed() const override {
    if (form == Form::cotangent) {
      if (auto tangent = transposed_of_.lock()) return tangent;
      return std::make_shared<PyHost>(Form::tangent, sig);
    }
    std::lock_guard lock(mutex_);
    if (!transposed_) {
      const auto made = std::make_shared<PyHost>(Form::cotangent, sig);
      made->transposed_of_ = weak_from_this();
      transposed_ = made;
    }
    return transposed_;
  }

  Leaves call(const Leaves& in) const override {
    return with_gil([&]() -> Leaves {
      const Told& told = *sig->told;
      const nb::object point = sig->numpy(in, 0);
      if (form == Form::plain) return sig->checked(call_python(told.f, point), point);
      if (form == Form::tangent) {
        if (!told.jvp.is_valid()) throw dini::TraceError(told.name + ": forward mode wants the rule jvp=");
        return sig->checked(call_python(told.jvp, nb::make_tuple(point, sig->numpy(in, sig->inputs))), point);
      }
      if (!told.vjp.is_valid()) throw dini::TraceError(told.name + ": reverse mode wants the rule vjp=");
      std::vector<nb::object> cotangent;
      for (std::size_t k = sig->inputs; k < in.size(); ++k) cotangent.push_back(from_array(in[k]).attr("numpy")());
      const nb::object sent = call_python(told.vjp, nb::make_tuple(point, sig->out.build(cotangent)));
      return sig->cotangents(sent, sig->args, point);
    });
  }

 private:
  dini::HostMapRef make_linearized() const {
    const Told& told = *sig->told;
    if (form == Form::plain) {
      if (!told.jvp.is_valid() && !told.vjp.is_valid()) return HostMap::linearized();
      return std::make_shared<PyHost>(Form::tangent, sig);
    }
    // The rule as a function of its own two arguments.
    const auto& rules = form == Form::tangent ? told.rules_of_jvp : told.rules_of_vjp;
    if (!rules)
      throw dini::TraceError(told.name + ": a second derivative wants the rule " +
                             (form == Form::tangent ? "jvp" : "vjp") + "= to be a host_function with rules of its own");
    return with_gil([&]() -> dini::HostMapRef {
      const TreeDef all = tuple_def(sig->args);
      const std::vector<Aval>& more = form == Form::tangent ? sig->in_avals : sig->avals;
      Signature s;
      s.told = rules;
      s.args = {all, form == Form::tangent ? all : sig->out};
      s.in_avals = sig->in_avals;
      s.in_avals.insert(s.in_avals.end(), more.begin(), more.end());
      s.inputs = s.in_avals.size();
      s.out = form == Form::tangent ? sig->out : all;
      s.avals = form == Form::tangent ? sig->avals : sig->in_avals;
      if (form == Form::cotangent) s.of_arguments = sig->args;
      return std::make_shared<PyHost>(Form::tangent, share_cpp(std::move(s)));
    });
  }

 public:
  /// How often this and what it has made refer to its signature; 0 where anything else refers to one of them.
  long references_of_its_own() const {
    long n = 1;
    for (const dini::HostMapRef& made : {std::cref(linearized_), std::cref(transposed_)}) {
      if (!made) continue;
      const auto* host = dynamic_cast<const PyHost*>(made.get());
      const long more = host && made.use_count() == 1 && host->sig == sig ? host->references_of_its_own() : 0;
      if (more == 0) return 0;
      n += more;
    }
    return n;
  }

 private:
  mutable std::mutex mutex_;
  mutable dini::HostMapRef linearized_, transposed_;
  std::weak_ptr<const dini::HostMap> transposed_of_;  // the one that keeps this one
};

struct HostFunctionObject {
  std::shared_ptr<const Told> told;
  std::vector<std::shared_ptr<const PyHost>> known;  // of the calls like which there were some, the last ones

  // The collector is told of Python's objects only while nothing that was compiled may call the function: it would think them
  // unreachable else.
  bool exclusive() const {
    if (!told || told.use_count() != 1 + static_cast<long>(known.size())) return false;
    for (const auto& k : known) {
      if (k.use_count() != 1 || k->sig.use_count() != k->references_of_its_own()) return false;
    }
    return true;
  }
  int traverse(visitproc visit, void* arg) {
    if (!exclusive()) return 0;
    for (const nb::object* o : {&told->f, &told->like, &told->jvp, &told->vjp}) Py_VISIT(o->ptr());
    for (const auto& k : known) {
      for (const TreeDef& d : k->sig->args) {
        for (const TreeDef::Node& n : d.nodes()) Py_VISIT(n.data.ptr());
      }
      for (const TreeDef::Node& n : k->sig->out.nodes()) Py_VISIT(n.data.ptr());
    }
    return 0;
  }
  void clear() {
    known.clear();
    told.reset();
  }

  nb::object call(nb::args args) {
    if (!told) throw std::runtime_error("a function that was collected already");
    Signature s;
    s.told = told;
    Leaves leaves;
    for (nb::handle h : args) s.args.push_back(TreeDef::flatten(h, leaves));
    for (const Array& a : leaves) s.in_avals.push_back({a.shape(), a.dtype(), false});
    s.inputs = leaves.size();
    // What it returns: like the first argument, like something, or what a function of the arguments says.
    nb::object like = told->like;
    for (std::size_t k = 0; like.is_none() && k < args.size(); ++k) {
      if (s.args[k].leaves() > 0) like = nb::borrow(args[k]);  // and not `self`
    }
    if (like.is_none())
      throw dini::ValueError(told->name +
                             ": without arrays among its arguments it has to be told what it returns, by like=");
    if (!told->like.is_none() && PyCallable_Check(like.ptr()) && !is_array(like)) like = call_python(like, args);
    Flat out(like);
    s.out = std::move(out.def);
    for (const Array& a : out.leaves) s.avals.push_back({a.shape(), a.dtype(), false});
    constexpr std::size_t most = 16;
    std::shared_ptr<const PyHost> map;
    const auto before = known;  // comparing may run the user's code
    for (const auto& k : before) {
      if (k->sig->like(s)) map = k;
    }
    if (!map) {
      map = std::make_shared<PyHost>(PyHost::Form::plain, share_cpp(std::move(s)));
      if (known.size() >= most) known.erase(known.begin());
      known.push_back(map);
    }
    return map->sig->out.unflatten(computing([&] { return dini::call_host(map, leaves); }));
  }
};

}  // namespace

void bind_host(nb::module_& m) {
  nb::class_<HostFunctionObject>(m, "HostFunction", nb::type_slots(wrapper_slots<HostFunctionObject>()),
                                 "A function that is called at run time; made by dini.host_function.")
      .def("__call__", &HostFunctionObject::call, nb::sig("def __call__(self, *args: Any) -> Any"))
      .def("__repr__",
           [](const HostFunctionObject& f) { return "<HostFunction " + (f.told ? f.told->name : "") + ">"; })
      .def(
          "__get__",
          [](nb::handle self, nb::handle instance, nb::handle) {
            if (instance.is_none()) return nb::borrow(self);
            return nb::module_::import_("types").attr("MethodType")(self, instance);
          },
          nb::arg("instance").none(), nb::arg("owner").none() = nb::none())
      .def_prop_ro("function", [](const HostFunctionObject& f) { return f.told ? f.told->f : nb::none(); });
  m.def(
      "_host_function",
      [](nb::object f, nb::object like, nb::object jvp, nb::object vjp) {
        Told t{f,  like, {}, {}, nb::cast<std::string>(nb::str(nb::getattr(f, "__name__", nb::str("host_function")))),
               {}, {}};
        auto rule = [](nb::object given, nb::object& to, std::shared_ptr<const Told>& rules) {
          if (given.is_none()) return;
          to = std::move(given);
          if (!nb::isinstance<HostFunctionObject>(to)) return;
          rules = nb::cast<HostFunctionObject&>(to).told;
          to = rules->f;
        };
        rule(std::move(jvp), t.jvp, t.rules_of_jvp);
        rule(std::move(vjp), t.vjp, t.rules_of_vjp);
        return HostFunctionObject{share_cpp(std::move(t)), {}};
      },
      nb::arg("f"), nb::arg("like").none(), nb::arg("jvp").none(), nb::arg("vjp").none());
}

}  // namespace pydini
