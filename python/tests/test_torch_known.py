"""dini.torch's solves are traced once, and never stale: what f can read is looked at before each call."""
import dataclasses
import enum
import functools
import gc
import math
import random
import types
import warnings
import weakref
from collections import namedtuple

import numpy as np
import pytest

import dini

pytest.importorskip("torch", reason="PyTorch is not installed: make python-torch")
import torch  # noqa: E402
from dini.torch import _known  # noqa: E402
from torch_solves import anew, arange, iterated, n, same, solved, traces, zeros  # noqa: E402, F401


# ---- What changes between two calls ---------------------------------------------------------------------------------------


class Cell(torch.nn.Module):
    """z = tanh(rate * (A z)) + x, with what else a test gives it."""

    scale = 1.0

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.linear = torch.nn.Linear(n, n).double()
        self.rate, self.tied = 0.3, None

    @property
    def twice(self):
        return 2 * self.rate

    def turned(self, z):
        return self.linear(z)

    def forward(self, x, z):
        y = torch.tanh(self.twice * self.scale * self.turned(z)) + x
        return y if self.tied is None else y + 0.1 * self.tied(z)


@dataclasses.dataclass
class Config:
    rate: float
    shift: float = 0.0


class Classed:
    rate = 0.5


class Slotted:
    __slots__ = ("rate",)

    def __init__(self, rate):
        self.rate = rate


class Kind(enum.Enum):
    HALF = 0.5
    QUARTER = 0.25


class Computed:
    """One attribute, whatever its name is."""

    def __init__(self, rates):
        self.rates = rates

    def __getattr__(self, name):
        return self.rates[0]


class Scaled(torch.nn.Linear):
    """What torch's own code reads of a class of the user's."""

    bias_scale = 1.0

    @property
    def bias(self):
        return self.own_bias * self.bias_scale

    @bias.setter
    def bias(self, value):
        pass


Pair = namedtuple("Pair", "rate shift")
rate_of_all = 0.3
helper = lambda z: torch.tanh(rate_of_all * z)
settings = types.ModuleType("settings")


def of_globals(x, z):
    return helper(z) + x


def of_builtins(x, z):
    return pow(0.5, 2) * torch.tanh(z) + x


def with_defaults(x, z, *, rate=0.3):
    return rate * torch.tanh(z) + x


def set_global(name, value):
    return lambda: globals().__setitem__(name, value)


def closes_over(first, second):
    """f that closes over a value, and what gives it another one."""
    value = first

    def f(x, z):
        rate = value
        rate = rate.value if isinstance(rate, Kind) else rate
        return torch.tanh(rate * z) + x

    def change():
        nonlocal value
        value = second

    return f, change


def reads(holder, take, change):
    return (lambda x, z: torch.tanh(take(holder) * z) + x), lambda: change(holder)


def changes():
    yield "a number", *closes_over(0.5, 0.25)
    yield "a whole number", *closes_over(1, 0)
    yield "a flag for a number", *closes_over(1, True)
    yield "an enumeration", *closes_over(Kind.HALF, Kind.QUARTER)
    yield "a scalar of NumPy's", *closes_over(np.float64(0.5), np.float64(0.25))
    yield "a number for a tensor", *closes_over(torch.tensor(0.5, dtype=torch.float64), 0.5)
    yield "a list", *reads([0.5, 1], lambda a: a[0], lambda a: a.__setitem__(0, 0.25))
    yield "a longer list", *reads([0.1, 0.1], sum, lambda a: a.append(0.2))
    yield "a dict", *reads({"rate": 0.5}, lambda a: a["rate"], lambda a: a.update(rate=0.25))
    yield "a dict's order", *reads({"a": 0.5, "b": 0.1}, lambda a: next(iter(a.values())), lambda a: a.update(a=a.pop("a")))
    yield "a dict's keys", *reads({"a": 0.5, "b": 0.1}, lambda a: a["a"], lambda a: (a.clear(), a.update(b=0.5, a=0.1)))
    yield "the sign of zero", *reads([0.0], lambda a: math.copysign(0.5, a[0]), lambda a: a.__setitem__(0, -0.0))
    yield "within a tuple", *reads(({"rate": [0.5]},), lambda a: a[0]["rate"][0], lambda a: a[0]["rate"].__setitem__(0, 0.25))
    yield "a set", *reads({0.5}, lambda a: max(a), lambda a: a.add(0.75))
    yield "a dataclass", *reads(Config(0.5), lambda a: a.rate, lambda a: setattr(a, "rate", 0.25))
    yield "a namespace", *reads(types.SimpleNamespace(rate=0.5), lambda a: a.rate, lambda a: setattr(a, "rate", 0.25))
    yield "an attribute of an object's class", *reads(Classed(), lambda a: a.rate, lambda a: setattr(Classed, "rate", 0.25))
    yield "a slot", *reads(Slotted(0.5), lambda a: a.rate, lambda a: setattr(a, "rate", 0.25))
    yield "a named tuple's", *reads([Pair(0.5, 0.0)], lambda a: a[0].rate, lambda a: a.__setitem__(0, Pair(0.25, 0.0)))
    yield "an attribute that is computed", *reads(Computed([0.5]), lambda a: a.rate, lambda a: a.rates.__setitem__(0, 0.25))
    yield "an attribute of a module", *reads(settings, lambda a: a.rate, lambda a: setattr(a, "rate", 0.25))
    yield "a global of what is called", of_globals, set_global("rate_of_all", 0.1)
    yield "a function that is called", of_globals, set_global("helper", lambda z: 0.1 * z)
    yield "a global over a builtin", of_builtins, set_global("pow", lambda a, b: 0.75)
    yield "a default", with_defaults, lambda: with_defaults.__kwdefaults__.update(rate=0.1)
    held = lambda x, z: held.rate * torch.tanh(z) + x
    held.rate = 0.5
    yield "an attribute of a function", held, lambda: setattr(held, "rate", 0.25)
    code = lambda x, z: 0.5 * torch.tanh(z) + x
    yield "code", code, lambda: setattr(code, "__code__", (lambda x, z: 0.25 * torch.tanh(z) + x).__code__)
    partial = functools.partial(lambda scale, x, z, rate: scale[0] * rate * torch.tanh(z) + x, [0.5], rate=0.5)
    yield "in a partial", partial, lambda: partial.args[0].__setitem__(0, 0.25)
    sized = [torch.ones(1, dtype=torch.float64)]
    yield "a shape", lambda x, z: torch.tanh(z) * 0.5 / sized[0].numel() + x, lambda: sized.__setitem__(0, torch.ones(2, dtype=torch.float64))
    yield "a dtype", *reads([torch.tensor(0.1)], lambda a: a[0], lambda a: a.__setitem__(0, torch.tensor(0.1, dtype=torch.float64)))
    one, other = torch.tensor(0.2, dtype=torch.float64), torch.tensor(0.1, dtype=torch.float64)
    yield "two that were one", *reads([one, one], lambda a: a[0] - 3 * a[1], lambda a: a.__setitem__(1, other))
    # Of modules.
    attribute = Cell()
    yield "an attribute of a module of torch's", attribute, lambda: setattr(attribute, "rate", 0.1)
    on_object = Cell()
    yield "an attribute over a class's", on_object, lambda: setattr(on_object, "scale", 0.1)
    yield "an attribute of a class", Cell(), lambda: setattr(Cell, "scale", 0.5)
    yield "a property", Cell(), lambda: setattr(Cell, "twice", property(lambda self: 0.1))
    yield "a method", Cell(), lambda: setattr(Cell, "turned", lambda self, z: 0.1 * self.linear(z))
    own = Cell()
    yield "a method of an object", own, lambda: setattr(own, "turned", lambda z: 0.1 * z)
    inner = Cell()
    yield "a submodule", inner, lambda: setattr(inner, "linear", torch.nn.Identity())
    another = Cell()
    yield "one more submodule", another, lambda: setattr(another, "tied", torch.nn.Linear(n, n).double())
    without = Cell()
    yield "a bias less", without, lambda: setattr(without.linear, "bias", None)
    hooked = Cell()
    yield "a hook", hooked, lambda: hooked.linear.register_forward_hook(lambda m, x, y: 0.1 * y)
    forward = Cell()
    yield "another forward", forward, lambda: setattr(forward, "forward", lambda x, z: 0.1 * z + x)
    method = Cell()
    yield "of a bound method's object", method.forward, lambda: setattr(method, "rate", 0.1)
    scaled = Scaled(n, n).double()
    scaled.own_bias = torch.nn.Parameter(arange())
    scaled.weight.data.mul_(0.1)
    calls_scaled = lambda x, z: torch.tanh(scaled(z)) + x
    yield "what torch's code reads of a user's class", calls_scaled, lambda: setattr(Scaled, "bias_scale", 0.1)
    class Trained(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(n, n).double()

        def forward(self, x, z):
            return torch.tanh(self.linear(z) * (0.1 if self.training else 0.5)) + x

    training = Trained()
    yield "the training flag", training, training.eval


NAMES = [name for name, _, _ in changes()]


@pytest.fixture
def as_it_was():
    known = dict(globals()), dict(vars(Cell)), dict(with_defaults.__kwdefaults__)
    settings.rate = 0.5
    yield
    for name in set(globals()) - set(known[0]):
        del globals()[name]
    globals().update(known[0])
    Classed.rate = 0.5
    for name in ("scale", "twice", "turned"):
        setattr(Cell, name, known[1][name])
    Scaled.bias_scale = 1.0
    with_defaults.__kwdefaults__.update(known[2])


@pytest.mark.parametrize("name", NAMES)
def test_changes(name, traces, as_it_was):
    f, change = next((f, change) for k, f, change in changes() if k == name)
    x = arange(requires_grad=True)
    before = solved(f, x)
    assert same(before, iterated(f, x)), "before"
    count = len(traces)
    assert same(solved(f, x), before) and len(traces) == count, "again"
    change()
    after, want = solved(f, x), iterated(f, x)
    assert same(after, want) and not same(after, before) or name in ("a flag for a number", "a number for a tensor", "a dtype"), "after"
    assert len(traces) > count
    assert same(torch.autograd.grad(after.sum(), x)[0], torch.autograd.grad(want.sum(), x)[0])


class Mode:
    """One that is as any other."""


def of_switch(condition, **parts):
    """f whose rate is another one where the condition holds of an object with these parts."""
    held = types.SimpleNamespace(**parts)
    return held, lambda x, z: torch.tanh((0.1 if condition(held) else 0.5) * z) + x


def writes(box, other):
    """What is written to one is read from the other."""
    box[0] = 0.2
    try:
        return other[0] == 0.2
    finally:
        box[0] = 0.1


IDENTITIES = {  # a condition, what the parts are at first, and then: the same to look at, but for what is one
    "is": (lambda h: h.mode is h.fast, lambda: (Mode(), Mode()), lambda a, b: ({"mode": a, "fast": a, "slow": b}, {"mode": b, "fast": a, "slow": b})),
    "is not": (lambda h: h.mode is not h.fast, lambda: (Mode(), Mode()), lambda a, b: ({"mode": b, "fast": a}, {"mode": a, "fast": a})),
    "==": (lambda h: h.mode == h.fast, lambda: (Mode(), Mode()), lambda a, b: ({"mode": a, "fast": a}, {"mode": b, "fast": a})),
    "in": (lambda h: h.mode in h.active, lambda: (Mode(), Mode()), lambda a, b: ({"mode": a, "active": [a]}, {"mode": a, "active": [b]})),
    "index": (lambda h: h.modes.index(h.mode), lambda: (Mode(), Mode()), lambda a, b: ({"mode": a, "modes": [a, b]}, {"mode": a, "modes": [b, a]})),
    "a key": (lambda h: {h.fast: True}.get(h.mode), lambda: (Mode(), Mode()), lambda a, b: ({"mode": a, "fast": a}, {"mode": b, "fast": a})),
    "tensors": (lambda h: h.a is h.b, lambda: (torch.ones(2), torch.ones(2)), lambda a, b: ({"a": a, "b": b}, {"a": a, "b": a})),
    "tied tensors": (lambda h: h.a is h.b, lambda: (torch.ones(2), torch.ones(2)), lambda a, b: ({"a": a, "b": a}, {"a": a, "b": b})),
    "modules": (lambda h: h.a is h.b, lambda: (torch.nn.Identity(), torch.nn.Identity()), lambda a, b: ({"a": a, "b": a}, {"a": a, "b": b})),
    "functions": (lambda h: h.a == h.b, lambda: [lambda: 0.5 for _ in range(2)], lambda a, b: ({"a": a, "b": a}, {"a": a, "b": b})),
    "written lists": (lambda h: writes(h.a, h.b), lambda: ([0.1], [0.1]), lambda a, b: ({"a": a, "b": a}, {"a": a, "b": b})),
    "numbers": (lambda h: h.a is h.b, lambda: (float("1.5"), float("1.5")), lambda a, b: ({"a": a, "b": a}, {"a": a, "b": b})),
    "tuples": (lambda h: h.a is h.b, lambda: (tuple([1.5]), tuple([1.5])), lambda a, b: ({"a": a, "b": a}, {"a": a, "b": b})),
    "not a number": (lambda h: h.a in h.list, lambda: (float("nan"), float("nan")), lambda a, b: ({"a": a, "list": [a]}, {"a": a, "list": [b]})),
    "a third": (lambda h: h.mode is h.a, lambda: (Mode(), Mode(), Mode()), lambda a, b, c: ({"mode": c, "a": c, "b": b}, {"mode": c, "a": a, "b": a})),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_what_is_the_same(name, traces):
    """Two that are alike are told apart by whether they are one, there and back."""
    condition, make, states = IDENTITIES[name]
    first, second = states(*make())
    held, f = of_switch(condition, **first)
    x = arange()
    for state in (first, second, first, second):
        vars(held).update(state)
        for _ in range(2):
            count = len(traces)
            assert same(solved(f, x), iterated(f, x))
    assert len(traces) == count, "it is known at last"
    # An object of the arguments is one with one that f closes over, or another one.
    a, b = Mode(), Mode()
    g = lambda x, mode, z: torch.tanh((0.1 if mode is a else 0.5) * z) + x
    for mode in (a, b, a, b):
        assert same(solved(g, x, mode), iterated(g, x, mode))


def test_others_that_are_as_much_the_same(traces):
    """What is made anew at each call and is used twice is known again."""
    x = arange()
    for k in range(4):
        W, mode, helper = 0.1 * torch.ones(n, n, dtype=torch.float64), Mode(), lambda z: torch.tanh(z)
        held = types.SimpleNamespace(a=mode, b=mode, W=W, tied=W)
        f = lambda x, z: helper(held.W @ z) * (0.5 if held.a is held.b else 2.0) + 0.1 * helper(held.tied @ z) + x
        assert same(solved(f, x), iterated(f, x))
        if k == 0:
            count = len(traces)
    assert len(traces) == count


def test_other_arguments(traces):
    """Numbers, texts, structures, shapes, dtypes in the arguments, options, and torch's default dtype."""
    def f(x, k, z):
        rate = k["rate"] if k["name"] == "one" else 2 * k["rate"]
        return torch.tanh(rate * z) + x + torch.full((), 0.1).double()

    x = arange()
    for case in ({"rate": 0.1, "name": "one"}, {"rate": 0.2, "name": "one"}, {"rate": 0.1, "name": "two"}, {"name": "two", "rate": 0.1},
                 {"rate": torch.tensor(0.1, dtype=torch.float64), "name": "one"}, {"rate": -0.0, "name": "one"}, {"rate": 0.0, "name": "one"}):
        for _ in range(2):
            count = len(traces)
            assert same(solved(f, x, case), iterated(f, x, case))
        assert len(traces) == count
    count = len(traces)
    torch.set_default_dtype(torch.float64)
    try:
        exact = solved(f, x, case)
        assert len(traces) == count + 1 and not torch.equal(exact, solved(f, x, {**case, "rate": 0.2}))
    finally:
        torch.set_default_dtype(torch.float32)
    g = lambda x, z: 0.5 * torch.cos(z) + x
    loose = dini.torch.fixed_point(g, zeros(), x, tolerance=1e-2, solver="forward_iteration")
    tight = dini.torch.fixed_point(g, zeros(), x, tolerance=1e-12, solver="forward_iteration")
    assert not torch.allclose(loose, tight, atol=1e-6)
    count = len(traces)
    for solver in ("newton", dini.Newton(max_halvings=3), dini.Newton(max_halvings=3), "newton"):
        assert same(solved(g, x, solver=solver), tight)
    assert len(traces) == count + 2  # equal solvers are one
    assert dini.torch.fixed_point(g, zeros(), x, details=True).status == "converged"
    assert solved(g, x.float(), solver="newton").dtype == torch.float64 and same(solved(g, torch.cat([x[:2], x[:1]])), iterated(g, torch.cat([x[:2], x[:1]])))
    Y = torch.stack([x, -x])
    assert same(dini.torch.fixed_point(g, torch.zeros_like(Y), Y, tolerance=1e-12), iterated(g, Y, z=torch.zeros_like(Y)))


def test_other_tensors_of_the_same_function(traces):
    """Captured tensors are inputs: changed in place, swapped, fresh at each call, with and without gradients."""
    cell, x = Cell(), arange()
    solved(cell, x)
    count = len(traces)
    for change in (lambda: cell.linear.weight.data.mul_(0.5), lambda: cell.linear.bias.data.fill_(0.3),
                   lambda: setattr(cell.linear, "weight", torch.nn.Parameter(0.1 * torch.ones(n, n, dtype=torch.float64))),
                   lambda: cell.linear.weight.requires_grad_(False), lambda: cell.linear.weight.requires_grad_(True),
                   lambda: cell.linear.load_state_dict(torch.nn.Linear(n, n).double().state_dict())):
        change()
        got, want = solved(cell, x), iterated(cell, x)
        own = [p for p in cell.parameters() if p.requires_grad]
        assert same(got, want) and got.requires_grad
        assert all(map(same, torch.autograd.grad(got.sum(), own), torch.autograd.grad(want.sum(), own)))
    assert len(traces) == count
    cell.requires_grad_(False)
    assert not solved(cell, x).requires_grad and len(traces) == count

    def layer(W, x):
        shifted = 0.5 * x
        return solved(lambda z: torch.tanh(W @ z) + shifted)

    r = np.random.default_rng(0)
    for k in range(4):
        W, x = torch.from_numpy(0.2 * r.standard_normal((n, n))).requires_grad_(k % 2 == 0), torch.from_numpy(r.standard_normal(n)).requires_grad_()
        got, want = layer(W, x), iterated(lambda z: torch.tanh(W @ z) + 0.5 * x)
        inputs = [W, x] if k % 2 == 0 else [x]
        assert same(got, want) and all(map(same, torch.autograd.grad(got.sum(), inputs), torch.autograd.grad(want.sum(), inputs)))
        if k == 0:
            count = len(traces)
    assert len(traces) == count
    # The same tensor as a start and as an argument, then two.
    f = lambda x, z: 0.5 * torch.cos(z) + x
    both = lambda a, b: dini.torch.fixed_point(f, a, b, tolerance=1e-12)
    one, other = arange(), -arange()
    assert same(both(one, one), iterated(f, one)) and same(both(one, other), iterated(f, other)) and same(both(other, one), iterated(f, one))


def test_transformations_of_torch(traces):
    W = 0.2 * torch.eye(n, dtype=torch.float64) + 0.1
    f = lambda x: solved(lambda x, z: torch.tanh(W @ z) + x, x)
    g = lambda x: iterated(lambda x, z: torch.tanh(W @ z) + x, x)
    x = arange()
    f(x)
    X = torch.stack([x, -x])
    for form in (torch.func.jacrev, torch.func.jacfwd, lambda f: torch.func.vmap(torch.func.jacrev(f)), lambda f: torch.func.hessian(lambda x: f(x).sum())):
        for _ in range(2):
            assert same(form(f)(X if "vmap" in form.__code__.co_names else x), form(g)(X if "vmap" in form.__code__.co_names else x))
    of_W = lambda W: solved(lambda x, z: torch.tanh(W @ z) + x, x).sum()
    want = torch.func.grad(lambda W: iterated(lambda x, z: torch.tanh(W @ z) + x, x).sum())(W)
    for _ in range(2):
        assert same(torch.func.grad(of_W)(W), want)
    # By torch.func's way of giving a module other parameters.
    cell = Cell()
    other = {k: 0.5 * v.detach() for k, v in cell.named_parameters()}
    deq = dini.torch.FixedPoint(cell, tolerance=1e-12)
    for params in (dict(deq.named_parameters()), {"module." + k: v for k, v in other.items()}):
        got = torch.func.functional_call(deq, params, (x,))
        assert same(got, torch.func.functional_call(cell, {k[7:]: v for k, v in params.items()}, (x, got)))
    # What torch calls with tensors of a mode's.
    with torch.device("cpu"):
        assert same(f(x), g(x))


def test_constraints(traces):
    c, r = arange(), 1.0
    nearest = lambda: dini.torch.minimize(lambda z: ((z - c) ** 2).sum(), zeros(), at_most=lambda z: (z**2).sum() - r**2)
    assert torch.allclose(nearest(), c / c.norm(), atol=1e-6)
    count = len(traces)
    assert torch.allclose(nearest(), c / c.norm(), atol=1e-6) and len(traces) == count
    r = 2.0
    assert torch.allclose(nearest(), 2 * c / c.norm(), atol=1e-6)
    c = -c
    count = len(traces)
    assert torch.allclose(nearest(), 2 * c / c.norm(), atol=1e-6) and len(traces) == count


# ---- What is kept ---------------------------------------------------------------------------------------------------------


def test_numbers_that_change_always_are_not_kept(traces):
    """After a while nothing is noticed of what is never the same: no time is lost with it, and nothing grows."""
    for k in range(100):
        rate = 1 / (k + 2)
        assert same(solved(lambda z: rate * torch.cos(z)), iterated(lambda z: rate * torch.cos(z)))
    assert len(traces) == 100
    (function,) = _known._functions.values()
    assert len(function.known) <= _known._MOST_OF_ONE and function.in_vain == _known._MOST_IN_VAIN


def test_nothing_is_held(traces):
    """Neither functions nor tensors nor modules, whose ids another one may have."""
    def once():
        W, cell, config = torch.eye(n, dtype=torch.float64), Cell(), Config(0.5)
        f = lambda x, z: torch.tanh(config.rate * (W @ z)) + 0.1 * cell(x, z)
        for _ in range(2):
            solved(f, arange())
        return [weakref.ref(a) for a in (W, cell, config, f, cell.linear.weight)]

    for k in range(3):
        refs = once()
        gc.collect()
        assert [r() for r in refs] == [None] * 5
    assert _known._functions
    dini.clear_caches()
    assert not _known._functions
    for k in range(_known._MOST_FUNCTIONS + 10):
        solved(eval(f"lambda z: 0.5 * torch.cos(z) + {k}"))
    assert len(_known._functions) == _known._MOST_FUNCTIONS


def test_errors_come_again():
    f = lambda z: z * z + 1
    for _ in range(2):
        with pytest.raises(dini.SolveError) as e:
            dini.torch.root(f, torch.tensor(1.0))
        assert e.value.code != "converged"
    assert math.isnan(dini.torch.root(f, torch.tensor(1.0), on_failure="nan"))
    g = lambda x, z: 0.5 * z + x
    solved(g, arange())
    with pytest.raises(dini.DtypeError, match="on meta"):
        solved(g, torch.ones(n, device="meta", dtype=torch.float64))
