#include "dini/implicit/loss.hpp"

#include <cmath>

#include "dini/core/fields.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"

namespace dini {

namespace {

// ln(1 + s)/s, by its series next to 0, where the quotient's derivatives lose their digits.
Array log1p_quotient(const Array& s) {
  const Array small = s < 0.1, near = where(small, s, zeros_like(s)), far = where(small, ones_like(s), s);
  Array series = zeros_like(s);
  for (int k = 17; k >= 0; --k) series = 1.0 / (k + 1) - near * series;
  return where(small, series, log1p(far) / far);
}

// ρ(s)/s
Array loss_quotient(Loss::Shape shape, const Array& s) {
  const Array inside = s <= 1, below = where(inside, s, ones_like(s)), beyond = where(inside, ones_like(s), s);
  switch (shape) {
    case Loss::Shape::squares: break;
    case Loss::Shape::huber: return where(inside, ones_like(s), (2 * sqrt(beyond) - 1) / beyond);
    case Loss::Shape::soft_l1: return 2 / (1 + sqrt(1 + s));
    case Loss::Shape::cauchy: return log1p_quotient(s);
    case Loss::Shape::tukey: return where(inside, 1 - below + square(below) / 3, 1 / (3 * beyond));
  }
  return ones_like(s);
}

}  // namespace

Array Loss::operator()(const Array& residuals) const {
  if (shape == Shape::squares) return residuals;
  if (!(width > 0) || !std::isfinite(width))
    throw ValueError("loss: the width must be finite and more than 0, got " + std::to_string(width));
  return residuals * sqrt(loss_quotient(shape, square(residuals / width)));
}

Loss huber(double width) { return {Loss::Shape::huber, width}; }
Loss soft_l1(double width) { return {Loss::Shape::soft_l1, width}; }
Loss cauchy(double width) { return {Loss::Shape::cauchy, width}; }
Loss tukey(double width) { return {Loss::Shape::tukey, width}; }

// A member of one that the other lacks would be ignored in silence.
static_assert(detail::fields_of<LeastSquaresOptions>() == detail::fields_of<FixedPointOptions>() + 1);

LeastSquaresOptions::operator FixedPointOptions() const {
  return {solver, tolerance, max_steps, adjoint, on_failure, history, stage, derivative_anyway,
          accept, structure, watch,     ties,    strict};
}

LeastSquaresOptions LeastSquaresOptions::of(const FixedPointOptions& o, const Loss& loss) {
  return {o.solver, o.tolerance, o.max_steps, o.adjoint, o.on_failure, o.history, o.stage, o.derivative_anyway,
          o.accept, o.structure, o.watch,     o.ties,    o.strict,     loss};
}

}  // namespace dini
