#include "dini/solvers/library.hpp"

#include "dini/solvers/aitken.hpp"
#include "dini/solvers/anderson.hpp"
#include "dini/solvers/augmented_lagrangian.hpp"
#include "dini/solvers/bfgs.hpp"
#include "dini/solvers/bisection.hpp"
#include "dini/solvers/broyden.hpp"
#include "dini/solvers/chandrupatla.hpp"
#include "dini/solvers/chord.hpp"
#include "dini/solvers/coleman_li.hpp"
#include "dini/solvers/df_sane.hpp"
#include "dini/solvers/dogleg.hpp"
#include "dini/solvers/forward_iteration.hpp"
#include "dini/solvers/gauss_newton.hpp"
#include "dini/solvers/gradient_descent.hpp"
#include "dini/solvers/hybrid_least_squares.hpp"
#include "dini/solvers/interior_point.hpp"
#include "dini/solvers/interior_point_qp.hpp"
#include "dini/solvers/itp.hpp"
#include "dini/solvers/lbfgs.hpp"
#include "dini/solvers/lbfgsb.hpp"
#include "dini/solvers/levenberg_marquardt.hpp"
#include "dini/solvers/levenberg_marquardt_root.hpp"
#include "dini/solvers/limited_memory_broyden.hpp"
#include "dini/solvers/nelder_mead.hpp"
#include "dini/solvers/newton.hpp"
#include "dini/solvers/newton_error_norm.hpp"
#include "dini/solvers/newton_krylov.hpp"
#include "dini/solvers/nonlinear_cg.hpp"
#include "dini/solvers/projected_newton.hpp"
#include "dini/solvers/pseudo_transient.hpp"
#include "dini/solvers/sqp.hpp"
#include "dini/solvers/textbook.hpp"
#include "dini/solvers/trust_region_cg.hpp"
#include "dini/solvers/trust_region_newton.hpp"

namespace dini {

const std::vector<MethodInfo<Solver>>& library_solvers() {
  // clang-format off
  static const std::vector<MethodInfo<Solver>> all = {
      ForwardIteration::table().info<Solver>(),
      Newton::table().info<Solver>(),
      Anderson::table().info<Solver>(),
      TrustRegionNewton::table().info<Solver>(),
      TrustRegionCG::table().info<Solver>(),
      BFGS::table().info<Solver>(),
      LBFGS::table().info<Solver>(),
      NonlinearCG::table().info<Solver>(),
      GradientDescent::table().info<Solver>(),
      NelderMead::table().info<Solver>(),
      HybridLeastSquares::table().info<Solver>(),
      LevenbergMarquardt::table().info<Solver>(),
      GaussNewton::table().info<Solver>(),
      FwdSolver::table().info<Solver>(),
      NewtonSolver::table().info<Solver>(),
      AndersonSolver::table().info<Solver>(),
      ProjectedNewton::table().info<Solver>(),
      ColemanLi::table().info<Solver>(),
      LBFGSB::table().info<Solver>(),
      InteriorPoint::table().info<Solver>(),
      AugmentedLagrangian::table().info<Solver>(),
      SQP::table().info<Solver>(),
      InteriorPointQP::table().info<Solver>(),
      NewtonErrorNorm::table().info<Solver>(),
      Chord::table().info<Solver>(),
      Dogleg::table().info<Solver>(),
      LevenbergMarquardtRoot::table().info<Solver>(),
      PseudoTransient::table().info<Solver>(),
      Broyden::table().info<Solver>(),
      LimitedMemoryBroyden::table().info<Solver>(),
      NewtonKrylov::table().info<Solver>(),
      DFSane::table().info<Solver>(),
      Chandrupatla::table().info<Solver>(),
      ITP::table().info<Solver>(),
      Bisection::table().info<Solver>(),
      Aitken::table().info<Solver>(),
  };
  // clang-format on
  return all;
}

}  // namespace dini
