"""dini.jax: what goes in. Whole numbers, Python's numbers, dini's own arrays, memory that is shared, lanes that fail."""
import numpy as np
import pytest

import dini

jax = pytest.importorskip("jax", reason="JAX is not installed: pip install jax")
pytest.importorskip("dini.jax", reason="dini was built without jaxlib beside it", exc_type=ImportError)
import jax.numpy as jnp  # noqa: E402

square = lambda a, z: z * z - a


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("start", [1, True, np.int64(1), np.array(1), 1.0])
def test_starts_that_are_whole(start, x64):
    with jax.enable_x64(x64):
        for a in (2, 2.0, jnp.asarray(2)):
            z = dini.jax.root(square, start, a)
            assert z.dtype == jnp.zeros(()).dtype and np.isclose(z, 2**0.5)
        assert np.isclose(jax.jit(jax.grad(lambda a: dini.jax.root(square, start, a)))(4.0), 0.25)
        z = dini.jax.root(lambda z: z["a"] * z["a"] - 2, {"a": jnp.array([1, 2])})
        assert z["a"].dtype == jnp.zeros(()).dtype and np.allclose(z["a"], 2**0.5)
        assert np.isclose(dini.jax.root(square, dini.Bracket(0, 3), 2), 2**0.5)
        assert np.isclose(dini.jax.fixed_point(lambda z: 0.5 * z + 1, 0), 2) and np.isclose(dini.jax.minimize(lambda z: (z - 3.0) ** 2, 0), 3)


def test_numbers_of_pythons_widen_nothing():
    """As JAX itself promotes them, also where it has arrays of 64 bits."""
    short, long = jnp.float32(2), 0.1
    with jax.enable_x64(True):
        product = dini.jax.wrap(lambda a, b: a * b)
        for a, b in ((short, long), (long, short), (short, 3), (3, short), (jnp.float64(2), long), (jnp.float64(2), short), (long, long), (2, long)):
            got, want = product(a, b), a * jnp.asarray(b)
            assert got.dtype == want.dtype and np.allclose(got, want, rtol=1e-7)
        assert product(jnp.float64(2), long) == 0.2  # in all its digits
        assert jax.jit(product)(short, long).dtype == jnp.float32
        slopes = jax.grad(product, argnums=(0, 1))(short, long)
        assert slopes[0].dtype == jnp.float32 and np.isclose(slopes[1], 2)
        assert product(short, jnp.array([1, 2])).dtype == jnp.float32
        z = dini.jax.root(square, short, 3.0)
        assert z.dtype == jnp.float32 and np.isclose(z, 3**0.5)
        slope = jax.grad(lambda a: dini.jax.root(square, short, a))(4.0)
        assert np.isclose(slope, 0.25)
        assert dini.jax.root(square, 1.0, short).dtype == jnp.float64  # z is of the dtype that it has


def test_within_what_dini_follows():
    """Layers and solves of JAX's where dini follows a function with its own arrays."""
    with jax.enable_x64(True):
        cube_root = dini.jax.wrap(lambda b: dini.root(lambda b, w: w**3 - b, 1.0, b).value)
        solve = lambda a: dini.jax.root(lambda a, z: z**3 - jnp.abs(a), 1.0, a)
        constrained = lambda a: dini.jax.minimize(lambda a, z: (z - a) ** 2, 1.0, a, at_most=lambda a, z: z - jnp.cbrt(a))
        for inner in (cube_root, solve, constrained, lambda a: cube_root(b=a)):
            for outer in (lambda g: g, dini.jit, dini.jax.wrap):
                assert np.isclose(outer(inner)(dini.array(8.0) if outer is dini.jit else 8.0), 2, atol=1e-6)
            assert np.isclose(dini.grad(inner)(8.0), 1 / 12, atol=1e-5)
            assert np.isclose(jax.grad(dini.jax.wrap(inner))(8.0), 1 / 12, atol=1e-5)
            z = dini.jax.root(lambda a, z: dini.jax.wrap(inner)(z) + z - a, 1.5, 2.0)
            assert np.isclose(z, 1, atol=1e-6)
        of_dini = lambda a: dini.root(lambda a, z: solve(z) + z - a, 1.0, a).value
        assert np.isclose(dini.grad(of_dini)(2.0), 0.75) and np.allclose(dini.vmap(dini.grad(of_dini))(np.array([2.0, 10.0])), [0.75, 12 / 13])


@pytest.mark.parametrize("run", [lambda f: f, jax.jit], ids=["eagerly", "under jit"])
def test_a_deadline_is_refused(run):
    with pytest.raises(dini.OptionError, match="no deadline.*max_steps.*on_step"):
        run(lambda a: dini.jax.root(square, 1.0, a, deadline=1.0))(2.0)
    assert np.isclose(run(lambda a: dini.jax.root(square, 1.0, a, deadline=None))(4.0), 2)


@pytest.mark.parametrize("run", [lambda f: f, jax.jit], ids=["eagerly", "under jit"])
@pytest.mark.parametrize("layer", [lambda a: dini.jax.root(square, 1.0, a, on_failure="nan"),
                                   dini.jax.wrap(lambda a: dini.root(square, 1.0, a, on_failure="nan").value)], ids=["JAX", "dini"])
def test_gradients_of_failing_lanes(layer, run):
    """A lane without a solution has no gradient, and takes none from the others."""
    a = jnp.array([4.0, -1.0, 9.0])
    values, slopes = run(jax.vmap(jax.value_and_grad(layer)))(a)
    for got, want in ((values, [2, np.nan, 3]), (slopes, [1 / 4, np.nan, 1 / 6])):
        assert np.allclose(got, want, equal_nan=True, rtol=1e-5)
    assert np.allclose(run(jax.vmap(jax.jacfwd(layer)))(a), [1 / 4, np.nan, 1 / 6], equal_nan=True, rtol=1e-5)
    assert np.allclose(run(jax.grad(lambda a: jnp.sum(jax.vmap(layer)(a)[::2])))(a)[::2], [1 / 4, 1 / 6], rtol=1e-5)


def test_memory_is_shared_both_ways():
    """By DLPack: on the one side and on the other the same numbers at the same place."""
    with jax.enable_x64(True):
        for dtype in ("float64", "float32", "int64", "int32", "bool"):
            ours = dini.array(np.arange(6).reshape(2, 3) % 5, dtype)
            theirs = jnp.from_dlpack(ours)
            assert theirs.dtype == dtype and np.array_equal(theirs, ours)
            back = dini.from_dlpack(theirs)
            assert str(back.dtype) == dtype and np.array_equal(back, ours)
            assert np.asarray(dini.from_dlpack(jnp.asarray(np.asarray(ours)))).tolist() == np.asarray(ours).tolist()
        theirs = jnp.arange(1000.0)
        ours = dini.from_dlpack(theirs)
        assert np.asarray(ours).ctypes.data == theirs.unsafe_buffer_pointer()
        del theirs  # the memory stays as long as someone has it
        assert float(dini.sum(ours)) == 499500
