"""A deep equilibrium layer that is written with JAX, with its parameters in a dict, learns to read digits."""
import functools

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="JAX is not installed: pip install jax")
pytest.importorskip("dini.jax", reason="dini was built without jaxlib beside it", exc_type=ImportError)
datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed: pip install scikit-learn")
import jax.numpy as jnp  # noqa: E402

import dini  # noqa: E402

HIDDEN = 24


def cell(params, x, z):
    """z = cell(params, x, z) is the layer; the weights stay below 1, so that there is one such z."""
    recurrent = params["recurrent"]
    recurrent = recurrent / jnp.maximum(1.0, jnp.linalg.norm(recurrent) / 0.9)
    return jnp.tanh(recurrent @ z + params["input"] @ x + params["bias"])


def by_dini(params, x):
    return dini.jax.fixed_point(cell, jnp.zeros(HIDDEN), params, x)


def unrolled(params, x):
    return jax.lax.scan(lambda z, _: (cell(params, x, z), None), jnp.zeros(HIDDEN), length=150)[0]


def loss(layer, params, x, y):
    logits = jax.vmap(functools.partial(layer, params))(x) @ params["output"]
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1))


def test_digits():
    digits = datasets.load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    x, y = jnp.asarray(digits.data[order] / 16, jnp.float32), jnp.asarray(digits.target[order])
    test = slice(1200, None)
    keys = jax.random.split(jax.random.key(0), 3)
    params = {"recurrent": 0.1 * jax.random.normal(keys[0], (HIDDEN, HIDDEN)), "input": 0.2 * jax.random.normal(keys[1], (HIDDEN, 64)),
              "bias": jnp.zeros(HIDDEN), "output": 0.2 * jax.random.normal(keys[2], (HIDDEN, 10))}
    some = x[:20], y[:20]
    ours, theirs = (jax.jit(jax.grad(functools.partial(loss, layer)))(params, *some) for layer in (by_dini, unrolled))
    for name in params:
        np.testing.assert_allclose(ours[name], theirs[name], atol=1e-4 * np.abs(theirs[name]).max())

    @jax.jit
    def step(params, mean, square, k):  # Adam's, on a batch of the training set
        some = (k * 240 + jnp.arange(240)) % 1200
        slope = jax.grad(functools.partial(loss, by_dini))(params, x[some], y[some])
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, slope)
        square = jax.tree.map(lambda s, g: 0.99 * s + 0.01 * g * g, square, slope)
        params = jax.tree.map(lambda p, m, s: p - 0.02 * (m / (1 - 0.9**k)) / (jnp.sqrt(s / (1 - 0.99**k)) + 1e-8), params, mean, square)
        return params, mean, square

    state = params, jax.tree.map(jnp.zeros_like, params), jax.tree.map(jnp.zeros_like, params)
    for k in range(1, 101):
        state = step(*state, k)
    params = state[0]
    guess = jnp.argmax(jax.vmap(functools.partial(by_dini, params))(x[test]) @ params["output"], axis=1)
    accuracy = float(jnp.mean(guess == y[test]))
    assert accuracy >= 0.95, accuracy
