// Trees under the transformations: numbers in them are Arrays to the function, which differentiates and loops like any
// others; a number that is a struct's member never takes a traced value; and the results that are trees.
#include <gtest/gtest.h>

#include "expect.hpp"

namespace dini {
namespace {

const Array x3 = array({0.3, -1.2, 0.7});
constexpr double total = 0.3 - 1.2 + 0.7, squares = 0.09 + 1.44 + 0.49;

// One function of two leaves, and the kinds of tree in which they may come: d² Σw of a number d and an array w.
struct {
  template <class D, class W> Array operator()(const D& d, const W& w) const { return d * d * sum(w); }
} const value;
const auto of_pair = [](const std::pair<Array, Array>& t) { return value(t.first, t.second); };
const auto of_tuple = [](const std::tuple<Array, std::tuple<Array>>& t) {
  return value(std::get<0>(t), std::get<0>(std::get<1>(t)));
};
const auto of_nested = [](const std::pair<std::vector<Array>, std::array<Array, 1>>& t) {
  return value(t.first[0], t.second[0]);
};
const auto of_map = [](const std::pair<std::map<std::string, Array>, Array>& t) {
  return value(t.first.at("d"), t.second);
};

template <class F, class T> void has_derivatives(const F& f, const T& at, const T& direction) {
  const Leaves gradient{array(6 * total), 9 * ones({3})};
  const double slope = 6 * total * 2 + 9 * total;  // along (2, x)
  same(flatten(grad(f)(at)), gradient);
  same(flatten(jit(grad(f))(at)), gradient);
  same(flatten(vjp(f, at).pullback(array(1.0))), gradient);
  same(flatten(jacobian(f)(at)), gradient);
  close(jvp(f, at, direction).tangent, array(slope));
  close(linearize(f, at).second(detail::as_tree(direction)), array(slope));
  same(flatten(hvp(f, at, direction)), {array(2 * total * 2 + 6 * total), 12 * ones({3})});
  EXPECT_TRUE(check_grads(f, at, {.order = 2}).ok);
}

TEST(Trees, NumbersInThemAreDifferentiated) {
  using std::array, std::pair, std::tuple, std::vector;
  has_derivatives(of_pair, pair(3.0, x3), pair(2.0, x3));
  has_derivatives(of_tuple, tuple(3.0, tuple(x3)), tuple(2.0, tuple(x3)));
  has_derivatives(of_nested, pair(vector<double>{3}, std::array<Array, 1>{x3}),
                  pair(vector<double>{2}, std::array<Array, 1>{x3}));
  has_derivatives(of_map, pair(std::map<std::string, double>{{"d", 3}}, x3),
                  pair(std::map<std::string, double>{{"d", 2}}, x3));
  same(grad([](const vector<Array>& v) { return v[0] * v[0] * v[1]; })(vector<double>{3, 2}),
       {dini::array(12.0), dini::array(9.0)});
  same(flatten(grad([](const std::array<Array, 2>& v) { return v[0] * v[1]; })(array<double, 2>{3, 2})),
       {dini::array(2.0), dini::array(3.0)});
  // Through a rule, a solve, a layer and a rematerialised function.
  const auto ruled = custom_jvp(of_pair, [](const pair<Array, Array>& t, const pair<Array, Array>& dt) {
    return pair(of_pair(t), 7 * dt.first + sum(dt.second));
  });
  same(flatten(grad(ruled)(pair(3.0, x3))), {dini::array(7.0), ones({3})});
  const auto pulled = custom_vjp(
      of_pair, [](const pair<Array, Array>& t) { return pair(of_pair(t), t); },
      [](const pair<Array, Array>& t, const Array& ct) { return pair(7 * ct, ct * t.second); });
  same(flatten(grad(pulled)(pair(3.0, x3))), {dini::array(7.0), x3});
  same(flatten(grad([](const auto& t) { return checkpoint(of_pair)(t); })(pair(3.0, x3))),
       {dini::array(6 * total), 9 * ones({3})});
  // z = z/2 + a²u, of which z = 2a²u.
  const auto layer = [](const auto& params) {
    return sum(fixed_point_layer(
        Newton(), [](const auto& p, const Array& u, const Array& z) { return p.first * z + p.second * p.second * u; },
        params, x3));
  };
  const auto slopes = grad(layer)(pair(0.5, 3.0));
  close(slopes.first, dini::array(9 * total * 4), 1e-9);
  close(slopes.second, dini::array(6 * total * 2), 1e-9);
  same(flatten(tree_map([](const Array& a) { return 2 * a; }, pair(3.0, x3))), {dini::array(6.0), 2 * x3});
  const auto [flat, unravel] = ravel_tree(pair(3.0, x3));
  same(flatten(unravel(2 * flat)), {dini::array(6.0), 2 * x3});
}

TEST(Trees, NumbersInThemAreCarried) {
  using Carry = std::pair<Array, Array>;
  const auto step = [](const Carry& c) { return Carry(c.first + 1, c.second * 2); };
  const Leaves wanted{array(3.0), 8 * x3};
  const auto run = [&](const Array& x) {
    const std::pair<double, Array> start(0.0, x);
    const Carry by_while = while_loop([](const Carry&c) { return c.first < 3; }, step, start),
                by_fori = fori_loop(
                    0, 3, [&](const Array&, const Carry&c) { return step(c); }, start),
                by_loop = loop([](const Carry&c) { return c.first < 3; }, step, start, 9);
    const auto [by_scan, ys] =
        scan([&](const Carry& c, const None&) { return std::pair(step(c), std::pair(1.0, c.first)); }, start, none, 3);
    close(ys.first, ones({3}));
    same(flatten(ys.second), {arange(3.0)});
    for (const Carry& c : {by_while, by_fori, by_loop, by_scan}) same(flatten(c), wanted);
    return cond(
        true, [](const Carry& c) { return c.second; }, [](const Carry& c) { return c.first * c.second; }, by_scan);
  };
  run(x3);
  close(grad([](const std::pair<Array, Array>& start) {
          return fori_loop(
                     0, 3, [](const Array&, const Carry& c) { return Carry(c.first * c.second, c.second); }, start)
              .first;
        })(std::pair(2.0, 3.0))
            .second,
        array(2.0 * 3 * 9));
  const auto chosen = [](const Array& p) {
    return cond(
        p > 0, [](const Carry& c) { return c.second; }, [](const Carry& c) { return c.first * c.second; },
        std::pair(5.0, p));
  };
  close(jit(chosen)(array(-2.0)), array(-10.0));
}

struct Scaled {
  Array w;
  double d;
  auto tree() { return std::tie(w, d); }
};
struct Powers {
  Array w;
  int n;
  auto tree() { return std::tie(w, n); }
};

TEST(Trees, AMemberThatIsANumberTakesNoTracedValue) {
  const auto f = [](const Scaled& s) { return sum(s.w) * s.d * s.d; };
  const Scaled at{x3, 3.0}, along{zeros({3}), 1.0};
  const std::vector<std::string> remedy = {"C++ number", "make the member an Array"};
  const auto refused = [&](const auto& run) { throws<TraceError>(run, remedy); };
  refused([&] { grad(f)(at); });
  refused([&] { value_and_grad(f)(at); });
  refused([&] { vjp(f, at); });
  refused([&] { jvp(f, at, along); });
  refused([&] { linearize(f, at); });
  refused([&] { jacobian(f)(at); });
  refused([&] { hvp(f, at, along); });
  refused([&] { jit(f)(at); });
  refused([&] { grad(jit(f))(at); });
  refused([&] { vmap([&](const Array& x) { return f(unflatten(at, {x, sum(x)})); })(eye(3)); });
  refused([&] {
    grad([&](const Array& x) {
      return f(tree_map([&](const Array& leaf) { return leaf * x; }, Scaled{x3, 3.0}));
    })(array(1.0));
  });
  refused([&] {
    fori_loop(
        0, 3,
        [](const Array&, const Scaled& s) {
          return Scaled{s.w, s.d + 1};
        },
        at);
  });
  refused([&] { scan([](const Scaled& s, const Array& x) { return std::pair(s, x); }, at, x3); });
  refused([&] { jit([&](const Array& p) { return cond(p > 0, f, f, Scaled{x3, 3.0}); })(array(1.0)); });
  refused([&] {
    grad([&](const Scaled& s) {
      return sum(fixed_point_layer(
          Newton(), [](const Scaled& p, const Array& u, const Array& z) { return 0.5 * z + p.d * u + p.w; }, s, x3));
    })(at);
  });
  // The message names who traces it.
  throws<TraceError>([&] { grad(f)(at); }, {"traced by grad", "float64"});
  throws<TraceError>([&] { jit(f)(at); }, {"traced by jit"});
}

TEST(Trees, AMemberThatIsANumberKeepsWhatIsNotTraced) {
  const auto f = [](const Powers& p) {
    Array out = ones_like(p.w);
    for (int k = 0; k < p.n; ++k) out = out * p.w;
    return sum(out);
  };
  const Powers at{x3, 2};
  close(vjp(f, at).pullback(array(1.0)).w, 2 * x3);
  close(jvp(f, at, Powers{x3, 0}).tangent, array(2 * squares));
  close(linearize(f, at).second(Powers{x3, 0}), array(2 * squares));
  close(vmap(f, {.in = {0, not_mapped}})(at), x3 * x3);
  // Beside what is differentiated, and in a solve, anything goes.
  close(grad([&](const Array& x, const Scaled& s) { return sum(x) * s.d; })(x3, Scaled{x3, 3.0}), 3 * ones({3}));
  const auto solved = fixed_point([](const Powers& p, const Array& z) { return z / p.n + p.w; }, zeros({3}), {}, at);
  close(solved.value, 2 * x3, 1e-9);
  // So does a function that asks for the numbers themselves: what it is not differentiated by.
  const auto along = [](const Array& x, const std::vector<int>& axes) { return sum(x * x, axes); };
  close(grad(along)(x3, std::vector<int>{0}), 2 * x3);
  throws<TraceError>([&] { jit(along)(x3, std::vector<int>{0}); }, {"C++ number"});
}

TEST(Trees, ResultsAreTrees) {
  const auto pushed = [](const Array& x) { return jvp(sin, x, x); };
  for (const Jvp<Array>& r : {jit(pushed)(x3), vmap(pushed)(x3), checkpoint(pushed)(x3), pushed(x3)}) {
    close(r.value, sin(x3));
    close(r.tangent, x3 * cos(x3));
  }
  const auto with_aux = [](const Array& x) {
    return jvp_has_aux([](const Array& a) { return std::pair(a * a, sum(a)); }, x, x);
  };
  same(flatten(jit(with_aux)(x3)), {x3 * x3, 2 * x3 * x3, array(total)});
  // Numbers that f returns are arrays, too.
  same(flatten(jit([](const Array& x) { return std::pair(2 * x, 5.0); })(x3)), {2 * x3, array(5.0)});
  same(flatten(vmap([](const Array& x) { return std::pair(2 * x, 5.0); })(x3)), {2 * x3, 5 * ones({3})});
}

}  // namespace
}  // namespace dini
