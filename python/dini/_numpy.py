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

_UFUNCS = {"left_shift": "bitwise_left_shift", "right_shift": "bitwise_right_shift", "fabs": "abs", "float_power": "power", "fmax": None, "fmin": None}
_FUNCTIONS = {"permute_dims": "transpose", "array": None, "unique": None, "in1d": None, "empty_like": None}
_REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logical_and": "all", "logical_or": "any"}
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


def _by_numpy(f: Any, name: str, args: Any, kwargs: Any) -> Any:
    if _is_traced(args) or _is_traced(kwargs):
        raise TraceError(f"numpy.{name}: dini has no such function, and NumPy's own cannot be followed: neither differentiated nor "
                         "compiled. Write it with functions of dini or NumPy that docs/python.md lists, or call it outside.")
    return f(*_plain(args), **_plain(kwargs))


def _array_ufunc(self: Array, ufunc: Any, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
    name = ufunc.__name__
    if out is None:
        if method == "__call__" and not kwargs:
            f = getattr(_dini, _UFUNCS.get(name, name) or "", None) or getattr(_dini.special, name, None)
            if f is not None:
                return f(*inputs)
        if method == "reduce" and name in _REDUCTIONS and set(kwargs) <= {"axis", "keepdims"}:
            return getattr(_dini, _REDUCTIONS[name])(inputs[0], axis=kwargs.get("axis", 0), keepdims=kwargs.get("keepdims", False))
        if method == "accumulate" and name in _ACCUMULATIONS and set(kwargs) <= {"axis"}:
            return getattr(_dini, _ACCUMULATIONS[name])(inputs[0], axis=kwargs.get("axis", 0))
        return _by_numpy(getattr(ufunc, method), name, inputs, kwargs)
    if _is_traced(inputs):
        raise TraceError(f"numpy.{name}: a value that is followed cannot be written into a NumPy array, where its derivative would be "
                         "lost: without out=, and without +=, it is a new array")
    return _by_numpy(getattr(ufunc, method), name, inputs, dict(kwargs, out=out))


def _array_function(self: Array, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    name, module = func.__name__, getattr(func, "__module__", "numpy")
    space = _dini.linalg if module == "numpy.linalg" else _dini
    f = getattr(space, _FUNCTIONS.get(name, name) or "", None)
    if f is None or name.startswith("_"):
        return _by_numpy(func, name, args, kwargs)
    no_value = getattr(sys.modules["numpy"], "_NoValue", None)
    kwargs = {k: v for k, v in kwargs.items() if v is not no_value}
    if name.startswith("atleast"):  # NumPy takes the arrays one by one
        return f(args[0]) if len(args) == 1 else [f(a) for a in args]
    try:
        return f(*args, **kwargs)
    except TypeError as e:
        # An option of NumPy's that dini's function has not.
        if isinstance(e, _dini.Error) or "incompatible function arguments" not in str(e):
            raise
        return _by_numpy(func, name, args, kwargs)


Array.__array_ufunc__ = _array_ufunc  # type: ignore[attr-defined]
Array.__array_function__ = _array_function  # type: ignore[attr-defined]
