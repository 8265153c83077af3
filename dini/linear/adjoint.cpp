#include "dini/linear/adjoint.hpp"

#include "dini/core/option_table.hpp"

namespace dini {

namespace {

constexpr std::int64_t direct_limit = 1000;

using AdjointTable = detail::MethodTable<Adjoint>;

// One for each Kind, in its order.
const std::vector<AdjointTable>& adjoint_tables() {
  using AdjointField = detail::Field<Adjoint>;
  const AdjointField restart{"restart", &Adjoint::restart, {1}, "products between restarts"},
      terms{"terms", &Adjoint::terms, {1}, "of the sum"},
      tolerance{"tolerance", &Adjoint::tolerance, {}, "on the relative residual; 0: by the dtype"},
      max_steps{"max_steps", &Adjoint::max_steps, {}, "the most products; 0: by the size"};
  static const std::vector<AdjointTable> all = {
      {"auto", "direct where the Jacobian is small enough to be formed, gmres beyond", false, false, {}},
      {"direct", "forms the Jacobian and factorises it", false, true, {}},
      {"gmres", "generalised minimal residuals", false, true, {restart, tolerance, max_steps}},
      {"cg", "conjugate gradients, for a positive definite Jacobian", false, false, {tolerance, max_steps}},
      {"bicgstab", "stabilised biconjugate gradients", false, false, {tolerance, max_steps}},
      {"same_solver", "the solver of the equation itself", true, false, {}},
      {"neumann", "a sum of powers of the Jacobian; not exact", true, false, {terms}},
      {"one_step", "the identity for the inverse; not exact", true, false, {}},
  };
  return all;
}
const AdjointTable& table_of(Adjoint::Kind kind) { return adjoint_tables()[static_cast<std::size_t>(kind)]; }

}  // namespace

std::string Adjoint::name() const { return table_of(kind).name; }
std::string Adjoint::key() const { return table_of(kind).key(*this); }

Adjoint Adjoint::resolved(std::int64_t n, bool fixed_point) const {
  Adjoint out = *this;
  if (kind == Kind::automatic) out.kind = n <= direct_limit ? Kind::direct : Kind::gmres;
  const AdjointTable& table = table_of(out.kind);
  table.check(out);
  if (table.fixed_point_only && !fixed_point) {
    throw ValueError("adjoint: " + table.name + " is for fixed points; use direct or gmres for a root");
  }
  return out;
}

const std::vector<MethodInfo<Adjoint>>& library_adjoints() {
  static const std::vector<MethodInfo<Adjoint>> all = [] {
    std::vector<MethodInfo<Adjoint>> made;
    for (const Adjoint& a : {Adjoint(Direct{}), Adjoint(GMRES{}), Adjoint(CG{}), Adjoint(BiCGStab{}),
                             Adjoint(SameSolver{}), Adjoint(Neumann{}), Adjoint(OneStep{})}) {
      made.push_back(table_of(a.kind).info<Adjoint>(a));
    }
    return made;
  }();
  return all;
}

}  // namespace dini
