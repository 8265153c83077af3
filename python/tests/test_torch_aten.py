"""The table of torch's operations: values, dtypes and derivatives, against torch's own."""
import numpy as np
import pytest

import dini

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make python-torch")
import dini.torch  # noqa: E402

torch.set_num_threads(1)  # what is small is slower on several

F = torch.nn.functional
R = np.random.default_rng(0)


def t(*shape, low=-1.5, high=1.5, dtype="float64"):
    return torch.from_numpy(np.asarray(R.uniform(low, high, shape), dtype))


def spd(n):
    a = t(n, n)
    return a @ a.T + n * torch.eye(n, dtype=a.dtype)


A, B, V, P, K = t(3, 4), t(3, 4), t(4), t(3, 4, low=0.2, high=3.0), torch.tensor([[2, -1, 0], [7, 3, -4]])
KINKS = torch.tensor([-3.0, -1.0, 0.0, 0.5, 1.0, 3.0], dtype=torch.float64)
PICTURE = t(2, 4, 6, 5)
MASK = A > 0

CASES = {}


def case(name, f, *args):
    assert name not in CASES, name
    CASES[name] = f, args


for name in ("sin cos tan sinh cosh tanh exp exp2 expm1 atan asinh sigmoid erf erfc neg square sign floor ceil trunc frac relu round "
             "isnan isinf isfinite logical_not sgn positive digamma").split():
    case(name, getattr(torch, name), A)
for name in "log log2 log10 log1p sqrt rsqrt reciprocal lgamma".split():
    case(name, getattr(torch, name), P)
for name in "asin acos atanh erfinv".split():
    case(name, getattr(torch, name), A / 2)
case("acosh", torch.acosh, P + 1)
case("logit", lambda a: torch.logit(a), P / 4)
case("logit eps", lambda a: torch.logit(a, eps=0.1), torch.tensor([0.01, 0.3, 0.95], dtype=torch.float64))
case("xlogy", torch.xlogy, A, P)
case("special", lambda a: torch.special.ndtr(a) + torch.special.log_ndtr(a) + torch.special.i0e(a) + torch.special.i1e(a), A)
case("special 2", lambda a, b: torch.special.xlog1py(a, b) + torch.special.entr(b), A, P)

for name in "maximum minimum hypot logaddexp atan2 copysign".split():
    case(name, getattr(torch, name), A, B)
case("fmod", torch.fmod, A, P)
case("remainder", torch.remainder, A, P)
for name in "eq ne lt le gt ge".split():
    case(name, getattr(torch, name), KINKS, 0.5)
case("add alpha", lambda a, b: torch.add(a, b, alpha=2), A, V)
case("sub alpha", lambda a, b: torch.sub(a, b, alpha=2), A, V)
case("rsub", lambda a: 1 - a, A)
case("mul scalar", lambda a: a * 2 * 0.5, A)
case("div", lambda a, b: a / b + 1 / b, A, P)
case("div floor", lambda a, b: torch.div(a, b, rounding_mode="floor"), A, P)
case("div trunc", lambda a, b: torch.div(a, b, rounding_mode="trunc"), A, P)
case("floor_divide", lambda a, b: (a // b).detach(), A, P)
case("pow number", lambda a: a**2 + a**3, A)
case("pow tensor", lambda a, b: torch.pow(a, b) + 2.0**b, P, A)
case("addcmul", lambda a, b, c: torch.addcmul(a, b, c, value=0.5) + torch.addcdiv(a, b, c, value=2), A, B, P)
case("lerp", lambda a, b: torch.lerp(a, b, 0.3) + torch.lerp(a, b, a), A, B)
case("clamp", lambda a: torch.clamp(a, -1, 1) + torch.clamp(a, min=0.5) + torch.clamp_max(a, 0.5), KINKS)
case("clamp tensors", lambda a, b: torch.clamp(a, -b, b), A, P / 3)
case("abs", torch.abs, KINKS)
case("where", lambda a, b: torch.where(a > b, a, b * 2), A, B)
case("masked_fill", lambda a: a.masked_fill(a > 0, -1.0), A)

for name, f in dict(relu=F.relu, leaky_relu=lambda a: F.leaky_relu(a, 0.1), elu=F.elu, selu=F.selu, celu=F.celu, silu=F.silu, gelu=F.gelu,
                    gelu_tanh=lambda a: F.gelu(a, approximate="tanh"), softplus=F.softplus, softplus_beta=lambda a: F.softplus(a, 3, 2),
                    mish=F.mish, hardtanh=F.hardtanh, hardsigmoid=F.hardsigmoid, hardswish=F.hardswish, logsigmoid=F.logsigmoid,
                    softsign=F.softsign, tanhshrink=F.tanhshrink, softshrink=F.softshrink, hardshrink=F.hardshrink,
                    threshold=lambda a: F.threshold(a, 0.1, 20.0), relu6=F.relu6).items():
    case("F." + name, f, t(3, 5) * 3)
case("F.prelu", F.prelu, t(2, 3, 4), t(3))
case("F.glu", F.glu, t(2, 6))

for name, f in dict(sum=torch.sum, mean=torch.mean, prod=torch.prod, amax=torch.amax, amin=torch.amin, var=torch.var, std=torch.std).items():
    case(name, lambda a, f=f: f(a, dim=1), A)
    case(name + " keepdim", lambda a, f=f: f(a, dim=0, keepdim=True), A)
    if name != "amax" and name != "amin":
        case(name + " all", lambda a, f=f: f(a), A)
case("sum dims", lambda a: a.sum((0, 2)) + a.mean((0, 2)) + a.var((0, 2)), t(2, 3, 4))
case("var correction", lambda a: torch.var(a, 1, correction=0) + torch.std(a, unbiased=False), A)
case("var_mean", lambda a: torch.var_mean(a, dim=1, keepdim=True), A)
case("std_mean", lambda a: torch.std_mean(a, dim=1), A)
case("std of equal", lambda a: torch.std(a * 0 + 1), A)
case("max all", lambda a: torch.max(a) - torch.min(a), A)
case("max dim", lambda a: torch.max(a, 1), A)
case("min dim", lambda a: torch.min(a, 0, keepdim=True), A)
case("max ties", lambda a: torch.max(torch.stack([a, a]), 0)[0], A)
case("argmax", lambda a: (torch.argmax(a), torch.argmin(a, 1)), A)
case("any all", lambda a: (torch.any(a > 0), torch.all(a > -1, 1)), A)
for p in (0, 1, 2, 3, float("inf"), float("-inf")):
    case(f"norm {p}", lambda a, p=p: torch.linalg.vector_norm(a, p, dim=1), A)
case("norm", lambda a: a.norm() + torch.linalg.norm(a, dim=0).sum() + a.norm(p=1), A)
case("norm of zeros", lambda a: torch.linalg.vector_norm(a * 0), A)
case("F.normalize", lambda a: F.normalize(a, dim=1), A)
case("logsumexp", lambda a: torch.logsumexp(a, 1), A)
case("softmax", lambda a: torch.softmax(a, 1) + F.log_softmax(a, 0), A)
case("cumsum", lambda a: torch.cumsum(a, 1) + torch.cumprod(a, 0), A)
case("sort", lambda a: torch.sort(a, 1, descending=True), A)
case("losses", lambda a, b: F.mse_loss(a, b) + F.huber_loss(a, b) + F.l1_loss(a, b) + F.smooth_l1_loss(a, b), A, B)
case("cross_entropy", lambda a: F.cross_entropy(a, torch.tensor([1, 3, 0])), A)
case("binary_cross_entropy", lambda a, b: F.binary_cross_entropy_with_logits(a, torch.sigmoid(b)), A, B)
case("cosine_similarity", lambda a, b: F.cosine_similarity(a, b, dim=1), A, B)

case("mm", lambda a, b: a @ b.T, A, B)
case("mv", lambda a, v: a @ v + torch.mv(a, v), A, V)
case("dot", lambda v: torch.dot(v, v) + v @ v + torch.vdot(v, v), V)
case("bmm", torch.bmm, t(2, 3, 4), t(2, 4, 5))
case("matmul stacks", torch.matmul, t(5, 1, 3, 4), t(2, 4, 2))
case("addmm", lambda c, a, b: torch.addmm(c, a, b, beta=0.5, alpha=2), t(3, 3), A, t(4, 3))
case("addmv", lambda c, a, b: torch.addmv(c, a, b), t(3), A, V)
case("baddbmm", torch.baddbmm, t(2, 3, 5), t(2, 3, 4), t(2, 4, 5))
case("outer", lambda a, b: torch.outer(a, b) + torch.ger(a, b), V, V)
case("einsum", lambda a, b: torch.einsum("ij,kj->ik", a, b) + torch.einsum("ij,kj,ij->ik", a, b, a), A, B)
case("tensordot", lambda a, b: torch.tensordot(a, b, dims=([1], [0])), t(2, 3), t(3, 2))
case("F.linear", F.linear, A, t(2, 4), t(2))
case("F.bilinear", F.bilinear, t(5, 3), t(5, 4), t(2, 3, 4))
case("inv", torch.linalg.inv, spd(3))
case("solve", lambda a, b: torch.linalg.solve(a, b), spd(3), t(3, 2))
case("solve vector", lambda a, b: torch.linalg.solve(a, b), spd(3), t(3))
case("solve right", lambda a, b: torch.linalg.solve(a, b, left=False), spd(3), t(2, 3))
case("det", torch.linalg.det, spd(3))
case("slogdet", lambda a: torch.linalg.slogdet(a), spd(3))
case("cholesky", lambda a: torch.linalg.cholesky(a + a.T), spd(3))
case("solve_triangular", lambda a, b: torch.linalg.solve_triangular(a, b, upper=False), spd(3), t(3, 2))
case("singular values", lambda a: torch.linalg.svdvals(a) + torch.linalg.matrix_norm(a, 2) + torch.linalg.matrix_norm(a, "nuc"), A)
case("svd", lambda a: (lambda u, s, v: (u * s.exp()) @ v)(*torch.linalg.svd(a, full_matrices=False)), A)
case("eigh", lambda a: (lambda w, v: (v * w.log()) @ v.mT)(*torch.linalg.eigh(a)), spd(3))
case("eigvalsh", lambda a: torch.linalg.eigvalsh(a, UPLO="U"), spd(3))
case("eigvalsh of a triangle", lambda a: torch.linalg.eigvalsh(a), t(3, 3))
case("qr", lambda a: torch.linalg.qr(a)[1].abs(), t(4, 3))
case("matrix_exp", torch.linalg.matrix_exp, t(3, 3))
case("cdist", lambda a, b: torch.cdist(a, b) + torch.cdist(a, a).sum() * 0, A, B + 3)
case("cross", lambda a, b: torch.linalg.cross(a, b), t(4, 3), t(4, 3))
case("kron", torch.kron, t(2, 3), t(3, 2))

case("view", lambda a: a.view(2, -1).reshape(-1)[1:5].unsqueeze(0), A)
case("transpose", lambda a: a.t() @ a + a.T @ a + a.transpose(0, 1) @ a + a.permute(1, 0) @ a + a.mT @ a, A)
case("expand", lambda v: v.expand(3, 4) + v.expand(3, -1) + v.broadcast_to(3, 4) + v.repeat(3, 1) + v.expand_as(torch.ones(3, 4)), V)
case("squeeze", lambda a: a[None, :, None].squeeze() + a[None].squeeze(0) + a[:, None].squeeze((1,)), A)
case("split", lambda a: torch.split(a, 3, 1)[0] * 2 + torch.chunk(a, 2, 1)[0].sum() + a.unbind(0)[1].sum() + torch.split(a, [1, 3], 1)[1], A)
case("select", lambda a: a[1] + a[:, 2].sum() + a[-1, 1:3].sum() + a[..., 0].sum() + a[::2].sum() + a.narrow(1, 1, 2).sum(), A)
case("index", lambda a: a[[2, 0]] + a[torch.tensor([0, 1])] * a[:2] + a[[0, 1], [2, 3]].sum(), A)
case("index mask", lambda a: a[torch.tensor([True, False, True])], A)
case("take", lambda a: torch.take(a, torch.tensor([0, 5, 11])) + a.index_select(1, torch.tensor([0, 2, 2]))[0], A)
case("gather", lambda a: torch.gather(a, 1, torch.tensor([[0, 3], [2, 2]])) + torch.take_along_dim(a, torch.tensor([[1, 0]]), 1)[:2, :2], A)
case("scatter", lambda a, b: a.scatter(1, torch.tensor([[0, 2], [1, 3]]), b[:2, :2]) + a.scatter_add(0, torch.tensor([[0, 0, 2]]), b[:1, :3]), A, B)
case("index_add", lambda a, b: a.index_add(0, torch.tensor([0, 0, 2]), b, alpha=2) + a.index_copy(1, torch.tensor([3, 0]), b[:, :2]), A, B)
case("index_fill", lambda a: a.index_fill(1, torch.tensor([1]), 2.0), A)
case("index_put", lambda a, v: a.index_put((torch.tensor([0, 0]),), v, accumulate=True), A, V)
case("cat", lambda a, v: torch.cat([a, v[None]], 0) + torch.stack([v, v, v, v]) + torch.vstack([a, v]), A, V)
case("cat dtypes", lambda a: torch.cat([a[0], torch.tensor([1, 2])]), A)
case("hstack", lambda a, b: torch.hstack([a, b]) + torch.column_stack([a, b]), A, B)
case("flip", lambda a: a.flip(0) + a.roll(1, 1) + torch.fliplr(a) + a.roll(2), A)
case("tril", lambda a: a.tril() + a.triu(1) + torch.diag(torch.diagonal(a)).sum() + a[:, :3].trace(), A)
case("diag_embed", lambda v: torch.diag_embed(v) + torch.diag(v, 0) + torch.block_diag(v[:2, None], v[2:, None] * torch.ones(1, 3)).sum(), V)
case("pad", lambda a: F.pad(a, (1, 2)) + F.pad(a, (2, 1), value=3.0) + F.pad(a[:, 1:], (2, 2)), A)
case("pad cut", lambda a: F.pad(a, (-1, 2, 1, -1)), A)
case("reflect", lambda a: F.pad(a, (1, 2), mode="reflect") + F.pad(a, (1, 2), mode="replicate") + F.pad(a, (1, 2), mode="circular"), A)
case("unfold", lambda a: a.unfold(1, 2, 1), A)
case("meshgrid", lambda v: torch.meshgrid(v, v * 2, indexing="ij"), V)
case("movedim", lambda a: torch.movedim(a, 0, 2) + a.swapaxes(0, 2).mT.mT.reshape(3, 4, 2), t(2, 3, 4))
case("new tensors", lambda a: a * torch.ones_like(a) + torch.zeros_like(a) + a.new_ones(4) + torch.full_like(a, 2) + torch.arange(4) + torch.eye(3, 4)
     + a.new_full((4,), 3.0) + a.new_zeros(4) + torch.linspace(0, 1, 4) + torch.tensor([1.0, 2, 3, 4]), A)
case("where index", lambda a: torch.nn.functional.one_hot(torch.tensor([1, 0, 2]), 4) * a, A)
case("embedding", lambda w: F.embedding(torch.tensor([[1, 0], [2, 2]]), w), A)
case("searching", lambda a: torch.topk(a, 2)[0] + a.sort(1)[0][:, :2], A)
case("dtypes", lambda a: a.float() * 2 + a.to(torch.float32) + (a > 0) * a.type(torch.float32) + a.long().int(), A)
case("whole numbers", lambda k: (k + 1, k * 2.5, k / 2, k // 2, k % 3, k.sum(), k.float().mean(), torch.exp(k), k**2, k > 1, -k, abs(k)), K)
case("without axes", lambda a: (a[0, 0] * 2 + a[0, 1], a[0, 0].float() + a[1], a[0].float() * a[0, 0], a[0, 0] + torch.tensor(1)), A)
case("bitwise", lambda k: ((k > 0) & (k < 5), (k > 0) | (k < -2), ~(k > 0), (k > 0) ^ (k > 1), torch.logical_and(k, k > 1)), K)

case("F.layer_norm", lambda a, w, b: F.layer_norm(a, (4,), w, b) + F.layer_norm(a, (3, 4)), A, V, t(4))
case("F.rms_norm", lambda a, w: F.rms_norm(a, (4,), w), A, V)
case("F.group_norm", lambda a, w, b: F.group_norm(a, 2, w, b), PICTURE, t(4), t(4))
case("F.instance_norm", lambda a: F.instance_norm(a), PICTURE)
case("F.batch_norm eval", lambda a, w, b: F.batch_norm(a, b.detach(), w.detach() ** 2, w, b), PICTURE, t(4), t(4))
case("F.batch_norm of the batch", lambda a: F.batch_norm(a, None, None, training=True), PICTURE)
case("F.conv1d", lambda a, w: F.conv1d(a, w, padding=1), t(2, 3, 7), t(4, 3, 3))
case("F.conv2d", lambda a, w, b: F.conv2d(a, w, b, padding=1), PICTURE, t(3, 4, 3, 3), t(3))
case("F.conv2d strided", lambda a, w: F.conv2d(a, w, stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2), PICTURE, t(6, 2, 3, 2))
case("F.conv3d", lambda a, w: F.conv3d(a, w), t(1, 2, 3, 4, 3), t(2, 2, 2, 2, 2))
case("F.conv_transpose2d", lambda a, w, b: F.conv_transpose2d(a, w, b, stride=2, padding=1, output_padding=1), PICTURE, t(4, 3, 3, 2), t(3))
case("F.conv_transpose1d", lambda a, w: F.conv_transpose1d(a, w, stride=3, groups=2, dilation=2), t(2, 4, 5), t(4, 3, 3))
case("F.avg_pool2d", lambda a: F.avg_pool2d(a, 2), PICTURE)
case("F.avg_pool1d", lambda a: F.avg_pool1d(a, 3, 2, padding=1), t(2, 3, 8))
case("F.max_pool2d", lambda a: F.max_pool2d(a, 2, 1, padding=1), PICTURE)
case("F.max_pool1d", lambda a: F.max_pool1d(a, 2), t(2, 3, 8))
case("F.adaptive", lambda a: F.adaptive_avg_pool2d(a, (2, 1)) + F.adaptive_avg_pool2d(a, 1), PICTURE)
case("F.interpolate", lambda a: F.interpolate(a, scale_factor=2), PICTURE)
case("pixel_shuffle", lambda a: F.pixel_shuffle(a, 2) + F.pixel_shuffle(F.pixel_unshuffle(F.pixel_shuffle(a, 2), 2), 2), PICTURE)
case("attention", lambda q, k, v: F.scaled_dot_product_attention(q, k, v), t(2, 2, 3, 4), t(2, 2, 5, 4), t(2, 2, 5, 4))
case("attention causal", lambda q, k: F.scaled_dot_product_attention(q, k, k, is_causal=True), t(2, 3, 4), t(2, 3, 4))


def module(make, *args):
    torch.manual_seed(0)
    return make().double().eval(), args


for name, (f, args) in dict(
    attention=module(lambda: torch.nn.MultiheadAttention(4, 2, batch_first=True), t(2, 3, 4), t(2, 5, 4), t(2, 5, 4)),
    encoder=module(lambda: torch.nn.TransformerEncoderLayer(4, 2, 6, batch_first=True), t(2, 3, 4)),
    gru=module(lambda: torch.nn.GRUCell(4, 3), t(2, 4), t(2, 3)),
    lstm=module(lambda: torch.nn.LSTM(4, 3, batch_first=True), t(2, 3, 4)),
    weight_norm=module(lambda: torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(4, 2)), A),
    spectral_norm=module(lambda: torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(4, 2)), A),
    orthogonal=module(lambda: torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(3, 3)), t(2, 3)),
    rms_norm=module(lambda: torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.SELU(), torch.nn.RMSNorm(4), torch.nn.Dropout()), A),
).items():
    case("module " + name, f, *args)


# Written in place, through views as well.
def written(a, v):
    out = torch.zeros(3, 4, dtype=torch.float64)
    out[0] = v * 2
    out[1, 1:3] = a[0, :2]
    out[:, 3] += a[:, 0]
    out.view(-1)[4:5].mul_(3).add_(v[0])
    out[out > 1] = 0.25
    out.t()[0].copy_(a[:, 1])
    b = a.clone()
    row = b[1]
    b.mul_(2)
    row.mul_(3)
    return out + b.clamp_(max=1.0) + row


case("in place", written, A, V)
# Derivatives inside of the function.
case("grad inside", lambda a: torch.func.grad(lambda a: torch.tanh(a).pow(2).sum())(a), A)
case("jacobians inside", lambda v: torch.func.jacrev(torch.tanh)(v) @ torch.func.jacfwd(torch.sin)(v), V)
case("hessian inside", lambda v: torch.func.jacrev(torch.func.jacrev(lambda v: torch.sin(v).sum() ** 3))(v), V)
case("vmap inside", lambda a, v: torch.func.vmap(lambda r: torch.tanh(r) @ v)(a), A, V)
case("jvp inside", lambda v: torch.func.jvp(torch.sin, (v,), (v * 2,))[1], V)


def autograd_inside(z):
    with torch.enable_grad():
        y = z.clone().requires_grad_()
        E = torch.nn.functional.softplus(y @ A.T).sum() + y.pow(3).sum()
        return torch.autograd.grad(E, y, create_graph=True)[0]


case("autograd inside", autograd_inside, V)
# What torch takes for constants.
case("detach", lambda a: a.detach() * a + torch.sin(a).data * a, A)


def without_grad(a):
    with torch.no_grad():
        rate = torch.tanh(a) + 1
        scale = a.norm()
    return a * rate / scale


case("no_grad", without_grad, A)


# What torch itself computes to fewer digits, in derivatives.
LOOSE = {"digamma": 1e-7, "F.hardsigmoid": 1e-7}


def leaves(x):
    if isinstance(x, (tuple, list)):
        return [v for part in x for v in leaves(part)]
    return [] if x is None else [x]


@pytest.mark.parametrize("name", CASES)
def test_entry(name):
    f, args = CASES[name]
    if isinstance(f, torch.nn.Module):
        f.requires_grad_(False)
    arrays = [dini.array(a.numpy()) if isinstance(a, torch.Tensor) else a for a in args]
    g = dini.torch.translate(f)
    inputs = [a.clone().requires_grad_() if isinstance(a, torch.Tensor) and a.is_floating_point() else a for a in args]
    wanted = leaves(f(*inputs))
    got, pull = dini.vjp(lambda *a: tuple(leaves(g(*a))), *arrays)
    assert len(got) == len(wanted)
    cotangents = []
    for value, want in zip(got, wanted):
        assert value.shape == tuple(want.shape), name
        assert str(value.dtype) == str(want.dtype).split(".")[1], name
        tight = 1e-12 if want.dtype == torch.float64 else 1e-5
        assert np.allclose(np.asarray(value), want.detach().numpy(), rtol=tight, atol=tight), name
        cotangents.append(torch.from_numpy(np.asarray(R.uniform(-1, 1, tuple(want.shape)))).to(want.dtype))
    moving = [x for x in inputs if isinstance(x, torch.Tensor) and x.is_floating_point()]
    outputs = [(w, c) for w, c in zip(wanted, cotangents) if w.requires_grad]
    if not outputs:
        return
    wanted_grads = torch.autograd.grad([w for w, _ in outputs], moving, [c for _, c in outputs], allow_unused=True)
    # Where torch sees nothing to differentiate, dini has to have zero.
    given = tuple(dini.array(c.numpy()) if w.requires_grad else dini.zeros(tuple(w.shape), str(w.dtype).split(".")[1])
                  for w, c in zip(wanted, cotangents))
    sent = [s for s, x in zip(pull(given), inputs) if isinstance(x, torch.Tensor) and x.is_floating_point()]
    for s, want in zip(sent, wanted_grads):
        want = np.zeros(s.shape) if want is None else want.numpy(force=True)
        tight = LOOSE.get(name, 1e-10) if all(w.dtype != torch.float32 for w, _ in outputs) else 1e-5
        assert np.allclose(np.asarray(s), want, rtol=tight, atol=tight), name
