"""What torch dispatches, computed by dini: the operations of ATen that functions written in torch come down to.

An entry is a function of arrays and of torch's other arguments, under the operation's name, which has the operation's parameters. Views
are in a table of their own (_aten_shapes.py). Operations that write in place are the same without the underscore. What has no entry is
taken apart by torch's decompositions.
"""
from __future__ import annotations

import math
from typing import Any, Callable

import torch
from torch._decomp import decomposition_table

from .. import _dini as D
from . import _aten_layers, _aten_shapes
from ._aten_types import array_of, common, dtype_name, floating, like_torch
from ._translate import Traced, Untranslatable, outside_of_transforms

Array = D.Array
Entry = Callable[[Any, Any, Any], Any]


def _add(a: Any, b: Any, *, alpha: Any = 1) -> Any:
    a, b = common(a, b)
    return a + b if alpha == 1 else a + alpha * b


def _sub(a: Any, b: Any, *, alpha: Any = 1) -> Any:
    a, b = common(a, b)
    return a - b if alpha == 1 else a - alpha * b


def _div(a: Any, b: Any, *, rounding_mode: str | None = None) -> Any:
    a, b = common(a, b)
    if rounding_mode == "floor":
        return D.floor_divide(a, b)
    q = floating(a) / floating(b)
    if rounding_mode == "trunc":
        q = D.trunc(q)
        return q if _is_floating(a) else q.astype(a.dtype)
    return q


def _is_floating(a: Any) -> bool:
    return not isinstance(a, Array) or str(a.dtype).startswith("float")


def _pow(a: Any, b: Any) -> Any:
    a, b = common(a, b)
    return D.power(a, b)


def _axes(dim: Any) -> Any:
    """None for all axes, which is torch's empty list as well."""
    if dim is None or (isinstance(dim, (list, tuple)) and len(dim) == 0):
        return None
    return tuple(dim) if isinstance(dim, (list, tuple)) else dim


def _sum(a: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    if dtype is not None:
        a = a.astype(dtype_name(dtype))
    elif not _is_floating(a):
        a = a.astype("int64")
    return D.sum(a, axis=_axes(dim), keepdims=keepdim)


def _mean(a: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    return D.mean(a if dtype is None else a.astype(dtype_name(dtype)), axis=_axes(dim), keepdims=keepdim)


def _prod(a: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    if dtype is not None or not _is_floating(a):
        a = a.astype("int64" if dtype is None else dtype_name(dtype))
    return D.prod(a, axis=_axes(dim), keepdims=keepdim)


def _safe_root(v: Any) -> Any:
    """√v, whose slope at 0 is taken for 0, as torch does for norms and standard deviations."""
    zero = v == 0
    return D.where(zero, 0.0, D.sqrt(D.where(zero, 1.0, v)))


def _var(a: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None) -> Any:
    if isinstance(dim, bool):  # (a, unbiased)
        dim, unbiased = None, dim
    ddof = correction if correction is not None else 1 if unbiased is None else int(unbiased)
    if ddof != int(ddof):
        raise Untranslatable("torch.var with a fraction for a correction")
    return D.var(a, axis=_axes(dim), keepdims=keepdim, ddof=int(ddof))


def _std(a: Any, *args: Any, **kwargs: Any) -> Any:
    return _safe_root(_var(a, *args, **kwargs))


def _vector_norm(a: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    axis = _axes(dim)
    if ord == 2:
        return _safe_root(D.sum(a * a, axis=axis, keepdims=keepdim))
    if ord == 1:
        return D.sum(_abs(a), axis=axis, keepdims=keepdim)
    if ord == math.inf:
        return D.max(_abs(a), axis=axis, keepdims=keepdim)
    if ord == -math.inf:
        return D.min(_abs(a), axis=axis, keepdims=keepdim)
    if ord == 0:
        return D.sum((a != 0).astype(a.dtype), axis=axis, keepdims=keepdim)
    total = D.sum(D.power(_abs(a), ord), axis=axis, keepdims=keepdim)
    zero = total == 0
    return D.where(zero, 0.0, D.power(D.where(zero, 1.0, total), 1.0 / ord))


def _norm(a: Any, p: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    return _vector_norm(a, 2 if p is None else p, dim, keepdim)


def _abs(a: Any) -> Any:
    return a * D.sign(a) if _is_floating(a) else D.abs(a)  # of 0 torch's derivative is 0


def _slope_at_a_bound() -> float:
    """Of torch.clamp with a number; torch has changed it."""
    with outside_of_transforms(), torch.inference_mode(False), torch.enable_grad():
        x = torch.zeros((), requires_grad=True)
        return torch.autograd.grad(torch.clamp(x, min=0.0), x)[0].item()


_BOUND_IS_IN = _slope_at_a_bound() == 1


def _clamp(a: Any, min: Any = None, max: Any = None) -> Any:
    """At a bound that is a number the slope is torch's; at one that is a tensor it is shared."""
    if isinstance(min, Array):
        a = D.maximum(*common(a, min))
    elif min is not None:
        a, min = common(a, min)
        a = D.where(a < min if _BOUND_IS_IN else a <= min, min, a)
    if isinstance(max, Array):
        a = D.minimum(*common(a, max))
    elif max is not None:
        a, max = common(a, max)
        a = D.where(a > max if _BOUND_IS_IN else a >= max, max, a)
    return a


def _along(name: str) -> Any:
    """max or min along a dimension, with indices: the derivative goes to the one that is found first."""
    find = getattr(D, "arg" + name)

    def along(a: Any, dim: int, keepdim: bool = False) -> Any:
        if a.ndim == 0:
            return a, D.zeros((), "int64")
        indices = D.expand_dims(find(a, axis=dim), dim)
        values = D.take_along_axis(a, indices, dim)
        return (values, indices) if keepdim else (D.squeeze(values, dim), D.squeeze(indices, dim))

    return along


def _arg(name: str) -> Any:
    find = getattr(D, "arg" + name)
    return lambda a, dim=None, keepdim=False: find(a, axis=dim, keepdims=keepdim) if dim is not None else find(D.ravel(a))


def _softmax(f: Any) -> Any:
    return lambda a, dim, half_to_float=False: f(a, dim)


def _softplus(a: Any, beta: Any = 1, threshold: Any = 20) -> Any:
    # Beyond the threshold torch goes on in a straight line.
    scaled = a * beta
    line = scaled > threshold
    return D.where(line, a, D.softplus(D.where(line, 0.0, scaled)) / beta)


def _gelu(a: Any, *, approximate: str = "none") -> Any:
    if approximate == "tanh":
        return 0.5 * a * (1 + D.tanh(0.7978845608028654 * (a + 0.044715 * a * a * a)))
    return 0.5 * a * (1 + D.erf(a * 0.7071067811865476))


def _elu(a: Any, alpha: Any = 1, scale: Any = 1, input_scale: Any = 1) -> Any:
    up = a > 0
    return D.where(up, a * scale, D.expm1(D.where(up, 0.0, a) * input_scale) * (alpha * scale))


def _where(condition: Any, a: Any, b: Any) -> Any:
    a, b = common(a, b)
    return D.where(condition, a, b)


def _addmm(c: Any, a: Any, b: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    product = D.matmul(a, b)
    product = product if alpha == 1 else alpha * product
    return product if beta == 0 else product + (c if beta == 1 else beta * c)


def _cumulative(f: Any) -> Any:
    def along(a: Any, dim: int, *, dtype: Any = None) -> Any:
        a = a.astype(dtype_name(dtype)) if dtype is not None else a if _is_floating(a) else a.astype("int64")
        return a if a.ndim == 0 else f(a, axis=dim)

    return along


def _topk(a: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    indices = _aten_shapes.views["slice"](D.argsort(a, axis=dim, descending=largest), dim, 0, k)
    return D.take_along_axis(a, indices, dim), indices


def _to_copy(a: Any, *, dtype: Any = None, **where: Any) -> Any:
    if where.get("device") is not None and where["device"].type != "cpu":
        raise Untranslatable(f"a copy to the device {where['device']}")
    return a if dtype is None else a.astype(dtype_name(dtype))


def _solve(A: Any, B: Any, *, left: bool = True, check_errors: bool = False) -> Any:
    def T(x: Any) -> Any:
        return D.swapaxes(x, -1, -2)

    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    if vector:
        x = D.linalg.solve(A, D.expand_dims(B, -1))[..., 0]
    else:
        x = D.linalg.solve(A, B) if left else T(D.linalg.solve(T(A), T(B)))
    return x, A, None, D.zeros(A.shape[:-2], "int32")


def _item(a: Any) -> Any:
    return a.item()


def _equal(a: Any, b: Any) -> bool:
    return a.shape == b.shape and bool(D.all(a == b))


def _unary(f: Any) -> Any:
    return lambda a: f(floating(a))


def _binary(f: Any) -> Any:
    return lambda a, b: f(*common(a, b))


def _float_binary(f: Any) -> Any:
    return lambda a, b: f(*(floating(x) for x in common(a, b)))


def _scalar_tensor(s: Any, *, dtype: Any = None, **_: Any) -> Any:
    return D.array(s, dtype_name(dtype if dtype is not None else torch.get_default_dtype()))


_table: dict[str, Any] = {
    **{name: _unary(getattr(D, name)) for name in (
        "sqrt", "rsqrt", "reciprocal", "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "sinh", "cosh",
        "tanh", "asin", "acos", "atan", "asinh", "acosh", "atanh", "sigmoid", "erf", "erfc", "erfinv", "digamma")},
    **{name: getattr(D, name) for name in ("sign", "floor", "ceil", "trunc", "isnan", "isinf", "isfinite", "relu", "logical_not")},
    **{name: _binary(getattr(D, name)) for name in (
        "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor", "logical_and", "logical_or", "logical_xor", "remainder")},
    **{name: _float_binary(getattr(D, name)) for name in ("hypot", "logaddexp", "copysign", "xlogy")
       if hasattr(D, name)},
    "lgamma": _unary(D.gammaln), "special_i0e": _unary(D.i0e), "special_i1e": _unary(D.i1e), "special_xlog1py": _float_binary(D.xlog1py),
    "special_ndtr": _unary(D.special.ndtr), "special_log_ndtr": _unary(D.special.log_ndtr), "special_entr": _unary(D.special.entr),
    "logit": lambda a, eps=None: D.logit(a if eps is None else _clamp(a, eps, 1 - eps)),
    "neg": D.negative, "abs": _abs, "sgn": D.sign, "square": D.square, "positive": lambda a: a,
    "round": lambda a, decimals=0: D.round(a, decimals), "frac": lambda a: a - D.trunc(a), "deg2rad": lambda a: a * (math.pi / 180),
    "bitwise_not": D.bitwise_not, "signbit": lambda a: a < 0,
    "add": _add, "sub": _sub, "rsub": lambda a, b, alpha=1: _sub(b, a, alpha=alpha), "mul": _binary(D.multiply), "div": _div,
    "true_divide": _div, "floor_divide": lambda a, b: _div(a, b, rounding_mode="floor"),
    "fmod": lambda a, b: a - b * D.trunc(a / b), "pow": _pow, "atan2": _float_binary(D.arctan2),
    "eq": _binary(D.equal), "ne": _binary(D.not_equal), "lt": _binary(D.less), "le": _binary(D.less_equal),
    "gt": _binary(D.greater), "ge": _binary(D.greater_equal),
    "addcmul": lambda a, b, c, value=1: a + value * b * c, "addcdiv": lambda a, b, c, value=1: a + value * b / c,
    "lerp": lambda a, b, w: a + w * (b - a),
    "clamp": _clamp, "clamp_min": lambda a, min: _clamp(a, min), "clamp_max": lambda a, max: _clamp(a, None, max),
    "hardtanh": lambda a, lo=-1, hi=1: D.where(a <= lo, float(lo), D.where(a >= hi, float(hi), a)),
    "leaky_relu": lambda a, slope=0.01: D.where(a > 0, a, a * slope), "threshold": lambda a, t, v: D.where(a <= t, v, a),
    "elu": _elu, "gelu": _gelu, "silu": lambda a: a * D.sigmoid(a), "softplus": _softplus, "mish": lambda a: a * D.tanh(D.softplus(a)),
    "log_sigmoid_forward": lambda a: (-D.softplus(-a), D.zeros(0, a.dtype)), "_prelu_kernel": lambda a, w: D.where(a > 0, a, a * w),
    "where": _where, "masked_fill": lambda a, mask, value: like_torch(D.where(mask, value, a), a),
    "sum": _sum, "mean": _mean, "prod": _prod, "var": _var, "std": _std, "linalg_vector_norm": _vector_norm, "norm": _norm,
    "var_mean": lambda a, *args, **kw: (_var(a, *args, **kw), _mean(a, args[0] if args else None, kw.get("keepdim", False))),
    "amax": lambda a, dim=(), keepdim=False: D.max(a, axis=_axes(dim), keepdims=keepdim),
    "amin": lambda a, dim=(), keepdim=False: D.min(a, axis=_axes(dim), keepdims=keepdim),
    "max": D.max, "min": D.min, "max.dim": _along("max"), "min.dim": _along("min"), "argmax": _arg("max"), "argmin": _arg("min"),
    "any": lambda a, dim=None, keepdim=False: D.any(a, axis=_axes(dim), keepdims=keepdim),
    "all": lambda a, dim=None, keepdim=False: D.all(a, axis=_axes(dim), keepdims=keepdim),
    "logsumexp": lambda a, dim, keepdim=False: D.logsumexp(a, axis=_axes(dim), keepdims=keepdim),
    "_softmax": _softmax(D.softmax), "_log_softmax": _softmax(D.log_softmax),
    "cumsum": _cumulative(D.cumsum), "cumprod": _cumulative(D.cumprod),
    "topk": _topk, "_trilinear": _aten_layers.trilinear,
    "sort": lambda a, dim=-1, descending=False: (D.sort(a, axis=dim, descending=descending), D.argsort(a, axis=dim, descending=descending)),
    "mm": D.matmul, "mv": D.matmul, "bmm": D.matmul, "dot": D.matmul, "vdot": D.matmul, "matmul": D.matmul, "addmm": _addmm, "addmv": _addmm,
    "baddbmm": _addmm, "addr": lambda c, a, b, beta=1, alpha=1: beta * c + alpha * D.outer(a, b),
    "linalg_inv_ex": lambda a, check_errors=False: (D.linalg.inv(a), D.zeros(a.shape[:-2], "int32")), "_linalg_solve_ex": _solve,
    "_linalg_det": lambda a: (D.linalg.det(a), a, D.zeros(a.shape[:-1], "int32")),
    "_linalg_slogdet": lambda a: (*D.linalg.slogdet(a), a, D.zeros(a.shape[:-1], "int32")),
    "linalg_cholesky_ex": lambda a, upper=False, check_errors=False: (
        D.swapaxes(D.cholesky(a), -1, -2) if upper else D.cholesky(a), D.zeros(a.shape[:-2], "int32")),
    "linalg_solve_triangular": lambda a, b, upper, left=True, unitriangular=False: _aten_layers.solve_triangular(a, b, upper, left, unitriangular),
    "linalg_cross": lambda a, b, dim=-1: D.moveaxis(D.cross(D.moveaxis(a, dim, -1), D.moveaxis(b, dim, -1)), -1, dim),
    "_linalg_check_errors": lambda info, name, is_matrix: None,  # (dini's have NaN where there is none)
    "clone": lambda a, memory_format=None: a, "contiguous": lambda a, memory_format=None: a, "lift_fresh_copy": lambda a: a,
    "_to_copy": _to_copy, "copy": lambda a, b, non_blocking=False: like_torch(b, a), "scalar_tensor": _scalar_tensor,
    "_has_same_storage_numel": lambda a, b: a.size == b.size,
    "_local_scalar_dense": _item, "item": _item, "is_nonzero": lambda a: bool(a.item()), "equal": _equal,
    **_aten_shapes.table, **_aten_layers.table,
}


# ---- Finding and calling an entry ---------------------------------------------------------------------------------------

def give(x: Any) -> Any:
    """What an entry returned, as torch's."""
    if isinstance(x, Array):
        return Traced(x.astype(x.dtype) if x.weak else x)
    if isinstance(x, (tuple, list)):
        return type(x)(give(v) for v in x)
    return x


def _take(x: Any) -> Any:
    if isinstance(x, torch.Tensor):
        return array_of(x)
    if isinstance(x, (tuple, list)):
        return type(x)(_take(v) for v in x)
    return x


def _plain(f: Any) -> Entry:
    def entry(func: Any, args: Any, kwargs: Any) -> Any:
        return give(f(*[_take(a) for a in args], **{k: _take(v) for k, v in kwargs.items()} if kwargs else {}))

    return entry


def _view(f: Any) -> Entry:
    def entry(func: Any, args: Any, kwargs: Any) -> Any:
        base, *rest = args
        base = base if isinstance(base, Traced) else Traced(array_of(base))
        taken = f(base.read(), *rest, **kwargs)
        if isinstance(taken, (list, tuple)):
            pieces = [lambda a, k=k: f(a, *rest, **kwargs)[k] for k in range(len(taken))]  # type: ignore[misc]
            return [Traced.viewing(base, piece) for piece in pieces]
        return Traced.viewing(base, lambda a: f(a, *rest, **kwargs))

    return entry


def _in_place(f: Any) -> Entry:
    def entry(func: Any, args: Any, kwargs: Any) -> Any:
        target = args[0]
        if not isinstance(target, Traced):
            raise Untranslatable(f"{func}: writes into a tensor that was not made by the function")
        value = f(*[_take(a) for a in args], **{k: _take(v) for k, v in kwargs.items()})
        target.write(like_torch(value, target.read()))
        return target

    return entry


def _view_in_place(f: Any) -> Entry:
    """squeeze_ and its like: the same numbers in another shape."""
    def entry(func: Any, args: Any, kwargs: Any) -> Any:
        target, *rest = args
        target.turn(lambda a: f(a, *rest, **kwargs))
        with torch._C._DisableTorchDispatch():
            func(target, *rest, **kwargs)
        return target

    return entry


def _decomposed(f: Any) -> Entry:
    return lambda func, args, kwargs: f(*args, **kwargs)


def _find(func: Any) -> Entry:
    name, overload = func._schema.name.split("::")[1], func._overloadname
    if func.namespace == "aten":
        if overload in ("out", "Scalar_out", "Tensor_out") or any(a.is_out for a in func._schema.arguments):
            raise Untranslatable(f"{func}: writes into out=")
        for key in (f"{name}.{overload}", name):
            if key in _aten_shapes.views:
                return _view(_aten_shapes.views[key])
            if key in _table:
                return _plain(_table[key])
        if name.endswith("_") and name[:-1] in _aten_shapes.views:
            return _view_in_place(_aten_shapes.views[name[:-1]])
        if name.endswith("_") and name[:-1] in _table:
            return _in_place(_table[name[:-1]])
    if torch.Tag.nondeterministic_seeded in func.tags:
        raise Untranslatable(f"torch's operation {func} draws other numbers at every call")
    if func.namespace == "prims":
        return _decomposed(func.impl_aten)
    if func in decomposition_table:
        return _decomposed(decomposition_table[func])
    if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"):
        return _decomposed(func.decompose)
    raise Untranslatable(f"torch's operation {func} has no translation")


_found: dict[Any, Entry] = {}


def dispatch(func: Any, args: Any, kwargs: Any) -> Any:
    entry = _found.get(func)
    if entry is None:
        entry = _found[func] = _find(func)
    return entry(func, args, kwargs)
