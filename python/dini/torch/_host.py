"""Functions of torch's that are called by torch at run time, with torch's own derivatives and batches."""
from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import Any, Sequence

import torch
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack
from torch.utils import _pytree

from .. import _dini
from .._bridge import HostMap
from ._tensors import TORCH_DTYPES, aval_of, check
from ._translate import TorchFunction, innermost


def _moving(f: Any, x: Sequence[torch.Tensor]) -> tuple[Any, list[int]]:
    """f as a function of its floating inputs, and which ones these are."""
    places = [k for k, t in enumerate(x) if t.is_floating_point()]

    def of_floating(*some: torch.Tensor) -> tuple[torch.Tensor, ...]:
        all_of_them = list(x)
        for k, t in zip(places, some):
            all_of_them[k] = t
        return tuple(f(all_of_them))

    return of_floating, places


class _Around(threading.local):
    forward_mode = False


_around = _Around()  # whether forward mode is on around a call, in which torch has no other forward mode


class TorchMap(HostMap):
    def call(self, *arrays: Any) -> Any:
        outside = torch._C._are_functorch_transforms_active()
        before, _around.forward_mode = _around.forward_mode, torch.autograd.forward_ad._current_level >= 0
        try:
            with temporarily_clear_interpreter_stack() if outside else nullcontext():
                return [t.detach().resolve_neg().numpy(force=True) for t in self.f([torch.from_numpy(a) for a in arrays])]
        finally:
            _around.forward_mode = before

    @staticmethod
    def push(f: Any, x: Sequence[Any], dx: Sequence[Any]) -> Any:
        g, places = _moving(f, x)
        point, direction = tuple(x[k] for k in places), tuple(dx[k] for k in places)
        if _around.forward_mode:  # by reverse mode twice: a pullback is linear, and its own pullback is the jvp
            values, pullback = torch.func.vjp(g, *point)
            _, push = torch.func.vjp(pullback, tuple(map(torch.zeros_like, values)))
            tangents = push(direction)[0]
        else:
            values, tangents = torch.func.jvp(g, point, direction)
        return [t if v.is_floating_point() else torch.zeros_like(v) for v, t in zip(values, tangents)]

    @staticmethod
    def pull(f: Any, x: Sequence[Any], ct: Sequence[Any]) -> Any:
        g, places = _moving(f, x)
        floating: list[bool] = []

        def floating_values(*some: torch.Tensor) -> Any:
            values = g(*some)
            floating[:] = [v.is_floating_point() for v in values]
            return tuple(v for v, m in zip(values, floating) if m)

        _, pullback = torch.func.vjp(floating_values, *(x[k] for k in places))
        sent = dict(zip(places, pullback(tuple(c for c, m in zip(ct, floating) if m))))
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


def call(function: TorchFunction, captured: Sequence[Any], args: Any) -> Any:
    """f at trees of dini's arrays, as an operation that calls it at run time."""
    leaves, spec = _pytree.tree_flatten(args)
    moving = [x for x in leaves if isinstance(x, _dini.Array)]
    inputs = [*captured, *moving]
    avals = [(a.shape, str(a.dtype)) for a in inputs]
    n = len(captured)

    def run(tensors: Sequence[torch.Tensor]) -> Any:
        rest = (t.clone() for t in tensors[n:])  # which f may change
        given = _pytree.tree_unflatten([next(rest) if isinstance(x, _dini.Array) else x for x in leaves], spec)
        return function.run(tensors[:n], given, translating=False)

    def flat(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        values = _pytree.tree_leaves(run(tensors))
        for v in values:
            if innermost(v).requires_grad:
                raise _dini.TraceError(f"dini.torch: {function.name} uses a tensor that requires grad in a way that cannot be followed, and its "
                                       "gradient would be lost. Give it to the function as an argument.")
        return values

    statics = tuple(None if isinstance(x, _dini.Array) else x for x in leaves)
    known = function.maps.get((tuple(avals), spec))
    if known is None or known[0] != statics:
        with temporarily_clear_interpreter_stack() if torch._C._are_functorch_transforms_active() else nullcontext():
            # What it returns is known only from a call; what it is called with is of no account.
            value = run([torch.ones(shape, dtype=TORCH_DTYPES[dtype]) for shape, dtype in avals])
        values, out = _pytree.tree_flatten(_pytree.tree_map_only((float, int), torch.tensor, value))
        known = statics, TorchMap(flat, function.name, avals, [aval_of(check(v)) for v in values]).operation, out
        function.maps[tuple(avals), spec] = known
    return _pytree.tree_unflatten(known[1](*inputs), known[2])
