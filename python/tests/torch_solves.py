"""What the tests of torch's solves that are known share: small ones, the same by hand, and how often one is traced."""
import pytest

import dini

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make python-torch")
import dini.torch  # noqa: E402
from dini.torch import _solving  # noqa: E402

torch.set_num_threads(1)  # what is small is slower on several

n = 3


@pytest.fixture(autouse=True)
def anew(no_surprises):
    dini.clear_caches()


@pytest.fixture
def traces(monkeypatch):
    """How often something was traced, one number for each time."""
    seen = []

    def counted(*args):
        seen.append(1)
        return before(*args)

    before = _solving.apply_traced
    monkeypatch.setattr(_solving, "apply_traced", counted)
    return seen


def arange(**options):
    return torch.arange(1.0, n + 1, dtype=torch.float64, **options)


def zeros():
    return torch.zeros(n, dtype=torch.float64)


def iterated(f, *args, z=None):
    z = zeros() if z is None else z
    for _ in range(100):
        z = f(*args, z)
    return z


def solved(f, *args, **options):
    return dini.torch.fixed_point(f, zeros(), *args, translate=True, tolerance=1e-12, **options)


def same(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and torch.allclose(a, b, rtol=1e-9, atol=1e-9)
