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
    {R"(searchsorted(c, c, side="right"))", [](const X& x) { return searchsorted(x.c, x.c, true); }},
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
    {"meshgrid(a, c)[1]",
     [](const X& x) {
       return meshgrid({x.a, x.c})[1];
     }},
    {R"(meshgrid(a, c, indexing="ij")[0])",
     [](const X& x) {
       return meshgrid({x.a, x.c}, true)[0];
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
     [](const X& x) { return stop_gradient(abs(linalg::qr(x.A.T(), true).r)); }},
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
  for (const char* header : {"contract", "create", "elementwise", "indexing", "linalg", "reduce", "shaping", "sort"}) {
    std::ifstream in(std::string(DINI_SOURCE_DIR "/dini/ops/") + header + ".hpp");
    for (std::string line; std::getline(in, line);) {
      std::smatch found;
      if (!std::regex_search(line, found, declaration) || found[1] == "arange_integers") continue;
      ++functions;
      EXPECT_TRUE(words.count(found[1])) << header << ".hpp: no row has " << found[1];
    }
  }
  EXPECT_GT(functions, 150);
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
