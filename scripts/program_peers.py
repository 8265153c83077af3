#!/usr/bin/env python3
"""Quadratic programs by Dini and by other libraries: how exact, in how many steps, how fast; and gradients.

    program_peers.py FOLDER     with the .npz files of bench/program_peers.cpp

min ½xᵀPx + qᵀx with Gx ≤ h. The error is the largest violation of the conditions of optimality, each beside the sizes of its terms,
computed in extended precision. Gradients are those of Σ cos(1 + k) x_k by q and h, compared with exact ones: of the equations with the
active rows held, refined in extended precision; where the active set is not in doubt. Times are the processor's, of all threads, each
solver's set-up included, as they are called from Python; the gradient's beside the solve's. Every library with its defaults, and with its tolerances as
far down as it converges.
"""
import sys
import time
from importlib import metadata
from pathlib import Path

import clarabel
import numpy as np
import osqp
import proxsuite
import quadprog
import scipy.sparse as sp

wide = np.longdouble


def sizes(P, q, G, h, x, y):
    """Units of forces and of rows."""
    force = np.max(np.abs(P) @ np.abs(x) + np.abs(q) + np.abs(G).T @ np.abs(y))
    rows = np.sum(np.abs(G), axis=1) * np.max(np.abs(x)) + np.abs(h)
    return force, rows


def kkt_error(P, q, G, h, x, y):
    P, q, G, h, x, y = (a.astype(wide) for a in (P, q, G, h, x, y))
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        return np.inf
    force, rows = sizes(P, q, G, h, x, y)
    stationary = np.max(np.abs(P @ x + q + G.T @ y)) / force
    slack = (h - G @ x) / rows
    multiplier = y * np.max(np.abs(G), axis=1) / force
    return float(max(stationary, np.max(-slack), np.max(-multiplier), np.max(np.minimum(multiplier, slack))))


def refined(K, b):
    """K⁻¹b, with residuals in extended precision."""
    out = np.zeros(b.shape, wide)
    for _ in range(6):
        out = out + np.linalg.solve(K, np.asarray(b - K.astype(wide) @ out, float))
    return out


def exact(P, q, G, h, x, y):
    """The gradients by q and h, or None where a row may be active or not."""
    force, rows = sizes(P, q, G, h, x, y)
    slack, multiplier = (h - G @ x) / rows, y * np.max(np.abs(G), axis=1) / force
    active = multiplier > slack
    if np.min(np.maximum(slack, multiplier)) < 1e-7:
        return None
    n, a = len(q), G[active]
    if np.linalg.matrix_rank(a) < len(a):
        return None
    K = np.block([[P, a.T], [a, np.zeros((len(a), len(a)))]])
    solution = refined(K, np.concatenate([np.cos(1.0 + np.arange(n)), np.zeros(len(a))]))
    by_h = np.zeros(len(h), wide)
    by_h[active] = solution[n:]
    return -solution[:n], by_h


class Proxqp:
    name, package = "ProxQP", "proxsuite"

    def __init__(self, eps):
        self.eps = eps

    def solve(self, P, q, G, h):
        # The other factorisation, which it takes by itself where there are many rows, has no derivatives.
        backend = proxsuite.proxqp.dense.DenseBackend.PrimalDualLDLT
        qp = proxsuite.proxqp.dense.QP(len(q), 0, len(h), dense_backend=backend)
        if self.eps:
            qp.settings.eps_abs, qp.settings.eps_rel = self.eps, 0
        qp.init(P, q, None, None, G, np.full(len(h), -1e20), h)
        qp.solve()
        self.qp = qp
        return qp.results.x, np.asarray(qp.results.z), qp.results.info.iter

    def gradient(self, w, m):
        tight = {"eps": self.eps, "rho_backward": 1e-10, "mu_backward": 1e-10} if self.eps else {}
        proxsuite.proxqp.dense.compute_backward(self.qp, np.concatenate([w, np.zeros(m)]), **tight)
        data = self.qp.model.backward_data
        return np.asarray(data.dL_dg), np.asarray(data.dL_du)


class Osqp:
    name, package = "OSQP", "osqp"

    def __init__(self, eps):
        self.eps = eps

    def solve(self, P, q, G, h):
        self.problem = osqp.OSQP()
        tight = {"eps_abs": self.eps, "eps_rel": self.eps, "max_iter": 200000} if self.eps else {}
        self.problem.setup(sp.triu(P, format="csc"), q, sp.csc_matrix(G), np.full(len(h), -np.inf), h, verbose=False,
                           polishing=bool(self.eps), **tight)
        result = self.problem.solve(raise_error=False)
        self.good = result.info.status_val == 1
        return result.x, result.y, result.info.iter

    def gradient(self, w, m):
        if not self.good:
            return None
        self.problem.adjoint_derivative_compute(dx=w, dy=np.zeros(m))
        by_q, _, by_h = self.problem.adjoint_derivative_get_vec()
        return by_q, by_h


class Clarabel:
    name, package = "Clarabel", "clarabel"
    gradient = None

    def __init__(self, eps):
        self.eps = eps

    def solve(self, P, q, G, h):
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        settings.max_threads = 1
        if self.eps:
            settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = self.eps
        solver = clarabel.DefaultSolver(sp.triu(P, format="csc"), q, sp.csc_matrix(G), h,
                                        [clarabel.NonnegativeConeT(len(h))], settings)
        result = solver.solve()
        return np.array(result.x), np.array(result.z), result.iterations


class Quadprog:
    name, package = "quadprog", "quadprog"
    gradient = None

    def __init__(self, _):
        pass

    def solve(self, P, q, G, h):
        try:
            x, _, _, steps, y, _ = quadprog.solve_qp(P, -q, -G.T, -h)
        except ValueError:  # "constraints are inconsistent"
            return np.full(len(q), np.nan), np.full(len(h), np.nan), 0
        return x, y, steps[0] + steps[1]


def summary(values, enough):
    """The median, the worst, and how many are above what is enough."""
    values = [v for v in values if v is not None]
    if not values:
        return "–"
    above = sum(v > enough for v in values)
    return f"{np.median(values):.0e}, {np.max(values):.0e}" + (f" ({above})" if above else "")


def compare(folder):
    print("Versions: " + ", ".join(f"{s.name} {metadata.version(s.package)}" for s in (Proxqp, Osqp, Clarabel, Quadprog)))
    for path in sorted(Path(folder).glob("*.npz")):
        data = np.load(path)
        P, q, G, h = (data[k] for k in "PqGh")
        count, n, m = len(q), q.shape[1], h.shape[1]
        w = np.cos(1.0 + np.arange(n))
        true = [exact(P[k], q[k], G[k], h[k], data["x"][k], data["y"][k]) for k in range(count)]
        known = sum(t is not None for t in true)
        print(f"\n{count} programs, n = {n}, m = {m}; gradients of {known} are known\n")
        print("| | steps, most | KKT error, worst (above 1e-6) | gradient error, worst (above 1e-3) | processor µs | with gradient |")
        print("| --- | --- | --- | --- | --- | --- |")

        def gradient_error(k, found):
            if true[k] is None:
                return None
            if found is None:
                return np.inf
            size = max(1.0, *(float(np.max(np.abs(t))) for t in true[k]))
            off = max(float(np.max(np.abs(f - t))) for f, t in zip(found, true[k]))
            return off / size if np.isfinite(off) else np.inf

        def row(name, steps, errors, gradients, seconds, with_gradient):
            slow = f"{1e6 * with_gradient:.0f}" if with_gradient else "–"
            print(f"| {name} | {np.mean(steps):.1f}, {np.max(steps)} | {summary(errors, 1e-6)} | {summary(gradients, 1e-3)} "
                  f"| {1e6 * seconds:.0f} | {slow} |")

        errors = [kkt_error(P[k], q[k], G[k], h[k], data["x"][k], data["y"][k]) for k in range(count)]
        gradients = [gradient_error(k, (data["by_q"][k], data["by_h"][k])) for k in range(count)]
        one, one_slope, lane, lane_slope = data["seconds"]
        row("Dini", data["steps"], errors, gradients, one, one_slope)
        row(f"Dini, {count} lanes", data["steps"], errors, gradients, lane, lane_slope)
        for solver, eps in ((Proxqp, 0), (Proxqp, 1e-12), (Osqp, 0), (Osqp, 1e-10), (Clarabel, 0), (Clarabel, 1e-12), (Quadprog, 0)):
            by = solver(eps)
            steps, errors, gradients = [], [], []
            seconds = slower = 0.0
            for k in range(count):
                start = time.process_time()
                x, y, taken = by.solve(P[k], q[k], G[k], h[k])
                seconds += time.process_time() - start
                steps.append(taken)
                errors.append(kkt_error(P[k], q[k], G[k], h[k], np.asarray(x, float), np.asarray(y, float)))
                if solver.gradient:
                    start = time.process_time()
                    found = by.gradient(w, m)
                    slower += time.process_time() - start
                    gradients.append(gradient_error(k, found))
            name = solver.name + (f", {eps:.0e}" if eps else "")
            row(name, steps, errors, gradients, seconds / count, (seconds + slower) / count if slower else None)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    compare(sys.argv[1])
