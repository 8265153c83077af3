"""The package is typed: mypy --strict takes what users write, finds their mistakes, and takes the stubs themselves."""
import pathlib
import subprocess
import sys

import pytest

import dini

pytest.importorskip("mypy")
FOLDER = pathlib.Path(dini.__file__).parent
USER = """
import dini

def f(a: dini.Array, z: dini.Array) -> dini.Array:
    return dini.sum(z * z, axis=0, keepdims=True) - a

x = dini.zeros((2, 3), dtype="float32")
n: int = x.ndim
y: dini.Array = dini.linalg.solve(dini.eye(2), x) + 1.0
s: dini.Solution = dini.root(f, x, y, solver=dini.Newton(max_halvings=3))
g: dini.Array = dini.jit(dini.grad(f))(x)
flags: dini.Array = x == 3
try:
    problem: dini.Problem = dini.Problem.load("layer.json")
except dini.FileError:
    pass
"""
WRONG = """
import dini
dini.sum(dini.zeros(3), axes=0)
dini.zeros(3).shpe
dini.sine(3.0)
x: int = dini.eye(2)
"""


def mypy(*what):
    out = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--cache-dir=/dev/null", *map(str, what)], capture_output=True, text=True)
    return out.stdout + out.stderr


def test_users_code(tmp_path):
    (tmp_path / "user.py").write_text(USER)
    (tmp_path / "wrong.py").write_text(WRONG)
    said = mypy(tmp_path / "user.py", tmp_path / "wrong.py")
    assert "user.py" not in said, said
    for line in (3, 4, 5, 6):
        assert f"wrong.py:{line}: error" in said, said


def test_stubs():
    stubs = [p for p in FOLDER.rglob("*.pyi")]
    assert {p.stem for p in stubs} >= {"linalg", "special", "random"}
    said = mypy("-p", "dini._dini")
    assert "Success" in said, said


def test_stubs_say_what_the_table_says():
    text = (FOLDER / "_dini" / "__init__.pyi").read_text()
    said = {n: f.__nb_signature__[0][0] for n, f in vars(dini._dini).items() if hasattr(f, "__nb_signature__") and f.__name__ == n}
    of_arrays = {n: signature for n, signature in said.items() if "ArrayLike" in signature}
    assert len(of_arrays) > 150
    # An alias is an assignment, or the import of a function of another module.
    assert not [n for n, signature in of_arrays.items() if signature not in text and f"as {n}" not in text and f"{n} = " not in text]
