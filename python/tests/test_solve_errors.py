"""SolveError: the best point in z's tree, from solves that run at once and from compiled ones."""
import numpy as np
import pytest

import dini


def no_root(a, z):
    """z["p"]² = -1 has none."""
    return {"p": z["p"] ** 2 + a, "q": [z["q"][0] - a]}


START = {"p": dini.ones((2, 3)), "q": [dini.ones(2, "float32")]}


def solve(a):
    return dini.root(no_root, START, a, solver="newton").value


def looped(a):
    return dini.fori_loop(0, 2, lambda k, s: s + dini.sum(solve(a)["p"]), 0.0 * a)


def inner(a):
    return dini.sum(compiled(a)["p"])


compiled = dini.jit(solve)
WAYS = {
    "at once": solve, "jit": dini.jit(solve), "jit of jit": dini.jit(inner), "jit of grad": dini.jit(dini.grad(lambda a: dini.sum(solve(a)["p"]))),
    "grad of jit": dini.grad(inner), "a loop": looped, "a compiled loop": dini.jit(looped), "a branch": lambda a: dini.cond(a > 0, lambda a: dini.sum(solve(a)["p"]), lambda a: a, a),
    "a scan": lambda a: dini.scan(lambda c, x: (c + dini.sum(solve(x)["p"]), None), 0.0, dini.stack([a, a]))[0],
}


@pytest.mark.parametrize("way", WAYS)
def test_value_in_the_tree_of_z(way):
    for _ in range(2):  # traced, and compiled before
        with pytest.raises(dini.SolveError, match="newton") as e:
            WAYS[way](dini.array(1.0))
        z = e.value.value
        assert set(z) == {"p", "q"} and z["p"].shape == (2, 3) and z["q"][0].shape == (2,), z
        assert z["q"][0].dtype == "float32" and z["p"].dtype == "float64"
        assert e.value.steps >= 0 and e.value.residual_norm > 0 and e.value.code == "singular"


def test_lanes():
    lanes = np.array([1.0, -4.0, 2.0])
    for way in (dini.vmap(solve), dini.jit(dini.vmap(solve)), dini.vmap(dini.jit(solve))):
        with pytest.raises(dini.SolveError, match="2 of 3") as e:
            way(lanes)
        z = e.value.value
        assert z["p"].shape == (3, 2, 3) and z["q"][0].shape == (3, 2) and e.value.status[1] == "converged" not in e.value.status[::2] and e.value.status_code.tolist()[1] == 0
        assert np.allclose(z["p"][1], 2) and np.allclose(z["q"][0][1], -4)


def test_where_it_is_not_known():
    """Two solves whose z are as long, and otherwise different: a row of numbers says nothing wrong."""
    @dini.jit
    def both(a):
        first = dini.root(lambda a, z: (z[0] - a, z[1] - a), (1.0, 1.0), a).value
        return first, dini.root(lambda a, z: z * z + a, np.ones(2), a, solver="newton").value

    with pytest.raises(dini.SolveError) as e:
        both(1.0)
    assert e.value.value.shape == (2,)

    @dini.jit
    def alike(a):
        first = dini.root(lambda a, z: z - a, np.ones(3), a).value
        return first, dini.root(lambda a, z: {"z": z["z"] ** 2 + a}, {"z": np.ones((2, 2))}, a, solver="newton").value

    with pytest.raises(dini.SolveError) as e:
        alike(1.0)
    assert e.value.value["z"].shape == (2, 2)


def test_dataclasses():
    import dataclasses

    @dataclasses.dataclass
    class Point:
        x: object
        name: str = dataclasses.field(metadata={"static": True}, default="p")

    g = dini.jit(lambda a: dini.root(lambda a, z: Point(z.x**2 + a), Point(np.ones(2)), a, solver="newton").value.x)
    with pytest.raises(dini.SolveError) as e:
        g(1.0)
    assert isinstance(e.value.value, Point) and e.value.value.name == "p" and e.value.value.x.shape == (2,)
