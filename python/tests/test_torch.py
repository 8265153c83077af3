"""dini.torch.wrap: functions of dini's as functions of torch's."""
import numpy as np
import pytest

import dini

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make python-torch")
import dini.torch  # noqa: E402
from torch.autograd import gradcheck, gradgradcheck  # noqa: E402
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap  # noqa: E402

torch.set_num_threads(1)  # what is small is slower on several

n = 5


@pytest.fixture
def Wx():
    r = np.random.default_rng(0)
    W = torch.from_numpy(0.7 * r.standard_normal((n, n)) / np.sqrt(n)).requires_grad_()
    return W, torch.from_numpy(r.standard_normal(n)).requires_grad_()


def unrolled(W, x):
    z = torch.zeros(n, dtype=W.dtype)
    for _ in range(300):
        z = torch.tanh(W @ z + x)
    return z


def make(**options):
    return dini.torch.wrap(lambda W, x: dini.fixed_point(lambda W, x, z: np.tanh(W @ z + x), dini.zeros(n), W, x, **options).value)


def close(a, b, tight=1e-10):
    return a.shape == b.shape and a.dtype == b.dtype and torch.allclose(a, b, rtol=tight, atol=tight)


def test_values_and_gradients(Wx):
    layer = make()
    y = layer(*Wx)
    assert close(y, unrolled(*Wx)) and y.requires_grad
    v = torch.arange(n, dtype=torch.float64)
    for a, b in zip(torch.autograd.grad(y @ v, Wx), torch.autograd.grad(unrolled(*Wx) @ v, Wx)):
        assert close(a, b)
    with torch.no_grad():
        assert not layer(*Wx).requires_grad
    assert not layer(*(t.detach() for t in Wx)).requires_grad
    y.sum().backward()
    assert Wx[0].grad is not None and Wx[0].grad.dtype == torch.float64


def test_every_order_and_mode(Wx):
    layer = make()
    assert gradcheck(layer, Wx, check_forward_ad=True)
    assert gradgradcheck(layer, Wx, check_fwd_over_rev=True, check_rev_over_rev=True)
    x = Wx[1].detach()
    third = lambda f: grad(lambda x: hessian(lambda x: f(Wx[0].detach(), x).sum())(x).pow(2).sum())(x)
    assert close(third(layer), third(unrolled), 1e-8)


def test_torch_func(Wx):
    layer = make()
    W, x = (t.detach() for t in Wx)
    g, h = lambda x: layer(W, x), lambda x: unrolled(W, x)
    assert close(jacrev(g)(x), jacrev(h)(x)) and close(jacfwd(g)(x), jacrev(h)(x))
    assert close(hessian(lambda x: g(x).pow(2).sum())(x), hessian(lambda x: h(x).pow(2).sum())(x))
    X = torch.stack([x, 2 * x, -x])
    assert close(vmap(g)(X), torch.stack([h(row) for row in X]))
    assert close(vmap(layer, in_dims=(None, 1), out_dims=1)(W, X.T), vmap(g)(X).T)
    assert close(vmap(grad(lambda x: g(x).sum()))(X), torch.stack([grad(lambda x: h(x).sum())(row) for row in X]))
    assert close(vmap(layer)(torch.stack([W, W, W / 2]), X)[2], unrolled(W / 2, -x))
    value, tangent = jvp(g, (x,), (W[0],))
    assert close(tangent, jacrev(h)(x) @ W[0])
    # A tensor that requires grad beside one that a transformation follows.
    per_x = vmap(lambda x: layer(Wx[0], x))(X)
    assert close(torch.autograd.grad(per_x.sum(), Wx[0])[0], torch.autograd.grad(sum(unrolled(Wx[0], row).sum() for row in X), Wx[0])[0])


def test_first_order_solves_once(Wx):
    steps = []
    layer = make(on_step=lambda step, norm: steps.append(step) or True)
    y = layer(*Wx)
    assert steps
    steps.clear()
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert not steps


def test_trees_numbers_and_static_arguments():
    def g(p, x, *, power, name, options=None):
        y = p["a"] ** power + getattr(dini, name)(x[0])
        return {"y": y, "n": (dini.sum(y), (y > 0).astype("int64")), "said": name}

    layer = dini.torch.wrap(g)
    a, x = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([0.5, -4.0])
    out = layer({"a": a}, [x, 3.0], power=3, name="sin")
    assert set(out) == {"y", "n", "said"} and out["said"] == "sin" and isinstance(out["n"], tuple)
    assert close(out["y"], a**3 + torch.sin(x)) and out["n"][0].shape == () and out["y"].dtype == torch.float32
    assert out["n"][1].dtype == torch.int64 and not out["n"][1].requires_grad
    out["n"][0].backward()
    assert close(a.grad, 3 * a.detach() ** 2)
    assert close(layer({"a": a}, [x, 3.0], power=2.0, name="cos")["y"], a**2 + torch.cos(x))


def test_a_solution_of_tensors():
    layer = dini.torch.wrap(lambda a: dini.root(lambda a, z: z * z - a, 1.0, a))
    s = layer(torch.tensor(4.0, dtype=torch.float64))
    assert isinstance(s, dini.Solution) and s.status == "converged" and s.converged and s.value.item() == pytest.approx(2)
    assert "converged" in repr(s)


def test_without_axes_and_dtypes():
    layer = dini.torch.wrap(lambda a: dini.root(lambda a, z: z * z - a, dini.ones_like(a), a).value)
    for dtype, tight in ((torch.float32, 1e-6), (torch.float64, 1e-12)):
        a = torch.tensor(4.0, dtype=dtype, requires_grad=True)
        y = layer(a)
        assert y.shape == () and y.dtype == dtype and y.item() == pytest.approx(2)
        y.backward()
        assert a.grad.shape == () and a.grad.dtype == dtype and a.grad.item() == pytest.approx(0.25, rel=tight)
        second = torch.autograd.grad(layer(a), a, create_graph=True)[0]
        assert torch.autograd.grad(second, a)[0].item() == pytest.approx(-1 / 32, rel=1e-5)
    k = torch.tensor([1, 2])
    y = dini.torch.wrap(lambda k, x: x * k)(k, torch.ones(2, requires_grad=True))
    y.sum().backward()
    assert y.dtype == torch.float32
    strided = torch.arange(6.0).reshape(2, 3).T
    assert close(dini.torch.wrap(lambda a: a * 1)(strided), strided)
    assert dini.torch.wrap(lambda a: a * 2)(torch.zeros(0, 3)).shape == (0, 3)


@pytest.mark.parametrize("t, says", [(lambda: torch.zeros(3, device="meta"), r"on meta.*t\.cpu\(\)"),
                                     (lambda: torch.zeros(3, dtype=torch.bfloat16), r"bfloat16.*t\.float\(\)"),
                                     (lambda: torch.zeros(3, dtype=torch.complex64), "complex64"),
                                     (lambda: torch.eye(3).to_sparse(), r"to_dense")])
def test_what_is_no_tensor_of_ours(t, says):
    with pytest.raises(dini.DtypeError, match=says):
        dini.torch.wrap(lambda x: x * 2)(t())
    with pytest.raises(dini.DtypeError, match=says):
        dini.torch.fixed_point(lambda x, z: 0 * z, torch.zeros(3), t())
    with pytest.raises(dini.DtypeError, match=says):
        dini.torch.fixed_point(lambda z: 0 * z, t())


def test_errors_and_state(Wx):
    class Mine(Exception):
        pass

    def bad(x):
        raise Mine("here")

    with pytest.raises(Mine, match="here"):
        dini.torch.wrap(bad)(Wx[1])
    with pytest.raises(dini.SolveError) as e:
        dini.torch.wrap(lambda a: dini.root(lambda a, z: z * z + a, 1.0, a).value)(torch.tensor(1.0))
    assert e.value.solver
    # What was changed in place since: not seen by first order, which holds its own copies; an error for more.
    layer = make()
    x = Wx[1] * 1
    y = layer(Wx[0], x)
    want = torch.autograd.grad(y.sum(), Wx[1], retain_graph=True)[0]
    with torch.no_grad():
        x.mul_(2)
    assert close(torch.autograd.grad(y.sum(), Wx[1], retain_graph=True)[0], want)
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        torch.autograd.grad(y.sum(), Wx[1], create_graph=True)
    # The result is the caller's: changing it changes nothing else.
    z = dini.torch.wrap(lambda x: x)(x.detach())
    z.zero_()
    assert x.abs().sum() > 0


def test_methods_names_and_cache(Wx):
    class Model:
        def __init__(self):
            self.traced = 0

        @dini.torch.wrap
        def layer(self, x):
            """Twice x."""
            self.traced += 1
            return x * 2

    m = Model()
    assert close(m.layer(Wx[1]), Wx[1] * 2) and Model.layer.__doc__ == "Twice x." and "layer" in repr(Model.layer)
    m.layer(Wx[1].detach())
    traced = m.traced
    m.layer(Wx[1].detach())
    assert m.traced == traced
    Model.layer.clear_cache()
    m.layer(Wx[1].detach())
    assert m.traced > traced


def test_threads(Wx):
    import threading

    layer, want, out = make(), unrolled(*Wx).detach(), []
    follow = lambda x: dini.torch.fixed_point(lambda x, z: torch.tanh(Wx[0] @ z + x), torch.zeros(n, dtype=torch.float64), x)

    def work(k):
        for _ in range(5):
            x = Wx[1].detach().clone().requires_grad_()
            y = (layer(Wx[0], x), follow(x))[k % 2]
            out.append(close(y, want, 1e-8) and close(torch.autograd.grad(y.sum(), x)[0], expected, 1e-8))

    expected = torch.autograd.grad(unrolled(*Wx).sum(), Wx[1])[0]
    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert len(out) == 20 and all(out)


def test_compile(Wx):
    layer = make()
    step = torch.compile(lambda W, x: (layer(W, x * 1) ** 2).sum(), fullgraph=True, backend="aot_eager")
    value = step(*Wx)
    assert close(value, (unrolled(*Wx) ** 2).sum())
    for a, b in zip(torch.autograd.grad(value, Wx), torch.autograd.grad((unrolled(*Wx) ** 2).sum(), Wx)):
        assert close(a, b)
    pair = dini.torch.wrap(lambda x: (dini.sin(x), dini.cos(x)))
    both = torch.compile(lambda x: pair(x)[0] * pair(x)[1], fullgraph=True, backend="aot_eager")
    for size in (3, 4, 5):  # torch's compiler takes lengths for variable from the second on
        x = torch.linspace(0, 1, size)
        assert close(both(x), torch.sin(x) * torch.cos(x), 1e-6)


def test_a_batch_of_gradients_is_refused():
    layer, b = dini.torch.wrap(lambda b: dini.stack([dini.cos(b), b])), torch.tensor(0.8, requires_grad=True)
    for create_graph in (False, True):
        with pytest.raises(dini.TraceError, match="is_grads_batched.*jacrev"):
            torch.autograd.grad(layer(b), b, torch.eye(2), is_grads_batched=True, create_graph=create_graph)


def test_memory_is_shared_both_ways():
    """By DLPack: on the one side and on the other the same numbers at the same place."""
    for dtype in (torch.float64, torch.float32, torch.int64, torch.int32, torch.bool):
        theirs = (torch.arange(6) % 5).reshape(2, 3).to(dtype)
        ours = dini.from_dlpack(theirs)
        assert "torch." + str(ours.dtype) == str(dtype) and ours.tolist() == theirs.tolist()
        back = torch.from_dlpack(ours)
        assert back.dtype == dtype and torch.equal(back, theirs)
    theirs = torch.arange(1000.0, dtype=torch.float64)
    address, ours = theirs.data_ptr(), dini.from_dlpack(theirs)
    assert np.asarray(ours).ctypes.data == address
    del theirs  # the memory stays as long as someone has it
    assert float(dini.sum(ours)) == 499500
    # What torch writes into is its own: arrays do not change.
    ours = dini.ones(3)
    torch.from_dlpack(ours).add_(1)
    assert ours.tolist() == [1, 1, 1]
    assert dini.from_dlpack(torch.arange(6.0).reshape(2, 3).T).tolist() == [[0, 3], [1, 4], [2, 5]]
    with pytest.raises((BufferError, RuntimeError, dini.Error), match="grad"):
        dini.from_dlpack(torch.ones(2, requires_grad=True))


def test_examples_in_doc_strings():
    import doctest

    from dini.torch import _autograd, _module, _solving

    for module in (_autograd, _module, _solving):
        run = doctest.testmod(module, extraglobs={"dini": dini, "np": np, "torch": torch}, optionflags=doctest.NORMALIZE_WHITESPACE)
        assert run.failed == 0 and run.attempted > 2


def test_everything_public_says_what_it_is_for():
    names = {name for name in vars(dini.torch) if not name.startswith("_")} - {"annotations"}
    assert names == {"wrap", "translate", "fixed_point", "root", "minimize", "least_squares", "FixedPoint", "Untranslatable"}
    assert all(getattr(dini.torch, name).__doc__ for name in names)
