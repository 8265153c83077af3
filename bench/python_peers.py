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


class Torch:
    """What is written by hand in PyTorch. Raises ImportError where it is not there."""

    def __init__(self, W, x):
        import torch

        torch.set_num_threads(1)  # what is small is slower on several
        self.torch = torch
        self.W, self.x = torch.tensor(W, requires_grad=True), torch.tensor(x, requires_grad=True)
        self.zeros = torch.zeros(len(x), dtype=torch.float64)
        step, iterated = self.step, self.iterated

        class Layer(torch.autograd.Function):
            """By the implicit function theorem written out."""

            @staticmethod
            def forward(ctx, W, x):
                z = iterated(lambda z: step(W, x, z), torch.zeros_like(x))
                ctx.save_for_backward(W, z)
                return z

            @staticmethod
            def backward(ctx, ct):
                W, z = ctx.saved_tensors
                slope = 1 - z**2
                u = slope * torch.linalg.solve((torch.eye(len(z), dtype=z.dtype) - slope[:, None] * W).T, ct)
                return torch.outer(u, z), u

        self.by_hand = Layer.apply

        class Cell(torch.nn.Module):
            """1,000 parameters."""

            def __init__(self):
                super().__init__()
                self.a, self.b = torch.nn.Linear(22, 22), torch.nn.Linear(22, 22)

            def forward(self, x, z):
                return torch.tanh(0.5 * self.b(torch.relu(self.a(z))) + x)

        torch.manual_seed(0)
        self.cell = Cell().double()
        self.input = torch.randn(22, dtype=torch.float64)

    def step(self, W, x, z):
        return self.torch.tanh(W @ z + x)

    def one_step(self, W, x):
        return self.step(W, x, x)

    def iterated(self, f, z):
        while True:
            z_next = f(z)
            if self.torch.linalg.vector_norm(z_next - z) < TOLERANCE:
                return z_next
            z = z_next

    def module_by_hand(self, x):
        """One more step from the solution, and a hook that solves for its cotangent by iteration."""
        torch = self.torch
        with torch.no_grad():
            z = self.iterated(lambda z: self.cell(x, z), torch.zeros_like(x))
        before = z.clone().requires_grad_()
        again = self.cell(x, before)
        z = self.cell(x, z)
        z.register_hook(lambda ct: self.iterated(lambda u: torch.autograd.grad(again, before, u, retain_graph=True)[0] + ct, ct))
        return z

    def gradient(self, z, inputs):
        return self.torch.autograd.grad((z**2).sum(), inputs)


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
