"""What calls from Python cost, beside other libraries where they are installed; a goal that is missed by a factor of three is a failure.

    make bench-python                         with JAX, JAXopt, Optimistix and SciPy, which it installs under build/, and PyTorch
    python bench/python_calls.py [--quick]    in any environment that has the package

Microseconds, the best of many calls; first calls and imports in milliseconds of CPU, in a process of their own. The goals are those of two
cores with AVX-512. The layer is z = tanh(W z + x) of ten unknowns in float64, to 1e-10.
"""
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import python_peers as peers

import dini

SECONDS = 0.05 if "--quick" in sys.argv else 0.3
FOLDER = str(Path(__file__).parent)


def best(f, seconds=None):
    f()
    begun = time.perf_counter()
    f()
    calls = 10 if time.perf_counter() - begun < 1e-3 else 1
    times, end = [], time.perf_counter() + (seconds or SECONDS)
    while time.perf_counter() < end:
        begun = time.perf_counter()
        for _ in range(calls):
            f()
        times.append((time.perf_counter() - begun) / calls)
    return min(times) * 1e6


def once(setup, timed):
    """Milliseconds of CPU in a new process, the best of three."""
    code = f"{setup}\nimport time\nbegun = time.process_time()\n{timed}\nprint(1e3 * (time.process_time() - begun))"
    # With what Python keeps of sources that it has read, as it is after the first time. And without the threads of NumPy's BLAS, which
    # wait for work in a loop for some 10 ms after NumPy's import.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {"OPENBLAS_NUM_THREADS": "1"}
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env) for _ in range(1 if "--quick" in sys.argv else 3)]
    if any(r.returncode for r in runs):
        raise RuntimeError(runs[0].stderr.strip().splitlines()[-1])
    return min(float(r.stdout) for r in runs)


class Table:
    def __init__(self):
        self.missed = []
        print(f"{'':46}{'goal':>8}{'dini':>10}   others")

    def row(self, what, goal, ours, measure=best, **others):
        """`ours` and others (with _ for a space): what `measure` takes."""
        got = measure(ours)
        slow = goal is not None and got > 3 * goal
        if slow:
            self.missed.append(what)
        beside = []
        for name, other in others.items():
            try:
                beside.append(f"{name.replace('_', ' ')} {measure(other):.4g}")
            except Exception as error:  # a peer that fails is a result
                beside.append(f"{name.replace('_', ' ')} failed: {str(error)[:60]}")
        print(f"{what:46}{'' if goal is None else goal:>8}{got:10.4g}{' !' if slow else '  '} {', '.join(beside)}", flush=True)


def small_calls(t, jax):
    x, one, numbers, large = dini.ones(10), dini.array(1.0), np.ones(10), np.ones(1_000_000)
    add, add_all = dini.jit(lambda x: x + 1), dini.jit(lambda d: {k: v + 1 for k, v in d.items()})
    tree = {f"k{k}": one for k in range(20)}
    theirs = jax.small() if jax else ()
    t.row("jit(x + 1) of a number", 0.6, lambda: add(one), **dict(zip(["JAX"], theirs[:1])))
    t.row("jit(x + 1) of a dict of 20", 4, lambda: add_all(tree), **dict(zip(["JAX"], theirs[1:])))
    t.row("an operation on 10 numbers", 0.3, lambda: x + x, NumPy=lambda: numbers + numbers)
    t.row("the same by NumPy's name", 0.8, lambda: np.tanh(x), NumPy=lambda: np.tanh(numbers))

    def traced(n):
        def f(x):
            for _ in range(n):
                x = x + x
            return x

        return lambda: dini.make_program(f)(x)

    # Of a hundred operations more, one by one.
    t.row("tracing an operation", 0.3, (traced(0), traced(100)), measure=lambda pair: (best(pair[1]) - best(pair[0])) / 100)
    t.row("array of NumPy's 10 numbers", 0.4, lambda: dini.array(numbers))
    t.row("array in the memory of NumPy's 8 MB", 1, lambda: dini.asarray(large, copy=False))
    t.row("array of NumPy's 8 MB, copied", None, lambda: dini.array(large), NumPy=lambda: large.copy())
    t.row("to NumPy", 0.3, lambda: np.asarray(x))


def layers(t, jax):
    r = np.random.default_rng(0)
    W, x = 0.7 * r.standard_normal((10, 10)) / np.sqrt(10), r.standard_normal(10)
    Wd, xd, f = dini.array(W), dini.array(x), lambda W, x, z: dini.tanh(W @ z + x)
    goals = {"forward_iteration": (3, 5, 7, 20), "newton": (10, 15, 17, 30)}
    for solver, (value_goal, both_goal, numpy_goal, eager_goal) in goals.items():
        value = lambda W, x: dini.fixed_point(f, dini.zeros(10), W, x, solver=solver, tolerance=peers.TOLERANCE).value
        both = dini.value_and_grad(lambda W, x: dini.sum(value(W, x) ** 2), (0, 1))
        compiled_value, compiled = dini.jit(value), dini.jit(both)
        assert np.allclose(compiled_value(W, x), peers.numpy_loop(W, x)) and np.allclose(compiled(W, x)[1][0], peers.numpy_gradient(W, x)[1][0])
        theirs = jax.layers(solver == "newton") if jax else {}
        name = lambda n: n.replace(" ", "_")
        values = {name(n): jax.compiled(s) for n, s in theirs.items()}
        pairs = {name(n): jax.compiled(jax.both(s)) for n, s in theirs.items()}
        if solver == "newton":
            values["scipy.optimize.root"] = lambda: peers.scipy_root(W, x)
        else:
            values["NumPy"] = lambda: peers.numpy_loop(W, x)
            pairs["NumPy_by_hand"] = lambda: peers.numpy_gradient(W, x)
        t.row(f"{solver}: value", value_goal, lambda: compiled_value(Wd, xd), **values)
        t.row(f"{solver}: value and gradient", both_goal, lambda: compiled(Wd, xd), **pairs)
        arrays = {"JAX_by_hand": jax.compiled(jax.both(theirs["JAX by hand"]), (W, x))} if "JAX by hand" in theirs else {}
        t.row(f"{solver}: the same, from NumPy", numpy_goal, lambda: compiled(W, x), **arrays)
        eager = {name(n): (lambda g=jax.both(s): jax.jax.block_until_ready(g(jax.W, jax.x))) for n, s in theirs.items() if n == "Optimistix"}
        t.row(f"{solver}: the same without jit", eager_goal, lambda: both(Wd, xd), **eager)


def first_calls(t, jax):
    dinis = peers.SETUP + """
import dini
f = lambda W, x, z: dini.tanh(W @ z + x)
"""
    loss = "lambda W, x: dini.sum(dini.fixed_point(f, dini.zeros(10), W, x, solver={solver!r}, tolerance=1e-10).value ** 2)"
    for solver, goal in (("forward_iteration", 1), ("newton", 3)):
        ours = dinis, f"dini.jit(dini.value_and_grad({loss.format(solver=solver)}, (0, 1)))(W, x)"
        others = {}
        if jax:
            setup = peers.JAX_SETUP.format(folder=FOLDER, newton=solver == "newton")
            for n in jax.layers(solver == "newton"):
                others[n.replace(" ", "_")] = setup, f"j.compiled(j.both(layers[{n!r}]))()"
        t.row(f"{solver}: first value and gradient, ms", goal, ours, measure=lambda p: once(*p), **others)
    hessian = dinis, f"dini.jit(dini.hessian({loss.format(solver='newton')}, 1))(W, x)"
    others = {}
    if jax:
        others["Optimistix"] = (peers.JAX_SETUP.format(folder=FOLDER, newton=True),
                                "j.wait(j.jax.jit(j.jax.hessian(lambda W, x: j.jnp.sum(layers['Optimistix'](W, x)**2), 1)))(j.W, j.x)")
    t.row("newton: first Hessian, ms", 5, hessian, measure=lambda p: once(*p), **others)
    modules = {"jax": "jax", "optimistix": "optimistix"} if jax else {}
    t.row("import, without NumPy's, ms", 8, ("import numpy", "import dini"), measure=lambda p: once(*p),
          **{n: ("import numpy", f"import {m}") for n, m in modules.items()})


def bridges(t, jax):
    """Layers as functions of torch's and JAX's, where these and the bridges are there; beside them the same written by hand."""
    r = np.random.default_rng(0)
    W, x = 0.7 * r.standard_normal((10, 10)) / np.sqrt(10), r.standard_normal(10)
    options = dict(solver="forward_iteration", tolerance=peers.TOLERANCE)
    layer = lambda W, x: dini.fixed_point(lambda W, x, z: dini.tanh(W @ z + x), dini.zeros_like(x), W, x, **options).value
    try:
        torch = peers.Torch(W, x)
        import dini.torch
    except ImportError:
        pass
    else:
        both = lambda solve: lambda: torch.gradient(solve(torch.W, torch.x), (torch.W, torch.x))
        wrapped = dini.torch.wrap(layer)
        of_torch = lambda W, x: dini.torch.fixed_point(torch.step, torch.zeros, W, x, **options)
        assert all(np.allclose(a, b) for a, b in zip(both(of_torch)(), both(torch.by_hand)()))
        t.row("torch: a layer's value", 15, lambda: wrapped(torch.W, torch.x), torch_by_hand=lambda: torch.by_hand(torch.W, torch.x))
        t.row("torch: value and backward", 55, both(wrapped), torch_by_hand=both(torch.by_hand), one_step_of_torch=both(torch.one_step))
        t.row("torch: f in torch, value", None, lambda: of_torch(torch.W, torch.x))
        t.row("torch: f in torch, value and backward", 60, both(of_torch))
        deq = dini.torch.FixedPoint(torch.cell, **options)
        own = tuple(torch.cell.parameters())
        of_module = lambda solve: lambda: torch.gradient(solve(torch.input), own)
        assert all(np.allclose(a, b) for a, b in zip(of_module(deq)(), of_module(torch.module_by_hand)()))
        t.row("torch: a module of 1,000 parameters, a step", 150, of_module(deq), torch_by_hand=of_module(torch.module_by_hand),
              one_step_of_torch=of_module(lambda x: torch.cell(x, 0 * x)))
    try:
        import dini.jax
    except ImportError:
        return
    if jax is None:
        return
    theirs = {n.replace(" ", "_"): s for n, s in jax.layers(False).items()}
    of_jax = lambda W, x: dini.jax.fixed_point(jax.step, jax.jnp.zeros_like(x), W, x, **options)
    assert all(np.allclose(a, b) for a, b in zip(jax.compiled(jax.both(of_jax))()[1], jax.compiled(jax.both(theirs["JAX_by_hand"]))()[1]))
    t.row("JAX: a layer's value", 9, jax.compiled(dini.jax.wrap(layer)), **{n: jax.compiled(s) for n, s in theirs.items()})
    t.row("JAX: value and gradient", 18, jax.compiled(jax.both(dini.jax.wrap(layer))), **{n: jax.compiled(jax.both(s)) for n, s in theirs.items()})
    t.row("JAX: f in JAX, value and gradient", 18, jax.compiled(jax.both(of_jax)))
    first = """
import dini.jax
solve = lambda W, x: dini.jax.fixed_point(j.step, j.jnp.zeros_like(x), W, x, solver="forward_iteration", tolerance=1e-10)
"""
    setup = peers.JAX_SETUP.format(folder=FOLDER, newton=False)
    t.row("JAX: f in JAX, first value and gradient, ms", 55, (setup + first, "j.compiled(j.both(solve))()"), measure=lambda p: once(*p),
          **{n: (setup, f"j.compiled(j.both(layers[{n.replace('_', ' ')!r}]))()") for n in theirs},
          tanh_alone=(setup, "j.compiled(j.both(lambda W, x: j.step(W, x, x)))()"))


def main():
    t = Table()
    r = np.random.default_rng(0)
    try:
        jax = peers.Jax(0.7 * r.standard_normal((10, 10)) / np.sqrt(10), r.standard_normal(10))
    except ImportError:
        jax = None
    small_calls(t, jax)
    layers(t, jax)
    first_calls(t, jax)
    bridges(t, jax)
    if t.missed:
        print(f"\nThree times slower than the goal, and more: {', '.join(t.missed)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
