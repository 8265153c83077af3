#include "dini/linear/adjoint.hpp"

#include <cstdio>

#include "dini/core/error.hpp"

namespace dini {

constexpr std::int64_t direct_limit = 1000;

std::string Adjoint::name() const {
  constexpr const char* names[] = {"auto", "direct", "gmres", "cg", "bicgstab", "same_solver", "neumann", "one_step"};
  return names[static_cast<int>(kind)];
}

std::string Adjoint::key() const {
  char text[120];
  std::snprintf(text, sizeof text, "(%d,%d,%.17g,%lld)", restart, terms, tolerance, static_cast<long long>(max_steps));
  return name() + text;
}

Adjoint Adjoint::resolved(std::int64_t n, bool fixed_point) const {
  Adjoint out = *this;
  if (kind == Kind::automatic) out.kind = n <= direct_limit ? Kind::direct : Kind::gmres;
  if (restart < 1) throw ValueError("GMRES: restart must be 1 or more, got " + std::to_string(restart));
  if (terms < 1) throw ValueError("Neumann: terms must be 1 or more, got " + std::to_string(terms));
  if (!(tolerance >= 0)) throw ValueError(name() + ": tolerance must be 0 or more, got " + std::to_string(tolerance));
  if (max_steps < 0) throw ValueError(name() + ": max_steps must be 0 or more, got " + std::to_string(max_steps));
  const bool wants_map = kind == Kind::same_solver || kind == Kind::neumann || kind == Kind::one_step;
  if (wants_map && !fixed_point) {
    throw ValueError("adjoint: " + name() + " is for fixed points; use direct or gmres for a root");
  }
  return out;
}

}  // namespace dini
