// A plugin: a shared object that contains the library, as another one of the same program does.
#include <dini/dini.hpp>

#include <cmath>
#include <sstream>

using namespace dini;

namespace {

std::string solve_and_differentiate() {
  Array W = random::normal(random::key(0), {3, 3}) / std::sqrt(3.0), x = random::normal(random::key(1), {3});
  // With parts of the header's inline functions: an index, a tuple, an operator with a number.
  auto f = [](const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x) * (0.5 + 0.0 * x(0)); };
  auto loss = [&](const Array& W) { return sum(square(fixed_point_layer(Newton{}, f, W, x))); };
  const auto [value, slopes] = jit(value_and_grad(loss))(W);
  std::ostringstream text;
  text << std::hexfloat << value.item<double>();
  for (double s : slopes.to_vector<double>()) text << ' ' << s;
  text << ' ' << sum(dot(ones({500, 500}), ones({500}))).item<double>();  // by threads
  return text.str();
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const char* result() {
  static std::string text;
  try {
    text = solve_and_differentiate();
  } catch (const Error& e) { text = std::string("error: ") + e.what(); }
  return text.c_str();
}
