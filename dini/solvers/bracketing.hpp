// Roots between two points at which F has different signs, element by element.
//
// F maps arrays of a shape to arrays of that shape, and its element k depends on z_k alone, so that each element is a problem of
// its own and all are evaluated together. A bracket [lo, hi] with F(lo) F(hi) < 0, told by signs and not by a product, which may
// vanish, is divided at a point that the method proposes; the part that keeps the change of sign goes on. A method that has not
// brought a bracket into one of its halves in three evaluations has the next one at the middle, where halves are those of the
// floating-point numbers between the ends, not of their distance: 0 and then geometric means, while the ends differ by more than a
// factor of 4. So no bracket takes more than 4·70 evaluations, whatever F is and however far apart its ends are.
//
// It ends where lo and hi are neighbours, or F is 0. A change of sign is no root yet: it may be a jump or a pole. With s its
// direction, w = hi - lo, x the end with the smaller |F| and η the rounding noise of F there, it is one where F goes through 0:
//
//     F(x) = 0,   or   s F'(x) > 0 and |F(x)| ≤ 64 w |F'(x)|,   or   |F(x)| ≤ 4 η and no larger than at the first ends.
//
// (At a pole F' has the other sign. At a jump F' says nothing of its height. With 64 in place of 1 steep roots are roots: those of
// |z|^(1/9).) How far the root may be from x is e = (|F(x)| + η)/|F'(x)|; where that is not what F shows at x ± 4e, as at a multiple
// root, the distance at which F leaves its noise on both sides. Where e exceeds 1e-2·|x|, rounding hides the root.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini::detail {

/// Brackets, element by element: lo < hi with F of different signs there, or lo = hi with F = 0.
struct Brackets {
  Array lo, hi, f_lo, f_hi;
  Array out, f_out;  // the end that was given up last; NaN where none has been
  Array newest_is_hi;
  Leaves memory;  // the method's
  auto tree() { return std::tie(lo, hi, f_lo, f_hi, out, f_out, newest_is_hi, memory); }
};

struct BracketSteps {
  /// What the method remembers at the start.
  std::function<Leaves(const Brackets&)> init;
  /// The next point; what is not between the ends is replaced by the middle. `least`: how far from both it should be.
  std::function<Array(const Brackets&, const Array& least, Leaves& memory)> next;
};

Outcome solve_in_bracket(const BracketSteps& method, const SolverProblem& problem, const Array& z0,
                         const StopRule& stop);
/// A point between lo and hi with as many numbers on one side of it as on the other, to a factor of 2; one of them where there is none.
Array middle_of(const Array& lo, const Array& hi);

/// The method of a solver whose steps are given. ValueError for options out of range.
class BracketMethod final : public SolverMethod {
 public:
  template <class S>
  BracketMethod(const S& solver, BracketSteps steps)
      : name_(S::table().name), key_(S::table().key(solver)), steps_(std::move(steps)) {
    S::table().check(solver);
  }
  std::string name() const override { return name_; }
  std::string key() const override { return key_; }
  Kinds kinds() const override { return {Kind::bracketed_root}; }
  Restriction takes() const override { return Restriction::bounds; }
  Outcome solve(const SolverProblem& p, const Array& z0, const StopRule& stop) const override {
    return solve_in_bracket(steps_, p, z0, stop);
  }

 private:
  std::string name_, key_;
  BracketSteps steps_;
};

/// A method to which every problem has this bracket.
std::shared_ptr<const SolverMethod> in_bracket(std::shared_ptr<const SolverMethod> method, const Array& lower,
                                               const Array& upper);

}  // namespace dini::detail
