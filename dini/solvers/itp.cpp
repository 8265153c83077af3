#include "dini/solvers/itp.hpp"

#include <limits>

#include "dini/core/option_table.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/bracketing.hpp"
#include "dini/solvers/criterion.hpp"

namespace dini {

const detail::MethodTable<ITP>& ITP::table() {
  static const detail::MethodTable<ITP> t{
      "itp",
      "the secant's points, kept near enough to the middle for the worst case of bisection",
      {Kind::bracketed_root},
      false,
      {{"k1", &ITP::k1, {0, 1, false}, "how far the secant's point is moved to the middle, relative"},
       {"k2", &ITP::k2, {1, 2.618, true, false}, "the power of the width that it is moved by"},
       {"slack", &ITP::slack, {0, 1000}, "how many steps more than bisection it may take"}},
      Restriction::bounds};
  return t;
}

std::shared_ptr<const detail::SolverMethod> ITP::method() const {
  using namespace detail;
  BracketSteps steps;
  // memory: the width that a round of it began with, half of the one that it aims for, and how many steps it has made.
  steps.init = [](const Brackets& b) {
    const Array none = zeros_like(b.lo);
    return Leaves{none, none + std::numeric_limits<double>::infinity(), none};
  };
  steps.next = [k1 = k1, k2 = k2, slack = slack](const Brackets& b, const Array& least, Leaves& memory) {
    const Array w = 0.5 * b.hi - 0.5 * b.lo;  // half of it, which does not overflow
    const Array anew = w <= memory[1];
    const Array first = where(anew, w, memory[0]), goal = where(anew, 0.5 * least, memory[1]);
    const Array step = where(anew, zeros_like(w), memory[2]);
    memory = {first, goal, step + 1};

    const Array middle = b.lo + w, scale = maximum(abs(b.f_lo), abs(b.f_hi));
    const Array low = b.f_lo / scale, high = b.f_hi / scale;
    const Array secant = b.lo + 2 * w * (low / (low - high)), off = middle - secant,
                towards = where(off < 0, -1.0, 1.0);
    const Array moved = 2 * k1 * w * power(w / first, k2 - 1);
    const Array truncated = where(moved <= abs(off), secant + towards * moved, middle);
    // Of a bracket of half-width w that bisection would have brought to first/2^(step - slack) by now.
    const Array steps_of_bisection = maximum(ceil(log2(first) - log2(goal)), zeros_like(w)) + slack;
    const Array radius =
        maximum(goal * exp2(minimum(steps_of_bisection - step, scalar_like(1000, w))) - w, zeros_like(w));
    const Array projected = where(abs(truncated - middle) <= radius, truncated, middle - towards * radius);
    return minimum(maximum(where(isfinite(projected), projected, middle), b.lo + 0.5 * least), b.hi - 0.5 * least);
  };
  return std::make_shared<BracketMethod>(*this, steps);
}

}  // namespace dini
