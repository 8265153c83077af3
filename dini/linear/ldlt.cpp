#include "dini/linear/dense.hpp"

namespace dini {

namespace detail {
namespace {

struct LdltMethod final : TableMethod<LDLT> {
  using TableMethod::TableMethod;
  bool wants_matrix() const override { return true; }
  std::string advice() const override { return " (ldlt is for symmetric Jacobians; direct takes any)"; }
  Leaves prepare(const LinearSystem& s) const override {
    const Array& a = s.matrix();
    if (a.size() == 0) return {};
    Leaves out = factorize(a, {.symmetric = true});
    out.push_back(looks_symmetric(s, a.shape().back(), a.dtype()));
    return out;
  }
  LinearOutcome attempt(const Product& apply, const LinearSystem& s, const Leaves& prepared, const Array& b,
                        bool) const override {
    return judged(emit_linear_solve(prepared, s.matrix(), b, false, true), apply, b, ~prepared[2]);
  }
};

}  // namespace
}  // namespace detail

const detail::MethodTable<LDLT>& LDLT::table() {
  static const detail::MethodTable<LDLT> t{
      "ldlt", "symmetric factors, for a symmetric Jacobian", Kinds::all(), false, {}};
  return t;
}
detail::LinearMethodRef LDLT::method() const { return std::make_shared<detail::LdltMethod>(*this); }

}  // namespace dini
