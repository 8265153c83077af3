// The rows that hold further expressions: bindings, control flow and transformations within Programs.
#include "dini/dini.hpp"
#include "random_program_rows.hpp"

namespace dini::random_programs {

const std::vector<Family>& families() {
  static const std::vector<Family> all = {elementwise_family(), op_family(), transform_family()};
  return all;
}

namespace {

constexpr double limit = Build::body_bound;

// The operand, strong, as a body gives it back.
Array start(const Build& b, std::size_t k) {
  const Array a = b.arg(k, limit);
  return astype(a, a.dtype());
}

// A body of one variable, as a function of one array.
auto of_one(Body body) {
  return [f = std::move(body)](const Array& x) { return f({x}); };
}
auto one_variable(const Build& b, std::size_t k, Dtype dtype) { return of_one(b.body(k, dtype)); }

Value bounded(const Array& a, double bound = limit) { return {{}, a, bound}; }

// A transformation of the body, applied to the operand.
template <class F> auto applied(const F& transform) {
  return [=](const Build& b) {
    const Array a = start(b, 0);
    return bounded(transform(one_variable(b, 1, a.dtype()))(a));
  };
}

// Carries that take another's value, that stay, that are made anew.
Value build_while(const Build& b) {
  const Array x0 = start(b, 0), y0 = astype(b.arg(1, limit), x0.dtype());
  const Body first = b.body(2, x0.dtype()), second = b.body(3, x0.dtype());
  const unsigned draw = b.draw();
  const bool looks = b.row().traits & kinked;
  using State = std::tuple<Array, Array, Array, Array>;
  const auto [k, x, y, z] = while_loop(
      [=](const State& s) {
        const Array more = std::get<0>(s) < static_cast<int>(draw % 4);
        return looks ? more & (mean(abs(std::get<1>(s))) > 0.2) : more;
      },
      [=](const State& s) {
        const auto& [k, x, y, z] = s;
        const Array to_x = draw & 4 ? y : first({x, y});
        const Array to_y = draw & 8 ? x : second({x, y});
        return State{k + 1, to_x, to_y, draw & 16 ? z : x};
      },
      State{array(std::int64_t{0}), x0, y0, y0});
  return bounded(draw & 32 ? 0.5 * (x + z) : y);
}

Value build_scan(const Build& b) {
  const Array init = start(b, 0), xs = start(b, 1);
  const Body next = b.body(2, init.dtype()), seen = b.body(3, xs.dtype());
  const auto [carry, ys] = scan(
      [&](const Array& c, const Array& x) {
        return std::pair<Array, Array>(next({c, x}), seen({c, x}));
      },
      init, xs, {}, b.draw() % 2 == 0);
  if (b.draw() % 3 == 0) return bounded(carry);
  return bounded(0.5 * (carry + (b.draw() % 3 == 1 ? mean(ys) : ys(0, -1))));
}

template <class F> Row row(const char* name, Type t, std::vector<Argument> args, unsigned traits, const F& build) {
  return {name, t, std::move(args), traits, build};
}

}  // namespace

Family transform_family() {
  Family out{"transforms", 25, {}};
  const auto add = [&](auto... row_arguments) { out.rows.push_back(row(row_arguments...)); };
  using Args = std::vector<Argument>;
  for (Type t : float_types) {
    const Args unary = {{t}, {t, {t}}};  // an operand and a body of it
    for (Type u : {Type::scalar, Type::vector, Type::matrix}) {
      add("let", t, Args{{u}, {t, {u}}}, 0u, [](const Build& b) {
        const Array a = start(b, 0);
        return bounded(b.body(1, a.dtype())({a}));
      });
    }
    add("jit", t, unary, 0u, applied([](const auto& f) { return jit(f); }));
    add("checkpoint", t, unary, 0u, applied([](const auto& f) { return checkpoint(f); }));
    add("cond", t, Args{{Type::scalar}, {t}, {t, {t}}, {t, {t}}}, unsigned{kinked}, [](const Build& b) {
      const Array a = start(b, 1);
      return bounded(cond(b.arg(0, 99) < 0.1, one_variable(b, 2, a.dtype()), one_variable(b, 3, a.dtype()), a));
    });
    add("switch_case", t, Args{{Type::index}, {t}, {t, {t}}, {t, {t}}}, 0u, [](const Build& b) {
      const Array a = start(b, 1);
      const auto same = [](const Array& x) { return x; };
      const std::function<Array(const Array&)> f = one_variable(b, 2, a.dtype()), g = one_variable(b, 3, a.dtype());
      return bounded(switch_case(b.value(0).array, std::tuple(f, g, std::function<Array(const Array&)>(same)), a));
    });
    add("scan", t, Args{{t}, {Type::square}, {t, {t, Type::row}}, {Type::row, {t, Type::row}}}, unsigned{repeats},
        build_scan);
    add("fori_loop", t, Args{{t}, {t, {Type::index, t}}}, unsigned{repeats}, [](const Build& b) {
      const Array a = start(b, 0);
      const Body f = b.body(1, a.dtype());
      return bounded(fori_loop(
          0, b.draw() % 4,
          [&](const Array& k, const Array& x) {
            return f({k, x});
          },
          a));
    });
    const Args loop = {{t}, {t}, {t, {t, t}}, {t, {t, t}}};
    add("while_loop", t, loop, unsigned{repeats | no_reverse}, build_while);
    add("while_loop_that_looks", t, loop, unsigned{repeats | no_reverse | kinked}, build_while);
    add("custom_jvp", t, unary, unsigned{nested}, [](const Build& b) {
      const Array a = start(b, 0);
      const auto f = of_one(b.closed_body(1, a.dtype()));
      return bounded(custom_jvp(f, [f](const Array& x, const Array& dx) {
        const auto both = jvp(f, x, dx);
        return std::pair(both.value, both.tangent);
      })(a));
    });
    add("custom_vjp", t, unary, unsigned{nested | no_forward}, [](const Build& b) {
      const Array a = start(b, 0);
      const auto f = of_one(b.closed_body(1, a.dtype()));
      return bounded(custom_vjp(
          f, [f](const Array& x) { return std::pair(f(x), x); },
          [f](const Array& x, const Array& cotangent) { return vjp(f, x).pullback(cotangent); })(a));
    });
    add("grad", t, unary, unsigned{nested}, [](const Build& b) {
      const Array a = start(b, 0);
      const auto f = one_variable(b, 1, a.dtype());
      return bounded(grad([f](const Array& x) { return mean(square(f(x)) + f(x)); })(a), 99);
    });
    add("jvp", t, Args{{t}, {t}, {t, {t}}}, unsigned{nested}, [](const Build& b) {
      const Array a = start(b, 0);
      return bounded(jvp(one_variable(b, 2, a.dtype()), a, astype(b.arg(1, limit), a.dtype())).tangent, 99);
    });
  }
  // Over rows of a matrix, and over its columns.
  const auto over = [](int axis) { return applied([=](const auto& f) { return vmap(f, {{axis}, {axis}}); }); };
  add("vmap", Type::matrix, Args{{Type::matrix}, {Type::row, {Type::row}}}, 0u, over(0));
  add("vmap", Type::vector, Args{{Type::matrix}, {Type::scalar, {Type::row}}}, 0u, over(0));
  add("vmap_columns", Type::matrix, Args{{Type::matrix}, {Type::vector, {Type::vector}}}, 0u, over(1));
  add("vmap", Type::box, Args{{Type::box}, {Type::matrix, {Type::matrix}}}, 0u, over(0));
  return out;
}

}  // namespace dini::random_programs
