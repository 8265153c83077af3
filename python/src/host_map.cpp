// Functions of another library's that are called at run time: an object of Python's that says what a HostMap has to say.
#include "dini/transforms/host_map.hpp"

#include "closed_program.hpp"

namespace pydini {

namespace {

// The object has name, results, linear; outputs(avals) -> avals, (shape, dtype) each; call(*arrays) -> arrays, NumPy's; and linearized(),
// transposed(), batched(marked, size) -> another _HostMap, the same one whenever they are asked.
struct ObjectMap final : dini::HostMap {
  Shared object;
  std::string known_name;
  std::size_t known_results, known_linear;
  explicit ObjectMap(nb::handle o)
      : object(share(o)),
        known_name(nb::cast<std::string>(o.attr("name"))),
        known_results(nb::cast<std::size_t>(o.attr("results"))),
        known_linear(nb::cast<std::size_t>(o.attr("linear"))) {}

  std::string name() const override { return known_name; }
  std::size_t results() const override { return known_results; }
  std::size_t linear() const override { return known_linear; }
  std::vector<Aval> outputs(std::span<const Aval> in) const override {
    return with_gil(
        [&] { return avals_of_pairs(call_python(object_of(object).attr("outputs"), nb::make_tuple(pairs_of(in)))); });
  }
  Leaves call(const Leaves& in) const override {
    return with_gil([&] {
      std::vector<nb::object> all;
      // Copies: whoever is called may keep what it was given, in the background, too.
      for (const Array& a : in) all.push_back(from_array(a).attr("numpy")().attr("copy")());
      Leaves out;
      for (nb::handle h : nb::iter(call_python(object_of(object).attr("call"), tuple_of(all))))
        out.push_back(to_array(h, known_name.c_str()));
      return out;
    });
  }
  dini::HostMapRef linearized() const override {
    const nb::gil_scoped_acquire gil;
    return derived("linearized", nb::tuple());
  }
  dini::HostMapRef transposed() const override {
    const nb::gil_scoped_acquire gil;
    return derived("transposed", nb::tuple());
  }
  dini::HostMapRef batched(const std::vector<bool>& marked, std::int64_t size) const override;

 private:
  dini::HostMapRef derived(const char* method, const nb::object& args) const;
};

struct HostMapObject {
  dini::HostMapRef map;
};

dini::HostMapRef ObjectMap::derived(const char* method, const nb::object& args) const {
  return with_gil([&] { return nb::cast<HostMapObject&>(call_python(object_of(object).attr(method), args)).map; });
}

dini::HostMapRef ObjectMap::batched(const std::vector<bool>& marked, std::int64_t size) const {
  const nb::gil_scoped_acquire gil;
  std::vector<nb::object> flags;
  for (const bool lane : marked) flags.push_back(nb::bool_(lane));
  return derived("batched", nb::make_tuple(tuple_of(flags), size));
}

}  // namespace

void bind_host_maps(nb::module_& m) {
  nb::class_<HostMapObject>(m, "_HostMap",
                            "A function that is called at run time, made of an object that describes it.")
      .def("__init__", [](HostMapObject* self,
                          nb::handle object) { new (self) HostMapObject{std::make_shared<ObjectMap>(object)}; })
      .def("__call__", [](const HostMapObject& self, nb::args args) {
        Leaves in;
        for (nb::handle h : args) in.push_back(to_array(h, self.map->name().c_str()));
        std::vector<nb::object> out;
        for (const Array& a : computing([&] { return dini::call_host(self.map, in); })) out.push_back(from_array(a));
        return tuple_of(out);
      });
}

}  // namespace pydini
