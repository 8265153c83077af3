"""Solves: values, derivatives against differences, options, failures."""
import numpy as np
import pytest
from differences import difference

import dini


def f(W, x, z):
    return np.tanh(W @ z + x)


def loss(W, x):
    return dini.sum(dini.fixed_point(f, dini.zeros(10), W, x).value ** 2)


def test_fixed_point(layer):
    W, x = layer
    s = dini.fixed_point(f, np.zeros(10), W, x)
    assert s.status == "converged" and s.converged and s.solver == "forward_iteration" and np.allclose(s.value, f(W, x, s.value), atol=1e-14)
    v, (gW, gx) = dini.value_and_grad(loss, (0, 1))(W, x)
    for k in range(10):
        assert abs(difference(lambda t: loss(W, t), x, np.eye(10)[k]) - gx[k].item()) < 1e-9
    E = np.zeros((10, 10))
    E[2, 7] = 1
    assert abs(difference(lambda t: loss(t, x), W, E) - gW[2, 7].item()) < 1e-9
    j = dini.jit(dini.value_and_grad(loss, (0, 1)))
    assert np.array_equal(j(W, x)[1][0], gW) and np.array_equal(dini.jit(dini.grad(loss, 1))(W, x), gx)
    H = dini.hessian(loss, 1)(W, x)
    assert np.allclose(H[:, 3], difference(lambda t: dini.grad(loss, 1)(W, t), x, np.eye(10)[3]), atol=1e-8)
    assert np.allclose(dini.jacfwd(loss, 1)(W, x), gx, atol=1e-14)


def test_captured_parameters(layer):
    W, x = layer
    g = dini.grad(lambda x: dini.sum(dini.fixed_point(lambda z: f(W, x, z), np.zeros(10)).value ** 2))(x)
    assert np.allclose(g, dini.grad(loss, 1)(W, x), atol=1e-13)


@pytest.mark.parametrize("solver", ["auto", "newton", "anderson", "forward_iteration", dini.Newton(max_halvings=3), dini.Anderson(history=3),
                                    dini.fwd_solver, dini.newton_solver, dini.anderson_solver])
def test_solvers(layer, solver):
    W, x = layer
    exact = dini.fixed_point(f, np.zeros(10), W, x).value
    assert np.allclose(dini.fixed_point(f, np.zeros(10), W, x, solver=solver).value, exact, atol=1e-4)
    assert np.allclose(dini.fixed_point_layer(solver, f, W, x), exact, atol=1e-4)


def test_a_solver_of_ones_own(layer):
    W, x = layer

    def mine(g, z):
        for _ in range(200):
            z = g(z)
        return z

    def through(W, x):
        return dini.sum(dini.fixed_point(f, np.zeros(10), W, x, solver=mine).value ** 2)

    assert np.allclose(dini.grad(through)(W, x), dini.grad(loss)(W, x), atol=1e-10)
    assert np.allclose(dini.jit(dini.grad(through))(W, x), dini.grad(loss)(W, x), atol=1e-10)
    assert dini.Anderson()(dini.cos, 0.5).item() == pytest.approx(0.7390851332151607)


@pytest.mark.parametrize("adjoint", ["direct", "lu", "qr", "gmres", "bicgstab", "same_solver", dini.GMRES(restart=5),
                                     dini.GMRES(preconditioner=lambda v: v)])
def test_adjoints(layer, adjoint):
    W, x = layer
    g = dini.grad(lambda W: dini.sum(dini.fixed_point(f, np.zeros(10), W, x, adjoint=adjoint).value ** 2))(W)
    assert np.allclose(g, dini.grad(loss)(W, x), atol=1e-8)


def test_root():
    r = lambda a: dini.root(lambda a, z: z**2 - a, 1.0, a).value
    assert r(2.0).item() == pytest.approx(2**0.5, abs=1e-15) and dini.grad(r)(2.0).item() == pytest.approx(0.5 / 2**0.5)
    assert dini.grad(dini.grad(dini.grad(r)))(2.0).item() == pytest.approx(0.375 * 2**-2.5, rel=1e-12)
    s = dini.vmap(lambda a: dini.root(lambda a, z: z**2 - a, 1.0, a))(np.array([1.0, 4.0, 9.0]))
    assert s.value.tolist() == pytest.approx([1, 2, 3]) and s.status == ["converged"] * 3 and s.steps.shape == (3,)
    assert "lanes" in repr(s) and s.converged.tolist() == [True] * 3
    # A residual of SciPy's, which returns a list.
    fun = lambda x: [x[0] + 0.5 * (x[0] - x[1]) ** 3 - 1.0, 0.5 * (x[1] - x[0]) ** 3 + x[1]]
    assert np.allclose(dini.root(fun, np.zeros(2)).value, [0.8411639, 0.1588361])
    # Unknowns and parameters in trees.
    s = dini.root(lambda p, z: {"p": z["u"] * p["a"] - 1.0, "q": (z["v"][0] - z["u"],)}, {"u": 1.0, "v": [dini.zeros(2)]}, {"a": 4.0})
    assert s.value["u"].item() == 0.25 and s.value["v"][0].tolist() == [0.25, 0.25]


def test_bracket():
    s = dini.root(lambda a, z: z**3 - a, dini.Bracket(0.0, 5.0), np.array([1.0, 8.0, 27.0]))
    assert np.allclose(s.value, [1, 2, 3]) and s.solver == "chandrupatla"
    g = dini.grad(lambda a: dini.root(lambda a, z: z**3 - a, dini.Bracket(0.0, 5.0), a).value)(8.0)
    assert g.item() == pytest.approx(1 / 12)
    assert dini.root(lambda z: z**3 - 8.0, dini.Bracket(0.0, 5.0), solver="bisection").value.item() == pytest.approx(2)
    with pytest.raises(dini.SolveError) as e:
        dini.root(lambda z: z**2 + 1, dini.Bracket(0.0, 5.0))
    assert e.value.code == "bracket"


def test_minimize():
    def rosenbrock(a, z):
        return (a - z[0]) ** 2 + 100 * (z[1] - z[0] ** 2) ** 2

    s = dini.minimize(rosenbrock, np.array([-1.2, 1.0]), 1.5)
    assert np.allclose(s.value, [1.5, 2.25]) and abs(s.objective.item()) < 1e-20 and s.duals.equal is None
    best = lambda a: dini.minimize(rosenbrock, np.array([-1.2, 1.0]), a).value
    assert np.allclose(dini.jacobian(best)(1.5), [1, 3]) and np.allclose(dini.jit(dini.jacfwd(best))(1.5), [1, 3])
    for solver in ("bfgs", "lbfgs", "trust_region_newton", dini.NelderMead()):
        assert np.allclose(dini.minimize(rosenbrock, np.array([-1.2, 1.0]), 1.5, solver=solver, max_steps=2000).value, [1.5, 2.25], atol=1e-5)


def test_constraints():
    c = np.array([2.0, 1.0])

    def nearest(r, c):
        return dini.minimize(lambda r, c, z: dini.sum((z - c) ** 2), np.zeros(2), r, c, at_most=lambda r, c, z: dini.sum(z**2) - r**2)

    s = nearest(1.0, c)
    assert np.allclose(s.value, c / 5**0.5) and s.active.item() == 1 and s.duals.at_most.item() == pytest.approx(5**0.5 - 1)
    assert np.allclose(dini.jacobian(lambda r: nearest(r, c).value)(1.0), c / 5**0.5)
    want = np.stack([difference(lambda t: nearest(1.0, t).value, c, e) for e in np.eye(2)], 1)
    assert np.allclose(dini.jacobian(lambda t: nearest(1.0, t).value)(c), want, atol=1e-8)
    again = dini.minimize(lambda r, c, z: dini.sum((z - c) ** 2), s, 1.1, c, at_most=lambda r, c, z: dini.sum(z**2) - r**2)
    assert np.allclose(again.value, 1.1 * c / 5**0.5) and again.solver == "start"
    s = dini.minimize(lambda z: dini.sum((z - 3.0) ** 2), np.zeros(2), bounds=(0.0, np.array([1.0, 5.0])))
    assert np.allclose(s.value, [1, 3]) and np.allclose(s.duals.upper, [4, 0])
    s = dini.minimize(lambda z: dini.sum(z["a"] ** 2), {"a": dini.zeros(3)}, equal=lambda z: (dini.sum(z["a"]) - 3.0,))
    assert np.allclose(s.value["a"], 1) and s.duals.equal[0].item() == pytest.approx(-2)
    s = dini.root(lambda z: z - 3.0, np.zeros(2), bounds=(None, np.array([1.0, 9.0])))
    assert np.allclose(s.value, [1, 3])
    with pytest.raises(dini.SolveError) as e:
        dini.minimize(lambda z: dini.sum(z**2), np.zeros(2), equal=lambda z: dini.sum(z**2) + 1.0)
    assert e.value.code == "infeasible"


def test_least_squares():
    t = np.linspace(0, 1, 20)
    y = 2 * np.exp(-3 * t) + 0.01 * np.sin(40 * t)

    def fit(y, **options):
        return dini.least_squares(lambda y, z: z["a"] * dini.exp(-z["k"] * t) - y, {"a": 1.0, "k": 1.0}, y, **options)

    s = fit(y)
    assert s.value["a"].item() == pytest.approx(2, abs=0.02) and s.value["k"].item() == pytest.approx(3, abs=0.05)
    r = s.value["a"].item() * np.exp(-s.value["k"].item() * t) - y
    assert s.objective.item() == pytest.approx(0.5 * r @ r)
    g = dini.grad(lambda y: fit(y).value["k"])(y)
    assert g[4].item() == pytest.approx(difference(lambda y: fit(y).value["k"], y, np.eye(20)[4], 1e-4).item(), abs=1e-7)
    y[5] += 3
    robust = fit(y, loss=dini.huber(0.05))
    assert robust.value["k"].item() == pytest.approx(3, abs=0.1) and robust.objective.item() < 0.5


def test_quadratic_program():
    P, q = np.diag([2.0, 4.0]), np.array([-2.0, -8.0])
    s = dini.quadratic_program(P, q, upper=1.5)
    assert np.allclose(s.value, [1, 1.5]) and np.allclose(s.duals.upper, [0, 2])
    solve = lambda q, h: dini.quadratic_program(P, q, G=np.array([[1.0, 1.0]]), h=h).value
    want = np.stack([difference(lambda t: solve(t, [2.0]), q, e) for e in np.eye(2)], 1)
    assert np.allclose(dini.jacobian(solve)(q, [2.0]), want, atol=1e-9)
    assert np.allclose(dini.vmap(solve, in_axes=(None, 0))(q, np.array([[1.0], [9.0]]))[1], [1, 2])
    s = dini.quadratic_program(P, q, G=np.array([[1.0, 1.0]]), h=[2.0])
    assert np.allclose(dini.quadratic_program(P, q, G=np.array([[1.0, 1.0]]), h=[2.1], x0=s).value, solve(q, [2.1]))
    with pytest.raises(dini.SolveError) as e:
        dini.quadratic_program(q=np.array([1.0]))
    assert e.value.code == "unbounded"
    with pytest.raises(dini.OptionError, match="q is missing"):
        dini.quadratic_program(P)


def test_implicit_function():
    F = lambda a, z: z**2 - a
    assert dini.grad(lambda a: dini.implicit_function(F, 3.0, a))(9.0).item() == pytest.approx(1 / 6)
    assert dini.grad(lambda a: dini.implicit_function(lambda a: np.sqrt(np.asarray(a)), F, a))(9.0).item() == pytest.approx(1 / 6)
    g = dini.grad(lambda a: dini.implicit_function(lambda a: (dini.sqrt(a), 1.0), lambda a, z, s: s * F(a, z), a, has_aux=True)[0])(9.0)
    assert g.item() == pytest.approx(1 / 6)
    with pytest.raises(dini.SolveError):
        dini.implicit_function(F, 2.0, 9.0)


def test_failures():
    F = lambda z: z * z + 1
    with pytest.raises(dini.SolveError) as e:
        dini.root(lambda z: {"u": F(z["u"]), "v": F(z["v"])}, {"u": dini.ones(2), "v": 1.0})
    assert e.value.code in ("singular", "stagnated") and e.value.value["u"].shape == (2,) and e.value.value["v"].shape == ()
    assert e.value.steps.item() > 0 and e.value.residual_norm.item() > 0 and isinstance(e.value.solver, str)
    s = dini.root(F, 1.0, on_failure="best")
    assert s.status != "converged" and not s.converged and s.status in repr(s)
    assert np.isnan(dini.root(F, 1.0, on_failure="nan").value.item())
    lanes = dini.vmap(lambda a: dini.root(lambda a, z: z * z - a, 1.0, a, on_failure="nan"))(np.array([4.0, -1.0]))
    assert lanes.value[0].item() == pytest.approx(2) and np.isnan(lanes.value[1].item()) and lanes.status[1] != "converged"
    with pytest.raises(dini.SolveError, match="lane 1"):
        dini.vmap(lambda a: dini.root(lambda a, z: z * z - a, 1.0, a).value)(np.array([4.0, -1.0]))
    with pytest.raises(dini.SolveError):  # a derivative where there is none
        dini.grad(lambda a: dini.root(lambda a, z: z**2 - a, 1.0, a).value)(0.0)


@pytest.mark.parametrize("options, error, text", [
    ({"solver": "newtn"}, dini.OptionError, "there are auto.*newton"), ({"solver": 3}, TypeError, "solver"), ({"tolerance": -1}, dini.OptionError, "tolerance"),
    ({"tolerance": "a"}, TypeError, "tolerance"), ({"max_steps": 1.5}, dini.DtypeError, "max_steps"), ({"on_failure": "no"}, dini.OptionError, "\"nan\""),
    ({"tol": 1}, TypeError, "there is no option tol.*tolerance"), ({"adjoint": "lx"}, dini.OptionError, "gmres"), ({"history": -1}, dini.OptionError, "history"),
    ({"loss": None}, TypeError, "loss"), ({"equal": None}, TypeError, "equal"),
])
def test_bad_options(options, error, text):
    with pytest.raises(error, match=text):
        dini.root(lambda z: z - 1, 0.0, **options)


def test_bad_methods():
    with pytest.raises(dini.OptionError, match="max_halvings"):
        dini.Newton(max_halving=3)
    with pytest.raises(dini.OptionError, match="0 or more"):
        dini.Newton(max_halvings=-3)
    with pytest.raises(dini.OptionError, match="fixed_point"):
        dini.root(lambda z: z - 1, 0.0, solver="anderson")
    assert dini.Newton() == dini.Newton() != dini.Newton(max_halvings=3) and "max_halvings" in dini.Newton.__doc__


@pytest.mark.parametrize("call, error, text", [
    (lambda: dini.root(lambda a, z: z, 0.0), TypeError, "argument"), (lambda: dini.root(lambda z: z), TypeError, "root"),
    (lambda: dini.root(3.0, 1.0), TypeError, "function"), (lambda: dini.root(lambda z: z[:1], np.zeros(2)), dini.ShapeError, "1 equations"),
    (lambda: dini.fixed_point(lambda z: (z, z), 0.0), dini.ShapeError, "structure"),
    (lambda: dini.minimize(lambda z: z, np.zeros(2)), dini.ShapeError, "scalar"),
    (lambda: dini.minimize(lambda z: z * z, 0.0, bounds=3), TypeError, "pair"),
])
def test_bad_calls(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_history_and_html():
    s = dini.fixed_point(dini.cos, 0.5, history=100)
    norms = s.history.numpy()
    assert norms.shape == (100,) and norms[0] > norms[5] and "converged" in s._repr_html_() and "<table>" in s._repr_html_()
    with pytest.raises(dini.OptionError, match="history"):
        dini.fixed_point(dini.cos, 0.5).plot()

    class Axes:
        lines = []

        def semilogy(self, x, y, **_):
            self.lines.append(len(list(x)))

        set_xlabel = set_ylabel = lambda self, text: None

    assert s.plot(Axes()).lines == [100]


def test_a_solution_is_a_tree():
    s = dini.jit(lambda a: dini.root(lambda a, z: z**2 - a, 1.0, a))(2.0)
    assert isinstance(s, dini.Solution) and s.status == "converged" and s.solver == "newton"
    o = dini.jit(lambda a: dini.minimize(lambda a, z: (z - a) ** 2, 1.0, a))(2.0)
    assert isinstance(o, dini.Optimum) and isinstance(o.duals, dini.Duals)


def test_values_read_in_a_residual():
    def g(x, z):
        if z > 10:
            return 0 * z
        return dini.cos(z) * x

    s = dini.fixed_point(g, 0.5, 1.0)
    assert s.value.item() == pytest.approx(0.7390851332151607, abs=1e-12)
    got = dini.grad(lambda x: dini.fixed_point(g, 0.5, x).value)(1.0).item()
    assert got == pytest.approx(difference(lambda x: dini.fixed_point(g, 0.5, x).value, np.float64(1.0), 1.0).item(), abs=1e-8)
    with pytest.raises(dini.HostReadError):
        dini.jit(lambda x: dini.fixed_point(g, 0.5, x).value)(1.0)


def test_float32(layer):
    W, x = (a.astype(np.float32) for a in layer)
    s = dini.fixed_point(f, dini.zeros(10, "float32"), W, x)
    assert s.value.dtype == "float32" and s.converged
    with pytest.raises(dini.DtypeError, match="astype"):
        dini.fixed_point(f, dini.zeros(10, "float32"), *layer)


def test_covers_all_methods_of_the_library():
    for name, *_ in dini._dini._solvers():
        assert dini._methods._class_name(name) in vars(dini), name
    for name, *_ in dini._dini._adjoints():
        assert dini._methods._class_name(name) in vars(dini), name
    missing = [n for n in dir(dini._dini) if not n.startswith("_") and n not in {**vars(dini), "ArrayAt": 0, "IndexUpdate": 0}]
    assert not missing


def test_converged_while_it_is_compiled():
    @dini.jit
    def both(a):
        s = dini.root(lambda a, z: z * z - a, 1.0, a, on_failure="best")
        return s.converged, dini.where(s.converged, s.value, -1.0)

    assert both(4.0)[0] and both(4.0)[1] == 2 and not both(-4.0)[0] and both(-4.0)[1] == -1
    assert dini.vmap(lambda a: dini.root(lambda a, z: z * z - a, 1.0, a, on_failure="best").converged)(np.array([4.0, -1.0])).tolist() == [True, False]
    assert dini.root(lambda z: z - 1.0, 0.0).converged is True


def test_a_class_in_the_place_of_a_solver():
    for call, text in ((lambda: dini.root(lambda z: z, 0.0, solver=dini.Newton), r"root: .*write solver=dini\.Newton\(\)"),
                       (lambda: dini.fixed_point(lambda z: z, 0.0, solver=dini.Anderson), r"dini\.Anderson\(\)"),
                       (lambda: dini.root(lambda z: z, 0.0, adjoint=dini.GMRES), r"adjoint=dini\.GMRES\(\)")):
        with pytest.raises(TypeError, match=text):
            call()


def test_what_a_callable_solver_is_given_and_returns():
    """A row of numbers, whatever z is; it may return them in any shape."""
    for z0, returned in ((0.5, lambda z: 0.7390851332151607), (0.5, lambda z: np.array([0.7390851332151607])), (np.ones((2, 2)), lambda z: np.full((2, 2), 0.7390851332151607)),
                         ({"a": 0.5}, lambda z: dini.array(0.7390851332151607))):
        seen = []
        cosine = lambda z: {"a": dini.cos(z["a"])} if isinstance(z, dict) else dini.cos(z)
        s = dini.fixed_point(cosine, z0, solver=lambda f, z: seen.append(z.shape) or returned(z))
        assert s.converged and seen[0] == (np.size(z0),) and np.shape(s.value) == np.shape(z0)
    with pytest.raises(dini.Error, match="fixed_point"):
        dini.root(lambda z: z, 0.0, solver=lambda f, z: z)


@pytest.mark.parametrize("answer, ends", [(False, True), (np.False_, True), (dini.array(False), True), (0, True), (None, False), (True, False), (1, False), (np.True_, False)])
def test_answers_of_on_step(answer, ends):
    s = dini.fixed_point(lambda z: 0.5 * z + 1.0, 0.0, solver="forward_iteration", on_failure="best", on_step=lambda step, norm: answer)
    assert s.status == ("cancelled" if ends else "converged")


def test_solvers_that_there_are_not():
    with pytest.raises(dini.OptionError, match='is newton meant') as e:
        dini.root(lambda z: z, 0.0, solver="newtn")
    assert "broyden" in str(e.value) and "bfgs" not in str(e.value) and "interior_point_qp" not in str(e.value)
    with pytest.raises(dini.OptionError, match="is lbfgs meant") as e:
        dini.minimize(lambda z: z * z, 0.0, solver="lbgfs")
    assert "chandrupatla" not in str(e.value)
    with pytest.raises(dini.OptionError, match="is gmres meant"):
        dini.root(lambda z: z, 0.0, adjoint="gmrs")


def test_how_methods_print():
    assert repr(dini.Newton(max_halvings=20)) == "Newton(max_halvings=20)" and repr(dini.GMRES()) == "GMRES()" and repr(dini.huber(2)) == "huber(2.0)"
    assert repr(dini.fwd_solver) == "fwd_solver()"
    assert "root" in repr(dini.Problem({"kind": "root", "formula": "z - a", "z0": 0.0, "inputs": {"a": 1.0}}))
