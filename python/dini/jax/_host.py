"""What is not translated: JAX's function itself, called at run time, with derivatives and batches that are such functions again."""
from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from .._bridge import HostMap
from . import _primitive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence


def _is_floating(a: Any) -> bool:
    return jnp.issubdtype(a.dtype, jnp.floating)


def _moving(f: Callable[..., Any], x: Sequence[Any]) -> tuple[list[int], Callable[..., Any]]:
    """Which inputs are floating, and the function of these alone."""
    places = [k for k, a in enumerate(x) if _is_floating(a)]

    def of_moving(*some: Any) -> Any:
        full = list(x)
        for k, a in zip(places, some):
            full[k] = a
        return f(full)

    return places, of_moving


class JaxMap(HostMap):
    def __init__(self, *what: Any) -> None:
        super().__init__(*what)
        self._wide = _primitive.is_wide(self._inputs)
        self._compiled = jax.jit(self.f)

    def call(self, *arrays: Any) -> list[Any]:
        with _primitive.wide_as(self._wide), _primitive.apart():
            return [np.asarray(a) for a in self._compiled(arrays)]

    @staticmethod
    def push(f: Callable[..., Any], x: Sequence[Any], dx: Sequence[Any]) -> list[Any]:
        places, g = _moving(f, x)
        if not places:
            return [jnp.zeros_like(y) for y in f(x)]
        out, moved = jax.jvp(g, [x[k] for k in places], [dx[k] for k in places])
        return [t if _is_floating(y) else jnp.zeros_like(y) for y, t in zip(out, moved)]

    @staticmethod
    def pull(f: Callable[..., Any], x: Sequence[Any], ct: Sequence[Any]) -> list[Any]:
        places, g = _moving(f, x)
        out, pull = jax.vjp(g, *(x[k] for k in places))
        sent = iter(pull([c if _is_floating(y) else np.zeros(y.shape, jax.dtypes.float0) for y, c in zip(out, ct)]))
        return [next(sent) if k in places else jnp.zeros_like(a) for k, a in enumerate(x)]

    @staticmethod
    def over_lanes(f: Callable[..., Any], marked: Any) -> Callable[..., Any]:
        lanes = jax.vmap(lambda *x: list(f(x)), in_axes=[0 if m else None for m in marked])
        return lambda x: lanes(*x)

    @staticmethod
    def zeros(shape: tuple[int, ...], dtype: str) -> Any:
        return jnp.zeros(shape, dtype)


def host_function(name: str, f: Callable[..., Any], like: Sequence[Any]) -> Callable[..., Any]:
    """f, JAX's, of arrays like these -> list of arrays, as a function of dini's."""
    inputs = _primitive.like(like)
    outputs = _primitive.eval_shape(f, *inputs)
    avals = [[(a.shape, a.dtype.name) for a in side] for side in (inputs, outputs)]
    return JaxMap(lambda x: f(*x), name, *avals).operation
