// Arrays from memory by its address: for bridges, which have checked what is there, and to which the protocols take longer than the copy.
#include <cstring>

#include "conversions.hpp"

namespace pydini {

namespace {

Dtype dtype_named(const char* name) {
  for (Dtype d : dtypes) {
    if (std::strcmp(name, dini::name(d)) == 0) return d;
  }
  no_such_dtype(name, "memory");
}

}  // namespace

void bind_memory(nb::module_& m) {
  m.def(
      "_from_memory",
      [](std::uintptr_t address, nb::tuple lengths, const char* dtype) {
        Shape shape;
        for (nb::handle n : lengths) shape.append(to_whole(n, "a length"));
        const Aval aval{shape, dtype_named(dtype), false};
        const std::size_t bytes = static_cast<std::size_t>(shape.size()) * dini::item_size(aval.dtype);
        if (address == 0 && bytes != 0) throw dini::ValueError("memory: there is none");
        void* memory;
        Array out = dini::allocate(aval, &memory);
        if (bytes != 0) std::memcpy(memory, reinterpret_cast<const void*>(address), bytes);
        return from_array(out);
      },
      nb::arg("address"), nb::arg("shape"), nb::arg("dtype"),
      nb::sig("def _from_memory(address: int, shape: tuple[int, ...], dtype: str) -> Array"),
      "An array with a copy of the numbers that lie there, one after the other.");
}

}  // namespace pydini
