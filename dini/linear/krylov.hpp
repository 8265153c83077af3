// Krylov methods on plain vectors: they need products v -> A v alone. In double precision whatever the operator's dtype.
#pragma once

#include <functional>
#include <vector>

#include "dini/linear/adjoint.hpp"

namespace dini::detail::operators {

using RealVector = std::vector<double>;
using RealOperator = std::function<RealVector(const RealVector&)>;

struct KrylovResult {
  RealVector x;
  int status = 0;       // 0 converged, 1 max_steps, 2 stagnated, 6 breakdown, 4 nonfinite: StatusCode's numbers
  double residual = 0;  // ‖b - A x‖, computed at the end
  long long products = 0;
};

/// x with A x = b to ‖b - A x‖ ≤ tolerance·‖b‖, from 0.
KrylovResult gmres(const RealOperator& a, const RealVector& b, int restart, double tolerance, long long max_products);
KrylovResult conjugate_gradients(const RealOperator& a, const RealVector& b, double tolerance, long long max_products);
KrylovResult bicgstab(const RealOperator& a, const RealVector& b, double tolerance, long long max_products);

}  // namespace dini::detail::operators
