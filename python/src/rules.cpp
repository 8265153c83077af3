// custom_vjp and custom_jvp: derivatives by a rule of the user's.
#include "wrapper.hpp"

namespace pydini {

namespace e = dini::erased;

namespace {

struct Custom : Wrapper {
  nb::object fwd, bwd, jvp;
  std::vector<int> nondiff;
  const char* kind = "custom_vjp";
  std::shared_ptr<e::KnownOutputs> known = std::make_shared<e::KnownOutputs>();

  int traverse(visitproc visit, void* arg) {
    Py_VISIT(fwd.ptr());
    Py_VISIT(bwd.ptr());
    Py_VISIT(jvp.ptr());
    return Wrapper::traverse(visit, arg);
  }
  void clear() {
    fwd.reset(), bwd.reset(), jvp.reset();
    Wrapper::clear();
  }
  nb::object call(nb::args args, nb::kwargs kwargs) const;
};

// One call of such a function. What is compiled keeps it, and so it holds all that the rules need.
struct RuleCall {
  nb::object f, fwd, bwd, jvp;
  std::vector<nb::object> args;
  std::vector<bool> fixed;
  std::vector<TreeDef> defs;  // of those that are not fixed
  std::vector<Aval> avals;
  TreeDef out, residuals;  // as the functions returned them last

  // All arguments, or the fixed ones alone.
  std::vector<nb::object> given(const Leaves* in) const {
    std::vector<nb::object> all;
    std::size_t next = 0, which = 0;
    for (std::size_t k = 0; k < args.size(); ++k) {
      if (fixed[k]) {
        all.push_back(args[k]);
      } else if (in) {
        all.push_back(defs[which].unflatten(*in, next));
        next += defs[which++].leaves();
      }
    }
    return all;
  }
  nb::object moving(const Leaves& in) const {
    std::vector<nb::object> all;
    std::size_t next = 0;
    for (const TreeDef& d : defs) {
      all.push_back(d.unflatten(in, next));
      next += d.leaves();
    }
    return tuple_of(all);
  }
  static void require_pair(nb::handle h, const char* what) {
    if (PyTuple_Check(h.ptr()) && PyTuple_Size(h.ptr()) == 2) return;
    throw nb::type_error((std::string(what) + ", got " + name_of_type(h)).c_str());
  }

  Leaves primal(const Leaves& in) {
    Flat value(call_python(f, tuple_of(given(&in))));
    out = std::move(value.def);
    return std::move(value.leaves);
  }
  std::pair<Leaves, Leaves> forward(const Leaves& in) {
    nb::object both = call_python(fwd, tuple_of(given(&in)));
    require_pair(both, "custom_vjp: fwd has to return a pair (value, residuals)");
    Flat value(both[0]), kept(both[1]);
    out = std::move(value.def);
    residuals = std::move(kept.def);
    return {std::move(value.leaves), std::move(kept.leaves)};
  }
  Leaves pull(const Leaves& kept, const Leaves& cotangents) {
    std::vector<nb::object> all = given(nullptr);
    all.push_back(residuals.unflatten(kept));
    all.push_back(out.unflatten(cotangents));
    nb::object sent = call_python(bwd, tuple_of(all));
    if (!PyTuple_Check(sent.ptr())) {
      if (defs.size() != 1) dini::detail::throw_rule_arity("custom_vjp: bwd", 1, defs.size());
      sent = nb::make_tuple(sent);
    }
    if (static_cast<std::size_t>(PyTuple_Size(sent.ptr())) != defs.size())
      dini::detail::throw_rule_arity("custom_vjp: bwd", nb::len(sent), defs.size());
    Leaves result;
    for (std::size_t k = 0; k < defs.size(); ++k) {
      const std::size_t first = result.size(), count = defs[k].leaves();
      const nb::handle one = PyTuple_GetItem(sent.ptr(), static_cast<Py_ssize_t>(k));
      if (one.is_none()) {  // zero
        result.resize(first + count);
        continue;
      }
      const Flat flat(one);
      match(flat.def, defs[k], "custom_vjp", "cotangents of bwd");
      const std::vector<Aval> wanted(avals.begin() + static_cast<std::ptrdiff_t>(first),
                                     avals.begin() + static_cast<std::ptrdiff_t>(first + count));
      const Leaves checked = e::check_rule_leaves(flat.leaves, wanted, k, "custom_vjp: bwd");
      result.insert(result.end(), checked.begin(), checked.end());
    }
    return result;
  }
  std::pair<Leaves, Leaves> push(const Leaves& primals, const Leaves& tangents) {
    std::vector<nb::object> all = given(nullptr);
    all.push_back(moving(primals));
    all.push_back(moving(tangents));
    nb::object both = call_python(jvp, tuple_of(all));
    require_pair(both, "custom_jvp: the rule has to return a pair (value, tangent)");
    Flat value(both[0]), tangent(both[1]);
    match(tangent.def, value.def, "custom_jvp", "tangents of the rule");
    out = std::move(value.def);
    e::require_assigned(value.leaves, "custom_jvp: the rule", "value");
    Leaves checked =
        e::check_rule_leaves(tangent.leaves, e::avals_of_leaves(value.leaves), 0, "custom_jvp: the rule's tangent");
    return {std::move(value.leaves), std::move(checked)};
  }
};

nb::object Custom::call(nb::args args, nb::kwargs kwargs) const {
  const bool by_jvp = std::string_view(kind) == "custom_jvp";
  if (nb::len(kwargs)) throw nb::type_error((std::string(kind) + ": arguments are given by position").c_str());
  if (by_jvp ? !jvp.is_valid() : !fwd.is_valid() || !bwd.is_valid()) {
    throw dini::ValueError(std::string(kind) +
                           ": there is no rule yet: " + (by_jvp ? "defjvp(rule)" : "defvjp(fwd, bwd)") + " gives one");
  }
  RuleCall made{function(), fwd, bwd, jvp, {}, std::vector<bool>(args.size()), {}, {}, {}, {}};
  for (int k : nondiff) {
    const auto n = static_cast<int>(args.size());
    const int at = k < 0 ? k + n : k;
    if (at < 0 || at >= n)
      throw dini::ValueError(std::string(kind) + ": nondiff_argnums has " + std::to_string(k) + ", which there is not");
    made.fixed[static_cast<std::size_t>(at)] = true;
  }
  Leaves leaves;
  for (std::size_t k = 0; k < args.size(); ++k) {
    made.args.push_back(nb::borrow(args[k]));
    if (!made.fixed[k]) made.defs.push_back(TreeDef::flatten(args[k], leaves));
  }
  made.avals = e::avals_of_leaves(leaves);
  const auto rule = share_cpp(std::move(made));
  const ErasedFunction primal = [rule](const Leaves& in) { return with_gil([&] { return rule->primal(in); }); };
  Leaves result;
  if (by_jvp) {
    e::JvpRule r;
    r.primal = primal;
    r.rule = [rule](const Leaves& x, const Leaves& dx) { return with_gil([&] { return rule->push(x, dx); }); };
    result = computing([&] { return e::custom_jvp(std::move(r), known, leaves); });
  } else {
    e::VjpRule r;
    r.inputs = leaves.size();
    r.primal = primal;
    r.run_forward = [rule](const Leaves& in) { return with_gil([&] { return rule->forward(in); }); };
    r.pull = [rule](const Leaves& kept, const Leaves& ct) { return with_gil([&] { return rule->pull(kept, ct); }); };
    result = computing([&] { return e::custom_vjp(std::move(r), known, leaves); });
  }
  return rule->out.unflatten(result);
}

}  // namespace

void bind_rules(nb::module_& m) {
  nb::class_<Custom> c = bind_wrapper<Custom>(m, "_Custom");
  c.def("__call__", &Custom::call, nb::sig("def __call__(self, *args: Any, **kwargs: Any) -> Any"));
  c.def(
      "defvjp",
      [](Custom& self, nb::object fwd, nb::object bwd) {
        self.fwd = std::move(fwd);
        self.bwd = std::move(bwd);
      },
      nb::arg("fwd"), nb::arg("bwd"),
      "fwd(*args) -> (value, residuals); bwd(*nondiff, residuals, cotangent) -> a cotangent for each argument, None "
      "for zero.");
  c.def(
      "defjvp",
      [](Custom& self, nb::object rule) {
        self.jvp = rule;
        return rule;
      },
      nb::arg("rule"),
      "rule(*nondiff, primals, tangents) -> (value, tangent), linear in the tangents. May be a decorator.");
  m.def("_custom", [](nb::object f, nb::handle nondiff, bool by_jvp) {
    Custom custom;
    custom.f = f;
    custom.nondiff = to_ints(nondiff, "nondiff_argnums");
    custom.kind = by_jvp ? "custom_jvp" : "custom_vjp";
    return custom;
  });
}

}  // namespace pydini
