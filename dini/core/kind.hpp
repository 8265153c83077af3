// The kinds of problem: by what equation a solution z is defined.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

namespace dini {

enum class Kind : std::uint8_t {
  root,               // 0 = F(θ, z)
  fixed_point,        // z = f(θ, z)
  minimize,           // z = argmin E(θ, z), E a scalar
  least_squares,      // z = argmin ½‖r(θ, z)‖²
  quadratic_program,  // z = argmin ½zᵀPz + qᵀz, with Az = b, Gz ≤ h, l ≤ z ≤ u
  bracketed_root      // 0 = F(θ, z), F elementwise in z, between two points at which F has different signs
};

/// "root", "fixed_point", "minimize", "least_squares", "quadratic_program", "bracketed_root".
const char* name(Kind kind);

/// What a solution has to keep to besides: bounds l ≤ z ≤ u; or those and general ones, c(z) = 0 and g(z) ≤ 0.
enum class Restriction : std::uint8_t { none, bounds, general };

/// "no constraints", "bounds", "constraints".
const char* name(Restriction restriction);

/// A set of kinds: those that a method is for.
class Kinds {
 public:
  constexpr Kinds(std::initializer_list<Kind> kinds) {
    for (Kind k : kinds) bits_ |= bit(k);
  }
  /// All that have no constraints of their own.
  static constexpr Kinds all() { return {Kind::root, Kind::fixed_point, Kind::minimize, Kind::least_squares}; }
  constexpr bool has(Kind k) const { return (bits_ & bit(k)) != 0; }
  friend constexpr Kinds operator|(Kinds a, Kinds b) {
    a.bits_ |= b.bits_;
    return a;
  }
  friend constexpr bool operator==(Kinds a, Kinds b) = default;
  /// Their names, with commas between them.
  std::string text() const;

 private:
  static constexpr unsigned bit(Kind k) { return 1u << static_cast<unsigned>(k); }
  unsigned bits_ = 0;
};

}  // namespace dini
