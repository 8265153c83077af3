"""dini.torch in graphs that torch makes: torch.compile, make_fx, torch.func.linearize, torch.export, fake tensors."""
import gc

import pytest

import dini

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make python-torch")
import dini.torch  # noqa: E402
from torch.autograd import forward_ad  # noqa: E402
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vjp, vmap  # noqa: E402
from torch.fx.experimental.proxy_tensor import make_fx  # noqa: E402

torch.set_num_threads(1)  # what is small is slower on several


@pytest.fixture(autouse=True)
def anew(no_surprises):
    torch._dynamo.reset()


f = lambda a, z: torch.cos(a * z)
x = torch.tensor(0.8, dtype=torch.float64)


def half(a):
    return torch.full_like(a, 0.5)  # (torch takes no other tensors where it has fake ones)


def unrolled(a):
    z = half(a)
    for _ in range(200):
        z = f(a, z)
    return z


def make(kind):
    """z = cos(a z), by a new layer."""
    if kind == "wrap":
        return dini.torch.wrap(lambda a: dini.fixed_point(lambda a, z: dini.cos(a * z), 0.5, a).value)
    if kind == "closure":
        return lambda a: dini.torch.fixed_point(lambda z: torch.cos(a * z), half(a))
    return lambda a: dini.torch.fixed_point(f, half(a), a, translate=kind == "translated")


KINDS = pytest.mark.parametrize("kind", ["wrap", "translated", "called", "closure"])


def close(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and torch.allclose(a, b, rtol=1e-8, atol=1e-8)


def by_dual(layer):
    def pushed(a):
        with forward_ad.dual_level():
            return forward_ad.unpack_dual(layer(forward_ad.make_dual(a, torch.ones_like(a)))).tangent

    return pushed


def by_backward(layer):
    def gradient(a):
        b = a.detach().clone().requires_grad_()
        layer(b).backward()
        return b.grad

    return gradient


FORMS = {
    "value": lambda layer: layer,
    "jvp": lambda layer: lambda a: jvp(layer, (a,), (torch.ones_like(a),))[1],
    "jacfwd": jacfwd, "grad": grad, "jacrev": jacrev, "hessian": hessian,
    "vjp": lambda layer: lambda a: vjp(layer, a)[1](torch.ones_like(a))[0],
    "vmap": lambda layer: lambda a: vmap(layer)(torch.stack([a, a / 2])),
    "forward mode": by_dual, "backward": by_backward,
}


@KINDS
def test_linearize(kind):
    value, push = torch.func.linearize(make(kind), x)
    slope = grad(unrolled)(x)
    assert close(value, unrolled(x)) and all(close(push(v * x), v * x * slope) for v in (1.0, -2.0))


@pytest.mark.parametrize("kind, mode", [("wrap", "real"), ("wrap", "symbolic"), ("translated", "real"), ("called", "real"), ("called", "fake"),
                                        ("closure", "symbolic")])
def test_make_fx(kind, mode):
    """The graph computes for other tensors, and also when what it was made of is gone."""
    graphs = [(make_fx(form(make(kind)), tracing_mode=mode)(x), form) for form in (FORMS["value"], grad, FORMS["jvp"], FORMS["vmap"])]
    dini.clear_caches()
    gc.collect()
    for graph, form in graphs:
        assert all(close(graph(a), form(unrolled)(a)) for a in (x, x / 2))


@pytest.mark.parametrize("kind", ["wrap", "closure"])
def test_derivatives_of_a_graph(kind):
    graph = make_fx(make(kind))(x)
    for form in FORMS:
        if form in ("jvp", "jacfwd"):
            with pytest.raises(dini.TraceError, match="no jvp by torch.func.*forward_ad"):
                FORMS[form](graph)(x)
        else:
            assert close(FORMS[form](graph)(x), FORMS[form](unrolled)(x)), form


def test_make_fx_of_numbers_and_arrays():
    layer = dini.torch.wrap(lambda a, b, c: a * b + dini.sum(c))
    a = torch.tensor([1.0, 2.0])
    graph = make_fx(lambda a: layer(a, 3.0, dini.array([4.0], "float32")))(a)
    assert close(graph(2 * a), 6 * a + 4)
    with_whole = make_fx(lambda a: layer(a, 3, True))(a)
    assert close(with_whole(a), 3 * a + 1)
    constant = make_fx(lambda a: a + layer(1.0, 2.0, 3.0))(a)
    assert close(constant(a), a + 5)


@KINDS
def test_fake_tensors(kind):
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        y = make(kind)(mode.from_tensor(x))
    assert isinstance(y, FakeTensor) and y.shape == () and y.dtype == torch.float64


@KINDS
def test_export(kind):
    layer = make(kind)

    class Model(torch.nn.Module):
        def forward(self, a):
            return layer(a) * 2

    exported = torch.export.export(Model(), (x,)).module()
    assert all(close(exported(a), 2 * unrolled(a)) for a in (x, x / 2))


def test_a_module_of_parameters_is_exported():
    class Cell(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rate = torch.nn.Parameter(0.3 * torch.ones(3))

        def forward(self, x, z):
            return torch.tanh(self.rate * z) + x

    deq = dini.torch.FixedPoint(Cell())
    with torch.no_grad():
        exported = torch.export.export(deq, (torch.ones(3),)).module()
        assert close(exported(torch.arange(3.0)), deq(torch.arange(3.0)))


@pytest.mark.parametrize("kind, form", [*(("wrap", form) for form in FORMS), *(("closure", form) for form in ("jvp", "grad", "hessian", "backward")),
                                        ("called", "jvp"), ("called", "backward")])
def test_compiled_with_derivatives_inside(kind, form):
    compiled = torch.compile(FORMS[form](make(kind)), backend="aot_eager")
    assert all(close(compiled(a), FORMS[form](unrolled)(a)) for a in (x, x / 2))


def test_derivatives_of_what_is_compiled():
    """Of a graph that was made for a plain call, too."""
    layer = make("wrap")
    compiled = torch.compile(lambda a: layer(a) * 1, backend="aot_eager")
    assert close(compiled(x), unrolled(x))
    for form in FORMS:
        assert close(FORMS[form](compiled)(x), FORMS[form](unrolled)(x)), form


def steps(layer, compiled):
    """A training step with the backward pass inside."""
    torch.manual_seed(0)
    before, rate = torch.nn.Linear(3, 3).double(), torch.nn.Parameter(torch.full((3,), 0.8, dtype=torch.float64))
    optimizer = torch.optim.SGD([*before.parameters(), rate], lr=0.1)

    def step():
        optimizer.zero_grad()
        loss = layer(before(torch.ones(2, 3, dtype=torch.float64)), rate).pow(2).sum()
        loss.backward()
        optimizer.step()
        return loss.detach()

    step = torch.compile(step, backend="aot_eager") if compiled else step
    return torch.stack([step() for _ in range(3)])


@pytest.mark.parametrize("kind", ["wrap", "called", "module"])
def test_compiled_with_the_backward_pass_inside(kind):
    class Cell(torch.nn.Module):
        def forward(self, y, rate, z):
            return 0.3 * torch.tanh(rate * z) + y

    layer = {
        "wrap": dini.torch.wrap(lambda y, rate: dini.fixed_point(lambda y, rate, z: 0.3 * dini.tanh(rate * z) + y, dini.zeros_like(y), y, rate).value),
        "module": dini.torch.FixedPoint(Cell()),
    }.get(kind, lambda y, rate: dini.torch.fixed_point(Cell(), torch.zeros_like(y), y, rate, translate=kind == "translated"))
    by_hand = lambda y, rate: [z := torch.zeros_like(y), *(z := Cell()(y, rate, z) for _ in range(60))][-1]
    want = steps(by_hand, False)
    assert close(steps(layer, False), want) and close(steps(layer, True), want)


def test_a_layer_that_holds_memory_of_torch_is_compiled():
    w = torch.ones(3)
    layer = dini.torch.wrap(lambda a: 2 * a + dini.asarray(w.numpy()))
    compiled = torch.compile(lambda a: layer(a) * 1, fullgraph=True, backend="aot_eager")
    assert close(compiled(torch.arange(3.0)), torch.tensor([1.0, 3.0, 5.0]))


def test_a_compiled_layer_after_its_cache_was_cleared():
    layer = make("wrap")
    compiled = torch.compile(lambda a: layer(a) * 1, fullgraph=True, backend="aot_eager")
    compiled(x)
    layer.clear_cache()
    gc.collect()
    assert close(compiled(x / 2), unrolled(x / 2))


def test_the_compiler_is_not_loaded_before_it_is_used():
    """Loading it takes seconds."""
    import subprocess
    import sys

    code = """
import sys, torch
before = set(sys.modules)
import dini.torch
a = torch.tensor(4.0, requires_grad=True)
dini.torch.wrap(lambda a: a * a)(a).backward()
dini.torch.root(lambda a, z: z * z - a, 1.0, a).backward()
print("torch._dynamo" in before or "torch._dynamo" not in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "True", run.stderr
