// The functions that the formula language has not, against NumPy (and SciPy). What the language has is compared in
// tests/formula/formula_table_test.cpp.
#include <limits>
#include <regex>
#include <set>

#include "../numpy_table.hpp"

namespace dini {
namespace ops_numpy_test {

using namespace numpy_table;

constexpr double inf = std::numeric_limits<double>::infinity();

struct X {
  Array a, b, c, p, s, A, B, M, u, one, i, j, n, f, edge;
  explicit X(const Values& v)
      : a(v.at("a")),
        b(v.at("b")),
        c(v.at("c")),
        p(v.at("p")),
        s(v.at("s")),
        A(v.at("A")),
        B(v.at("B")),
        M(v.at("M")),
        u(v.at("u")),
        one(v.at("one")),
        i(v.at("i")),
        j(v.at("j")),
        n(v.at("n")),
        f(v.at("f")),
        edge(v.at("edge")) {}
};

struct Call {
  const char* text;  // as the script has it
  Array (*f)(const X&);
};

const Call calls[] = {
    {R"(einsum("ij,jk->ik", A, B))", [](const X& x) { return einsum("ij,jk->ik", x.A, x.B); }},
    {R"(einsum("ij,j", A, c))", [](const X& x) { return einsum("ij,j", x.A, x.c); }},
    {R"(einsum("ii", M))", [](const X& x) { return einsum("ii", x.M); }},
    {R"(einsum("ii->i", M))", [](const X& x) { return einsum("ii->i", x.M); }},
    {R"(einsum("ijk,ik->j", u, u[:, 0]))", [](const X& x) { return einsum("ijk,ik->j", x.u, x.u(slice(), 0)); }},
    {R"(einsum("...k,k->...", u, c))", [](const X& x) { return einsum("...k,k->...", x.u, x.c); }},
    {R"(einsum("i,j,k->kij", a, b, c))", [](const X& x) { return einsum("i,j,k->kij", x.a, x.b, x.c); }},
    {R"(einsum("ij->ji", A))", [](const X& x) { return einsum("ij->ji", x.A); }},
    {R"(einsum("ij->", A))", [](const X& x) { return einsum("ij->", x.A); }},
    {R"(einsum("i,i->i", a, b))", [](const X& x) { return einsum("i,i->i", x.a, x.b); }},
    {"argmax(A)", [](const X& x) { return argmax(x.A); }},
    {"argmax(u, 1)", [](const X& x) { return argmax(x.u, 1); }},
    {"argmax(u, axis=-1, keepdims=True)", [](const X& x) { return argmax(x.u, -1, true); }},
    {"argmin(A)", [](const X& x) { return argmin(x.A); }},
    {"argmin(u, 1)", [](const X& x) { return argmin(x.u, 1); }},
    {"argmin(u, axis=-1, keepdims=True)", [](const X& x) { return argmin(x.u, -1, true); }},
    {"argsort(A)", [](const X& x) { return argsort(x.A); }},
    {"argsort(u, 1)", [](const X& x) { return argsort(x.u, 1); }},
    {"searchsorted(c, a)", [](const X& x) { return searchsorted(x.c, x.a); }},
    {"searchsorted(c, c)", [](const X& x) { return searchsorted(x.c, x.c); }},
    {R"(searchsorted(c, c, side="right"))", [](const X& x) { return searchsorted(x.c, x.c, "right"); }},
    {"unravel_index(j, (3, 4))[0]",
     [](const X& x) {
       return unravel_index(x.j, {3, 4})[0];
     }},
    {"unravel_index(j, (3, 4))[1]",
     [](const X& x) {
       return unravel_index(x.j, {3, 4})[1];
     }},
    {"meshgrid(a, c)[0]",
     [](const X& x) {
       return meshgrid({x.a, x.c})[0];
     }},
    {"meshgrid(a, c)[1]", [](const X& x) { return meshgrid(x.a, x.c)[1]; }},
    {R"(meshgrid(a, c, indexing="ij")[0])",
     [](const X& x) {
       return meshgrid({x.a, x.c}, "ij")[0];
     }},
    {R"(meshgrid(a, c, indexing="ij")[1])",
     [](const X& x) {
       return meshgrid({x.a, x.c}, true)[1];
     }},
    {"vdot(A, 2*A)", [](const X& x) { return vdot(x.A, 2 * x.A); }},
    {"inner(A, c)", [](const X& x) { return inner(x.A, x.c); }},
    {"inner(A, A)", [](const X& x) { return inner(x.A, x.A); }},
    {"cross(a, b)", [](const X& x) { return cross(x.a, x.b); }},
    {"cross(A[:, :3], a)", [](const X& x) { return cross(x.A(slice(), slice(0, 3)), x.a); }},
    {"cross(A[:, :3], 2*A[:, 1:])",
     [](const X& x) { return cross(x.A(slice(), slice(0, 3)), 2 * x.A(slice(), slice(1, end))); }},
    {"triu(A)", [](const X& x) { return triu(x.A); }},
    {"triu(A, 1)", [](const X& x) { return triu(x.A, 1); }},
    {"tril(u, -1)", [](const X& x) { return tril(x.u, -1); }},
    {"tril(A, 2)", [](const X& x) { return tril(x.A, 2); }},
    {"diagonal(u)", [](const X& x) { return diagonal(x.u); }},
    {"diagonal(u, 1, 1, 2)", [](const X& x) { return diagonal(x.u, 1, 1, 2); }},
    {"trace(u, 1, 1, 2)", [](const X& x) { return trace(x.u, 1, 1, 2); }},
    {"pad(A, ((1, 2), (0, 3)))",
     [](const X& x) {
       return pad(x.A, {{1, 2}, {0, 3}});
     }},
    {"pad(a, ((2, 1),), constant_values=7.5)",
     [](const X& x) {
       return pad(x.a, {{2, 1}}, 7.5);
     }},
    {"pad(A, 1)",
     [](const X& x) {
       return pad(x.A, {{1, 1}});
     }},
    {"split(A, 2, 1)[1]", [](const X& x) { return split(x.A, 2, 1)[1]; }},
    {"split(c, [1, 3])[1]",
     [](const X& x) {
       return split(x.c, std::vector<std::int64_t>{1, 3})[1];
     }},
    {"split(c, [1, 3])[2]",
     [](const X& x) {
       return split(x.c, std::vector<std::int64_t>{1, 3})[2];
     }},
    {"moveaxis(u, 0, -1)", [](const X& x) { return moveaxis(x.u, 0, -1); }},
    {"moveaxis(u, (0, 1), (2, 0))",
     [](const X& x) {
       return moveaxis(x.u, {0, 1}, {2, 0});
     }},
    {"swapaxes(u, 0, 2)", [](const X& x) { return swapaxes(x.u, 0, 2); }},
    {"atleast_1d(s)", [](const X& x) { return atleast_1d(x.s); }},
    {"atleast_2d(a)", [](const X& x) { return atleast_2d(x.a); }},
    {"atleast_3d(A)", [](const X& x) { return atleast_3d(x.A); }},
    {"vstack([a, b])",
     [](const X& x) {
       return vstack({x.a, x.b});
     }},
    {"hstack([A, one])",
     [](const X& x) {
       return hstack({x.A, x.one});
     }},
    {"column_stack([a, b])",
     [](const X& x) {
       return column_stack({x.a, x.b});
     }},
    {"broadcast_arrays(one, A)[0]",
     [](const X& x) {
       return broadcast_arrays({x.one, x.A})[0];
     }},
    {"ravel(u)", [](const X& x) { return ravel(x.u); }},
    {"full_like(A, 2.5)", [](const X& x) { return full_like(x.A, 2.5); }},
    {"identity(3)", [](const X& x) { return identity(3, x.a.dtype()); }},
    {"take_along_axis(A[:, :2], j % 3, 0)",
     [](const X& x) { return take_along_axis(x.A(slice(), slice(0, 2)), x.j % 3, 0); }},
    {"take_along_axis(A, argsort(A), 1)", [](const X& x) { return take_along_axis(x.A, argsort(x.A), 1); }},
    {"any(A > 1)", [](const X& x) { return any(x.A > 1); }},
    {"any(u > 1, 2)", [](const X& x) { return any(x.u > 1, 2); }},
    {"all(A > -3)", [](const X& x) { return all(x.A > -3); }},
    {"all(u > 0, (0, 2), keepdims=True)",
     [](const X& x) {
       return all(x.u > 0, {0, 2}, true);
     }},
    {"logical_and(a > 0, f)", [](const X& x) { return logical_and(x.a > 0, x.f); }},
    {"logical_or(a > 0, f)", [](const X& x) { return logical_or(x.a > 0, x.f); }},
    {"logical_xor(a > 0, f)", [](const X& x) { return logical_xor(x.a > 0, x.f); }},
    {"logical_not(n - 3)", [](const X& x) { return logical_not(x.n - 3); }},
    {"isfinite(edge)", [](const X& x) { return isfinite(x.edge); }},
    {"isnan(edge)", [](const X& x) { return isnan(x.edge); }},
    {"isinf(edge)", [](const X& x) { return isinf(x.edge); }},
    {"isfinite(nan_to_num(edge))", [](const X& x) { return isfinite(nan_to_num(x.edge)); }},
    {"sign(nan_to_num(edge))", [](const X& x) { return sign(nan_to_num(x.edge)); }},
    {"nan_to_num(edge[8:], nan=2.5)", [](const X& x) { return nan_to_num(x.edge(slice(8, end)), 2.5); }},
    {"rsqrt(c)", [](const X& x) { return rsqrt(x.c); }},
    {"logit(p)", [](const X& x) { return logit(x.p); }},
    {"logit(edge)", [](const X& x) { return logit(x.edge); }},
    {"xlogy(a, c[:3])", [](const X& x) { return xlogy(x.a, x.c(slice(0, 3))); }},
    {"xlog1py(a, p)", [](const X& x) { return xlog1py(x.a, x.p); }},
    {"xlogy(0*c, 0*edge[:4])", [](const X& x) { return xlogy(0 * x.c, 0 * x.edge(slice(0, 4))); }},
    {"betaln(c, 1.5)", [](const X& x) { return betaln(x.c, 1.5); }},
    {"betaln(c[:3], p)", [](const X& x) { return betaln(x.c(slice(0, 3)), x.p); }},
    {"polygamma(1, c)", [](const X& x) { return polygamma(1, x.c); }},
    {"polygamma(2, c)", [](const X& x) { return polygamma(2, x.c); }},
    {R"(at(a, 1, "set", s))", [](const X& x) { return x.a.at(1).set(x.s); }},
    {R"(at(A, i, "set", c))", [](const X& x) { return x.A.at(x.i).set(x.c); }},
    {R"(at(A, (slice(None), 1), "set", b))", [](const X& x) { return x.A.at(slice(), 1).set(x.b); }},
    {R"(at(A, i, "add", A[:2]))", [](const X& x) { return x.A.at(x.i).add(x.A(slice(0, 2))); }},
    {R"(at(c, j, "add", 2*A[:2, :2]))", [](const X& x) { return x.c.at(x.j).add(2 * x.A(slice(0, 2), slice(0, 2))); }},
    {R"(at(c, j % 2, "multiply", 1.5))", [](const X& x) { return x.c.at(x.j % 2).multiply(1.5); }},
    {R"(at(A, (i, i), "multiply", a[:2]))", [](const X& x) { return x.A.at(x.i, x.i).multiply(x.a(slice(0, 2))); }},
    {R"(at(c, j, "min", B[:2]))", [](const X& x) { return x.c.at(x.j).min(x.B(slice(0, 2))); }},
    {R"(at(c, j, "max", B[:2]))", [](const X& x) { return x.c.at(x.j).max(x.B(slice(0, 2))); }},
    {R"(at(a, slice(None, None, 2), "add", s))", [](const X& x) { return x.a.at(slice(end, end, 2)).add(x.s); }},
    {"solve_triangular(M, a, lower=True)", [](const X& x) { return linalg::solve_triangular(x.M, x.a, true); }},
    {"solve_triangular(M, A)", [](const X& x) { return linalg::solve_triangular(x.M, x.A); }},
    {"solve_triangular(M, a, trans=1)", [](const X& x) { return linalg::solve_triangular(x.M, x.a, false, true); }},
    {"solve_triangular(M, a, unit_diagonal=True)",
     [](const X& x) { return linalg::solve_triangular(x.M, x.a, false, false, true); }},
    {"solve_triangular(M, a, lower=True, trans=1, unit_diagonal=True)",
     [](const X& x) { return linalg::solve_triangular(x.M, x.a, true, true, true); }},
    {"cho_solve((cholesky(eye(3) + outer(a, a)), True), b)",
     [](const X& x) { return linalg::cho_solve(cholesky(eye(3, x.a.dtype()) + outer(x.a, x.a)), x.b); }},
    {"lstsq(A.T, c)[0]", [](const X& x) { return linalg::lstsq(x.A.T(), x.c).x; }},
    {"lstsq(A, a)[0]", [](const X& x) { return linalg::lstsq(x.A, x.a).x; }},
    {"lstsq(A.T, c)[1][0]", [](const X& x) { return linalg::lstsq(x.A.T(), x.c).residuals; }},
    {"lstsq(A, a)[2]", [](const X& x) { return linalg::lstsq(x.A, x.a).rank; }},
    {"stop_gradient(lstsq(A, a)[3])", [](const X& x) { return stop_gradient(linalg::lstsq(x.A, x.a).s); }},
    {"pinv(A)", [](const X& x) { return linalg::pinv(x.A); }},
    {"pinv(A.T)", [](const X& x) { return linalg::pinv(x.A.T()); }},
    {"pinv(M)", [](const X& x) { return linalg::pinv(x.M); }},
    {"abs(qr(A.T).R)", [](const X& x) { return abs(linalg::qr(x.A.T()).r); }},
    {"abs(qr(A.T).Q)", [](const X& x) { return abs(linalg::qr(x.A.T()).q); }},
    {R"(stop_gradient(abs(qr(A.T, mode="complete").R)))",
     [](const X& x) { return stop_gradient(abs(linalg::qr(x.A.T(), "complete").r)); }},
    {"svd(A).S", [](const X& x) { return linalg::svd(x.A).s; }},
    {"svdvals(A.T)", [](const X& x) { return linalg::svdvals(x.A.T()); }},
    {"abs(svd(A, full_matrices=False).U)", [](const X& x) { return abs(linalg::svd(x.A).u); }},
    {"abs(svd(A, full_matrices=False).Vh)", [](const X& x) { return abs(linalg::svd(x.A).vt); }},
    {"eigh(M).eigenvalues", [](const X& x) { return linalg::eigh(x.M).eigenvalues; }},
    {"abs(eigh(M).eigenvectors)", [](const X& x) { return abs(linalg::eigh(x.M).eigenvectors); }},
    {"eigvalsh((M + M.T)/2)", [](const X& x) { return linalg::eigvalsh(x.M); }},
    {"expm(M/4)", [](const X& x) { return linalg::expm(x.M / 4); }},
    {"expm(M)", [](const X& x) { return linalg::expm(x.M); }},
    {"matrix_power(M, 3)", [](const X& x) { return linalg::matrix_power(x.M, 3); }},
    {"matrix_power(M, 0)", [](const X& x) { return linalg::matrix_power(x.M, 0); }},
    {"matrix_power(M, -2)", [](const X& x) { return linalg::matrix_power(x.M, -2); }},
    {"multi_dot([a, A, B])", [](const X& x) { return linalg::multi_dot({x.a, x.A, x.B}); }},
    {"matrix_rank(A)", [](const X& x) { return linalg::matrix_rank(x.A); }},
    {"matrix_rank(outer(a, b))", [](const X& x) { return linalg::matrix_rank(outer(x.a, x.b)); }},
    {"cond(M)", [](const X& x) { return linalg::cond(x.M); }},
    {"cond(M, 1)", [](const X& x) { return linalg::cond(x.M, 1); }},
    {"cond(M, inf)", [](const X& x) { return linalg::cond(x.M, inf); }},
    {"cond(M, -2)", [](const X& x) { return linalg::cond(x.M, -2); }},
    {R"(cond(M, "fro"))", [](const X& x) { return linalg::cond(x.M, "fro"); }},
    {R"(norm(A, "fro"))", [](const X& x) { return linalg::norm(x.A, "fro"); }},
    {R"(norm(A, "nuc"))", [](const X& x) { return linalg::norm(x.A, "nuc"); }},
    {"norm(M, -1)", [](const X& x) { return linalg::norm(x.M, -1); }},
    {R"(norm(u, "fro", (0, 1)))", [](const X& x) { return linalg::norm(x.u, "fro", {0, 1}); }},
    {R"(norm(u, "nuc", (1, 2)))", [](const X& x) { return linalg::norm(x.u, "nuc", {1, 2}); }},
    {"add(a, b)", [](const X& x) { return add(x.a, x.b); }},
    {"subtract(A, one)", [](const X& x) { return subtract(x.A, x.one); }},
    {"multiply(a, b)", [](const X& x) { return multiply(x.a, x.b); }},
    {"divide(a, b)", [](const X& x) { return divide(x.a, x.b); }},
    {"remainder(a, b)", [](const X& x) { return remainder(x.a, x.b); }},
    {"negative(a)", [](const X& x) { return negative(x.a); }},
    {"equal(a, a)", [](const X& x) { return equal(x.a, x.a); }},
    {"not_equal(a, b)", [](const X& x) { return not_equal(x.a, x.b); }},
    {"less(a, b)", [](const X& x) { return less(x.a, x.b); }},
    {"less_equal(a, a)", [](const X& x) { return less_equal(x.a, x.a); }},
    {"greater(a, b)", [](const X& x) { return greater(x.a, x.b); }},
    {"greater_equal(a, a)", [](const X& x) { return greater_equal(x.a, x.a); }},
    {"copysign(a, b)", [](const X& x) { return copysign(x.a, x.b); }},
    {"copysign(edge[:6, None], edge[:8])",
     [](const X& x) { return copysign(x.edge(slice(0, 6), newaxis), x.edge(slice(0, 8))); }},
    {"heaviside(edge, 0.5)", [](const X& x) { return heaviside(x.edge, 0.5); }},
    {"heaviside(0*a, b)", [](const X& x) { return heaviside(0 * x.a, x.b); }},
    {"isclose(edge[:, None], edge)", [](const X& x) { return isclose(x.edge(slice(), newaxis), x.edge); }},
    {"isclose(edge, edge, equal_nan=True)", [](const X& x) { return isclose(x.edge, x.edge, 1e-5, 1e-8, true); }},
    {"isclose(a, 1.01*a, 0.02, 0.0)", [](const X& x) { return isclose(x.a, 1.01 * x.a, 0.02, 0.0); }},
    {"isclose(0*a, a, 0.0, 1.0)", [](const X& x) { return isclose(0 * x.a, x.a, 0.0, 1.0); }},
    {"allclose(a, a + 1e-9)", [](const X& x) { return allclose(x.a, x.a + 1e-9); }},
    {"allclose(a, b)", [](const X& x) { return allclose(x.a, x.b); }},
    {"array_equal(A, A)", [](const X& x) { return array_equal(x.A, x.A); }},
    {"array_equal(a, b)", [](const X& x) { return array_equal(x.a, x.b); }},
    {"array_equal(a, c)", [](const X& x) { return array_equal(x.a, x.c); }},
    {"nansum(edge[8:])", [](const X& x) { return nansum(x.edge(slice(8, end))); }},
    {"nansum(stack([edge[8:], edge[:3]]), 1)",
     [](const X& x) { return nansum(stack({x.edge(slice(8, end)), x.edge(slice(0, 3))}), 1); }},
    {"nansum(A, 0, keepdims=True)", [](const X& x) { return nansum(x.A, 0, true); }},
    {"nansum(n)", [](const X& x) { return nansum(x.n); }},
    {"nanmean(edge[8:])", [](const X& x) { return nanmean(x.edge(slice(8, end))); }},
    {"nanmean(stack([edge[8:], edge[:3]]), 1)",
     [](const X& x) { return nanmean(stack({x.edge(slice(8, end)), x.edge(slice(0, 3))}), 1); }},
    {"nanmean(edge[8:9])", [](const X& x) { return nanmean(x.edge(slice(8, 9))); }},
    {"nanmean(A, 1)", [](const X& x) { return nanmean(x.A, 1); }},
    {"nanmax(edge)", [](const X& x) { return nanmax(x.edge); }},
    {"nanmax(stack([edge[8:], edge[:3]]), 0)",
     [](const X& x) { return nanmax(stack({x.edge(slice(8, end)), x.edge(slice(0, 3))}), 0); }},
    {"nanmax(edge[8:9])", [](const X& x) { return nanmax(x.edge(slice(8, 9))); }},
    {"nanmax(n)", [](const X& x) { return nanmax(x.n); }},
    {"nanmax(u, (0, 2), keepdims=True)", [](const X& x) { return nanmax(x.u, {0, 2}, true); }},
    {"nanmin(edge)", [](const X& x) { return nanmin(x.edge); }},
    {"nanmin(edge[8:9])", [](const X& x) { return nanmin(x.edge(slice(8, 9))); }},
    {"nanmin(u, (0, 2))", [](const X& x) { return nanmin(x.u, {0, 2}); }},
    {"count_nonzero(edge)", [](const X& x) { return count_nonzero(x.edge); }},
    {"count_nonzero(A > 0, 1, keepdims=True)", [](const X& x) { return count_nonzero(x.A > 0, 1, true); }},
    {"average(A)", [](const X& x) { return average(x.A); }},
    {"average(A, 1, weights=c)", [](const X& x) { return average(x.A, 1, x.c); }},
    {"average(A, 0, a**2)", [](const X& x) { return average(x.A, 0, square(x.a)); }},
    {"average(u, (0, 2), weights=u**2)", [](const X& x) { return average(x.u, {0, 2}, square(x.u)); }},
    {"median(A)", [](const X& x) { return median(x.A); }},
    {"median(a)", [](const X& x) { return median(x.a); }},
    {"median(u, (0, 2))", [](const X& x) { return median(x.u, {0, 2}); }},
    {"median(A, axis=1, keepdims=True)", [](const X& x) { return median(x.A, 1, true); }},
    {"median(edge)", [](const X& x) { return median(x.edge); }},
    {"quantile(A, s)", [](const X& x) { return quantile(x.A, x.s); }},
    {"quantile(A, p, axis=1)", [](const X& x) { return quantile(x.A, x.p, 1); }},
    {"quantile(u, p, axis=(0, 2), keepdims=True)", [](const X& x) { return quantile(x.u, x.p, {0, 2}, true); }},
    {"quantile(edge[:6], 0.25)", [](const X& x) { return quantile(x.edge(slice(0, 6)), 0.25); }},
    {"quantile(a, 0)", [](const X& x) { return quantile(x.a, 0.0); }},
    {"quantile(a, 1)", [](const X& x) { return quantile(x.a, 1.0); }},
    {"cov(A)", [](const X& x) { return cov(x.A); }},
    {"cov(A, rowvar=False, ddof=0)", [](const X& x) { return cov(x.A, false, 0); }},
    {"cov(a)", [](const X& x) { return cov(x.a); }},
    {"diff(a)", [](const X& x) { return diff(x.a); }},
    {"diff(u, axis=1)", [](const X& x) { return diff(x.u, 1, 1); }},
    {"diff(A, 2)", [](const X& x) { return diff(x.A, 2); }},
    {"diff(A, 5)", [](const X& x) { return diff(x.A, 5); }},
    {"diff(n)", [](const X& x) { return diff(x.n); }},
    {"diff(f)", [](const X& x) { return diff(x.f); }},
    {"trapezoid(A)", [](const X& x) { return trapezoid(x.A); }},
    {"trapezoid(A, c)", [](const X& x) { return trapezoid(x.A, x.c); }},
    {"trapezoid(A, dx=s, axis=0)", [](const X& x) { return trapezoid(x.A, {}, x.s, 0); }},
    {"trapezoid(u, a, axis=1)", [](const X& x) { return trapezoid(x.u, x.a, 1.0, 1); }},
    {"trapezoid(A, A**2)", [](const X& x) { return trapezoid(x.A, square(x.A)); }},
    {"interp(a, c, c**2)", [](const X& x) { return interp(x.a, x.c, square(x.c)); }},
    {"interp(c, c, 2*c)", [](const X& x) { return interp(x.c, x.c, 2 * x.c); }},
    {"interp(A, c, B[:, 0], 7.0, -7.0)", [](const X& x) { return interp(x.A, x.c, x.B(slice(), 0), 7.0, -7.0); }},
    {"interp(edge, c, 2*c)", [](const X& x) { return interp(x.edge, x.c, 2 * x.c); }},
    {"interp(a, c[:1], c[:1])", [](const X& x) { return interp(x.a, x.c(slice(0, 1)), x.c(slice(0, 1))); }},
    {"polyval(c, a)", [](const X& x) { return polyval(x.c, x.a); }},
    {"polyval(a, A)", [](const X& x) { return polyval(x.a, x.A); }},
    {"convolve(a, c)", [](const X& x) { return convolve(x.a, x.c); }},
    {R"(convolve(c, a, "same"))", [](const X& x) { return convolve(x.c, x.a, "same"); }},
    {R"(convolve(a[:2], c, "same"))", [](const X& x) { return convolve(x.a(slice(0, 2)), x.c, "same"); }},
    {R"(convolve(a, c, "valid"))", [](const X& x) { return convolve(x.a, x.c, "valid"); }},
    {"convolve(n, n)", [](const X& x) { return convolve(x.n, x.n); }},
    {"tri(3)", [](const X& x) { return tri(3, {}, 0, x.a.dtype()); }},
    {"tri(2, 4, 1)", [](const X& x) { return tri(2, 4, 1, x.a.dtype()); }},
    {"tril_indices(4)[0]", [](const X&) { return tril_indices(4)[0]; }},
    {"tril_indices(3, -1, 5)[1]", [](const X&) { return tril_indices(3, -1, 5)[1]; }},
    {"triu_indices(3, 1)[0]", [](const X&) { return triu_indices(3, 1)[0]; }},
    {"triu_indices(4)[1]", [](const X&) { return triu_indices(4)[1]; }},
    {"one_hot(i, 3)", [](const X& x) { return one_hot(x.i, 3, x.a.dtype()); }},
    {"block_diag(A, B, a)", [](const X& x) { return block_diag({x.A, x.B, x.a}); }},
    {"array([a, b])", [](const X& x) { return array({x.a, x.b}); }},
    {"array([[a, b], [b, a]])", [](const X& x) { return array({{x.a, x.b}, {x.b, x.a}}); }},
    {"pad(a, (1, 2))", [](const X& x) { return pad(x.a, {1, 2}); }},
    {R"(pad(A, 2, mode="edge"))", [](const X& x) { return pad(x.A, 2, "edge"); }},
    {R"(pad(a, ((5, 4),), mode="reflect"))", [](const X& x) { return pad(x.a, {{5, 4}}, "reflect"); }},
    {R"(pad(s[None], 2, mode="reflect"))", [](const X& x) { return pad(x.s(newaxis), 2, "reflect"); }},
    {R"(pad(a, ((5, 4),), mode="symmetric"))", [](const X& x) { return pad(x.a, {{5, 4}}, "symmetric"); }},
    {R"(pad(A, ((1, 2), (0, 7)), mode="wrap"))", [](const X& x) { return pad(x.A, {{1, 2}, {0, 7}}, "wrap"); }},
    {R"(pad(a, 1, mode="constant"))", [](const X& x) { return pad(x.a, 1, "constant"); }},
    {"roll(u, (1, -2), (0, 2))", [](const X& x) { return roll(x.u, {1, -2}, {0, 2}); }},
    {"repeat(a, [1, 0, 2])", [](const X& x) { return repeat(x.a, array({1, 0, 2})); }},
    {"repeat(A, n % 3, 0)", [](const X& x) { return repeat(x.A, x.n % 3, 0); }},
    {"top_k(A, 2)[0]", [](const X& x) { return top_k(x.A, 2).values; }},
    {"top_k(A, 2)[1]", [](const X& x) { return top_k(x.A, 2).indices; }},
    {"flip(sort(A, 0), 0)", [](const X& x) { return sort(x.A, 0, true); }},
    {"2 - flip(argsort(flip(n % 2)), 0)", [](const X& x) { return argsort(x.n % 2, 0, true); }},
    {"split(c, [2])[1]", [](const X& x) { return split(x.c, {2})[1]; }},
    {R"(at(c, j % 2, "divide", 1.5))", [](const X& x) { return x.c.at(x.j % 2).divide(1.5); }},
    {R"(at(c, j % 2, "power", 2))", [](const X& x) { return x.c.at(x.j % 2).power(2.0); }},
    {"logsumexp(A, axis=1, b=c)", [](const X& x) { return logsumexp(x.A, 1, false, x.c); }},
    {"logsumexp(edge[:8], b=edge[:8] < 0)",
     [](const X& x) { return logsumexp(x.edge(slice(0, 8)), {}, false, x.edge(slice(0, 8)) < 0); }},
    {"expit(a)", [](const X& x) { return special::expit(x.a); }},
    {"i0(a)", [](const X& x) { return special::i0(x.a); }},
    {"i0(edge[:6])", [](const X& x) { return special::i0(x.edge(slice(0, 6))); }},
    {"i1(a)", [](const X& x) { return special::i1(x.a); }},
    {"i1(edge[:6])", [](const X& x) { return special::i1(x.edge(slice(0, 6))); }},
    {"entr(c)", [](const X& x) { return special::entr(x.c); }},
    {"entr(edge)", [](const X& x) { return special::entr(x.edge); }},
    {"ndtr(a)", [](const X& x) { return special::ndtr(x.a); }},
    {"ndtr(edge)", [](const X& x) { return special::ndtr(x.edge); }},
    {"log_ndtr(a)", [](const X& x) { return special::log_ndtr(x.a); }},
    {"log_ndtr(20*a)", [](const X& x) { return special::log_ndtr(20 * x.a); }},
    {"log_ndtr(edge)", [](const X& x) { return special::log_ndtr(x.edge); }},
    {"beta(c, 1.5)", [](const X& x) { return special::beta(x.c, 1.5); }},
    {"betaln(40*c, c)", [](const X& x) { return betaln(40 * x.c, x.c); }},
    {"betaln(c, 20*c[::-1])", [](const X& x) { return betaln(x.c, 20 * x.c(slice(end, end, -1))); }},
    {"norm(u, inf, (2, 0))", [](const X& x) { return linalg::norm(x.u, inf, {2, 0}); }},
};

const Json& table() {
  static const Json t = numpy_table::read("function_table.json");
  return t;
}

// One test for each call, so that a row of the table which none repeats is seen, and a call that is not in the table.
template <class F> void for_each_call(F&& check) {
  std::map<std::string, Json> rows;
  for (const Json& row : table()["rows"]) rows[row["text"]] = row;
  for (const Call& call : calls) {
    SCOPED_TRACE(call.text);
    const auto row = rows.find(call.text);
    if (row == rows.end()) {
      ADD_FAILURE() << "the table has no such row";
      continue;
    }
    try {
      check(row->second, [&](const Values& at) { return call.f(X(at)); });
    } catch (const Error& e) { ADD_FAILURE() << e.what(); }
    rows.erase(row);
  }
  for (const auto& [text, row] : rows) ADD_FAILURE() << "no call is " << text;
}

// What the headers declare stands in a row of one of the two tables.
TEST(NumPy, EveryFunctionOfTheHeadersIsCompared) {
  std::set<std::string> words = {"pow", "stddev"};  // power and std
  for (const char* file : {"formula_table.json", "function_table.json"}) {
    const Json rows = numpy_table::read(file);
    for (const Json& row : rows["rows"]) {
      const std::string text = row["text"];
      const std::regex word("[a-z_][a-z_0-9]*");
      for (std::sregex_iterator at(text.begin(), text.end(), word), end; at != end; ++at) words.insert(at->str());
    }
  }
  int functions = 0;
  const std::regex declaration(R"(^(?:template .*)?(?:Array|std::vector<Array>|Slogdet|Qr|Svd|Eigh|Lstsq) (\w+)\()");
  for (const char* header :
       {"contract", "create", "elementwise", "indexing", "linalg", "reduce", "shaping", "sort", "statistics"}) {
    std::ifstream in(std::string(DINI_SOURCE_DIR "/dini/ops/") + header + ".hpp");
    bool detail = false;  // within a namespace of that name
    for (std::string line; std::getline(in, line);) {
      std::smatch found;
      if (line.rfind("namespace", 0) == 0) detail = line.find("detail {") != std::string::npos;
      if (line.rfind("}", 0) == 0) detail = false;
      if (detail || !std::regex_search(line, found, declaration)) continue;
      ++functions;
      EXPECT_TRUE(words.count(found[1])) << header << ".hpp: no row has " << found[1];
    }
  }
  EXPECT_GT(functions, 180);
}

TEST(NumPy, ValuesAreItsOwn) {
  const Values at = inputs(table());
  for_each_call([&](const Json& row, const Expression& f) { expect_value(row, f, at); });
}

TEST(NumPy, ValuesInFloat32) {
  const Values at = inputs(table(), float32);
  for_each_call([&](const Json& row, const Expression& f) { expect_value_of_floats(row, f, at, float32); });
}

TEST(NumPy, DtypesArePromoted) {
  const Values at = inputs(table());
  for_each_call([&](const Json& row, const Expression& f) {
    if (row.contains("mixed")) expect_promotion(row, f, at);
  });
}

TEST(NumPy, GradientsAreThoseOfDifferences) {
  const Values at = inputs(table()), single = inputs(table(), float32);
  for_each_call([&](const Json& row, const Expression& f) {
    if (!row.contains("gradient")) return;
    expect_gradients(row, f, at, 1e-9);
    expect_gradients(row, f, single, 1e-4);
  });
}

}  // namespace ops_numpy_test
}  // namespace dini
