// The Krylov methods (krylov.hpp) as methods for linear systems.
#include <cmath>

#include "dini/linear/dense.hpp"
#include "dini/linear/krylov.hpp"

namespace dini {

namespace detail {
namespace {

template <class S> std::vector<Field<S>> krylov_fields() {
  return {{"tolerance", &S::tolerance, {}, "on the relative residual; 0: by the dtype"},
          {"max_steps", &S::max_steps, {}, "the most products; 0: by the size"}};
}

template <class S> struct KrylovMethod : TableMethod<S> {
  using TableMethod<S>::TableMethod;
  std::string key() const override { return TableMethod<S>::key() + this->options.preconditioner.key(); }
  KrylovOptions options_for(const Array& b, bool transposed) const {
    const S& s = this->options;
    KrylovOptions o;
    o.tolerance = s.tolerance > 0 ? s.tolerance : std::pow(epsilon(b.dtype()), 0.75);
    o.or_to_rounding = !(s.tolerance > 0);
    o.max_products = s.max_steps > 0 ? s.max_steps : std::max<std::int64_t>(1000, 10 * b.size());
    if (!s.preconditioner) return o;
    if (!transposed) {
      o.preconditioner = [p = s.preconditioner](const Array& v) { return p(v); };
    } else {
      const ProgramRef forth = stage_closed([&](const Leaves& in) { return Leaves{s.preconditioner(in[0])}; },
                                            {{b.shape(), b.dtype(), false}}, "preconditioner");
      const ProgramRef back = transpose_program(forth, {true});
      o.preconditioner = [back](const Array& v) { return evaluate(*back, {v})[0]; };
    }
    return o;
  }
};

LinearOutcome outcome_of(const KrylovResult& r) { return {r.x, r.status, r.residual}; }

struct GmresMethod final : KrylovMethod<GMRES> {
  using KrylovMethod::KrylovMethod;
  LinearOutcome attempt(const Product& apply, const LinearSystem&, const Leaves&, const Array& b,
                        bool transposed) const override {
    KrylovOptions o = options_for(b, transposed);
    o.restart = options.restart;
    return outcome_of(gmres(apply, b, o));
  }
};

struct BicgstabMethod final : KrylovMethod<BiCGStab> {
  using KrylovMethod::KrylovMethod;
  LinearOutcome attempt(const Product& apply, const LinearSystem&, const Leaves&, const Array& b,
                        bool transposed) const override {
    return outcome_of(bicgstab(apply, b, options_for(b, transposed)));
  }
};

// Of those for symmetric A, prepared is whether A is, or looks it.
template <class S> struct SymmetricMethod : KrylovMethod<S> {
  using KrylovMethod<S>::KrylovMethod;
  std::string advice() const override {
    return " (" + this->name() + " is for symmetric Jacobians; gmres, bicgstab and direct take any)";
  }
  Leaves prepare(const LinearSystem& s) const override {
    const Aval v = s.product()->input_avals()[0];
    return {looks_symmetric(s, v.shape.size(), v.dtype)};
  }
  static LinearOutcome refused(const KrylovResult& r, const Leaves& prepared) {
    return {r.x, where(prepared[0], r.status, code(StatusCode::breakdown)), r.residual};
  }
};

struct MinresMethod final : SymmetricMethod<MINRES> {
  using SymmetricMethod::SymmetricMethod;
  LinearOutcome attempt(const Product& apply, const LinearSystem&, const Leaves& prepared, const Array& b,
                        bool transposed) const override {
    return refused(minres(apply, b, options_for(b, transposed)), prepared);
  }
};

struct CgMethod final : SymmetricMethod<CG> {
  using SymmetricMethod::SymmetricMethod;
  std::string advice() const override {
    return " (cg is for symmetric positive definite Jacobians; minres takes symmetric ones, gmres, bicgstab and direct "
           "any)";
  }
  LinearOutcome attempt(const Product& apply, const LinearSystem& s, const Leaves& prepared, const Array& b,
                        bool transposed) const override {
    const KrylovOptions o = options_for(b, transposed);
    if (!s.is_fixed_point()) return refused(conjugate_gradients(apply, b, o), prepared);
    // What is definite of a fixed point is I - M, and conjugate gradients mind the sign.
    return refused(conjugate_gradients([&](const Array& v) { return -apply(v); }, -b, o), prepared);
  }
};

}  // namespace
}  // namespace detail

const detail::MethodTable<GMRES>& GMRES::table() {
  static const detail::MethodTable<GMRES> t = [] {
    auto fields = detail::krylov_fields<GMRES>();
    fields.insert(fields.begin(), {"restart", &GMRES::restart, {1}, "products between restarts"});
    return detail::MethodTable<GMRES>{"gmres", "generalised minimal residuals", Kinds::all(), true, fields};
  }();
  return t;
}
const detail::MethodTable<MINRES>& MINRES::table() {
  static const detail::MethodTable<MINRES> t{"minres", "minimal residuals, for a symmetric Jacobian", Kinds::all(),
                                             false, detail::krylov_fields<MINRES>()};
  return t;
}
const detail::MethodTable<CG>& CG::table() {
  static const detail::MethodTable<CG> t{"cg", "conjugate gradients, for a positive definite Jacobian", Kinds::all(),
                                         false, detail::krylov_fields<CG>()};
  return t;
}
const detail::MethodTable<BiCGStab>& BiCGStab::table() {
  static const detail::MethodTable<BiCGStab> t{"bicgstab", "stabilised biconjugate gradients", Kinds::all(), false,
                                               detail::krylov_fields<BiCGStab>()};
  return t;
}

detail::LinearMethodRef GMRES::method() const { return std::make_shared<detail::GmresMethod>(*this); }
detail::LinearMethodRef MINRES::method() const { return std::make_shared<detail::MinresMethod>(*this); }
detail::LinearMethodRef CG::method() const { return std::make_shared<detail::CgMethod>(*this); }
detail::LinearMethodRef BiCGStab::method() const { return std::make_shared<detail::BicgstabMethod>(*this); }

}  // namespace dini
