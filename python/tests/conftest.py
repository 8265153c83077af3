import numpy as np
import pytest

import dini


def difference(f, x, direction, h=1e-5):
    """The derivative of f along a direction by central differences, extrapolated once."""
    def central(step):
        up, down = f(x + step * direction), f(x - step * direction)
        return (np.asarray(up) - np.asarray(down)) / (2 * step)

    return (4 * central(h / 2) - central(h)) / 3


@pytest.fixture
def layer():
    r = np.random.default_rng(0)
    return 0.7 * r.standard_normal((10, 10)) / np.sqrt(10), r.standard_normal(10)


@pytest.fixture(autouse=True)
def examples(doctest_namespace):
    doctest_namespace["dini"] = dini
    doctest_namespace["np"] = np
