// Calls that cannot be made, and functions that cannot be called.
#include <dini/dini.hpp>

using namespace dini;

struct NoTree {
  Array W, b;
};

const auto one = [](const Array& x) { return x * x; };
const auto two = [](const Array& x, const Array& y) { return x * y; };
const auto below = [](const Array& x) { return x < 1; };
const auto sum_of_w = [](const NoTree& t) { return sum(t.W); };
const auto forward = [](const Array& x) { return std::pair(x, none); };
const auto layer = custom_vjp(one, forward, [](const None&, const Array& w) { return w; });

// clang-format off
void call(const NoTree& q, const Array& x, const Array& y) {
  auto changing = [calls = 0](const Array& v) mutable { return ++calls * v; };
#if CASE == 1  // give its struct a line auto tree() { return std::tie(W, b); }
  grad(sum_of_w)(q);
#elif CASE == 2  // give its struct a line auto tree() { return std::tie(W, b); }
  jit(sum_of_w)(q);
#elif CASE == 3  // give its struct a line auto tree() { return std::tie(W, b); }
  vmap(sum_of_w)(q);
#elif CASE == 4  // give its struct a line auto tree() { return std::tie(W, b); }
  checkpoint(sum_of_w)(q);
#elif CASE == 5  // give its struct a line auto tree() { return std::tie(W, b); }
  vjp(sum_of_w, q);
#elif CASE == 6  // give its struct a line auto tree() { return std::tie(W, b); }
  jvp(sum_of_w, q, q);
#elif CASE == 7  // give its struct a line auto tree() { return std::tie(W, b); }
  linearize(sum_of_w, q);
#elif CASE == 8  // give its struct a line auto tree() { return std::tie(W, b); }
  cond(x, sum_of_w, sum_of_w, q);
#elif CASE == 9  // give its struct a line auto tree() { return std::tie(W, b); }
  while_loop(below, one, q);
#elif CASE == 10  // give its struct a line auto tree() { return std::tie(W, b); }
  scan(two, q, x);
#elif CASE == 11  // give its struct a line auto tree() { return std::tie(W, b); }
  jit(vmap(sum_of_w))(q);
#elif CASE == 12  // the function takes another number of arguments than it is called with
  grad(one)(x, y);
#elif CASE == 13  // the function takes another number of arguments than it is called with
  value_and_grad(one)(x, y);
#elif CASE == 14  // the function takes another number of arguments than it is called with
  jit(one)(x, y);
#elif CASE == 15  // the function takes another number of arguments than it is called with
  vmap(one)(x, y);
#elif CASE == 16  // the function takes another number of arguments than it is called with
  vjp(one, x, y);
#elif CASE == 17  // the function takes another number of arguments than it is called with
  jvp(one, std::tuple(x, y), std::tuple(x, y));
#elif CASE == 18  // the function takes another number of arguments than it is called with
  jacobian(one)(x, y);
#elif CASE == 19  // the function takes another number of arguments than it is called with
  hessian(one)(x, y);
#elif CASE == 20  // the function takes another number of arguments than it is called with
  hvp(one, std::tuple(x, y), std::tuple(x, y));
#elif CASE == 21  // the function takes another number of arguments than it is called with
  make_program(one, x, y);
#elif CASE == 22  // the function takes another number of arguments than it is called with
  cond(x, one, one, x, y);
#elif CASE == 23  // the function takes another number of arguments than it is called with
  switch_case(x, std::tuple(one, one), x, y);
#elif CASE == 24  // the function takes another number of arguments than it is called with
  while_loop(below, two, x);
#elif CASE == 25  // the function takes another number of arguments than it is called with
  fori_loop(0, 3, one, x);
#elif CASE == 26  // the function takes another number of arguments than it is called with
  scan(one, x, y);
#elif CASE == 27  // the function takes another number of arguments than it is called with
  layer(x, y);
#elif CASE == 28  // the function takes another number of arguments than it is called with
  grad(grad(one))(x, y);
#elif CASE == 29  // a lambda must not be mutable
  grad(changing)(x);
#elif CASE == 30  // a lambda must not be mutable
  jit(changing)(x);
#elif CASE == 31  // a lambda must not be mutable
  vmap(changing)(x);
#elif CASE == 32  // a lambda must not be mutable
  vjp(changing, x);
#elif CASE == 33  // a lambda must not be mutable
  jvp(changing, x, x);
#elif CASE == 34  // a lambda must not be mutable
  cond(x, one, changing, x);
#elif CASE == 35  // a lambda must not be mutable
  while_loop(below, changing, x);
#elif CASE == 36  // the function returns nothing
  jit([](const Array&) {})(x);
#elif CASE == 37  // its parameters are const Array&
  grad([](double v) { return v; })(x);
#elif CASE == 38  // an argument or result is no tree
  jit([](const Array&) { return std::string(); })(x);
#elif CASE == 39  // scan: f(carry, x) must return a std::pair
  scan(two, x, y);
#elif CASE == 40  // a loop's body must return a state of the type that it is given
  while_loop(below, [](const Array& v) { return std::pair(v, v); }, x);
#elif CASE == 41  // custom_vjp: fwd must return (value, residuals)
  custom_vjp(one, one, two)(x);
#elif CASE == 42  // custom_vjp: fwd must take
  custom_vjp(one, [](const Array&, const Array&, const Array&) { return std::pair(1.0, none); }, two)(x);
#elif CASE == 43  // custom_vjp: bwd must take
  custom_vjp(one, forward, one)(x);
#elif CASE == 44  // custom_jvp: the rule must take
  custom_jvp(one, one)(x);
#else
  grad(one)(x), jit(two)(x, y), vmap(one)(x), vjp(two, x, y), jvp(two, std::tuple(x, y), std::tuple(x, y)), layer(x);
  cond(x, one, one, x), while_loop(below, one, x), fori_loop(0, 3, two, x), scan([](const Array& c, const Array& v) { return std::pair(c, v); }, x, y);
#endif
}
