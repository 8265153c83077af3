"""ATen's operations that are layers of networks: normalisations, convolutions, pools, attention."""
from __future__ import annotations

import itertools
import math
from typing import Any

from .. import _dini as D
from ._translate import Untranslatable


def _along_channels(w: Any, ndim: int) -> Any:
    return w.reshape((1, -1) + (1,) * (ndim - 2))


def _T(x: Any) -> Any:
    return D.swapaxes(x, -1, -2)


def _layer_norm(a: Any, shape: Any, weight: Any, bias: Any, eps: float) -> Any:
    axes = tuple(range(-len(shape), 0))
    mean, rate = D.mean(a, axes, keepdims=True), D.rsqrt(D.var(a, axes, keepdims=True) + eps)
    out = (a - mean) * rate
    if weight is not None:
        out = out * weight
    if bias is not None:
        out = out + bias
    return out, mean, rate


def _group_norm(a: Any, weight: Any, bias: Any, N: int, C: int, HxW: int, groups: int, eps: float) -> Any:
    grouped = a.reshape((N, groups, -1))
    mean, rate = D.mean(grouped, -1, keepdims=True), D.rsqrt(D.var(grouped, -1, keepdims=True) + eps)
    out = ((grouped - mean) * rate).reshape(a.shape)
    if weight is not None:
        out = out * _along_channels(weight, a.ndim)
    if bias is not None:
        out = out + _along_channels(bias, a.ndim)
    return out, mean.reshape((N, groups)), rate.reshape((N, groups))


def _batch_norm(a: Any, weight: Any, bias: Any, mean: Any, var: Any, training: bool, momentum: float, eps: float) -> Any:
    if training:
        if mean is not None:
            raise Untranslatable("batch normalisation in training writes its running statistics at every call (module.eval() holds them)")
        axes = (0, *range(2, a.ndim))
        mean, var = D.mean(a, axes), D.var(a, axes)
    rate = D.rsqrt(var + eps)
    scale = rate if weight is None else rate * weight
    out = (a - _along_channels(mean, a.ndim)) * _along_channels(scale, a.ndim)
    if bias is not None:
        out = out + _along_channels(bias, a.ndim)
    return out, mean, rate


def _convolution(a: Any, w: Any, bias: Any, stride: Any, padding: Any, dilation: Any, transposed: bool, output_padding: Any, groups: int) -> Any:
    """A sum over the places of the kernel: of each, the picture moved there, times the weights of that place."""
    n = w.ndim - 2
    stride, padding, dilation = (list(v) * n if len(v) == 1 else list(v) for v in (stride, padding, dilation))
    if transposed:
        # The convolution of the picture with zeros between its points, with the weights from the other side.
        output_padding = list(output_padding) * n if len(output_padding) == 1 else list(output_padding)
        ends = [(d * (k - 1) - p, d * (k - 1) - p + q) for d, k, p, q in zip(dilation, w.shape[2:], padding, output_padding)]
        if any(before < 0 or after < 0 for before, after in ends):
            raise Untranslatable("a transposed convolution that is padded by more than its kernel")
        spread = [(length - 1) * s + 1 for length, s in zip(a.shape[2:], stride)]
        places = (slice(None), slice(None), *(slice(None, None, s) for s in stride))
        a = D.pad(D.zeros((*a.shape[:2], *spread), a.dtype).at[places].set(a), [(0, 0), (0, 0), *ends])
        w = D.flip(w, tuple(range(2, n + 2)))
        w = D.swapaxes(w.reshape((groups, w.shape[0] // groups, *w.shape[1:])), 1, 2)
        w = w.reshape((w.shape[0] * w.shape[1], *w.shape[2:]))
        stride, padding = [1] * n, [0] * n
    if any(padding):
        a = D.pad(a, [(0, 0), (0, 0), *((p, p) for p in padding)])
    kernel = w.shape[2:]
    size = [(length - d * (k - 1) - 1) // s + 1 for length, d, k, s in zip(a.shape[2:], dilation, kernel, stride)]
    letters = "xyz"[:n]
    rule = f"bgi{letters},goi->bgo{letters}"
    out = None
    for place in itertools.product(*map(range, kernel)):
        window = tuple(slice(p * d, p * d + s * (m - 1) + 1, s) for p, d, s, m in zip(place, dilation, stride, size))
        part = a[(slice(None), slice(None), *window)]
        part = part.reshape((part.shape[0], groups, part.shape[1] // groups, *size))
        weights = w[(slice(None), slice(None), *place)].reshape((groups, w.shape[0] // groups, w.shape[1]))
        term = D.einsum(rule, part, weights)
        out = term if out is None else out + term
    out = out.reshape((out.shape[0], w.shape[0], *size))  # type: ignore[union-attr]
    return out if bias is None else out + _along_channels(bias, out.ndim)


def _windows(a: Any, n: int, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, filler: float) -> list[Any]:
    kernel, padding, dilation = (list(v) * n if len(v) == 1 else list(v) for v in (kernel, padding, dilation))
    stride = (list(stride) * n if len(stride) == 1 else list(stride)) or kernel
    if ceil_mode:
        raise Untranslatable("a pool with ceil_mode")
    if any(padding):
        a = D.pad(a, [(0, 0)] * (a.ndim - n) + [(p, p) for p in padding], constant_values=filler)
    size = [(length - d * (k - 1) - 1) // s + 1 for length, d, k, s in zip(a.shape[-n:], dilation, kernel, stride)]
    return [a[(..., *(slice(p * d, p * d + s * (m - 1) + 1, s) for p, d, s, m in zip(place, dilation, stride, size)))]
            for place in itertools.product(*map(range, kernel))]


def _avg_pool(n: int) -> Any:
    def pool(a: Any, kernel: Any, stride: Any = (), padding: Any = (0,), ceil_mode: bool = False, count_include_pad: bool = True,
             divisor: Any = None) -> Any:
        if any(padding) and not count_include_pad:
            raise Untranslatable("an average pool that leaves out its padding")
        parts = _windows(a, n, kernel, stride, padding, (1,), ceil_mode, 0.0)
        return sum(parts[1:], parts[0]) / (len(parts) if divisor is None else divisor)

    return pool


def _max_pool(n: int) -> Any:
    def pool(a: Any, kernel: Any, stride: Any = (), padding: Any = (0,), dilation: Any = (1,), ceil_mode: bool = False) -> Any:
        parts = D.stack(_windows(a, n, kernel, stride, padding, dilation, ceil_mode, -math.inf), -1)
        first = D.expand_dims(D.argmax(parts, axis=-1), -1)  # of equal ones torch takes the first
        return D.squeeze(D.take_along_axis(parts, first, -1), -1), D.squeeze(first, -1)

    return pool


def _adaptive_avg_pool(n: int) -> Any:
    def pool(a: Any, size: Any) -> Any:
        if any(length % m for length, m in zip(a.shape[-n:], size)):
            raise Untranslatable("an adaptive pool whose windows differ in size")
        kernel = [length // m for length, m in zip(a.shape[-n:], size)]
        return _avg_pool(n)(a, kernel, kernel)

    return pool


def _attention(q: Any, k: Any, v: Any, dropout: float = 0.0, causal: bool = False, *, attn_mask: Any = None, scale: Any = None) -> Any:
    if dropout:
        raise Untranslatable("attention with dropout draws other numbers at every call")
    scores = D.matmul(q, D.swapaxes(k, -1, -2)) * (scale if scale is not None else 1 / math.sqrt(q.shape[-1]))
    if causal:
        scores = D.where(D.tril(D.ones(scores.shape[-2:], "bool")), scores, -math.inf)
    if attn_mask is not None:
        scores = D.where(attn_mask, scores, -math.inf) if str(attn_mask.dtype) == "bool" else scores + attn_mask
    return D.matmul(D.softmax(scores, -1), v), D.logsumexp(scores, axis=-1)


def _linear(a: Any, w: Any, bias: Any = None) -> Any:
    out = D.matmul(a, D.transpose(w) if w.ndim == 2 else w)
    return out if bias is None else out + bias


def _cdist(a: Any, b: Any, p: float, mode: Any) -> Any:
    difference = D.expand_dims(a, -2) - D.expand_dims(b, -3)
    if p != 2:
        raise Untranslatable("distances of another norm than 2")
    total = D.sum(difference * difference, axis=-1)
    zero = total == 0
    return D.where(zero, 0.0, D.sqrt(D.where(zero, 1.0, total)))


def _svd(a: Any, full_matrices: bool = False, compute_uv: bool = True, *, driver: Any = None) -> Any:
    if full_matrices and a.shape[-1] != a.shape[-2]:
        raise Untranslatable("a singular value decomposition with full matrices")
    if compute_uv:
        return tuple(D.linalg.svd(a, full_matrices=False))
    return D.zeros(0, a.dtype), D.linalg.svdvals(a), D.zeros(0, a.dtype)


def _eigh(a: Any, UPLO: str = "L", compute_v: bool = True) -> Any:
    # The numbers are those of one triangle; the derivative is that of a symmetric matrix.
    read = D.tril(a) + _T(D.tril(a, -1)) if UPLO == "L" else D.triu(a) + _T(D.triu(a, 1))
    half = 0.5 * (a + _T(a))
    a = half + D.stop_gradient(read - half)
    return tuple(D.linalg.eigh(a)) if compute_v else (D.linalg.eigvalsh(a), D.zeros(0, a.dtype))


def solve_triangular(a: Any, b: Any, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    a = D.triu(a) if upper else D.tril(a)
    if unitriangular:
        eye = D.eye(a.shape[-1], dtype=a.dtype)
        a = a * (1 - eye) + eye
    return D.linalg.solve(a, b) if left else _T(D.linalg.solve(_T(a), _T(b)))


def trilinear(a: Any, b: Any, c: Any, expand_a: Any, expand_b: Any, expand_c: Any, over: Any, unroll: int = 1) -> Any:
    product = D.expand_dims(a, tuple(expand_a)) * D.expand_dims(b, tuple(expand_b)) * D.expand_dims(c, tuple(expand_c))
    return D.sum(product, axis=tuple(over))


table: dict[str, Any] = {
    "native_layer_norm": _layer_norm, "native_group_norm": _group_norm, "native_batch_norm": _batch_norm, "linear": _linear,
    "_native_batch_norm_legit_no_training": lambda a, w, b, mean, var, momentum, eps: _batch_norm(a, w, b, mean, var, False, momentum, eps),
    "_native_batch_norm_legit.no_stats": lambda a, w, b, training, momentum, eps: _batch_norm(a, w, b, None, None, True, momentum, eps),
    "convolution": _convolution, "_cdist_forward": _cdist, "_euclidean_dist": lambda a, b: _cdist(a, b, 2, None),
    "_linalg_svd": _svd, "_linalg_eigh": _eigh, "linalg_matrix_exp": D.linalg.expm, "linalg_qr": lambda a, mode="reduced": tuple(D.linalg.qr(a)),
    "_convolution": lambda a, w, bias, stride, padding, dilation, transposed, output_padding, groups, *_: _convolution(
        a, w, bias, stride, padding, dilation, transposed, output_padding, groups),
    "avg_pool2d": _avg_pool(2), "avg_pool3d": _avg_pool(3), "max_pool2d_with_indices": _max_pool(2), "max_pool3d_with_indices": _max_pool(3),
    "_adaptive_avg_pool2d": _adaptive_avg_pool(2), "_adaptive_avg_pool3d": _adaptive_avg_pool(3),
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
}
