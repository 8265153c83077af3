// eager: constants computed while a function is traced.
//
// Under jit every operation becomes part of the Program, those on concrete arrays too. Within eager(f) an operation whose
// inputs are all concrete is run at once, so its result may be read on the host, decide a branch, give a length; operations on
// traced values are traced as before.
//
//     auto g = jit([&](const Array& x) {
//       const double scale = eager([&] { return norm(table); })().item<double>();  // not a part of the Program
//       return scale > 1 ? x / scale : x;
//     });
//
// JAX's name: ensure_compile_time_eval.
#pragma once

#include <utility>

#include "dini/trace/trace.hpp"

namespace dini {

/// While this object lives, operations on concrete arrays are run at once on this thread. (Where nothing around is abstract
/// they are anyway.)
class EagerScope {
 public:
  EagerScope();
  EagerScope(const EagerScope&) = delete;
  EagerScope& operator=(const EagerScope&) = delete;

 private:
  detail::TraceScope scope_;
};

/// f run within an EagerScope. f may capture and return traced values.
template <class F> auto eager(F f) {
  return [f = std::move(f)](const auto&... a) {
    EagerScope scope;
    return f(a...);
  };
}

}  // namespace dini
