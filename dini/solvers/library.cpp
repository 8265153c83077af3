#include "dini/solvers/library.hpp"

#include "dini/solvers/anderson.hpp"
#include "dini/solvers/bisection.hpp"
#include "dini/solvers/chandrupatla.hpp"
#include "dini/solvers/forward_iteration.hpp"
#include "dini/solvers/itp.hpp"
#include "dini/solvers/newton.hpp"
#include "dini/solvers/textbook.hpp"

namespace dini {

const std::vector<MethodInfo<Solver>>& library_solvers() {
  static const std::vector<MethodInfo<Solver>> all = {
      ForwardIteration::table().info<Solver>(), Newton::table().info<Solver>(),
      Anderson::table().info<Solver>(),         FwdSolver::table().info<Solver>(),
      NewtonSolver::table().info<Solver>(),     AndersonSolver::table().info<Solver>(),
      Chandrupatla::table().info<Solver>(),     ITP::table().info<Solver>(),
      Bisection::table().info<Solver>(),
  };
  return all;
}

}  // namespace dini
