// What the methods that work on the matrix share.
#pragma once

#include "dini/linear/check_status.hpp"
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

/// The outcome of a solve by factors: `singular` where x is not finite, `breakdown` where the factors are `unfit`.
inline LinearOutcome judged(const Array& x, const Product& apply, const Array& b, const Array& unfit = array(false)) {
  const Array sound = all(isfinite(x));
  Array status = where(sound, code(StatusCode::converged), code(StatusCode::singular));
  status = where(unfit, code(StatusCode::breakdown), status);
  return {x, status, norm(apply(x) - b)};
}

}  // namespace dini::detail
