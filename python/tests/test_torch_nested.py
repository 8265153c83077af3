"""Solves and layers of dini.torch's inside of functions that dini.torch follows or calls."""
import numpy as np
import pytest

import dini

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make python-torch")
import dini.torch  # noqa: E402
from torch.autograd import gradcheck  # noqa: E402
from torch.func import hessian, jacfwd, jacrev, vmap  # noqa: E402

pytestmark = pytest.mark.usefixtures("no_surprises")
torch.set_num_threads(1)  # what is small is slower on several
MODES = pytest.mark.parametrize("translate", [True, False])


def T(v, **options):
    return torch.tensor(v, dtype=torch.float64, **options)


def close(a, b, tight=1e-8):
    return a.shape == b.shape and a.dtype == b.dtype and torch.allclose(a, b, rtol=tight, atol=tight)


cube_root = dini.torch.wrap(lambda b: dini.root(lambda b, w: w**3 - b, dini.ones_like(b), b).value)


class Cell(torch.nn.Module):
    def forward(self, b, w):
        return w - (w**3 - b) / (1 + 3 * w**2)


deq = dini.torch.FixedPoint(Cell())
shift = T(0.0, requires_grad=True)
INNER = {  # the cube root of b, each in another way
    "an argument": lambda b: dini.torch.root(lambda b, w: w**3 - b, torch.ones_like(b), b),
    "a closure": lambda b: dini.torch.root(lambda w: w**3 - b, torch.ones_like(b)),
    "a number to start from": lambda b: dini.torch.root(lambda b, w: w**3 - b, 1.0, b),
    "a tensor of outside": lambda b: dini.torch.root(lambda b, w: w**3 - b + shift, torch.ones_like(b), b),
    "an intermediate": lambda b: dini.torch.root(lambda w: 2 * w**3 - twice, torch.ones_like(b)) if (twice := 2 * b) is not None else None,
    "a formula": lambda b: dini.torch.root("b, w: w**3 - b", torch.ones_like(b), b),
    "a tree": lambda b: dini.torch.root(lambda p, z: {"w": z["w"] ** p["n"] - p["b"]}, {"w": torch.ones_like(b)}, {"b": b, "n": 3})["w"],
    "details": lambda b: dini.torch.root(lambda b, w: w**3 - b, torch.ones_like(b), b, details=True).value,
    "a minimum": lambda b: dini.torch.minimize(lambda b, w: w**4 / 4 - b * w, torch.ones_like(b), b, tolerance=1e-10),
    "bounds": lambda b: dini.torch.root(lambda b, w: w**3 - b, torch.ones_like(b), b, bounds=(0.0, 9.0 + 0 * b)),
    "a layer": cube_root,
    "a layer as the function": lambda b: dini.torch.root(dini.torch.wrap(lambda b, w: w**3 - b), torch.ones_like(b), b),
    "a module": lambda b: deq(b, z0=torch.ones_like(b)),
    "two deep": lambda b: dini.torch.root(lambda b, w: w - cube_root(b), torch.ones_like(b), b),
}


@MODES
@pytest.mark.parametrize("name", INNER)
def test_inside_of_f(name, translate):
    """z with cube_root(z) + z = a: for a = 2 it is 1, with the slope 3/4 and the second derivative 3/32."""
    solution = lambda a: dini.torch.root(lambda a, z: INNER[name](z) + z - a, torch.ones_like(a), a, translate=translate)
    a = T(2.0, requires_grad=True)
    z = solution(a)
    assert close(z, T(1.0)) and close(torch.autograd.grad(z, a)[0], T(0.75))
    if name in ("a closure", "a layer", "a tensor of outside"):
        assert close(jacfwd(solution)(a.detach()), T(0.75)) and close(hessian(solution)(a.detach()), T(3 / 32), 1e-6)
        assert close(vmap(jacrev(solution))(T([2.0, 10.0])), T([0.75, 12 / 13]))
    if name == "a tensor of outside":
        assert close(torch.autograd.grad(solution(a), shift)[0], T(0.25))  # d root(b - s) / ds is -1/3


def test_parameters_of_both_have_gradients():
    W, V = (T([[0.2, 0.1], [0.0, 0.3]], requires_grad=True), T([[0.1, 0.0], [0.2, 0.1]], requires_grad=True))
    x = T([1.0, -1.0], requires_grad=True)

    def inner(z):
        return dini.torch.fixed_point(lambda w: torch.tanh(V @ w + z), torch.zeros_like(z))

    def outer(x, translate):
        return dini.torch.fixed_point(lambda x, z: 0.5 * torch.tanh(W @ inner(z)) + x, torch.zeros_like(x), x, translate=translate)

    def by_hand():
        z = torch.zeros_like(x)
        for _ in range(60):
            w = torch.zeros_like(x)
            for _ in range(60):
                w = torch.tanh(V @ w + z)
            z = 0.5 * torch.tanh(W @ w) + x
        return z

    want = by_hand()
    for translate in (True, False):
        got = outer(x, translate)
        assert close(got, want)
        assert all(map(close, torch.autograd.grad(got.sum(), [W, V, x]), torch.autograd.grad(want.sum(), [W, V, x], retain_graph=True)))


@MODES
def test_what_is_cut_off_stays_cut_off(translate):
    """z = a + cube_root(z) / 4 where the root is a constant to derivatives: the slope is 1."""
    def without(a, z):
        with torch.no_grad():
            w = INNER["a closure"](z)
            v = cube_root(z)
        return a + w / 8 + v.detach() / 8

    a = T(1.0, requires_grad=True)
    z = dini.torch.fixed_point(without, torch.ones_like(a), a, translate=translate, solver="forward_iteration", derivative_anyway=True)
    assert close(torch.autograd.grad(z, a)[0], T(1.0)) and close(z - cube_root(z) / 4, a, 1e-6)


def test_derivatives_that_f_takes():
    """Where f differentiates through the inner solve torch calls f, which is said; nothing is lost."""
    energy = lambda z: (0.75 * INNER["an argument"](z) ** 4).sum()  # whose derivative is the cube root
    for slope in (torch.func.grad(energy), torch.func.jacrev(energy), lambda z: torch.func.vjp(energy, z)[1](T(1.0))[0]):
        f = lambda a, z: slope(z) + z - a
        with pytest.raises(dini.torch.Untranslatable, match="within torch.func's"):
            dini.torch.root(f, T(1.5), T(2.0), translate=True)
        a = T(2.0, requires_grad=True)
        z = dini.torch.root(f, T(1.5), a, translate=False)
        assert close(z, T(1.0), 1e-6) and close(torch.autograd.grad(z, a)[0], T(0.75), 1e-6)

    def by_autograd(a, z):
        z = z.detach().requires_grad_()
        return torch.autograd.grad(energy(z), z)[0] - a

    with pytest.raises(dini.torch.Untranslatable, match="takes by torch"):
        dini.torch.root(by_autograd, T(1.5), T(2.0), translate=True)
    closed = lambda a, z: (lambda y: dini.torch.root(lambda w: w**3 - y, T(1.0)) - a)(z.detach().requires_grad_() * 2)
    with pytest.raises(dini.torch.Untranslatable, match="takes by torch"):
        dini.torch.root(closed, T(1.5), T(2.0), translate=True)


def test_what_is_called_within_what_is_followed():
    inner = lambda b: dini.torch.root(lambda b, w: w**3 - b, T(1.0), b, translate=False)
    f = lambda a, z: inner(z) + z - a
    with pytest.raises(dini.torch.Untranslatable, match="root with translate=False"):
        dini.torch.root(f, T(1.0), T(2.0), translate=True)
    with pytest.warns(UserWarning, match="translate=False is within it"):
        assert close(dini.torch.root(f, T(1.0), T(2.0)), T(1.0))


def test_a_failure_inside():
    f = lambda a, z: dini.torch.root(lambda w: w * w + 1 + 0 * z, T(1.0)) + z - a
    for translate in (True, False):
        with pytest.raises(dini.SolveError):
            dini.torch.root(f, T(1.0), T(2.0), translate=translate)
    assert close(INNER["an argument"](T(8.0)), T(2.0))  # and nothing of it stays


@pytest.mark.parametrize("outer", [lambda g: dini.torch.wrap(g), lambda g: lambda a: torch.from_numpy(np.array(dini.jit(g)(a.numpy())))])
def test_inside_of_functions_of_dinis(outer):
    """Layers and solves of torch's where dini follows a function with its own arrays."""
    a = T(8.0)
    assert close(outer(lambda a: cube_root(a) + 1)(a), T(3.0))
    assert close(outer(lambda a: cube_root(b=a))(a), T(2.0))
    for translate in (True, False):
        g = lambda a: dini.torch.root(lambda a, z: z**3 - torch.abs(a), T(1.0), a, translate=translate)
        assert close(outer(g)(a), T(2.0)) and close(outer(dini.grad(g))(a), T(1 / 12))
    g = lambda a: dini.torch.root(lambda a, z: z**3 - a, 1.0, a, details=True).value
    assert close(outer(g)(a), T(2.0))


def test_gradcheck():
    solution = lambda a: dini.torch.root(lambda a, z: INNER["a closure"](z) + cube_root(z) + z - a, torch.ones_like(a), a)
    assert gradcheck(solution, (T([2.0, 9.0], requires_grad=True),), check_forward_ad=True)
