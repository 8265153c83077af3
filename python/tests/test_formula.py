"""Formulas, problem files, projections, what is known of a fit."""
import json
import pathlib

import numpy as np
import pytest
from differences import difference

import dini

ROOT = pathlib.Path(__file__).parents[2]


def test_formula(layer):
    W, x = layer
    f = dini.formula("tanh(W @ z + x)", "W, x, z")
    assert f.names == ["W", "x", "z"] and f.text == "tanh(W @ z + x)" and f == dini.formula("tanh(W @ z + x)", ["W", "x", "z"])
    g = lambda W, x, z: np.tanh(W @ z + x)
    for solve in (lambda f: dini.fixed_point(f, np.zeros(10), W, x).value,
                  lambda f: dini.grad(lambda W: dini.sum(dini.fixed_point(f, np.zeros(10), W, x).value))(W)):
        assert np.allclose(solve(f), solve(g), atol=1e-13)
    assert np.allclose(f(W, z=x, x=x), np.tanh(W @ x + x))
    with pytest.raises(dini.FormulaError, match="column 10"):
        dini.formula("tanh(W @ y)", "W, x, z")
    with pytest.raises(dini.FormulaError, match="column"):
        f(W, x[:3], x)
    for call in (lambda: f(W, x), lambda: f(W, x, x, x), lambda: f(W, x, x, y=1.0), lambda: f(W, x, x, x=x)):
        with pytest.raises(TypeError, match="formula"):
            call()


def test_problem_file():
    p = dini.Problem.load(ROOT / "examples" / "layer.json")
    r = p.solve(check=True, history=True)
    assert p.kind == "fixed_point" and r.status == "converged" and r.converged and set(r.gradient) == {"W", "x"}
    W, x = p.inputs["W"], p.inputs["x"]
    f = lambda W, x, z: dini.tanh(W @ z + x)
    loss = lambda W, x: dini.sum(dini.fixed_point(f, dini.zeros(x.size), W, x).value)
    v, (gW, gx) = dini.value_and_grad(loss, (0, 1))(W, x)
    assert np.allclose(r.loss, v) and np.allclose(r.gradient["W"], gW, atol=1e-12) and r.check_digits > 6 and len(r.history) > 3
    told = json.loads(r.to_json())
    assert told["status"] == "converged" and np.allclose(told["z"], r.z) and "converged" in repr(r)


def test_problem_of_a_dict():
    contents = {"kind": "minimize", "formula": "sum((z - c)**2)", "inputs": {"c": np.array([2.0, 1.0]), "r": 1.0}, "z0": [0.0, 0.0],
                "inequalities": {"disc": "sum(z**2) <= r**2"}, "jacobian": ["r"]}
    r = dini.Problem(contents).solve()
    assert np.allclose(r.z, np.array([2, 1]) / 5**0.5) and np.allclose(r.jacobian["r"], r.z) and r.active == 1
    assert r.duals["disc"].item() == pytest.approx(5**0.5 - 1)
    failed = dini.Problem({"kind": "root", "formula": "z**2 + 1", "z0": 1.0}).solve()
    assert not failed.converged and failed.status != "converged" and failed.message
    batch = dini.Problem({"kind": "root", "formula": "z**2 - a", "z0": 1.0, "inputs": {"a": [1.0, 4.0]}, "batch": ["a"]}).solve()
    assert batch.status == ["converged"] * 2 and np.allclose(batch.z, [1, 2])


@pytest.mark.parametrize("call, error, text", [
    (lambda: dini.Problem.load("nowhere.json"), dini.FileError, "nowhere"), (lambda: dini.Problem.load("nowhere.json"), OSError, "nowhere"),
    (lambda: dini.Problem({"kind": "rot", "formula": "z", "z0": 1.0}), dini.ProblemError, "root"),
    (lambda: dini.Problem({"kind": "root", "formula": "z +", "z0": 1.0}), dini.FormulaError, "column"),
    (lambda: dini.Problem({"kind": "root", "formula": "z", "z0": object()}), dini.DtypeError, "object"),
])
def test_wrong_problems(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_fits():
    r = np.random.default_rng(0)
    t = np.linspace(0, 1, 30)
    y = 1.0 + 2.0 * t + 0.1 * r.standard_normal(30)
    residuals = lambda y, z: z["a"] + z["b"] * t - y
    s = dini.least_squares(residuals, {"a": 0.0, "b": 0.0}, y)
    X = np.stack([np.ones(30), t], 1)
    e = X @ np.linalg.lstsq(X, y, rcond=None)[0] - y
    C = e @ e / 28 * np.linalg.inv(X.T @ X)
    for full in (True, False):
        assert np.allclose(dini.covariance(residuals, s, y, full_hessian=full), C, rtol=1e-8)
    errors = dini.standard_errors(residuals, s.value, y)
    assert np.allclose([errors["a"], errors["b"]], np.sqrt(np.diag(C)))


@pytest.mark.parametrize("project", [
    lambda x: dini.project_box(x, 0.0, 1.0), lambda x: dini.project_simplex(x), lambda x: dini.project_ball(x, 1.0, 1),
    lambda x: dini.project_ball(x), lambda x: dini.project_ball(x, 0.5, np.inf), lambda x: dini.project_halfspace(x, [1.0, 1.0, 0.0], 0.5),
    lambda x: dini.project_affine(x, [[1.0, 2.0, 3.0]], [1.0]), lambda x: dini.project_box_section(x, [1.0, 1.0, 1.0], 1.0, 0.0, 0.9),
    lambda x: dini.project_polyhedron(x, G=[[1.0, 1.0, 1.0]], h=[0.5], lower=0.0),
])
def test_projections(project):
    x = np.array([0.7, -0.2, 1.4])
    z = project(x)
    assert np.allclose(project(z), z, atol=1e-12)
    want = np.stack([difference(project, x, e) for e in np.eye(3)], 1)
    assert np.allclose(dini.jacobian(project)(x), want, atol=1e-8)
