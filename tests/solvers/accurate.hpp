// What the tests of solvers share: solvers asked for all the digits that there are, and how far numbers are from 0.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/solvers/library.hpp"

namespace dini::tests {

/// The library's own solvers find them unasked; the textbook's stop at 1e-5, and Anderson's regularisation slows it down.
inline FixedPointOptions accurate(const MethodInfo<Solver>& solver) {
  if (solver.automatic) return {.solver = solver.make({})};
  const bool anderson = solver.name == "anderson_solver";
  return {.solver = solver.make(anderson ? OptionValues{{"lam", 1e-14}, {"max_iter", 2000}} : OptionValues{}),
          .tolerance = {1e-13, 0}};
}

/// The library's solvers of a kind of problem, which stay where they are.
inline const std::vector<MethodInfo<Solver>>& solvers_for(Kind kind) {
  static std::map<Kind, std::vector<MethodInfo<Solver>>> known;
  if (!known.count(kind)) {
    for (const MethodInfo<Solver>& info : library_solvers()) {
      if (info.kinds.has(kind)) known[kind].push_back(info);
    }
  }
  return known[kind];
}

/// Those of them that tests combine with every adjoint, case and transformation: one of each sort. In a derivative, a compiled
/// program or a batch the others are no different, and their own tests (roots_test.cpp) have each of these once.
inline const std::vector<MethodInfo<Solver>>& usual_solvers(Kind kind) {
  static std::map<Kind, std::vector<MethodInfo<Solver>>> known;
  const auto [place, fresh] = known.try_emplace(kind, solvers_for(kind));
  if (fresh) {
    std::erase_if(place->second, [](const MethodInfo<Solver>& info) {
      for (const char* name :
           {"forward_iteration", "newton", "anderson", "fwd_solver", "newton_solver", "anderson_solver"}) {
        if (info.name == name) return false;
      }
      return true;
    });
  }
  return place->second;
}

/// Whether an adjoint takes any Jacobian, and not symmetric or diagonal ones alone.
inline bool takes_any_jacobian(const std::string& adjoint) {
  for (const char* name : {"cholesky", "ldlt", "diagonal", "minres", "cg"}) {
    if (adjoint == name) return false;
  }
  return true;
}

/// max |a|, 0 of nothing.
inline double largest(const Array& a) { return a.size() ? max(abs(a)).item() : 0; }

}  // namespace dini::tests
