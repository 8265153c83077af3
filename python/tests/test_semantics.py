"""What derivatives mean: each fact that Python can ask for, one test each, numbered as the library's own tests of them are."""
import re

import numpy as np
import pytest

import dini

x3 = np.array([0.3, -1.2, 0.7])
inf, nan = float("inf"), float("nan")


def slope(f, x):
    return dini.grad(f)(x).item()


def test_numbers_are_all_there():
    numbers = sorted(int(m[1]) for m in (re.match(r"test_(\d\d)_", n) for n in globals()) if m)
    assert numbers == list(range(1, 37))


# ---- Transformations -----------------------------------------------------------------------------------------------------------------


def test_01_grad_of_no_scalar_names_jacobian():
    with pytest.raises(dini.ShapeError, match=r"(?s)\(3,\).*jacobian"):
        dini.grad(lambda x: x * 2)(x3)


def test_02_several_arguments_in_order_and_from_the_end():
    f = lambda a, b, c: a * b**2 * c**3
    assert [g.item() for g in dini.grad(f, (0, -1))(2.0, 3.0, 1.0)] == [9, 54] == [g.item() for g in dini.grad(f, (-1, 0))(2.0, 3.0, 1.0)][::-1]
    with pytest.raises(dini.OptionError, match="argnums has 3"):
        dini.grad(f, 3)(1.0, 1.0, 1.0)


def test_03_auxiliary_results_are_values():
    kept = []
    (v, aux), g = dini.value_and_grad(lambda x: (x * x, {"y": kept.append(0) or 3 * x}), has_aux=True)(2.0)
    assert v.item() == 4 and g.item() == 4 and aux["y"].concrete and (aux["y"] + 1).item() == 7
    with pytest.raises(TypeError, match="auxiliary"):
        dini.grad(lambda x: x, has_aux=True)(1.0)


@pytest.mark.parametrize("n, name", [(3, "int64"), (True, "bool"), (np.int32(3), "int32")])
def test_04_integers_have_no_gradient(n, name):
    with pytest.raises(dini.DtypeError, match=name):
        dini.grad(lambda n: n * 1.0)(n)


def test_05_jacobians_agree_and_have_the_outputs_axes_first():
    f = lambda x: dini.outer(x, dini.sin(x))[:2]
    assert dini.jacfwd(f)(x3).shape == (2, 3, 3) and np.allclose(dini.jacfwd(f)(x3), dini.jacrev(f)(x3), atol=1e-15)
    A = np.arange(9.0).reshape(3, 3) ** 1.5
    assert np.allclose(dini.hessian(lambda x: 0.5 * (x @ A @ x))(x3), (A + A.T) / 2)


@pytest.mark.parametrize("tangent, text", [(np.ones(2), r"(?s)\(3,\).*\(2,\)|\(2,\).*\(3,\)"), ({"a": x3}, "structure"), (np.arange(3), "int64|float64"), (np.ones(3, "float32"), "float32")])
def test_06_tangents_are_as_the_primals(tangent, text):
    with pytest.raises(dini.Error, match=text):
        dini.jvp(lambda x: x, (x3,), (tangent,))


@pytest.mark.parametrize("cotangent, text", [(np.ones(2), r"\(3,\)"), ((x3, x3), "structure|tree"), (np.arange(3), "float64"), (1.0, r"\(3,\)")])
def test_07_pullbacks_refuse_other_cotangents(cotangent, text):
    _, pull = dini.vjp(dini.sin, x3)
    with pytest.raises(dini.Error, match=text):
        pull(cotangent)


@pytest.mark.parametrize("call, name", [(lambda: dini.array(x3) + np.ones(2), r"\+"), (lambda: dini.dot(np.ones((2, 3)), np.ones(2)), "dot"),
                                        (lambda: dini.array(x3) @ np.ones((2, 2)), "matmul")])
def test_08_mismatches_name_the_operation_and_both_shapes(call, name):
    with pytest.raises(dini.ShapeError, match=rf"(?s){name}.*\(2.*\)"):
        call()


def test_09_vmap_axes():
    with pytest.raises(dini.ShapeError, match=r"(?s)3.*2|2.*3"):
        dini.vmap(lambda a, b: a + b)(x3, np.ones(2))
    m = np.arange(6.0).reshape(2, 3)
    f = lambda a, b: a * b.sum()
    assert np.allclose(dini.vmap(f, in_axes=(None, -1), out_axes=-1)(x3, m), np.outer(x3, m.sum(0)))
    assert np.allclose(dini.vmap(f, in_axes=(0, None))(m, x3), m * x3.sum())


def test_10_vmap_and_grad_in_both_orders():
    f = lambda w, x: dini.tanh(w @ x) ** 2
    X = np.stack([x3, 2 * x3, -x3])
    each = np.stack([dini.grad(f)(x3, x) for x in X])
    assert np.allclose(dini.vmap(dini.grad(f), in_axes=(None, 0))(x3, X), each, atol=1e-15)
    assert np.allclose(dini.grad(lambda w: dini.sum(dini.vmap(f, in_axes=(None, 0))(w, X)))(x3), each.sum(0), atol=1e-15)


def test_11_reading_values():
    f = lambda x: x * x if x > 0 else -x
    for transform in (dini.jit, dini.vmap):
        with pytest.raises(dini.HostReadError, match=r"(?s)where.*cond.*while_loop"):
            transform(f)(x3[:1] if transform is dini.vmap else 0.3)
    assert slope(f, 3.0) == 6 and slope(f, -3.0) == -1 and dini.jvp(f, (-2.0,), (1.0,))[1].item() == -1 and dini.vjp(f, 2.0)[1](1.0)[0].item() == 4


@pytest.mark.parametrize("transform", [dini.grad, dini.jit, dini.vmap, lambda f: lambda x: dini.jvp(f, (x,), (x,))])
def test_12_values_kept_beyond_their_transformation(transform):
    kept = []
    transform(lambda x: (kept.append(x), x.sum())[1])(np.ones((2,)) if transform is dini.vmap else np.array(2.0))
    with pytest.raises(dini.LeakError, match="Return it"):
        kept[0] + 1


TRANSFORMS = {"grad": lambda f: dini.grad(f), "jit": lambda f: dini.jit(f), "vmap": lambda f: lambda x: dini.vmap(f)(dini.stack([x, x]))[1],
              "jvp": lambda f: lambda x: dini.jvp(f, (x,), (dini.ones_like(x),))[1], "vjp": lambda f: lambda x: dini.vjp(f, x)[1](1.0)[0],
              "jacfwd": lambda f: dini.jacfwd(f), "checkpoint": lambda f: dini.checkpoint(f)}
ORDER = {"grad": 1, "jvp": 1, "vjp": 1, "jacfwd": 1}


@pytest.mark.parametrize("outer", TRANSFORMS)
@pytest.mark.parametrize("inner", TRANSFORMS)
def test_13_captured_values_in_every_nesting(outer, inner):
    """d/dx of d/dy exp(x y), y = 2 captured by x's function: known for every pair."""
    n, m = ORDER.get(outer, 0), ORDER.get(inner, 0)
    got = TRANSFORMS[outer](lambda x: TRANSFORMS[inner](lambda y: dini.exp(x * y))(dini.array(2.0)))(dini.array(0.5))
    # x^m exp(x y), then n times by x.
    x, y, e = 0.5, 2.0, np.exp(1.0)
    want = {(0, 0): e, (0, 1): x * e, (1, 0): y * e, (1, 1): e + x * y * e}[n, m]
    assert got.item() == pytest.approx(want, rel=1e-14)


def test_14_custom_vjp():
    @dini.custom_vjp
    def f(x, y):
        return x * y

    f.defvjp(lambda x, y: (x * y, (x, y)), lambda kept, ct: (7 * kept[1] * ct, None))
    assert dini.vmap(dini.jit(dini.grad(f)), in_axes=(0, None))(x3, 2.0).tolist() == [14] * 3
    f.defvjp(lambda x, y: (x * y, (x, y)), lambda kept, ct: (7 * kept[1] * ct if kept[0] > 0 else ct, None))
    assert [g.item() for g in dini.grad(f, (0, 1))(2.0, 3.0)] == [21, 0] and slope(lambda x: f(x, 3.0), -2.0) == 1
    assert dini.grad(dini.grad(lambda y: dini.grad(f)(2.0, y)))(3.0).item() == 0 and slope(lambda y: dini.grad(f)(2.0, y), 3.0) == 7
    with pytest.raises(dini.TraceError, match="custom_jvp"):
        dini.jvp(f, (1.0, 1.0), (1.0, 1.0))
    f.defvjp(lambda x, y: (x * y, None), lambda kept, ct: (ct,))
    with pytest.raises(dini.Error, match=r"returned 1 cotangents, expected 2.*`None`"):
        dini.grad(f)(1.0, 1.0)
    f.defvjp(lambda x, y: (x * y, None), lambda kept, ct: (dini.ones(3), ct))
    with pytest.raises(dini.ShapeError, match=r"\(3,\)"):
        dini.grad(f)(1.0, 1.0)


def test_15_custom_jvp_serves_all_modes():
    @dini.custom_jvp
    def f(x):
        return x * x

    f.defjvp(lambda p, t: (f(*p), 5 * p[0] * t[0]))
    g = lambda x: f(x)
    assert slope(g, 2.0) == 10 == dini.jvp(g, (2.0,), (1.0,))[1].item() and dini.grad(dini.grad(g))(2.0).item() == 5 == dini.jacfwd(dini.jacfwd(g))(2.0).item()


def test_16_stop_gradient_in_every_order():
    f = lambda x: dini.stop_gradient(x * x) * x
    assert slope(f, 3.0) == 9 and dini.grad(dini.grad(f))(3.0).item() == 0 == dini.jacfwd(dini.jacrev(f))(3.0).item()


def test_17_loops():
    loop = lambda x: dini.while_loop(lambda s: s < 100.0, lambda s: s * x, x)
    assert dini.jvp(loop, (2.0,), (1.0,))[1].item() == 7 * 2.0**6
    with pytest.raises(dini.TraceError, match=r"(?s)while_loop.*(fori_loop|solve|number of steps)"):
        dini.grad(loop)(2.0)
    fixed = lambda x: dini.fori_loop(0, 3, lambda k, s: s * x, 1.0)
    assert slope(fixed, 2.0) == 12 == dini.jacfwd(fixed)(2.0).item()


def test_18_linearize_runs_the_function_once():
    runs = []
    _, push = dini.linearize(lambda x: runs.append(0) or dini.sin(x), x3)
    assert all(np.allclose(push(t * x3), t * np.cos(x3) * x3) for t in range(4)) and len(runs) == 1


def test_19_zeros_of_structure_and_of_numbers():
    f = lambda x, y: dini.sqrt(x) + y
    assert dini.grad(f, 1)(0.0, 1.0).item() == 1
    assert np.isnan(dini.jvp(f, (0.0, 1.0), (0.0, 1.0))[1].item())  # 0 times an infinite slope


def test_20_long_chains():
    def f(x):
        for _ in range(100_000):
            x = x + 1.0
        return x

    assert slope(f, 0.0) == 1


# ---- Values at the edges -------------------------------------------------------------------------------------------------------------


def test_21_weak_numbers():
    a = dini.ones(2, "float32")
    assert (a * 2.5).dtype == "float32" and (a + dini.ones(2)).dtype == "float64" and (dini.arange(3) * 0.5).dtype == "float64"
    assert (dini.arange(2) + a).dtype in ("float32", "float64") and (dini.array([1, 2]) * dini.ones(2)).dtype == "float64"


def test_22_powers_and_products():
    assert slope(lambda x: x**0, 0.0) == 0 == slope(lambda x: x**2, 0.0) and dini.power(0.0, 0.0).item() == 1 and slope(lambda y: dini.power(0.0, y), 0.0) == 0
    assert dini.grad(dini.prod)(np.array([2.0, 0.0, 3.0])).tolist() == [0, 6, 0]
    assert dini.grad(lambda x: dini.sum(dini.cumprod(x)))(np.array([2.0, 0.0, 3.0])).tolist() == [1, 2 + 6, 0]


def test_23_kinks_and_poles():
    assert slope(abs, 0.0) == 1 == slope(dini.abs, 0.0) and slope(dini.sqrt, 0.0) == inf and np.isnan(dini.grad(dini.norm)(np.zeros(2))).all()
    assert "of 0 the derivative is 1" in dini.abs.__doc__


def test_24_ties():
    assert [g.item() for g in dini.grad(dini.maximum, (0, 1))(1.0, 1.0)] == [0.5, 0.5] == [g.item() for g in dini.grad(dini.minimum, (0, 1))(1.0, 1.0)]
    assert dini.grad(dini.max)(np.array([1.0, 2.0, 2.0])).tolist() == [0, 0.5, 0.5] == dini.grad(lambda x: -dini.min(-x))(np.array([1.0, 2.0, 2.0])).tolist()
    assert slope(dini.relu, 0.0) == 0 == slope(lambda x: dini.where(x > 0, x, 0.0), 0.0) and slope(lambda x: dini.clip(x, 0.0, 1.0), 1.0) == 0.5
    assert slope(dini.floor, 0.5) == 0 == slope(dini.sign, 0.0)


def test_25_where_differentiates_both_sides():
    assert np.isnan(slope(lambda x: dini.where(x > 0, dini.sqrt(x), 0.0 * x), -1.0)) or slope(lambda x: dini.where(x > 0, dini.log(x), 0.0), 0.0) != 0
    guarded = lambda x: dini.where(x > 0, dini.sqrt(dini.where(x > 0, x, 1.0)), 0.0)
    assert slope(guarded, -1.0) == 0 and slope(guarded, 4.0) == 0.25


def test_26_limits():
    assert dini.tanh(1000.0) == 1 and dini.erf(10.0) == 1 and dini.exp(-1000.0) == 0 and dini.log1p(-1.0) == -inf
    assert dini.softplus(1000.0) == 1000 and dini.softplus(-1000.0) == 0 and dini.logsumexp(np.array([1e4, 1e4])).item() == pytest.approx(1e4 + np.log(2))
    assert dini.logsumexp(np.array([-inf, -inf])) == -inf and dini.logsumexp(np.array([inf, 0.0])) == inf
    assert slope(dini.softplus, 1000.0) == 1 and slope(dini.tanh, 1000.0) == 0 and dini.grad(dini.logsumexp)(np.array([1e4, 1e4])).tolist() == [0.5, 0.5]


def test_27_the_sixth_derivative():
    f = lambda x: 1 / x
    for _ in range(6):
        f = dini.grad(f)
    assert f(4.0).item() == pytest.approx(0.0439453125, rel=1e-14)


def test_28_empty_axes():
    e = dini.zeros((0, 3))
    assert dini.sum(e, 0).tolist() == [0, 0, 0] and dini.prod(e, 0).tolist() == [1, 1, 1] and dini.grad(dini.sum)(np.zeros(0)).shape == (0,)
    with pytest.raises(dini.ShapeError, match="max"):
        dini.max(e, 0)


# ---- Implicit solves -----------------------------------------------------------------------------------------------------------------
A = np.array([[3.0, 1.0], [0.5, 2.0]])


def F(a, z):
    return A @ z + 0.1 * z**3 - a


def test_29_the_derivative_does_not_depend_on_how():
    a = np.array([1.0, -2.0])
    want = np.linalg.inv(A + np.diag(0.3 * np.asarray(dini.root(F, np.zeros(2), a).value) ** 2))
    ways = [dict(z0=np.ones(2) * s) for s in (0.0, 1.0, -3.0)] + [dict(solver=s) for s in ("newton", "broyden", "chord", "levenberg_marquardt_root")]
    for options in ways:
        z0 = options.pop("z0", np.zeros(2))
        assert np.allclose(dini.jacobian(lambda a: dini.root(F, z0, a, **options).value)(a), want, atol=1e-10), options
    for other in (lambda a, z: 1e5 * F(a, z), lambda a, z: F(a, z)[::-1]):
        assert np.allclose(dini.jacobian(lambda a: dini.root(other, np.zeros(2), a).value)(a), want, atol=1e-10)
    assert np.array_equal(dini.jacobian(lambda z0: dini.root(F, z0, a).value)(np.ones(2)), np.zeros((2, 2)))


def test_30_all_modes_agree():
    solve = lambda a: dini.sum(dini.root(F, np.zeros(2), a).value ** 2)
    a = np.array([1.0, -2.0])
    h = [j(k(solve))(a) for j in (dini.jacfwd, dini.jacrev) for k in (dini.jacfwd, dini.jacrev)]
    assert all(np.allclose(h[0], other, atol=1e-12) for other in h)
    e = 1e-4
    assert np.allclose(h[0][0, 0].item(), ((solve(a + [e, 0]) - 2 * solve(a) + solve(a - np.array([e, 0]))) / e**2).item(), atol=1e-6)


def test_31_least_squares_by_the_full_hessian():
    """Of (z² - y, z - 3): with a residual left Gauss-Newton's derivative is another one."""
    solve = lambda y: dini.least_squares(lambda y, z: dini.stack([z * z - y, z - 3.0]), 1.0, y).value
    z = solve(1.0).item()
    assert 2 * z * (z * z - 1) + z - 3 == pytest.approx(0, abs=1e-12)
    assert slope(solve, 1.0) == pytest.approx(2 * z / (6 * z * z - 2 + 1)) != pytest.approx(2 * z / (4 * z * z + 1))


def test_32_batches_are_their_lanes():
    lanes = np.array([1.0, -1.0, 4.0, 9.0])
    solve = lambda a: dini.root(lambda a, z: z * z - a, 1.0, a, on_failure="nan").value
    got, each = dini.vmap(solve)(lanes), np.array([solve(a).item() for a in lanes])
    assert np.allclose(got, each, equal_nan=True, rtol=1e-15) and np.isnan(got.tolist()).tolist() == [False, True, False, False]
    assert np.allclose(dini.vmap(dini.grad(solve))(lanes)[2:], [0.25, 1 / 6])


@pytest.mark.parametrize("dtype, scale", [("float32", 1e-30), ("float64", 1e-300)])
def test_33_tiny_cotangents(dtype, scale):
    _, pull = dini.vjp(lambda a: dini.root(lambda a, z: z * z - a, dini.array(1.0, dtype), a).value, dini.array(4.0, dtype))
    assert pull(dini.array(scale, dtype))[0].item() / pull(dini.array(1.0, dtype))[0].item() == pytest.approx(np.dtype(dtype).type(scale), rel=1e-6)


def test_34_no_derivative_of_what_is_no_solution():
    start = dict(max_steps=1, solver="newton", on_failure="best")
    f = lambda a, **more: dini.root(lambda a, z: z * z - a, 10.0, a, **start, **more).value
    with pytest.raises(dini.SolveError, match="derivative"):
        dini.grad(f)(4.0)
    assert np.isfinite(slope(lambda a: f(a, derivative_anyway=True), 4.0))
    with pytest.raises(dini.SolveError) as e:  # a double root
        dini.grad(lambda a: dini.root(lambda a, z: (z - a) ** 2, 1.0, a, on_failure="best", accept=1e9).value)(0.0)
    assert e.value.code in ("singular", "stagnated", "not_a_solution")


def test_35_loose_solutions_have_the_derivative_where_they_are():
    s = dini.root(lambda a, z: z * z - a, 1.0, 2.0, tolerance=1e-1, solver="newton")
    z = s.value.item()
    assert abs(z - 2**0.5) > 1e-9 and slope(lambda a: dini.root(lambda a, z: z * z - a, 1.0, a, tolerance=1e-1, solver="newton").value, 2.0) == pytest.approx(0.5 / z, rel=1e-12)


def test_36_solves_nest():
    inner = lambda b: dini.root(lambda b, w: w**3 - b, 1.0, b).value
    outer = lambda a: dini.root(lambda a, z: inner(z) + z - a, 1.0, a).value
    z = outer(2.0).item()
    assert z == pytest.approx(1.0) and slope(outer, 2.0) == pytest.approx(1 / (1 + 1 / 3))
    assert slope(lambda a: dini.minimize(lambda a, z: (inner(z) - a) ** 2, 2.0, a).value, 2.0) == pytest.approx(12)
