// grad, jacobians, vjp, jvp, linearize, vmap, checkpoint.
#include "wrapper.hpp"

namespace pydini {

namespace e = dini::erased;

namespace {

struct Grad : Wrapper {
  std::vector<int> argnums;
  bool single = true, has_aux = false, with_value = false;
  nb::object call(nb::args args, nb::kwargs kwargs) const {
    Call c(function(), args, kwargs, &argnums, with_value ? "value_and_grad" : "grad");
    c.has_aux = has_aux;
    c.wants_array = true;
    c.refuse_objects(true);
    c.require_floating();
    const auto r = computing([&] { return e::value_and_grad(c.erased(), c.leaves()); });
    nb::object g = c.input(r.gradient, single);
    if (!with_value) return has_aux ? nb::object(nb::make_tuple(g, c.auxiliary())) : g;
    nb::object v = c.output({r.value});
    return has_aux ? nb::make_tuple(nb::make_tuple(v, c.auxiliary()), g) : nb::make_tuple(v, g);
  }
};

struct Jacobian : Wrapper {
  std::vector<int> argnums;
  bool single = true, has_aux = false;
  e::Mode mode = e::Mode::automatic;
  nb::object call(nb::args args, nb::kwargs kwargs) const {
    Call c(function(), args, kwargs, &argnums, "jacobian");
    c.has_aux = has_aux;
    c.wants_array = true;
    c.refuse_objects(true);
    const auto rows = computing([&] { return e::jacobian(c.erased(), c.leaves(), mode); });
    std::vector<nb::object> parts;  // in the place of each array of the value, one for each argument
    for (const Leaves& row : rows) parts.push_back(c.input(row, single));
    nb::object out = c.out().build(parts);
    return has_aux ? nb::object(nb::make_tuple(out, c.auxiliary())) : out;
  }
};

// ---- Linear maps -----------------------------------------------------------------------------------------------------

// A linearization with the trees of both sides: a pullback or a pushforward.
struct Linear {
  std::shared_ptr<const e::Linearization> data;
  std::shared_ptr<const std::vector<TreeDef>> in;
  std::shared_ptr<const TreeDef> out;

  nb::object pull(nb::handle cotangent) const {
    const Flat given(cotangent);
    match(given.def, *out, "vjp", "cotangents");
    const Leaves r = computing([&] { return data->pull(given.leaves); });
    std::vector<nb::object> parts;
    std::size_t next = 0;
    for (const TreeDef& d : *in) {
      parts.push_back(d.unflatten(r, next));
      next += d.leaves();
    }
    return tuple_of(parts);
  }
  nb::object push(nb::args tangents) const {
    if (tangents.size() != in->size()) {
      throw dini::ShapeError("linearize: " + std::to_string(tangents.size()) + " tangents for " +
                             std::to_string(in->size()) + " arguments");
    }
    Leaves leaves;
    for (std::size_t k = 0; k < in->size(); ++k) {
      Flat one(tangents[k]);
      match(one.def, (*in)[k], "linearize", "tangents");
      leaves.insert(leaves.end(), one.leaves.begin(), one.leaves.end());
    }
    return out->unflatten(computing([&] { return data->push(leaves); }));
  }
  // As a tree: what is kept of the point are its arrays.
  Linear with(const Leaves& kept) const {
    auto other = std::make_shared<e::Linearization>(*data);
    other->map.captured = kept;
    other->map.out.clear();
    return {other, in, out};
  }
};
struct Pullback : Linear {};
struct Pushforward : Linear {};

template <class T> nb::class_<T> bind_linear(nb::module_& m, const char* name, const char* doc) {
  nb::class_<T> c(m, name, doc);
  c.def("_kept", [](const T& t) {
    std::vector<nb::object> kept;
    for (const Array& a : t.data->map.captured) kept.push_back(from_array(a));
    return tuple_of(kept);
  });
  c.def("_with", [](const T& t, nb::handle kept) {
    Leaves leaves;
    for (nb::handle h : nb::iter(kept)) leaves.push_back(to_array(h, "a linear map"));
    return T{t.with(leaves)};
  });
  // Two with one Program are one map of different points.
  c.def("__hash__", [](const T& t) {
    return static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(t.data->map.program.get()) >> 4);
  });
  c.def("__eq__", [](const T& t, nb::handle o) {
    T* other = nullptr;
    return nb::try_cast<T*>(o, other) && other && other->data->map.program == t.data->map.program &&
           *other->out == *t.out;
  });
  return c;
}

Linear linear_of(Call& c, std::shared_ptr<const e::Linearization> data) {
  return {std::move(data), share_cpp(std::vector<TreeDef>(c.defs())), share_cpp(TreeDef(c.out()))};
}

// The arguments of jvp: a tuple of them, or one.
nb::object as_tuple(nb::handle h) {
  return PyTuple_CheckExact(h.ptr()) || PyList_CheckExact(h.ptr()) ? nb::steal(PySequence_Tuple(h.ptr()))
                                                                   : nb::object(nb::make_tuple(h));
}

// ---- vmap ------------------------------------------------------------------------------------------------------------

using MaybeAxis = std::optional<int>;

// The axes of a tree's leaves, from a prefix of the tree.
void spread_axes(nb::handle axes, nb::handle tree, const char* which, std::vector<MaybeAxis>& out) {
  if (axes.is_none() || PyLong_Check(axes.ptr())) {
    const std::size_t n = Flat(tree).leaves.size();
    out.insert(out.end(), n, axes.is_none() ? MaybeAxis() : MaybeAxis(to_ints(axes, which).at(0)));
    return;
  }
  auto misfit = [&] {
    throw dini::ShapeError(std::string("vmap: ") + which + " " + nb::cast<std::string>(nb::repr(axes)) +
                           " does not fit the tree " + Flat(tree).def.text());
  };
  if (PyDict_Check(axes.ptr())) {
    if (!PyDict_Check(tree.ptr()) || PyDict_Size(axes.ptr()) != PyDict_Size(tree.ptr())) misfit();
    nb::object keys = nb::steal(PyDict_Keys(tree.ptr()));
    if (PyList_Sort(keys.ptr()) != 0) PyErr_Clear();
    for (nb::handle key : nb::borrow<nb::list>(keys)) {
      PyObject* one = PyDict_GetItem(axes.ptr(), key.ptr());
      if (!one) misfit();
      spread_axes(one, PyDict_GetItem(tree.ptr(), key.ptr()), which, out);
    }
    return;
  }
  const bool sequence = PyTuple_Check(axes.ptr()) || PyList_Check(axes.ptr());
  if (!sequence || !(PyTuple_Check(tree.ptr()) || PyList_Check(tree.ptr())) ||
      PySequence_Size(axes.ptr()) != PySequence_Size(tree.ptr()))
    misfit();
  for (Py_ssize_t k = 0; k < PySequence_Size(tree.ptr()); ++k)
    spread_axes(nb::steal(PySequence_GetItem(axes.ptr(), k)), nb::steal(PySequence_GetItem(tree.ptr(), k)), which, out);
}

struct Vmap : Wrapper {
  nb::object in_axes, out_axes;
  std::optional<std::int64_t> axis_size;
  int traverse(visitproc visit, void* arg) {
    Py_VISIT(in_axes.ptr());
    Py_VISIT(out_axes.ptr());
    return Wrapper::traverse(visit, arg);
  }
  nb::object call(nb::args args, nb::kwargs kwargs) const {
    if (!Flat(kwargs).leaves.empty())
      throw nb::type_error("vmap: arrays are given by position, so that in_axes can say which of their axes is mapped");
    Call c(function(), args, kwargs, nullptr, "vmap");
    dini::VmapAxes axes;
    axes.in.clear();
    const bool one = in_axes.is_none() || PyLong_Check(in_axes.ptr());
    if (!one && nb::len(in_axes) != args.size()) {
      throw dini::ShapeError("vmap: in_axes has " + std::to_string(nb::len(in_axes)) + " entries for " +
                             std::to_string(args.size()) + (args.size() == 1 ? " argument" : " arguments"));
    }
    for (std::size_t k = 0; k < args.size(); ++k)
      spread_axes(one ? nb::object(in_axes) : nb::object(in_axes[k]), args[k], "in_axes", axes.in);
    Leaves same;  // of the value, where out_axes is None
    const ErasedFunction run = [&](const Leaves& in) {
      Leaves out = c(in);
      same.clear();
      nb::gil_scoped_acquire gil;
      std::vector<MaybeAxis> all;
      spread_axes(out_axes, c.output(out), "out_axes", all);
      axes.out.clear();
      for (std::size_t k = 0; k < all.size(); ++k) {
        if (!all[k] && dini::detail::current_trace() && dini::detail::current_trace()->owns(out[k]))
          throw dini::ShapeError("vmap: out_axes is None for the array " + std::to_string(k) +
                                 " of the value, which is not the same for all");
        same.push_back(all[k] ? Array() : out[k]);
        axes.out.push_back(all[k].value_or(0));
      }
      if (axes.out.empty()) axes.out = {0};
      return out;
    };
    Leaves in = c.leaves();
    std::vector<std::size_t> counts = c.counts();
    if (axis_size) {  // one more argument, which the function is not given
      if (*axis_size < 0) throw dini::ValueError("vmap: axis_size is negative: " + std::to_string(*axis_size));
      in.push_back(dini::zeros({*axis_size}));
      counts.push_back(1);
      axes.in.push_back(0);
    }
    Leaves out = computing([&] { return e::vmap(run, in, counts, axes); });
    for (std::size_t k = 0; k < same.size(); ++k) {
      if (same[k].defined()) out[k] = same[k];
    }
    return c.output(out);
  }
};

struct Checkpoint : Wrapper {
  nb::object call(nb::args args, nb::kwargs kwargs) const {
    Call c(function(), args, kwargs, nullptr, "checkpoint");
    return c.output(computing([&] { return e::checkpoint(c.erased(), c.leaves()); }));
  }
};

}  // namespace

void bind_transforms(nb::module_& m) {
  auto call_sig = nb::sig("def __call__(self, *args: Any, **kwargs: Any) -> Any");
  bind_wrapper<Grad>(m, "_Grad").def("__call__", &Grad::call, call_sig);
  bind_wrapper<Jacobian>(m, "_Jacobian").def("__call__", &Jacobian::call, call_sig);
  bind_wrapper<Vmap>(m, "_Vmap").def("__call__", &Vmap::call, call_sig);
  bind_wrapper<Checkpoint>(m, "_Checkpoint").def("__call__", &Checkpoint::call, call_sig);
  m.def("_grad", [](nb::object f, nb::handle argnums, bool has_aux, bool with_value) {
    return Grad{{f}, to_ints(argnums, "argnums"), PyLong_Check(argnums.ptr()) != 0, has_aux, with_value};
  });
  m.def("_jacobian", [](nb::object f, nb::handle argnums, bool has_aux, int mode) {
    return Jacobian{
        {f}, to_ints(argnums, "argnums"), PyLong_Check(argnums.ptr()) != 0, has_aux, static_cast<e::Mode>(mode)};
  });
  m.def(
      "_vmap",
      [](nb::object f, nb::object in_axes, nb::object out_axes, nb::handle axis_size) {
        return Vmap{{f},
                    in_axes,
                    out_axes,
                    axis_size.is_none() ? std::optional<std::int64_t>() : to_whole(axis_size, "vmap: axis_size")};
      },
      nb::arg("f"), nb::arg("in_axes").none(), nb::arg("out_axes").none(), nb::arg("axis_size").none());
  m.def("_checkpoint", [](nb::object f) { return Checkpoint{{f}}; });

  bind_linear<Pullback>(m, "Pullback",
                        "Cotangents of a value -> those of the arguments, a tuple. A tree: jit may take and return it.")
      .def(
          "__call__", [](const Pullback& p, nb::handle ct) { return p.pull(ct); }, nb::arg("cotangent"),
          nb::sig("def __call__(self, cotangent: Any) -> tuple[Any, ...]"));
  bind_linear<Pushforward>(m, "Pushforward",
                           "Tangents of the arguments -> those of the value. A tree: jit may take and return it.")
      .def(
          "__call__", [](const Pushforward& p, nb::args t) { return p.push(t); },
          nb::sig("def __call__(self, *tangents: Any) -> Any"));
  m.def("_vjp", [](nb::object f, nb::handle args, nb::handle kwargs, bool has_aux) -> nb::object {
    Call c(f, args, kwargs, nullptr, "vjp");
    c.has_aux = has_aux;
    c.refuse_objects(false);
    auto data = computing([&] { return e::vjp(c.erased(), c.leaves()); });
    nb::object value = c.output(data->map.out), pull = nb::cast(Pullback{linear_of(c, data)});
    return has_aux ? nb::make_tuple(value, pull, c.auxiliary()) : nb::make_tuple(value, pull);
  });
  m.def("_linearize", [](nb::object f, nb::handle args) {
    Call c(f, args, nb::none(), nullptr, "linearize");
    c.refuse_objects(false);
    auto data = computing([&] { return e::linearize(c.erased(), c.leaves()); });
    return nb::make_tuple(c.output(data->map.out), Pushforward{linear_of(c, data)});
  });
  m.def("_jvp", [](nb::object f, nb::handle primals, nb::handle tangents, bool has_aux) -> nb::object {
    Call c(f, as_tuple(primals), nb::none(), nullptr, "jvp");
    c.has_aux = has_aux;
    c.refuse_objects(false);
    const Flat given(as_tuple(tangents)), wanted(as_tuple(primals));
    match(given.def, wanted.def, "jvp", "tangents");
    const auto r = computing([&] { return e::jvp(c.erased(), c.leaves(), given.leaves); });
    nb::object value = c.output(r.first), tangent = c.output(r.second);
    return has_aux ? nb::make_tuple(value, tangent, c.auxiliary()) : nb::make_tuple(value, tangent);
  });
  m.def("_linear_transpose", [](nb::object f, nb::handle like) {
    auto c = share_cpp(Call(f, like, nb::none(), nullptr, "linear_transpose"));
    auto transposed = computing([&] { return e::linear_transpose(c->erased(), c->leaves()); });
    return nb::cpp_function([c, transposed](nb::handle cotangent) {
      const Flat given(cotangent);
      return c->input(computing([&] { return transposed(given.leaves); }), false);
    });
  });
  m.def(
      "stop_gradient",
      [](nb::handle tree) {
        const Flat t(tree);
        Leaves out;
        for (const Array& a : t.leaves) out.push_back(dini::stop_gradient(a));
        return t.def.unflatten(out);
      },
      nb::arg("x"), nb::sig("def stop_gradient(x: Any) -> Any"), "x, a constant to every derivative.");
}

}  // namespace pydini
