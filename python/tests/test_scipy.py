"""dini.scipy: SciPy's calls give SciPy's results, and derivatives besides."""
import numpy as np
import pytest
import scipy.optimize

import dini
import dini.scipy


def test_root():
    fun = lambda x, a: [x[0] + 0.5 * (x[0] - x[1]) ** 3 - a, 0.5 * (x[1] - x[0]) ** 3 + x[1]]
    ours, theirs = dini.scipy.root(fun, np.zeros(2), args=(1.0,)), scipy.optimize.root(fun, np.zeros(2), args=(1.0,))
    assert np.allclose(ours.x, theirs.x) and ours.success and ours["nfev"] > 0 and ours.solution.converged
    g = dini.jacobian(lambda a: dini.scipy.root(fun, np.zeros(2), args=(a,)).x)(1.0)
    h = 1e-6
    assert np.allclose(g, (scipy.optimize.root(fun, np.zeros(2), (1 + h,), tol=1e-13).x - scipy.optimize.root(fun, np.zeros(2), (1 - h,), tol=1e-13).x) / (2 * h), atol=1e-7)
    failed = dini.scipy.root(lambda x: x * x + 1, 1.0)
    assert not failed.success and failed.message
    with pytest.warns(UserWarning, match="jac"):
        dini.scipy.root(lambda x: x - 1, 0.0, jac=lambda x: 1.0)
    assert dini.jit(lambda a: dini.scipy.root(lambda x, a: x - a, 0.0, args=a).x)(2.0).item() == 2


def writing(x):
    """As residuals are written for SciPy."""
    out = np.zeros(2)
    out[0] = x[0] ** 2 - 2.0
    out[1] = x[1] - x[0]
    return out


def test_a_residual_that_writes_into_numpys_array():
    """It would have lost its derivative, and Newton's method taken a Jacobian of zeros: it says what to write instead."""
    assert np.allclose(scipy.optimize.root(writing, np.ones(2)).x, 2**0.5)
    for call in (dini.root, dini.scipy.root, lambda f, z: dini.root(f, z, solver="broyden"), lambda f, z: dini.scipy.least_squares(f, z)):
        for f in (writing, lambda x: np.array([x[0] ** 2 - 2.0, x[1] - x[0]])):
            with pytest.raises(dini.TraceError, match=r"(?s)lose its derivative.*stack.*x\.item\(\)"):
                call(f, np.ones(2))
    with pytest.raises(dini.TraceError):
        dini.jit(lambda a: dini.root(lambda a, x: writing(x) - a, np.ones(2), a).value)(np.zeros(2))
    assert np.allclose(dini.root(lambda x: np.stack([x[0] ** 2 - 2.0, x[1] - x[0]]), np.ones(2)).value, 2**0.5)


def test_scalars_and_fixed_points():
    f = lambda x, a: x**3 - a
    assert dini.scipy.root_scalar(f, args=(8.0,), bracket=[0, 5]).root.item() == pytest.approx(2)
    assert dini.scipy.root_scalar(f, args=8.0, x0=1.0).converged
    with pytest.raises(dini.OptionError):
        dini.scipy.root_scalar(f)
    c = lambda x, a: np.sqrt(a / (x + 3))
    assert np.allclose(dini.scipy.fixed_point(c, np.array([1.2, 1.3]), args=(np.array([10.0, 12.0]),)),
                       scipy.optimize.fixed_point(c, [1.2, 1.3], args=(np.array([10.0, 12.0]),)))


def test_minimize():
    fun = lambda x: (x[0] - 1) ** 2 + (x[1] - 2.5) ** 2
    cons = ({"type": "ineq", "fun": lambda x: x[0] - 2 * x[1] + 2}, {"type": "ineq", "fun": lambda x: -x[0] - 2 * x[1] + 6},
            {"type": "ineq", "fun": lambda x: -x[0] + 2 * x[1] + 2})
    ours = dini.scipy.minimize(fun, np.array([2.0, 0.0]), bounds=((0, None), (0, None)), constraints=cons)
    theirs = scipy.optimize.minimize(fun, np.array([2.0, 0.0]), bounds=((0, None), (0, None)), constraints=cons, method="SLSQP")
    assert np.allclose(ours.x, theirs.x, atol=1e-6) and np.allclose(ours.fun, theirs.fun)
    ours = dini.scipy.minimize(fun, np.array([2.0, 0.0]), constraints={"type": "eq", "fun": lambda x, c: x[0] - c, "args": (3.0,)})
    assert np.allclose(ours.x, [3, 2.5])
    rosen = lambda x: np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    assert np.allclose(dini.scipy.minimize(rosen, np.array([1.3, 0.7, 0.8]), method="bfgs").x, 1, atol=1e-5)
    with pytest.raises(dini.TraceError, match="NumPy array"):  # SciPy's own converts by asarray
        dini.scipy.minimize(scipy.optimize.rosen, np.ones(3))


def test_least_squares():
    t = np.linspace(0, 1, 10)
    fun = lambda x, y: x[0] * np.exp(-x[1] * t) - y
    y = 2 * np.exp(-3 * t) + 0.01 * np.cos(30 * t)
    ours, theirs = dini.scipy.least_squares(fun, np.ones(2), args=(y,)), scipy.optimize.least_squares(fun, np.ones(2), args=(y,), xtol=1e-12)
    assert np.allclose(ours.x, theirs.x, atol=1e-6) and np.allclose(ours.cost, theirs.cost)
    assert np.allclose(dini.scipy.least_squares(fun, np.ones(2), bounds=(0.0, np.array([9.0, 2.0])), args=(y,)).x[1], 2)


def test_lists():
    """As in SciPy's own examples a list is a vector."""
    assert np.allclose(dini.scipy.root(lambda x: x**2 - 2, [1.0, 2.0]).x, 2**0.5)
    found = dini.scipy.root(lambda x: [x[0] + 0.5 * (x[0] - x[1]) ** 3 - 1.0, 0.5 * (x[1] - x[0]) ** 3 + x[1]], [0, 0])
    assert isinstance(found.x, dini.Array) and np.allclose(found.x, [0.8411639, 0.1588361])
    rosen = lambda x: np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    assert np.allclose(dini.scipy.minimize(rosen, [1.3, 0.7, 0.8]).x, 1, atol=1e-5)
    func = lambda x, c1, c2: np.sqrt(c1 / (x + c2))
    assert np.allclose(dini.scipy.fixed_point(func, [1.2, 1.3], args=(np.array([10.0, 12.0]), np.array([3.0, 5.0]))), [1.4920333, 1.37228132])
    fit = dini.scipy.least_squares(lambda x: np.stack([x[0] + 1.0, x[1] - 2.0]), [1, 1], bounds=([0, 0], [1, np.inf]))
    assert np.allclose(fit.x, [0, 2], atol=1e-6)
    assert np.allclose(dini.scipy.root_scalar(lambda x: x**2 - np.array([4.0, 9.0]), x0=[1.0, 1.0]).root, [2, 3])
    assert np.allclose(dini.scipy.minimize(lambda x: np.sum((x - 3.0) ** 2), [0.0, 0.0], bounds=zip([0.0, None], [2.0, 5.0])).x, [2, 3], atol=1e-6)


def test_as_many_bounds_as_unknowns():
    with pytest.raises(dini.ShapeError, match="1 pairs for 2 unknowns"):
        dini.scipy.minimize(lambda x: np.sum(x), np.zeros(2), bounds=[(0, 1)])
    with pytest.raises(dini.ShapeError, match="3 pairs for 2 unknowns"):
        dini.scipy.minimize(lambda x: np.sum(x), np.zeros(2), bounds=[(0, 1)] * 3)


def test_results_are_trees():
    solve = lambda a: dini.scipy.root(lambda x, a: x - a, 0.0, args=(a,))
    assert dini.jit(solve)(2.0).x + 1 == 3 and dini.jit(solve)(2.0).success and dini.vmap(solve)(np.array([1.0, 2.0]))["x"].tolist() == [1, 2]
    assert dini.grad(lambda a: (lambda r: (r.x, r))(solve(a)), has_aux=True)(2.0)[1].x + 1 == 3
    assert isinstance(dini.jit(solve)(2.0), dini.scipy.OptimizeResult)


def test_jacobians_of_results():
    fun = lambda x, a: [x[0] ** 2 - a, x[0] * x[1] - 2.0]
    ours = dini.scipy.root(fun, [1.0, 1.0], args=(4.0,))
    assert np.allclose(ours.jac, [[4, 0], [1, 2]]) and np.allclose(ours["jac"], ours.jac)
    fit = dini.scipy.least_squares(lambda x: np.stack([x[0] - 1.0, 2.0 * x[1], x[0] * x[1]]), [3.0, 1.0])
    assert np.allclose(fit.jac, [[1, 0], [0, 2], [0, 1]], atol=1e-6)
    least = dini.scipy.minimize(lambda x: np.sum((x - 3.0) ** 2), [0.0, 0.0], bounds=[(0, 1), (0, 5)])
    assert np.allclose(least.jac, [-4, 0], atol=1e-6)
    with pytest.raises(AttributeError):
        dini.scipy.root_scalar(lambda x: x - 1.0, x0=0.0).jac


def test_functions_that_return_their_jacobian():
    rosen = lambda x: np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    assert np.allclose(dini.scipy.minimize(lambda x: (rosen(x), None), [1.3, 0.7, 0.8], jac=True).x, 1, atol=1e-5)
    assert np.allclose(dini.scipy.root(lambda x: (x**2 - 2.0, 2 * x), [1.0, 1.0], jac=True).x, 2**0.5)


def test_constraints_as_objects():
    """SciPy's own answers, by another method."""
    from scipy.optimize import LinearConstraint, NonlinearConstraint

    fun = lambda x: (x[0] - 1) ** 2 + (x[1] - 2.5) ** 2
    for constraints in (LinearConstraint([[1, -2], [-1, -2]], [-2, -6], np.inf), LinearConstraint([1, 1], 2, 2), NonlinearConstraint(lambda x: x[0] ** 2 + x[1] ** 2, -np.inf, 4.0),
                        [NonlinearConstraint(lambda x: np.stack([x[0] * x[1], x[0] - x[1]]), [0.5, -0.5], [np.inf, -0.5]), {"type": "ineq", "fun": lambda x: 3.0 - x[0] - x[1]}],
                        NonlinearConstraint(lambda x: x[0], 0.25, 0.75)):
        ours = dini.scipy.minimize(fun, [0.5, 0.5], constraints=constraints)
        theirs = scipy.optimize.minimize(fun, [0.5, 0.5], constraints=constraints, method="SLSQP", tol=1e-12)
        assert ours.success and theirs.success and np.allclose(ours.x, theirs.x, atol=1e-6), (ours.x, theirs.x)
    bound = lambda b: dini.scipy.minimize(fun, [0.5, 0.5], constraints=NonlinearConstraint(lambda x: x[1] - b, -np.inf, 0.0)).x[1]
    assert np.allclose(dini.grad(bound)(2.0), 1)
    for wrong in (3.0, {"type": "more", "fun": fun}):
        with pytest.raises(dini.OptionError, match="constraint"):
            dini.scipy.minimize(fun, [0.5, 0.5], constraints=wrong)
