"""Torch's dtypes for arrays of dini's: which one a result has, and conversions to it."""
from __future__ import annotations

from typing import Any

import torch

from .. import _dini as D
from ._tensors import DTYPES, TORCH_DTYPES, to_array
from ._translate import Traced, Untranslatable

Array = D.Array


def dtype_name(dtype: Any) -> str:
    name = DTYPES.get(dtype)
    if name is None:
        raise Untranslatable(f"the dtype {dtype}")
    return name


def array_of(t: torch.Tensor) -> Any:
    """A tensor's array; a real one is a constant."""
    if isinstance(t, Traced):
        return t.read()
    if t.requires_grad:
        raise D.TraceError(f"dini.torch: a tensor of shape {tuple(t.shape)} that requires grad is used in a way that cannot be followed, and its "
                           "gradient would be lost. Give it to the function as an argument.")
    if t._is_zerotensor():  # how torch's forward mode says zero, on whichever device
        return D.zeros(tuple(t.shape), dtype_name(t.dtype))
    try:
        return to_array(t)
    except D.DtypeError as e:
        raise Untranslatable(f"a tensor with {t.dtype} on {t.device}") from e


def _default() -> str:
    return DTYPES[torch.get_default_dtype()]


def floating(a: Any) -> Any:
    """Whole numbers as floating ones of torch's default dtype."""
    return a.astype(_default()) if isinstance(a, Array) and not str(a.dtype).startswith("float") else a


def like_torch(value: Any, target: Any) -> Any:
    """A value as it is written into a tensor: in its dtype and shape."""
    value = D.asarray(value) if not isinstance(value, Array) else value
    if value.dtype != target.dtype or value.weak:
        value = value.astype(target.dtype)
    return value if value.shape == target.shape else D.broadcast_to(value, target.shape)


def promoted(arrays: Any) -> Any:
    """Arrays in the dtype that torch gives their concatenation."""
    dtypes = {str(a.dtype) for a in arrays}
    if len(dtypes) == 1:
        return list(arrays)
    result = None
    for a in arrays:
        t = TORCH_DTYPES[str(a.dtype)]
        result = t if result is None else torch.promote_types(result, t)
    name = dtype_name(result)
    return [a if str(a.dtype) == name else a.astype(name) for a in arrays]


_RANK = {"bool": 0, "int32": 1, "int64": 1, "float32": 2, "float64": 2}


def _result(a: Any, b: Any) -> str | None:
    """The dtype of an elementwise result; None where dini's own rule gives it."""
    both = isinstance(a, Array), isinstance(b, Array)
    if all(both):
        x, y = str(a.dtype), str(b.dtype)
        if x == y:
            return None
        if (a.ndim == 0) != (b.ndim == 0):  # one without axes counts only in a higher category
            full, scalar = (x, y) if b.ndim == 0 else (y, x)
            if _RANK[scalar] <= _RANK[full]:
                return full
            return scalar
        return dtype_name(torch.promote_types(TORCH_DTYPES[x], TORCH_DTYPES[y]))
    array, number = (a, b) if both[0] else (b, a)
    name = str(array.dtype)
    rank = 0 if isinstance(number, bool) else 1 if isinstance(number, int) else 2
    if rank <= _RANK[name]:
        return None
    return _default() if rank == 2 else "int64"


def common(a: Any, b: Any) -> tuple[Any, Any]:
    """Both operands in the dtype that torch computes in. A number of Python's stays one."""
    if not isinstance(a, Array) and not isinstance(b, Array):
        return a, b
    name = _result(a, b)
    if name is None:
        return a, b
    return tuple(x.astype(name) if isinstance(x, Array) and str(x.dtype) != name else x for x in (a, b))  # type: ignore[return-value]
