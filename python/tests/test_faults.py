"""Faults that a caller from Python can make, one test each, numbered as the library's own tests of them are: an exception or a status that says
what is wrong, and all is usable afterwards."""
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import dini

nan, inf = float("nan"), float("inf")


class Mine(Exception):
    pass


@pytest.fixture(autouse=True)
def usable_afterwards():
    yield
    assert dini.grad(lambda a: dini.root(lambda a, z: z * z - a, 1.0, a).value)(4.0).item() == 0.25
    assert dini.vmap(dini.jit(lambda x: x * x))(np.ones(3)).tolist() == [1, 1, 1]


def test_numbers_are_all_there():
    numbers = sorted(int(m[1]) for m in (re.match(r"test_(\d\d)_", n) for n in globals()) if m)
    assert numbers == [n for n in range(1, 40) if n != 37]  # allocations that fail one by one are the library's own test


def failed(code, f, *args, **options):
    with pytest.raises(dini.SolveError) as e:
        f(*args, **options)
    assert e.value.code == code, e.value
    return e.value


# ---- The user's function -------------------------------------------------------------------------------------------------------------


def test_01_nan_at_the_start():
    e = failed("nonfinite", dini.root, lambda z: dini.log(z - 2.0), np.array([3.0, 1.0]))
    assert "at the start" in str(e) and "index 1" in str(e)


def test_02_nan_at_a_trial_point():
    s = dini.root(lambda z: dini.log(z), 3.0, solver="newton")  # the full step leads to where there is no logarithm
    assert s.status == "converged" and abs(s.value.item() - 1) < 1e-12


def test_03_a_cost_that_becomes_infinite():
    s = dini.minimize(lambda z: -dini.exp(z), 1.0, on_failure="best")
    assert s.status in ("unbounded", "nonfinite", "max_steps", "diverged")


def test_04_nan_in_the_jacobian_alone():
    e = failed("nonfinite", dini.root, lambda z: dini.sqrt(z) + dini.array([0.0, 1.0]) - 3, np.array([1.0, 0.0]), solver="newton")
    assert "row 1, column 1" in str(e), e


def test_05_the_function_raises_at_the_first_call():
    error = Mine()

    def f(z):
        raise error

    with pytest.raises(Mine) as e:
        dini.root(f, 1.0)
    assert e.value is error


@pytest.mark.parametrize("n", range(1, 12))
def test_06_the_function_raises_at_the_nth_call(n):
    calls = []

    def f(z):
        calls.append(0)
        if len(calls) == n:
            raise Mine(n)
        return z * 0.5 + 1.0

    with pytest.raises(Mine, match=str(n)):
        dini.fixed_point(f, 0.0, solver="forward_iteration", stage=False)


def test_07_the_backward_pass_raises():
    f = dini.custom_vjp(lambda x: x * x)

    error = Mine()

    def bwd(kept, ct):
        raise error

    f.defvjp(lambda x: (x * x, x), bwd)
    value, pull = dini.vjp(lambda a: dini.root(lambda a, z: z - f(a), 0.0, a).value, 3.0)
    for _ in range(2):
        with pytest.raises(Mine) as e:
            pull(1.0)
        assert e.value is error and value.item() == 9


def test_08_a_residual_of_the_wrong_length():
    with pytest.raises(dini.ShapeError, match=r"(?s)\(2,\).*\(3,\)"):
        dini.root(lambda z: z[:2], np.zeros(3))


def test_09_a_shape_that_changes():
    shapes = [3, 3, 3, 2]
    with pytest.raises(dini.ShapeError):
        dini.fixed_point(lambda z: z[: shapes.pop(0) if shapes else 2] * 0.5, np.ones(3), stage=False, solver="forward_iteration")


def test_10_a_dtype_that_changes():
    with pytest.raises(dini.DtypeError, match="(?s)float64.*float32"):
        dini.fixed_point(lambda z: dini.astype(z, "float64") * 0.5 + 1.0, dini.zeros(2, "float32"))
    with pytest.raises(dini.DtypeError):
        dini.root(lambda z: z > 0, np.ones(2))


def test_11_a_residual_without_z():
    failed("singular", dini.root, lambda z: 0.0 * z + 1.0, np.ones(2), solver="newton")


def test_12_a_solve_within_the_residual():
    assert dini.root(lambda z: dini.root(lambda z, w: w**3 - z, 1.0, z).value - 2.0, 1.0).value.item() == pytest.approx(8)


def test_13_a_value_kept_for_later():
    kept = []
    dini.root(lambda z: kept.append(z) or z - 1.0, 0.0)
    with pytest.raises(dini.LeakError, match="Return it"):
        kept[0] + 1


def test_14_a_function_that_is_not_deterministic():
    r = np.random.default_rng(0)
    s = dini.fixed_point(lambda z: 0.1 * z + r.standard_normal(), 0.0, stage=False, max_steps=30, solver="forward_iteration", on_failure="best")
    assert s.status != "converged" and s.steps <= 30


# ---- Linear algebra ------------------------------------------------------------------------------------------------------------------


def test_15_a_singular_root():
    f = lambda a: dini.root(lambda a, z: (z - a) ** 2, 1.0, a, on_failure="best", accept=1e9).value
    assert abs(f(0.0).item()) < 1e-15  # what was found is there
    assert failed("singular", dini.grad(f), 0.0).value is not None


def test_16_a_nearly_singular_derivative():
    A = 1e6 * np.array([[1.0, 2.0], [0.5, 1.0 + 2e-16]])  # rows that differ in the last bit alone
    with pytest.raises(dini.SolveError, match="condition number"):
        dini.jacobian(lambda b: dini.root(lambda b, z: A @ z - b, np.zeros(2), b, on_failure="best").value)(np.array([1.0, 1.0]))


def test_17_least_squares_without_full_rank():
    s = dini.least_squares(lambda z: dini.stack([z[0] + z[1] - 2.0, z[0] + z[1] - 2.0]), np.array([0.0, 0.0]))
    assert s.status == "converged"
    np.testing.assert_allclose(s.value, [1.0, 1.0], atol=1e-6)  # of the line of minima the nearest
    with pytest.raises(dini.SolveError):
        dini.grad(lambda y: dini.least_squares(lambda y, z: dini.stack([z[0] + z[1] - y, z[0] + z[1] - y]), np.zeros(2), y).value[0])(2.0)


@pytest.mark.parametrize("adjoint, code", [(dini.GMRES(max_steps=1), None), ("cg", None)])
def test_18_an_adjoint_that_stalls(adjoint, code):
    A = np.array([[0.0, 2.0], [-2.0, 0.0]])
    with pytest.raises(dini.SolveError, match="adjoint"):
        dini.grad(lambda b: dini.sum(dini.root(lambda b, z: A @ z - b, np.zeros(2), b, adjoint=adjoint).value * np.array([1.0, 2.0])))(np.ones(2))


def test_19_the_gradient_of_a_solve_that_failed():
    solve = lambda a, **more: dini.root(lambda a, z: z * z - a, 10.0, a, max_steps=1, solver="newton", on_failure="best", **more).value
    with pytest.raises(dini.SolveError, match="derivative_anyway"):
        dini.grad(solve)(4.0)
    assert np.isfinite(dini.grad(lambda a: solve(a, derivative_anyway=True))(4.0).item())


def test_20_a_value_that_is_no_solution():
    with pytest.raises(dini.SolveError) as e:
        dini.grad(lambda a: dini.implicit_function(lambda a, z: z * z - a, 3.0, a))(4.0)
    assert e.value.code == "not_a_solution"


def test_21_cg_on_an_indefinite_matrix():
    A = np.diag([1.0, -1.0])
    failed("breakdown", dini.grad(lambda b: dini.sum(dini.root(lambda b, z: A @ z - b, np.zeros(2), b, adjoint="cg").value)), np.ones(2))


def test_22_an_expansive_map():
    failed("diverged", dini.fixed_point, lambda z: 3.0 * z + 1.0, 1.0, solver="forward_iteration")


def test_23_a_kink_at_the_solution():
    g = dini.grad(lambda a: dini.root(lambda a, z: z - dini.maximum(a, 0.0), 1.0, a).value)(0.0)
    assert g.item() == 0.5


def test_24_least_squares_with_a_large_residual():
    solve = lambda y: dini.least_squares(lambda y, z: dini.stack([z * z - y, z - 3.0]), 1.0, y).value
    h = 1e-5
    assert dini.grad(solve)(1.0).item() == pytest.approx((solve(1 + h) - solve(1 - h)).item() / (2 * h), rel=1e-8)


# ---- Options and control -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tolerance", [nan, -1.0, (1e-3, -1.0)])
def test_25_a_tolerance_that_is_none(tolerance):
    with pytest.raises(dini.OptionError, match="tolerance"):
        dini.root(lambda z: z - 1.0, 0.0, tolerance=tolerance)


def test_26_no_steps_at_all():
    s = dini.root(lambda z: z - 1.0, 0.0, max_steps=0, on_failure="best")
    assert s.status == "max_steps" and s.value.item() == 0 and s.steps == 0


def test_27_starts():
    solve = lambda a: dini.root(lambda a, z: z * z - a, 2.0, a, solver="newton")
    assert solve(4.0).steps == 0 and dini.grad(lambda a: solve(a).value)(4.0).item() == 0.25
    s = dini.minimize(lambda z: (z[0] ** 2 - 1) ** 2 + z[1] ** 2, np.zeros(2), on_failure="best")  # a saddle
    assert s.status == "not_a_minimum" or abs(abs(s.value[0].item()) - 1) < 1e-6
    assert dini.minimize(lambda z: z**3 - z, -5.0, on_failure="best").status == "unbounded"


def test_28_cancelled():
    crawl = lambda z: z * (1 - 1e-9) + 1e-9
    for more in (dict(on_step=lambda step, norm: step < 5), dict(deadline=0.02)):
        s = dini.fixed_point(crawl, 0.0, solver="forward_iteration", max_steps=10**9, on_failure="best", **more)
        assert s.status == "cancelled" and s.value.item() == pytest.approx(1e-9 * s.steps.item(), rel=1e-3)  # the last is the best
    seen = []  # of a map that moves away from where it starts the first is the best
    s = dini.fixed_point(lambda z: 3.0 * z + 1.0, 1.0, solver="forward_iteration", on_failure="best", on_step=lambda step, norm: seen.append(norm) or step < 5)
    assert s.status == "cancelled" and s.value.item() == 1 and len(seen) > 3 and s.residual_norm.item() == min(seen) == seen[0] == 3


def test_29_a_solver_used_again():
    solver = dini.Anderson(history=3)
    for n in (3, 7, 3):
        assert np.allclose(dini.fixed_point(lambda z: dini.cos(z), np.zeros(n), solver=solver).value, 0.7390851332151607)


def test_30_an_empty_z():
    s = dini.root(lambda a, z: z * dini.sum(a), np.zeros(0), np.ones(2))
    assert s.status == "converged" and s.value.shape == (0,)
    assert dini.grad(lambda a: dini.sum(dini.root(lambda a, z: z * dini.sum(a), np.zeros(0), a).value))(np.ones(2)).tolist() == [0, 0]


FOR_ROOTS = [name for name, _, kinds, *_ in dini._dini._solvers() if "root" in kinds.split(", ")]
ADJOINTS = [name for name, _, kinds, *_ in dini._dini._adjoints() if "root" in kinds.split(", ")]


@pytest.mark.parametrize("call, error, texts", [
    (lambda: dini.root(lambda z: z, 0.0, solver="newtn"), dini.OptionError, ["newtn", *FOR_ROOTS]),
    (lambda: dini.root(lambda z: z, 0.0, adjoint="dirct"), dini.OptionError, ["dirct", *ADJOINTS]),
    (lambda: dini.root(lambda z: z, 0.0, tolerence=1.0), TypeError, ["tolerence"] + """solver tolerance max_steps adjoint on_failure history stage derivative_anyway accept
     structure deadline on_step ties strict bounds""".split()),
    (lambda: dini.Newton(max_halving=3), dini.OptionError, ["max_halving", *[o[0] for m in dini._dini._solvers() if m[0] == "newton" for o in m[4]]]),
    (lambda: dini.root(lambda z: z, 0.0, on_failure="ignore"), dini.OptionError, ["ignore", "raise", "nan", "best"]),
    (lambda: dini.Newton(max_halvings=-3), dini.OptionError, ["max_halvings", "-3", "0 or more"]),
])
def test_31_options_that_there_are_not(call, error, texts):
    with pytest.raises(error) as e:
        call()
    assert len(texts) > 2 and [t for t in texts if not re.search(rf"(?<![a-z_]){re.escape(t)}(?![a-z_])", str(e.value))] == [], e.value


# ---- Shapes and transformations ------------------------------------------------------------------------------------------------------


def test_32_gradients_that_there_are_not():
    with pytest.raises(dini.ShapeError, match="scalar"):
        dini.grad(lambda x: x)(np.ones(2))
    with pytest.raises(dini.DtypeError, match="int64"):
        dini.grad(lambda x: x * 1.0)(2)


def test_33_tangents_and_cotangents_of_another_kind():
    f4 = np.ones(2, "float32")
    for point, other, error in ((np.ones(2), np.ones(3), dini.ShapeError), (f4, np.ones(2), dini.DtypeError), (f4, np.ones(3, "float32"), dini.ShapeError)):
        said = rf"{other.dtype}\({len(other)},\), expected {point.dtype}\({len(point)},\)"
        with pytest.raises(error, match="jvp: the tangent is " + said):
            dini.jvp(dini.sin, (point,), (other,))
        with pytest.raises(error, match="vjp: the cotangent is " + said):
            dini.vjp(dini.sin, point)[1](other)


def test_34_rules_of_another_kind():
    f = dini.custom_vjp(lambda x, y: x * y)
    f.defvjp(lambda x, y: (x * y, None), lambda kept, ct: (ct, ct, ct))
    with pytest.raises(dini.Error, match="returned 3 cotangents, expected 2"):
        dini.grad(f)(1.0, 2.0)
    f.defvjp(lambda x, y: (x * y, None), lambda kept, ct: (ct, dini.ones(3)))
    with pytest.raises(dini.ShapeError, match=r"custom_vjp: bwd: for argument 1 got shape \(3,\), expected \(\)"):
        dini.grad(f)(1.0, 2.0)
    f.defvjp(lambda x, y: x * y, lambda kept, ct: (ct, ct))
    with pytest.raises(TypeError, match="residuals|pair|tuple"):
        dini.grad(f)(1.0, 2.0)
    g = dini.custom_jvp(lambda x: x * 2.0)
    g.defjvp(lambda p, t: (p[0], dini.ones(3)))
    with pytest.raises(dini.ShapeError, match=r"\(3,\)"):
        dini.grad(g)(1.0)


def test_35_lanes():
    with pytest.raises(dini.ShapeError) as e:
        dini.vmap(lambda a, b, c: a, in_axes=(0, 1, 0))(np.ones(2), np.ones((5, 3)), np.ones(4))
    for n, (axis, shape, length) in enumerate(((0, "(2,)", 2), (1, "(5, 3)", 3), (0, "(4,)", 4))):
        assert f"array {n}: axis {axis} of {shape} has length {length}" in str(e.value)
    s = dini.vmap(lambda a: dini.root(lambda a, z: z * z - a, 1.0, a, on_failure="nan"))(np.array([4.0, -1.0, 9.0]))
    assert s.status[0] == s.status[2] == "converged" != s.status[1] and s.value.tolist()[::2] == [2, 3]
    with pytest.raises(dini.SolveError, match="lane 1 .1 of 3 lanes failed."):
        dini.vmap(lambda a: dini.root(lambda a, z: z * z - a, 1.0, a).value)(np.array([4.0, -1.0, 9.0]))


def test_36_a_long_chain():
    def f(x):
        for _ in range(1_000_000):
            x = -x
        return x

    value, pull = dini.vjp(f, 1.0)
    assert pull(1.0)[0].item() == 1
    del pull


# ---- Resources and threads -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [lambda: dini.zeros((2**40, 2**40)), lambda: dini.ones(3).reshape(2**62, 8), lambda: dini.zeros(10**15), lambda: dini.zeros(10**12),
                                  lambda: dini.broadcast_to(dini.ones(1), (2**40, 2**30)), lambda: dini.eye(2**40), lambda: dini.tile(dini.ones(8), 2**61)])
def test_38_arrays_that_are_too_large(call):
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(dini.ShapeError):
        call()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 15  # in KiB: before any allocation


def test_39_solves_in_threads():
    """Equal to the bit: test_threads.py has the same under load; here over inputs that all share, in a process of its own."""
    code = """
        import threading
        import numpy as np, dini
        r = np.random.default_rng(0)
        W, x = dini.array(0.1 * r.standard_normal((10, 10))), dini.array(r.standard_normal(10))
        solve = lambda x: dini.value_and_grad(lambda W: dini.sum(dini.fixed_point(lambda W, z: dini.tanh(W @ z + x), dini.zeros(10), W).value))(W)
        want = solve(x)
        wrong = []
        def work():
            for _ in range(20):
                got = solve(x)
                if not (got[0] == want[0] and np.array_equal(got[1], want[1])):
                    wrong.append(0)
        threads = [threading.Thread(target=work) for _ in range(4)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        print(len(wrong))
        """
    out = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
    assert out.stdout.strip() == "0" and out.returncode == 0, out.stdout + out.stderr
