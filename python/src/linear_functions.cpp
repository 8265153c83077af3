// The table's products, linear algebra, special functions and random numbers.
#include "table.hpp"

namespace pydini {

namespace functions {

using namespace table;
using A = const Array&;
using OptionalDtype = std::optional<Dtype>;

void add_products(Table& t) {
  t.both(
      "dot(a, b)", "The product of vectors, matrices and stacks of them, as NumPy's dot.",
      +[](A a, A b) { return dini::dot(a, b); });
  t.add(
      "matmul(x1, x2)", "The matrix product, over stacks.", +[](A a, A b) { return dini::matmul(a, b); });
  t.add(
      "vdot(a, b)", "The sum of products of all elements.", +[](A a, A b) { return dini::vdot(a, b); });
  t.add(
      "inner(a, b)", "Products summed over the last axes.", +[](A a, A b) { return dini::inner(a, b); });
  t.add(
      "outer(a, b)", "All products of two vectors' elements.", +[](A a, A b) { return dini::outer(a, b); });
  t.add(
      "kron(a, b)", "The Kronecker product.", +[](A a, A b) { return dini::kron(a, b); });
  t.add(
      "cross(a, b)", "The cross product of vectors of three elements.", +[](A a, A b) { return dini::cross(a, b); });
  t.add(
      "tensordot(a, b, axes=2)", "Products summed over pairs of axes.",
      +[](nb::handle a, nb::handle b, nb::handle axes) -> nb::object {
        const Array x = to_array(a, "tensordot"), y = to_array(b, "tensordot");
        if (PyIndex_Check(axes.ptr())) return from_array(dini::tensordot(x, y, From<int>::get(axes, "tensordot")));
        nb::object pair = nb::steal(PySequence_Tuple(axes.ptr()));
        if (!pair.is_valid()) nb::raise_python_error();
        if (PyTuple_Size(pair.ptr()) != 2) throw dini::ShapeError("tensordot: axes has to be a number or a pair");
        auto list = [&](int k) { return From<dini::Axes>::get(PyTuple_GetItem(pair.ptr(), k), "tensordot"); };
        return from_array(dini::tensordot(x, y, std::pair(list(0), list(1))));
      });
}

void add_linalg(Table& t) {
  t.add(
      "solve(a, b)", "x with a x = b.", +[](A a, A b) { return dini::linalg::solve(a, b); });
  t.add(
      "inv(a)", "The inverse.", +[](A a) { return dini::linalg::inv(a); });
  t.add(
      "det(a)", "The determinant.", +[](A a) { return dini::linalg::det(a); });
  t.add(
      "slogdet(a)", "The determinant's sign, and the logarithm of its size.", +[](A a) {
        const auto r = dini::linalg::slogdet(a);
        return Named{"SlogdetResult(sign, logabsdet)", {r.sign, r.logabsdet}};
      });
  t.add(
      "solve_triangular(a, b, lower=False, trans=False, unit_diagonal=False)",
      "x with a x = b, a triangular; with trans aᵀ x = b.", +[](A a, A b, bool lower, bool trans, bool unit) {
        return dini::linalg::solve_triangular(a, b, lower, trans, unit);
      });
  t.add(
      "cholesky(a, upper=False)", "L, lower triangular, with L Lᵀ = a; or its transpose.", +[](A a, bool upper) {
        const Array l = dini::linalg::cholesky(a);
        return upper ? dini::swapaxes(l, -1, -2) : l;
      });
  t.add(
      "cho_solve(l, b)", "x with l lᵀ x = b.", +[](A l, A b) { return dini::linalg::cho_solve(l, b); });
  t.add(
      "qr(a, mode=\"reduced\")", "Q with orthonormal columns and R upper triangular, Q R = a.",
      +[](A a, const std::string& mode) {
        const auto r = dini::linalg::qr(a, mode);
        return Named{"QRResult(Q, R)", {r.q, r.r}};
      });
  t.add(
      "svd(a, full_matrices=True, compute_uv=True)", "The singular value decomposition U S Vh.",
      +[](A a, bool full, bool vectors) -> Named {
        if (!vectors) throw dini::ValueError("svd: for the singular values alone there is svdvals");
        const auto r = dini::linalg::svd(a, full);
        return {"SVDResult(U, S, Vh)", {r.u, r.s, r.vt}};
      });
  t.add(
      "svdvals(x)", "The singular values, the largest first.", +[](A a) { return dini::linalg::svdvals(a); });
  t.add(
      "eigh(a)", "Eigenvalues, the smallest first, and eigenvectors of a symmetric matrix.", +[](A a) {
        const auto r = dini::linalg::eigh(a);
        return Named{"EighResult(eigenvalues, eigenvectors)", {r.eigenvalues, r.eigenvectors}};
      });
  t.add(
      "eigvalsh(a)", "Eigenvalues of a symmetric matrix, the smallest first.",
      +[](A a) { return dini::linalg::eigvalsh(a); });
  t.add(
      "pinv(a, rcond=None, rtol=None)", "The pseudo-inverse; singular values below rtol of the largest are 0.",
      +[](A a, const std::optional<double>& r, const std::optional<double>& rtol) {
        return dini::linalg::pinv(a, rtol ? rtol : r);
      });
  t.add(
      "lstsq(a, b, rcond=None)", "The least-squares solution.", +[](A a, A b, const std::optional<double>& rcond) {
        const auto r = dini::linalg::lstsq(a, b, rcond);
        return Named{"LstsqResult(x, residuals, rank, s)", {r.x, r.residuals, r.rank, r.s}};
      });
  t.add(
      "expm(A)", "The matrix exponential.", +[](A a) { return dini::linalg::expm(a); });
  t.add(
      "matrix_power(a, n)", "A matrix to a whole power.",
      +[](A a, std::int64_t n) { return dini::linalg::matrix_power(a, n); });
  t.add(
      "multi_dot(arrays)", "The product of several matrices, in the cheapest order.",
      +[](const std::vector<Array>& a) { return dini::linalg::multi_dot(a); });
  t.add(
      "matrix_rank(A, tol=None, rtol=None)",
      "The number of singular values that are not 0: above tol, or above rtol of the largest.",
      +[](A a, const std::optional<double>& tol, const Maybe& rtol) -> Array {
        if (!rtol.a.defined()) return dini::linalg::matrix_rank(a, tol);
        const Array s = dini::linalg::svdvals(a);
        const Array least = dini::expand_dims(rtol.a * dini::max(s, -1), -1);
        return dini::count_nonzero(s > least, -1);
      });
  t.add(
      "cond(x, p=None)", "The condition number.", +[](nb::handle x, nb::handle p) -> nb::object {
        const Array a = to_array(x, "cond");
        if (p.is_none()) return from_array(dini::linalg::cond(a));
        if (PyUnicode_Check(p.ptr())) return from_array(dini::linalg::cond(a, nb::cast<std::string>(p)));
        return from_array(dini::linalg::cond(a, From<double>::get(p, "cond")));
      });
  t.add(
      "norm(x, ord=None, axis=None, keepdims=False)", "A norm of vectors or matrices, of all elements without an axis.",
      +[](nb::handle x, nb::handle ord, nb::handle axis, nb::handle keepdims) -> nb::object {
        const Array a = to_array(x, "norm");
        const ReduceAxes axes = From<ReduceAxes>::get(axis, "norm");
        const bool keep = From<bool>::get(keepdims, "norm");
        if (ord.is_none()) return from_array(axis.is_none() && !keep ? dini::norm(a) : dini::norm(a, 2.0, axes, keep));
        if (PyUnicode_Check(ord.ptr()))
          return from_array(dini::linalg::norm(a, nb::cast<std::string>(ord), axes, keep));
        return from_array(dini::linalg::norm(a, From<double>::get(ord, "norm"), axes, keep));
      });
}

void add_special(Table& t) {
  using Unary = Array (*)(const Array&);
  using Binary = Array (*)(const Array&, const Array&);
  namespace s = dini::special;
  const std::tuple<const char*, const char*, Unary> unary[] = {
      {"erf(x)", "The error function.", dini::erf},
      {"erfc(x)", "1 - erf(x).", dini::erfc},
      {"erfinv(x)", "The inverse of erf.", dini::erfinv},
      {"gammaln(x)", "The logarithm of |Γ(x)|.", dini::gammaln},
      {"digamma(x)", "The derivative of gammaln.", dini::digamma},
      {"i0e(x)", "The modified Bessel function I₀ times exp(-|x|).", dini::i0e},
      {"i1e(x)", "The modified Bessel function I₁ times exp(-|x|).", dini::i1e},
      {"i0(x)", "The modified Bessel function I₀.", s::i0},
      {"i1(x)", "The modified Bessel function I₁.", s::i1},
      {"logit(x)", "log(x/(1 - x)).", dini::logit},
      {"expit(x)", "1/(1 + e⁻ˣ).", s::expit},
      {"entr(x)", "-x log x.", s::entr},
      {"ndtr(x)", "The distribution function of the normal distribution.", s::ndtr},
      {"log_ndtr(x)", "Its logarithm.", s::log_ndtr},
  };
  for (const auto& [signature, doc, f] : unary) t.add(signature, doc, f);
  const std::tuple<const char*, const char*, Binary> binary[] = {
      {"polygamma(n, x)", "The n-th derivative of digamma.", dini::polygamma},
      {"beta(a, b)", "The beta function.", s::beta},
      {"betaln(a, b)", "The logarithm of the beta function.", dini::betaln},
      {"xlogy(x, y)", "x log y, 0 where x is 0.", dini::xlogy},
      {"xlog1py(x, y)", "x log(1 + y), 0 where x is 0.", dini::xlog1py},
  };
  for (const auto& [signature, doc, f] : binary) t.add(signature, doc, f);
  t.alias("psi", "digamma");
}

void add_random(Table& t) {
  namespace r = dini::random;
  t.add(
      "key(seed)", "The key of a seed.", +[](A seed) { return r::key(seed); });
  t.add(
      "split(key, num=2)", "Keys that have nothing to do with each other, from one.",
      +[](A key, std::int64_t n) { return r::split(key, n); });
  t.add(
      "fold_in(key, data)", "A key from a key and a number.", +[](A key, A data) { return r::fold_in(key, data); });
  t.add(
      "bits(key, shape=(), width=32)", "Random whole numbers of so many bits.",
      +[](A key, const Lengths& s, int w) { return r::bits(key, s, w); });
  t.add(
      "uniform(key, shape=(), dtype=None, minval=0.0, maxval=1.0)", "Uniform in [minval, maxval).",
      +[](A key, const Lengths& s, const OptionalDtype& d, A low, A high) {
        return r::uniform(key, s, d.value_or(Dtype::float64), low, high);
      });
  t.add(
      "normal(key, shape=(), dtype=None)", "The normal distribution.",
      +[](A key, const Lengths& s, const OptionalDtype& d) { return r::normal(key, s, d.value_or(Dtype::float64)); });
  t.add(
      "exponential(key, shape=(), dtype=None)", "The exponential distribution.",
      +[](A key, const Lengths& s, const OptionalDtype& d) {
        return r::exponential(key, s, d.value_or(Dtype::float64));
      });
  t.add(
      "gumbel(key, shape=(), dtype=None)", "The Gumbel distribution.",
      +[](A key, const Lengths& s, const OptionalDtype& d) { return r::gumbel(key, s, d.value_or(Dtype::float64)); });
  t.add(
      "categorical(key, logits, axis=-1, shape=None)", "Classes with probabilities softmax(logits).",
      +[](A key, A logits, int axis, const std::optional<Lengths>& s) { return r::categorical(key, logits, axis, s); });
  t.add(
      "randint(key, shape, minval, maxval, dtype=None)", "Whole numbers in [minval, maxval).",
      +[](A key, const Lengths& s, A low, A high, const OptionalDtype& d) {
        return r::randint(key, s, low, high, d.value_or(Dtype::int64));
      });
  t.add(
      "bernoulli(key, p=0.5, shape=None)", "True with probability p.",
      +[](A key, A p, const std::optional<Lengths>& s) { return r::bernoulli(key, p, s); });
  t.add(
      "permutation(key, x, axis=0)", "In random order.",
      +[](A key, A x, int axis) { return r::permutation(key, x, axis); });
  t.add(
      "choice(key, a, shape=(), replace=True, p=None)", "Elements of a, at random.",
      +[](A key, A a, const Lengths& s, bool replace, const Maybe& p) { return r::choice(key, a, s, replace, p.a); });
}

}  // namespace functions

void bind_linear_functions(nb::module_& m) {
  nb::class_<Array> c = nb::borrow<nb::class_<Array>>(m.attr("Array"));
  table::Table top(m, &c);
  functions::add_products(top);
  m.def(
      "einsum",
      [](const std::string& subscripts, nb::args operands) {
        std::vector<Array> arrays;
        for (nb::handle h : operands) arrays.push_back(to_array(h, "einsum"));
        return from_array(computing([&] { return dini::einsum(subscripts, arrays); }));
      },
      nb::arg("subscripts"), nb::arg("operands"), nb::sig("def einsum(subscripts: str, *operands: ArrayLike) -> Array"),
      "Products summed as the subscripts say: einsum(\"ij,jk->ik\", a, b).");
  nb::module_ linalg = m.def_submodule("linalg", "Linear algebra, with NumPy's names.");
  nb::module_ special = m.def_submodule("special", "Special functions, with SciPy's names.");
  nb::module_ random = m.def_submodule("random", "Random numbers from keys.");
  table::Table linalg_table(linalg), special_table(special), random_table(random);
  functions::add_linalg(linalg_table);
  functions::add_special(special_table);
  functions::add_random(random_table);
  random_table.alias("PRNGKey", "key");
  for (const char* name : {"solve", "inv", "det", "slogdet", "cholesky", "norm"}) m.attr(name) = linalg.attr(name);
  for (const char* name : {"erf", "erfc", "erfinv", "gammaln", "digamma", "polygamma", "i0e", "i1e", "logit", "betaln",
                           "xlogy", "xlog1py"})
    m.attr(name) = special.attr(name);
  for (const char* name : {"logsumexp", "softmax", "log_softmax"}) special.attr(name) = m.attr(name);
  for (const char* name : {"matmul", "outer", "tensordot"}) linalg.attr(name) = m.attr(name);
}

}  // namespace pydini
