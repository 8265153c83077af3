#include "dini/trace/numbers.hpp"

#include <cmath>

namespace dini::detail {

namespace numbers_apart {

bool stays(const Array& a) {
  if (!a.weak() || a.ndim() > 0 || a.dtype() == Dtype::bool_) return true;
  const double x = *uniform_number(a);
  int exponent = 0;
  return x == 0 || !std::isfinite(x) || std::fabs(std::frexp(x, &exponent)) == 0.5;
}

}  // namespace numbers_apart

Staged with_numbers_apart(const ProgramRef& program) {
  Leaves numbers;
  for (const auto& [v, a] : program->constants) {
    if (!numbers_apart::stays(a)) numbers.push_back(a);
  }
  if (numbers.empty()) return {program, {}};
  auto apart = std::make_shared<Program>(*program);
  apart->constants.clear();
  for (const auto& constant : program->constants) {
    if (numbers_apart::stays(constant.second))
      apart->constants.push_back(constant);
    else
      apart->inputs.push_back(constant.first);
  }
  return {apart, numbers};
}

}  // namespace dini::detail
