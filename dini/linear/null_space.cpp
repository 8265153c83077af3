#include "dini/linear/null_space.hpp"

#include <algorithm>
#include <cmath>

#include "dini/linear/dense.hpp"
#include "dini/ops/sort.hpp"
#include "dini/transforms/control.hpp"

namespace dini::detail {

namespace null_space {

constexpr int sweeps = 3;       // of equilibration
constexpr int corrections = 2;  // of a solve

// As columns and rows of factors for a matrix.
Array column(const Array& v) { return reshape(v, {v.size(), 1}); }
Array row(const Array& v) { return reshape(v, {1, v.size()}); }
Array only(const Array& mask, const Array& a) { return where(mask, a, zeros_like(a)); }

// What is eliminated, [n] and [m]: rows e_j of unknowns and -e_i of multipliers.
struct Eliminated {
  Array z, y;
};
Eliminated eliminated(const Array& k, std::int64_t n) {
  const Array unit = eye(k.shape()[0], k.dtype());
  return {all(k(slice(0, n)) == unit(slice(0, n)), 1), all(k(slice(n, end)) == -unit(slice(n, end)), 1)};
}

// H with the identity's rows and columns where a variable is eliminated.
Array reduced_hessian(const Array& k, const Array& out) {
  const std::int64_t n = out.size();
  return where(column(out) | row(out), eye(n, k.dtype()), k(slice(0, n), slice(0, n)));
}

// The factors by their names, as a list of arrays; a list for H that is not symmetric is longer by one.
struct Factors {
  Array q, w, s, lengths, rank, dependent;
  Array t, by_rows, by_columns;  // ZᵀHZ, equilibrated, the identity in the place of Q₁'s part; by what
  Leaves of_t;
  bool symmetric;

  Leaves leaves() const {
    Leaves out{q, w, s, lengths, rank, dependent, t, by_rows, by_columns, of_t[0], of_t[1]};
    if (!symmetric) out.push_back(array(false));
    return out;
  }
  static Factors of(const Leaves& l) {
    return {l[0], l[1], l[2], l[3], l[4], l[5], l[6], l[7], l[8], {l[9], l[10]}, l.size() == 11};
  }
  std::int64_t n() const { return q.shape()[0]; }
  std::int64_t m() const { return lengths.size(); }
  // Which of the first `count` directions are Q₁'s.
  Array in_rows(std::int64_t count) const { return arange(count) < rank; }
  Array inverse(const Array& b, bool transposed) const {
    const Array &left = transposed ? by_columns : by_rows, &right = transposed ? by_rows : by_columns;
    return column(right) * emit_linear_solve(of_t, t, column(left) * b, transposed, symmetric);
  }
};

// T with rows and columns brought near 1 (Ruiz, RAL-TR-2001-034).
void equilibrate(Factors& f, const Array& t) {
  f.by_rows = f.by_columns = ones({t.shape()[0]}, t.dtype());
  f.t = t;
  if (t.size() == 0) return;
  const auto factor = [](const Array& size) { return where(size > 0, rsqrt(size), ones_like(size)); };
  for (int k = 0; k < sweeps; ++k) {
    const Array rows = factor(max(abs(f.t), 1)), columns = f.symmetric ? rows : factor(max(abs(f.t), 0));
    f.by_rows = f.by_rows * rows;
    f.by_columns = f.by_columns * columns;
    f.t = column(rows) * f.t * row(columns);
  }
}

Array size_of(const Array& a) { return max(sum(abs(a), 0)); }
// What is nothing beside T, of its eigenvalues.
Array nothing(const Array& t) {
  const double n = static_cast<double>(t.shape()[0]);
  return n * std::sqrt(n) * epsilon(t.dtype()) * size_of(t);
}

// x without corrections, b [n + m, columns].
Array solve_once(const Factors& f, const Array& k, const Array& b, bool transposed) {
  const std::int64_t n = f.n(), rows = f.s.shape()[0];
  const Eliminated out = eliminated(k, n);
  const Array gone = column(concatenate({out.z, out.y}));
  const Array sign = column(concatenate({ones({n}, k.dtype()), -ones({f.m()}, k.dtype())}));
  // Columns of what is eliminated are not zero: its rows come first, or, transposed, last.
  const Array first = transposed ? zeros_like(b) : only(gone, sign * b);
  const Array left = only(~gone, transposed ? b : b - dot(k, first));
  const Array g = left(slice(0, n)), c = left(slice(n, end)) / column(f.lengths);

  const Array h = reduced_hessian(k, out.z), hessian = transposed ? transpose(h) : h;
  const Array q1 = f.q(slice(), slice(0, rows)), among = column(f.in_rows(rows));
  const Array u = only(among, linalg::solve_triangular(f.s, dot(transpose(f.w), c)));
  const Array through = dot(q1, u);
  const Array right = only(~column(f.in_rows(n)), dot(transpose(f.q), g - dot(hessian, through)));
  const Array z = only(~column(out.z), through + dot(f.q, f.inverse(right, transposed)));
  const Array force = only(among, dot(transpose(q1), g - dot(hessian, z)));
  const Array y = dot(f.w, linalg::solve_triangular(f.s, force, false, true)) / column(f.lengths);
  const Array x = concatenate({z, only(~column(out.y), y)});
  return x + (transposed ? only(gone, sign * (b - dot(transpose(k), x))) : first);
}

}  // namespace null_space

Leaves factorize_kkt(const Array& k, std::int64_t n, bool symmetric) {
  using namespace null_space;
  const std::int64_t m = k.shape()[0] - n, rows = std::min(n, m);
  const double tolerance = 10 * static_cast<double>(std::max(n, m)) * epsilon(k.dtype());
  const Eliminated out = eliminated(k, n);
  Factors f;
  f.symmetric = symmetric;
  const Array gradients = only(~(column(out.y) | row(out.z)), k(slice(n, end), slice(0, n)));
  f.lengths = norm(gradients, 2.0, 1);
  f.lengths = where(f.lengths > 0, f.lengths, ones_like(f.lengths));
  const Leaves qr = emit(qr_pivoted_op(), {transpose(gradients / column(f.lengths))}, {{"full", true}});
  f.q = qr[0];
  const Array r = qr[1](slice(0, rows));
  f.rank = array(std::int64_t{0});
  if (rows > 0) {
    const Array sizes = abs(diagonal(r));
    f.rank = sum(astype(sizes > tolerance * max(sizes), Dtype::int64));
  }
  f.dependent = sum(astype(~out.y, Dtype::int64)) - f.rank;
  const Leaves other = emit(qr_op(), {transpose(only(column(f.in_rows(rows)), r))}, {{"full", false}});
  f.w = take(other[0], argsort(qr[2]), 0);
  f.s = other[1] + diag(astype(~f.in_rows(rows), k.dtype()));

  Array t = dot(transpose(f.q), dot(reduced_hessian(k, out.z), f.q));
  if (symmetric) t = 0.5 * (t + transpose(t));
  const Array in_rows = f.in_rows(n);
  equilibrate(f, where(column(in_rows) | row(in_rows), eye(n, k.dtype()), t));
  f.of_t = factorize(f.t, {.symmetric = symmetric});
  return f.leaves();
}

Array solve_kkt(const Leaves& factors, const Array& k, const Array& b, bool transposed) {
  using namespace null_space;
  if (b.size() == 0) return b;
  const Factors f = Factors::of(factors);
  const Array right = b.ndim() == 1 ? column(b) : b, matrix = transposed ? transpose(k) : k;
  Array x = solve_once(f, k, right, transposed);
  for (int turn = 0; turn < corrections; ++turn) x = x + solve_once(f, k, right - dot(matrix, x), transposed);
  return reshape(x, b.shape());
}

Array kkt_definite(const Leaves& factors) {
  const null_space::Factors f = null_space::Factors::of(factors);
  return is_definite(f.of_t, f.t) & kkt_regular(factors);
}

Array kkt_regular(const Leaves& factors) {
  const null_space::Factors f = null_space::Factors::of(factors);
  if (f.n() == 0) return array(true);
  const Array inverse = emit_linear_solve(f.of_t, f.t, eye(f.n(), f.t.dtype()), false, f.symmetric);
  const double most = 1 / (static_cast<double>(f.n()) * epsilon(f.t.dtype()));
  return null_space::size_of(f.t) * null_space::size_of(inverse) < most;
}

Leaves completed_kkt(const Leaves& factors) {
  using null_space::Factors;
  if (Factors::of(factors).n() == 0) return factors;
  return cond(
      kkt_regular(factors), [](const Leaves& l) { return l; },
      [](const Leaves& l) {
        Factors f = Factors::of(l);
        const linalg::Eigh e = linalg::eigh(f.t);
        const Array none = null_space::only(abs(e.eigenvalues) <= null_space::nothing(f.t), e.eigenvectors);
        f.t = f.t + dot(none, transpose(none));
        f.of_t = factorize(f.t, {.symmetric = true});
        return f.leaves();
      },
      factors);
}

KktCurvature kkt_curvature(const Leaves& factors) {
  using namespace null_space;
  const Factors f = Factors::of(factors);
  if (f.n() == 0) return {array(false), zeros({0}, f.t.dtype())};
  const linalg::Eigh e = linalg::eigh(f.t);
  return {e.eigenvalues(0) < -nothing(f.t), dot(f.q, f.by_columns * e.eigenvectors(slice(), 0))};
}

Array kkt_dependent(const Leaves& factors) { return null_space::Factors::of(factors).dependent; }

Array least_multipliers(const Leaves& factors, const Array& y) {
  const null_space::Factors f = null_space::Factors::of(factors);
  const Array w = null_space::only(null_space::row(f.in_rows(f.s.shape()[0])), f.w);
  return dot(w, dot(transpose(w), f.lengths * y)) / f.lengths;
}

namespace {

struct NullSpaceMethod final : TableMethod<NullSpace> {
  using TableMethod::TableMethod;
  bool wants_matrix() const override { return true; }
  Leaves prepare(const LinearSystem& s) const override {
    const Array& a = s.matrix();
    const bool symmetric = is_symmetric(s.structure());
    return factorize_kkt(a, options.n < 0 ? a.shape()[0] : options.n, symmetric);
  }
  LinearOutcome attempt(const Product& apply, const LinearSystem& s, const Leaves& prepared, const Array& b,
                        bool transposed) const override {
    LinearOutcome out = judged(solve_kkt(prepared, s.matrix(), b, transposed), apply, b);
    out.status = where(kkt_regular(prepared), out.status, code(StatusCode::singular));
    return out;
  }
};

}  // namespace

const MethodTable<NullSpace>& NullSpace::table() {
  static const MethodTable<NullSpace> t{"null_space",
                                        "factors of the active rows' gradients and of the Hessian on their null space",
                                        {Kind::root, Kind::minimize, Kind::least_squares, Kind::quadratic_program},
                                        false,
                                        {{"n", &NullSpace::n, {-1}, "how many unknowns are no multipliers"}}};
  return t;
}
LinearMethodRef NullSpace::method() const { return std::make_shared<NullSpaceMethod>(*this); }

}  // namespace dini::detail
