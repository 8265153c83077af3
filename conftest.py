"""Examples of a bridge are not run where the other library, or what dini is built with for it, is not there."""
import doctest
import importlib.util

import dini

SECTIONS = {
    "## JAX\n": importlib.util.find_spec("jax") is not None and hasattr(dini._dini, "_xla_handler"),
    "## PyTorch\n": importlib.util.find_spec("torch") is not None,
}


def pytest_itemcollected(item):
    test = getattr(item, "dtest", None)
    for heading, runs in SECTIONS.items():
        if test is None or runs or not test.docstring or heading not in test.docstring:
            continue
        first = test.docstring[: test.docstring.index(heading)].count("\n")
        last = first + test.docstring[test.docstring.index(heading) + len(heading) :].split("\n## ")[0].count("\n") + 1
        for example in test.examples:
            if first <= example.lineno <= last:
                example.options[doctest.SKIP] = True
