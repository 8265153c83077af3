// Every linear method of the library's table, on every kind of operator that it is for: its value and derivatives are those of
// A⁻¹b, eagerly, compiled and in lanes. What it is not for it refuses.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/implicit/same_solver.hpp"
#include "dini/linear/system.hpp"
#include "dini/ops/linalg_build.hpp"
#include "dini/trace/internal.hpp"
#include "tests/sample.hpp"
#include "tests/solvers/accurate.hpp"

namespace methods_table_test {

using namespace dini;
using detail::Leaves;
using detail::LinearFailure;
using detail::LinearMethodRef;
using detail::LinearSystem;
using detail::PlainMatrix;
using tests::largest;

// ---- Operators -----------------------------------------------------------------------------------------------------------

// S(t) = at + sin(t)·slope.
struct Operator {
  std::string name;
  Array at, slope;
  bool symmetric, definite, diagonal;
  // Beside methods that work on the matrix nobody undoes what is done to the rows.
  bool for_matrices = false;
  // I - S would round S away.
  bool far_from_one = false;
};

Array pattern(std::int64_t n, double seed) {
  const Array j = 1.0 * arange(n), i = expand_dims(j, 1);
  return sin(1.3 * i + 0.7 * j * j + i * j + seed) / std::sqrt(static_cast<double>(n));
}
Array symmetric_pattern(std::int64_t n, double seed) { return pattern(n, seed) + pattern(n, seed).T(); }
// Signs that alternate, on numbers from 1 to 2.
Array spread(std::int64_t n) { return where(arange(n) % 2 == 0, Array(1.0), Array(-1.0)) * (1 + 1.0 * arange(n) / n); }

std::vector<Operator> operators(std::int64_t n) {
  if (n == 1) return {{"one unknown", array({{2.5}}), array({{0.5}}), true, true, true}};
  const Array definite = 2 * eye(n) + 0.4 * symmetric_pattern(n, 0), change = 0.1 * symmetric_pattern(n, 2);
  const Array any = 2 * eye(n) + 0.8 * pattern(n, 0), any_change = 0.3 * pattern(n, 2);
  std::vector<Operator> out{
      {"nonsymmetric", any, any_change, false, false, false},
      {"definite", definite, change, true, true, false},
      {"indefinite", diag(spread(n)) + 0.15 * symmetric_pattern(n, 1), 0.5 * change, true, false, false},
      {"diagonal", diag(spread(n)), diag(0.1 + 0.2 * sin(1.0 * arange(n))), true, false, true},
      {"diagonal and definite", diag(abs(spread(n))), diag(0.1 + 0.2 * sin(1.0 * arange(n))), true, true, true}};
  if (n != 4) return out;
  for (const double by : {1e-9, 1e9}) {
    const std::string name = by < 1 ? ", tiny" : ", huge";
    out.push_back({"nonsymmetric" + name, by * any, by * any_change, false, false, false, false, true});
    out.push_back({"definite" + name, by * definite, by * change, true, true, false, false, true});
  }
  const Array rows = array({{1e-3}, {1.0}, {1e2}, {-10.0}});
  out.push_back({"rows scaled", rows * any, rows * any_change, false, false, false, true, true});
  return out;
}

// What a method wants of the operator; those that are not here take any.
struct Wanted {
  const char* method;
  bool Operator::*property;
};
constexpr Wanted wanted[] = {{"cholesky", &Operator::definite},
                             {"cg", &Operator::definite},
                             {"ldlt", &Operator::symmetric},
                             {"minres", &Operator::symmetric},
                             {"diagonal", &Operator::diagonal}};
bool takes(const std::string& method, const Operator& o) {
  for (const Wanted& w : wanted) {
    if (method == w.method) return o.*w.property;
  }
  return true;
}

// ---- Systems -------------------------------------------------------------------------------------------------------------

// How a system's A is known: as the matrix S, by products with S, or as that of a fixed point, A = M - I = -S, by products with
// M or as a matrix.
enum class Form { matrix, products, fixed_point, matrix_of_fixed_point };
const char* name(Form f) {
  constexpr const char* names[] = {"matrix", "products", "fixed point", "matrix of a fixed point"};
  return names[static_cast<int>(f)];
}
double sign_of(Form f) { return f == Form::matrix || f == Form::products ? 1 : -1; }

// Products keep T = S/c and c.
LinearSystem system_of(Form form, const Array& s, const Array& c, const MatrixStructure& structure) {
  if (form == Form::matrix) return LinearSystem::of_matrix(s, structure);
  if (form == Form::matrix_of_fixed_point) return LinearSystem::of_matrix(-s, structure);
  const Dtype d = s.dtype();
  const std::vector<Aval> types{{{s.shape().back()}, d, false}, {s.shape(), d, false}, {{}, d, false}};
  const bool is_map = form == Form::fixed_point;
  const auto product = detail::stage_closed(
      [is_map](const Leaves& in) {
        const Array sv = in[2] * dot(in[1], in[0]);
        return Leaves{is_map ? in[0] - sv : sv};
      },
      types, "test");
  return is_map ? LinearSystem::of_fixed_point(product, {s / c, c}, structure)
                : LinearSystem::of_products(product, {s / c, c}, structure);
}

struct Method {
  std::string name;
  LinearMethodRef method;
  std::vector<Form> forms;
};

// Those of the table, exact or not. The solver of the equation itself is Newton's here.
std::vector<Method> methods(bool exact) {
  std::vector<Method> out;
  for (const auto& info : library_adjoints()) {
    const Adjoint adjoint = info.make({});
    if (adjoint.exact() != exact) continue;
    Method m{info.name, adjoint.method(), {}};
    if (info.name == SameSolver::table().name) {
      detail::SolveSettings settings;
      settings.method = Newton{}.method();
      m.method = detail::implicit::same_solver_method({}, settings);
    }
    const bool dense = m.method->wants_matrix();
    if (info.kinds.has(Kind::root)) m.forms.push_back(Form::matrix);
    if (info.kinds.has(Kind::root) && !dense) m.forms.push_back(Form::products);
    if (info.kinds.has(Kind::fixed_point)) m.forms.push_back(dense ? Form::matrix_of_fixed_point : Form::fixed_point);
    out.push_back(m);
  }
  return out;
}

Array solved(const Method& m, const LinearSystem& system, const Array& b, LinearFailure failure) {
  Leaves still = system.kept();
  for (Array& a : still) a = stop_gradient(a);
  return m.method->solve(system, m.method->prepare(system.with(still)), b, failure);
}

// ---- Derivatives ---------------------------------------------------------------------------------------------------------

// θ = [t, b] -> x.
using Map = std::function<Array(const Array&)>;
Map solution(const Method& m, Form form, const Operator& o, const MatrixStructure& structure, Dtype d,
             LinearFailure failure = LinearFailure::raise) {
  return [=, at = astype(o.at, d), slope = astype(o.slope, d)](const Array& theta) {
    const Array t = theta(0);
    return solved(m, system_of(form, at + sin(t) * slope, 2 + square(t), structure), theta(slice(1, end)), failure);
  };
}

// [x, x', θ̄, x'', w·x'' three times]: value, tangent along v, pullback of w, and the second derivative along v by the four ways
// to combine modes.
Array everything(const Map& f, const Array& theta, const Array& v, const Array& w) {
  const auto moved = jvp(f, theta, v);
  const Map loss = [&](const Array& p) { return sum(w * f(p)); };
  const Map tangent = [&](const Array& p) { return jvp(f, p, v).tangent; };
  const Map slope = [&](const Array& p) { return sum(grad(loss)(p) * v); };
  const Map weighted = [&](const Array& p) { return sum(w * tangent(p)); };
  return concatenate(
      {moved.value, moved.tangent, grad(loss)(theta), jvp(tangent, theta, v).tangent,
       stack({jvp(slope, theta, v).tangent, sum(grad(weighted)(theta) * v), sum(grad(slope)(theta) * v)})});
}

// The same of ±S, in long double: Sx = b, Sx' = b' - S'x, Sx'' = -2S'x' - S''x, Sᵀu = w.
Array plain_everything(const Operator& o, double sign, const Array& theta, const Array& v, const Array& w) {
  const auto n = static_cast<std::size_t>(w.size());
  const auto p = detail::numbers(theta), d = detail::numbers(v);
  auto combined = [&](long double a, long double b) {
    PlainMatrix s(detail::numbers(astype(o.at, w.dtype())), 0, n, n);
    const auto slope = detail::numbers(astype(o.slope, w.dtype()));
    for (std::size_t k = 0; k < n * n; ++k) s.x[k] = sign * (a * s.x[k] + b * slope[k]);
    return s;
  };
  auto column = [&](const std::vector<long double>& x, std::size_t from) {
    PlainMatrix out(n, 1);
    for (std::size_t i = 0; i < n; ++i) out.x[i] = x[from + i];
    return out;
  };
  const PlainMatrix s = combined(1, std::sin(p[0])), first = combined(0, std::cos(p[0]) * d[0]),
                    second = combined(0, -std::sin(p[0]) * d[0] * d[0]);
  const PlainMatrix x = plain_solve(s, column(p, 1)), sx = plain_product(first, x), second_x = plain_product(second, x);
  PlainMatrix right = column(d, 1);
  for (std::size_t i = 0; i < n; ++i) right.x[i] -= sx.x[i];
  const PlainMatrix dx = plain_solve(s, right), first_dx = plain_product(first, dx);
  for (std::size_t i = 0; i < n; ++i) right.x[i] = -2 * first_dx.x[i] - second_x.x[i];
  const PlainMatrix ddx = plain_solve(s, right), u = plain_solve(plain_transpose(s), column(detail::numbers(w), 0));
  const PlainMatrix by_t = plain_product(combined(0, std::cos(p[0])), x);
  std::vector<double> out;
  long double along_t = 0, bent = 0;
  for (std::size_t i = 0; i < n; ++i) {
    along_t -= u.x[i] * by_t.x[i];
    bent += detail::numbers(w)[i] * ddx.x[i];
  }
  for (const auto* part : {&x, &dx}) out.insert(out.end(), part->x.begin(), part->x.end());
  out.push_back(static_cast<double>(along_t));
  for (const auto* part : {&u, &ddx}) out.insert(out.end(), part->x.begin(), part->x.end());
  out.insert(out.end(), 3, static_cast<double>(bent));
  return array(out);
}

double apart(const Array& got, const Array& expected) {
  return largest(astype(got, float64) - astype(expected, float64)) / largest(astype(expected, float64));
}

// What an error may be, for a condition number: factors are right to rounding, the rest to their tolerance of eps^(3/4).
double error_of(const Method& m, const Operator& o, Dtype d) {
  const double eps = epsilon(d), condition = linalg::cond(o.at).item();
  const bool direct = m.method->wants_matrix() || m.name == Diagonal::table().name;
  return 10 * condition * (direct ? 20 * eps : std::pow(eps, 0.75));
}

struct Point {
  Array theta, v, w;
};
Point point_of(std::int64_t n, Dtype d, int lane = 0) {
  const Array k = 1.0 * arange(n + 1);
  return {astype(where(k == 0, Array(0.4 + 0.1 * lane), cos(k * k + lane)), d), astype(sin(1 + 2 * k + lane), d),
          astype(cos(1 + 3 * k(slice(1, end))), d)};
}

// ---- What a method is for ------------------------------------------------------------------------------------------------

// Under sanitizers, which every combination's code is the same for, some.
template <class F> void each_case(const F& check) {
  std::size_t number = 0;
  for (const std::int64_t n : {1, 4, 30}) {
    for (const Operator& o : operators(n)) {
      const MatrixStructure known{o.symmetric, o.definite, o.diagonal};
      for (const Method& m : methods(true)) {
        if (o.for_matrices && !m.method->wants_matrix()) continue;
        for (const Form form : m.forms) {
          if (o.far_from_one && form == Form::fixed_point) continue;
          for (const bool told : {false, true}) {
            if (told && !o.symmetric) continue;
            for (const Dtype d : {float64, float32}) {
              if (told && (n == 30 || d == float32)) continue;
              if (!tests::sampled(++number, 11)) continue;
              SCOPED_TRACE(o.name + ", " + std::to_string(n) + " unknowns, by " + m.name + ", " + name(form) +
                           (told ? ", structure told, " : ", ") + dini::name(d));
              check(m, form, o, told ? known : MatrixStructure{}, d, n);
            }
          }
        }
      }
    }
  }
}

TEST(LinearMethods, ValuesAndDerivativesOfAllThatTheyAreFor) {
  each_case([](const Method& m, Form form, const Operator& o, const MatrixStructure& known, Dtype d, std::int64_t n) {
    if (!takes(m.name, o)) return;
    const Map f = solution(m, form, o, known, d);
    const Point p = point_of(n, d);
    const Array got = everything(f, p.theta, p.v, p.w);
    EXPECT_EQ(got.dtype(), d);
    EXPECT_LE(apart(got, plain_everything(o, sign_of(form), p.theta, p.v, p.w)), error_of(m, o, d));
  });
}

TEST(LinearMethods, CompiledAndInLanesTheSame) {
  each_case([](const Method& m, Form form, const Operator& o, const MatrixStructure& known, Dtype d, std::int64_t n) {
    // The first in the list that a method takes has the least structure.
    if (n != 4 || known.symmetric || o.far_from_one) return;
    for (const Operator& first : operators(n)) {
      if (!takes(m.name, first)) continue;
      if (first.name != o.name) return;
      break;
    }
    const Map f = solution(m, form, o, known, d);
    const Point p = point_of(n, d), q = point_of(n, d, 1);
    const double same = d == float64 ? 1e-12 : 1e-4;
    const auto all = [&](const Array& theta, const Array& v) { return everything(f, theta, v, p.w); };
    const Array first = all(p.theta, p.v), second = all(q.theta, q.v);
    const Array thetas = stack({p.theta, q.theta}), vs = stack({p.v, q.v});
    EXPECT_LE(apart(jit(all)(p.theta, p.v), first), same);
    EXPECT_LE(apart(vmap(all)(thetas, vs), stack({first, second})), same);
    if (d == float64) { EXPECT_LE(apart(jit(vmap(all))(thetas, vs), stack({first, second})), same); }
  });
}

// The error of an action that has to fail as a method fails.
template <class F> void expect_refused(const std::string& method, const F& action) {
  try {
    action();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const SolveError& e) {
    EXPECT_TRUE(e.code == StatusCode::breakdown || e.code == StatusCode::singular) << e.what();
    EXPECT_NE(std::string(e.what()).find("adjoint: " + method), std::string::npos) << e.what();
    EXPECT_EQ(e.solver, "adjoint: " + method);
  }
}

TEST(LinearMethods, RefuseWhatTheyAreNotFor) {
  int refused = 0;
  each_case([&](const Method& m, Form form, const Operator& o, const MatrixStructure& known, Dtype d, std::int64_t n) {
    if (takes(m.name, o)) return;
    ++refused;
    const Map f = solution(m, form, o, known, d);
    const Point p = point_of(n, d);
    expect_refused(m.name, [&] { f(p.theta); });
    expect_refused(m.name, [&] { vmap(f)(stack({p.theta, p.theta})); });
    if (n == 4 && d == float64) expect_refused(m.name, [&] { jit(f)(p.theta); });
    const Map nan = solution(m, form, o, known, d, LinearFailure::nan);
    EXPECT_TRUE(all(isnan(nan(p.theta))).item<bool>());
    EXPECT_TRUE(all(isnan(grad([&](const Array& t) { return sum(nan(t)); })(p.theta))).item<bool>());
  });
  EXPECT_GT(refused, tests::sanitized ? 5 : 100);
}

// ---- Failures ------------------------------------------------------------------------------------------------------------

TEST(LinearMethods, ASingularLaneLeavesTheOthersRight) {
  const Array diagonals = array({{2.0, 3.0, 1.5}, {2.0, 0.0, 1.5}, {1.0, 5.0, 2.0}}), b = array({1.0, 2.0, 3.0});
  const Array lanes = vmap([](const Array& v) { return diag(v); })(diagonals);
  for (const Method& m : methods(true)) {
    for (const Form form : m.forms) {
      SCOPED_TRACE(m.name + ", " + name(form));
      const auto by = [&](LinearFailure failure) {
        return [&m, form, failure](const Array& s, const Array& right) {
          return solved(m, system_of(form, s, array(2.0), {}), right, failure);
        };
      };
      const auto x = [&](const Array& s) { return by(LinearFailure::nan)(s, b); };
      const auto slope = [&](const Array& s) {
        return grad([&](const Array& right) { return sum(square(by(LinearFailure::nan)(s, right))); })(b);
      };
      const bool direct = m.name == Direct::table().name;
      for (const Array& got : {vmap(x)(lanes), jit(vmap(x))(lanes)}) {
        for (const int k : {0, 2}) EXPECT_LE(apart(got(k), sign_of(form) * b / diagonals(k)), 1e-11);
        EXPECT_EQ(all(isnan(got(1))).item<bool>(), !direct);
        EXPECT_FALSE(all(isfinite(got(1))).item<bool>());
      }
      for (const Array& got : {vmap(slope)(lanes), jit(vmap(slope))(lanes)}) {
        for (const int k : {0, 2}) EXPECT_LE(apart(got(k), 2 * b / square(diagonals(k))), 1e-11);
        EXPECT_FALSE(all(isfinite(got(1))).item<bool>());
      }
      if (direct) continue;
      try {
        vmap([&](const Array& s) { return by(LinearFailure::raise)(s, b); })(lanes);
        ADD_FAILURE() << "nothing was thrown";
      } catch (const SolveError& e) {
        EXPECT_NE(std::string(e.what()).find("adjoint: " + m.name), std::string::npos) << e.what();
        EXPECT_NE(std::string(e.what()).find("in lane 1 (1 of 3 lanes failed)"), std::string::npos) << e.what();
        EXPECT_EQ(e.status(0).item<int>(), 0);
        EXPECT_EQ(e.status(2).item<int>(), 0);
        EXPECT_LE(apart(e.value(2), sign_of(form) * b / diagonals(2)), 1e-11);
      }
    }
  }
}

// ---- Sums of powers ------------------------------------------------------------------------------------------------------

TEST(LinearMethods, ThoseThatAreNotExactAreTheSumsThatTheySay) {
  // -(I + M + ... + M^(terms-1)) b, M = I - S.
  const Operator o = {"contraction", eye(4) + 0.5 * pattern(4, 0), 0.3 * pattern(4, 2), false, false, false};
  int seen = 0;
  for (const auto& info : library_adjoints()) {
    if (info.make({}).exact()) continue;
    for (const int terms : {1, 2, 5, 12}) {
      if (info.options.empty() && terms != 1) continue;
      ++seen;
      const Adjoint adjoint = info.make(info.options.empty() ? OptionValues{} : OptionValues{{"terms", 1.0 * terms}});
      for (const Dtype d : {float64, float32}) {
        SCOPED_TRACE(adjoint.key() + ", " + name(d));
        const Map f = solution({info.name, adjoint.method(), {}}, Form::fixed_point, o, {}, d);
        const Map plain = [&](const Array& theta) {
          const Array s = astype(o.at, d) + sin(theta(0)) * astype(o.slope, d), b = theta(slice(1, end));
          Array power = b, total = b;
          for (int k = 1; k < terms; ++k) power = power - dot(s, power), total = total + power;
          return -total;
        };
        const Point p = point_of(4, d), q = point_of(4, d, 1);
        const auto all = [&](const Array& theta, const Array& v) { return everything(f, theta, v, p.w); };
        const Array first = everything(plain, p.theta, p.v, p.w), second = everything(plain, q.theta, q.v, p.w);
        const double same = d == float64 ? 1e-13 : 1e-5;
        EXPECT_LE(apart(all(p.theta, p.v), first), same);
        EXPECT_LE(apart(jit(all)(p.theta, p.v), first), same);
        const Array thetas = stack({p.theta, q.theta}), vs = stack({p.v, q.v});
        EXPECT_LE(apart(vmap(all)(thetas, vs), stack({first, second})), same);
      }
    }
  }
  EXPECT_EQ(seen, 5);
}

// ---- Preconditioners -----------------------------------------------------------------------------------------------------

TEST(LinearMethods, APreconditionerIsTransposedForReverseMode) {
  const std::int64_t n = 10;
  const Array i = 1.0 * arange(n), a = random::uniform(random::key(0), {n, n}) + diag(power(i, 6)),
              inverse = linalg::inv(a);
  // In a preconditioner's place its transpose, which is not near Aᵀ⁻¹ here, would want about n products.
  const Preconditioner m = [inverse](const Array& v) { return dot(inverse, v); };
  const Adjoint adjoints[] = {GMRES{.max_steps = 4, .preconditioner = m},
                              BiCGStab{.max_steps = 8, .preconditioner = m}};
  for (const Adjoint& adjoint : adjoints) {
    const Method method{adjoint.name(), adjoint.method(), {}};
    for (const Form form : {Form::matrix, Form::products}) {
      SCOPED_TRACE(adjoint.name() + ", " + name(form));
      const auto x = [&](const Array& b) {
        return solved(method, system_of(form, a, array(2.0), {}), b, LinearFailure::raise);
      };
      const Array b = cos(i), forward = jacfwd(x)(b), reverse = jacrev(x)(b);
      EXPECT_LE(apart(forward, inverse), 1e-10);
      EXPECT_LE(apart(reverse, inverse), 1e-10);
      EXPECT_LE(apart(jit(jacfwd(x))(b), inverse), 1e-10);
      EXPECT_LE(apart(jit(jacrev(x))(b), inverse), 1e-10);
    }
  }
}

}  // namespace methods_table_test
