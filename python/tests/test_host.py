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
