#include "dini/linear/dense.hpp"

namespace dini {

namespace detail {
namespace {

struct DirectMethod final : TableMethod<Direct> {
  using TableMethod::TableMethod;
  bool wants_matrix() const override { return true; }
  Leaves prepare(const LinearSystem& s) const override { return factorize(s.matrix(), s.structure()); }
  Array solve(const LinearSystem& s, const Leaves& prepared, const Array& b, LinearFailure) const override {
    // Where A is singular the factors give infinities and NaN, whatever a failure should do.
    return solve_factored(prepared, s.matrix(), b, s.structure());
  }
  LinearOutcome attempt(const Product& apply, const LinearSystem& s, const Leaves& prepared, const Array& b,
                        bool transposed) const override {
    const MatrixStructure& known = s.structure();
    if (known.diagonal) return judged(solve_factored(prepared, s.matrix(), b, known), apply, b);
    return judged(emit_linear_solve(prepared, s.matrix(), b, transposed, is_symmetric(known)), apply, b);
  }
};

}  // namespace
}  // namespace detail

const detail::MethodTable<Direct>& Direct::table() {
  static const detail::MethodTable<Direct> t{
      "direct", "forms the Jacobian and factorises it as its structure says", Kinds::all(), true, {}};
  return t;
}
detail::LinearMethodRef Direct::method() const { return std::make_shared<detail::DirectMethod>(*this); }

}  // namespace dini
