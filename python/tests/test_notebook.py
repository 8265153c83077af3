"""examples/notebook.py prints the numbers that it says, line by line, and notebook.ipynb those that it shows."""
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


def arrays_in(nb):
    """The numbers in brackets of what the cells have printed, and how many pictures there are."""
    text = "".join(o["text"] for c in nb.cells if c.cell_type == "code" for o in c.outputs if "text" in o)
    numbers = [float(n) for row in re.findall(r"\[([^\[\]]*)\]", text) for n in re.findall(NUMBER, row)]
    return np.array(numbers), sum("image/png" in o.get("data", {}) for c in nb.cells if c.cell_type == "code" for o in c.outputs)


def test_notebook_with_pictures():
    import pytest  # not at the top: who only checks the session has none

    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    path = NOTEBOOK.with_suffix(".ipynb")
    kept = nbformat.read(path, as_version=4)
    run = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(run, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
    (want, pictures), (got, drawn) = arrays_in(kept), arrays_in(run)
    assert pictures == drawn == 2 and len(want) == len(got) > 70 and np.allclose(got, want, rtol=0, atol=1e-4)
    nbformat.validate(kept)
