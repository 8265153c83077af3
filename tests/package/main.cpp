// The square root of 2 as a fixed point, and its derivative: 1 / (2 sqrt 2).
#include <dini/dini.hpp>

#include <cmath>
#include <iostream>

using namespace dini;

int main() {
  auto babylonian = [](const Array& a, const Array& x, const Array& z) { return 0.5 * (z + a / z) + 0.0 * x; };
  auto root = [&](const Array& a) { return fixed_point_layer(newton_solver, babylonian, a, array(1.0), array(1.0)); };
  const Array a = array(2.0);
  const double value = root(a).item<double>();
  const double derivative = grad(root)(a).item<double>();
  std::cout << value << " " << derivative << "\n";
  return std::abs(value - std::sqrt(2.0)) < 1e-5 && std::abs(derivative - 0.5 / std::sqrt(2.0)) < 1e-5 ? 0 : 1;
}
