#include "dini/solvers/gradient_descent.hpp"

#include "dini/solvers/descent.hpp"
#include "dini/solvers/secant_pairs.hpp"

namespace dini {

const detail::MethodTable<GradientDescent>& GradientDescent::table() {
  static const detail::MethodTable<GradientDescent> t{"gradient_descent",
                                                      "along the gradient, with a line search; for comparisons",
                                                      {Kind::minimize, Kind::least_squares},
                                                      true,
                                                      {{"decrease",
                                                        &GradientDescent::decrease,
                                                        {0, 1, false, false},
                                                        "the part of the predicted decrease that is wanted"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> GradientDescent::method() const {
  using namespace detail;
  Descent d;
  d.fresh = [](const Array& z0) { return Leaves{scalar_like(1, z0)}; };
  d.direction = [](const Leaves& m, const Array& g) { return -m[0] * g; };
  d.learn = [](const Leaves&, const Learned& l) { return Leaves{long_step(l.s, l.y)}; };
  d.search = {decrease, 0.9, 60};
  d.halving = true;
  StepFunctions steps = descent_steps(d);
  steps.default_max_steps = 10000;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
