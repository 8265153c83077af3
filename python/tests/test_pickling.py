"""What is sent to another process, copied or saved comes out as it was: errors, solvers, formulas, problems, results."""
import copy
import multiprocessing
import pickle

import numpy as np
import pytest

import dini
import dini.scipy


def failing(_):
    return dini.root(lambda z: z * z + 1, 1.0).value


def raised(f):
    with pytest.raises(dini.Error) as e:
        f()
    return e.value


MADE = [dini.Newton(max_halvings=20), dini.Newton(), dini.Anderson(history=3), dini.GMRES(restart=7), dini.CG(), dini.huber(2.0), dini.soft_l1(0.5), dini.cauchy(1.0),
        dini.tukey(3.0), dini.fwd_solver, dini.formula("tanh(W @ z + x)", "W, x, z"), dini.float32]


@pytest.mark.parametrize("what", MADE, ids=repr)
@pytest.mark.parametrize("again", [lambda x: pickle.loads(pickle.dumps(x)), copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
def test_equal_ones(what, again):
    other = again(what)
    assert type(other) is type(what) and other == what and repr(other) == repr(what)
    if isinstance(what, dini.Solver):
        assert dini.fixed_point(dini.cos, 0.5, solver=other).value.item() == dini.fixed_point(dini.cos, 0.5, solver=what).value.item()


def test_problems(tmp_path):
    np.save(tmp_path / "a.npy", np.array([4.0, 9.0]))
    contents = {"kind": "root", "formula": "z**2 - a", "z0": [1.0, 1.0], "inputs": {"a": {"file": "a.npy"}}, "loss": "sum(z)", "gradient": ["a"]}
    problem = dini.Problem(contents, folder=tmp_path)
    for again in (pickle.loads(pickle.dumps(problem)), copy.deepcopy(problem)):
        assert again.kind == "root" and again.solve().gradient["a"].tolist() == problem.solve().gradient["a"].tolist()


def test_preconditioners():
    adjoint = copy.deepcopy(dini.GMRES(preconditioner=dini.sin, restart=5))
    assert repr(adjoint).startswith("GMRES(preconditioner=") and "restart=5" in repr(adjoint)


@pytest.mark.parametrize("f", [lambda: dini.ones(2) + dini.ones(3), lambda: dini.ones(2)[5], lambda: dini.array("x"), lambda: dini.grad(lambda x: float(x))(1.0),
                               lambda: dini.root(lambda z: z, 0.0, solver="x"), lambda: dini.Problem.load("no such file"), lambda: dini.formula("1 +", "x"),
                               lambda: dini.check_grads(dini.custom_jvp(lambda x: x), 1.0)])
def test_errors(f):
    error = raised(f)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error) and str(again) == str(error)


def test_what_a_solve_error_says():
    error = raised(lambda: failing(0))
    again = pickle.loads(pickle.dumps(error))
    assert (again.code, again.status, again.solver, again.value) == (error.code, error.status, error.solver, error.value) and again.status == error.code
    with pytest.raises(dini.SolveError) as e:  # one that was thrown anew, through the library
        def f(z):
            raise again

        dini.root(f, 1.0)
    assert e.value is again


def test_another_process():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        with pytest.raises(dini.SolveError, match="derivative of the residual is singular"):
            pool.map(failing, [0])


def test_results():
    s = dini.scipy.root(lambda x: x - 2.0, 1.0)
    again = pickle.loads(pickle.dumps(s))
    assert again.x == 2 and again.success and again.solution.status == "converged"
