#include "dini/linear/dense.hpp"

namespace dini {

namespace detail {
namespace {

struct LuMethod final : TableMethod<LU> {
  using TableMethod::TableMethod;
  bool wants_matrix() const override { return true; }
  Leaves prepare(const LinearSystem& s) const override { return factorize(s.matrix(), {}); }
  LinearOutcome attempt(const Product& apply, const LinearSystem& s, const Leaves& prepared, const Array& b,
                        bool transposed) const override {
    return judged(emit_linear_solve(prepared, s.matrix(), b, transposed), apply, b);
  }
};

}  // namespace
}  // namespace detail

const detail::MethodTable<LU>& LU::table() {
  static const detail::MethodTable<LU> t{"lu", "triangular factors with row exchanges", Kinds::all(), false, {}};
  return t;
}
detail::LinearMethodRef LU::method() const { return std::make_shared<detail::LuMethod>(*this); }

}  // namespace dini
