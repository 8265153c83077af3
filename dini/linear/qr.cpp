#include "dini/linear/dense.hpp"

namespace dini {

namespace detail {
namespace {

struct QrMethod final : TableMethod<QR> {
  using TableMethod::TableMethod;
  bool wants_matrix() const override { return true; }
  Leaves prepare(const LinearSystem& s) const override { return emit(qr_op(), {s.matrix()}, {{"full", false}}); }
  LinearOutcome attempt(const Product& apply, const LinearSystem&, const Leaves& prepared, const Array& b,
                        bool transposed) const override {
    const Array &q = prepared[0], &r = prepared[1];
    const Array x = transposed ? dot(q, linalg::solve_triangular(r, b, false, true))
                               : linalg::solve_triangular(r, dot(transpose(q), b), false);
    return judged(x, apply, b);
  }
};

}  // namespace
}  // namespace detail

const detail::MethodTable<QR>& QR::table() {
  static const detail::MethodTable<QR> t{
      "qr", "orthogonal factors: slower than lu, and steadier", Kinds::all(), false, {}};
  return t;
}
detail::LinearMethodRef QR::method() const { return std::make_shared<detail::QrMethod>(*this); }

}  // namespace dini
