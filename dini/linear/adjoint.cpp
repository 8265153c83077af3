#include "dini/linear/adjoint.hpp"

#include <cstdio>

#include "dini/linear/system.hpp"

namespace dini {

std::string Preconditioner::key() const {
  if (!apply_) return "";
  char text[40];
  std::snprintf(text, sizeof text, " %p", static_cast<const void*>(apply_.get()));
  return text;
}

bool Adjoint::exact() const { return !method_ || method_->exact(); }
std::string Adjoint::name() const { return method_ ? method_->name() : "auto"; }
std::string Adjoint::key() const { return method_ ? method_->key() : "auto"; }

void Adjoint::check(Kind kind) const {
  if (!method_ || method_->kinds().has(kind)) return;
  throw ValueError("adjoint: " + method_->name() + " is for " + method_->kinds().text() + ", got a problem of kind " +
                   dini::name(kind) + "; direct and gmres are for all");
}

const std::vector<MethodInfo<Adjoint>>& library_adjoints() {
  static const std::vector<MethodInfo<Adjoint>> all = {
      Direct::table().info<Adjoint>(),   LU::table().info<Adjoint>(),         Cholesky::table().info<Adjoint>(),
      LDLT::table().info<Adjoint>(),     QR::table().info<Adjoint>(),         Diagonal::table().info<Adjoint>(),
      GMRES::table().info<Adjoint>(),    MINRES::table().info<Adjoint>(),     CG::table().info<Adjoint>(),
      BiCGStab::table().info<Adjoint>(), SameSolver::table().info<Adjoint>(), Neumann::table().info<Adjoint>(),
      OneStep::table().info<Adjoint>(),
  };
  return all;
}

}  // namespace dini
