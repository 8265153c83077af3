"""The layer tanh-10 by other libraries from Python, for bench/python_calls.py: {name: call} for each kind of work. A library that is not
there has no entry."""
import sys
from pathlib import Path

import numpy as np

TOLERANCE = 1e-10


def numpy_loop(W, x):
    z = np.zeros_like(x)
    while True:
        z_next = np.tanh(W @ z + x)
        if np.linalg.norm(z_next - z) < TOLERANCE:
            return z_next
        z = z_next


def numpy_gradient(W, x):
    """Of the sum of squares, by the implicit function theorem written out."""
    z = numpy_loop(W, x)
    slope = 1 - np.tanh(W @ z + x) ** 2
    u = slope * np.linalg.solve((np.eye(len(x)) - slope[:, None] * W).T, 2 * z)
    return z @ z, (np.outer(u, z), u)


def scipy_root(W, x):
    from scipy.optimize import root

    return root(lambda z: np.tanh(W @ z + x) - z, np.zeros_like(x), tol=TOLERANCE).x


class Jax:
    """JAX, JAXopt, Optimistix. Raises ImportError where JAX is not there."""

    def __init__(self, W, x):
        import jax

        jax.config.update("jax_enable_x64", True)
        import jax.numpy as jnp

        self.jax, self.jnp = jax, jnp
        self.W, self.x = jnp.asarray(W), jnp.asarray(x)
        sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
        import layer_peers

        self.step = layer_peers.step
        self.by_rule = layer_peers.layer_by_rule(TOLERANCE)

    def wait(self, f):
        return lambda *args: self.jax.block_until_ready(f(*args))

    def small(self):
        add, add_all = self.jax.jit(lambda x: x + 1), self.jax.jit(lambda d: {k: v + 1 for k, v in d.items()})
        one = self.jnp.asarray(1.0)
        tree = {f"k{k}": one for k in range(20)}
        return self.wait(lambda: add(one)), self.wait(lambda: add_all(tree))

    def layers(self, newton):
        """{name: z of (W, x)}."""
        jnp, step = self.jnp, self.step
        out = {}
        if not newton:
            out["JAX by hand"] = self.by_rule
        try:
            import optimistix

            if newton:
                solver = optimistix.Newton(TOLERANCE, TOLERANCE)
                solve = lambda W, x: optimistix.root_find(lambda z, a: step(*a, z) - z, solver, jnp.zeros_like(x), (W, x), max_steps=100, throw=False).value
            else:
                solver = optimistix.FixedPointIteration(TOLERANCE, TOLERANCE)
                solve = lambda W, x: optimistix.fixed_point(lambda z, a: step(*a, z), solver, jnp.zeros_like(x), (W, x), max_steps=1000, throw=False).value
            out["Optimistix"] = solve
        except ImportError:
            pass
        try:
            import jaxopt

            if not newton:
                fixed = jaxopt.FixedPointIteration(lambda z, W, x: step(W, x, z), maxiter=1000, tol=TOLERANCE)
                out["JAXopt"] = lambda W, x: fixed.run(jnp.zeros_like(x), W, x).params
        except ImportError:
            pass
        return out

    def both(self, solve):
        return self.jax.value_and_grad(lambda W, x: self.jnp.sum(solve(W, x) ** 2), (0, 1))

    def compiled(self, f, from_numpy=None):
        g, (W, x) = self.jax.jit(f), from_numpy or (self.W, self.x)
        return self.wait(lambda: g(W, x))


# Programs of their own, for what is done once in a process: what is there before the clock runs, and what is timed.
SETUP = """
import numpy as np
r = np.random.default_rng(0)
W, x = 0.7 * r.standard_normal((10, 10)) / np.sqrt(10), r.standard_normal(10)
"""
JAX_SETUP = SETUP + """
import sys; sys.path.insert(0, {folder!r})
from python_peers import Jax
j = Jax(W, x)
layers = j.layers({newton})
"""
