import warnings

import numpy as np
import pytest

import dini


@pytest.fixture
def layer():
    r = np.random.default_rng(0)
    return 0.7 * r.standard_normal((10, 10)) / np.sqrt(10), r.standard_normal(10)


@pytest.fixture(autouse=True)
def examples(doctest_namespace):
    doctest_namespace["dini"] = dini
    doctest_namespace["np"] = np


@pytest.fixture
def no_surprises():
    """Dini's warnings are errors: nothing is called at run time unless it says so."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="dini")
        yield
