"""dini.torch.fixed_point and its like: equations that are written in torch, translated or called."""
import numpy as np
import pytest

import dini

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make python-torch")
import dini.torch  # noqa: E402
from torch.autograd import gradcheck, gradgradcheck  # noqa: E402
from torch.func import grad, hessian, jacfwd, jacrev, vmap  # noqa: E402

pytestmark = pytest.mark.usefixtures("no_surprises")
torch.set_num_threads(1)  # what is small is slower on several

n = 4
MODES = pytest.mark.parametrize("translate", [True, False])


@pytest.fixture
def Wx():
    r = np.random.default_rng(1)
    W = torch.from_numpy(0.7 * r.standard_normal((n, n)) / np.sqrt(n)).requires_grad_()
    return W, torch.from_numpy(r.standard_normal(n)).requires_grad_()


def f(W, x, z):
    return torch.tanh(W @ z + x)


z0 = torch.zeros(n, dtype=torch.float64)


def unrolled(W, x):
    z = z0
    for _ in range(200):
        z = f(W, x, z)
    return z


def close(a, b, tight=1e-9):
    return a.shape == b.shape and a.dtype == b.dtype and torch.allclose(a, b, rtol=tight, atol=tight)


def grads(y, *x):
    return torch.autograd.grad((y * torch.arange(1.0, n + 1, dtype=y.dtype)).sum(), x)


@MODES
@pytest.mark.parametrize("solver", [None, "newton", "anderson"])
def test_all_orders_and_modes(Wx, translate, solver):
    g = lambda W, x: dini.torch.fixed_point(f, z0, W, x, translate=translate, solver=solver)
    assert close(g(*Wx), unrolled(*Wx))
    assert all(map(close, grads(g(*Wx), *Wx), grads(unrolled(*Wx), *Wx)))
    if solver is not None:
        return
    of_two = lambda x: dini.torch.fixed_point(lambda x, z: torch.tanh(0.5 * z.flip(0) + x), z0[:2], x, translate=translate)
    assert gradcheck(of_two, Wx[1][:2], check_forward_ad=True) and gradgradcheck(of_two, Wx[1][:2])
    W, x = (t.detach() for t in Wx)
    of_x, wanted = lambda x: g(W, x), lambda x: unrolled(W, x)
    assert close(jacfwd(of_x)(x), jacrev(wanted)(x)) and close(jacrev(of_x)(x), jacrev(wanted)(x))
    assert close(hessian(lambda x: of_x(x).pow(2).sum())(x), hessian(lambda x: wanted(x).pow(2).sum())(x))
    X = torch.stack([x, -x, 2 * x])
    assert close(vmap(of_x)(X), torch.stack([wanted(row) for row in X]))
    assert close(vmap(grad(lambda x: of_x(x).sum()))(X), torch.stack([grad(lambda x: wanted(x).sum())(row) for row in X]))


@MODES
def test_other_kinds(translate):
    a = torch.tensor([2.0, 3.0], dtype=torch.float64, requires_grad=True)
    start = torch.ones(2, dtype=torch.float64)
    r = dini.torch.root(lambda a, z: z**2 - a, start, a, translate=translate)
    assert close(r, a.sqrt()) and close(torch.autograd.grad(r.sum(), a)[0], 0.5 / a.sqrt())
    m = dini.torch.minimize(lambda a, z: ((z - a) ** 2).sum() + 1.0, start, a, translate=translate)
    assert close(m, a, 1e-7) and close(torch.autograd.grad(m[0], a)[0], torch.tensor([1.0, 0.0], dtype=torch.float64), 1e-7)
    t = torch.linspace(0, 1, 5, dtype=torch.float64)
    y = 2 * torch.exp(-3 * t)
    fit = dini.torch.least_squares(lambda y, z: z["a"] * torch.exp(-z["k"] * t) - y, {"a": torch.ones(()).double(), "k": torch.ones(()).double()},
                                   y, translate=translate)
    assert set(fit) == {"a", "k"} and fit["k"].item() == pytest.approx(3, abs=1e-6)


@MODES
def test_constraints_and_bounds(translate):
    r = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    c = torch.tensor([2.0, 1.0], dtype=torch.float64, requires_grad=True)
    nearest = lambda r: dini.torch.minimize(lambda r, z: ((z - c) ** 2).sum(), torch.zeros(2, dtype=torch.float64), r, translate=translate,
                                            at_most=lambda r, z: (z**2).sum() - r**2)
    z = nearest(r)
    assert close(z, (c / c.norm()).detach(), 1e-6) and close(torch.autograd.grad(z.sum(), r)[0], (c / c.norm()).sum().detach(), 1e-6)
    high = torch.tensor([1.5, 9.0], dtype=torch.float64, requires_grad=True)
    s = dini.torch.minimize(lambda z: ((z - c) ** 2).sum(), torch.zeros(2, dtype=torch.float64), translate=translate, details=True,
                            bounds=(None, high))
    assert close(s.value.detach(), torch.tensor([1.5, 1.0], dtype=torch.float64), 1e-6) and s.duals.upper[0].item() == pytest.approx(1, abs=1e-5)
    assert close(torch.autograd.grad(s.value.sum(), high)[0], torch.tensor([1.0, 0.0], dtype=torch.float64), 1e-6)


@MODES
def test_closures(Wx, translate):
    """Tensors that f closes over have gradients: parameters, what was computed of them, modules, also under torch.func."""
    W, x = Wx
    options = dict(translate=translate)
    wanted = grads(unrolled(W, x), W, x)
    assert all(map(close, grads(dini.torch.fixed_point(lambda z: torch.tanh(W @ z + x), z0, **options), W, x), wanted))
    half = W * 0.5
    assert all(map(close, grads(dini.torch.fixed_point(lambda x, z: torch.tanh(2 * half @ z + x), z0, x, **options), W, x), wanted))
    pair = [W.detach(), {"b": x}]
    assert close(grads(dini.torch.fixed_point(lambda z: torch.tanh(sum([pair[0] @ z, pair[1]["b"]])), z0, **options), x)[0], wanted[1])
    joined = lambda z: torch.tanh(torch.cat([W, x[:, None]], 1) @ torch.cat([z, torch.ones(1, dtype=z.dtype)]))
    assert all(map(close, grads(dini.torch.fixed_point(joined, z0, **options), W, x), wanted))
    # Twice with other tensors of the same function's; and with fewer.
    def layer(W, x, also):
        return dini.torch.fixed_point(lambda z: torch.tanh(W @ z + x) if also else torch.tanh(W @ z), z0, **options)

    V = (W * 0.3).detach().requires_grad_()
    assert close(grads(layer(W, x, True), W)[0], wanted[0]) and close(grads(layer(V, x, True), V)[0], grads(unrolled(V, x), V)[0])
    assert torch.autograd.grad(layer(V, x, False).sum() + 0 * V.sum(), [V, x], allow_unused=True)[1] is None
    of_W = lambda W: dini.torch.fixed_point(lambda x, z: torch.tanh(W @ z + x), z0, x.detach(), **options).sum()
    assert close(grad(of_W)(W.detach()), grad(lambda W: unrolled(W, x.detach()).sum())(W.detach()))
    assert close(hessian(of_W)(W.detach()), hessian(lambda W: unrolled(W, x.detach()).sum())(W.detach()))
    assert close(vmap(of_W)(torch.stack([W, V]).detach()), torch.stack([unrolled(w, x).sum() for w in (W, V)]).detach())


@MODES
def test_what_torch_holds_constant(Wx, translate):
    W, x = Wx

    def with_constants(W, x, z):
        with torch.no_grad():
            scale = 1 / (1 + W.norm())
        return torch.tanh(scale * (W @ z) + x.detach() + 0.1 * x)

    def by_torch():
        z = z0
        for _ in range(100):
            z = with_constants(W, x, z)
        return z

    got = dini.torch.fixed_point(with_constants, z0, W, x, translate=translate)
    assert all(map(close, grads(got, W, x), grads(by_torch(), W, x)))
    forward = jacfwd(lambda W: dini.torch.fixed_point(with_constants, z0, W, x.detach(), translate=translate))(W.detach())
    assert close(torch.tensordot(torch.arange(1.0, n + 1, dtype=torch.float64), forward, 1), grads(by_torch(), W)[0])


@MODES
def test_written_in_place(Wx, translate):
    W, x = Wx

    def in_place(W, x, z):
        z.add_(0)
        out = torch.empty_like(z)
        out[:2] = (W @ z)[:2]
        out[2:].copy_((W @ z)[2:])
        x += 0
        return out.add_(x).tanh_()

    start = z0.clone()
    before = x.detach().clone()
    y = dini.torch.fixed_point(in_place, start, W, x, translate=translate)
    assert all(map(close, grads(y, W, x), grads(unrolled(W, x), W, x)))
    assert close(start, z0) and close(x.detach(), before)


def branching(a, z):
    return torch.cos(z) * a if z.sum() < 10 and float(z.max()) < 10 else 0 * z


def test_a_function_that_reads_values():
    a = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    for translate in ("auto", False):
        z = dini.torch.fixed_point(branching, 0.5, a, translate=translate)
        assert z.item() == pytest.approx(0.7390851332151607)
        assert torch.autograd.grad(z, a)[0].item() == pytest.approx(0.44161079170532846)


def test_what_has_no_translation_is_called():
    calls = []

    def spectral(x, z):
        calls.append(1)
        return 0.5 * torch.fft.irfft(torch.fft.rfft(z), n=n) + x

    x = torch.arange(1.0, n + 1, dtype=torch.float64, requires_grad=True)
    with pytest.warns(UserWarning, match=r"spectral is called by torch.*fft.*translate=False"):
        z = dini.torch.fixed_point(spectral, z0, x)
    assert close(z, 2 * x) and close(torch.autograd.grad(z.sum(), x)[0], torch.full((n,), 2.0, dtype=torch.float64))
    dini.torch.fixed_point(spectral, z0, x)  # said once
    with pytest.raises(dini.torch.Untranslatable, match="fft"):
        dini.torch.fixed_point(spectral, z0, x, translate=True)
    calls.clear()
    dini.torch.fixed_point(spectral, z0, x, translate=False)
    assert len(calls) > 1
    noise = lambda z: 0.1 * z + torch.randn(n, dtype=torch.float64)
    with pytest.raises(dini.torch.Untranslatable, match="randn draws other numbers"):
        dini.torch.fixed_point(noise, z0, translate=True)
    for draw in (torch.nn.Dropout(0.5), torch.rand_like, torch.randn_like, lambda z: z.clone().normal_(), lambda z: torch.nn.functional.rrelu(z, training=True),
                 lambda z: torch.nn.functional.gumbel_softmax(z, hard=True), lambda z: torch.bernoulli(z.sigmoid()), lambda z: torch.rand(n)):
        with pytest.raises(dini.torch.Untranslatable, match="draws other numbers"):
            dini.torch.fixed_point(lambda z: draw(z) * 0.1, z0, translate=True)
    counted = torch.zeros(())

    def counts(z):
        counted.add_(1)
        return 0.5 * z

    for translate in (True, False):
        with pytest.raises(dini.TraceError, match="in place that it closes over"):
            dini.torch.fixed_point(counts, z0, translate=translate)


def test_no_silent_zero(Wx):
    """A tensor that requires grad and that nobody sees being used is an error."""
    W, x = Wx

    class Times(torch.autograd.Function):
        """W z, with a derivative of its own."""
        @staticmethod
        def forward(W, z):
            return W @ z

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, ct):
            W, z = ctx.saved_tensors
            return torch.outer(ct, z), W.T @ ct

        @staticmethod
        def jvp(ctx, dW, dz):
            W, z = ctx.saved_tensors
            return dW @ z + W @ dz

    with pytest.raises(dini.TraceError, match="as an argument"):
        dini.torch.translate(lambda z: W @ z)(np.zeros(n))
    with pytest.raises(dini.torch.Untranslatable, match="autograd.Function"):
        dini.torch.fixed_point(lambda x, z: torch.tanh(Times.apply(W, z) + x), z0, x, translate=True)
    with pytest.raises(dini.TraceError, match="as an argument"):  # (torch shows nobody what such a function is given)
        dini.torch.fixed_point(lambda x, z: torch.tanh(Times.apply(W, z) + x), z0, x, translate=False)
    y = dini.torch.fixed_point(lambda W, x, z: torch.tanh(Times.apply(W, z) + x), z0, W, x, translate=False)
    assert all(map(close, grads(y, W, x), grads(unrolled(W, x), W, x)))

    class Hidden(torch.autograd.Function):
        """One that torch.func cannot take."""
        @staticmethod
        def forward(ctx, z):
            return W @ z

        @staticmethod
        def backward(ctx, ct):
            return W.T @ ct

    with pytest.raises((dini.TraceError, RuntimeError), match="as an argument|setup_context"):
        grads(dini.torch.fixed_point(lambda x, z: torch.tanh(Hidden.apply(z) + x), z0, x, translate=False), x)


def test_own_errors_and_options(Wx):
    class Mine(Exception):
        pass

    def bad(x, z):
        raise Mine("here")

    for translate in ("auto", True, False):
        with pytest.raises(Mine, match="here"):
            dini.torch.fixed_point(bad, z0, Wx[1], translate=translate)
    with pytest.raises(dini.SolveError):
        dini.torch.root(lambda z: z * z + 1, 1.0)
    assert torch.isnan(dini.torch.root(lambda z: z * z + 1, torch.tensor(1.0), on_failure="nan"))
    with pytest.raises(dini.OptionError, match="translate"):
        dini.torch.fixed_point(f, z0, *Wx, translate="maybe")
    with pytest.raises(TypeError, match="tolerence"):
        dini.torch.fixed_point(f, z0, *Wx, tolerence=1)
    with pytest.raises(dini.DtypeError, match="function or a formula"):
        dini.torch.fixed_point(3, z0)
    with pytest.raises(dini.ShapeError):
        dini.torch.fixed_point(lambda z: z[:2], z0)


@pytest.mark.parametrize("tanh", [np.tanh, dini.tanh])
def test_functions_of_others(tanh):
    """NumPy's and dini's have no numbers to compute with where dini or torch follows f."""
    for translate in (True, False):
        with pytest.raises(dini.torch.Untranslatable, match="NumPy or dini is asked to compute"):
            dini.torch.root(lambda z: torch.as_tensor(tanh(z)) - 0.5, torch.tensor(1.0), translate=translate)


def test_starts_of_numpy():
    z = dini.torch.root(lambda a, z: z**2 - a, np.ones(2), torch.tensor([4.0, 9.0], dtype=torch.float64))
    assert close(z, torch.tensor([2.0, 3.0], dtype=torch.float64))
    assert dini.torch.root(lambda z: z - 1, np.ones(2, np.float32)).dtype == torch.float32
    whole = dini.torch.root(lambda a, z: z**2 - a, np.ones(2, int), torch.tensor([4.0, 9.0], dtype=torch.float64))
    assert close(whole, z)
    assert dini.torch.root(lambda z: z - 1, dini.ones(2)).dtype == torch.float64


def test_starts_trees_and_details(Wx):
    W, x = Wx
    z = dini.torch.fixed_point(lambda k, z: torch.cos(z) * k["scale"], 0.5, {"scale": 1, "name": "ignored"})
    assert z.dtype == torch.float32 and z.item() == pytest.approx(0.73908513, rel=1e-6)
    two = dini.torch.fixed_point(lambda x, z: (f(W, x, z[1]), z[0] * 0.5), (z0, z0), x)
    assert isinstance(two, tuple) and close(two[1], two[0] * 0.5)
    s = dini.torch.fixed_point(f, z0, W, x, details=True, history=10, solver="newton")
    assert isinstance(s, dini.Solution) and s.status == "converged" and s.solver == "newton" and isinstance(s.steps, torch.Tensor)
    assert "converged" in repr(s) and s.history.shape == (10,) and close(s.value, unrolled(W, x))
    lanes = vmap(lambda a: dini.torch.root(lambda a, z: z * z - a, 1.0, a, on_failure="nan"))(torch.tensor([4.0, -1.0]))
    assert lanes[0] == 2 and torch.isnan(lanes[1])


@MODES
def test_a_deadline(translate):
    a = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    solution = lambda a: dini.torch.root(lambda a, z: z * z - a, torch.ones_like(a), a, translate=translate, deadline=60.0)
    assert close(torch.autograd.grad(solution(a), a)[0], 0.5 / a.detach().sqrt())
    assert close(hessian(solution)(a.detach()), -0.25 * a.detach() ** -1.5) and close(vmap(solution)(torch.stack([a, a])), torch.stack([a, a]).sqrt())
    with pytest.raises(dini.SolveError) as e:
        dini.torch.fixed_point(lambda z: 0.9999999 * z + 1, z0[0], solver="forward_iteration", max_steps=10**9, deadline=0.05,
                               translate=translate)
    assert e.value.code == "cancelled"


def test_formulas(Wx):
    z = dini.torch.fixed_point("W, x, z: tanh(W @ z + x)", z0, *Wx)
    assert all(map(close, grads(z, *Wx), grads(unrolled(*Wx), *Wx)))
    again = dini.torch.fixed_point(dini.formula("tanh(W @ z + x)", "W, x, z"), z0, *Wx, tolerance=1e-12, solver="newton")
    assert close(again, z)
    r = dini.torch.root("a, b, z: z**2 - a * b", torch.tensor(1.0), torch.tensor(2.0), 3, bounds=(0.0, 9.0), details=True)
    assert r.status == "converged" and r.value.dtype == torch.float32 and r.value.item() == pytest.approx(6**0.5)
    ends = dini.Bracket(torch.tensor([0.0, 1.0]), 5.0 + torch.zeros(2))
    a = torch.tensor([4.0, 9.0], requires_grad=True)
    assert close(torch.autograd.grad(dini.torch.root(lambda a, z: z**2 - a, ends, a).sum(), a)[0], 0.5 / a.detach().sqrt(), 1e-5)
    with pytest.raises(dini.FormulaError, match="W, x, z: tanh"):
        dini.torch.fixed_point("tanh(W @ z + x)", z0, *Wx)


def test_functions_within_dini(Wx):
    W, x = (t.detach() for t in Wx)
    g = dini.torch.translate(lambda W, x, z: torch.tanh(W @ z + x))
    solution = lambda W, x: dini.sum(dini.fixed_point(g, dini.zeros(n), W, x).value)
    wanted = grad(lambda x: unrolled(W, x).sum())(x)
    assert np.allclose(dini.jit(dini.grad(solution, 1))(W.numpy(), x.numpy()), wanted)
    assert np.allclose(dini.vmap(dini.grad(solution, 1), in_axes=(None, 0))(W.numpy(), np.stack([x, -x]))[0], wanted)
    layer = dini.torch.wrap(lambda W, x: dini.fixed_point(g, dini.zeros(n), W, x).value)
    assert all(map(close, grads(layer(*Wx), *Wx), grads(unrolled(*Wx), *Wx)))
    called = dini.torch.translate(lambda x: torch.sin(x), call=True)
    assert np.allclose(dini.jit(dini.hessian(lambda x: dini.sum(called(x))))(x.numpy()), np.diag(-np.sin(x.numpy())))


@MODES
def test_whole_numbers_beside(translate):
    """Arguments and values that have no derivative, in forward mode, reverse mode and batches."""
    def two(x, k, z):
        return torch.tanh(0.5 * z + x) * k / 4, k

    of_x = lambda x, k=torch.tensor([1, 2]): dini.torch.translate(lambda x, k: two(x, k, x)[:2], call=not translate)(x, k)
    x = np.array([0.3, -0.8])
    wanted = lambda x: dini.tanh(1.5 * x) * np.array([1, 2]) / 4
    for form in (dini.jacfwd, dini.jacrev, dini.jit):
        assert np.allclose(form(lambda x: of_x(x)[0])(x), form(wanted)(x), atol=1e-6)
    assert np.array_equal(of_x(x)[1], [1, 2]) and str(of_x(x)[1].dtype) == "int64"
    assert np.allclose(dini.vmap(lambda x: of_x(x)[0])(np.stack([x, -x]))[1], wanted(-x), atol=1e-6)
    k = torch.tensor([1, 2])
    z = lambda x: dini.torch.fixed_point(lambda x, k, z: two(x, k, z)[0], torch.zeros(2, dtype=torch.float64), x, k, translate=translate)
    t = torch.tensor(x, requires_grad=True)
    assert gradcheck(z, (t,), check_forward_ad=True)


@MODES
def test_nothing_is_kept(translate):
    """What was solved lets go of its tensors."""
    import gc
    import weakref

    def once():
        W = torch.eye(n, dtype=torch.float64).mul_(0.5).requires_grad_()
        y = dini.torch.fixed_point(lambda z: W @ z + 1, z0, translate=translate)
        y.sum().backward()
        return weakref.ref(W)

    ref = once()
    gc.collect()
    assert ref() is None
    from dini.torch import _autograd

    assert _autograd._recent
    dini.clear_caches()
    assert not _autograd._recent


def test_within_what_torch_compiles(Wx):
    """A graph break around the solve; a layer that is wrapped needs none (test_torch.py)."""
    W, x = Wx
    step = torch.compile(lambda x: (dini.torch.fixed_point(lambda x, z: torch.tanh(W @ z + x), z0, x * 1) ** 2).sum(), backend="aot_eager")
    assert close(torch.autograd.grad(step(x), x)[0], torch.autograd.grad((unrolled(W, x) ** 2).sum(), x)[0])


def test_shorter_floats_and_inference(Wx):
    W, x = (t.detach().float() for t in Wx)
    with torch.autocast("cpu"):
        z = dini.torch.fixed_point(f, z0.float(), W, x)
    assert z.dtype == torch.float32 and close(z, unrolled(W.double(), x.double()).float(), 1e-5)
    with torch.inference_mode():
        assert close(dini.torch.fixed_point(f, z0, *(t.detach() * 1 for t in Wx)), unrolled(*Wx).detach())
    held = torch.zeros(n, device="meta")
    with pytest.raises(dini.DtypeError, match="on meta"):
        dini.torch.fixed_point(lambda z: 0.5 * z + held, z0)
