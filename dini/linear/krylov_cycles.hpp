// What the Krylov methods share: x is improved by cycles, each of which solves A d = r for the residual r of the point that the
// last one reached. So it is true residuals that decide, and what a recurrence has lost to rounding the next cycle makes good.
//
// Lanes that have ended compute on while others do not, and their results are dropped. They divide by nothing that may be 0.
#pragma once

#include "dini/core/status.hpp"
#include "dini/linear/krylov.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/transforms/control.hpp"

namespace dini::detail {

/// Between two cycles: r = b - A x, size = ‖r‖, the products so far. `status` is a StatusCode, or that it is running.
struct KrylovState {
  Array x, r, size, status, products;
  auto tree() { return std::tie(x, r, size, status, products); }
};

/// d with A d ≈ r, after so many products. `status` is above 0 where the cycle failed.
struct KrylovCycle {
  Array d, status, products;
};

class KrylovProblem {
 public:
  struct Rule {
    double gain;                      // a cycle that leaves more than this part of the residual is the last one
    bool breakdown_is_final = false;  // even where the residual is small
    int products_a_step = 1;
  };
  KrylovProblem(const Product& a, const Array& b, const KrylovOptions& options, const Rule& rule);

  Array product(const Array& v) const { return a_(v); }
  /// M⁻¹v.
  Array precondition(const Array& v) const { return options_.preconditioner ? options_.preconditioner(v) : v; }
  bool preconditioned() const { return static_cast<bool>(options_.preconditioner); }
  const KrylovOptions& options() const { return options_; }
  /// ‖r‖ to end at.
  const Array& target() const { return target_; }

  /// A cycle's status after its last of so many steps: running, where it `goes_on` and products are left for another; at its
  /// end; or failed, where the step is not `sound`: a breakdown where `measure`, by which it is not, is finite.
  Array after_step(const KrylovState& start, const Array& sound, const Array& measure, const Array& goes_on,
                   const Array& steps) const;
  KrylovResult solve(const std::function<KrylovCycle(const KrylovState&)>& cycle) const;

 private:
  /// Whether what is left is no more than what A x is rounded by, and is small beside b.
  Array rounded(const KrylovState& at) const;

  const Product& a_;
  const Array& b_;
  const KrylovOptions& options_;
  const Rule rule_;
  Array size_, target_;
};

namespace krylov_parts {

constexpr std::int64_t running = -1;

/// x where the condition holds and 1 elsewhere: something to divide by.
Array or_one(const Array& condition, const Array& x);
/// max|v|, or 1 where that is 0 or not finite: squares of v over it neither overflow nor vanish.
Array unit_of(const Array& v);
/// What is rounding beside numbers of size 1.
double rounding(const Array& like);
/// The steps of a cycle.
template <class State, class Step> State run(const State& start, std::int64_t at_most, const Step& step) {
  return loop([](const State& at) { return at.status == running; }, step, start, at_most);
}

}  // namespace krylov_parts

}  // namespace dini::detail
