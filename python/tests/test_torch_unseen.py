"""What f can read and nobody can look at from outside: a solve of such an f in torch is traced at every call."""
import random
import types

import numpy as np
import pytest

import dini

pytest.importorskip("torch", reason="PyTorch is not installed: make python-torch")
import torch  # noqa: E402
from torch_solves import anew, arange, same, solved, traces  # noqa: E402, F401

settings = types.ModuleType("settings")
settings.rate = 0.5
memory = np.array([0.5, 0.25])
counted = []
last = None


class Silent(dict):
    """What cannot be looked at."""

    def __getattribute__(self, name):
        raise RuntimeError("nothing is said here")


def appends(x, z):
    counted.append(1)
    return torch.tanh(z) * len(counted) / 1000 + x


def remembers(x, z):
    global last
    last = 0.1
    return 0.1 * torch.tanh(z) + x


def counts():
    count = 0

    def f(x, z):
        nonlocal count
        count += 1
        return torch.tanh(z) * 0.5 + x

    return f


def reads_within(x, z):
    from random import random as draw

    return torch.tanh(z) * 0.5 + x + 0 * draw()


def stores_in(holder):
    def f(x, z):
        holder.last = z
        return torch.tanh(z) * 0.5 + x

    return f


def generated():
    numbers = (0.1 * k for k in range(100))
    return lambda x, z: torch.tanh(z) * (next(numbers) % 0.5) + x


endless: list[object] = [0.5]
endless.append(endless)
UNSEEN = {
    "a list within itself": lambda x, z: torch.tanh(z) * endless[0] + x,
    "what answers with an error": lambda x, z, a=Silent(): torch.tanh(z) * 0.5 + x,
    "memory of NumPy's": lambda x, z: torch.tanh(z) * float(memory[0]) + x,
    "a list that grows": appends,
    "a global that is written": remembers,
    "a variable that is written": counts(),
    "an attribute that is written": stores_in(types.SimpleNamespace(last=None)),
    "getattr": lambda x, z: torch.tanh(z) * getattr(settings, "ra" + "te") + x,
    "globals()": lambda x, z: torch.tanh(z) * globals()["memory"][0] + x,
    "a generator": generated(),
    "random": lambda x, z: torch.tanh(z) * 0.5 + x + 0 * random.random(),
    "an import": reads_within,
    "print": lambda x, z: print(end="") or torch.tanh(z) * 0.5 + x,
    "eval": lambda x, z: torch.tanh(z) * eval("0.5") + x,
    "vars": lambda x, z: torch.tanh(z) * vars(settings)["rate"] + x,
    "a text that reads": lambda x, z: torch.tanh(z) * float("{0.rate}".format(settings)) + x,
    "torch's own state": lambda x, z: torch.tanh(z) * (0.5 if torch.get_num_threads() else 1) + x,
}


@pytest.mark.parametrize("name", UNSEEN)
def test_what_cannot_be_looked_at_is_traced(name, traces):
    f, x = UNSEEN[name], arange()
    solved(f, x)
    for _ in range(2):
        count = len(traces)
        solved(f, x)
        assert len(traces) == count + 1


def test_what_f_changes_itself(traces):
    """It is changed at each call, also where it comes back to what it was."""
    def values(between):
        turn = [0]

        def f(x, z):
            turn[0] = (turn[0] + 1) % 3
            return 0.2 * turn[0] * torch.cos(z) + x

        out = []
        for _ in range(7):
            out.append(solved(f, arange()))
            between()
        return out

    assert all(map(same, values(lambda: None), values(dini.clear_caches)))
