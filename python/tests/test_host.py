"""host_function: functions that are called at run time, with derivatives."""
import numpy as np
import pytest

import dini

x3 = np.array([0.3, -1.2, 0.7])


def make(**rules):
    calls = []

    def model(x, p):
        assert type(x) is np.ndarray and type(p["a"]) is np.ndarray
        calls.append(x.shape)
        return {"y": np.sin(x) * p["a"], "s": np.sum(x)}

    f = dini.host_function(model, like=lambda x, p: {"y": x, "s": 0.0}, **rules)
    return f, calls


def jvp(args, tangents):
    (x, p), (dx, dp) = args, tangents
    return {"y": np.cos(x) * p["a"] * dx + np.sin(x) * dp["a"], "s": np.sum(dx)}


def vjp(args, ct):
    x, p = args
    return np.cos(x) * p["a"] * ct["y"] + ct["s"], {"a": np.sum(np.sin(x) * ct["y"])}


def same(x, p):
    return {"y": dini.sin(x) * p["a"], "s": dini.sum(x)}


def loss(f):
    return lambda x, a: dini.sum(f(x, {"a": a})["y"] ** 2) * f(x, {"a": a})["s"]


def test_values_and_derivatives():
    f, calls = make(jvp=jvp, vjp=vjp)
    assert np.allclose(f(x3, {"a": 2.0})["y"], 2 * np.sin(x3)) and len(calls) == 1
    for transform in (lambda g: dini.value_and_grad(g, (0, 1)), lambda g: dini.jit(dini.value_and_grad(g, (0, 1))),
                      lambda g: dini.jacfwd(g, (0, 1)), lambda g: dini.jacrev(g, (0, 1)), lambda g: dini.jit(dini.jacfwd(g, (0, 1)))):
        got, want = transform(loss(f))(x3, 2.0), transform(loss(same))(x3, 2.0)
        for a, b in zip(dini.tree_leaves(got), dini.tree_leaves(want)):
            assert np.allclose(a, b, atol=1e-13)
    rows = np.stack([x3, 2 * x3])
    for g in (dini.grad, lambda g: dini.jit(dini.grad(g, 1))):
        for axes in ((0, None), (None, 0), (0, 0)):
            args = [rows if axes[0] == 0 else x3, np.array([1.0, 2.0]) if axes[1] == 0 else 2.0]
            got, want = (dini.vmap(g(loss(h)), in_axes=axes)(*args) for h in (f, same))
            assert np.allclose(got, want, atol=1e-13)
    # The sum over lanes of what is the same for all.
    total = lambda h: lambda a: dini.sum(dini.vmap(loss(h), in_axes=(0, None))(rows, a))
    assert np.allclose(dini.grad(total(f))(2.0), dini.grad(total(same))(2.0)) and np.allclose(dini.jacfwd(total(f))(2.0), dini.grad(total(same))(2.0))


def test_in_a_solve():
    f = dini.host_function(np.cos, vjp=lambda args, ct: -np.sin(args[0]) * ct, jvp=lambda args, t: -np.sin(args[0]) * t[0])
    solve = lambda a: dini.root(lambda a, z: a * f(z) - z, 0.5, a).value
    z = 0.7390851332151607
    assert solve(1.0).item() == pytest.approx(z)
    assert dini.grad(solve)(1.0).item() == pytest.approx(np.cos(z) / (1 + np.sin(z)))
    assert dini.jit(dini.grad(solve))(1.0).item() == pytest.approx(np.cos(z) / (1 + np.sin(z)))


def test_what_was_compiled_serves_again():
    f = dini.host_function(np.cos, vjp=lambda args, ct: -np.sin(args[0]) * ct, jvp=lambda args, t: -np.sin(args[0]) * t[0])
    solve = lambda a: dini.root(lambda a, z: a * f(z) - z, 0.5, a).value
    dini.clear_caches()
    dini.grad(solve)(1.0)
    kept = dini.cached_programs()
    for a in (1.1, 1.2, 1.3):
        dini.grad(solve)(a)
    assert dini.cached_programs() == kept
    for n in range(1, 40):  # of as many shapes as there may be
        assert np.allclose(f(np.zeros(n)), 1)
    z = 0.7390851332151607
    assert dini.grad(solve)(1.0).item() == pytest.approx(np.cos(z) / (1 + np.sin(z)))


def test_second_derivatives():
    """Rules with rules: those of jvp(args, tangents) and vjp(args, ct) are functions of these two."""
    def jvp_of_jvp(args, tangents):
        ((x, p), (dx, dp)), ((x_, p_), (dx_, dp_)) = args, tangents
        a, da, a_, da_ = p["a"], dp["a"], p_["a"], dp_["a"]
        return {"y": -np.sin(x) * x_ * a * dx + np.cos(x) * (a_ * dx + a * dx_ + x_ * da) + np.sin(x) * da_, "s": np.sum(dx_)}

    def jvp_of_vjp(args, tangents):
        ((x, p), ct), ((x_, p_), ct_) = args, tangents
        a, a_ = p["a"], p_["a"]
        return (-np.sin(x) * x_ * a * ct["y"] + np.cos(x) * (a_ * ct["y"] + a * ct_["y"]) + ct_["s"],
                {"a": np.sum(np.cos(x) * x_ * ct["y"] + np.sin(x) * ct_["y"])})

    def vjp_of_vjp(args, back):
        ((x, p), ct), (bx, bp) = args, back
        a, ba = p["a"], bp["a"]
        return ((-np.sin(x) * a * ct["y"] * bx + np.cos(x) * ct["y"] * ba, {"a": np.sum(np.cos(x) * ct["y"] * bx)}),
                {"y": np.cos(x) * a * bx + np.sin(x) * ba, "s": np.sum(bx)})

    f, _ = make(jvp=dini.host_function(jvp, jvp=jvp_of_jvp), vjp=dini.host_function(vjp, jvp=jvp_of_vjp, vjp=vjp_of_vjp))
    flat = lambda h: lambda v: loss(h)(v[:3], v[3])
    v = np.append(x3, 2.0)
    want = dini.hessian(flat(same))(v)
    for second in (dini.hessian, lambda g: dini.jit(dini.hessian(g)), lambda g: dini.jacrev(dini.grad(g)), lambda g: dini.jacfwd(dini.jacfwd(g))):
        assert np.allclose(second(flat(f))(v), want, atol=1e-12)
    assert np.allclose(dini.vmap(dini.hessian(flat(f)))(np.stack([v, v]))[1], want, atol=1e-12)
    with pytest.raises(dini.TraceError, match="to be a host_function"):
        dini.grad(lambda v: dini.sum(dini.hessian(flat(f))(v)))(v)
    # One argument, and a rule that has nothing to send.
    cube = dini.host_function(lambda x: x**3, jvp=dini.host_function(lambda a, t: 3 * a[0]**2 * t[0], jvp=lambda a, t: 6 * a[0][0] * t[0][0] * a[1][0] + 3 * a[0][0]**2 * t[1][0]),
                              vjp=dini.host_function(lambda a, ct: 3 * a[0]**2 * ct, jvp=lambda a, t: 6 * a[0][0] * t[0][0] * a[1] + 3 * a[0][0]**2 * t[1],
                                                     vjp=lambda a, b: ((6 * a[0][0] * a[1] * b[0],), 3 * a[0][0]**2 * b[0])))
    assert dini.grad(dini.grad(cube))(2.0).item() == 12 and dini.hessian(cube)(2.0).item() == 12
    assert dini.hessian(lambda a: dini.root(lambda a, z: cube(z) - a, 1.0, a).value)(8.0).item() == pytest.approx(-2 / 9 * 8 ** (-5 / 3))
    flat_line = dini.host_function(lambda x: 2 * x, jvp=dini.host_function(lambda a, t: 2 * t[0], jvp=lambda a, t: 2 * t[1][0]),
                                   vjp=dini.host_function(lambda a, ct: 2 * ct, vjp=lambda a, b: (None, 2 * b[0])))
    assert dini.grad(dini.grad(flat_line))(2.0).item() == 0


def test_what_is_refused():
    f, _ = make()
    with pytest.raises(dini.TraceError, match="model"):
        dini.grad(loss(f))(x3, 2.0)
    f, _ = make(vjp=vjp)
    assert dini.grad(loss(f))(x3, 2.0).shape == (3,)
    with pytest.raises(dini.TraceError, match="jvp="):
        dini.jacfwd(loss(f))(x3, 2.0)
    f, _ = make(jvp=jvp)
    with pytest.raises(dini.TraceError, match="vjp="):
        dini.grad(loss(f))(x3, 2.0)
    f, _ = make(jvp=jvp, vjp=vjp)
    with pytest.raises(dini.TraceError, match="derivative"):
        dini.hessian(loss(f))(x3, 2.0)
    for bad, error in ((lambda x: x[:2], dini.ShapeError), (lambda x: "text", dini.ShapeError), (lambda x: 1 / 0, ZeroDivisionError)):
        with pytest.raises(error):
            dini.host_function(bad)(x3)
    with pytest.raises(dini.Error, match="vjp"):
        dini.grad(lambda x: dini.sum(dini.host_function(np.sin, vjp=lambda args, ct: (ct, ct))(x)))(x3)


def test_whole_numbers():
    counts = dini.host_function(lambda x: (np.floor(x).astype("int64"), x > 1), like=lambda x: (np.zeros(2, "int64"), np.zeros(2, bool)))
    for f in (counts, dini.jit(counts)):
        whole, flags = f(np.array([0.5, 2.5]))
        assert whole.tolist() == [0, 2] and flags.tolist() == [False, True]


def test_methods():
    """`self` comes before the arrays, also in rules."""
    class Model:
        def __init__(self, k):
            self.k = k

        @dini.host_function
        def plain(self, x):
            return self.k * np.asarray(x)

    assert Model(3.0).plain(np.ones(2)).tolist() == [3, 3] and Model(2.0).plain(2.0) == 4
    assert dini.jit(Model(3.0).plain)(1.0) == 3
    with pytest.raises(dini.OptionError, match="like="):
        dini.host_function(lambda s: 1.0)("text")
