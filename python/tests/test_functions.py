"""The table's functions against NumPy and SciPy, and NumPy's own functions on dini's arrays; signatures."""
import inspect
import pathlib
import re

import numpy as np
import pytest
import scipy.linalg
import scipy.special
import scipy.stats

import dini

r = np.random.default_rng(1)
x, y = r.uniform(0.2, 0.8, (3, 4)), r.uniform(0.2, 0.8, (3, 4))
s = r.standard_normal((4, 4))
v = r.standard_normal(5)
p = s @ s.T + 4 * np.eye(4)
k = np.array([[2, 0, 1, 1], [0, 1, 2, 0], [1, 1, 0, 2]])

UNARY = """absolute abs sign square reciprocal sqrt cbrt negative positive exp exp2 expm1 log log1p log2 log10 sin cos tan arcsin arccos arctan
sinh cosh tanh arcsinh arctanh floor ceil trunc rint isfinite isnan isinf logical_not""".split()
BINARY = """add subtract multiply divide true_divide floor_divide mod remainder power maximum minimum hypot arctan2 copysign heaviside
logaddexp equal not_equal less less_equal greater greater_equal logical_and logical_or logical_xor""".split()
# Calls that mean the same for NumPy's and for dini's functions: F is the module, the rest are the arrays above.
CALLS = [f"F.{f}(x)" for f in UNARY] + [f"F.{f}(x, y)" for f in BINARY] + """
F.arccosh(1 + x)
F.bitwise_and(k, 3)
F.bitwise_or(k, 1)
F.bitwise_xor(k, 1)
F.invert(k)
F.bitwise_not(k)
F.bitwise_invert(k)
F.unravel_index(k, (2, 3))
F.conj(x)
F.conjugate(x)
F.asin(x)
F.acos(x)
F.atan(x)
F.asinh(x)
F.acosh(1 + x)
F.atanh(x)
F.atan2(x, y)
F.pow(x, y)
F.where(x > 0.5, x, y)
F.clip(x, 0.3, 0.6)
F.clip(x, None, 0.6)
F.round(10 * x, 1)
F.round(10 * x)
F.nan_to_num(F.where(x > 0.5, np.nan, x))
F.isclose(x, x + 1e-9)
F.allclose(x, y)
F.array_equal(x, x)
F.sum(x)
F.sum(x, 0)
F.sum(x, axis=(0, 1), keepdims=True)
F.sum(k, dtype=np.float32)
F.prod(x, axis=-1)
F.mean(x, 1)
F.var(x, axis=0, ddof=1)
F.std(x)
F.max(x, axis=1)
F.amax(x)
F.min(x, axis=0, keepdims=True)
F.amin(x)
F.any(k, axis=0)
F.all(k, axis=1)
F.nansum(x)
F.nanmean(x, axis=0)
F.nanmax(x)
F.nanmin(x, axis=1)
F.argmax(x)
F.argmin(x, axis=1)
F.count_nonzero(k, axis=0)
F.average(x, axis=1, weights=y)
F.median(x, axis=0)
F.quantile(x, 0.3)
F.quantile(x, [0.1, 0.5], axis=1)
F.cumsum(x)
F.cumsum(x, axis=1)
F.cumprod(x, axis=0)
F.diff(x)
F.diff(x, n=2, axis=1)
F.cov(x)
F.trapezoid(x)
F.trapezoid(v, dx=0.5)
F.interp(v, np.sort(v), v)
F.polyval(v, x)
F.convolve(v, x[0])
F.convolve(v, x[0], 'same')
F.sort(x)
F.sort(x, axis=0)
F.sort(x, axis=None)
F.argsort(x, axis=0)
F.reshape(x, (4, 3))
F.reshape(x, -1)
F.ravel(x)
F.broadcast_to(v, (2, 5))
F.expand_dims(x, 1)
F.expand_dims(x, (0, 2))
F.squeeze(x[:1])
F.atleast_1d(x)
F.atleast_2d(v)
F.atleast_3d(x)
F.transpose(x)
F.transpose(x, (1, 0))
F.moveaxis(x, 0, -1)
F.swapaxes(x, 0, 1)
F.concatenate([x, y])
F.concatenate((x, y), axis=1)
F.concatenate((x, y), axis=None)
F.stack([x, y], axis=-1)
F.vstack([x, y])
F.hstack((x, y))
F.column_stack([v, v])
F.block([[s, s], [s, s]])
F.flip(x)
F.flip(x, 1)
F.roll(v, 2)
F.roll(x, (1, 2), (0, 1))
F.tile(v, 2)
F.repeat(v, 2)
F.repeat(x, [1, 2, 0], axis=0)
F.pad(x, 1)
F.pad(x, ((1, 0), (0, 2)), constant_values=3.0)
F.pad(x, 1, mode='edge')
F.take(v, [0, 2])
F.take(x, [0, 2], axis=1)
F.take_along_axis(x, k[:, :2], axis=1)
F.searchsorted(np.sort(v), x)
F.tril(s)
F.triu(s, k=1)
F.diag(v)
F.diag(s, k=1)
F.diagonal(s)
F.trace(s)
F.dot(s, s)
F.matmul(x, s)
F.vdot(x, y)
F.inner(x, y)
F.outer(v, v)
F.kron(s, x)
F.cross(x[:, :3], y[:, :3])
F.tensordot(x, y.T, 1)
F.tensordot(x, y, axes=([1, 0], [1, 0]))
F.einsum('ij,kj->ik', x, y)
F.linalg.solve(p, v[:4])
F.linalg.inv(p)
F.linalg.det(p)
F.linalg.slogdet(p)
F.linalg.cholesky(p)
F.linalg.eigvalsh(p)
F.linalg.eigh(p)[0]
F.linalg.svd(x)[1]
F.linalg.svd(x, full_matrices=False)[1]
F.linalg.pinv(x)
F.linalg.lstsq(x.T, v[:4])[0]
F.linalg.matrix_power(p, 3)
F.linalg.multi_dot([x, s, y.T])
F.linalg.matrix_rank(p)
F.linalg.cond(p)
F.linalg.norm(x)
F.linalg.norm(x, axis=1)
F.linalg.norm(x, 1, axis=0)
F.linalg.norm(p, 'nuc')
F.linalg.norm(v, np.inf)
F.linalg.qr(p)[1] * F.sign(F.diag(F.linalg.qr(p)[1]))[:, None]
""".strip().split("\n")
MADE = """zeros((2, 3)) zeros(3,dtype='float32') ones(2) full(3,7.5) full((2,2),1) eye(3) eye(2,3,1) identity(2) tri(3) arange(5)
arange(2,9,3) arange(0.5,2.0,0.25) arange(3,dtype='float32') linspace(0,1,5) linspace(0,1,5,endpoint=False) tril_indices(3)
triu_indices(3,1)""".split("\n")


def close(got, want):
    if isinstance(want, (tuple, list)):
        assert len(got) == len(want)
        for g, w in zip(got, want):
            close(g, w)
        return
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape and np.allclose(got, want, rtol=1e-12, atol=1e-13, equal_nan=True)
    assert (got.dtype.kind in "fb") == (want.dtype.kind in "fb") or got.dtype.kind == want.dtype.kind


ARRAYS = {"x": x, "y": y, "s": s, "v": v, "p": p, "k": k, "np": np}


@pytest.mark.parametrize("call", CALLS)
def test_as_numpy(call):
    want = eval(call, {}, {**ARRAYS, "F": np})
    close(eval(call, {}, {**ARRAYS, "F": dini}), want)
    ours = {name: dini.array(a) if isinstance(a, np.ndarray) else a for name, a in ARRAYS.items()}
    close(eval(call, {}, {**ours, "F": dini}), want)
    # NumPy's own function on dini's arrays is dini's, with all that follows: it can be traced.
    got = eval(call, {}, {**ours, "F": np})
    first = got[0] if isinstance(got, (tuple, list)) else got
    assert isinstance(first, dini.Array) or call.startswith("F.nan_to_num(F.where") or "np.sort(v)" in call, call
    close(got, want)


@pytest.mark.parametrize("call", [c for line in MADE for c in line.replace("(2, 3)", "(2,3)").split()])
def test_creation(call):
    want = eval("np." + call)
    got = eval("dini." + call)
    close(list(got) if isinstance(want, tuple) else got, list(want) if isinstance(want, tuple) else want)
    if not isinstance(want, tuple):
        assert got.dtype == want.dtype


@pytest.mark.parametrize("name", ["erf", "erfc", "erfinv", "gammaln", "digamma", "psi", "i0e", "i1e", "i0", "i1", "logit", "expit", "entr", "ndtr", "log_ndtr"])
def test_special(name):
    got, want = getattr(dini.special, name)(x), getattr(scipy.special, name)(x)
    assert np.allclose(got, want, rtol=1e-12)
    if isinstance(getattr(scipy.special, name), np.ufunc):
        assert isinstance(getattr(scipy.special, name)(dini.array(x)), dini.Array)


@pytest.mark.parametrize("name", ["beta", "betaln", "xlogy", "xlog1py"])
def test_special_of_two(name):
    assert np.allclose(getattr(dini.special, name)(x, y), getattr(scipy.special, name)(x, y), rtol=1e-12)


def test_more():
    assert np.allclose(dini.logsumexp(x, axis=1), scipy.special.logsumexp(x, axis=1))
    assert np.allclose(dini.softmax(x), scipy.special.softmax(x, axis=-1))
    assert np.allclose(dini.linalg.expm(s), scipy.linalg.expm(s)) and np.allclose(dini.special.polygamma(2, x), scipy.special.polygamma(2, x))
    assert np.allclose(dini.linalg.solve_triangular(np.triu(p), v[:4]), scipy.linalg.solve_triangular(p, v[:4]))
    w, q = dini.linalg.eigh(p)
    assert np.allclose(q * w @ q.T, p) and dini.linalg.eigh(p).eigenvalues.tolist() == w.tolist()
    assert [a.tolist() for a in dini.split(np.arange(6), 3)] == [[0, 1], [2, 3], [4, 5]]
    assert [a.tolist() for a in dini.split(np.arange(6), [1, 4])] == [[0], [1, 2, 3], [4, 5]]
    assert dini.top_k(v, 2).values.tolist() == sorted(v.tolist(), reverse=True)[:2]
    assert [a.shape for a in dini.meshgrid([v, v[:2]])] == [(2, 5), (2, 5)]
    assert dini.one_hot([0, 2], 3).tolist() == [[1, 0, 0], [0, 0, 1]]


def test_random():
    key = dini.random.key(0)
    a, b = dini.random.split(key)
    assert dini.random.normal(a, (3,)).tolist() != dini.random.normal(b, (3,)).tolist()
    assert dini.random.normal(a, (3,)).tolist() == dini.random.normal(a, (3,)).tolist()
    u = dini.random.uniform(key, (1000,), minval=2.0, maxval=3.0)
    assert 2 <= u.min() and u.max() < 3 and abs(u.mean().item() - 2.5) < 0.05
    assert dini.random.randint(key, (10,), 0, 3).dtype == "int64" and dini.random.permutation(key, np.arange(5)).sum() == 10
    assert dini.random.choice(key, v, (3,), p=np.ones(5) / 5).shape == (3,) and dini.random.bernoulli(key, 0.5, (4,)).dtype == "bool"


def parameters(f):
    """Of a function of dini's, from the signature that its stub has."""
    text = f.__nb_signature__[0][0]
    ns = {}
    exec("from __future__ import annotations\n" + text + ": ...", ns)
    return inspect.signature(ns[f.__name__]).parameters


def test_signatures_are_numpys():
    """Every function that NumPy has takes NumPy's arguments under the same names, in the same order, as far as it goes."""
    compared = 0
    for space, theirs in ((dini._dini, np), (dini._dini.linalg, np.linalg)):
        for name in dir(space):
            f, g = getattr(space, name), getattr(theirs, name, None)
            if name.startswith("_") or not hasattr(f, "__nb_signature__") or g is None or isinstance(g, (np.ufunc, type)):
                continue
            if name in ("array", "asarray", "from_dlpack", "einsum", "block_diag", "broadcast_arrays", "meshgrid", "atleast_1d",
                        "atleast_2d", "atleast_3d", "astype", "arange", "dot", "where", "vdot", "inner", "concatenate", "pow", "solve", "inv",
                        "det", "slogdet", "cholesky", "norm", "cond", "matmul", "outer", "cross", "tensordot", "diagonal", "trace", "acos"):
                continue  # no signature in NumPy, or one of the Array API beside NumPy's older one
            ours = list(parameters(f))
            try:
                wanted = list(inspect.signature(g).parameters)
            except ValueError:
                continue
            compared += 1
            known = [n for n in ours if n in wanted]
            assert known == sorted(known, key=wanted.index), (name, ours, wanted)
            first = [n for n in wanted if inspect.signature(g).parameters[n].default is inspect.Parameter.empty
                     and inspect.signature(g).parameters[n].kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)]
            assert ours[:len(first)] == first, (name, ours, wanted)
    assert compared > 50


@pytest.mark.parametrize("call, error, text", [
    (lambda: dini.dot(x, x), dini.ShapeError, "dot"), (lambda: dini.sum("x"), dini.DtypeError, "sum: an array or a number is wanted, got 'x'"),
    (lambda: dini.reshape(x, (5, -1)), dini.ShapeError, "reshape"), (lambda: dini.sum(x, axis=2), dini.OutOfRangeError, "sum"),
    (lambda: dini.sum(x, axis=1.5), dini.DtypeError, "whole number"), (lambda: dini.sum(x, out=np.zeros(4)), TypeError, "immutable"),
    (lambda: dini.sum(x, axes=1), TypeError, "axes"), (lambda: dini.zeros(-1), dini.ShapeError, "negative"),
    (lambda: dini.linalg.solve(x, v), dini.ShapeError, "solve"), (lambda: dini.roll(x, (1, 2)), dini.ShapeError, "roll"),
])
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_where_dini_has_none():
    a = dini.array(v)
    assert np.allclose(np.fft.fft(a), np.fft.fft(v)) and np.histogram(a)[0].sum() == 5 and np.sinc(a).shape == (5,)
    out = np.zeros(5)
    assert np.add(a, 1.0, out=out) is out and np.allclose(out, v + 1)
    out += a
    assert isinstance(out, np.ndarray)
    assert np.allclose(np.add.reduce(dini.array(x)), x.sum(0)) and np.allclose(np.multiply.accumulate(a), np.cumprod(v))
    for f in (lambda t: dini.sum(np.sinc(t)), lambda t: np.spacing(t)[0], lambda t: np.fft.fft(t)[0], lambda t: np.add(t, 1.0, out=np.zeros(5)).sum()):
        for transformed in (dini.grad(f), dini.jit(f)):
            with pytest.raises(dini.TraceError, match="numpy"):
                transformed(v)


@pytest.mark.parametrize("call", [
    "np.around(10 * x, 1)", "np.append(v, v)", "np.append(x, y, axis=0)", "np.flipud(x)", "np.fliplr(x)", "np.ptp(x)", "np.ptp(x, axis=1)", "np.percentile(x, 30)",
    "np.percentile(x, [10, 60], axis=1)", "np.select([x < 0.3, x < 0.6], [x, 2 * x], 7.0)", "np.deg2rad(x)", "np.radians(x)", "np.rad2deg(x)", "np.degrees(x)",
    "np.fmax(x, y)", "np.fmin(x, y)", "np.fmod(7 * s, y[0])", "np.fmod(k, 2)", "np.copy(x)", "np.einsum('ij,kj->ik', x, y, optimize=True)", "np.cov(x, y)", "np.cov(v, v[::-1])",
    "np.cov(x, y, rowvar=False, bias=True)", "np.ravel(x, order='F')"])
def test_more_of_numpys(call):
    ours = {name: dini.array(a) if isinstance(a, np.ndarray) else a for name, a in ARRAYS.items()}
    want = eval(call, {}, ARRAYS)
    close(eval(call, {}, ours), want)
    close(dini.jit(lambda arrays: eval(call, {}, {**arrays, "np": np}))({n: a for n, a in ours.items() if n != "np"}), want)


def test_nan_in_fmax():
    a, b = np.array([np.nan, 1.0, np.nan]), np.array([2.0, np.nan, np.nan])
    for f in (np.fmax, np.fmin):
        close(f(dini.array(a), dini.array(b)), f(a, b))
    assert dini.grad(lambda a: np.fmod(a, 2.0))(-3.0) == 1 and np.copy(dini.array(v)).flags.writeable


def test_what_is_known_of_traced_values():
    def f(t):
        assert np.shape(t) == (3, 4) and np.ndim(t) == 2 and np.size(t) == 12 and np.size(t, 0) == 3
        assert np.result_type(t, np.float32(1)) == np.float64 and np.result_type(t[0, 0].astype("float32"), 2.0) == np.float32
        return np.sum(t)

    assert np.allclose(dini.grad(f)(x), 1) and dini.jit(f)(x) == dini.sum(x)


@pytest.mark.parametrize("f, text", [
    (lambda t: np.sum(t, where=np.ones(5, bool)), "numpy.sum: dini's has no option where"), (lambda t: np.max(t, initial=0.0), "numpy.max: dini's has no option initial"),
    (lambda t: scipy.special.gamma(t), "scipy.special.gamma: dini has no such function"), (lambda t: np.sinc(t), "numpy.sinc: dini has no such function"),
    (lambda t: np.fft.fft(t), "numpy.fft.fft: dini"), (lambda t: np.emath.sqrt(t), "sqrt: dini has no such function")])
def test_what_numpy_alone_has(f, text):
    f(dini.array(v))
    for transformed in (dini.jit(f), dini.grad(lambda t: f(t)[0])):
        with pytest.raises(dini.TraceError, match=text):
            transformed(v)


def test_another_packages_function_of_that_name():
    a = np.array([-1.0, 4.0])
    for f in (np.emath.sqrt, np.emath.log, lambda a: np.emath.power(a, 0.5)):
        assert np.allclose(f(dini.array(a)), f(a))
    assert np.isclose(np.linalg.outer(dini.array(v), dini.array(v)), np.outer(v, v)).all()


@pytest.mark.parametrize("call, texts", [
    (lambda: dini.random.key(1.5), ("::",)), (lambda: dini.random.normal(dini.ones(3)), ("::",)), (lambda: dini.ones(3).at[0].set(np.ones(2)), ("at()",)),
    (lambda: dini.root(lambda z: z, 0.0, deadline=-1.0), ("::",)), (lambda: dini.grad(lambda x: x)(2), ("float64)",)), (lambda: dini.jvp(lambda x: x, (2,), (1,)), ("float64)",)), (lambda: dini.dot(2.0, dini.ones(3)) @ 2.0, ("*(",))])
def test_messages_are_pythons(call, texts):
    with pytest.raises(dini.Error) as e:
        call()
    assert not any(t in str(e.value) for t in texts), e.value


def test_what_numpy_has_not():
    for name, want in (("rsqrt", 1 / np.sqrt(s**2)), ("sigmoid", scipy.special.expit(s**2)), ("softplus", np.logaddexp(0, s**2)), ("relu", s**2)):
        assert np.allclose(getattr(dini, name)(s**2), want, rtol=1e-12), name
    assert dini.relu(-x).max() == 0 and np.allclose(dini.log_softmax(x), scipy.special.log_softmax(x, axis=-1)) and np.allclose(dini.special.log_softmax(x), dini.log_softmax(x))
    assert np.array_equal(dini.block_diag([x, s]), scipy.linalg.block_diag(x, s))
    lower = np.linalg.cholesky(p)
    assert np.allclose(dini.linalg.cho_solve(lower, v[:4]), np.linalg.solve(p, v[:4]))


def test_random_numbers_are_those_that_they_should_be():
    key, n = dini.random.PRNGKey(3), 4000
    assert dini.random.key(3).tolist() == key.tolist()
    assert dini.random.fold_in(key, 1).tolist() != dini.random.fold_in(key, 2).tolist() != key.tolist()
    e, g = dini.random.exponential(key, (n,)).numpy(), dini.random.gumbel(key, (n,)).numpy()
    assert scipy.stats.kstest(e, "expon").pvalue > 0.01 and scipy.stats.kstest(g, "gumbel_r").pvalue > 0.01
    p3 = np.array([0.2, 0.5, 0.3])
    c = dini.random.categorical(key, np.log(p3), shape=(n,))
    assert np.allclose(np.bincount(c, minlength=3) / n, p3, atol=0.03)
    assert dini.random.bits(key, (n,)).shape == (n,)


@pytest.mark.parametrize("name, rho", [
    ("huber", lambda t: np.where(t <= 1, t, 2 * np.sqrt(t) - 1)), ("soft_l1", lambda t: 2 * (np.sqrt(1 + t) - 1)), ("cauchy", np.log1p),
    ("tukey", lambda t: np.where(t <= 1, (1 - (1 - np.minimum(t, 1)) ** 3) / 3, 1 / 3))])
def test_losses(name, rho):
    """The minimum is where that of the sum of w² ρ((r/w)²)/2 is, on a fine grid; the objective is that sum."""
    y, w = np.array([0.1, -0.2, 0.15, 3.0]), 0.7
    cost = lambda z: 0.5 * w**2 * rho(((z - y) / w) ** 2).sum()
    grid = np.linspace(-0.5, 0.5, 100001)
    best = grid[np.argmin([cost(z) for z in grid])]
    s = dini.least_squares(lambda z: z - y, 0.0, loss=getattr(dini, name)(w))
    assert s.value.item() == pytest.approx(best, abs=1e-5) and s.objective.item() == pytest.approx(cost(s.value.item()), rel=1e-9)


# Where a function of arrays is compared with something that is not the library, beside the calls above.
ELSEWHERE = {
    "test_array_api.py": """bitwise_left_shift bitwise_right_shift concat cumulative_prod cumulative_sum empty empty_like imag isin matrix_transpose nextafter nonzero permute_dims
        real signbit unique_all unique_counts unique_inverse unique_values unstack vecdot broadcast_arrays full_like ones_like zeros_like astype asarray linalg.matrix_norm
        linalg.vector_norm linalg.matrix_transpose linalg.vecdot linalg.svdvals linalg.cross linalg.diagonal linalg.trace linalg.outer linalg.matmul linalg.tensordot""",
    "test_array.py": "array from_dlpack",
    "test_formula.py": """project_affine project_ball project_box project_box_section project_halfspace project_polyhedron project_simplex standard_errors covariance""",
    "test_solve.py": "quadratic_program",
    "test_transforms.py": "cond switch",
}


def test_every_function_is_tested():
    """By its name, among the calls that are compared with NumPy or SciPy, or in the file that is said here."""
    here = open(__file__).read().split("ELSEWHERE")[0]
    called = set(re.findall(r"F\.((?:linalg\.)?\w+)\(", "\n".join(CALLS))) | {c.split("(")[0] for line in MADE for c in line.split()}
    called |= {name for _, names in re.findall(r"(parametrize\(\"name\", \[)([^\]]*)", here) for name in re.findall(r"\w+", names)}
    called |= set(re.findall(r"dini\.((?:linalg\.|random\.|special\.)?\w+)\(", here)) | set(re.findall(r"\(\"(\w+)\", ", here))
    elsewhere = set()
    for file, names in ELSEWHERE.items():
        text = (pathlib.Path(__file__).parent / file).read_text()
        elsewhere |= {name for name in names.split() if re.search(rf"\b{name.split('.')[-1]}\b", text)}
    every = {space + n for space, module in (("", dini._dini), ("linalg.", dini.linalg), ("special.", dini.special), ("random.", dini.random))
             for n, f in vars(module).items() if not n.startswith("_") and "ArrayLike" in str(getattr(f, "__nb_signature__", ""))}
    called |= {n.split(".")[-1] for n in called}  # (dini.solve is dini.linalg.solve)
    untested = {n for n in every if n not in called and n.split(".")[-1] not in called} - elsewhere
    assert not untested, sorted(untested)
