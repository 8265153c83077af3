#include "dini/solvers/library.hpp"

#include "dini/solvers/anderson.hpp"
#include "dini/solvers/forward_iteration.hpp"
#include "dini/solvers/newton.hpp"
#include "dini/solvers/textbook.hpp"
#include "dini/solvers/trust_region_newton.hpp"

namespace dini {

const std::vector<MethodInfo<Solver>>& library_solvers() {
  static const std::vector<MethodInfo<Solver>> all = {
      ForwardIteration::table().info<Solver>(), Newton::table().info<Solver>(),
      Anderson::table().info<Solver>(),         TrustRegionNewton::table().info<Solver>(),
      FwdSolver::table().info<Solver>(),        NewtonSolver::table().info<Solver>(),
      AndersonSolver::table().info<Solver>(),
  };
  return all;
}

}  // namespace dini
