"""What is not translated: JAX's function itself, called at run time, with derivatives and batches that are such functions again."""
from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from .. import _dini
from . import _primitive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence


def _is_floating(a: Any) -> bool:
    return jnp.issubdtype(a.dtype, jnp.floating)


class _Map:
    """What _dini._HostMap wants to know of f: arrays -> list of arrays. Derived maps are made once."""

    linear = 0

    def __init__(self, name: str, f: Callable[..., Any], inputs: int, results: int) -> None:
        self.name, self.f, self.inputs, self.results = name, f, inputs, results
        self.wide = bool(jax.config.jax_enable_x64)
        self.compiled = jax.jit(f)
        self._derived: dict[Any, Any] = {}

    def outputs(self, avals: Any) -> list[Any]:
        with _primitive.wide_as(self.wide):
            return [(a.shape, a.dtype.name) for a in jax.eval_shape(self.f, *(jax.ShapeDtypeStruct(s, np.dtype(d)) for s, d in avals))]

    def call(self, *arrays: Any) -> list[Any]:
        with _primitive.wide_as(self.wide), _primitive.apart():
            return [np.asarray(a) for a in self.compiled(*arrays)]

    def _kept(self, key: Any, make: Callable[[], _Map]) -> Any:
        if key not in self._derived:
            self._derived[key] = _dini._HostMap(make())
        return self._derived[key]

    def linearized(self) -> Any:
        return self._kept("tangent", lambda: _Tangent(self))

    def transposed(self) -> Any:
        raise NotImplementedError

    def batched(self, marked: Any, size: int) -> Any:
        return self._kept((tuple(marked), size), lambda: _Batch(self, marked, [False] * self.results, size))


def _moving(f: Callable[..., Any], x: Sequence[Any]) -> tuple[list[int], Callable[..., Any]]:
    places = [k for k, a in enumerate(x) if _is_floating(a)]

    def of_moving(*some: Any) -> Any:
        full = list(x)
        for k, a in zip(places, some):
            full[k] = a
        return f(*full)

    return places, of_moving


class _Tangent(_Map):
    """(x..., tangents...) -> tangents."""

    def __init__(self, of: _Map) -> None:
        self.of, self.linear = of, of.inputs
        super().__init__(of.name, self._push, 2 * of.inputs, of.results)

    def _push(self, *both: Any) -> list[Any]:
        x, dx = both[: self.linear], both[self.linear :]
        places, f = _moving(self.of.f, x)
        if not places:
            return [jnp.zeros_like(y) for y in f()]
        out, moved = jax.jvp(f, [x[k] for k in places], [dx[k] for k in places])
        return [t if _is_floating(y) else jnp.zeros_like(y) for y, t in zip(out, moved)]

    def transposed(self) -> Any:
        return self._kept("cotangent", lambda: _Cotangent(self.of))


class _Cotangent(_Map):
    """(x..., cotangents...) -> cotangents of x."""

    def __init__(self, of: _Map) -> None:
        self.of, self.linear = of, of.results
        super().__init__(of.name, self._pull, of.inputs + of.results, of.inputs)

    def _pull(self, *both: Any) -> list[Any]:
        x, ct = both[: self.of.inputs], both[self.of.inputs :]
        places, f = _moving(self.of.f, x)
        out, pull = jax.vjp(f, *(x[k] for k in places))
        sent = iter(pull([c if _is_floating(y) else np.zeros(y.shape, jax.dtypes.float0) for y, c in zip(out, ct)]))
        return [next(sent) if k in places else jnp.zeros_like(a) for k, a in enumerate(x)]

    def transposed(self) -> Any:
        return self._kept("tangent again", lambda: _Tangent(self.of))


class _Batch(_Map):
    """The same over a leading axis of the marked inputs. Outputs have it, too, or are summed over it: cotangents of what is the same for all."""

    def __init__(self, of: _Map, marked: Any, summed: Any, size: int) -> None:
        self.of, self.marked, self.summed, self.size, self.linear = of, list(marked), list(summed), size, of.linear
        axes = [0 if m else None for m in marked]

        def f(*args: Any) -> list[Any]:
            out = jax.vmap(of.f, in_axes=axes, axis_size=size)(*args)
            return [y.sum(0) if s else y for y, s in zip(out, summed)]

        super().__init__(of.name, f, of.inputs, of.results)

    def linearized(self) -> Any:
        return self._kept("tangent", lambda: _Batch(_Tangent(self.of), self.marked * 2, self.summed, self.size))

    def transposed(self) -> Any:
        fixed = self.of.inputs - self.linear
        marked = self.marked[:fixed] + [not s for s in self.summed]
        transposed = _Cotangent(self.of.of) if isinstance(self.of, _Tangent) else _Tangent(self.of.of)  # type: ignore[attr-defined]
        return self._kept("cotangent", lambda: _Batch(transposed, marked, [not m for m in self.marked[fixed:]], self.size))


def host_function(name: str, f: Callable[..., Any], inputs: int, results: int) -> Callable[..., Any]:
    """f, JAX's, of arrays -> list of arrays, as a function of dini's."""
    return _dini._HostMap(_Map(name, f, inputs, results))
