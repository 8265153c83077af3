// cond, switch, while_loop, fori_loop, scan, and the check of derivatives.
#include "solving.hpp"

namespace pydini {

namespace e = dini::erased;

namespace {

// Functions that all have to return trees of one structure.
struct Alike {
  const char* function;
  std::optional<TreeDef> def;
  Leaves of(nb::handle value, const char* what) {
    Flat flat(value);
    if (def)
      match(flat.def, *def, function, what);
    else
      def = std::move(flat.def);
    return std::move(flat.leaves);
  }
};

nb::object branches(const char* name, const Array& index, const std::vector<nb::object>& functions,
                    nb::handle operands) {
  const Flat in(operands);
  Alike out{name, {}};
  std::vector<ErasedFunction> erased;
  for (const nb::object& f : functions) {
    erased.push_back([&in, &out, &f](const Leaves& leaves) {
      return with_gil([&] { return out.of(call_python(f, in.def.unflatten(leaves)), "values of the branches"); });
    });
  }
  const Leaves r = computing_solves([&] { return e::switch_case(name, index, erased, in.leaves); });
  return out.def->unflatten(r);
}

nb::object one_argument(nb::handle f, nb::object argument) { return call_python(f, nb::make_tuple(argument)); }

nb::object while_loop(nb::object condition, nb::object body, nb::handle init) {
  const Flat state(init);
  const Leaves out = computing_solves([&] {
    return e::while_loop(
        [&](const Leaves& s) {
          return with_gil([&] { return to_array(one_argument(condition, state.def.unflatten(s)), "while_loop"); });
        },
        [&](const Leaves& s) {
          return with_gil([&] {
            const Flat next(one_argument(body, state.def.unflatten(s)));
            match(next.def, state.def, "while_loop", "states of the body");
            return next.leaves;
          });
        },
        state.leaves);
  });
  return state.def.unflatten(out);
}

nb::object scan(nb::object f, nb::handle init, nb::handle xs, std::optional<std::int64_t> length, bool reverse) {
  const Flat carry(init), x(xs);
  const std::size_t n = carry.leaves.size();
  Alike ys{"scan", {}};
  const Leaves out = computing_solves([&] {
    return e::scan(
        [&](const Leaves& in) {
          return with_gil([&] {
            nb::object step = call_python(f, nb::make_tuple(carry.def.unflatten(in), x.def.unflatten(in, n)));
            if (!PyTuple_Check(step.ptr()) || PyTuple_Size(step.ptr()) != 2)
              throw nb::type_error(
                  ("scan: f(carry, x) has to return a pair (carry, y), got " + name_of_type(step)).c_str());
            Flat next(step[0]);
            match(next.def, carry.def, "scan", "carries");
            const Leaves y = ys.of(step[1], "values y");
            next.leaves.insert(next.leaves.end(), y.begin(), y.end());
            return std::move(next.leaves);
          });
        },
        carry.leaves, x.leaves, length, reverse);
  });
  return nb::make_tuple(carry.def.unflatten(out), ys.def->unflatten(out, n));
}

// body(k, state), a fixed number of times: a scan over nothing, so that both modes go through it.
nb::object fori_loop(nb::handle lower, nb::handle upper, nb::object body, nb::handle init) {
  for (nb::handle bound : {lower, upper}) {
    if (is_array(bound) && !array_of(bound).concrete())
      throw e::HostReadError(
          "fori_loop: how often it runs has to be known when it is traced: a bound is a value that is traced. Use "
          "while_loop, or name that argument of jit in static_argnames");
  }
  const std::int64_t first = to_whole(lower, "fori_loop"), last = to_whole(upper, "fori_loop");
  const Flat state(init);
  Leaves carry{dini::array(first)};
  carry.insert(carry.end(), state.leaves.begin(), state.leaves.end());
  const Leaves out = computing_solves([&] {
    return e::scan(
        [&](const Leaves& in) {
          return with_gil([&] {
            const Flat next(call_python(body, nb::make_tuple(from_array(in[0]), state.def.unflatten(in, 1))));
            match(next.def, state.def, "fori_loop", "states of the body");
            Leaves all{in[0] + 1};
            all.insert(all.end(), next.leaves.begin(), next.leaves.end());
            return all;
          });
        },
        carry, {}, last > first ? last - first : 0, false);
  });
  return state.def.unflatten(out, 1);
}

}  // namespace

void bind_control(nb::module_& m) {
  m.def(
      "cond",
      [](nb::handle pred, nb::object on_true, nb::object on_false, nb::args operands) {
        return branches("cond", e::truth(to_array(pred, "cond")), {on_false, on_true}, operands);
      },
      nb::arg("pred"), nb::arg("true_fun"), nb::arg("false_fun"), nb::arg("operands"),
      nb::sig("def cond(pred: ArrayLike, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any) "
              "-> Any"),
      "true_fun(*operands) where the scalar is not 0, false_fun(*operands) otherwise.");
  m.def(
      "switch",
      [](nb::handle index, nb::handle functions, nb::args operands) {
        std::vector<nb::object> all;
        for (nb::handle f : nb::iter(functions)) all.push_back(nb::borrow(f));
        return branches("switch", to_array(index, "switch"), all, operands);
      },
      nb::arg("index"), nb::arg("branches"), nb::arg("operands"),
      nb::sig("def switch(index: ArrayLike, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any"),
      "branches[index](*operands); an index that is out of range is the nearest that is not.");
  m.def("while_loop", &while_loop, nb::arg("cond_fun"), nb::arg("body_fun"), nb::arg("init_val").none(),
        nb::sig("def while_loop(cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Any) -> Any"),
        "body_fun applied while cond_fun(state) holds. Forward mode alone goes through it.");
  m.def("fori_loop", &fori_loop, nb::arg("lower"), nb::arg("upper"), nb::arg("body_fun"), nb::arg("init_val").none(),
        nb::sig("def fori_loop(lower: int, upper: int, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any"),
        "body_fun(k, state) for k = lower, ..., upper - 1. Both modes go through it.");
  m.def("scan", &scan, nb::arg("f"), nb::arg("init").none(), nb::arg("xs").none() = nb::none(),
        nb::arg("length") = nb::none(), nb::arg("reverse") = false,
        nb::sig("def scan(f: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any = None, length: int | None = "
                "None, reverse: bool "
                "= False) -> tuple[Any, Any]"),
        "f(carry, x) -> (carry, y) over the first axis of xs: the last carry, and all y.");
  m.def("_check_grads",
        [](nb::object f, nb::handle args, int order, bool forward, bool reverse, double rtol, double atol) {
          Call c(f, args, nb::none(), nullptr, "check_grads");
          dini::GradientCheckOptions o;
          o.order = order;
          o.forward = forward;
          o.reverse = reverse;
          o.relative_tolerance = rtol;
          o.absolute_tolerance = atol;
          return computing([&] {
            const dini::GradientReport report = dini::detail::check_leaves(c.erased(), c.leaves(), c.counts(), o);
            dini::detail::require_ok(report);
            return report.str();
          });
        });
}

}  // namespace pydini
