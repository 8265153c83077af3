// What the bindings of solves share: solvers, adjoints and options from Python's objects.
#pragma once

#include "common.hpp"

namespace pydini {

/// None: auto. A name, an object of one of the solvers' classes, or any callable (f, z) -> z.
dini::Solver to_solver(nb::handle h, const char* function);
dini::Adjoint to_adjoint(nb::handle h, const char* function);

/// The options that a solve was called with by name.
struct Options {
  dini::FixedPointOptions solve;
  dini::Loss loss;
  nb::object bounds = nb::none(), equal = nb::none(), at_most = nb::none();
  bool has_aux = false;
  /// OptionError, with those that there are, for names that are none of `allowed`.
  Options(nb::handle kwargs, const char* function, std::initializer_list<std::string_view> more);
};

/// Keeps the structure of z for the SolveError that is being handled, whose `value` gets it: errors.cpp.
void remember_tree(const TreeDef& z);
/// Lets go the exception that was on its way through the library and was taken care of there.
void forget_pending();

}  // namespace pydini
