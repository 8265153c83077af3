#include "dini/core/kind.hpp"

namespace dini {

namespace {
constexpr Kind every_kind[] = {Kind::root,          Kind::fixed_point,       Kind::minimize,
                               Kind::least_squares, Kind::quadratic_program, Kind::bracketed_root};
}

const char* name(Kind kind) {
  constexpr const char* names[] = {"root",          "fixed_point",       "minimize",
                                   "least_squares", "quadratic_program", "bracketed_root"};
  return names[static_cast<int>(kind)];
}

const char* name(Restriction restriction) {
  constexpr const char* names[] = {"no constraints", "bounds", "constraints"};
  return names[static_cast<int>(restriction)];
}

std::string Kinds::text() const {
  std::string out;
  for (Kind k : every_kind) {
    if (has(k)) out += (out.empty() ? "" : ", ") + std::string(name(k));
  }
  return out;
}

}  // namespace dini
