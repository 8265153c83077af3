#include <cmath>

#include "dini/linear/dense.hpp"

namespace dini {

namespace detail {
namespace {

struct DiagonalMethod final : TableMethod<Diagonal> {
  using TableMethod::TableMethod;
  std::string advice() const override {
    return " (diagonal is for Jacobians that are zero beside their diagonal; direct takes any)";
  }
  // [the diagonal, whether another product is what it would be]
  Leaves prepare(const LinearSystem& s) const override {
    const Aval v = s.product()->input_avals()[0];
    const Array d = s.apply(ones(v.shape, v.dtype));
    const Array other = cos(1.7 * square(astype(arange(d.size()), d.dtype())) + 0.3), product = s.apply(other);
    return {d, ~(norm(product - d * other) > std::sqrt(epsilon(d.dtype())) * norm(d * other))};
  }
  LinearOutcome attempt(const Product& apply, const LinearSystem&, const Leaves& prepared, const Array& b,
                        bool) const override {
    return judged(b / prepared[0], apply, b, ~prepared[1]);
  }
};

}  // namespace
}  // namespace detail

const detail::MethodTable<Diagonal>& Diagonal::table() {
  static const detail::MethodTable<Diagonal> t{
      "diagonal",
      "the diagonal alone, for equations that are each in an unknown of their own",
      Kinds::all(),
      false,
      {}};
  return t;
}
detail::LinearMethodRef Diagonal::method() const { return std::make_shared<detail::DiagonalMethod>(*this); }

}  // namespace dini
