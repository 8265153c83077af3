"""What the array API standard wants to know of dtypes and of the package."""
from __future__ import annotations

import types

from . import _dini
from ._dini import Array, DType, DtypeError, OptionError, bool_, float32, float64, int32, int64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DTYPES = {"bool": bool_, "int32": int32, "int64": int64, "float32": float32, "float64": float64}
_INTEGERS, _FLOATS = ("int32", "int64"), ("float32", "float64")
_KINDS: dict[str, tuple[str, ...]] = {
    "bool": ("bool",), "signed integer": _INTEGERS, "unsigned integer": (), "integral": _INTEGERS, "real floating": _FLOATS,
    "complex floating": (), "numeric": _INTEGERS + _FLOATS,
}
_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")


def _dtype_of(x: Any) -> DType:
    return x.dtype if isinstance(x, Array) else _dini._dtype(x)


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a dtype is of a kind: a dtype, one of the standard's words ("bool", "signed integer", "integral", "real floating",
    "numeric", ...), or a tuple of them.

    >>> dini.isdtype(dini.float32, "real floating")
    True
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, k) for k in kind)
    if isinstance(kind, str) and kind in _KINDS:
        return _dini._dtype(dtype).name in _KINDS[kind]
    try:
        return _dini._dtype(dtype) == _dini._dtype(kind)
    except DtypeError:
        raise OptionError(f"isdtype: the kind has to be a dtype or one of {', '.join(map(repr, _KINDS))}, got {kind!r}") from None


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype that arrays, dtypes and numbers have together; Python's numbers take that of the others.

    >>> dini.result_type(dini.float32, 2.0), dini.result_type(dini.int32, dini.int64)
    (dini.float32, dini.int64)
    """
    if not arrays_and_dtypes:
        raise OptionError("result_type: an array, a dtype or a number is wanted")
    weak, strong = [], []
    for x in arrays_and_dtypes:
        a: Any = x
        if not isinstance(x, (Array, bool, int, float)):
            try:
                a = _dini.zeros(0, _dini._dtype(x))
            except DtypeError:
                a = _dini.asarray(x)
        elif isinstance(x, Array):
            a = x if x.weak else _dini.zeros(0, x.dtype)
        (strong if isinstance(a, Array) and not a.weak else weak).append(a)
    # An operation on no elements tells: what it promotes to is said in one place.
    operands = strong + weak
    out = _dini.maximum(operands[0], operands[0])
    for a in operands[1:]:
        out = _dini.maximum(out, a)
    return out.dtype


def can_cast(from_: Any, to: Any) -> bool:
    """Whether promotion leads from a dtype, or an array's, to another one.

    >>> dini.can_cast(dini.int32, dini.float64), dini.can_cast(dini.float64, dini.float32)
    (True, False)
    """
    return result_type(_dtype_of(from_), to) == to


def finfo(type: Any) -> Any:
    """The limits of a floating dtype, or of an array's: bits, eps, max, min, smallest_normal, dtype.

    >>> dini.finfo(dini.float32).eps == 2.0**-23
    True
    """
    import numpy

    dtype = _dtype_of(type)
    if dtype.name not in _FLOATS:
        raise DtypeError(f"finfo: a floating dtype is wanted, got {dtype.name}")
    info = numpy.finfo(dtype.name)
    return types.SimpleNamespace(bits=int(info.bits), eps=float(info.eps), max=float(info.max), min=float(info.min),
                                 smallest_normal=float(info.smallest_normal), dtype=dtype)


def iinfo(type: Any) -> Any:
    """The limits of an integer dtype, or of an array's: bits, max, min, dtype.

    >>> dini.iinfo(dini.int32).max
    2147483647
    """
    dtype = _dtype_of(type)
    if dtype.name not in _INTEGERS:
        raise DtypeError(f"iinfo: an integer dtype is wanted, got {dtype.name}")
    bits = 8 * dtype.itemsize
    return types.SimpleNamespace(bits=bits, max=2 ** (bits - 1) - 1, min=-(2 ** (bits - 1)), dtype=dtype)


class _Info:
    """What there is: dtypes, devices, and what depends on values."""

    def capabilities(self) -> dict[str, Any]:
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 16}

    def default_device(self) -> str:
        return "cpu"

    def devices(self) -> list[str]:
        return ["cpu"]

    def default_dtypes(self, *, device: str | None = None) -> dict[str, DType]:
        _device(device)
        return {"real floating": float64, "integral": int64, "indexing": int64}

    def dtypes(self, *, device: str | None = None, kind: Any = None) -> dict[str, DType]:
        _device(device)
        return {name: d for name, d in _DTYPES.items() if kind is None or isdtype(d, kind)}


def _device(device: str | None) -> None:
    if device not in (None, "cpu"):
        raise OptionError(f'device has to be "cpu", got {device!r}')


def __array_namespace_info__() -> _Info:
    """What the package has of the array API standard."""
    return _Info()


def _array_namespace(self: Array, *, api_version: str | None = None) -> Any:
    import sys

    if api_version is not None and api_version not in _VERSIONS:
        raise OptionError(f"__array_namespace__: the version has to be one of {', '.join(_VERSIONS)}, got {api_version!r}")
    return sys.modules["dini"]


Array.__array_namespace__ = _array_namespace  # type: ignore[attr-defined]
