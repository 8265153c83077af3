"""dini.jax's table: every entry's value and derivatives against JAX's own, and what happens to what has no entry."""
import functools
import warnings

import numpy as np
import pytest

import dini

jax = pytest.importorskip("jax", reason="JAX is not installed: pip install jax")
pytest.importorskip("dini.jax", reason="dini was built without jaxlib beside it", exc_type=ImportError)
import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402

try:
    from jax.extend.core import jaxprs_in_params
except ImportError:  # before 0.10
    from jax.core import jaxprs_in_params

from dini.jax._table import TABLE  # noqa: E402
from dini.jax._translate import WHOLE  # noqa: E402


@pytest.fixture(autouse=True)
def wide():
    with jax.enable_x64(True):
        yield


def numbers(*shape, low=-2.0, high=2.0, seed=0):
    return np.random.default_rng(seed + 7 * len(shape)).uniform(low, high, shape)


X, Y, M, N = numbers(3, 4), numbers(3, 4, seed=1), numbers(4, 4), numbers(4, 4, seed=1)
POSITIVE, INNER = numbers(3, 4, low=0.2, high=3.0), numbers(3, 4, low=-0.9, high=0.9)
SYMMETRIC = M @ M.T + 4 * np.eye(4)
I = np.array([[2, 0], [1, 2]])
TIED = np.array([1.0, 3.0, 3.0, -1.0, 3.0])
IMAGE, KERNEL = numbers(2, 5, 6, 3), numbers(3, 2, 3, 4)

ELEMENTWISE = {
    "abs sign floor ceil exp exp2 expm1 sin cos tan sinh cosh tanh asinh atan cbrt square erf erfc logistic neg bessel_i0e bessel_i1e is_finite": X,
    "log log1p sqrt rsqrt lgamma digamma": POSITIVE,
    "asin acos atanh erf_inv": INNER,
    "acosh": POSITIVE + 1.0,
}
BINARY = "add sub mul div max min atan2 rem eq ne lt le gt ge"


@jax.custom_jvp
def kinked(x, k):
    return jnp.abs(x) * k


@kinked.defjvp
def _(primals, tangents):
    x, k = primals
    return kinked(x, k), jnp.where(x >= 0, 1.0, -1.0) * tangents[0] * k  # at 0 it is 1, and nothing by k


@jax.custom_vjp
def clipped(x, s):
    return jnp.sin(x) * s


clipped.defvjp(lambda x, s: (clipped(x, s), (x, s)), lambda kept, ct: (jnp.clip(ct * kept[1], -0.1, 0.1) * jnp.cos(kept[0]), None))

@jax.custom_vjp
def rounded(x, s):
    return jnp.round(x) * s


rounded.defvjp(lambda x, s: (rounded(x, s), s), lambda s, ct: (ct * s, jnp.sum(ct)))  # as if it were x


ROWS = [
    *((name, getattr(lax, name), (at,)) for names, at in ELEMENTWISE.items() for name in names.split()),
    *((name, getattr(lax, name), (X, Y)) for name in BINARY.split()),
    ("nextafter", lambda x, y: lax.nextafter(lax.stop_gradient(x), lax.stop_gradient(y)), (X, Y)),
    ("rem of whole numbers", lax.rem, (np.array([7, -7, 7, -7]), np.array([3, 3, -3, -3]))),
    ("div of whole numbers", lax.div, (np.array([7, -7, 7, -7]), np.array([3, 3, -3, -3]))),
    ("pow", lax.pow, (POSITIVE, Y)),
    ("pow by whole numbers", lax.pow, (X, np.full((3, 4), 3))),
    ("integer_pow", lambda x: x**3 + x**-2, (X,)),
    ("max at ties", jnp.maximum, (TIED, np.full(5, 3.0))),
    ("max and min of flags", lambda x, y: jnp.where(lax.max(x > 0, y > 0) & ~lax.min(x > 0, y > 0), x, y), (X, Y)),
    ("abs at 0", jnp.abs, (np.array([0.0, -0.0, 1.0]),)),
    ("round", lambda x: lax.round(4 * x, lax.RoundingMethod.AWAY_FROM_ZERO) + lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN), (np.array([0.5, -0.625, 1.5, 2.4]),)),
    ("and or xor not", lambda a, b: (a & b) + 3 * (a | b) + 5 * (a ^ b) + ~a, (np.array([6, 3]), np.array([5, -1]))),
    ("whole numbers without a sign", lambda i: (lax.bitcast_convert_type(i, "uint32") * np.uint32(3000000000) - np.uint32(7)).astype("float64") + (
        ~i.astype("uint8") + lax.bitcast_convert_type(i.astype("uint32"), "int32") // 2), (np.array([5, -3, 2**31 - 1], "int32"),)),
    ("lt_to le_to", lambda x: jnp.searchsorted(np.array([-1.0, -0.0, 0.0, 2.0, np.inf, np.nan]), x) + 10 * jnp.searchsorted(
        np.array([-1.0, 0.0, 2.0, 2.0]), x, side="right"), (np.array([-0.0, 0.0, 2.0, np.nan, -5.0, 3.0]),)),
    ("clamp", lambda x, a, b: lax.clamp(a, x, b) * jnp.clip(x, a, b), (np.array([-2.0, -1.0, 0.3, 1.0, 2.0]), -np.ones(5), np.ones(5))),
    ("clamp of crossed bounds", lambda x: lax.clamp(1.0, x, -1.0), (X,)),
    ("select_n", lambda a, b, c: lax.select_n(np.array([2, 0, 1, 1]), a, b, c), (M[0], M[1], M[2])),
    ("where", lambda x, y: jnp.where(x > y, x * y, y), (X, Y)),
    ("stop_gradient", lambda x: x * lax.stop_gradient(x), (X,)),
    ("copy", lambda x: jnp.copy(x) * x, (X,)),
    ("optimization_barrier", lambda x: lax.optimization_barrier(x * x), (X,)),
    ("device_put", lambda x: jax.device_put(x) * 2, (X,)),
    ("convert_element_type", lambda x: (3 * x).astype("int32").astype("float64") + x.astype("float32") + (x > 0).astype("float64"), (X,)),
    ("reduce_precision", lambda x: lax.reduce_precision(x, 11, 52), (X,)),
    ("broadcast_in_dim", lambda x: lax.broadcast_in_dim(x, (2, 3, 5, 4), (1, 3)), (X,)),
    ("reshape squeeze expand", lambda x: jnp.squeeze(jnp.expand_dims(x.reshape(2, 6), 1), 1) ** 2, (X,)),
    ("transpose rev", lambda x: x.T[::-1] * jnp.arange(3.0), (X,)),
    ("concatenate", lambda x, y: jnp.concatenate([x, y**2, x], axis=1), (X, Y)),
    ("slice", lambda x: lax.slice(x, (0, 1), (3, 4), (2, 2)) ** 2, (X,)),
    ("split", lambda x: jnp.split(x, [1, 3], axis=1)[1] ** 2, (X,)),
    ("iota", lambda x: x * lax.broadcasted_iota("float64", (3, 4), 1), (X,)),
    ("tile", lambda x: jnp.tile(x, (2, 3)) ** 2, (X,)),
    ("pad", lambda x, v: lax.pad(x, v, ((1, 2, 0), (-1, 1, 2))), (X, 3.0)),
    ("pad by negative numbers", lambda x: lax.pad(x, 0.0, ((-1, -1, 0), (2, -3, 1))), (X,)),
    ("dynamic_slice", lambda x, i: lax.dynamic_slice(x, (i, 1), (2, 2)) ** 2, (X, 2)),
    ("dynamic_update_slice", lambda x, y, i: lax.dynamic_update_slice(x, y[:2, :2], (i, -2)) ** 2, (X, Y, 5)),
    ("gather of rows", lambda x: x[I] ** 2, (X,)),
    ("gather of columns", lambda x: x[:, I] ** 2, (X,)),
    ("gather of points", lambda x, i: x[i, i + 1] ** 2, (X, np.array([0, 2, 1]))),
    ("gather of windows", lambda x, i: jax.vmap(lambda k: lax.dynamic_slice(x, (k, 0), (2, 3)))(i), (X, np.array([0, 1, 1]))),
    ("gather from outside", lambda x, i: jnp.nan_to_num(x.at[i].get(mode="fill"), nan=7.0) + x.at[i].get(mode="clip"), (X, np.array([0, 5, -9]))),
    ("gather with batches", lambda x, i: jnp.take_along_axis(x, i, axis=1) ** 2, (X, np.array([[0, 1], [3, 3], [2, 0]]))),
    ("gather with wrapped indices", lambda x, i: x[i], (X, np.array([-1, 0, -3]))),
    ("scatter", lambda x, y: x.at[1].set(y[0]) * x, (X, Y)),
    ("scatter of columns", lambda x, y, i: x.at[:, i].set(y[:, :2]) * x, (X, Y, np.array([3, 0]))),
    ("scatter_add", lambda x, y, i: x.at[i].add(y[:2], mode="drop") * x, (X, Y, np.array([1, 1]))),
    ("scatter_add outside", lambda x, y, i: x.at[i].add(y[:2]) * x, (X, Y, np.array([1, 8]))),
    ("scatter_mul", lambda x, y, i: x.at[i, i].multiply(y[0, :2], unique_indices=True), (X, Y, np.array([1, 2]))),
    ("scatter_min scatter_max", lambda x, y, i: x.at[i].min(y[:2]) * x.at[i].max(y[:2]), (X, Y, np.array([1, 2]))),
    ("conv_general_dilated", lambda x, k: lax.conv_general_dilated(x, k, (2, 1), [(1, 2), (0, 1)], dimension_numbers=("NHWC", "HWIO", "NHWC")), (IMAGE, KERNEL)),
    ("convolution, dilated, in groups", lambda x, k: lax.conv_general_dilated(
        x, k, (1, 1), [(0, 0), (1, 0)], (2, 1), (1, 2), ("NHWC", "HWIO", "NCHW"), feature_group_count=3), (IMAGE, numbers(3, 2, 1, 6))),
    ("reduce_window_sum", lambda x: lax.reduce_window(x, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "SAME") ** 2, (IMAGE,)),
    ("reduce_window_max", lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 1, 2, 1), "VALID"), (IMAGE,)),
    ("reduce_window_min", lambda x: lax.reduce_window(x, jnp.inf, lax.min, (1, 3, 2, 1), (1, 2, 2, 1), "SAME"), (IMAGE,)),
    ("reduce_sum reduce_prod", lambda x: jnp.sum(x, 1) * jnp.prod(x, axis=(0, 1)), (X,)),
    ("reduce_max at ties", jnp.max, (TIED,)),
    ("reduce_min", lambda x: jnp.min(x, axis=0), (X,)),
    ("reduce_and reduce_or", lambda x: x * (jnp.all(x > -2) & jnp.any(x > 1)), (X,)),
    ("argmax argmin", lambda x: x[0] * jnp.argmax(x, 0) + jnp.argmin(x), (X,)),
    ("cumsum cumprod", lambda x: jnp.cumsum(x, 0) * lax.cumsum(x, 1, reverse=True) + lax.cumprod(x, 1, reverse=True), (X,)),
    ("cummax cummin", lambda x: lax.cummax(x, 1) * lax.cummin(x, 0, reverse=True), (X,)),
    ("cumlogsumexp", lambda x: lax.cumlogsumexp(x, 1), (X,)),
    ("sort", lambda x: jnp.sort(x, 0) * jnp.arange(4.0), (X,)),
    ("sort of several", lambda x, y: lax.sort((x, y), dimension=1, num_keys=1)[1] * x, (X, Y)),
    ("sort by two keys", lambda y: lax.sort((np.array([1, 0, 1, 0]), y, 2 * y), num_keys=2)[2], (M[0],)),
    ("argsort", lambda x: x[jnp.argsort(x[:, 0])] ** 2, (X,)),
    ("top_k", lambda x: lax.top_k(x, 2)[0] * lax.top_k(x, 2)[1], (X,)),
    ("dot_general", lambda x, y: x @ y.T + jnp.dot(x[0], y[1]), (X, Y)),
    ("dot_general with batches", lambda a, b: jnp.einsum("bij,bkj->kbi", a, b), (numbers(2, 3, 4), numbers(2, 5, 4))),
    ("dot_general in another dtype", lambda a, b: lax.dot(a.astype("float32"), b.astype("float32"), preferred_element_type="float64"), (M, N)),
    ("tensordot", lambda a, b: jnp.tensordot(a, b, axes=([0, 1], [1, 0])), (M, N)),
    ("cholesky", lambda a: jnp.linalg.cholesky(a), (SYMMETRIC,)),
    ("triangular_solve", lambda a, b: lax.linalg.triangular_solve(a, b, left_side=True, lower=True) + lax.linalg.triangular_solve(a, b, transpose_a=True), (M + 4 * np.eye(4), N)),
    ("eigh", lambda a: jnp.linalg.eigh(a)[0] + jnp.abs(jnp.linalg.eigh(a)[1]) @ jnp.arange(4.0), (SYMMETRIC,)),
    ("svd", lambda a: jnp.linalg.svd(a, compute_uv=False) * jnp.sum(jnp.abs(jnp.linalg.svd(a)[0])), (M,)),
    ("qr", lambda a: jnp.abs(jnp.linalg.qr(a)[1]), (M,)),
    ("solve", lambda a, b: jnp.linalg.solve(a, b[:, 0]) @ jnp.linalg.solve(a.T, b), (M + 4 * np.eye(4), N)),
    ("custom_jvp", lambda x: kinked(x, 2.0) * x + kinked(jnp.sin(x), x), (np.array([0.0, 1.0, -2.0]),)),
    ("custom_vjp", lambda x: clipped(x, 2.0) * 3.0 + clipped(x * x, 0.01), (X,)),
    ("custom_vjp that is linear", lambda x: rounded(x, 2.0) * x + rounded(3.0, x[0, 0]), (X,)),
    ("logaddexp at a tie", lambda x, y: jnp.logaddexp(x, y), (np.array([1.0, 2.0]), np.array([1.0, -3.0]))),
    ("relu at 0", jax.nn.relu, (np.array([0.0, 1.0, -1.0]),)),
    ("jax.nn", lambda x: jax.nn.gelu(x) + jax.nn.silu(x) + jax.nn.softplus(x) + jax.nn.softmax(x) + jax.nn.log_softmax(x, axis=0) + jax.nn.elu(x), (X,)),
    ("jax.nn, more", lambda x: jax.nn.logsumexp(x, 1) * jnp.sum(jax.nn.one_hot(jnp.argmax(x, 1), 4) * x) + jax.nn.standardize(x)[:, 0] + jax.nn.glu(x)[:, 0], (X,)),
    ("jnp", lambda x: jnp.std(x) + jnp.linalg.norm(x, axis=0) + jnp.var(x, 0) + jnp.median(x) + jnp.hypot(x[0], x[1]) + jnp.trace(x[:, :3]), (X,)),
    ("jnp, more", lambda x: jnp.interp(0.3, jnp.arange(4.0), x[0]) + jnp.roll(x, 1, 0) * jnp.tril(x) + jnp.sinc(x) + jnp.linalg.pinv(x).T, (X,)),
    ("jit", lambda x: jax.jit(lambda y, n: y * n)(x, 3.0), (X,)),
    ("checkpoint", lambda x: jax.checkpoint(lambda y: jnp.sin(y) * y)(x), (X,)),
    ("cond", lambda x: lax.cond(x[0, 0] > 0, jnp.sin, jnp.cos, x), (X,)),
    ("cond of three", lambda x, i: lax.switch(i, [jnp.sin, jnp.cos, lambda y: y * y], x), (X, 1)),
    ("scan", lambda w, x: lax.scan(lambda c, r: (jnp.tanh(w @ c + r), c * r), x[0], x, reverse=True)[1] * w, (M, N)),
    ("scan with a number", lambda x: lax.scan(lambda c, r: (c + 1, c * r), 0, x)[1], (X,)),
    ("fori_loop", lambda x: lax.fori_loop(0, 3, lambda k, y: jnp.sin(y) + k, x), (X,)),
    ("map", lambda x: lax.map(lambda r: r @ r, x), (X,)),
    ("associative_scan", lambda x: lax.associative_scan(jnp.multiply, x, axis=1), (X,)),
    ("vmap", lambda x, w: jax.vmap(lambda r: jnp.tanh(w @ r))(x), (X, M)),
    ("grad", lambda x: jax.grad(lambda y: jnp.sum(jnp.tanh(y) ** 3))(x), (X,)),
]


def seen(jaxpr, into):
    for equation in jaxpr.eqns:
        into.add(equation.primitive.name)
        for inner in jaxprs_in_params(equation.params):
            seen(inner, into)


def summed(f, xp):
    """All of its values in one number, each with a weight of its own."""
    def total(*args):
        out = f(*args)
        weights = np.cos(np.arange(out.size)).reshape(out.shape)
        return xp.sum(out * weights)

    return total


def moving(f, args):
    """The places of the arguments that the value has derivatives by."""
    places = [k for k, a in enumerate(args) if np.asarray(a).dtype.kind == "f"]
    return places if jax.eval_shape(f, *args).dtype.kind == "f" else []


QUICKLY = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


@functools.cache
def of_jax():
    """All values and gradients by JAX. Together: to compile one by one takes several times as long."""
    def of(f, args, places):
        return f(*args), jax.grad(summed(f, jnp), argnums=places)(*args) if places else ()

    return jax.jit(lambda all: [of(f, args, moving(f, given)) for (_, f, given), args in zip(ROWS, all)], compiler_options=QUICKLY)([args for _, _, args in ROWS])


@pytest.mark.parametrize("k", range(len(ROWS)), ids=[name for name, _, _ in ROWS])
def test_as_jax(k):
    _, f, args = ROWS[k]
    wanted, slopes = of_jax()[k]
    ours = dini.jax.translate(f)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is called that is not translated
        got = ours(*args)
    np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-12)
    assert str(got.dtype) == wanted.dtype.name
    if slopes:
        for slope, of_jax_too in zip(dini.grad(summed(ours, dini), argnums=moving(f, args))(*args), slopes):
            np.testing.assert_allclose(slope, of_jax_too, rtol=1e-8, atol=1e-10)


def test_every_entry_is_compared():
    met = set()
    for _, f, args in ROWS:
        seen(jax.make_jaxpr(f)(*args).jaxpr, met)
    other_names = {"add_any", "copy_p", "expand_dims", "scatter-mul", "scatter-min", "scatter-max", "scatter_add", "scatter-add", "scatter_mul",
                   "scatter_min", "scatter_max", "pjit", "closed_call", "core_call", "remat2", "custom_vjp_call_jaxpr", "while", "dini", "checkpoint", "eq_to", "tile"}
    assert {*TABLE, *WHOLE} - met - other_names == set()
