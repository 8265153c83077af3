"""NumPy's own functions on dini's arrays: np.tanh(x) is dini.tanh(x).

Where dini has no such function, concrete arrays become NumPy's. Of a value that is followed there is nothing to give to NumPy: a
TraceError says so.
"""
from __future__ import annotations

import sys

from . import _dini
from ._dini import Array, TraceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_UFUNCS = {"left_shift": "bitwise_left_shift", "right_shift": "bitwise_right_shift", "fabs": "abs", "float_power": "power"}
_FUNCTIONS = {"permute_dims": "transpose", "array": None, "unique": None, "in1d": None, "empty_like": None}
_REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logical_and": "all", "logical_or": "any"}
_DEGREE = 3.141592653589793 / 180
_ACCUMULATIONS = {"add": "cumsum", "multiply": "cumprod"}


def _is_traced(x: Any) -> bool:
    if isinstance(x, Array):
        return not x.concrete
    if isinstance(x, (list, tuple)):
        return any(map(_is_traced, x))
    if isinstance(x, dict):
        return any(map(_is_traced, x.values()))
    return False


def _plain(x: Any) -> Any:
    if isinstance(x, Array):
        return x.numpy()
    if isinstance(x, (list, tuple)):
        items = [_plain(v) for v in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    if isinstance(x, dict):
        return {k: _plain(v) for k, v in x.items()}
    return x


def _name_of(f: Any, spaces: tuple[str, ...]) -> str:
    """A function's name with that of the package whose it is: of two of one name one may be meant alone."""
    for space in spaces:
        if getattr(sys.modules.get(space), f.__name__, None) is f:
            return f"{space}.{f.__name__}"
    return f"{getattr(f, '__module__', None) or 'numpy'}.{f.__name__}"


def _by_numpy(f: Any, name: str, args: Any, kwargs: Any, why: str = "dini has no such function") -> Any:
    if _is_traced(args) or _is_traced(kwargs):
        raise TraceError(f"{name}: {why}, and NumPy's own cannot be followed: neither differentiated nor "
                         "compiled. Write it with functions of dini or NumPy that docs/python.md lists, or call it outside.")
    return f(*_plain(args), **_plain(kwargs))


_found: dict[Any, Any] = {}  # dini's functions by NumPy's


def _find_ufunc(ufunc: Any) -> Any:
    name = ufunc.__name__
    f: Any = None
    if getattr(sys.modules["numpy"], name, None) is ufunc:
        f = _ALIASES.get(name) or getattr(_dini, _UFUNCS.get(name, name), None)
    elif getattr(sys.modules.get("scipy.special"), name, None) is ufunc:
        f = getattr(_dini.special, name, None) or getattr(_dini, name, None)
    if f is not None:
        _found[ufunc] = f
    return f


def _find_function(func: Any) -> Any:
    name, numpy = func.__name__, sys.modules["numpy"]
    f: Any = None
    if name.startswith("_"):
        pass
    elif getattr(numpy, name, None) is func:
        f = _ALIASES.get(name) or getattr(_dini, _FUNCTIONS.get(name, name) or "", None)
    elif getattr(numpy.linalg, name, None) is func:
        f = getattr(_dini.linalg, name, None)
    if f is not None:
        _found[func] = f
    return f


def _array_ufunc(self: Array, ufunc: Any, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
    if out is None:
        if method == "__call__" and not kwargs:
            f = _found.get(ufunc) or _find_ufunc(ufunc)
            if f is not None:
                return f(*inputs)
        name = ufunc.__name__
        if method == "reduce" and name in _REDUCTIONS and set(kwargs) <= {"axis", "keepdims"}:
            return getattr(_dini, _REDUCTIONS[name])(inputs[0], axis=kwargs.get("axis", 0), keepdims=kwargs.get("keepdims", False))
        if method == "accumulate" and name in _ACCUMULATIONS and set(kwargs) <= {"axis"}:
            return getattr(_dini, _ACCUMULATIONS[name])(inputs[0], axis=kwargs.get("axis", 0))
        return _by_numpy(getattr(ufunc, method), _name_of(ufunc, ("numpy", "scipy.special")), inputs, kwargs)
    if _is_traced(inputs):
        raise TraceError(f"numpy.{ufunc.__name__}: a value that is followed cannot be written into a NumPy array, where its derivative would be "
                         "lost: without out=, and without +=, it is a new array")
    return _by_numpy(getattr(ufunc, method), f"numpy.{ufunc.__name__}", inputs, dict(kwargs, out=out))


def _array_function(self: Array, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    name = func.__name__
    f = _found.get(func) or _find_function(func)
    if f is None:
        return _by_numpy(func, _name_of(func, ("numpy", "numpy.linalg")), args, kwargs)
    if kwargs:
        no_value = getattr(sys.modules["numpy"], "_NoValue", None)
        kwargs = {k: v for k, v in kwargs.items() if v is not no_value}
    if name.startswith("atleast"):  # NumPy takes the arrays one by one
        return f(args[0]) if len(args) == 1 else [f(a) for a in args]
    if name == "einsum":
        kwargs.pop("optimize", None)  # how, and not what
    try:
        return f(*args, **kwargs)
    except TypeError as e:
        # An option of NumPy's that dini's function has not.
        if isinstance(e, _dini.Error) or not ("incompatible function arguments" in str(e) or f in _ALIASES.values()):
            raise
        options = ", ".join(k for k in kwargs if f"{k}:" not in str(getattr(f, "__nb_signature__", "")))
        return _by_numpy(func, f"numpy.{name}", args, kwargs, f"dini's has no option {options}" if options else "dini's does not take these arguments")


# ---- What is written with dini's functions at once -----------------------------------------------------------------------------------


def _flag_nan(x1: Any, x2: Any, of_two: Any) -> Any:
    return _dini.where(_dini.isnan(x1), x2, _dini.where(_dini.isnan(x2), x1, of_two(x1, x2)))


def _append(arr: Any, values: Any, axis: Any = None) -> Any:
    return _dini.concatenate((arr, values), axis=axis)


def _copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return a if _is_traced(a) else sys.modules["numpy"].array(_plain(a), copy=True)  # which may be written into


def _ptp(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _dini.max(a, axis=axis, keepdims=keepdims) - _dini.min(a, axis=axis, keepdims=keepdims)


def _percentile(a: Any, q: Any, axis: Any = None, keepdims: bool = False, method: str = "linear") -> Any:
    return _dini.quantile(a, _dini.divide(q, 100), axis=axis, keepdims=keepdims, method=method)


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    for condition, choice in zip(reversed(condlist), reversed(choicelist)):
        default = _dini.where(condition, choice, default)
    return default


def _size(a: Any, axis: Any = None) -> int:
    a = _dini.asarray(a)
    return a.size if axis is None else a.shape[axis]


def _result_type(*arrays_and_dtypes: Any) -> Any:
    numbers = {"bool": False, "int64": 0, "float64": 0.0}
    return sys.modules["numpy"].result_type(
        *((numbers[a.dtype.name] if a.weak else a.dtype.dtype) if isinstance(a, Array) else a for a in arrays_and_dtypes))


_ALIASES: dict[str, Any] = {
    "around": _dini.round, "append": _append, "copy": _copy, "flipud": lambda m: _dini.flip(m, axis=0), "fliplr": lambda m: _dini.flip(m, axis=1),
    "ptp": _ptp, "percentile": _percentile, "select": _select, "shape": lambda a: _dini.asarray(a).shape, "ndim": lambda a: _dini.asarray(a).ndim,
    "size": _size, "result_type": _result_type,
    "deg2rad": lambda x: _dini.multiply(x, _DEGREE), "rad2deg": lambda x: _dini.divide(x, _DEGREE),
    "fmax": lambda x1, x2: _flag_nan(x1, x2, _dini.maximum), "fmin": lambda x1, x2: _flag_nan(x1, x2, _dini.minimum),
    "fmod": lambda x1, x2: _dini.sign(x1) * _dini.mod(_dini.abs(x1), _dini.abs(x2)),
}
_ALIASES.update(radians=_ALIASES["deg2rad"], degrees=_ALIASES["rad2deg"])

Array.__array_ufunc__ = _array_ufunc  # type: ignore[attr-defined]
Array.__array_function__ = _array_function  # type: ignore[attr-defined]
