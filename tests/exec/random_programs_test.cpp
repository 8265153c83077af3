// Random Programs: whatever the passes and the plan do, the bits stay those of the plain interpreter.
#include "dini/dini.hpp"
#include "programs.hpp"

namespace dini::exec_tests {
namespace {

// Arrays to choose operands from; new results join them.
class Generator {
 public:
  Generator(unsigned seed, std::int64_t n) : random_(seed), n_(n) {}

  Leaves grow(Leaves pool, int steps, int depth) {
    for (int k = 0; k < steps; ++k) pool.push_back(next(pool, depth));
    return pool;
  }
  std::size_t pick(std::size_t count) { return random_() % count; }
  // One of the pool that satisfies a condition; undefined where none does.
  template <class F> Array find(const Leaves& pool, const F& fits) {
    const std::size_t start = pick(pool.size());
    for (std::size_t k = 0; k < pool.size(); ++k) {
      const Array& a = pool[(start + k) % pool.size()];
      if (fits(a)) return a;
    }
    return {};
  }

 private:
  static bool is_float(const Array& a) { return is_floating(a.dtype()); }

  Array vector(const Leaves& pool) {
    return find(pool, [&](const Array& a) { return is_float(a) && a.shape() == Shape{n_}; });
  }
  Array scalar(const Leaves& pool) {
    return find(pool, [&](const Array& a) { return is_float(a) && a.ndim() == 0; });
  }
  Array matrix(const Leaves& pool) {
    return find(pool, [&](const Array& a) { return is_float(a) && a.ndim() == 2; });
  }
  Array any(const Leaves& pool) {
    return find(pool, [&](const Array& a) { return is_float(a); });
  }

  Array unary(const Array& a) {
    switch (pick(9)) {
      case 0: return tanh(a);
      case 1: return square(a);
      case 2: return -a;
      case 3: return sin(a);
      case 4: return abs(a);
      case 5: return stop_gradient(a);
      case 6: return exp(-square(a));
      case 7: return sqrt(abs(a));
      default: return astype(astype(a, float32), a.dtype());
    }
  }
  Array binary(const Array& a, const Array& b) {
    switch (pick(8)) {
      case 0: return a + b;
      case 1: return a - b;
      case 2: return a * b;
      case 3: return a / (2 + square(b));
      case 4: return maximum(a, b);
      case 5: return where(a < b, a, 0.5 * b);
      case 6: return a * 1.0 + (b - 0.0);
      default: return minimum(a, b) * b;
    }
  }

  Array next(const Leaves& pool, int depth) {
    switch (pick(depth > 0 ? 16 : 10)) {
      case 0:
      case 1: return unary(any(pool));
      case 2:
      case 3: return binary(vector(pool), vector(pool));
      case 4: return binary(vector(pool), scalar(pool));
      case 5: return pick(2) ? sum(vector(pool)) : norm(vector(pool));
      case 6: return moved(any(pool));
      case 7: return product(pool);
      case 8: return binary(scalar(pool), scalar(pool));
      case 9: return where(scalar(pool) < scalar(pool), vector(pool), vector(pool));
      case 10:
      case 11: return branch(pool, depth);
      case 12:
      case 13: return repeat(pool, depth);
      default: return over(pool, depth);
    }
  }

  Array moved(const Array& a) {
    if (a.ndim() == 2) return pick(2) ? transpose(a) : transpose(transpose(a) + 1.0);
    if (a.ndim() == 1) return reshape(reshape(a, {1, a.size()}), {a.size()});
    return reshape(broadcast_to(reshape(a, {1}), {n_}), {n_});
  }
  Array product(const Leaves& pool) {
    const Array m = matrix(pool), v = vector(pool);
    if (n_ > 100 || !m.defined()) return sum(v * v);
    switch (pick(6)) {
      case 0: return tanh(dot(m, v));
      case 1: return tanh(dot(v, m));
      case 2: return tanh(dot(transpose(m), v));
      case 3: return outer(tanh(v), v);
      case 4: return tanh(dot(m + 0.0, eye(n_, m.dtype())));  // no -0, whose sign a product with 1 keeps here
      default: return tanh(dot(eye(n_, m.dtype()) * tanh(v), m));
    }
  }
  Array branch(const Leaves& pool, int depth) {
    auto one = [&](const Array& v, const Array& s) {
      Leaves inner = grow({v, s, pool[0]}, static_cast<int>(pick(4)), depth - 1);
      return std::tuple<Array, Array>(vector(inner), scalar(inner));
    };
    auto [v, s] = cond(scalar(pool) < 0.1, one, one, vector(pool), scalar(pool));
    return pick(2) ? v : s;
  }
  Array repeat(const Leaves& pool, int depth) {
    using State = std::tuple<Array, Array, Array, Array, Array>;
    const State end = while_loop(
        [&](const State& s) { return (std::get<0>(s) < 4) & (norm(std::get<1>(s)) > 1e-3); },
        [&](const State& s) {
          Leaves inner = grow({std::get<1>(s), std::get<2>(s), std::get<3>(s), std::get<4>(s), pool[0], pool[1]},
                              static_cast<int>(1 + pick(4)), depth - 1);
          // Carries that take another's value, that stay, that are made anew.
          const Array a = pick(3) ? tanh(vector(inner)) : std::get<2>(s), b = pick(2) ? std::get<1>(s) : vector(inner);
          return State{std::get<0>(s) + 1, a, b, pick(3) ? std::get<3>(s) : vector(inner), scalar(inner)};
        },
        State{array(std::int64_t{0}), vector(pool), vector(pool), vector(pool), scalar(pool)});
    switch (pick(3)) {
      case 0: return std::get<1>(end);
      case 1: return std::get<2>(end) + std::get<3>(end);
      default: return std::get<4>(end);
    }
  }
  Array over(const Leaves& pool, int depth) {
    const Array xs = stack({vector(pool), vector(pool), vector(pool)});
    auto [carry, ys] = scan(
        [&](const Array& c, const Array& x) {
          Leaves inner = grow({c, x, pool[0], sum(c)}, static_cast<int>(pick(4)), depth - 1);
          const Array y = vector(inner);
          return std::pair<Array, Array>(pick(3) ? tanh(vector(inner)) : y, y);
        },
        vector(pool), xs, {}, pick(2) == 0);
    return pick(2) ? carry : sum(ys, 0);
  }

  std::mt19937 random_;
  std::int64_t n_;
};

TEST(RandomPrograms, ArePlannedToTheBit) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    for (std::int64_t n : {1, 5, 2050}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", n " + std::to_string(n));
      const Dtype dtype = seed % 2 ? float32 : float64;
      Leaves inputs = {numbers({n}, dtype, seed), numbers({}, dtype, seed + 1), numbers({n}, dtype, seed + 2)};
      if (n <= 100) inputs.push_back(numbers({n, n}, dtype, seed + 3));
      Generator generator(seed, n);
      const Case c = make_case(
          [&](const Leaves& in) {
            Leaves pool = generator.grow(in, 4 + static_cast<int>(seed % 8), static_cast<int>(seed % 3));
            Leaves out;
            for (int k = 0; k < 3; ++k) out.push_back(pool[generator.pick(pool.size())]);
            out.push_back(pool.back());
            return out;
          },
          inputs);
      ASSERT_TRUE(agrees(c));
    }
  }
}

}  // namespace
}  // namespace dini::exec_tests
