#include "dini/solvers/chandrupatla.hpp"

#include "dini/core/option_table.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/bracketing.hpp"
#include "dini/solvers/criterion.hpp"

namespace dini {

const detail::MethodTable<Chandrupatla>& Chandrupatla::table() {
  static const detail::MethodTable<Chandrupatla> t{"chandrupatla",
                                                   "inverse quadratic interpolation where it is safe, else bisection",
                                                   {Kind::bracketed_root},
                                                   true,
                                                   {},
                                                   Restriction::bounds};
  return t;
}

std::shared_ptr<const detail::SolverMethod> Chandrupatla::method() const {
  using namespace detail;
  BracketSteps steps;
  steps.init = [](const Brackets&) { return Leaves{}; };
  steps.next = [](const Brackets& b, const Array& least, Leaves&) {
    const Array x1 = where(b.newest_is_hi, b.hi, b.lo), f1 = where(b.newest_is_hi, b.f_hi, b.f_lo);
    const Array x2 = where(b.newest_is_hi, b.lo, b.hi), f2 = where(b.newest_is_hi, b.f_lo, b.f_hi);
    const Array x3 = b.out, f3 = b.f_out, half = scalar_like(0.5, x1);
    const Array xi = (x1 - x2) / (x3 - x2), phi = (f1 - f2) / (f3 - f2);
    const Array safe = (square(phi) < xi) & (square(1 - phi) < 1 - xi);
    const Array inverse =
        f1 / (f2 - f1) * (f3 / (f2 - f3)) + (x3 - x1) / (x2 - x1) * (f1 / (f3 - f1)) * (f2 / (f3 - f2));
    const Array nearest = least / abs(x2 - x1);
    const Array t = minimum(maximum(where(safe & isfinite(inverse), inverse, half), nearest), 1 - nearest);
    return x1 + t * (x2 - x1);
  };
  return std::make_shared<BracketMethod>(*this, steps);
}

}  // namespace dini
