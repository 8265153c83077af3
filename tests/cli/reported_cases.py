#!/usr/bin/env python3
"""Runs `dini solve - --json` on the problems of tests/data/reported_cases.json and compares what comes out.

    reported_cases.py TOOL CASES.json [NAME...]

A case's `expected` may have

    z, loss, gradient, jacobian, hessian   the values; the solve and every derivative has to have succeeded
    any_of             a list of such objects, one of which has to fit
    or_any_root        or any other root, at which the formula itself is evaluated
    per_lane_root      every lane that converged is at a root, and one at least converged
    or_status          or one of these statuses, of a solve that failed
    or_error           or the problem is refused
    status             one of these statuses, of a solve that failed
    status_not         none of these statuses: the solve has to fail
    gradient_status    one of these statuses, of the solve or of the derivative, and no derivative
    no_gradient        no derivative
    error              the problem is refused: exit status 2, or the status `bracket`
    exit               the exit status

`tolerance` is relative to the number wanted. Where that is 0 it is relative to the largest number of its array, and
absolute where all of them are 0. Cases that do not pass yet are listed in NOT_YET with the reason; one that passes has to
be taken off the list.
"""
import concurrent.futures
import json
import math
import re
import subprocess
import sys

NOT_YET = {}

VALUES = ("z", "loss", "gradient", "jacobian", "hessian")
DERIVATIVES = ("gradient", "jacobian", "hessian")
FAILURES = {"max_steps", "stagnated", "diverged", "nonfinite", "singular", "breakdown", "unbounded", "not_a_minimum",
            "infeasible", "bracket", "cancelled", "not_a_solution"}
SECONDS = 60


class Wrong(Exception):
    pass


def flat(value):
    if isinstance(value, list):
        for item in value:
            yield from flat(item)
    else:
        yield float(value)  # "nan", "inf" and "-inf" as well


def shape(value):
    if not isinstance(value, list):
        return ()
    return (len(value),) + (shape(value[0]) if value else ())


def compare(what, got, want, tolerance):
    if isinstance(want, dict):
        for name in want:
            if name not in got:
                raise Wrong(f"{what}: nothing for {name}")
            compare(f"{what} in {name}", got[name], want[name], tolerance)
        return
    if shape(got) != shape(want):
        raise Wrong(f"{what}: shape {shape(got)}, wanted {shape(want)}")
    wanted = list(flat(want))
    largest = max(map(abs, wanted), default=0.0) or 1.0
    for k, (g, w) in enumerate(zip(flat(got), wanted)):
        if not abs(g - w) <= tolerance * (abs(w) or largest):
            where = f", element {k}" if shape(want) else ""
            raise Wrong(f"{what}{where}: {g!r}, wanted {w!r}")


class Result:
    """What the tool said of a problem; it has to agree with itself."""

    def __init__(self, tool, problem):
        try:
            run = subprocess.run([tool, "solve", "-", "--json"], input=json.dumps(problem), capture_output=True, text=True,
                                 timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise Wrong(f"no end after {SECONDS} s") from None
        self.exit = run.returncode
        try:
            self.json = json.loads(run.stdout)
        except ValueError:
            raise Wrong(f"exit status {self.exit}, and no JSON on standard output: {run.stdout[:100]!r}") from None
        status = self.json["status"]
        self.statuses = status if isinstance(status, list) else [status]
        self.adjoint = self.json.get("adjoint", {}).get("status", "converged")
        self.error = self.statuses == ["error"]
        unknown = set(self.statuses) - FAILURES - {"converged", "error"}
        if unknown:
            raise Wrong(f"unknown status {unknown}")
        self.solved = set(self.statuses) == {"converged"}
        wanted = 2 if self.error else 0 if self.solved and self.adjoint == "converged" else 3
        if self.exit != wanted:
            raise Wrong(f"exit status {self.exit} with status {status}, derivative {self.adjoint}")

    def describe(self):
        if self.error:
            return "error: " + self.json["message"]
        text = "/".join(sorted(set(self.statuses)))
        if self.adjoint != "converged":
            text += f", derivative {self.adjoint}"
        return text + f", z = {json.dumps(self.json.get('z'))[:80]}"


def at_root(tool, problem, z):
    """For every lane of z whether the formula is 0 there, to what rounding of z makes of it."""
    inputs = dict(problem.get("inputs", {}), found=z)
    batch = problem.get("batch", [])
    if batch not in ([], ["z0"]):
        raise Wrong("roots are looked at for one problem, or a batch of z0")
    renamed = {"kind": "value", "formula": re.sub(r"\bz\b", "found", problem["formula"]), "inputs": inputs,
               "jacobian": ["found"], "batch": ["found"] if batch else []}
    values = Result(tool, renamed).json
    lanes = list(zip(z, values["z"], values["jacobian"]["found"])) if batch else [
        (z, values["z"], values["jacobian"]["found"])]
    out = []
    for point, value, slope in lanes:
        point, value, slope = list(flat(point)), list(flat(value)), list(flat(slope))
        n = len(point)
        sizes = [sum(abs(slope[i * n + j]) * max(abs(point[j]), 1e-3) for j in range(n)) for i in range(n)]
        out.append(all(abs(v) <= 1e-9 * s for v, s in zip(value, sizes)))
    return out


def check_values(result, expected, tolerance):
    for key in VALUES:
        if key in expected:
            if key not in result.json:
                raise Wrong(f"no {key}: {result.describe()}")
            compare(key, result.json[key], expected[key], tolerance)


def check_solved(result, expected, tolerance):
    if set(expected) - set(VALUES):
        raise Wrong(f"unknown expectation: {sorted(set(expected) - set(VALUES))}")
    if not result.solved or result.adjoint != "converged":
        raise Wrong(result.describe())
    check_values(result, expected, tolerance)


def check_no_derivatives(result):
    for key in DERIVATIVES:
        if key in result.json:
            raise Wrong(f"a {key} is given: {json.dumps(result.json[key])[:80]}")


def check_failed(result, statuses):
    if result.solved or result.error or not set(result.statuses) <= set(statuses):
        raise Wrong(f"wanted {'a failure' if statuses == FAILURES else '/'.join(statuses)}: {result.describe()}")
    check_no_derivatives(result)


def check_underivable(result, statuses, values, tolerance):
    found = result.adjoint if result.solved else "/".join(result.statuses)
    if found not in statuses:
        raise Wrong(f"wanted {'/'.join(statuses)} for the derivative: {result.describe()}")
    check_no_derivatives(result)
    check_values(result, values, tolerance)


def check_refused(result):
    if not result.error and set(result.statuses) != {"bracket"}:
        raise Wrong(f"not refused: {result.describe()}")


def check_roots(tool, problem, result):
    if result.error or "converged" not in result.statuses:
        raise Wrong(result.describe())
    z = result.json["z"] if problem.get("batch") else [result.json["z"]]
    for k, good in enumerate(at_root(tool, problem, result.json["z"])):
        if result.statuses[k] == "converged" and not good:
            raise Wrong(f"not a root: {z[k]}")


def check(tool, case):
    expected, problem, tolerance = dict(case["expected"]), case["problem"], case["tolerance"]
    result = Result(tool, problem)

    # What has to hold in any case.
    if "exit" in expected and result.exit != case["expected"]["exit"]:
        raise Wrong(f"exit status {result.exit}, wanted {expected['exit']}: {result.describe()}")
    if expected.get("no_gradient"):
        check_no_derivatives(result)

    # The ways to be right. Without one, what the first one objects to is the message.
    values = {key: expected[key] for key in VALUES if key in expected}
    statuses = {key: expected[key] for key in ("status", "gradient_status", "or_status") if key in expected}
    ways = []
    if "gradient_status" in expected:
        ways.append(lambda: check_underivable(result, statuses["gradient_status"], values, tolerance))
    elif values:
        ways.append(lambda: check_solved(result, values, tolerance))
    ways += [lambda one=one: check_solved(result, one, tolerance) for one in expected.get("any_of", [])]
    if "status" in expected:
        ways.append(lambda: check_failed(result, statuses["status"]))
    if expected.get("status_not") == ["converged"]:
        ways.append(lambda: check_failed(result, FAILURES))
    if expected.get("error"):
        ways.append(lambda: check_refused(result))
    if expected.get("per_lane_root"):
        ways.append(lambda: check_roots(tool, problem, result))

    kinds = [bool(values or "gradient_status" in expected), "any_of" in expected, "status" in expected,
             "status_not" in expected, "error" in expected, "per_lane_root" in expected]
    known = {*VALUES, "gradient_status", "any_of", "status", "status_not", "error", "per_lane_root", "or_any_root", "or_status",
             "or_error", "no_gradient", "exit"}
    if set(expected) - known or sum(kinds) != 1 or not ways:
        raise Wrong(f"unknown expectation: {sorted(expected)}")

    if expected.get("or_any_root"):
        ways.append(lambda: (check_solved(result, {}, tolerance), check_roots(tool, problem, result)))
    if "or_status" in expected:
        ways.append(lambda: check_failed(result, statuses["or_status"]))
    if expected.get("or_error"):
        ways.append(lambda: check_refused(result))
    objections = []
    for way in ways:
        try:
            way()
            return
        except Wrong as wrong:
            objections.append(str(wrong))
    raise Wrong(objections[0])


def main():
    tool, path, *names = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        cases = json.load(file)["cases"]
    failures = [f"{name}: in NOT_YET, but there is no such case" for name in NOT_YET if name not in cases]

    def run(name):
        try:
            check(tool, cases[name])
            return f"{name}: passes, and is to be taken off NOT_YET" if name in NOT_YET else None
        except Wrong as wrong:
            return None if name in NOT_YET else f"{name}: {wrong} [{cases[name]['source']}]"

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        failures += [message for message in pool.map(run, names or cases) if message]
    for message in failures:
        print("FAILED:", message)
    print(f"{len(names or cases)} cases, {sum(name in NOT_YET for name in names or cases)} of them not yet, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
