#include "dini/implicit/regularity.hpp"

#include <algorithm>
#include <cmath>

#include "dini/core/index.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/linalg_build.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/registry.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/trace/emit.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/grad.hpp"

namespace dini {

namespace detail {

namespace {

// The reference: with rows and columns scaled in turn until their sums of magnitudes are 1, 1/(‖A‖₁ ‖A⁻¹‖₁).
std::vector<std::vector<long double>> plain_rcond(const Sample& s) {
  if (s.in[0].size() == 0) return {std::vector<long double>(1, 1)};
  return {plain_each(s.in[0], [](PlainMatrix a, std::size_t) {
    auto norm_1 = [](const PlainMatrix& m) {
      long double largest = 0;
      for (std::size_t j = 0; j < m.n; ++j) {
        long double size = 0;
        for (std::size_t i = 0; i < m.m; ++i) size += std::fabs(m(i, j));
        largest = std::max(largest, size);
      }
      return largest;
    };
    PlainMatrix unit(a.n, a.n);
    for (std::size_t i = 0; i < a.n; ++i) unit(i, i) = 1;
    for (int pass = 0; pass < 100; ++pass) {
      for (std::size_t i = 0; i < a.n; ++i) {
        long double size = 0;
        for (std::size_t j = 0; j < a.n; ++j) size += std::fabs(a(i, j));
        for (std::size_t j = 0; j < a.n; ++j) a(i, j) /= size;
      }
      a = plain_transpose(a);
    }
    return std::vector<long double>{1 / (norm_1(a) * norm_1(plain_solve(a, unit)))};
  })};
}

const Op& rcond_op() {
  static const Op op = [] {
    Op o;
    o.name = "rcond";
    o.rounding = Rounding::exact;
    o.differentiable = false;
    o.infer = [](std::span<const Aval> in, const Params&) {
      return std::vector<Aval>{{in[0].shape.sub(0, in[0].shape.ndim() - 2), in[0].dtype, false}};
    };
    o.kernel = [](const KernelCall& call) {
      const Shape& s = call.in_avals[0].shape;
      const auto n = static_cast<std::size_t>(s.back());
      const auto lanes = static_cast<std::size_t>(call.out_avals[0].shape.size());
      auto run = [&]<class T>(const T* a, T* out) {
        for (std::size_t k = 0; k < lanes; ++k) {
          double c = 0;
          if (call.in.size() == 3) {
            c = kernels::condition_from_factors(n, a + k * n * n, static_cast<const T*>(call.in[1]) + k * n * n,
                                                static_cast<const std::int32_t*>(call.in[2]) + k * n);
          }
          // Equilibration makes a condition number worse by no more than a small power of n (van der Sluis, Numer. Math. 14, 1969).
          const double size = static_cast<double>(n);
          if (!(c > 1e3 * size * size * epsilon(call.in_avals[0].dtype)))
            c = kernels::condition_equilibrated(n, a + k * n * n);
          out[k] = static_cast<T>(c);
        }
      };
      if (call.in_avals[0].dtype == Dtype::float32)
        run(static_cast<const float*>(call.in[0]), static_cast<float*>(call.out[0]));
      else
        run(static_cast<const double*>(call.in[0]), static_cast<double*>(call.out[0]));
    };
    o.batch = [](const BatchCall& call) { return batch_stack(rcond_op(), call); };
    // Equal sums of magnitudes in rows and columns, each then scaled by powers of two, which the op takes out exactly.
    o.samples = [](Dtype d) {
      const Array even = astype(array({{4.0, 1.0, -0.5}, {-0.5, 4.0, 1.0}, {1.0, -0.5, 4.0}}), d);
      const Array rows = astype(array({{1024.0}, {0.125}, {2.0}}), d),
                  singular = astype(array({{1.0, 2.0}, {2.0, 4.0}}), d);
      const Leaves lu = emit(lu_factor_op(), {even});
      return std::vector<Sample>{
          {{even}, {}},     {{even, lu[0], lu[1]}, {}}, {{stack({even * rows, even * reshape(rows, {3})})}, {}},
          {{singular}, {}}, {{sample({1, 1}, d)}, {}},  {{zeros({0, 0}, d)}, {}}};
    };
    o.plain = plain_rcond;
    return o;
  }();
  return op;
}

// One correction changes A by so little that factors of A before it serve after it, and by so much that A is suspicious.
constexpr double near_enough = 1e-5, suspicious = 0.1;

Array because(Cause c) { return array(static_cast<std::int64_t>(c)); }

// The Newton correction at z, and the largest, in the unknowns' units, that rounding may hide.
struct Corrections {
  Array newton, felt;
};
Corrections corrections_at(const SolverProblem& problem, const Array& z, const Array& a, const Inverse& inverse) {
  const Array residual = stop_gradient(problem.residual(z)), noise = stop_gradient(noise_at(problem, z, a));
  const Array all = inverse(concatenate({reshape(residual, {z.size(), 1}), noise_patterns(noise)}, 1));
  const Array newton = -all(slice(), 0);
  return {newton, felt_correction(newton, all(slice(), slice(1, 5)), a)};
}

// The value that a user's solver returned, where its correction is too large.
Verdict with_value_checked(Verdict v, const PointOfSolve& point, const Array& size) {
  const Array s = maximum(length(point.z), length(stop_gradient(point.z0)));
  const Array far = (size > point.accept * s) & (v.status == 0);
  v.status = where(far, code(StatusCode::not_a_solution), v.status);
  v.cause = where(far, because(Cause::far_from_solution), v.cause);
  v.measure = where(far, size / where(s > 0, s, scalar_like(1, s)), v.measure);
  return v;
}

}  // namespace

Array reciprocal_condition(const Array& a, const Leaves& lu) {
  Leaves in{a};
  in.insert(in.end(), lu.begin(), lu.end());
  return emit_one(rcond_op(), in);
}

Factored factor_at(const SolverProblem& problem, const PointOfSolve& point) {
  const Array z = stop_gradient(point.z), a = stop_gradient(point.matrix), zero = array(std::int64_t{0});
  if (z.size() == 0) return {factorize(a, problem.structure), {zero, zero, scalar_like(1, z)}};
  const MatrixStructure& known = problem.structure;
  const auto jacobian_at = [&](const Array& v) { return stop_gradient(jacobian(problem.residual)(v)); };
  const auto inverse = [&](const Leaves& factors, const Array& matrix) -> Inverse {
    return [=](const Array& b) { return solve_factored(factors, matrix, b, known); };
  };
  // Half of the way on, too: about a triple root A is even, and the whole way may end where it is the same.
  const auto changes = [&](const Array& matrix, const Inverse& by, const Array& from, const Array& delta) {
    return maximum(relative_change(matrix, by, jacobian_at(from + delta) - matrix, from),
                   relative_change(matrix, by, jacobian_at(from + 0.5 * delta) - matrix, from));
  };
  const double n = static_cast<double>(z.size()), least = n * epsilon(z.dtype()) / 2;
  const bool by_lu = !known.symmetric && !known.positive_definite && !known.diagonal;

  struct Look {
    Leaves factors;
    Verdict verdict;
    Array again;
    auto tree() { return std::tie(factors, verdict, again); }
  };
  // What factors of A at z say.
  const auto look = [&](const Array& a) {
    Look out;
    out.factors = factorize(a, known);
    const Inverse by_a = inverse(out.factors, a);
    const Array rcond = reciprocal_condition(a, by_lu ? out.factors : Leaves{});
    const Corrections at_z = corrections_at(problem, z, a, by_a);
    const Array next = z + at_z.felt;
    const Array omega = changes(a, by_a, z, at_z.felt);
    struct Further {
      Array omega, z, turns;
      auto tree() { return std::tie(omega, z, turns); }
    };
    const Further settled = loop([](const Further& f) { return ~(f.omega < suspicious) & (f.turns < 1); },
                                 [&](const Further& f) {
                                   Array here = f.z, omega = f.omega;
                                   for (int k = 0; k < 2; ++k) {
                                     const Array b = jacobian_at(here);
                                     const Inverse by_b = inverse(factorize(b, known), b);
                                     const Array felt = corrections_at(problem, here, b, by_b).felt;
                                     if (k == 1) omega = changes(b, by_b, here, felt);
                                     here = here + felt;
                                   }
                                   return Further{omega, here, f.turns + 1};
                                 },
                                 Further{omega, next, zero}, 1);
    const Array ill = ~(rcond > least), multiple = ~(omega < suspicious) & ~(settled.omega < suspicious);
    out.verdict.status = where(ill | multiple, code(StatusCode::singular), zero);
    out.verdict.status = where(all(isfinite(a)), out.verdict.status, code(StatusCode::nonfinite));
    out.verdict.cause = where(~ill & multiple, because(Cause::multiple_root), because(Cause::condition));
    out.verdict.measure = where(~ill & multiple, settled.omega, rcond);
    if (point.check_value) out.verdict = with_value_checked(out.verdict, point, length(at_z.newton));
    out.again = array(false);
    return out;
  };
  Look found;
  if (point.factors.empty()) {
    found = look(a);
  } else {
    // The solve's own factors, of a point near by.
    const Array& before = point.factors.front();
    found.factors = Leaves(point.factors.begin() + 1, point.factors.end() - 1);
    const Inverse by_before = inverse(found.factors, before);
    const Corrections at_z = corrections_at(problem, z, before, by_before);
    const Array change = relative_change(before, by_before, jacobian_at(z + at_z.felt) - before, z);
    const Array rcond = reciprocal_condition(before, by_lu ? found.factors : Leaves{});
    found.verdict = {zero, zero, rcond};
    found.again = ~(point.factors.back() & (change < near_enough) & (rcond > least));
    if (point.check_value) found.verdict = with_value_checked(found.verdict, point, length(at_z.newton));
    // A is made to depend on the loop's state: what does not is computed before the loop, whether or not it runs.
    found = loop([](const Look& l) { return l.again; },
                 [&](const Look& l) { return look(where(l.again, a, eye(z.size(), z.dtype()))); }, found, 1);
  }
  return {found.factors, found.verdict};
}

Verdict judge_by_products(const SolverProblem& problem, const Products& a, const PointOfSolve& point) {
  struct Point {
    Array next, newton, size, change, known;
    auto tree() { return std::tie(next, newton, size, change, known); }
  };
  // ‖A⁻¹(A(z + δ) - A(z))δ‖, which is half of ‖δ‖ or more at a multiple root, now and two corrections on.
  const auto look = [&](const Array& at) {
    const Leaves here = a.linearized(at), kept(here.begin() + 1, here.end());
    const Array noise = stop_gradient(noise_at(problem, at, Array())), residual = stop_gradient(here[0]);
    const Array felt = residual + where(residual < 0, -noise, noise);
    // What all of felt moves z by, and what it does with every other sign changed, where the first may cancel.
    const LinearOutcome to = a.solved(-felt, kept), other = a.solved(noise_patterns(felt)(slice(), 1), kept);
    const Array larger = (other.status == 0) & (length(other.x) > 2 * length(to.x));
    const Array delta = where(larger, other.x, to.x);
    const Leaves moved = a.linearized(at + delta);
    const LinearOutcome back =
        a.solved(a.product(delta, Leaves(moved.begin() + 1, moved.end())) - a.product(delta, kept), kept);
    return Point{at + delta, length(to.x), length(delta), length(back.x), (to.status == 0) & (back.status == 0)};
  };
  const auto sound = [](const Point& p) { return ~p.known | (p.change < suspicious * p.size) | (p.size == 0.0); };
  const Array start = stop_gradient(point.z), zero = array(std::int64_t{0});
  const Point first = look(start);
  const Array multiple = cond(
      sound(first), [](const Point&) { return array(false); },
      [&](const Point& p) { return ~sound(look(look(p.next).next)); }, first);
  Verdict v;
  v.status = where(multiple, code(StatusCode::singular), zero);
  v.cause = zero + static_cast<std::int64_t>(Cause::multiple_root);
  v.measure = first.change / where(first.size > 0, first.size, scalar_like(1, start));
  return point.check_value ? with_value_checked(v, point, where(first.known, first.newton, scalar_like(0, start))) : v;
}

}  // namespace detail

OpList regularity_ops() {
  static const Op* const list[] = {&detail::rcond_op()};
  return list;
}

}  // namespace dini
