#include "common.hpp"

NB_MODULE(_dini, m) {
  using namespace pydini;
  m.attr("__name__") = "dini._dini";  // and so for what is in it, however it is loaded
  m.doc() = "Implicit layers: solve an equation, differentiate its solution.";
  nb::set_leak_warnings(
      false);  // what is compiled is kept to the end of the process, with the functions that it came from
  bind_errors(m);
  bind_array(m);
  bind_making(m);
  bind_tree(m);
  bind_functions(m);
  bind_shape_functions(m);
  bind_linear_functions(m);
  bind_array_api(m);
  bind_transforms(m);
  bind_jit(m);
  bind_rules(m);
  bind_control(m);
  bind_methods(m);
  bind_solve(m);
  bind_points(m);
  bind_host(m);
  bind_host_maps(m);
  bind_memory(m);
  bind_closed_programs(m);
  bind_jax(m);
  bind_formula(m);
}
