"""examples/notebook.py prints the numbers that it says, line by line."""
import contextlib
import io
import pathlib
import re
import runpy

import numpy as np

NUMBER = r"-?\d+\.\d*(?:e[-+]\d+)?"
NOTEBOOK = pathlib.Path(__file__).parents[2] / "examples" / "notebook.py"


def test_notebook():
    check(NOTEBOOK)


def check(notebook):
    """Also of scripts/try_wheel.sh."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        runpy.run_path(str(notebook))
    numbers = np.array(re.findall(NUMBER, out.getvalue()), float)
    assert len(numbers) == 7 * 10 + 4 * 2 + 6 * 10
    source = pathlib.Path(notebook).read_text()
    said = [np.array(re.findall(NUMBER, line), float) for line in re.findall(r"^# (?:\[ |\d).*", source, re.M) if re.search(NUMBER, line)]
    printed = []
    for n in (10, 10, 10, 10, 10, 2, 2, 2, 2, 10, 10, 10, 10, 10, 10, 10, 10):
        printed.append(numbers[:n])
        numbers = numbers[n:]
    anderson = printed.pop(2)
    assert np.allclose(anderson, said[1], atol=1e-4)
    assert len(said) == 10
    for got, want in zip(printed, said):
        assert np.allclose(got, want, rtol=0, atol=2e-6), (got, want)
    for got in printed[10:]:
        assert np.allclose(got, said[-1], atol=1e-4)
