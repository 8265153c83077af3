// The rows of ops that are not elementwise: functions that users call, put so that the result has the type wanted.
#include "dini/dini.hpp"
#include "random_program_rows.hpp"

namespace dini::random_programs {
namespace {

using enum Type;

// A function of its operands. `limit`: what these must not exceed; `gain`: by how much the result may exceed the largest.
struct Simple {
  const char* name;
  Type result;
  std::vector<Type> args;
  std::function<Array(const Leaves& in, const Build& b)> f;
  double limit = 99;
  double gain = 1;
  unsigned traits = 0;
};

Row make_row(const Simple& s) {
  Row row{s.name, s.result, {}, s.traits, [s](const Build& b) {
            Leaves in;
            double largest = 0;
            for (std::size_t k = 0; k < b.count(); ++k) {
              const Value v = b.value(k);
              in.push_back(is_float(v.type) ? squash(v.array, v.bound, s.limit) : v.array);
              if (is_float(v.type)) largest = std::max(largest, std::min(v.bound, s.limit));
            }
            return Value{{}, s.f(in, b), s.gain * std::max(largest, 0.1)};
          }};
  for (Type t : s.args) row.args.push_back({t});
  return row;
}

// Asymmetric, and far from singular.
Array regular(const Array& a) { return 0.5 * a + 3 * eye(a.shape()[0], a.dtype()); }
// Symmetric, with eigenvalues far from each other.
Array separated(const Array& a) { return 0.2 * (a + transpose(a)) + diag(astype(3 * arange(a.shape()[0]), a.dtype())); }

// Symmetric and positive definite.
Array gram(const Array& a) { return matmul(a, transpose(a)) + 2 * eye(a.shape()[0], a.dtype()); }
Array noise(const Array& key, const Array& like) {
  return random::normal(random::fold_in(random::key(7), key), like.shape(), like.dtype());
}

double length(const Build& b) { return static_cast<double>(b.sizes().n); }
int some_axis(const Array& a, const Build& b) { return static_cast<int>(b.draw()) % a.ndim(); }

#define F(expression) [](const Leaves& in, [[maybe_unused]] const Build& b) -> Array { return expression; }
#define A in[0]
#define B in[1]
#define C in[2]

std::vector<Simple> simple_rows() {
  std::vector<Simple> rows = {
      // ---- Products
      {"dot", scalar, {vector, vector}, F(dot(A, B) / length(b)), 1.5, 1.5},
      {"dot", vector, {matrix, row}, F(dot(A, B) / 3), 1.5, 2},
      {"dot", row, {vector, matrix}, F(dot(A, B) / length(b)), 1.5, 1.5},
      {"inner", scalar, {row, row}, F(inner(A, B) / 3), 1.5, 2},
      {"inner", vector, {matrix, row}, F(inner(A, B) / 3), 1.5, 2},
      {"outer", matrix, {vector, row}, F(outer(A, B)), 1.5, 1.5},
      {"outer", square, {row, row}, F(outer(A, B)), 1.5, 1.5},
      {"kron", square, {row, row}, F(reshape(kron(A, B), b.shape())), 1.5, 1.5},
      {"matmul", matrix, {matrix, square}, F(matmul(A, B) / 3), 1.5, 2},
      {"matmul", square, {square, square}, F(matmul(A, B) / 3), 1.5, 2},
      {"matmul", square, {matrix, matrix}, F(matmul(transpose(A), B) / length(b)), 1.5, 1.5},
      {"matmul", box, {box, square}, F(matmul(A, B) / 3), 1.5, 2},
      {"matmul", row, {square, row}, F(matmul(A, B) / 3), 1.5, 2},
      {"matmul", row, {row, square}, F(matmul(A, B) / 3), 1.5, 2},
      {"einsum", vector, {matrix, matrix}, F(einsum("ij,ij->i", A, B) / 3), 1.5, 2},
      {"einsum", box, {box, square}, F(einsum("bij,kj->bik", A, B) / 3), 1.5, 2},
      {"einsum", matrix, {box, row, matrix}, F(einsum("bij,k,ik->ij", A, B, C) / 12), 1.5, 3},
      {"einsum", row, {square}, F(einsum("ii->i", A))},
      {"tensordot", vector, {box, row}, F(mean(tensordot(A, B, 1), 0) / 3), 1.5, 2},
      // ---- Reductions
      {"mean", vector, {matrix}, F(mean(A, 1))},
      {"mean", row, {matrix}, F(mean(A, 0))},
      {"mean", matrix, {box}, F(mean(A, 0))},
      {"mean", row, {box}, F(mean(A, {0, 1}))},
      {"max", vector, {matrix}, F(max(A, -1)), 99, 1, kinked},
      {"min", row, {matrix}, F(min(A, 0)), 99, 1, kinked},
      {"max", matrix, {box}, F(max(A, 0)), 99, 1, kinked},
      {"prod", vector, {matrix}, F(prod(A, 1)), 1.2, 1.8},
      {"prod", scalar, {row}, F(prod(A)), 1.2, 1.8},
      {"logsumexp", vector, {matrix}, F(logsumexp(A, 1)), 1.5, 2},
      {"var", row, {matrix}, F(var(A, 0)), 1.5, 1.5},
      {"norm", vector, {matrix}, F(norm(A - 3, 2.0, -1)), 1.5, 6},
      {"norm3", row, {matrix}, F(norm(A + 4, 3.0, 0) / length(b)), 1.5, 4},
      // ---- Indices, and what they pick
      {"argmax", index, {row}, F(argmax(A)), 99, 1, kinked},
      {"argmin", index, {row}, F(argmin(A) - 3), 99, 1, kinked},
      {"next", index, {index}, F((A + 1) % 3)},
      {"searchsorted", index, {row, scalar}, F(searchsorted(sort(A), B) % 3), 99, 1, kinked},
      {"element", index, {indices, index}, F(take(A, B))},
      {"reverse", indices, {indices}, F(flip(A))},
      {"broadcast", indices, {index}, F(broadcast_to(A, b.shape()))},
      {"where", indices, {indices, indices}, F(where(A < B, B, A))},
      {"argsort", indices, {indices}, F(argsort(A) % 3)},
      {"element", scalar, {row, index}, F(A(B))},
      {"element", scalar, {vector, index}, F(A(B % b.sizes().n))},
      {"row", row, {square, index}, F(A(B))},
      {"row", row, {matrix, index}, F(take(A, B % b.sizes().n, 0))},
      {"column", vector, {matrix, index}, F(A(slice(), B))},
      {"plane", matrix, {box, index}, F(A(B % 2))},
      {"gather", square, {square, indices}, F(A(B)(slice(0, b.sizes().m)))},
      {"gather2", row, {square, indices}, F(A(B, B(slice(end, end, -1)))(slice(1, b.sizes().m + 1)))},
      {"take_along_axis", matrix, {matrix, matrix}, F(take_along_axis(A, argsort(B, 0), 0)), 99, 1, kinked},
      {"take_along_axis", vector, {vector, vector}, F(take_along_axis(A, argsort(B))), 99, 1, kinked},
      {"at.add", vector, {vector, indices, vector}, F(A.at(B % b.sizes().n).add(0.3 * C(B % b.sizes().n))), 99, 3},
      {"at.set", vector, {vector, indices, scalar}, F(A.at(B % b.sizes().n).set(C))},
      {"at.set", square, {square, indices, row}, F(A.at(B).set(C))},
      {"at.multiply", row, {row, indices, scalar}, F(A.at(B).multiply(C)), 1.2, 3},
      {"at.min", row, {row, indices, scalar}, F(A.at(B).min(C)), 99, 1, kinked},
      {"at.max", matrix, {matrix, indices, scalar}, F(A.at(slice(), B).max(C)), 99, 1, kinked},
      {"at.set", matrix, {matrix, index, row}, F(A.at(B % b.sizes().n).set(C))},
      {"at.add", matrix, {matrix, index, vector}, F(A.at(slice(), B).add(C)), 99, 2},
      // ---- Shapes
      {"transpose", square, {square}, F(transpose(A))},
      {"broadcast_to", matrix, {row}, F(broadcast_to(A, b.shape()))},
      {"broadcast_to", box, {matrix}, F(broadcast_to(A, b.shape()))},
      {"broadcast_to", vector, {scalar}, F(broadcast_to(A, b.shape()))},
      {"expand_dims", matrix, {vector}, F(broadcast_to(expand_dims(A, 1), b.shape()))},
      {"stack", box, {matrix, matrix}, F(stack({A, B}))},
      {"swapaxes", box, {box}, F(swapaxes(1 - swapaxes(A, 0, 2), 2, 0)), 99, 11},
      {"diag", square, {row}, F(diag(A))},
      {"diag", row, {square}, F(diag(A))},
      {"trace", scalar, {square}, F(trace(A) / 3), 99, 1.4},
      {"tril", square, {square}, F(tril(A, -1))},
      {"triu", matrix, {matrix}, F(triu(A))},
      {"block", square, {square, row}, F(vstack({A(slice(1, end)), B}))},
      {"hstack", matrix, {matrix, vector}, F(column_stack({B, A})(slice(), slice(end, -1)))},
      {"reshape", vector, {matrix}, F(reshape(A, {-1})(slice(0, b.sizes().n)))},
      {"split", matrix, {box}, F(reshape(split(A, 2)[1], b.shape()))},
      // ---- Linear algebra
      {"solve", row, {square, row}, F(linalg::solve(regular(A), B)), 1, 1},
      {"solve", matrix, {square, matrix}, F(transpose(linalg::solve(regular(A), transpose(B)))), 1, 1},
      {"inv", square, {square}, F(linalg::inv(regular(A))), 1, 1},
      {"det", scalar, {square}, F(linalg::det(regular(A)) / 60), 1, 3},
      {"slogdet", scalar, {square}, F(linalg::slogdet(regular(A)).logabsdet), 1, 6},
      {"solve_triangular", row, {square, row}, F(linalg::solve_triangular(regular(A), B, true)), 1, 1},
      {"solve_triangular", row, {square, row}, F(linalg::solve_triangular(regular(A), B, false, true)), 1, 1},
      {"cholesky", square, {square}, F(linalg::cholesky(gram(A))), 1, 3},
      {"qr", square, {square}, F(matmul(linalg::qr(regular(A)).r, linalg::qr(regular(A)).q) / 4), 1, 1},
      {"eigvalsh", row, {square}, F(linalg::eigvalsh(separated(A)) / 4), 1, 3},
      {"eigh", square, {square}, F(dini::square(linalg::eigh(separated(A)).eigenvectors)), 1, 1},
      {"svd", square, {square}, F(dini::square(linalg::svd(separated(A) + eye(b.sizes().m, A.dtype())).u)), 1, 1},
      {"svdvals", row, {square}, F(linalg::svdvals(separated(A) + eye(b.sizes().m, A.dtype())) / 4), 1, 3},
      {"pinv", square, {square}, F(linalg::pinv(regular(A))), 1, 1},
      {"lstsq", row, {square, row}, F(linalg::lstsq(regular(A), B).x), 1, 1},
      {"expm", square, {square}, F(linalg::expm(0.3 * A)), 1, 3},
      {"matrix_power", square, {square}, F(linalg::matrix_power(A, 3) / 8), 1, 2},
  };
  for (Type t : float_types) {
    const std::vector<Simple> each = {
        {"mean", scalar, {t}, F(mean(A))},
        {"max", scalar, {t}, F(max(A)), 99, 1, kinked},
        {"var", scalar, {t}, F(var(A)), 1.5, 1.5},
        {"logsumexp", scalar, {t}, F(logsumexp(A)), 1.5, 8},
        {"norm", scalar, {t}, F(norm(A - 3) / std::sqrt(static_cast<double>(A.size()))), 1.5, 4},
        {"vdot", scalar, {t, t}, F(vdot(A, B) / static_cast<double>(A.size())), 1.5, 1.5},
        {"any", scalar, {t}, F(where(any(A > 0.9), 0.3, 0.7) * mean(A)), 99, 1, kinked},
        {"scale", t, {t}, F(A * (0.25 * b.draw() - 4)), 1.5, 12},
        {"shift", t, {t}, F((A * 1.0 + 0.0) - 0.25 * b.draw()), 1.5, 12},
        {"power", t, {t}, F(power(A, static_cast<int>(b.draw() % 4))), 1.5, 3},
        {"power-2", t, {t}, F(power(A + 3, -2)), 1.5, 1},
        {"polygamma", t, {t}, F(polygamma(1 + static_cast<int>(b.draw() % 2), A + 3)), 1.5, 1},
        {"logaddexp", t, {t, t}, F(logaddexp(A, B)), 1.5, 2},
        {"clip", t, {t, scalar}, F(clip(A, B, 0.5)), 99, 1, kinked},
        {"where", t, {t, t, scalar}, F(where(A < B, A, C * B)), 1.5, 1.5, kinked},
        {"where_index", t, {t, index, t}, F(where(B == 1, A, C))},
        {"float32", t, {t}, F(astype(astype(A, float32), A.dtype())), 99, 1, single},
        {"float64", t, {t}, F(astype(sin(astype(A, float64)), A.dtype())), 99, 1},
        {"uniform", t, {t, index}, F(A * random::uniform(random::key(B), b.shape(), A.dtype()))},
        {"normal", t, {t, index}, F(A + noise(B, A)), 1.5, 4},
        {"reshape", t, {t}, F(reshape(ravel(A), b.shape()))},
        {"concatenate", t, {t, t}, F(reshape(concatenate({ravel(A), ravel(B)})(slice(0, end, 2)), b.shape()))},
        {"stack", t, {t, t}, F(mean(stack({A, 2 * B}, -1), -1)), 99, 1.5},
        {"repeat", t, {t}, F(reshape(repeat(ravel(A), 3)(slice(1, end, 3)), b.shape()))},
        {"tile", t, {t}, F(reshape(tile(ravel(A), 2)(slice(A.size(), end)), b.shape()))},
        {"pad", t, {t}, F(reshape(pad(ravel(A), {{1, 2}}, 0.5)(slice(2, A.size() + 2)), b.shape()))},
    };
    rows.insert(rows.end(), each.begin(), each.end());
    if (t == scalar) continue;
    const std::vector<Simple> axes = {
        {"flip", t, {t}, F(flip(A))},
        {"roll", t, {t}, F(roll(A, b.draw() % 7, -1))},
        {"sort", t, {t}, F(sort(A, some_axis(A, b))), 99, 1, kinked},
        {"cumsum", t, {t}, F(cumsum(A, some_axis(A, b)) / (length(b) + 2))},
        {"cumprod", t, {t}, F(cumprod(A, some_axis(A, b))), 1, 1},
        {"softmax", t, {t}, F(softmax(A)), 1.5, 1},
        {"log_softmax", t, {t}, F(log_softmax(A, some_axis(A, b))), 1.5, 8},
    };
    rows.insert(rows.end(), axes.begin(), axes.end());
  }
  return rows;
}

}  // namespace

Family op_family() {
  Family out{"ops", 35, {}};
  for (const Simple& s : simple_rows()) out.rows.push_back(make_row(s));
  return out;
}

}  // namespace dini::random_programs
