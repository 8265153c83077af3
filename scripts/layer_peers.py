#!/usr/bin/env python3
"""Layers and batches by other libraries, beside what bench/layers and bench/batches have measured.

    layer_peers.py FOLDER [--small]     with layers.json and batches.json of these programs; --small as for batches

Inputs are the same to the bit: Dini draws JAX's random numbers. Each work is the sum of a solve's values, and its gradient. Times are
the wall's, the best of many warm calls, with all processors for both. A row whose sums differ by more than the tolerance allows is
marked: the libraries did not do the same work.
"""
import json
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxopt
import numpy as np
import optimistix
from jax.scipy.stats import norm


def best(call, budget=0.6):
    """Seconds of the best call; the results are waited for."""
    call()
    times, end = [], time.perf_counter() + budget
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


class Rows:
    """What peers took, beside Dini's rows."""

    def __init__(self, folder):
        self.folder = folder
        self.dini = {}
        for name in ("layers", "batches"):
            for line in (folder / f"{name}.json").read_text().splitlines():
                row = json.loads(line)
                key = row["work"], row.get("dtype", "")
                if key not in self.dini or row["threads"] > self.dini[key]["threads"]:  # the one with all threads
                    self.dini[key] = row
        self.out = []

    def add(self, work, dtype, peer, value, both, total, first_ms):
        row = dict(work=work, dtype=dtype, peer=peer, value_us=1e6 * value, value_and_grad_us=1e6 * both, sum=total,
                   first_call_ms=first_ms)
        self.out.append(row)
        ours = self.dini[work, dtype]
        same = abs(total - ours["sum"]) <= 1e-4 * (1 + abs(ours["sum"]))
        ratios = [row[k] / ours[k] for k in ("value_us", "value_and_grad_us")]
        first = f"{first_ms / ours['first_call_ms']:8.0f}" if "first_call_ms" in ours else "        "
        print(f"{work:24} {dtype:8} {peer:18} {ours['value_us']:12.1f} {row['value_us']:12.1f} {ratios[0]:7.1f}"
              f" {ours['value_and_grad_us']:12.1f} {row['value_and_grad_us']:12.1f} {ratios[1]:7.1f} {first}"
              f"{'' if same else '   another sum: %.9g' % total}", flush=True)

    def jax(self, work, dtype, peer, loss, args, argnums=(0, 1)):
        try:
            value, both = jax.jit(loss), jax.jit(jax.value_and_grad(loss, argnums))
            start = time.perf_counter()
            total, _ = jax.block_until_ready(both(*args))
            first = 1e3 * (time.perf_counter() - start)
            self.add(work, dtype, peer, best(lambda: jax.block_until_ready(value(*args))),
                     best(lambda: jax.block_until_ready(both(*args))), float(total), first)
        except Exception as error:  # a peer that fails is a result
            print(f"{work:24} {dtype:8} {peer:18} failed: {str(error).splitlines()[0][:80]}", flush=True)

    def save(self):
        (self.folder / "peers.json").write_text("".join(json.dumps(row) + "\n" for row in self.out))


# ---- layers ------------------------------------------------------------------------------------------------------------


def step(W, x, z):
    return jnp.tanh(W @ z + x)


def iterate(f, z, tolerance):
    def body(state):
        _, z, k = state
        return z, f(z), k + 1

    return jax.lax.while_loop(lambda s: jnp.linalg.norm(s[0] - s[1]) > tolerance, body, (z, f(z), 1))[1]


def layer_by_rule(tolerance):
    """By jax.custom_vjp, with the same iteration for the adjoint."""

    @jax.custom_vjp
    def layer(W, x):
        return iterate(lambda z: step(W, x, z), jnp.zeros_like(x), tolerance)

    def forward(W, x):
        z = layer(W, x)
        return z, (W, x, z)

    def backward(saved, w):
        W, x, z = saved
        _, pull_inputs = jax.vjp(lambda W, x: step(W, x, z), W, x)
        _, pull_z = jax.vjp(lambda z: step(W, x, z), z)
        return pull_inputs(iterate(lambda u: pull_z(u)[0] + w, jnp.zeros_like(w), tolerance))

    layer.defvjp(forward, backward)
    return layer


def inputs(n, dtype):
    W = 0.7 * jax.random.normal(jax.random.key(0), (n, n), dtype) / np.sqrt(n)
    return W.astype(dtype), jax.random.normal(jax.random.key(1), (n,), dtype)


def newton_layer(W, x, tolerance=1e-10):
    solver = optimistix.Newton(tolerance, tolerance)
    return optimistix.root_find(lambda z, a: step(*a, z) - z, solver, jnp.zeros_like(x), (W, x), max_steps=100, throw=False).value


def casadi_layer(rows, n):
    import casadi  # not at the top: bench/python_peers.py takes the layers, and none of it

    W, x = (np.asarray(a) for a in inputs(n, jnp.float64))
    start = time.perf_counter()
    z, Ws, xs = casadi.MX.sym("z", n), casadi.MX.sym("W", n, n), casadi.MX.sym("x", n)
    problem = {"x": z, "p": casadi.veccat(Ws, xs), "g": casadi.tanh(Ws @ z + xs) - z}
    solver = casadi.rootfinder("solver", "newton", problem, {"abstol": 1e-10, "linear_solver": "lapacklu"})
    loss = casadi.sum1(solver(x0=casadi.DM.zeros(n), p=casadi.veccat(Ws, xs))["x"])
    value = casadi.Function("value", [Ws, xs], [loss])
    both = casadi.Function("both", [Ws, xs], [loss, casadi.gradient(loss, Ws), casadi.gradient(loss, xs)])
    total = float(both(W, x)[0])
    first = 1e3 * (time.perf_counter() - start)
    rows.add(f"newton-{n}", "float64", "CasADi Newton", best(lambda: value(W, x)), best(lambda: both(W, x)), total, first)


def layers(rows):
    for dtype, tolerance in ((np.float32, 1e-5), (np.float64, 1e-10)):
        jax.config.update("jax_enable_x64", dtype == np.float64)
        name = np.dtype(dtype).name
        for n in (10, 100, 1000):
            work, args = f"tanh-{n}", inputs(n, dtype)
            layer = layer_by_rule(tolerance)
            rows.jax(work, name, "JAX, by a rule", lambda W, x: jnp.sum(layer(W, x)), args)
            fixed = jaxopt.FixedPointIteration(lambda z, W, x: step(W, x, z), maxiter=1000, tol=tolerance)
            rows.jax(work, name, "JAXopt", lambda W, x: jnp.sum(fixed.run(jnp.zeros_like(x), W, x).params), args)
            solver = optimistix.FixedPointIteration(tolerance, tolerance)
            rows.jax(work, name, "Optimistix",
                     lambda W, x: jnp.sum(optimistix.fixed_point(lambda z, a: step(*a, z), solver, jnp.zeros_like(x), (W, x),
                                                                 max_steps=1000, throw=False).value), args)
    for n in (10, 100):
        rows.jax(f"newton-{n}", "float64", "Optimistix Newton", lambda W, x: jnp.sum(newton_layer(W, x)), inputs(n, jnp.float64))
        casadi_layer(rows, n)


# ---- batches -----------------------------------------------------------------------------------------------------------


def kepler(e, M):
    def solve(e, M):
        def body(state):
            E, _ = state
            d = (E - e * jnp.sin(E) - M) / (1 - e * jnp.cos(E))
            return E - d, jnp.max(jnp.abs(d))

        start = M + 0.85 * e * jnp.sign(jnp.sin(M))
        return jax.lax.while_loop(lambda s: s[1] > 1e-12, body, (start, jnp.asarray(jnp.inf)))[0]

    @jax.custom_vjp
    def layer(e, M):
        return solve(e, M)

    def forward(e, M):
        E = layer(e, M)
        return E, (e, E)

    def backward(saved, w):
        e, E = saved
        u = w / (1 - e * jnp.cos(E))
        return u * jnp.sin(E), u

    layer.defvjp(forward, backward)
    return jnp.sum(layer(e, M))


def volatility(lanes, without):
    strike = 0.8 + 0.4 * jax.random.uniform(jax.random.key(5), (lanes,))
    sigma = 0.1 + 0.5 * jax.random.uniform(jax.random.key(6), (lanes,))

    def call(strike, s):
        d = -jnp.log(strike) / s + 0.5 * s
        return norm.cdf(d) - strike * norm.cdf(d - s)

    price = call(strike, sigma)
    for k in range(without):
        price = price.at[k * lanes // (without + 1) + 7].set(1.5)
    solver = optimistix.Newton(1e-10, 1e-10)

    def one(strike, price):
        found = optimistix.root_find(lambda s, a: call(a[0], s) - a[1], solver, jnp.asarray(0.3), (strike, price), max_steps=100,
                                     throw=False)
        return jnp.where(found.result == optimistix.RESULTS.successful, found.value, jnp.nan)

    return (lambda strike, price: jnp.nansum(jax.vmap(one)(strike, price))), (strike, price)


def programs(lanes):
    key = jax.random.key(7)
    root, G, q = (jax.random.normal(jax.random.fold_in(key, k), size) for k, size in enumerate(((10, 10), (20, 10), (lanes, 10))))
    h = jax.random.uniform(jax.random.fold_in(key, 3), (20,), minval=0.1, maxval=1.0)
    P = root @ root.T + jnp.eye(10)
    solver = jaxopt.OSQP(tol=1e-8, maxiter=20000)

    def one(q):
        return jnp.sum(solver.run(params_obj=(P, q), params_eq=None, params_ineq=(G, h)).params.primal)

    return (lambda q: jnp.sum(jax.vmap(one)(q))), (q,)


def batches(rows, part):
    jax.config.update("jax_enable_x64", True)
    W = (0.7 * jax.random.normal(jax.random.key(0), (10, 10), jnp.float32) / np.sqrt(10.0)).astype(jnp.float32)
    X = jax.random.normal(jax.random.key(1), (10000 // part, 10), jnp.float32)
    layer = layer_by_rule(1e-5)
    rows.jax("layer of 10, shared W", "", "JAX, by a rule", lambda W, X: jnp.sum(jax.vmap(layer, (None, 0))(W, X)), (W, X))

    lanes = 1000000 // part
    e = 0.9 * jax.random.uniform(jax.random.key(2), (lanes,))
    M = 6.283185307179586 * jax.random.uniform(jax.random.key(3), (lanes,))
    rows.jax("Kepler's equation", "", "JAX, by a rule", kepler, (e, M))

    W, X = inputs(10, jnp.float64)[0], jax.random.normal(jax.random.key(1), (10000 // part, 10), jnp.float64)
    rows.jax("Newton, layer of 10", "", "Optimistix Newton", lambda W, X: jnp.sum(jax.vmap(newton_layer, (None, 0))(W, X)), (W, X), 1)
    for without in (0, 3):
        loss, args = volatility(5000 // part, without)
        rows.jax(f"volatility, {without} without" if without else "volatility", "", "Optimistix Newton", loss, args, 1)
    loss, args = programs(10000 // part)
    rows.jax("programs, 10 and 20", "", "JAXopt OSQP", loss, args, 0)


if __name__ == "__main__":
    print("                                                               value, µs                       value and gradient, µs"
          "        first call")
    print("work                     dtype    peer                       Dini         peer   ratio         Dini         peer   ratio"
          "    ratio")
    jax.config.update("jax_threefry_partitionable", False)  # the numbers that JAX has drawn since its beginning, and Dini
    rows = Rows(Path(sys.argv[1]))
    layers(rows)
    batches(rows, 10 if "--small" in sys.argv else 1)
    rows.save()
