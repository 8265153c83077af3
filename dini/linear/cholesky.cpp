#include "dini/linear/dense.hpp"

namespace dini {

namespace detail {
namespace {

// A fixed point's A = ∂f/∂z - I is definite with the other sign: ±A is factorised, as the first entry says.
struct CholeskyMethod final : TableMethod<Cholesky> {
  using TableMethod::TableMethod;
  bool wants_matrix() const override { return true; }
  std::string advice() const override {
    return " (cholesky is for symmetric positive definite Jacobians; direct takes any)";
  }
  Leaves prepare(const LinearSystem& s) const override {
    const Array& a = s.matrix();
    if (a.size() == 0) return {};
    const Array first = max(diagonal(a)), sign = where(first > 0, ones_like(first), -ones_like(first));
    Leaves out = factorize(sign * a, {.symmetric = true});
    out.push_back(sign);
    out.push_back(looks_symmetric(s, a.shape().back(), a.dtype()));
    return out;
  }
  LinearOutcome attempt(const Product& apply, const LinearSystem& s, const Leaves& prepared, const Array& b,
                        bool) const override {
    const Array x = prepared[2] * emit_linear_solve(prepared, prepared[2] * s.matrix(), b, false, true);
    return judged(x, apply, b, ~(is_definite(prepared, s.matrix()) & prepared[3]));
  }
};

}  // namespace
}  // namespace detail

const detail::MethodTable<Cholesky>& Cholesky::table() {
  static const detail::MethodTable<Cholesky> t{
      "cholesky", "a triangular factor, for a positive definite Jacobian", Kinds::all(), false, {}};
  return t;
}
detail::LinearMethodRef Cholesky::method() const { return std::make_shared<detail::CholeskyMethod>(*this); }

}  // namespace dini
