"""dini.torch.FixedPoint: deep equilibrium layers as modules of torch's."""
import copy
import io
import pickle

import pytest

import dini

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make python-torch")
import dini.torch  # noqa: E402

pytestmark = pytest.mark.usefixtures("no_surprises")
torch.set_num_threads(1)  # what is small is slower on several


class Cell(torch.nn.Module):
    """z = tanh(W z + U x + b), a contraction for every W as long as the rate is not above 1."""

    def __init__(self, inputs, hidden, rate=0.95):
        super().__init__()
        self.inject = torch.nn.Linear(inputs, hidden)
        self.turn = torch.nn.Parameter(torch.randn(hidden, hidden) / hidden**0.5)
        self.register_buffer("rate", torch.tensor(rate))

    def forward(self, x, z):
        W = self.turn * (self.rate / (1 + self.turn.norm()))
        return torch.tanh(z @ W.T + self.inject(x))


def unrolled(module, x, z, steps=150):
    for _ in range(steps):
        z = module(x, z)
    return z


def close(a, b, tight):
    return all(torch.allclose(p, q, rtol=tight, atol=tight) for p, q in zip(a, b))


@pytest.mark.parametrize("solver", [None, "newton", "anderson"])
@pytest.mark.parametrize("translate", [True, False])
def test_gradients_are_those_of_the_unrolled_module(solver, translate):
    torch.manual_seed(0)
    cell = Cell(3, 4).double()
    deq = dini.torch.FixedPoint(cell, solver=solver, translate=translate)
    x = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    z0 = torch.zeros(2, 4, dtype=torch.float64)
    v = torch.randn(2, 4, dtype=torch.float64)
    z, want = deq(x, z0=z0), unrolled(cell, x, z0)
    inputs = [x, *cell.parameters()]
    assert close([z], [want], 1e-9)
    assert close(torch.autograd.grad((z * v).sum(), inputs), torch.autograd.grad((want * v).sum(), inputs), 1e-8)


def test_state():
    cell = Cell(3, 3)
    deq = dini.torch.FixedPoint(cell, tolerance=1e-5, solver="anderson")
    assert list(deq.state_dict()) == list(cell.state_dict()) == ["turn", "rate", "inject.weight", "inject.bias"]
    assert [p is q for p, q in zip(deq.parameters(), cell.parameters())] == [True] * 3
    other = dini.torch.FixedPoint(Cell(3, 3))
    other.load_state_dict(cell.state_dict())
    assert close(other.parameters(), cell.parameters(), 0)
    with pytest.raises(RuntimeError, match="missing"):
        other.load_state_dict({"missing": torch.zeros(1)})
    # Within another module, and a model that was saved without the layer around the cell.
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), deq)
    assert list(net.state_dict())[2:] == ["1.turn", "1.rate", "1.inject.weight", "1.inject.bias"]
    torch.nn.Sequential(torch.nn.Linear(2, 3), Cell(3, 3)).load_state_dict(net.state_dict())
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    net.load_state_dict(torch.load(file))
    x = torch.randn(2, 3)
    for copied in (copy.deepcopy(deq), pickle.loads(pickle.dumps(deq))):
        assert close([copied(x)], [deq(x)], 1e-6) and "anderson" in repr(copied)
    assert deq.double()(x.double()).dtype == torch.float64
    assert deq.train().module.training and not deq.eval().module.training


def test_several_inputs_trees_and_normalisation():
    torch.manual_seed(0)

    class Two(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
            self.norm = torch.nn.LayerNorm(3)

        def forward(self, x, y, z):
            return {"u": 0.3 * torch.tanh(self.a(z["v"])) + x, "v": 0.3 * self.norm(self.b(z["u"]) + y)}

    deq = dini.torch.FixedPoint(Two().double())
    x, y = torch.randn(2, 3, dtype=torch.float64), torch.randn(2, 3, dtype=torch.float64)
    z0 = {"u": torch.zeros_like(x), "v": torch.zeros_like(x)}
    z = deq(x, y, z0=z0)
    want = z0
    for _ in range(100):
        want = deq.module(x, y, want)
    assert close([z["u"], z["v"]], [want["u"], want["v"]], 1e-9)
    got = torch.autograd.grad(sum(t.sum() for t in z.values()), list(deq.parameters()))
    assert close(got, torch.autograd.grad(sum(t.sum() for t in want.values()), list(deq.parameters())), 1e-7)


def test_convolutions():
    torch.manual_seed(0)

    class Picture(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = torch.nn.Conv2d(2, 2, 3, padding=1), torch.nn.GroupNorm(1, 2)

        def forward(self, x, z):
            return 0.3 * torch.relu(self.norm(self.conv(z) + x)) + x

    deq = dini.torch.FixedPoint(Picture().double(), solver="anderson", translate=True)
    x = torch.randn(2, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    z, want = deq(x), unrolled(deq.module, x, torch.zeros_like(x))
    inputs = [x, *deq.parameters()]
    assert close([z], [want], 1e-8)
    assert close(torch.autograd.grad(z.pow(2).sum(), inputs), torch.autograd.grad(want.pow(2).sum(), inputs), 1e-6)


def test_a_module_that_counts_what_it_sees():
    deq = dini.torch.FixedPoint(torch.nn.Sequential(torch.nn.BatchNorm1d(3)))
    with pytest.raises(TypeError):
        deq(torch.ones(2, 3))

    class Normed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = torch.nn.BatchNorm1d(3)

        def forward(self, x, z):
            return 0.3 * self.norm(z) + x

    deq = dini.torch.FixedPoint(Normed())
    with pytest.raises(dini.TraceError, match=r"\.eval\(\)"):
        deq(torch.ones(2, 3))
    assert deq.module.norm.num_batches_tracked == 0
    assert deq.eval()(torch.ones(2, 3)).shape == (2, 3)


def test_a_module_that_makes_new_tensors():
    x = torch.ones(2, 3)
    f = lambda x, z: torch.tanh(0.5 * norm(z) + x)
    norm = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(3, 3))
    with pytest.raises(dini.TraceError, match=r"spectral norm.*\.eval\(\)"):
        dini.torch.fixed_point(f, torch.zeros_like(x), x)
    norm = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(3, 3)).eval()
    assert close([dini.torch.fixed_point(f, torch.zeros_like(x), x)], [unrolled(f, x, torch.zeros_like(x))], 1e-4)


@pytest.mark.parametrize("options, says", [({"solvr": "newton"}, "no option solvr"), ({"solver": "newtons"}, "newtons"),
                                           ({"on_failure": "explode"}, "explode"), ({"tolerance": "tight"}, "tolerance")])
def test_options_are_looked_at_when_it_is_made(options, says):
    with pytest.raises((TypeError, ValueError), match=says):
        dini.torch.FixedPoint(Cell(3, 3), **options)


def test_options_of_all_kinds():
    cell, x = Cell(3, 3), torch.ones(2, 3)
    for options in (dict(solver=dini.Anderson(history=3)), dict(adjoint=dini.GMRES(restart=5)), dict(on_step=lambda step, norm: True), dict(deadline=60.0), dict(max_steps=500, tolerance=1e-5, history=3)):
        assert close([dini.torch.FixedPoint(cell, **options)(x)], [unrolled(cell, x, torch.zeros_like(x))], 1e-3)


def test_without_inputs():
    deq = dini.torch.FixedPoint(torch.nn.Linear(1, 1))
    with pytest.raises(TypeError, match="no x to begin from"):
        deq()
    assert close([deq(z0=torch.ones(1))], [deq.module.bias / (1 - deq.module.weight[0])], 1e-3)


def test_functional_call_and_vmap():
    torch.manual_seed(0)
    deq = dini.torch.FixedPoint(Cell(3, 3).double())
    params = dict(deq.named_parameters())
    X = torch.randn(4, 3, dtype=torch.float64)
    loss = lambda p, x: torch.func.functional_call(deq, p, (x,)).pow(2).sum()
    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))({k: v.detach() for k, v in params.items()}, X)
    for k, p in params.items():
        want = torch.stack([torch.autograd.grad(unrolled(deq.module, x, torch.zeros_like(x)).pow(2).sum(), p)[0] for x in X])
        assert close([each[k]], [want], 1e-7)


def test_digits():
    """A classifier of handwritten digits with a deep equilibrium layer; its gradients are those of the unrolled layer."""
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed: make python-torch")
    data, labels = (torch.as_tensor(a) for a in datasets.load_digits(return_X_y=True))
    torch.manual_seed(0)
    order = torch.randperm(len(data))
    data, labels = data[order].float() / 16, labels[order]
    deq, head = dini.torch.FixedPoint(Cell(64, 32), solver="anderson", tolerance=1e-5), torch.nn.Linear(32, 10)
    parameters = [*deq.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-2)
    classes = lambda x: head(deq(x, z0=torch.zeros(len(x), 32)))
    loss = torch.nn.functional.cross_entropy
    for _ in range(10):
        for x, y in zip(data[:1400].split(200), labels[:1400].split(200)):
            optimizer.zero_grad()
            loss(classes(x), y).backward()
            optimizer.step()
    with torch.no_grad():
        accuracy = (classes(data[1400:]).argmax(1) == labels[1400:]).float().mean().item()
    assert accuracy >= 0.95
    x, y = data[:200], labels[:200]
    exact = dini.torch.FixedPoint(deq.module.double())
    x, z0 = x.double(), torch.zeros(200, 32, dtype=torch.float64)
    got = torch.autograd.grad(loss(head.double()(exact(x, z0=z0)), y), parameters)
    want = torch.autograd.grad(loss(head(unrolled(exact.module, x, z0)), y), parameters)
    for a, b in zip(got, want):
        assert (a - b).norm() <= 1e-4 * b.norm()
