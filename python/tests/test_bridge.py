"""What bridges share: all forms of a function of dini's, and another framework's functions as operations; here without a framework."""
import numpy as np

import dini
from dini._bridge import Forms, HostMap


class Quadratic(HostMap):
    """A framework of quadratic functions of NumPy's arrays, whose derivative by differences is exact."""

    def call(self, *arrays):
        assert all(type(a) is np.ndarray and a.flags.writeable for a in arrays)
        return self.f(list(arrays))

    @staticmethod
    def push(f, x, dx):
        up, down = f([a + d for a, d in zip(x, dx)]), f([a - d for a, d in zip(x, dx)])
        return [(u - d) / 2 for u, d in zip(up, down)]

    @staticmethod
    def pull(f, x, ct):
        sent = []
        for k, a in enumerate(x):
            out = np.zeros(a.shape)
            for place in np.ndindex(a.shape):
                e = [np.zeros_like(b) for b in x]
                e[k][place] = 1
                out[place] = sum(np.sum(c * t) for c, t in zip(ct, Quadratic.push(f, x, e)))
            sent.append(out)
        return sent

    @staticmethod
    def over_lanes(f, marked):
        def lanes(x):
            size = next(len(a) for a, m in zip(x, marked) if m)
            each = [f([a[k] if m else a for a, m in zip(x, marked)]) for k in range(size)]
            return [np.stack(values) for values in zip(*each)]

        return lanes

    @staticmethod
    def zeros(shape, dtype):
        return np.zeros(shape, dtype)


def by_hand(a):
    x, y = a
    return [x * x * 0.5 + x[::-1] * y, np.sum(x) * y]


def by_dini(x, y):
    return x * x * 0.5 + x[::-1] * y, dini.sum(x) * y


x, y = np.array([0.3, -1.2, 0.7]), np.array(0.4)


def test_a_function_of_another_framework():
    f = Quadratic(by_hand, "by_hand", [((3,), "float64"), ((), "float64")], [((3,), "float64"), ((), "float64")]).operation
    loss = lambda g: lambda x, y: dini.sum(dini.tanh(g(x, y)[0])) * g(x, y)[1]
    forms = [lambda g: g, lambda g: dini.grad(g, (0, 1)), lambda g: dini.jacfwd(g, (0, 1)), lambda g: dini.hessian(g, (0, 1)),
             lambda g: dini.jacrev(dini.grad(g)), lambda g: dini.jit(dini.grad(g, (0, 1)))]
    for form in forms:
        for a, b in zip(dini.tree_leaves(form(loss(f))(x, y)), dini.tree_leaves(form(loss(by_dini))(x, y))):
            assert np.allclose(a, b, atol=1e-12)
    X, Y = np.stack([x, 2 * x, -x]), np.array([0.4, -1.0, 2.0])
    for axes, args in (((0, 0), (X, Y)), ((0, None), (X, y)), ((None, 0), (x, Y))):
        for form in (forms[0], forms[1], forms[3]):
            got, want = (dini.vmap(form(loss(g)), in_axes=axes)(*args) for g in (f, by_dini))
            for a, b in zip(dini.tree_leaves(got), dini.tree_leaves(want)):
                assert np.allclose(a, b, atol=1e-12)
    # A batch within what is differentiated: cotangents of what is the same for all lanes are summed.
    total = lambda g: lambda y: dini.sum(dini.vmap(loss(g), in_axes=(0, None))(X, y))
    assert np.allclose(dini.hessian(total(f))(y), dini.hessian(total(by_dini))(y))
    solution = lambda g: lambda y: dini.sum(dini.fixed_point(lambda y, z: 0.2 * g(z, y)[0] + 1.0, np.zeros(3), y).value)
    assert np.allclose(dini.grad(solution(f))(y), dini.grad(solution(by_dini))(y))


def test_values_that_are_not_what_was_said():
    import pytest

    def wrong(a):
        return [a[0][:2]]

    f = Quadratic(wrong, "wrong", [((3,), "float64")], [((3,), "float64")]).operation
    with pytest.raises(dini.ShapeError, match="wrong"):
        f(x)

    def fails(a):
        raise ZeroDivisionError("here")

    with pytest.raises(ZeroDivisionError, match="here"):
        dini.jit(lambda x: Quadratic(fails, "fails", [((3,), "float64")], [((3,), "float64")]).operation(x)[0])(x)


def test_forms():
    def g(x, k, y):
        return dini.sin(x) * y * k, k + 1, dini.sum(x)

    k = np.array([1, 2, 3])
    for compiled in (True, False):
        forms = Forms(g, compiled)
        x_, k_, y_ = map(dini.array, (x, k, y))
        values, pullback = forms.forward((True, False, True))(x_, k_, y_)
        ct = (dini.ones(3), dini.zeros(3, "int64"), dini.array(2.0))
        dx, dy = forms.pull(pullback, ct)
        assert np.allclose(values[0], np.sin(x) * y * k) and np.allclose(dx, np.cos(x) * y * k + 2) and np.allclose(dy, np.sum(np.sin(x) * k))
        # Cotangents of floating values alone, for the inputs that move.
        sent = forms.vjp((True, False, False)).value(x_, k_, y_, ct[0], ct[2])
        assert len(sent) == 1 and np.allclose(sent[0], dx)
        moved = forms.jvp((False, False, True)).value(x_, k_, y_, dini.array(1.0))
        assert len(moved) == 2 and np.allclose(moved[0], np.sin(x) * k) and np.allclose(moved[1], 0)
        second = forms.vjp((True, False, False)).vjp((False, False, True, False, False)).value(x_, k_, y_, ct[0], ct[2], dini.ones(3))
        assert np.allclose(second[0], np.sum(np.cos(x) * k))
        lanes = forms.batched((0, None, None)).value(dini.array(np.stack([x, -x])), k_, y_)
        assert lanes[0].shape == (2, 3) and np.allclose(lanes[0][1], np.sin(-x) * y * k)
        assert forms.shapes(x_, k_, y_) == [((3,), "float64"), ((3,), "int64"), ((), "float64")]
        assert forms.vjp((True, False, False)) is forms.vjp((True, False, False))
