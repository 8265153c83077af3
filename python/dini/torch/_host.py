"""Functions of torch's that are called by torch at run time, with torch's own derivatives and batches."""
from __future__ import annotations

import threading
import weakref
from typing import Any, Sequence

import torch
from torch.utils import _pytree

from .. import _dini
from .._bridge import HostMap
from ._tensors import TORCH_DTYPES, aval_of, check, leaves_of_kind, map_leaves, rebuilder
from ._translate import Captures, TorchFunction, current, innermost, outside_of_transforms, run


def _floating(f: Any, x: Sequence[torch.Tensor]) -> tuple[Any, list[int], list[Any]]:
    """f from its floating inputs to its floating values; which inputs these are; and a list for the shapes and dtypes of all values."""
    places = [k for k, t in enumerate(x) if t.is_floating_point()]
    shapes: list[Any] = []

    def of_floating(*some: torch.Tensor) -> tuple[torch.Tensor, ...]:
        all_of_them = list(x)
        for k, t in zip(places, some):
            all_of_them[k] = t
        values = f(all_of_them)
        shapes[:] = [(v.shape, v.dtype) for v in values]
        return tuple(v for v in values if v.is_floating_point())

    return of_floating, places, shapes


class _Around(threading.local):
    forward_mode = False


_around = _Around()  # whether forward mode is on around a call, in which torch has no other forward mode


class TorchMap(HostMap):
    def call(self, *arrays: Any) -> Any:
        before, _around.forward_mode = _around.forward_mode, torch.autograd.forward_ad._current_level >= 0
        try:
            with outside_of_transforms():
                return [t.detach().resolve_neg().numpy(force=True) for t in self.f([torch.from_numpy(a) for a in arrays])]
        finally:
            _around.forward_mode = before

    @staticmethod
    def push(f: Any, x: Sequence[Any], dx: Sequence[Any]) -> Any:
        g, places, shapes = _floating(f, x)
        point, direction = tuple(x[k] for k in places), tuple(dx[k] for k in places)
        if _around.forward_mode:  # by reverse mode twice: a pullback is linear, and its own pullback is the jvp
            values, pullback = torch.func.vjp(g, *point)
            push = torch.func.vjp(pullback, tuple(map(torch.zeros_like, values)))[1]
            tangents = iter(push(direction)[0])
        else:
            tangents = iter(torch.func.jvp(g, point, direction)[1])
        return [next(tangents) if dtype.is_floating_point else torch.zeros(shape, dtype=dtype) for shape, dtype in shapes]

    @staticmethod
    def pull(f: Any, x: Sequence[Any], ct: Sequence[Any]) -> Any:
        g, places, shapes = _floating(f, x)
        pullback = torch.func.vjp(g, *(x[k] for k in places))[1]
        sent = dict(zip(places, pullback(tuple(c for c, (_, dtype) in zip(ct, shapes) if dtype.is_floating_point))))
        return [sent[k] if k in sent else torch.zeros_like(t) for k, t in enumerate(x)]

    @staticmethod
    def over_lanes(f: Any, marked: Any) -> Any:
        def lanes(x: Sequence[torch.Tensor]) -> Any:
            try:
                in_dims = tuple(0 if m else None for m in marked)
                return torch.func.vmap(lambda *one: tuple(f(list(one))), in_dims=in_dims, randomness="different")(*x)
            except RuntimeError:  # one after the other, where f reads values, or has something that vmap has not
                size = next(t.shape[0] for t, m in zip(x, marked) if m)
                each = [f([t[k] if m else t for t, m in zip(x, marked)]) for k in range(size)]
                return [torch.stack(values) for values in zip(*each)]

        return lanes

    @staticmethod
    def zeros(shape: Any, dtype: str) -> torch.Tensor:
        return torch.zeros(shape, dtype=TORCH_DTYPES[dtype])


# What calls a function at run time, by what it is called with: what was compiled with it serves again at the next solve. It holds the
# function weakly, since what is compiled may be kept for long; the graph of the solve holds it.
_known: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()


def call(function: TorchFunction, captured: Sequence[Any], args: Any) -> Any:
    """f at trees of dini's arrays, as an operation that calls it at run time."""
    inputs = [*captured, *leaves_of_kind(_dini.Array, args)]
    avals = [(a.shape, str(a.dtype)) for a in inputs]
    key = (avals, [id(t) for t in function.captures], *_pytree.tree_flatten(map_leaves(_dini.Array, lambda _: None, args)))
    maps = function.maps
    if maps is None:
        try:
            maps = _known.setdefault(function.f, [])
        except TypeError:  # no weak references to it, or no hash
            maps = []
    known = next((v for k, v in maps if k == key), None)
    if known is None:
        known = _made(function, avals, args)
        maps.append((key, known))
    operation, build = known
    return build(operation(*inputs))


def _weakly(f: Any) -> Any:
    if hasattr(f, "__self__") and hasattr(f, "__func__"):
        return weakref.WeakMethod(f)
    try:
        return weakref.ref(f)
    except TypeError:
        return lambda: f


def _made(function: TorchFunction, avals: Any, args: Any) -> Any:
    n, name, ids = len(function.captures), function.name, [id(t) for t in function.captures]
    build = rebuilder(_dini.Array, args)
    f = (lambda held=function.f: held) if function.maps is not None else _weakly(function.f)

    def given(tensors: Sequence[torch.Tensor]) -> Any:
        return build([t.clone() for t in tensors[n:]])  # f may change them

    def flat(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        alive = f()
        if alive is None:
            raise _dini.TraceError(f"dini.torch: {name} is called after it has gone")
        value, scope = run(alive, name, ids, tensors[:n], given(tensors), translating=False)
        if scope.found:
            raise Captures(alive, scope.found, [])
        values = leaves_of_kind(torch.Tensor, value)
        for v in values:
            if innermost(v).requires_grad:
                raise _dini.TraceError(f"dini.torch: {name} uses a tensor that requires grad in a way that cannot be followed, and its gradient "
                                       "would be lost. Give it to the function as an argument.")
        return values

    with outside_of_transforms():
        # What it returns is known only from a call; what it is called with is of no account.
        examples = [torch.ones(shape, dtype=TORCH_DTYPES[dtype]) for shape, dtype in avals]
        before, current.example = current.example, True
        try:
            value = function.run(examples[:n], given(examples), translating=False)
        finally:
            current.example = before
    outputs = [aval_of(check(v)) for v in leaves_of_kind(torch.Tensor, value)]
    return TorchMap(flat, name, avals, outputs).operation, rebuilder(torch.Tensor, value)
