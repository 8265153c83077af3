"""Tensors and arrays: what is a tensor of ours, and copies in both directions."""
from __future__ import annotations

from typing import Any, Callable

import torch
from torch.utils import _pytree

from .. import _dini
from .._solution import Bracket

DTYPES = {torch.float64: "float64", torch.float32: "float32", torch.int64: "int64", torch.int32: "int32", torch.bool: "bool"}
TORCH_DTYPES = {name: dtype for dtype, name in DTYPES.items()}


# (In older versions of torch a class made of a named tuple is no tree.)
_pytree.register_pytree_node(Bracket, lambda b: (list(b), None), lambda ends, _: Bracket(*ends))


def check(t: torch.Tensor) -> torch.Tensor:
    """The tensor itself; DtypeError where dini cannot compute with it."""
    if not t.is_cpu:
        raise _dini.DtypeError(f"dini.torch: dini computes on the CPU, and this tensor is on {t.device}. Give it t.cpu(), and send what comes "
                               "back to the device with .to(device).")
    if t.dtype not in DTYPES:
        raise _dini.DtypeError(f"dini.torch: the dtypes are float32, float64, int32, int64 and bool, and this tensor has {t.dtype}. Convert "
                               "it with t.float() or t.double().")
    if t.layout is not torch.strided:
        raise _dini.DtypeError(f"dini.torch: this tensor's layout is {t.layout}. Give it t.to_dense().")
    return t


def to_array(x: Any) -> Any:
    """An array with a copy of a tensor's numbers; numbers of Python's and arrays as they are."""
    if isinstance(x, torch.Tensor):
        check(x)
        if x.is_contiguous() and not x.is_neg():
            try:
                address = x.data_ptr()
            except RuntimeError as e:
                raise _dini.TraceError("dini.torch: torch gives a tensor without memory here. Gradients of a batch by is_grads_batched=True are not "
                                       "there, nor check_batched_grad: torch.func.vmap and jacrev have them.") from e
            if address:
                return _dini._from_memory(address, x.shape, DTYPES[x.dtype])
        return _dini.array(x.detach().resolve_neg().numpy())
    return x if isinstance(x, _dini.Array) or type(x) in (float, int, bool) else _dini.array(x)


def to_tensor(a: Any) -> torch.Tensor:
    """A tensor with a copy of a concrete array's numbers."""
    return torch.from_numpy(a.numpy().copy())


def aval_of(t: Any) -> tuple[tuple[int, ...], str]:
    return tuple(int(n) for n in t.shape), DTYPES[t.dtype]


def all_of_kind(kind: Any, items: Any) -> bool:
    for x in items:
        if not isinstance(x, kind):
            return False
    return True


def map_leaves(kind: Any, f: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with f of what is of a kind. (torch's own takes ten times as long for what is most frequent.)"""
    if isinstance(tree, kind):
        return f(tree)
    if type(tree) is tuple and all_of_kind(kind, tree):
        return tuple(map(f, tree))
    return _pytree.tree_map_only(kind, f, tree)


def leaves_of_kind(kind: Any, tree: Any) -> list[Any]:
    if isinstance(tree, kind):
        return [tree]
    if type(tree) is tuple and all_of_kind(kind, tree):
        return list(tree)
    if tree == {}:
        return []
    return [x for x in _pytree.tree_leaves(tree) if isinstance(x, kind)]


def rebuilder(kind: Any, tree: Any) -> Callable[[Any], Any]:
    """Of others in the places of what is of a kind, the tree again."""
    if isinstance(tree, kind):
        return lambda others: others[0]
    if type(tree) is tuple and all_of_kind(kind, tree):
        return tuple
    if tree == {}:
        return lambda others: {}
    leaves, spec = _pytree.tree_flatten(tree)

    def build(others: Any) -> Any:
        rest = iter(others)
        return _pytree.tree_unflatten([next(rest) if isinstance(x, kind) else x for x in leaves], spec)

    return build
