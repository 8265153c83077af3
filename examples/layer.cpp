// The program in README.md: a layer z = tanh(W z + x), and the derivative of a function of it.

#include <dini/dini.hpp>
#include <cmath>
#include <iostream>

using namespace dini;

int main() {
  const int n = 10;
  Array W = random::normal(random::key(0), {n, n}) / std::sqrt(double(n));
  Array x = random::normal(random::key(1), {n});

  // The layer: z = tanh(W z + x).
  auto f = [](const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); };
  Array z = fixed_point_layer(fwd_solver, f, W, x);
  std::cout << z << "\n";

  // The derivative of a function of z*, through the equation.
  auto loss = [&](const Array& W) { return sum(square(fixed_point_layer(fwd_solver, f, W, x))); };
  std::cout << grad(loss)(W) << "\n";
}
