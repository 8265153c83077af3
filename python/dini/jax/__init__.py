"""A bridge to JAX: layers of dini's as JAX functions, and solves of equations that are written in JAX.

    layer = dini.jax.wrap(g)                         # g written with dini: a JAX function
    z = dini.jax.fixed_point(f, z0, params, x)       # f written with JAX

Both have jit, grad, vmap, jvp and what is made of them, to any order, on the CPU.
"""
from __future__ import annotations

from ._read import translate as translate
from ._solve import fixed_point as fixed_point, least_squares as least_squares, minimize as minimize, root as root
from ._wrap import wrap as wrap

__all__ = ["fixed_point", "least_squares", "minimize", "root", "translate", "wrap"]
