"""Solves of equations that are written with JAX."""
from __future__ import annotations

import jax
import jax.numpy as jnp

import dini

from . import _primitive
from ._read import Read, carried_of, translate
from ._wrap import as_jax, avals_of, followed, is_array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence


def _bound(function: str, which: str, bound: Any, structure: Any) -> Any:
    if bound is None:
        return []
    leaves, given = jax.tree.flatten(bound)
    if given != structure and len(leaves) != 1:
        raise dini.ShapeError(f"{function}: the {which} bounds are {given}, and z is {structure}: a number for all, or a tree like z")
    return [as_jax(a, function) for a in leaves]


def _floating(a: Any) -> Any:
    return a if jnp.issubdtype(a.dtype, jnp.floating) else a.astype(float)


def _strong(a: Any) -> Any:
    return jax.ShapeDtypeStruct(a.shape, a.dtype)  # z is of the dtype that it has, also if it is a number


def _solve(kind: str, f: Callable[..., Any], z0: Any, theta: Any, options: dict[str, Any]) -> Any:
    function = "dini.jax." + kind
    if options.get("deadline") is not None:
        raise dini.OptionError(f"{function}: there is no deadline, since what JAX calls is compiled; bound a solve by max_steps, or end it by an on_step "
                               "that returns False")
    if followed(jax.tree.leaves((z0, theta, options))):
        own = {name: translate(g) if name in ("equal", "at_most") and callable(g) else g for name, g in options.items()}
        return getattr(dini, kind)(translate(f), z0, *theta, **own).value
    starts = list(z0) if isinstance(z0, dini.Bracket) else [z0]
    z_structure = jax.tree.structure(starts[0])
    ends = [[_floating(as_jax(a, function)) for a in jax.tree.leaves(s)] for s in starts]
    if any(jax.tree.structure(s) != z_structure for s in starts):
        raise dini.ShapeError(f"{function}: the ends of the bracket have different structures")
    z = ends[0]
    theta_leaves, theta_structure = jax.tree.flatten(tuple(theta))
    fixed = [None if is_array(a) else (a,) for a in theta_leaves]
    carried = [carried_of(a.numpy() if isinstance(a, dini.Array) else a) for a, s in zip(theta_leaves, fixed) if s is None]
    given, back = [a for a, _ in carried], [b for _, b in carried]

    def unflatten(leaves: Sequence[Any]) -> Any:
        rest = iter(zip(leaves[len(z) :], back))

        def one(static: Any) -> Any:
            if static is not None:
                return static[0]
            a, b = next(rest)
            return b(a) if b else a

        return (*jax.tree.unflatten(theta_structure, [one(s) for s in fixed]), jax.tree.unflatten(z_structure, leaves[: len(z)]))

    like = [*map(_strong, _primitive.like(z)), *_primitive.like(given)]
    functions = {"f": f, "equal": options.get("equal"), "at_most": options.get("at_most")}
    read = {name: Read(function, g, lambda leaves, g=g: g(*unflatten(leaves)), like) for name, g in functions.items() if g is not None}
    if kind == "fixed_point" and read["f"].structure != z_structure:
        raise dini.ShapeError(f"{function}: {read['f'].name} returns {read['f'].structure}, and z is {z_structure}: they have to be alike")
    bounds = options.get("bounds")
    lower, upper = [[], []] if bounds is None else [_bound(function, w, b, z_structure) for w, b in zip(("lower", "upper"), bounds)]

    # All that goes in, by parts; the Program is of all of them side by side.
    parts = {"z": z, "end": ends[-1] if len(ends) == 2 else [], "theta": given, "lower": lower, "upper": upper,
             **{name: r.captured for name, r in read.items()}}
    flat = [a for part in parts.values() for a in part]

    def g(*arrays: Any) -> Any:
        rest = iter(arrays)
        now = {name: [next(rest) for _ in part] for name, part in parts.items()}
        sizes = {name: len(now[name]) for name in read}

        def of(name: str) -> Callable[..., Any]:
            def called(*args: Any) -> Any:
                *before, at = args
                captured, theta_now = {}, before[: len(given)]
                before = before[len(given) :]
                for k, n in sizes.items():
                    captured[k], before = before[:n], before[n:]
                values = read[name](*_leaves(at), *theta_now, *captured[name])
                return values[0] if kind == "minimize" and name == "f" or len(values) == 1 and len(z) == 1 else tuple(values)

            return called

        own = dict(options)
        for name in ("equal", "at_most"):
            if name in read:
                own[name] = of(name)
        if bounds is not None:
            own["bounds"] = tuple(_tree(now[w]) if now[w] else None for w in ("lower", "upper"))
        start: Any = dini.Bracket(_tree(now["z"]), _tree(now["end"])) if now["end"] else _tree(now["z"])
        return getattr(dini, kind)(of("f"), start, *now["theta"], *(a for name in read for a in now[name]), **own).value

    program = dini._dini._close(g, avals_of(flat))
    return jax.tree.unflatten(z_structure, _primitive.bind(program, flat))


def _tree(arrays: Sequence[Any]) -> Any:
    return arrays[0] if len(arrays) == 1 else tuple(arrays)


def _leaves(tree: Any) -> Sequence[Any]:
    return tree if isinstance(tree, tuple) else (tree,)


def fixed_point(f: Callable[..., Any], z0: Any, *theta: Any, **options: Any) -> Any:
    """z with z = f(*theta, z), near z0: f is written with JAX, z0 and theta are trees, and the options those of dini.fixed_point.

    What f captures, traced values as well, is differentiated as its arguments are.

    >>> import jax, jax.numpy as jnp
    >>> solution = lambda a: dini.jax.fixed_point(lambda a, z: jnp.cos(a * z), 0.5, a)
    >>> round(float(jax.grad(solution)(1.0)), 4)
    -0.2975
    """
    return _solve("fixed_point", f, z0, theta, options)


def root(f: Callable[..., Any], z0: Any, *theta: Any, **options: Any) -> Any:
    """z with 0 = f(*theta, z), near z0 or between the ends of a dini.Bracket: as fixed_point."""
    return _solve("root", f, z0, theta, options)


def minimize(f: Callable[..., Any], z0: Any, *theta: Any, **options: Any) -> Any:
    """z with f(*theta, z) least near z0: as fixed_point. `equal` and `at_most` are functions written with JAX, too."""
    return _solve("minimize", f, z0, theta, options)


def least_squares(f: Callable[..., Any], z0: Any, *theta: Any, **options: Any) -> Any:
    """z with the half square sum of f(*theta, z) least near z0: as minimize."""
    return _solve("least_squares", f, z0, theta, options)
