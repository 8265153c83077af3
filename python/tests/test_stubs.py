"""The package is typed: mypy --strict takes what users write, finds their mistakes, and takes the stubs themselves."""
import pathlib
import re
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
# Of the bridges, where their frameworks are; what is wrong there is in the lines that say so.
USERS_OF = {
    "torch": """
import torch
import dini
import dini.torch

class Cell(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(3, 3)

    def forward(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = 0.3 * torch.tanh(self.linear(z)) + x
        return y

def f(x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    return torch.cos(z) + x

deq = dini.torch.FixedPoint(Cell(), solver="anderson", tolerance=1e-6)
z: torch.Tensor = deq(torch.ones(5, 3))
y: torch.Tensor = dini.torch.fixed_point(f, torch.zeros(3), torch.ones(3), translate=True, solver=dini.Newton())
s: dini.Solution = dini.torch.root("a, z: z**2 - a", 1.0, 2.0, details=True)
layer = dini.torch.wrap(lambda a: dini.root(lambda a, z: z**2 - a, 1.0, a).value)
v: torch.Tensor = layer(torch.tensor(4.0))
layer.clear_cache()
g: dini.Array = dini.grad(dini.torch.translate(f))(dini.zeros(3), dini.zeros(3))
dini.torch.FixedPoint(f)  # wrong
dini.torch.wrapped(f)  # wrong
layer.clear()  # wrong
""",
    "jax": """
import jax
import jax.numpy as jnp
import dini
import dini.jax

def f(x: jax.Array, z: jax.Array) -> jax.Array:
    return jnp.cos(z) + x

y: jax.Array = dini.jax.fixed_point(f, jnp.zeros(3), jnp.ones(3), solver=dini.Newton())
m: jax.Array = dini.jax.minimize(lambda z: jnp.sum(z**2), jnp.ones(3))
layer = dini.jax.wrap(lambda a: dini.root(lambda a, z: z**2 - a, 1.0, a).value)
v: jax.Array = jax.jit(layer)(4.0)
layer.clear_cache()
g: dini.Array = dini.grad(dini.jax.translate(f))(dini.zeros(3), dini.zeros(3))
dini.jax.wrap(3)  # wrong
dini.jax.fixedpoint(f, jnp.zeros(3))  # wrong
layer.clear()  # wrong
""",
}
WRONG = """
import dini
dini.sum(dini.zeros(3), axes=0)
dini.zeros(3).shpe
dini.sine(3.0)
x: int = dini.eye(2)
"""


def mypy(*what, cache="/dev/null"):
    out = subprocess.run([sys.executable, "-m", "mypy", "--strict", f"--cache-dir={cache}", *map(str, what)], capture_output=True, text=True)
    return out.stdout + out.stderr


def test_users_code(tmp_path):
    (tmp_path / "user.py").write_text(USER)
    (tmp_path / "wrong.py").write_text(WRONG)
    said = mypy(tmp_path / "user.py", tmp_path / "wrong.py")
    assert "user.py" not in said, said
    for line in (3, 4, 5, 6):
        assert f"wrong.py:{line}: error" in said, said


@pytest.mark.parametrize("framework", USERS_OF)
def test_users_of_bridges(framework, tmp_path, request):
    pytest.importorskip(framework)
    pytest.importorskip("dini." + framework, exc_type=ImportError)
    file = tmp_path / "user.py"
    file.write_text(USERS_OF[framework])
    said = mypy(file, cache=request.config.cache.mkdir("mypy"))  # (torch takes twenty seconds to read)
    lines = {int(m) for m in re.findall(r"user\.py:(\d+): error", said)}
    assert lines == {k for k, line in enumerate(USERS_OF[framework].split("\n"), 1) if line.endswith("# wrong")}, said


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
