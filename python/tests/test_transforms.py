"""Transformations: each derivative against differences, each mode against the others."""
import collections
import dataclasses
import functools
import warnings
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
from differences import difference

import dini

x3 = np.array([0.3, -1.2, 0.7])


def f(x):
    return np.tanh(x) * x[0] + dini.exp(-x * x)


def scalar(x):
    return dini.sum(f(x) ** 2)


def test_jacobians():
    want = np.stack([difference(f, x3, e) for e in np.eye(3)], axis=1)
    for j in (dini.jacobian, dini.jacfwd, dini.jacrev):
        assert np.allclose(j(f)(x3), want, atol=1e-9)
    v, w = np.array([1.0, 2.0, -1.0]), np.array([0.5, -1.0, 3.0])
    value, tangent = dini.jvp(f, (x3,), (v,))
    assert np.allclose(value, f(x3)) and np.allclose(tangent, want @ v)
    value, pull = dini.vjp(f, x3)
    assert np.allclose(value, f(x3)) and np.allclose(pull(w)[0], w @ want)
    value, push = dini.linearize(f, x3)
    assert np.allclose(push(v), want @ v)
    assert np.allclose(dini.linear_transpose(lambda t: want @ t, x3)(w)[0], w @ want)


def test_higher_orders():
    g = dini.grad(scalar)
    assert np.allclose(g(x3), [difference(scalar, x3, e) for e in np.eye(3)], atol=1e-9)
    want = np.stack([difference(g, x3, e) for e in np.eye(3)], axis=1)
    for h in (dini.hessian(scalar), dini.jacrev(dini.grad(scalar)), dini.jacfwd(dini.jacrev(scalar)), dini.jacrev(dini.jacfwd(scalar))):
        assert np.allclose(h(x3), want, atol=1e-8)
    assert np.allclose(dini.hvp(scalar, x3, x3), want @ x3, atol=1e-8)
    third = dini.jacfwd(dini.hessian(scalar))(x3)
    assert np.allclose(third[..., 1], difference(dini.hessian(scalar), x3, np.eye(3)[1]), atol=1e-7)


def test_arguments():
    def h(a, b, scale=1.0):
        return dini.sum(a["u"] * b) * scale

    a, b = {"u": x3}, np.arange(3.0)
    assert np.allclose(dini.grad(h)(a, b)["u"], b) and np.allclose(dini.grad(h, 1)(a, b, scale=2.0), 2 * x3)
    ga, gb = dini.grad(h, argnums=(0, -1))(a, b)
    assert np.allclose(ga["u"], b) and np.allclose(gb, x3)
    v, (ga, gb) = dini.value_and_grad(h, (0, 1))(a, b)
    assert np.isclose(v, x3 @ b)
    j = dini.jacobian(lambda a, b: {"s": a["u"] * b, "t": (a["u"][0],)}, (0, 1))(a, b)
    assert np.allclose(j["s"][0]["u"], np.diag(b)) and np.allclose(j["t"][0][1], 0)
    with pytest.raises(dini.OptionError, match="argnums has 2"):
        dini.grad(h, 2)(a, b)
    with pytest.raises(dini.DtypeError, match="floating|int64"):
        dini.grad(lambda n: n * 2)(3)
    with pytest.raises(dini.ShapeError, match="scalar"):
        dini.grad(f)(x3)
    assert (dini.hessian(lambda a, b: dini.sum(a * b * b), (0, 1))(x3, b)[0][1].shape) == (3, 3)


def test_auxiliary():
    def h(x):
        return dini.sum(x * x), {"twice": 2 * x, "name": "h"}

    g, aux = dini.grad(h, has_aux=True)(x3)
    assert np.allclose(g, 2 * x3) and aux["name"] == "h" and aux["twice"].concrete and np.allclose(aux["twice"], 2 * x3)
    (v, aux), g = dini.value_and_grad(h, has_aux=True)(x3)
    assert np.isclose(v, x3 @ x3) and np.allclose(dini.jacrev(lambda x: (x, x[0]), has_aux=True)(x3)[1], x3[0])
    v, pull, aux = dini.vjp(h, x3, has_aux=True)
    assert np.allclose(pull(1.0)[0], 2 * x3)
    assert np.allclose(dini.jvp(h, (x3,), (x3,), has_aux=True)[1], 2 * x3 @ x3)
    with pytest.raises(TypeError, match="value, auxiliary"):
        dini.grad(lambda x: x, has_aux=True)(1.0)


Named = namedtuple("Named", "a b")


@dataclasses.dataclass(frozen=True)
class Params:
    w: object
    name: str = dataclasses.field(default="sin", metadata={"static": True})
    n: object = 2.0


class Slots:
    __slots__ = ("w",)

    def __init__(self, w):
        self.w = w


dini.register_tree(Slots, lambda s: ((s.w,), None), lambda _, c: Slots(*c))


@pytest.mark.parametrize("tree, text", [
    ((1.0, [2.0]), "(*, [*])"), ({"b": 1.0, "a": None}, "{'a': None, 'b': *}"), (Named(1.0, "s"), "Named(*, 's')"),
    (Params(1.0), "Params(*, *)"), (Slots(1.0), "Slots(*)"), ((), "()"), ((1.0,), "(*,)"), (OrderedDict(z=1.0, a=2.0), "{'a': *, 'z': *}"),
    ({1: 2.0, "x": 3.0}, "{1: *, 'x': *}"), (np.float64(1), "*"), ("text", "'text'"),
])
def test_trees(tree, text):
    assert dini.tree_structure(tree) == text
    again = dini.tree_map(lambda a: a + 1, tree)
    assert type(again) is type(tree) or text == "*"
    assert [a.item() for a in dini.tree_leaves(again)] == [a.item() + 1 for a in dini.tree_leaves(tree)]
    assert dini.tree_structure(again) == text
    jitted = dini.jit(lambda t: t)(tree)
    assert dini.tree_structure(jitted) == text


def test_trees_keep_what_is_static():
    p = Params(dini.array(0.5), "cos")
    g = dini.grad(lambda p, d: getattr(dini, p.name)(p.w) * d["a"][0])(p, {"a": [2.0]})
    assert isinstance(g, Params) and g.name == "cos" and np.isclose(g.w, -2 * np.sin(0.5)) and g.n == 0.0
    with pytest.raises(dini.ShapeError, match="structure"):
        dini.jvp(lambda t: t["a"], ({"a": 1.0},), ({"b": 1.0},))
    loop = []
    loop.append(loop)
    with pytest.raises(RecursionError):
        dini.tree_leaves(loop)


def test_vmap():
    a, b = np.arange(6.0).reshape(2, 3), np.arange(3.0)
    assert np.allclose(dini.vmap(f)(a), np.stack([f(dini.array(r)) for r in a]))
    assert dini.vmap(lambda x, y: x * y, in_axes=(1, None))(a, 2.0).shape == (3, 2)
    assert np.allclose(dini.vmap(lambda d, y: d["u"] @ y, in_axes=({"u": 0}, None))({"u": a}, b), a @ b)
    assert dini.vmap(lambda x: (x, {"s": x.sum()}), out_axes=(1, {"s": 0}))(a)[0].shape == (3, 2)
    assert dini.vmap(dini.vmap(lambda x: x * 2))(a).tolist() == (2 * a).tolist()
    assert np.allclose(dini.vmap(dini.grad(scalar))(a), np.stack([dini.grad(scalar)(r) for r in a]))
    with pytest.raises(dini.ShapeError, match="different lengths"):
        dini.vmap(lambda x, y: x + y)(a, b)
    with pytest.raises(dini.ShapeError, match="in_axes"):
        dini.vmap(lambda x: x, in_axes=(0, 0))(a)
    with pytest.raises(dini.ShapeError, match="does not fit"):
        dini.vmap(lambda d: d["u"], in_axes=({"v": 0},))({"u": a})
    with pytest.raises(dini.HostReadError, match="vmap"):
        dini.vmap(lambda x: x if x > 0 else -x)(b)


def test_jit():
    calls = []

    @dini.jit
    def g(x, how="sin"):
        """Docs."""
        calls.append(how)
        return {"value": getattr(dini, how)(x), "how": how}

    assert g.__doc__ == "Docs." and g.__name__ == "g"
    for how in ("sin", "cos", "sin", "cos"):
        out = g(x3, how)
        assert np.array_equal(out["value"], getattr(np, how)(x3)) or np.allclose(out["value"], getattr(np, how)(x3), rtol=1e-15)
        assert out["how"] == how
    assert calls == ["sin", "cos"]
    g(x3[:2], how="sin")
    g(np.float32(1), "sin")
    assert len(calls) == 4
    g.clear_cache()
    g(x3)
    assert len(calls) == 5
    assert "sin" in str(g.program(x3)) and g.program(x3)(x3)[0].tolist() == np.asarray(dini.sin(x3)).tolist()


def test_jit_static():
    seen = []

    @functools.partial(dini.jit, static_argnums=1, static_argnames="flag")
    def g(x, n, flag=False):
        seen.append((n, flag))
        return x ** n if flag else x * n

    assert g(3.0, 2).item() == 6 and g(3.0, 2, flag=True).item() == 9 and g(3.0, 2).item() == 6 and g(3.0, True).item() == 3
    assert seen == [(2, False), (2, True), (True, False)] and all(type(n) is not dini.Array for n, _ in seen)
    with pytest.raises(TypeError, match="hash"):
        g(1.0, [1])

    class Same:
        def __hash__(self):
            return 1

    one, other = Same(), Same()  # equal hashes, and not equal
    h = dini.jit(lambda x, s: x + (1 if s is one else 2), static_argnums=1)
    assert h(0.0, one).item() == 1 and h(0.0, other).item() == 2 and h(0.0, one).item() == 1


@pytest.mark.filterwarnings("ignore:jit. a Model")
def test_jit_captures_and_methods():
    class Model:
        def __init__(self):
            self.w = dini.array(2.0)

        @dini.jit
        def __call__(self, x):
            return self.w * x

    m, other = Model(), Model()
    other.w = dini.array(5.0)
    assert m(3.0).item() == 6 and other(3.0).item() == 15
    scale = [2.0]
    g = dini.jit(lambda x: x * scale[0])
    assert g(1.0).item() == 2 and g.check_captures(1.0)
    scale[0] = 3.0
    assert not g.check_captures(1.0) and g(1.0).item() == 2


def test_reading_values():
    def h(x):
        return x * x if x > 0 else -x

    assert dini.grad(h)(3.0).item() == 6 and dini.grad(h)(-3.0).item() == -1
    with pytest.raises(dini.HostReadError, match="where"):
        dini.jit(h)(3.0)
    assert dini.grad(lambda x: x * x.item())(3.0).item() == 3  # item() is a number on purpose
    for lossy in (lambda x: dini.array(float(x)), lambda x: dini.sum(np.asarray(x)) * 1.0, lambda x: dini.array(__import__("math").sin(x))):
        with pytest.raises(dini.TraceError, match="lose its derivative"):
            dini.grad(lossy)(1.0)

    def assigning(x):
        out = np.zeros(2)
        out[0] = x[0] ** 2
        return dini.sum(out)

    with pytest.raises((dini.TraceError, ValueError), match="derivative"):
        dini.grad(assigning)(np.ones(2))
    kept = []
    dini.grad(lambda x: kept.append(x) or x)(1.0)
    with pytest.raises(dini.LeakError, match="Return it"):
        kept[0] + 1


def test_compiled_pullback():
    forward, backward = dini.jit(lambda x: dini.vjp(f, x)), dini.jit(lambda p, ct: p(ct))
    w = np.array([1.0, -1.0, 2.0])
    for x in (x3, x3 + 0.1):
        value, pull = forward(x)
        assert np.allclose(backward(pull, w)[0], dini.vjp(f, x)[1](w)[0], rtol=1e-14) and np.allclose(pull(w)[0], w @ dini.jacobian(f)(x))
    value, push = dini.jit(lambda x: dini.linearize(f, x))(x3)
    assert np.allclose(push(w), dini.jacobian(f)(x3) @ w)


def test_checkpoint():
    runs = []

    def block(x):
        runs.append(0)
        return dini.sin(x) * x

    g = dini.grad(lambda x: dini.sum(dini.checkpoint(block)(dini.checkpoint(block)(x))))
    assert np.allclose(g(x3), dini.grad(lambda x: dini.sum(block(block(x))))(x3))


def test_custom_vjp():
    @dini.custom_vjp
    def clipped(x):
        return x

    with pytest.raises(dini.OptionError, match="defvjp"):
        clipped(1.0)
    clipped.defvjp(lambda x: (x, None), lambda res, ct: (dini.clip(ct, -0.5, 0.5),))
    assert np.allclose(dini.grad(lambda x: dini.sum(10 * clipped(x)))(x3), 0.5)
    assert np.allclose(dini.jit(dini.grad(lambda x: dini.sum(10 * clipped(x))))(x3), 0.5)

    @functools.partial(dini.custom_vjp, nondiff_argnums=(0,))
    def apply(g, x, y):
        return g(x) * y["k"]

    apply.defvjp(lambda g, x, y: (apply(g, x, y), (x, y)), lambda g, res, ct: (7.0 * ct, None))
    gx, gy = dini.grad(lambda x, y: apply(dini.sin, x, y), (0, 1))(1.0, {"k": 2.0})
    assert gx.item() == 7 and gy["k"].item() == 0
    apply.defvjp(lambda g, x, y: (apply(g, x, y), None), lambda g, res, ct: (ct,))
    with pytest.raises(dini.Error, match="1.*2"):
        dini.grad(lambda x: apply(dini.sin, x, {"k": 2.0}))(1.0)


def test_custom_jvp():
    @dini.custom_jvp
    def logsum(x, y):
        return dini.log(dini.exp(x) + dini.exp(y))

    @logsum.defjvp
    def rule(primals, tangents):
        z = logsum(*primals)
        return z, sum(dini.exp(p - z) * t for p, t in zip(primals, tangents))

    g = dini.grad(logsum, (0, 1))(0.3, 0.1)
    assert np.allclose(g, dini.grad(dini.logaddexp, (0, 1))(0.3, 0.1))
    assert np.allclose(dini.hessian(logsum)(0.3, 0.1), dini.hessian(dini.logaddexp)(0.3, 0.1))
    assert np.allclose(dini.vmap(dini.jit(logsum), in_axes=(0, None))(x3, 0.1), np.logaddexp(x3, 0.1))


def test_control_flow():
    def both(x):
        return dini.cond(x > 0, lambda t: {"v": t * t}, lambda t: {"v": -t}, x)["v"]

    assert dini.jit(dini.grad(both))(3.0).item() == 6 and dini.grad(both)(-3.0).item() == -1
    assert np.allclose(dini.vmap(both)(x3), [0.09, 1.2, 0.49])
    assert dini.switch(5, [dini.sin, dini.cos], 0.0).item() == 1
    with pytest.raises(dini.ShapeError, match="structure"):
        dini.jit(lambda x: dini.cond(x > 0, lambda t: t, lambda t: (t, t), x))(1.0)
    count = dini.jit(lambda n: dini.while_loop(lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] * 2.0), (0, 1.0)))(5)
    assert count[0].item() == 5 and count[1].item() == 32
    power = lambda x: dini.fori_loop(0, 4, lambda k, s: s * x, 1.0)
    assert power(2.0).item() == 16 and dini.grad(power)(2.0).item() == 32 and dini.jit(dini.jacfwd(power))(2.0).item() == 32
    c, ys = dini.scan(lambda c, x: (c + x, c * x), 0.0, dini.arange(4.0))
    assert c.item() == 6 and np.allclose(ys, [0, 0, 2, 9])
    total = lambda x: dini.scan(lambda c, t: (c * t, None), 1.0, x)[0]
    assert np.allclose(dini.grad(total)(x3), np.prod(x3) / x3)
    assert dini.scan(lambda c, _: (c + 1, c), 0, None, length=3)[1].tolist() == [0, 1, 2]


def test_check_grads():
    assert "jvp" in dini.check_grads(f, (x3,), order=2)

    @dini.custom_jvp
    def wrong(x):
        return x * x

    wrong.defjvp(lambda p, t: (wrong(*p), 3 * p[0] * t[0]))
    with pytest.raises(dini.Error, match="jvp"):
        dini.check_grads(wrong, 2.0)


def test_shapes_without_values():
    s = dini.eval_shape(lambda x: {"a": dini.outer(x, x), "b": x > 0}, x3)
    assert s["a"].shape == (3, 3) and s["a"].dtype == "float64" and s["b"].dtype == "bool"
    p = dini.make_program(lambda x: dini.sin(x) * 2)(x3)
    assert "sin" in str(p) and p.plan()
    p = dini.make_program(lambda k, x: x[k] * 2)(1, x3)
    assert p(2, x3)[0].item() == 2 * x3[2]
    with pytest.raises(dini.ShapeError, match=r"argument 1 is float64\(2,\), expected float64\(3,\)"):
        p(2, x3[:2])


def test_stop_gradient():
    assert dini.grad(lambda x: x * dini.stop_gradient({"a": x})["a"])(3.0).item() == 3


def test_lists_of_traced_values():
    """NumPy makes arrays of lists by conversions: a list of followed values is never turned into numbers in silence."""
    for make in (lambda x: np.array([x[0], x[1]]), lambda x: np.asarray([x[0] * 2, 1.0]), lambda x: np.full(2, x[0]), lambda x: np.float64(x[0])):
        with pytest.raises((dini.TraceError, ValueError), match="derivative"):
            dini.grad(lambda x: dini.sum(dini.array(make(x))))(x3)
    for make in (lambda x: np.stack([x[0], x[1]]), lambda x: np.hstack([x[:1], x[1:2]]), lambda x: dini.array([x[0], x[1]]),
                 lambda x: np.concatenate([x[:1], x[1:2]])):
        assert dini.grad(lambda x: dini.sum(make(x)))(x3).tolist() == [1, 1, 0]
    assert dini.grad(lambda x: max(x[0], x[1]) * sum([x[2], 1.0]))(x3).tolist() == [1.7, 0, 0.3]


class NoTree:
    def __init__(self, w):
        self.w = w


def test_derivatives_by_objects():
    """The gradient by what is no tree would be the object itself, with its values for derivatives."""
    m = NoTree(np.ones(2))
    f = lambda m: dini.sum(m.w**2)
    for transform in (dini.grad, dini.value_and_grad, dini.jacobian, dini.jacfwd, dini.jacrev, dini.hessian):
        with pytest.raises(dini.DtypeError, match=r"argument 0 .*NoTree.*dini\.register_tree"):
            transform(f)(m)
        with pytest.raises(dini.DtypeError, match=r"argument 0 .*\(w\).*NoTree"):
            transform(lambda t: f(t["m"]) * t["x"])({"m": m, "x": 1.0})
        with pytest.raises(dini.DtypeError, match="argument 1 is a text"):
            transform(lambda x, s: x, argnums=(0, 1))(1.0, "abc")
        with pytest.raises(dini.DtypeError, match="argument 0 is None"):
            transform(lambda x: 1.0)(None)
    for call in (lambda: dini.vjp(f, m), lambda: dini.linearize(lambda m, x: f(m) * x, m, 1.0), lambda: dini.jvp(lambda m, x: f(m) * x, (m, 1.0), (m, 1.0))):
        with pytest.raises(dini.DtypeError, match="NoTree"):
            call()
    # What is beside arrays and no array stays what it is.
    assert dini.grad(lambda p: p["w"] ** 2)({"w": 3.0, "name": "w"}) == {"w": 6.0, "name": "w"}
    assert dini.grad(lambda x, p: x**2, argnums=(0, 1))(3.0, {}) == (6.0, {})
    assert dini.grad(lambda x, m: x * m.w.sum())(3.0, m) == 2  # an argument that is not differentiated is any


def test_the_same_argument_twice():
    for numbers in ((0, 0), (1, -1)):
        for transform in (dini.grad, dini.jacobian):
            with pytest.raises(dini.OptionError, match="twice"):
                transform(lambda x, y: x * y, numbers)(1.0, 2.0)


def test_conversions_in_options():
    """They take a number out of a value that is followed."""
    for f in (lambda a: dini.sum(dini.arange(0.0, a, 0.5)), lambda a: dini.linalg.norm(np.array([1.0, 2.0]), ord=a), lambda a: dini.isclose(a, 1.0, rtol=a) * a,
              lambda a: dini.Problem({"kind": "root", "formula": "z-a", "z0": 0.0, "inputs": {"a": a}}).solve().z):
        with pytest.raises(dini.TraceError, match="lose its derivative"):
            dini.grad(f)(2.0)
        with pytest.raises(dini.TraceError, match="lose its derivative"):
            dini.jvp(f, (2.0,), (1.0,))
        with pytest.raises(dini.HostReadError):
            dini.jit(f)(2.0)


def test_what_a_function_forgot_to_return():
    def forgets(x):
        x * x

    for transform in (dini.grad, dini.value_and_grad, dini.jacobian):
        with pytest.raises(dini.DtypeError, match="returned None: is a `return` missing"):
            transform(forgets)(1.0)
        with pytest.raises(dini.DtypeError, match=r"return its \.value"):
            transform(lambda a: dini.root(lambda a, z: z - a, 0.0, a))(1.0)
    for solve in (dini.root, dini.fixed_point, dini.minimize, dini.least_squares):
        with pytest.raises(dini.DtypeError, match=rf"{solve.__name__}: the function returned None"):
            solve(forgets, 1.0)
        with pytest.raises(dini.DtypeError, match=r"return its \.value"):
            solve(lambda z: dini.root(lambda w: w - z, 0.0), 1.0)


def test_which_leaf_is_no_floating_one():
    with pytest.raises(dini.DtypeError, match=r"argument 1, \{'n': int64, 'w': \*\}"):
        dini.grad(lambda x, p: x * p["w"], argnums=1)(1.0, {"w": 2.0, "n": 3})


def test_vmap_of_a_size():
    assert dini.vmap(lambda x: x + 1, in_axes=None, axis_size=3)(2.0).tolist() == [3, 3, 3]
    assert dini.vmap(lambda: dini.ones(2), axis_size=2)().tolist() == [[1, 1], [1, 1]]
    assert dini.vmap(lambda x: 2 * x, axis_size=2)(np.ones(2)).tolist() == [2, 2]
    with pytest.raises(dini.ShapeError):
        dini.vmap(lambda x: x, axis_size=3)(np.ones(2))


def test_values_that_are_the_same_for_all():
    f = lambda x, c: (x * c, c + 1.0, 2.0)
    y, same, number = dini.vmap(f, in_axes=(0, None), out_axes=(0, None, None))(np.ones(3), 4.0)
    assert y.tolist() == [4, 4, 4] and same == 5 and number == 2
    assert dini.jit(dini.vmap(f, in_axes=(0, None), out_axes=(0, None, None)))(np.ones(3), 4.0)[1] == 5
    assert dini.grad(lambda c: dini.vmap(f, in_axes=(0, None), out_axes=(0, None, None))(np.ones(3), c)[1])(4.0) == 1
    with pytest.raises(dini.ShapeError, match="out_axes is None for the array 0 of the value, which is not the same for all"):
        dini.vmap(lambda x: x, out_axes=None)(np.ones(3))


def test_fori_loop_of_a_traced_length():
    for f in (lambda n: dini.fori_loop(0, n, lambda k, s: s + 1.0, 0.0), lambda n: dini.fori_loop(n, 9, lambda k, s: s + 1.0, 0.0)):
        with pytest.raises(dini.HostReadError, match="while_loop.*static_argnames"):
            dini.jit(f)(3)
        assert dini.jit(f, static_argnames="n")(3) in (3, 6)


def test_static_arguments_by_number_and_by_name():
    """The same argument, however it is given: as JAX has it."""
    def f(x, n=2, *, kind="a"):
        assert isinstance(n, int) and isinstance(kind, str)
        return x * n

    for g in (dini.jit(f, static_argnames=("n", "kind")), dini.jit(f, static_argnums=1), dini.jit(f, static_argnums=-1)):
        assert g(1.0, 3) == g(1.0, n=3) == 3 and g(1.0, n=3, kind="b") == 3

    class Model:
        @functools.partial(dini.jit, static_argnames="n")
        def times(self, x, n):
            assert isinstance(n, int)
            return n * x

    assert Model().times(2.0, 3) == Model().times(2.0, n=3) == 6
    assert dini.jit(lambda *a: a[0] * len(a), static_argnums=(-1,))(1.0, "text") == 2
    assert dini.jit(lambda x, **k: x * k["n"], static_argnames="n")(1.0, n=3) == 3
    with pytest.raises(dini.OptionError, match="static_argnames has 'm'.*x, n, kind"):
        dini.jit(f, static_argnames="m")
    with pytest.raises(dini.OptionError, match="static_argnums"):
        dini.jit(f, static_argnums=2)


def test_what_has_no_hash():
    for what in (set(), collections.deque([1.0]), bytearray(b"a")):
        with pytest.raises(TypeError, match="jit: argument 1 holds what is no array and has no hash"):
            dini.jit(lambda x, o: x)(1.0, what)
        with pytest.raises(TypeError, match="jit: an argument given by name"):
            dini.jit(lambda x, o: x)(1.0, o={"in": [what]})


def test_jit_of_objects_says_that_they_stay():
    class Model:
        def __init__(self):
            self.w = dini.ones(2)

        @dini.jit
        def f(self, x):
            return self.w * x

    with pytest.warns(UserWarning, match=r"a Model among the arguments is no tree: the arrays in it \(w\)"):
        Model().f(2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dini.jit(lambda m, x: m.w * x, static_argnums=0)(NoTree(dini.ones(2)), 2.0)  # it was asked for
        dini.jit(lambda f, x: f(x))(dini.sin, 2.0)
