"""ATen's operations that move numbers: views, indexing, joining, and new tensors."""
from __future__ import annotations

import math
from typing import Any

import torch

from .. import _dini as D
from ._aten_types import dtype_name, like_torch, promoted
from ._translate import Untranslatable

# ---- Views --------------------------------------------------------------------------------------------------------------


def _reshape(a: Any, shape: Any) -> Any:
    shape = [int(n) for n in shape]
    if -1 in shape:
        others = math.prod(n for n in shape if n != -1)
        shape[shape.index(-1)] = a.size // others if others else 0
    return D.reshape(a, tuple(shape))


def _expand(a: Any, size: Any, implicit: bool = False) -> Any:
    new = len(size) - a.ndim
    return D.broadcast_to(a, tuple(a.shape[k - new] if n == -1 else n for k, n in enumerate(size)))


def _squeeze(a: Any, dim: Any = None) -> Any:
    if dim is None:
        dim = range(a.ndim)
    dims = [d % max(a.ndim, 1) for d in (dim if isinstance(dim, (list, tuple, range)) else [dim])]
    ones = tuple(d for d in dims if a.ndim and a.shape[d] == 1)
    return D.squeeze(a, ones) if ones else a


def _at(a: Any, dim: int, index: Any) -> Any:
    return a[(slice(None),) * (dim % a.ndim) + (index,)]


def _slice(a: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    n = a.shape[dim]
    start = 0 if start is None else start
    end = n if end is None else min(end, n)
    return _at(a, dim, slice(start, end, step))


def _pieces(a: Any, sizes: Any, dim: int) -> list[Any]:
    out, first = [], 0
    for n in sizes:
        out.append(_at(a, dim, slice(first, first + n)))
        first += n
    return out


def _split(a: Any, size: Any, dim: int = 0) -> list[Any]:
    if isinstance(size, (list, tuple)):
        return _pieces(a, size, dim)
    n = a.shape[dim]
    return _pieces(a, [min(size, n - first) for first in range(0, n, size)] or [0], dim)


def _unfold(a: Any, dim: int, size: int, step: int) -> Any:
    dim = dim % a.ndim
    starts = range(0, a.shape[dim] - size + 1, step)
    places = D.array([[first + k for k in range(size)] for first in starts])
    return D.moveaxis(D.take(a, places, dim), dim + 1, -1)


views: dict[str, Any] = {
    "view": _reshape, "reshape": _reshape, "_reshape_alias": lambda a, size, stride: _reshape(a, size), "_unsafe_view": _reshape,
    "expand": _expand, "t": lambda a: D.transpose(a) if a.ndim == 2 else a, "numpy_T": D.transpose,
    "transpose": lambda a, i, j: D.swapaxes(a, i, j) if a.ndim else a, "permute": lambda a, dims: D.transpose(a, tuple(dims)),
    "squeeze": _squeeze, "unsqueeze": lambda a, dim: D.expand_dims(a, dim), "select": lambda a, dim, k: _at(a, dim, k), "slice": _slice,
    "split": _split, "split_with_sizes": _split, "unbind": lambda a, dim=0: [_at(a, dim, k) for k in range(a.shape[dim])],
    "diagonal": lambda a, offset=0, dim1=0, dim2=1: D.diagonal(a, offset, dim1, dim2), "unfold": _unfold,
    "alias": lambda a: a, "detach": lambda a: a, "lift_fresh": lambda a: a,
}


# ---- Indexing -----------------------------------------------------------------------------------------------------------

def _index(indices: Any) -> Any:
    return tuple(slice(None) if i is None else i for i in indices)


def _index_put(a: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    at = a.at[_index(indices)]
    return at.add(values) if accumulate else at.set(values)


def _along(a: Any, dim: int, index: Any) -> Any:
    """Index arrays for every axis, of which the one of `dim` is given: torch's gather and scatter."""
    dim = dim % a.ndim
    axes = [D.arange(n).reshape((-1,) + (1,) * (a.ndim - 1 - k)) for k, n in enumerate(index.shape)]
    return tuple(index if k == dim else D.broadcast_to(axis, index.shape) for k, axis in enumerate(axes))


def _gather(a: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    return a if a.ndim == 0 else a[_along(a, dim, index)]


def _source(index: Any, source: Any) -> Any:
    return source[tuple(slice(0, n) for n in index.shape)] if isinstance(source, D.Array) and source.ndim else source


def _scatter(a: Any, dim: int, index: Any, source: Any, *, reduce: Any = None) -> Any:
    if reduce is not None:
        raise Untranslatable("torch.scatter with reduce=")
    return a.at[_along(a, dim, index)].set(_source(index, source))


def _flat_take(a: Any, index: Any) -> Any:
    return D.take(D.ravel(a), index)


def _put_slice(a: Any, value: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    n = a.shape[dim]
    whole = slice(0 if start is None else start, n if end is None else min(end, n), step)
    return a.at[(slice(None),) * (dim % a.ndim) + (whole,)].set(value)


# ---- New tensors --------------------------------------------------------------------------------------------------------

def _dtype(dtype: Any, default: Any = None) -> Any:
    return dtype_name(dtype) if dtype is not None else default if default is not None else dtype_name(torch.get_default_dtype())


def _like(value: Any) -> Any:
    return lambda a, *, dtype=None, **_: D.full(a.shape, value, _dtype(dtype, a.dtype))


def _new(value: Any) -> Any:
    return lambda a, size, *, dtype=None, **_: D.full(tuple(size), value, _dtype(dtype, a.dtype))


def _pad(a: Any, pad: Any, value: Any = 0) -> Any:
    widths = [(0, 0)] * (a.ndim - len(pad) // 2) + [(pad[k], pad[k + 1]) for k in range(len(pad) - 2, -1, -2)]
    cut = tuple(slice(max(-before, 0), n - max(-after, 0)) for (before, after), n in zip(widths, a.shape))
    grown = [(max(before, 0), max(after, 0)) for before, after in widths]
    return D.pad(a[cut], grown, constant_values=0 if value is None else value)


def _repeat(a: Any, repeats: Any) -> Any:
    return D.tile(a, tuple(repeats))


def _cat(arrays: Any, dim: int = 0) -> Any:
    # (torch takes empty vectors for nothing)
    arrays = [a for a in arrays if a.shape != (0,)] or arrays[:1]
    return D.concatenate(promoted(arrays), dim)


def _embedding(weight: Any, indices: Any, padding: int = -1, scale: bool = False, sparse: bool = False) -> Any:
    return D.take(weight, indices, 0)


def _diag_embed(a: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    n = a.shape[-1] + abs(offset)
    k = D.arange(a.shape[-1])
    out = D.zeros((*a.shape[:-1], n, n), a.dtype).at[..., k + max(-offset, 0), k + max(offset, 0)].set(a)
    return D.moveaxis(out, (-2, -1), (dim1, dim2))


table: dict[str, Any] = {
    "index": lambda a, indices: a[_index(indices)], "_unsafe_index": lambda a, indices: a[_index(indices)],
    "index_put": _index_put, "_index_put_impl": lambda a, indices, values, accumulate=False, unsafe=False: _index_put(a, indices, values, accumulate),
    "index_select": lambda a, dim, index: a if a.ndim == 0 else D.take(a, index, dim), "take": _flat_take, "gather": _gather,
    "scatter": _scatter, "scatter_add": lambda a, dim, index, source: a.at[_along(a, dim, index)].add(_source(index, source)),
    "index_add": lambda a, dim, index, source, alpha=1: a.at[(slice(None),) * (dim % a.ndim) + (index,)].add(source * alpha),
    "index_copy": lambda a, dim, index, source: a.at[(slice(None),) * (dim % a.ndim) + (index,)].set(source),
    "index_fill": lambda a, dim, index, value: a.at[(slice(None),) * (dim % a.ndim) + (index,)].set(value),
    "select_scatter": lambda a, value, dim, k: a.at[(slice(None),) * (dim % a.ndim) + (k,)].set(value), "slice_scatter": _put_slice,
    "embedding": _embedding,
    "cat": _cat, "stack": lambda arrays, dim=0: D.stack(promoted(arrays), dim), "repeat": _repeat,
    "flip": lambda a, dims: D.flip(a, tuple(dims)), "roll": lambda a, shifts, dims=(): D.roll(
        a, tuple(shifts) if dims else shifts[0], tuple(dims) if dims else None),
    "tril": lambda a, k=0: D.tril(a, k), "triu": lambda a, k=0: D.triu(a, k), "trace": lambda a: D.trace(a),
    "diag_embed": _diag_embed, "constant_pad_nd": _pad, "view_copy": _reshape, "expand_copy": _expand,
    "zeros_like": _like(0), "ones_like": _like(1), "empty_like": _like(0), "full_like": lambda a, value, **kw: _like(value)(a, **kw),
    "new_zeros": _new(0), "new_ones": _new(1), "new_empty": _new(0), "new_full": lambda a, size, value, **kw: _new(value)(a, size, **kw),
    "new_empty_strided": lambda a, size, stride, **kw: _new(0)(a, size, **kw),
    "fill": lambda a, value: like_torch(value, a), "zero": lambda a: D.zeros_like(a),
    "resolve_conj": lambda a: a, "resolve_neg": lambda a: a,
}
