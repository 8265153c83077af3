"""Examples in doc strings; the stubs' signatures and the table's are the same text."""
import doctest
import inspect

import numpy as np
import pytest

import dini

NAMES = [n for n in vars(dini) if not n.startswith("_") and ">>>" in (getattr(dini, n).__doc__ or "") and not isinstance(getattr(dini, n), dini.Array)]


@pytest.mark.parametrize("name", NAMES)
def test_examples(name):
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    test = doctest.DocTestParser().get_doctest(inspect.getdoc(getattr(dini, name)) or getattr(dini, name).__doc__, {"dini": dini, "np": np}, name, None, 0)
    runner.run(test)
    assert runner.failures == 0 and runner.tries > 0


def test_scipy_examples():
    import dini.scipy

    assert doctest.testmod(dini.scipy, extraglobs={"dini": dini}).failed == 0


def test_module_example():
    assert doctest.testmod(dini, extraglobs={"dini": dini}).failed == 0


def test_everything_says_what_it_is_for():
    for name, thing in vars(dini).items():
        if name.startswith("_") or not callable(thing) or isinstance(thing, dini.DType):
            continue
        assert (thing.__doc__ or "").strip(), name
