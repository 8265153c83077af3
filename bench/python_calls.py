"""What calls from Python cost: microseconds, the best of many.

    make python && build/python-venv/bin/python bench/python_calls.py
"""
import time

import numpy as np

import dini


def best(f, seconds=0.3):
    f()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        begun = time.perf_counter()
        for _ in range(10):
            f()
        times.append((time.perf_counter() - begun) / 10)
    return min(times) * 1e6


def show(what, f):
    print(f"{what:56} {best(f):9.2f}", flush=True)


def main():
    x, one, numbers, large = dini.ones(10), dini.array(1.0), np.ones(10), np.ones(1_000_000)
    add, add_all = dini.jit(lambda x: x + 1), dini.jit(lambda d: {k: v + 1 for k, v in d.items()})
    tree = {f"k{k}": one for k in range(20)}
    show("jit(x + 1) of a number", lambda: add(one))
    show("jit(x + 1) of a dict of 20", lambda: add_all(tree))
    show("x + x of 10 numbers", lambda: x + x)
    show("dini.tanh(x)", lambda: dini.tanh(x))
    show("np.tanh(x)", lambda: np.tanh(x))
    show("dini.sum(x, axis=0)", lambda: dini.sum(x, axis=0))
    show("dini.array of NumPy's 10 numbers", lambda: dini.array(numbers))
    show("dini.array of NumPy's 8 MB", lambda: dini.array(large))
    show("dini.asarray(copy=False) of NumPy's 8 MB", lambda: dini.asarray(large, copy=False))
    show("np.asarray(x)", lambda: np.asarray(x))

    r = np.random.default_rng(0)
    W, v = 0.7 * r.standard_normal((10, 10)) / np.sqrt(10), r.standard_normal(10)
    Wd, vd, f = dini.array(W), dini.array(v), lambda W, x, z: dini.tanh(W @ z + x)
    for solver in ("forward_iteration", "newton"):
        value = lambda W, x: dini.fixed_point(f, dini.zeros(10), W, x, solver=solver, tolerance=1e-10).value
        both = dini.value_and_grad(lambda W, x: dini.sum(value(W, x) ** 2), (0, 1))
        compiled_value, compiled = dini.jit(value), dini.jit(both)
        name = f"tanh-10, {solver}: "
        show(name + "value", lambda: compiled_value(Wd, vd))
        show(name + "value and gradient", lambda: compiled(Wd, vd))
        show(name + "the same from NumPy", lambda: compiled(W, v))
        show(name + "the same without jit", lambda: both(Wd, vd))


if __name__ == "__main__":
    main()
