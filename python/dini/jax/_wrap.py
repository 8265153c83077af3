"""Functions that are written with dini as functions of JAX's."""
from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np

from .. import _dini
from . import _primitive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Protocol

    class Layer(Protocol):
        """A function of JAX's."""

        clear_cache: Callable[[], None]

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

DTYPES = ("bool", "int32", "int64", "float32", "float64")


def is_array(leaf: Any) -> bool:
    return isinstance(leaf, (bool, int, float, complex, np.ndarray, np.generic, jax.Array, _dini.Array)) or hasattr(leaf, "__jax_array__")


def as_jax(leaf: Any, function: str) -> Any:
    """The leaf as an array of JAX's that dini can hold."""
    x = leaf if isinstance(leaf, jax.Array) else jnp.asarray(leaf.numpy() if isinstance(leaf, _dini.Array) else leaf)
    if x.dtype.name not in DTYPES:
        raise _dini.DtypeError(f"{function}: the dtypes are {', '.join(DTYPES)}; got {x.dtype.name}, convert it with astype")
    return x


def followed(leaves: Any) -> bool:
    """Whether there are arrays of dini's among them that a function of dini's is followed with now."""
    return any(isinstance(a, _dini.Array) and not a.concrete for a in leaves)


def _strong(arrays: list[Any]) -> list[Any]:
    """Python's numbers in the dtype of the other floating arrays, where these have one, as JAX promotes."""
    floating = [a for a in arrays if jnp.issubdtype(a.dtype, jnp.floating)]
    dtypes = {a.dtype for a in floating if not a.weak_type}
    if len(dtypes) != 1 or len(floating) == sum(not a.weak_type for a in floating):
        return arrays
    (dtype,) = dtypes
    return [a.astype(dtype) if a.weak_type and jnp.issubdtype(a.dtype, jnp.floating) else a for a in arrays]


def avals_of(arrays: Any) -> tuple[Any, ...]:
    """The shapes and dtypes of JAX's arrays or dini's."""
    return tuple((tuple(a.shape), str(a.dtype)) for a in arrays)


def wrap(g: Callable[..., Any]) -> Layer:
    """A function that is written with dini as a JAX function: of trees of arrays, with a tree of arrays as its value.

    It is traced once for each structure, shapes and dtypes of its arguments, as by dini.jit: what it captures is fixed then. What is no array
    in the arguments, a text or a function, is part of the structure. Its clear_cache() forgets what was traced.

    >>> import jax
    >>> layer = dini.jax.wrap(lambda a: dini.root(lambda a, z: z**2 - a, 1.0, a).value)
    >>> round(float(jax.grad(layer)(4.0)), 4)
    0.25
    """
    known: dict[Any, Any] = {}
    name = getattr(g, "__name__", "a function")

    def trace(structure: Any, fixed: tuple[Any, ...], avals: Any) -> tuple[Any, Any]:
        out = None

        def flat(*arrays: Any) -> Any:
            nonlocal out
            rest = iter(arrays)
            args, kwargs = jax.tree.unflatten(structure, [next(rest) if f is None else f[0] for f in fixed])
            leaves, out = jax.tree.flatten(g(*args, **kwargs))
            for leaf in leaves:
                if not is_array(leaf):
                    raise TypeError(f"dini.jax.wrap: {name} returned a {type(leaf).__name__}, where arrays and trees of them are wanted"
                                    + ("; return its value" if hasattr(leaf, "status_code") else ""))
            return [a.astype(_primitive.narrow(str(a.dtype))) for a in map(_dini.array, leaves)]

        return _dini._close(flat, avals), out

    @functools.wraps(g, updated=())
    def layer(*args: Any, **kwargs: Any) -> Any:
        leaves, structure = jax.tree.flatten((args, kwargs))
        if followed(leaves):
            return g(*args, **kwargs)
        fixed = tuple(None if is_array(leaf) else (leaf,) for leaf in leaves)
        arrays = _strong([as_jax(leaf, "dini.jax.wrap") for leaf, f in zip(leaves, fixed) if f is None])
        key = structure, fixed, avals_of(arrays)
        if key not in known:
            known[key] = trace(*key)
        program, out = known[key]
        return jax.tree.unflatten(out, _primitive.bind(program, arrays))

    layer.clear_cache = known.clear  # type: ignore[attr-defined]
    return layer  # type: ignore[return-value]
