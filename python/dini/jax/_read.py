"""Functions that are written with JAX, read."""
from __future__ import annotations

import pathlib
import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np

import dini

from . import _primitive
from ._host import host_function
from ._refusal import NotTranslated
from ._translate import evaluate
from ._wrap import DTYPES, avals_of, is_array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_PACKAGE = str(pathlib.Path(dini.__file__).parent)


def _depth_of_user() -> int:
    """The stack level of the line outside of this package that a warning is about."""
    depth, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        depth, frame = depth + 1, frame.f_back
    return depth


def carried_of(x: Any) -> tuple[Any, Callable[[Any], Any] | None]:
    """What f takes, as an array that dini can hold, and how f gets it back."""
    x = x if isinstance(x, jax.Array) else jnp.asarray(x)
    if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
        kind = jax.random.key_impl(x)
        data, back = carried_of(jax.random.key_data(x))
        return data, lambda a: jax.random.wrap_key_data(back(a) if back else a, impl=kind)
    dtype = x.dtype
    if dtype.name in DTYPES:
        return x, None
    if dtype.name in ("uint32", "uint64"):
        same = jnp.int32 if dtype.name == "uint32" else jnp.int64
        return jax.lax.bitcast_convert_type(x, same), lambda a: jax.lax.bitcast_convert_type(a, dtype)
    if jnp.issubdtype(dtype, jnp.integer) or jnp.issubdtype(dtype, jnp.floating):
        return x.astype(jnp.int32 if jnp.issubdtype(dtype, jnp.integer) else jnp.float32), lambda a: a.astype(dtype)
    raise dini.DtypeError(f"dini.jax: an array of dtype {dtype.name} cannot be an argument; split complex ones into real and imaginary parts")


class Read:
    """A user's function as its jaxpr: of arrays and of what it captures, each of a dtype of dini's. `call` calls it with a list of leaves."""

    def __init__(self, function: str, f: Callable[..., Any], call: Callable[..., Any], like: Any) -> None:
        self.function = function
        self.name = getattr(f, "__name__", type(f).__name__)
        self.structure: Any = None  # of its value

        def flat(*leaves: Any) -> Any:
            out, self.structure = jax.tree.flatten(call(leaves))
            return [jnp.asarray(a) for a in out]

        closed = _primitive.make_jaxpr(flat, *like)
        carried = [carried_of(c) for c in closed.consts]
        self.captured = [c for c, _ in carried]
        back = [b for _, b in carried]
        self.pure = _without_captures(closed.jaxpr, len(like), back)
        # Where all it takes is as it is: for arrays like these it is read already.
        self.read = closed.jaxpr if not any(back) else None
        self.avals = avals_of([*like, *self.captured])
        self.host: Any = None

    def __call__(self, *arrays: Any) -> list[Any]:
        """Its values of dini's arrays: translated, or else by a call of JAX."""
        if self.host is None:
            try:
                if self.read is not None and avals_of(arrays) == self.avals:
                    n = len(arrays) - len(self.captured)
                    return evaluate(self.read, arrays[:n], arrays[n:])
                return evaluate(_primitive.make_jaxpr(self.pure, *_primitive.like(arrays)), arrays)
            except NotTranslated as e:
                warnings.warn(f"{self.function}: {self.name} is not translated, because of {e.what}; JAX is called for its values at every step, "
                              "which is much slower", stacklevel=_depth_of_user())
                self.host = host_function(self.name, self.pure, arrays)
        return list(self.host(*arrays))


def _without_captures(jaxpr: Any, inputs: int, back: Any) -> Callable[..., Any]:
    """A jaxpr as a function of its inputs and its constants. (It lives as long as what is compiled, and holds none of what is traced now.)"""

    def pure(*arrays: Any) -> Any:
        consts = [b(c) if b else c for c, b in zip(arrays[inputs:], back)]
        return _primitive.eval_jaxpr(jaxpr, consts, *arrays[:inputs])

    return pure


def translate(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is written with JAX as a function of dini's arrays, or of trees of them: no JAX is called when it is run.

    What the bridge has no translation for is called instead, with a warning that names it.

    >>> import jax
    >>> dini.grad(dini.jax.translate(lambda x: jax.numpy.sum(jax.nn.relu(x)**2)))(np.array([1.0, -1.0]))
    Array([2., 0.])
    """

    def translated(*args: Any) -> Any:
        leaves, structure = jax.tree.flatten(args)
        fixed = [None if is_array(leaf) else (leaf,) for leaf in leaves]
        arrays = [leaf if isinstance(leaf, dini.Array) else dini.array(leaf) for leaf, s in zip(leaves, fixed) if s is None]

        def call(given: Any) -> Any:
            rest = iter(given)
            return f(*jax.tree.unflatten(structure, [next(rest) if s is None else s[0] for s in fixed]))

        read = Read("dini.jax.translate", f, call, _primitive.like(arrays))
        if any(_primitive.is_traced(c) for c in read.captured):
            raise dini.TraceError(f"dini.jax.translate: {read.name} captures a value that JAX traces; pass it as an argument")
        return jax.tree.unflatten(read.structure, read(*arrays, *(dini.array(np.asarray(c)) for c in read.captured)))

    return translated
