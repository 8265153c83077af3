"""Solves and layers inside of functions of torch's that dini follows or calls.

Where f is followed, what is inside of it is followed as well: it becomes a solve of dini's within the Program. Where torch calls f, it is an
ordinary solve, of which the scope around f is told what goes in and comes out.
"""
from __future__ import annotations

from typing import Any, Callable

import torch

from .. import _dini
from ._aten import give
from ._autograd import Layer, build, leaves_of
from ._tensors import leaves_of_kind, map_leaves, rebuilder
from ._translate import Scope, Traced, Untranslatable, array_of, innermost


def called(scope: Scope, f: Callable[..., Any], *args: Any) -> Any:
    """f of trees of tensors, a solve or a layer, within what torch calls."""
    args = map_leaves(torch.Tensor, scope.stand_in, args)
    with scope.set_aside():
        return f(*args)


def _arrays(scope: Scope, tree: Any) -> Any:
    def array(t: torch.Tensor) -> Any:
        return array_of(_followed(scope.stand_in(t)))

    return map_leaves(torch.Tensor, array, tree)


def _followed(t: torch.Tensor) -> torch.Tensor:
    """The tensor; Untranslatable where torch takes a derivative by it that it would not see."""
    if innermost(t) is not t or t.requires_grad:
        raise Untranslatable("a solve or a layer of dini's is within a derivative that the function itself takes by torch")
    return t


def _tensors(scope: Scope, value: Any) -> Any:
    """What dini has computed, as f gets it: without a derivative where f cuts that off."""
    leaves, structure = leaves_of(value)
    arrays = [a if isinstance(a, _dini.Array) else _dini.array(a) for a in leaves]
    given = [give(a if scope.grad_enabled else _dini.stop_gradient(a)) for a in arrays]
    return given[0] if structure is None else build(structure, given)


def _check(scope: Scope) -> None:
    if torch._C._are_functorch_transforms_active():
        raise Untranslatable("a solve or a layer of dini's is within torch.func's transformations")
    scope.check_mode()


def layer(scope: Scope, g: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """A function of dini's of trees of tensors, within what is followed."""
    _check(scope)
    with torch.enable_grad():
        value = g(*_arrays(scope, args), **_arrays(scope, kwargs))
    return _tensors(scope, value)


def solve(scope: Scope, kind: str, f: Any, z0: Any, args: Any, translate: Any, details: bool, options: dict[str, Any]) -> Any:
    """A solve of f, of torch's or dini's, within what is followed; z0 is made of tensors."""
    _check(scope)
    if translate is False:
        raise Untranslatable(f"a {kind} with translate=False is within it")
    solver = getattr(_dini, kind)
    given, build_args = [_arrays(scope, t) for t in leaves_of_kind(torch.Tensor, args)], rebuilder(torch.Tensor, args)

    def of_arrays(g: Callable[..., Any]) -> Callable[..., Any]:
        def values(*theta_z: Any) -> Any:
            *theta, z = map_leaves(_dini.Array, Traced, theta_z)
            return _arrays(scope, g(*build_args(theta), z))

        return values

    z0, options = _arrays(scope, z0), _arrays(scope, options)
    with torch.enable_grad():
        if isinstance(f, (Layer, _dini.Formula)):
            s = solver(f.__wrapped__ if isinstance(f, Layer) else f, z0, *_arrays(scope, args), **options)
        else:
            for name in ("equal", "at_most"):
                if callable(options.get(name)) and not isinstance(options[name], _dini.Formula):
                    options = {**options, name: of_arrays(options[name])}
            s = solver(of_arrays(f), z0, *given, **options)
    return _tensors(scope, s if details else s.value)
