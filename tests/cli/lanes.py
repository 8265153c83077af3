#!/usr/bin/env python3
"""Compares batches with their lanes solved one by one.

    lanes.py TOOL

Of a batch and of the problems that its lanes are, status, z, loss, Jacobians and the gradients and Hessians of batched inputs have to
agree row by row; those of shared inputs with the sum over the lanes that have some.
"""
import json
import math
import random
import subprocess
import sys

random.seed(7)


def normal(*shape):
    if not shape:
        return random.gauss(0, 1)
    return [normal(*shape[1:]) for _ in range(shape[0])]


def scaled(a, factor):
    return [scaled(x, factor) for x in a] if isinstance(a, list) else a * factor


def plus(a, b):
    return [plus(x, y) for x, y in zip(a, b)] if isinstance(a, list) else float(a) + float(b)


INTEGERS = {"value": [0, 2, 1], "dtype": "int64"}
LAYER = {"kind": "fixed_point", "formula": "tanh(W @ z + x)", "z0": {"formula": "zeros(len(x))"}, "loss": "sum(z*c)", "batch": ["x"],
         "inputs": {"W": scaled(normal(4, 4), 0.3), "x": normal(7, 4), "c": normal(4)}, "hessian": ["x", "W"], "jacobian": ["x", "c"]}
CASES = {
    "a layer": LAYER,
    "a layer, by gmres": {**LAYER, "adjoint": "gmres"},
    "a layer, by the solver itself": {**LAYER, "adjoint": "same_solver", "hessian": [], "tolerance": 1e-13},
    "a layer by one step": {**LAYER, "adjoint": "one_step"},
    "a layer in float32": {**LAYER, "dtype": "float32"},
    "a layer by newton": {**LAYER, "solver": "newton", "z0": [0, 0, 0, 0]},
    "a layer by anderson": {**LAYER, "solver": {"name": "anderson", "history": 3}},
    "a layer, all of it batched": {**LAYER, "inputs": {"W": scaled(normal(3, 4, 4), 0.3), "x": normal(3, 4), "c": normal(3, 4)},
                                   "batch": ["x", "W", "c"]},
    "one lane": {**LAYER, "inputs": {**LAYER["inputs"], "x": normal(1, 4)}},
    "roots": {"kind": "root", "formula": "z**2 - a*b", "inputs": {"a": [1, 2, 3, 4], "b": 2}, "batch": ["a"], "z0": 1, "loss": "z**3",
              "hessian": ["a", "b"], "jacobian": ["a", "b"]},
    "roots, each from its start": {"kind": "root", "formula": "z**2 - a", "inputs": {"a": 2}, "batch": ["z0"], "z0": [1, -1, 5], "loss": "z",
                                   "hessian": "a", "jacobian": "a"},
    "roots from a formula": {"kind": "root", "formula": "z**3 - a", "inputs": {"a": [[1, 8], [27, 2]]}, "batch": "a", "z0": {"formula": "a"},
                             "loss": "prod(z)"},
    "roots, some without": {"kind": "root", "formula": "z**2 - a + b", "inputs": {"a": [1, -2, 4, -1], "b": 0}, "batch": ["a"], "z0": 1,
                            "loss": "z", "hessian": ["a", "b"], "jacobian": ["b"]},
    "roots, none at all": {"kind": "root", "formula": "z**2 + a", "inputs": {"a": [1, 2]}, "batch": ["a"], "z0": 1, "loss": "z"},
    "roots, one without a derivative": {"kind": "root", "formula": "(z - a)*(z - b)**2", "inputs": {"a": [1, 50, -1], "b": [-40, 2, 40]},
                                        "batch": ["a", "b"], "z0": 1.5, "loss": "z*c", "hessian": "a", "jacobian": "b"},
    "roots that leave what there is": {"kind": "root", "formula": "log(z) - a", "inputs": {"a": [0.5, 1]}, "batch": ["a", "z0"],
                                       "z0": [1, -1], "loss": "sqrt(z)"},
    "indices": {"kind": "root", "formula": "z - x[k]*y", "inputs": {"k": INTEGERS, "x": [4, 5, 6], "y": [1, 2, 3]}, "batch": ["k", "y"],
                "z0": 0, "loss": "z**2", "hessian": ["x", "y"], "jacobian": ["x"]},
    "minima": {"kind": "minimize", "formula": "sum((z - a)**2) + b*z[0]*z[1]", "inputs": {"a": normal(5, 2), "b": 0.5}, "batch": ["a"],
               "z0": [0, 0], "loss": "sum(z**2)", "hessian": ["a", "b"], "jacobian": ["a", "b"]},
    "minima and a saddle": {"kind": "minimize", "formula": "a*z**2 + c*z", "inputs": {"a": [1, -1, 2], "c": 3}, "batch": ["a"], "z0": 1,
                            "loss": "z"},
    "fits": {"kind": "least_squares", "formula": "z[0]*exp(z[1]*t) - y", "batch": ["y"], "z0": [1, 0], "loss": "z[0] + z[1]**2",
             "inputs": {"t": [0, 0.5, 1], "y": [[1, 1.3, 1.6], [2, 1.5, 1.2], [1, 1, 1.1]]}, "hessian": ["y", "t"], "jacobian": ["t"]},
    "minima between bounds": {"kind": "minimize", "formula": "sum((z - a)**2) + b*z[0]*z[1]", "inputs": {"a": normal(5, 2), "b": 0.5, "l": -0.2},
                              "batch": ["a"], "z0": [0, 0], "lower": "l", "upper": [0.3, None], "hessian": ["a", "l"], "jacobian": ["a", "b", "l"],
                              "loss": "sum(z**2) + objective + sum(dual_lower*dual_upper[::-1])"},
    "minima with constraints": {"kind": "minimize", "formula": "sum((z - a)**2)", "inputs": {"a": normal(4, 3), "b": [1, 2, 3, 1.5]},
                                "batch": ["a", "b"], "z0": [0, 0, 0], "equalities": {"total": "sum(z) == b"},
                                "inequalities": {"cap": "z <= 0.7*b"}, "hessian": "b", "jacobian": ["a", "b"],
                                "loss": "sum(z**2) + dual_total*sum(dual_cap)"},
    "roots between bounds": {"kind": "root", "formula": "z**3 + z - a", "inputs": {"a": normal(4, 3)}, "batch": ["a"], "z0": [0, 0, 0], "lower": 0,
                             "upper": 0.5, "loss": "sum(z*dual_lower[::-1]) + sum(z**2)", "hessian": "a", "jacobian": "a"},
    "minima, some infeasible": {"kind": "minimize", "formula": "sum((z - 1)**2)", "inputs": {"u": [1, -2, 0.5]}, "batch": ["u"], "z0": [0, 0],
                                "lower": [0, -1], "upper": "u", "loss": "sum(z)"},
    "values": {"kind": "value", "formula": "cumsum(x)*s", "inputs": {"x": normal(4, 3), "s": 2}, "batch": ["x"], "loss": "sum(z**2)",
               "hessian": ["x", "s"], "jacobian": ["s"]},
    "values of masks": {"kind": "value", "formula": "where(m, x, 0*x)", "batch": ["m"], "loss": "sum(z**2)", "hessian": "x",
                        "inputs": {"m": {"value": [[True, False], [True, True]], "dtype": "bool"}, "x": [2, 3]}},
}
CASES["roots, one without a derivative"]["inputs"]["c"] = 2


class Wrong(Exception):
    pass


def run(tool, problem, *options):
    done = subprocess.run([tool, "solve", "-", "--json", *options], input=json.dumps(problem), capture_output=True, text=True, timeout=60)
    try:
        result = json.loads(done.stdout)
    except ValueError:
        raise Wrong(f"no JSON: {done.stdout[:80]!r} {done.stderr[:200]!r}") from None
    if result["status"] == "error":
        raise Wrong(result["message"])
    return result


def lane(problem, k):
    def row(value):
        return {**value, "value": value["value"][k]} if isinstance(value, dict) else value[k]

    names = [problem["batch"]] if isinstance(problem["batch"], str) else problem["batch"]
    inputs = {name: row(v) if name in names else v for name, v in problem["inputs"].items()}
    z0 = {"z0": row(problem["z0"])} if "z0" in names else {}
    return {**{key: v for key, v in problem.items() if key != "batch"}, "inputs": inputs, **z0}, names


def same(what, got, want, tolerance):
    if isinstance(got, list) != isinstance(want, list) or isinstance(got, list) and len(got) != len(want):
        raise Wrong(f"{what}: {got}, wanted {want}")
    if isinstance(want, list):
        for k, (g, w) in enumerate(zip(got, want)):
            same(f"{what}[{k}]", g, w, tolerance)
        return
    g, w = float(got), float(want)
    if not (g == w or abs(g - w) <= tolerance * max(1, abs(w)) or math.isnan(g) and math.isnan(w)):
        raise Wrong(f"{what}: {got}, wanted {want}")


def is_nan(value):
    return all(map(is_nan, value)) if isinstance(value, list) else value == "nan"


def compare(tool, problem, tolerance, *options):
    batch = run(tool, problem, *options)
    count = len(batch["status"])
    singles = []
    for k in range(count):
        one, names = lane(problem, k)
        singles.append(run(tool, one, *options))
    for k, one in enumerate(singles):
        if batch["status"][k] != one["status"]:
            raise Wrong(f"lane {k}: {batch['status'][k]}, alone {one['status']}")
        for key in ("active", "weakly_active", "dependent"):
            if key in one and batch[key][k] != one[key]:
                raise Wrong(f"lane {k}: {batch[key][k]} {key}, alone {one[key]}")
        for name, dual in one.get("duals", {}).items():
            if one["status"] == "converged":
                same(f"duals[{k}] of {name}", batch["duals"][name][k], dual, tolerance)
        if one["status"] == "converged":
            same(f"z[{k}]", batch["z"][k], one["z"], tolerance)
            if "loss" in one:
                same(f"loss[{k}]", batch["loss"][k], one["loss"], tolerance)
        elif "--gradient-anyway" not in options and not is_nan(batch["loss"][k]):
            raise Wrong(f"the loss of a lane that failed: {batch['loss'][k]}")
    derived = [one for one in singles if any(key in one for key in ("gradient", "hessian", "jacobian"))]
    if batch["lanes_summed"] != len(derived):
        raise Wrong(f"{batch['lanes_summed']} lanes summed, wanted {len(derived)}")
    status = [one["adjoint"]["status"] for one in singles if "adjoint" in one]
    failed = [s for s in status if s != "converged"]
    if status and batch["adjoint"]["status"] != (failed[0] if failed else "converged"):
        raise Wrong(f"adjoint: {batch['adjoint']}, alone {status}")
    for key in ("gradient", "hessian", "jacobian"):
        if not derived:
            if key in batch:
                raise Wrong(f"a {key} of no lane")
            continue
        if key not in derived[0]:
            continue
        for name, rows in batch[key].items():
            if key != "jacobian" and name not in names:
                total = derived[0][key][name]
                for one in derived[1:]:
                    total = plus(total, one[key][name])
                same(f"{key} in {name}", rows, total, tolerance * len(derived))
                continue
            for k, one in enumerate(singles):
                if key in one:
                    same(f"{key} in {name}, lane {k}", rows[k], one[key][name], tolerance)
                elif not is_nan(rows[k]):
                    raise Wrong(f"{key} in {name} of a lane without: {rows[k]}")
    return batch


def thousand(tool):
    """A thousand lanes against some of them, and against batches of a hundred."""
    W, x = scaled(normal(10, 10), 0.1), normal(1000, 10)
    problem = {**LAYER, "inputs": {"W": W, "x": x}, "loss": "sum(z)", "hessian": [], "jacobian": []}
    batch = run(tool, problem)
    if batch["status"] != ["converged"] * 1000 or batch["lanes_summed"] != 1000:
        raise Wrong(f"not all converged: {batch['message']}")
    for k in (0, 1, 499, 998, 999):
        one = run(tool, lane(problem, k)[0])
        same(f"z[{k}]", batch["z"][k], one["z"], 1e-13)
        same(f"gradient in x, lane {k}", batch["gradient"]["x"][k], one["gradient"]["x"], 1e-12)
    total = None
    for first in range(0, 1000, 100):
        part = run(tool, {**problem, "inputs": {"W": W, "x": x[first:first + 100]}})["gradient"]["W"]
        total = plus(total, part) if total else part
    same("gradient in W", batch["gradient"]["W"], total, 1e-9)
    # With room for some of them at a time.
    few = run(tool, problem, "--max-memory", "2M")
    if few["status"] != batch["status"]:
        raise Wrong("other statuses with less memory")
    for key in ("z", "loss", "lanes_summed"):
        same(f"{key} with less memory", few[key], batch[key], 1e-13)
    same("gradient in W with less memory", few["gradient"]["W"], batch["gradient"]["W"], 1e-9)
    same("gradient in x with less memory", few["gradient"]["x"], batch["gradient"]["x"], 1e-12)


def main():
    tool = sys.argv[1]
    failures = []
    for name, problem in CASES.items():
        tolerance = 1e-4 if problem.get("dtype") == "float32" else 1e-9
        try:
            compare(tool, problem, tolerance)
            if name == "roots, some without":
                compare(tool, problem, tolerance, "--gradient-anyway")
        except Wrong as wrong:
            failures.append(f"{name}: {wrong}")
    try:
        thousand(tool)
    except Wrong as wrong:
        failures.append(f"a thousand lanes: {wrong}")
    for failure in failures:
        print("FAILED:", failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
