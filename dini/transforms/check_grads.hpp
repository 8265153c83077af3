// Whether derivatives are right: those of a function, or of a rule given by custom_jvp or custom_vjp, against differences.
//
//     check_grads(f, std::tuple(W, x));                        // GradientCheckError with a table where they are not
//     check_grads(f, x, {.order = 2, .reverse = false});
//     std::cout << GradientChecker(f).probe(W, x);             // the table in any case
//
// For every floating leaf of every argument, and for directions v along its elements (random ones where it has many):
//
//     jvp       J v                        against  lim (f(x + hv) - f(x - hv))/(2h)
//     vjp       (wᵀJ) v, w random          against  wᵀ of that limit
//     dot test  wᵀ(J v) = (wᵀJ) v          to rounding
//
// and, for order 2 and more, the same of x ↦ J(x)v and x ↦ wᵀJ(x). The limit is Richardson's, by Ridders' tableau: h is
// halved from 0.05 of the element's magnitude on, and of the extrapolated values the one is taken that its neighbours
// confirm best; where f is not finite, or fails, the next h is tried. A function that is not smooth at the point (|x| at 0)
// fails the test, as it should: choose another point. Source: Ridders, Adv. Eng. Software 4 (1982); Ceres' GradientChecker.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "dini/transforms/callable.hpp"

namespace dini {

struct GradientCheckOptions {
  int order = 1;
  bool forward = true;
  bool reverse = true;
  /// An entry passes when |derivative - difference| <= relative·largest + absolute, `largest` being the largest entry of the
  /// difference. 0: 1e-7 and 1e-9 where all leaves are float64, 1e-2 and 1e-3 with float32.
  double relative_tolerance = 0;
  double absolute_tolerance = 0;
  /// Leaves of up to this many elements are checked element by element, larger ones in this many random directions.
  std::int64_t max_elements = 64;
  std::int64_t directions = 4;
  /// The first h, in units of an element's magnitude.
  double step = 0.05;
  std::uint64_t seed = 0;
};

/// The comparisons of one kind for one leaf, and the worst of them.
struct GradientComparison {
  std::string kind;      // "jvp", "vjp", "dot", "jvp of vjp", ...
  std::size_t argument;  // number of the argument, and of the leaf in it
  std::size_t leaf;
  Shape shape;  // of the leaf
  std::size_t compared;
  bool ok;
  double error;  // |derivative - difference| / (largest + absolute/relative)
  double derivative, difference;
  std::string place;  // "element (1, 2), output 0 at (3)"
};

struct GradientReport {
  bool ok = true;
  std::vector<GradientComparison> comparisons;
  /// The comparison with the largest error; an error that is NaN is the largest. ValueError when there are none.
  const GradientComparison& worst() const;
  /// A table, a line for each comparison.
  std::string str() const;
  friend std::ostream& operator<<(std::ostream& out, const GradientReport& report);
};

/// What check_grads throws: the worst comparison, and the table.
struct GradientCheckError : Error {
  using Error::Error;
};

namespace detail {
/// `counts`: how many leaves each argument has.
GradientReport check_leaves(const ErasedFunction& f, const Leaves& primals, const std::vector<std::size_t>& counts,
                            const GradientCheckOptions& options);
void require_ok(const GradientReport& report);
}  // namespace detail

/// Checks the derivatives of one function at as many points as one likes.
template <class F> class GradientChecker {
 public:
  explicit GradientChecker(F f, GradientCheckOptions options = {}) : f_(std::move(f)), options_(options) {}
  /// At these arguments. TraceError within a transformation: the check reads values.
  template <Tree... A> GradientReport probe(const A&... a) const {
    detail::Call<F, std::make_index_sequence<sizeof...(A)>, A...> call(f_, a...);
    return detail::check_leaves(call.erased(), call.leaves(), {flatten(a).size()...}, options_);
  }

 private:
  F f_;
  GradientCheckOptions options_;
};

/// The report, when all derivatives are right, and GradientCheckError otherwise. `args` is f's argument, or a std::tuple of
/// its arguments.
template <class F, Tree A>
GradientReport check_grads(const F& f, const A& args, const GradientCheckOptions& options = {}) {
  const GradientChecker<F> checker(f, options);
  GradientReport report;
  if constexpr (detail::is_tuple<A>::value && !detail::takes<F, A>) {
    report = std::apply([&](const auto&... a) { return checker.probe(a...); }, args);
  } else {
    report = checker.probe(args);
  }
  detail::require_ok(report);
  return report;
}

}  // namespace dini
