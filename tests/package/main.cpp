// The square root of 2 as a fixed point, its derivative 1 / (2 sqrt 2), and what goes wrong first where a program is compiled
// with -ffast-math: numbers that are subnormal, infinite or none. Printed with all bits, to be compared.
#include <dini/dini.hpp>

#include <cmath>
#include <cstdio>
#include <iostream>
#include <limits>

using namespace dini;

namespace {

void show(const char* name, const Array& x) {
  std::printf("%s:", name);
  for (double v : astype(x, float64).to_vector<double>()) std::printf(" %a", v);
  std::cout << "   " << x << std::endl;
}

}  // namespace

int main() {
  auto babylonian = [](const Array& a, const Array& x, const Array& z) { return 0.5 * (z + a / z) + 0.0 * x; };
  auto root_of = [&](const Array& a) {
    return fixed_point_layer(newton_solver, babylonian, a, array(1.0), array(1.0));
  };
  const Array a = array(2.0);
  const double value = root_of(a).item<double>();
  const double derivative = grad(root_of)(a).item<double>();
  std::cout << value << " " << derivative << std::endl;

  const double infinity = std::numeric_limits<double>::infinity(), none = std::numeric_limits<double>::quiet_NaN();
  const Array tiny = array({4e-310, -5e-324, 3e-308}), odd = array({infinity, -infinity, none, 0.0, -1.0});
  show("subnormal", tiny * 0.5);
  show("compiled", jit([](const Array& t) { return t * 0.5 + 1e-310; })(tiny));
  show("norm", norm(tiny));
  show("float32", astype(tiny * 1e270 * 1e-1, float32) * 1.0);
  show("literal", ones({2}, float32) * 1e-40);
  show("item", array(astype(tiny * 1e270, float32)(0).item<double>()) * 1.0);
  show("sum", sum(random::normal(random::key(0), {1000}) * (1.0 / 3)));
  show("odd", odd);
  show("isnan", isnan(odd));
  show("isfinite", isfinite(odd));
  show("where", where(odd > 0, odd, -odd));
  show("max", max(odd));
  show("log", log(odd));
  show("softmax", softmax(array({1e300, 0.0, -infinity})));
  auto squares = [](const Array& c, const Array& z) { return z * z - c; };
  RootOptions options{.solver = Newton{}, .on_failure = OnFailure::nan};
  show("root", root(squares, ones(2), options, array({2.0, 1e-300})).value);
  show("no root", root(squares, ones(2), options, array({2.0, -1.0})).value);
  show("slope", grad([&](const Array& c) { return sum(root(squares, ones(2), options, c).value); })(array({2.0, 3.0})));
  return std::abs(value - std::sqrt(2.0)) < 1e-5 && std::abs(derivative - 0.5 / std::sqrt(2.0)) < 1e-5 ? 0 : 1;
}
