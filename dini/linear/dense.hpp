// What the methods that work on the matrix share.
#pragma once

#include "dini/linear/system.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/trace/emit.hpp"

namespace dini::detail {

inline Array status_constant(StatusCode c) { return array(static_cast<std::int64_t>(c)); }

/// The outcome of a solve by factors: `singular` where x is not finite, `breakdown` where the factors are `unfit`.
inline LinearOutcome judged(const Array& x, const Product& apply, const Array& b, const Array& unfit = array(false)) {
  const Array sound = all(isfinite(x));
  Array status = where(sound, status_constant(StatusCode::converged), status_constant(StatusCode::singular));
  status = where(unfit, status_constant(StatusCode::breakdown), status);
  return {x, status, norm(apply(x) - b)};
}

/// The diagonal of a matrix.
inline Array diagonal_of(const Array& a) { return diagonal(a); }

}  // namespace dini::detail
