import doctest
import importlib.util
import re

import numpy as np
import pytest

import dini

NEEDED = {"PyTorch": "torch"}  # sections of docs/python.md, and what their examples need


def pytest_collection_modifyitems(items):
    """Examples of a section are left out where what it is about is not installed."""
    for item in items:
        test = getattr(item, "dtest", None)
        if test is None or not str(item.path).endswith("python.md"):
            continue
        headings = [(m.start(), m[1]) for m in re.finditer(r"^## (.*)$", test.docstring, re.M)]
        lines = [(test.docstring.count("\n", 0, at), title) for at, title in headings]
        for example in test.examples:
            section = next((title for line, title in reversed(lines) if line <= example.lineno), None)
            if section in NEEDED and importlib.util.find_spec(NEEDED[section]) is None:
                example.options[doctest.SKIP] = True


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
