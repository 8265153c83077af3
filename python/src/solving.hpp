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

/// The z of a solve.
struct SolvedTree {
  TreeDef z;
  std::vector<Aval> leaves;
};
using SolvedTrees = std::vector<std::shared_ptr<const SolvedTree>>;
/// The same for an error that a solve within a compiled function has thrown, which knows z as one row of numbers: of these solves
/// those of that length have to agree on what it is, or else it stays such a row.
void remember_tree(dini::SolveError& e, const SolvedTrees& solves);

/// Collects the solves that this thread traces while it lives, for the next one around it as well.
class SolvesWithin {
 public:
  SolvesWithin();
  ~SolvesWithin();
  SolvesWithin(const SolvesWithin&) = delete;
  SolvesWithin& operator=(const SolvesWithin&) = delete;
  SolvedTrees found;
  static bool wanted();
  static void add(const SolvedTrees& solves);

 private:
  SolvesWithin* outer_;
};

/// `computing` what traces functions of Python's and runs them.
template <class F> auto computing_solves(F&& f) -> decltype(f()) {
  SolvesWithin within;
  try {
    return computing(f);
  } catch (dini::SolveError& e) {
    remember_tree(e, within.found);
    throw;
  }
}

/// Lets go the exception that was on its way through the library and was taken care of there.
void forget_pending();

}  // namespace pydini
