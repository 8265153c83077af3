"""The primitives of jax.lax as functions of dini's: a table, with what an entry takes beside arrays in its parameters.

A primitive without an entry, or with a parameter that its entry does not take and that is not in IGNORED, is not translated.
"""
from __future__ import annotations

import math

import numpy as np

import dini

from . import _windows
from ._refusal import dtype_name, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


# Parameters that say how to compute, not what.
IGNORED = {"accuracy", "precision", "sharding", "out_sharding", "weak_type", "indices_are_sorted", "unique_indices",
           "is_stable", "name", "algorithm", "implementation"}

# Those by which it is computed in another dtype than the operands': they are converted first.
COMPUTED_IN = ("out_dtype", "preferred_element_type")


def is_whole(x: Any) -> bool:
    return np.dtype(str(x.dtype)).kind == "i"


def is_bool(x: Any) -> bool:
    return str(x.dtype) == "bool"


# ---- Elementwise -----------------------------------------------------------------------------------------------------


def _div(a: Any, b: Any) -> Any:
    if not is_whole(a):
        return dini.divide(a, b)
    q = dini.floor_divide(dini.abs(a), dini.abs(b))  # towards zero, as in C
    return dini.where((a < 0) == (b < 0), q, -q)


def _rem(a: Any, b: Any) -> Any:
    size = dini.abs(b)
    return dini.where(a < 0, -dini.mod(-a, size), dini.mod(a, size))


def _round(x: Any, *, rounding_method: Any) -> Any:
    if int(rounding_method) == 1:
        return dini.round(x)
    whole = dini.trunc(x)
    return whole + dini.where(dini.abs(x - whole) >= 0.5, dini.sign(x), 0.0)


def _clamp(low: Any, x: Any, high: Any) -> Any:
    # On a bound the derivative is 0 by all three.
    still = dini.stop_gradient(x)
    return dini.where((low < x) & (x < high), x, dini.where(high < dini.maximum(low, still), high, dini.where(low > x, low, still)))


def _select_n(which: Any, *cases: Any) -> Any:
    if len(cases) == 1:
        return cases[0]
    if is_bool(which):
        return dini.where(which, cases[1], cases[0])
    out = cases[-1]
    for k in reversed(range(len(cases) - 1)):
        out = dini.where(which <= k, cases[k], out)
    return out


def _max(a: Any, b: Any) -> Any:
    return dini.logical_or(a, b) if is_bool(a) else dini.maximum(a, b)


def _min(a: Any, b: Any) -> Any:
    return dini.logical_and(a, b) if is_bool(a) else dini.minimum(a, b)


def _before(a: Any, b: Any) -> Any:
    """In the total order of floating numbers: -0 before 0, NaN last."""
    if is_whole(a):
        return a < b
    zeros = (a == 0) & (b == 0) & (dini.copysign(1.0, a) < 0) & (dini.copysign(1.0, b) > 0)
    return (a < b) | zeros | (~dini.isnan(a) & dini.isnan(b))


def _convert(x: Any, *, new_dtype: Any) -> Any:
    return dini.astype(x, dtype_name(np.dtype(new_dtype) if isinstance(new_dtype, type) else new_dtype))


def _bitcast(x: Any, *, new_dtype: Any) -> Any:
    if not is_whole(x) or np.dtype(new_dtype).name not in ("int32", "uint32"):
        refuse("of other than 32 whole bits")
    return dini.astype(x, dtype_name(np.dtype(new_dtype)))


def _reduce_precision(x: Any, *, exponent_bits: int, mantissa_bits: int) -> Any:
    info = np.finfo(str(x.dtype))
    return x if (exponent_bits, mantissa_bits) == (info.nexp, info.nmant) else refuse("fewer bits")


# ---- Shapes ----------------------------------------------------------------------------------------------------------


def broadcast_in_dim(x: Any, *, shape: Any, broadcast_dimensions: Any) -> Any:
    kept = [1] * len(shape)
    for axis, n in zip(broadcast_dimensions, x.shape):
        kept[axis] = n
    return dini.broadcast_to(dini.reshape(x, kept), shape)


def _reshape(x: Any, *, new_sizes: Any, dimensions: Any = None) -> Any:
    return dini.reshape(x, new_sizes) if dimensions is None else refuse("dimensions")


def _slice(x: Any, *, start_indices: Any, limit_indices: Any, strides: Any) -> Any:
    return x[tuple(map(slice, start_indices, limit_indices, strides or [1] * x.ndim))]


def _split(x: Any, *, sizes: Any, axis: int) -> Any:
    ends = np.cumsum(sizes)
    return [x[(slice(None),) * axis + (slice(int(end - n), int(end)),)] for n, end in zip(sizes, ends)]


def _iota(*, dtype: Any, shape: Any, dimension: int) -> Any:
    return broadcast_in_dim(dini.arange(shape[dimension]).astype(dtype_name(np.dtype(dtype))), shape=shape, broadcast_dimensions=(dimension,))


# ---- Sums and choices ------------------------------------------------------------------------------------------------


def _reduction(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, *, axes: f(x, axis=tuple(axes)) if len(axes) else x


def _arg(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, *, axes, index_dtype: f(x, axis=axes[0]).astype(dtype_name(np.dtype(index_dtype)))


def _cumulative(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, *, axis, reverse: dini.flip(f(dini.flip(x, axis), axis=axis), axis) if reverse else f(x, axis=axis)


def _running(f: Callable[..., Any]) -> Callable[..., Any]:
    def along(x: Any, axis: int) -> Any:
        if x.shape[axis] == 0:
            return x
        rows = dini.moveaxis(x, axis, 0)

        def body(carry: Any, row: Any) -> Any:
            carry = f(carry, row)
            return carry, carry

        rest = dini.scan(body, rows[0], rows[1:])[1]
        return dini.moveaxis(dini.concatenate([rows[:1], rest], 0), 0, axis)

    return _cumulative(along)


def _sort(*operands: Any, dimension: int, num_keys: int) -> Any:
    if len(operands) == 1:
        return [dini.sort(operands[0], axis=dimension)]
    for key in reversed(range(num_keys)):  # stable: the last key first
        order = dini.argsort(operands[key], axis=dimension)
        operands = tuple(dini.take_along_axis(a, order, axis=dimension) for a in operands)
    return list(operands)


def _top_k(x: Any, *, k: int, axis: int = -1) -> Any:
    if axis not in (-1, x.ndim - 1):
        refuse("another axis than the last")
    values, at = dini.top_k(x, k)
    return [values, at.astype("int32")]


# ---- Products and matrices -------------------------------------------------------------------------------------------


def _dot_general(a: Any, b: Any, *, dimension_numbers: Any) -> Any:
    (sum_a, sum_b), (batch_a, batch_b) = dimension_numbers
    if is_whole(a):
        refuse("whole numbers")
    if not batch_a and len(sum_a) == 1 and sum_a[0] == a.ndim - 1 and b.ndim <= 2 and sum_b[0] == 0:
        return dini.matmul(a, b)
    letters = iter("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    of_a, of_b = [""] * a.ndim, [""] * b.ndim
    for i, j in zip([*batch_a, *sum_a], [*batch_b, *sum_b]):
        of_a[i] = of_b[j] = next(letters)
    free_a, free_b = [i for i in range(a.ndim) if not of_a[i]], [j for j in range(b.ndim) if not of_b[j]]
    for i in free_a:
        of_a[i] = next(letters)
    for j in free_b:
        of_b[j] = next(letters)
    out = [of_a[i] for i in batch_a] + [of_a[i] for i in free_a] + [of_b[j] for j in free_b]
    return dini.einsum(f"{''.join(of_a)},{''.join(of_b)}->{''.join(out)}", a, b)


def _triangular_solve(a: Any, b: Any, *, left_side: bool, lower: bool, transpose_a: bool, conjugate_a: bool, unit_diagonal: bool) -> Any:
    if left_side:
        return dini.linalg.solve_triangular(a, b, lower=lower, trans=transpose_a, unit_diagonal=unit_diagonal)
    flipped = dini.linalg.solve_triangular(a, dini.swapaxes(b, -1, -2), lower=lower, trans=not transpose_a, unit_diagonal=unit_diagonal)
    return dini.swapaxes(flipped, -1, -2)


def _eigh(a: Any, *, lower: bool, sort_eigenvalues: bool, subset_by_index: Any = None) -> Any:
    if subset_by_index is not None:
        refuse("subset_by_index")
    values, vectors = dini.linalg.eigh(a)
    return [vectors, values]


def _svd(a: Any, *, full_matrices: bool, compute_uv: bool, subset_by_index: Any = None) -> Any:
    if subset_by_index is not None:
        refuse("subset_by_index")
    if not compute_uv:
        return [dini.linalg.svdvals(a)]
    u, s, vh = dini.linalg.svd(a, full_matrices=full_matrices)
    return [s, u, vh]


def _qr(a: Any, *, pivoting: bool, full_matrices: bool, use_magma: Any = None) -> Any:
    if pivoting:
        refuse("pivoting")
    return list(dini.linalg.qr(a, mode="complete" if full_matrices and a.shape[-2] > a.shape[-1] else "reduced"))


TABLE: dict[str, Callable[..., Any]] = {
    # The same name in dini.
    **{name: getattr(dini, name) for name in (
        "abs", "sign", "floor", "ceil", "exp", "exp2", "log", "expm1", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
        "asinh", "acosh", "atanh", "sqrt", "rsqrt", "cbrt", "square", "erf", "erfc", "digamma", "atan2", "stop_gradient")},
    "add": lambda a, b: dini.add(a, b),
    "add_any": lambda a, b: dini.add(a, b),
    "sub": lambda a, b: dini.subtract(a, b),
    "mul": lambda a, b: dini.multiply(a, b),
    "div": _div,
    "rem": _rem,
    "neg": lambda x: dini.negative(x),
    "max": _max,
    "min": _min,
    "pow": lambda x, y: dini.power(x, dini.astype(y, x.dtype)),
    "integer_pow": lambda x, *, y: dini.power(x, y),
    "logistic": lambda x: dini.sigmoid(x),
    "erf_inv": lambda x: dini.erfinv(x),
    "lgamma": lambda x: dini.gammaln(x),
    "bessel_i0e": lambda x: dini.i0e(x),
    "bessel_i1e": lambda x: dini.i1e(x),
    "nextafter": lambda a, b: dini.nextafter(a, b),
    "is_finite": lambda x: dini.isfinite(x),
    "round": _round,
    "eq": lambda a, b: dini.equal(a, b),
    "ne": lambda a, b: dini.not_equal(a, b),
    "lt": lambda a, b: dini.less(a, b),
    "le": lambda a, b: dini.less_equal(a, b),
    "gt": lambda a, b: dini.greater(a, b),
    "ge": lambda a, b: dini.greater_equal(a, b),
    "lt_to": _before,
    "le_to": lambda a, b: ~_before(b, a),
    "eq_to": lambda a, b: ~(_before(a, b) | _before(b, a)),
    "and": lambda a, b: dini.bitwise_and(a, b),
    "or": lambda a, b: dini.bitwise_or(a, b),
    "xor": lambda a, b: dini.bitwise_xor(a, b),
    "not": lambda x: dini.bitwise_not(x),
    "select_n": _select_n,
    "clamp": _clamp,
    "copy": lambda x: x,
    "copy_p": lambda x: x,
    "optimization_barrier": lambda *all: list(all),
    "device_put": lambda *all, devices, srcs, copy_semantics: list(all),
    "convert_element_type": _convert,
    "bitcast_convert_type": _bitcast,
    "reduce_precision": _reduce_precision,
    "broadcast_in_dim": broadcast_in_dim,
    "reshape": _reshape,
    "tile": lambda x, *, reps: dini.tile(x, tuple(reps)),
    "squeeze": lambda x, *, dimensions: dini.squeeze(x, tuple(dimensions)),
    "expand_dims": lambda x, *, dimensions: dini.expand_dims(x, tuple(dimensions)),
    "transpose": lambda x, *, permutation: dini.transpose(x, tuple(permutation)),
    "rev": lambda x, *, dimensions: dini.flip(x, tuple(dimensions)),
    "concatenate": lambda *all, dimension: dini.concatenate(all, dimension),
    "slice": _slice,
    "split": _split,
    "iota": _iota,
    "pad": _windows.pad,
    "dynamic_slice": _windows.dynamic_slice,
    "dynamic_update_slice": _windows.dynamic_update_slice,
    "gather": _windows.gather,
    **{primitive: _windows.scatter(method) for primitive, method in {
        "scatter": "set", "scatter-add": "add", "scatter_add": "add", "scatter-mul": "multiply", "scatter_mul": "multiply", "scatter_min": "min",
        "scatter-min": "min", "scatter_max": "max", "scatter-max": "max"}.items()},
    "conv_general_dilated": _windows.convolution,
    "reduce_window_sum": _windows.reduction("sum", 0.0),
    "reduce_window_max": _windows.reduction("max", -math.inf),
    "reduce_window_min": _windows.reduction("min", math.inf),
    "reduce_sum": _reduction(dini.sum),
    "reduce_max": _reduction(dini.max),
    "reduce_min": _reduction(dini.min),
    "reduce_prod": _reduction(dini.prod),
    "reduce_and": _reduction(dini.all),
    "reduce_or": _reduction(dini.any),
    "argmax": _arg(dini.argmax),
    "argmin": _arg(dini.argmin),
    "cumsum": _cumulative(dini.cumsum),
    "cumprod": _cumulative(dini.cumprod),
    "cummax": _running(dini.maximum),
    "cummin": _running(dini.minimum),
    "cumlogsumexp": _running(dini.logaddexp),
    "sort": _sort,
    "top_k": _top_k,
    "dot_general": _dot_general,
    "cholesky": lambda x, *, symmetrize_input=None: dini.linalg.cholesky(x),
    "triangular_solve": _triangular_solve,
    "eigh": _eigh,
    "svd": _svd,
    "qr": _qr,
}
