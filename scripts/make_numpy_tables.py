#!/usr/bin/env python3
"""Writes what the library is compared with, both in tests/data:

formula_table.json   formulas of the problem language, with the values that NumPy (SciPy for special functions) gives them
function_table.json  calls of C++ functions that the language has not, under the text that tests/ops/numpy_test.cpp repeats

Each with the gradients of sum(value * weights) by central differences of those values, extrapolated three times.
The texts are Python expressions, parted by `;`, and evaluated as they stand. Needs numpy and scipy.
"""
import json
import math
import pathlib
from types import SimpleNamespace

import numpy as np
from scipy import linalg, special

rng = np.random.default_rng(20)


def fine(*values):
    """Multiples of 1/64, which float32 holds exactly."""
    return np.round(np.array(values) * 64) / 64


def matrix(*shape):
    return fine(*rng.uniform(-2, 2, shape))


INPUTS = {
    "a": fine(0.6, -1.3, 2.1),
    "b": fine(1.7, 0.4, -0.9),
    "c": np.array([0.5, 1.25, 2.5, 4.0]),
    "p": fine(0.15, 0.55, 0.8),
    "s": np.array(0.703125),
    "A": matrix(3, 4),
    "B": matrix(4, 2),
    "M": matrix(3, 3) + np.array([[4.0, 0, 0], [0, -3, 0], [0, 0, 5]]),
    "u": matrix(2, 3, 4),
    "one": np.array([[1.5], [2.5], [-0.5]]),
    "i": np.array([2, 0], dtype=np.int64),
    "j": np.array([[0, 3], [1, 1]], dtype=np.int64),
    "k": np.array(1, dtype=np.int64),
    "n": np.array([3, -7, 5], dtype=np.int64),
    "f": np.array([True, False, True]),
    "edge": np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, np.inf, -np.inf, np.nan, 1e4, -1e4]),
    "huge": np.array([1e300, -1e300, 1e-300, -1e-300, 5e-324, 1e16]),
    "nothing": np.zeros(0),
    "hollow": np.zeros((2, 0, 3)),
}
AT_EDGES = {"edge", "huge"}  # where there are no slopes to be had from differences
# Formulas whose shapes follow from values, which cannot be compiled.
DYNAMIC = {"A[True & f]", "A[A > 0]", "a[a > 0]", "A[:, c > 1]", "repeat(A, n % 3, 0)"}

NAMESPACE = {name: getattr(np, name) for name in """
exp exp2 expm1 log log1p log2 log10 sqrt cbrt square reciprocal abs sign floor ceil round trunc sin cos tan arcsin arccos
arctan arctan2 asin acos atan atan2 sinh cosh tanh arcsinh arccosh arctanh asinh acosh atanh maximum minimum clip where
mod floor_divide power hypot logaddexp sum mean prod max min var std cumsum cumprod sort dot matmul outer tensordot kron
trace diag transpose reshape concatenate stack roll flip tile repeat eye zeros ones full arange linspace zeros_like
ones_like broadcast_to squeeze expand_dims block take size pi e inf newaxis
einsum argmax argmin argsort searchsorted unravel_index meshgrid vdot inner cross triu tril pad split diagonal moveaxis
swapaxes atleast_1d atleast_2d atleast_3d vstack hstack column_stack broadcast_arrays take_along_axis any all logical_and
logical_or logical_xor logical_not isfinite isnan isinf nan_to_num ravel full_like identity
add subtract multiply divide remainder negative equal not_equal less less_equal greater greater_equal copysign heaviside isclose
allclose array_equal nansum nanmean nanmax nanmin count_nonzero average median quantile cov diff trapezoid interp polyval convolve
tri tril_indices triu_indices array""".split()}
NAMESPACE.update({name: getattr(np.linalg, name) for name in """
norm solve inv det slogdet cholesky qr svd svdvals eigvalsh pinv lstsq matrix_power matrix_rank cond multi_dot""".split()})
NAMESPACE.update({name: getattr(linalg, name) for name in "expm solve_triangular cho_solve block_diag".split()})
NAMESPACE.update({name: getattr(special, name) for name in """
erf erfc erfinv gammaln digamma polygamma i0e i1e betaln logit xlogy xlog1py expit i0 i1 entr
ndtr log_ndtr beta""".split()})


def at(a, index, method, values):
    """a.at(index).method(values)"""
    out = a.copy()
    if method == "set":
        out[index] = values
    else:
        ufunc = {"min": np.minimum, "max": np.maximum}.get(method) or getattr(np, method)
        ufunc.at(out, index, values)
    return out


def top_k(a, k):
    order = np.argsort(-a, kind="stable")[..., :k]
    return np.take_along_axis(a, order, -1), order


def eigh(a):
    w, v = np.linalg.eigh((a + a.T) / 2)
    return SimpleNamespace(eigenvalues=w, eigenvectors=v)


NAMESPACE.update({
    "len": len,
    "at": at,
    "eigh": eigh,
    "top_k": top_k,
    "one_hot": lambda x, n: np.eye(n)[x],
    "slice": slice,
    "sigmoid": special.expit,
    "softplus": lambda x: np.logaddexp(x, 0),
    "relu": lambda x: np.maximum(x, 0),
    "stop_gradient": lambda x: x,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "logsumexp": special.logsumexp,
    "softmax": lambda x, axis=-1: special.softmax(x, axis=axis),
    "log_softmax": lambda x, axis=-1: special.log_softmax(x, axis=axis),
})

FORMULAS = """
2; 0.5 + a*0; 1e-3*a; .5*a; 5.*a; True + a; where(False, a, b); pi*a; e*a
a + b; a - b; a*b; a/b; a**2; a**3; a**0; a**-1; a**-2; c**a[1]; c**0.5; c**s; 2**a; a @ b; A @ B; a @ A
-a; +a; -a**2; 2**3**2; 2**-1; -2**-2*a; 2**3**2*a; a - b - a; a/b/c[0]; a/b*c[0]; a - b*a + b/a
-a*b; - -a; a*-b; 2**-a; c**2**0.5; (a + b)*(a - b); a // 1.5; a % 1.5; n // 2; n % 4; n*a; n**2
7 // 2; -7 // 2; 7 % 3; -7 % 3; 1/3; 2*3 + 4; 10**20*a; n/2; n + n*n
a < b; a <= b; a > b; a >= b; a == a; a != b; n == 3; 0 < a
(a > 0) & (b > 0); (a > 0) | (b > 0); ~(a > 0); where((a > 0) & (b < 1), a, b); where(~f | (a > 1), a, -b)
where(a > 0, a, b); where(f, a*2, b**2); where(a > 0, 1.0, 0.0)*a; n & 6; n | 8; ~n
A + a[:, None]; A*c; one + c; one*A; u + A; u*c; s*u; a + one; u - one
a[0]; a[-1]; a[1:]; a[:-1]; a[::2]; a[::-1]; a[-2:]; a[:2]*b[1:]; a[1:2]; a[5:]; a[-10:2]; a[2:0:-1]
A[0]; A[1, 2]; A[-1, -1]; A[:, 1]; A[1:, ::2]; A[::2, 1]; A[::-1, ::-1]; A[..., 0]; A[0, ...]; A[...]
A[:, None, :]; A[None]; a[None, :]; a[:, None]; a[newaxis]; u[0, :, 1]; u[:, 1]; u[..., 1:3]; u[1, ..., 2]
u[0][1][2]; (a + b)[1:]; sin(a)[0]; (A @ c)[-1]; a[len(a) - 1]; a[size(a)//2:]; a[:len(b) - 1]; A[-len(a) + 1]
a[i]; A[i]; A[:, j]; A[i, 1]; A[i, :2]; c[j]; u[:, i]; u[0, i]; a[k]; A[k, k]; a[[0, 2, 0]]; A[[1, 2]]; a[-i]
A[i, i]; u[:, i, i]; A[j[0] - 1]; a[n % 3]; a[f]; A[f]; A[(1, 2)]; A[1,]; u[0, [0, 2], :]
A.T; u.T; A.T @ a; A.T.T; (A.T)[0]; A.T[1]; a.T; (A @ B).T
exp(a); exp2(a); expm1(a); log(c); log1p(c); log2(c); log10(c); sqrt(c); cbrt(a); square(a); reciprocal(a)
abs(a); sign(a); floor(a); ceil(a); round(a); trunc(a); sin(a); cos(a); tan(a); arcsin(p); arccos(p)
arctan(a); arctan2(a, b); asin(p); acos(p); atan(a); atan2(a, b); sinh(a); cosh(a); tanh(a); arcsinh(a)
arccosh(c + 1); arctanh(p); asinh(a); acosh(c + 1); atanh(p); sigmoid(a); softplus(a); relu(a); erf(a); erfc(a)
erfinv(p); gammaln(c); digamma(c); i0e(a); i1e(a); maximum(a, b); minimum(a, b); maximum(a, 0.5); clip(a, -1, 1)
clip(a, a_min=0, a_max=None); clip(a, None, b); mod(a, 2); mod(a, b); floor_divide(a, b); power(c, 1.5); power(a, 3)
hypot(a, b); logaddexp(a, b); abs(n); sign(n); square(n); exp(n); maximum(n, 2)
sum(a); sum(A); sum(A, 0); sum(A, axis=1); sum(A, axis=-1, keepdims=True); sum(u, axis=(0, 2)); sum(u, (0, 1, 2))
sum(A, axis=None); sum(n); sum(a > 0); sum(A, keepdims=True); mean(A); mean(A, 0); mean(A, axis=1, keepdims=True)
mean(n); prod(a); prod(A, axis=1); prod(A, axis=(0, 1)); max(A); max(A, 0); max(A, axis=1, keepdims=True); min(A)
min(u, axis=(1, 2)); norm(a); norm(A); norm(a, 1); norm(a, 2); norm(a, inf); norm(a, ord=inf); norm(A, axis=1)
norm(A, axis=0, keepdims=True); norm(A, 1, axis=1); norm(A, inf, 0); norm(a, 3); norm(a, -inf)
var(A); var(A, 0); var(a, ddof=1); var(A, axis=1, keepdims=True); std(A); std(A, axis=0, ddof=1); std(a)
cumsum(a); cumsum(A); cumsum(A, 0); cumsum(A, axis=-1); cumprod(a); cumprod(A, axis=1); logsumexp(a)
logsumexp(A, axis=0); logsumexp(A, axis=(0, 1)); logsumexp(A, axis=1, keepdims=True); softmax(a); softmax(A)
softmax(A, axis=0); log_softmax(A); log_softmax(A, axis=0); sort(a); sort(A); sort(A, axis=0); sort(A, None)
dot(a, b); dot(A, B); dot(A, c); dot(s, a); dot(u, B); matmul(A, B); matmul(u, B); matmul(A, c); outer(a, c)
tensordot(u, A); tensordot(A, B, 1); tensordot(a, b, axes=0); tensordot(u, A, axes=((1, 2), (0, 1)))
tensordot(u, A, axes=([2, 1], [1, 0])); tensordot(A, u, (0, 1)); kron(a, c); kron(A, B); kron(a, A)
trace(M); trace(A, 1); trace(A, offset=-1); diag(a); diag(M); diag(a, 1); diag(M, k=-1); diag(A, 1)
transpose(A); transpose(u); transpose(u, (1, 2, 0)); transpose(u, axes=(0, 2, 1)); solve(M, a); solve(M, A); inv(M)
det(M); slogdet(M)[0]; slogdet(M)[1]; cholesky(M @ M.T + eye(3)); inv(M) @ a - solve(M, a); solve(M.T, a)
reshape(A, (4, 3)); reshape(A, -1); reshape(A, (2, -1)); reshape(A, [-1]); reshape(a, (3, 1)); reshape(A, (len(c), -1))
reshape(u, (size(u)//3, 3)); reshape(A, size(A)); reshape(s, (1, 1))
concatenate([a, b]); concatenate((a, b, c)); concatenate([A, A*2], axis=1); concatenate([A, A.T], None)
concatenate([a, [1, 2]]); stack([a, b]); stack([a, b], 1); stack([a, b], axis=-1); stack((a[0]**2, sin(a[1])))
stack([s, 1.5, a[0]]); roll(a, 1); roll(A, 1); roll(A, -1, axis=1); roll(A, (1, 2), axis=(0, 1)); roll(u, 2, (0, 2))
flip(a); flip(A); flip(A, 0); flip(A, axis=1); flip(u, axis=(0, 2)); tile(a, 2); tile(a, (2, 1)); tile(A, (1, 2))
tile(A, 2); repeat(a, 2); repeat(A, 2); repeat(A, 2, axis=0); repeat(A, repeats=3, axis=1)
eye(3); eye(2, 3); eye(3, k=1); eye(3, 4, -1); eye(3) @ a; zeros(3); zeros((2, 3)); ones([2, 2]); full(3, 2.5)
full((2, 3), s); full((2, 3), a); arange(4); arange(1, 4); arange(0, 7, 2); arange(5, 1, -1); arange(0, 1, 0.25)
arange(3)*a; arange(len(a))*a; arange(0.5, 3); linspace(0, 1, 5); linspace(1, 2, num=3); linspace(0, 1, 4, endpoint=False)
linspace(0, s, 4); linspace(-1, 1); linspace(s, a[2], 3, False); linspace(2, 5, 1); zeros_like(A); ones_like(a) + a
broadcast_to(a, (2, 3)); broadcast_to(s, 3); broadcast_to(one, (3, 2)); squeeze(one); squeeze(one, axis=1)
squeeze(expand_dims(A, 0)); expand_dims(a, 0); expand_dims(a, axis=-1); expand_dims(A, (0, 2)); block([a, b])
block([[A, one], [A, one]]); block([[M, A], [zeros((1, 3)), ones((1, 4))]]); block([s, a]); take(a, i); take(A, i)
take(A, i, axis=0); take(A, j, axis=1); take(a, [0, 2]); take(A, 1, axis=1); take(a, -1)
len(a); len(A)*a; size(A); size(A)*s; sum(a)/size(a); sum(a)/len(a)
sum((A @ c - a)**2)/2; tanh(M @ a + b); exp(-a**2/2)/sqrt(2*pi); sum(where(a > 0, a, 0)**2); a @ M @ b
sum(A*u, axis=2); softmax(A @ c) @ a; (a[1:] - a[:-1])/(b[1:] - b[:-1]); stack([a[0]**2 - b[1], sin(a[1])*s])
sum([a, b]); max([s, 0.2]); dot([1, 2, 3], a); norm([s, 2*s]); solve([[2, 1], [1, 3]], a[:2])
a @ b**2; -a @ b; 2*a @ b; a @ A*2; a < b + 1; n & 6 == 4; n | 8 & 3; ~n & 6; -n // 2; -n**2; a/b // c[0]; a % b*2
+-+a; a - b < c[0]; ~(a > 0) & (b > 0); c**-b[0]**2; 2**-1**2; -2**2; (-2)**2; (-a)**2; a*b @ a; n % 3 - 1; 7 - 4 - 2
16/4/2; 2*3 % 4; 2 + 3*4**2/8 - 1; 1e2*a; 1E+2*a; 1.e-2*a; 0*a; 100000000000000000000*a; 1e-400*a; 5e-324*1;
True & f; f | False; ~f; f + f; n + True; f*a; f + n; f & (a > 0); (a < b) == (b < a); f != True; s < a; s*s; n*s
n // (n - n); n % (n - n); n/(n - n); where(n - 3, a, b); where(k, a, b); where(a > 0, n, b); where(f, n, 2)
A + one; a[:, None] + b; a[:, None, None]*A; u*A[0] + u[0]; u + one*s; one + a; A[:1]*A[:, :1]; u[:1] - u[:, :1]
A[:, [0, 2]]; A[i[0], j]; u[:, j[1]][0]; A[[0, 2], [1, 3]]; u[i - 1, :, 1]; u[..., j]; u[0, ..., [1, 2]]; a[n[0] - 2]
a[-1:0:-1]; c[3::-2]; c[:2:-1]; c[-3:-1]; c[:]; c[::]; c[1::2]; c[:3:2]; c[0:3:2]; A[-2:, -3:-1]; u[::-1, 1:2, ::2]
A[:, None, 1:]; A[None, ..., None]; A[newaxis, 0]; u[..., None]; u[:, 0, None]; c[..., 1:]; s[...]; s[None]; A[0, :][1]
(A*2)[1]; (A)[1, 1]; sum(A, 0)[1:]; A.T[0, 1:]; A[1:][0]; A[len(A) - 1, -1]; A[0:len(a):size(c) - 2]; c[7 // 2]; c[5 % 3]
a[where(f, 0, 1)]; A[f, 1]; u[:, f]; A[A > 0]; a[a > 0]; A[True & f]; A[:, c > 1]; c[j] * A[0, j]; A[j % 3, j]
s.T; a[:2].T; (u + 1).T; sum(u, 0).T; A[1:].T; A.T.T[0]; c[1:-1]; slogdet(M); block([[a], [b]]); norm(u, inf, axis=(-1, 0), keepdims=True); norm(u, 1, (2, 1))
b // 0.35; b % 0.35; n/1 // 0.1; n/1 % 0.1; c[1:] // a; c[1:] % a; 7.5 // 0.1; 7.5 % 0.1; 1 // 0.1; 1 % 0.1; -7.5 // 2; -7.5 % 2; 7 % -3; 7 // -3; 7.5 % -2; 7.5 // -2; 6.0 % 3; (a[:, None]).T; A.T**2; -A.T; A.T[1:].T; u[0].T @ a
sum(A, 0, keepdims=True); sum(u, axis=1)[0]; mean(u, axis=(0, 2)); max(A, axis=None); min(A, axis=0)
norm(u, axis=2); norm(A, axis=(0, 1)); norm(A, 1); norm(A, 2); norm(A, inf); norm(A, -inf); norm(A, ord=-2)
norm(u, 1, axis=(0, 2)); norm(u, inf, axis=(-1, 0)); norm(u, ord=2, axis=(1, 2), keepdims=True); norm(a, 0); norm(a, -1)
norm(a, 2.5); norm(A, None); norm(A, axis=-1, keepdims=False); norm(A, ord=1, axis=None); norm(A, ord=3, axis=1); norm(s)
var(A, ddof=2); var(n); std(n, ddof=1); var(u, axis=(0, 2), ddof=1, keepdims=True); std(u, (0, 1)); sum(f); prod(n); max(n)
mean(f); cumsum(n); cumprod(n); cumsum(f); cumsum(u, axis=1); cumprod(u, axis=-2); cumsum(u, axis=None); cumprod(A, 0)
cumprod(A, axis=None); sort(u, axis=1); sort(A, axis=-2); sort(A, axis=None); sort(n); softmax(u, axis=(0, 2))
softmax(u, axis=(-1, 1)); softmax(A, axis=None); log_softmax(u, axis=(0, 2)); log_softmax(u, axis=(-1, 1)); softmax(A, axis=-2)
log_softmax(A, axis=None); log_softmax(A, axis=-2); softmax(A, 1); tensordot(u, A, axes=2); tensordot(u, u, axes=((-1,), (-1,)))
tensordot(a, b, axes=1); tensordot(A, B, axes=(-1, 0)); tensordot(A, B, axes=(1, 0)); trace(u); trace(M, offset=1); trace(A, -3)
trace(A, 7); diag(a, k=-1); diag(A, -2); diag(M, k=1); transpose(A, axes=None); transpose(u, axes=(-1, 0, -2)); transpose(a)
transpose(A, (1, 0)); concatenate([u, u*2], axis=1); concatenate([u, u*2], axis=-1); concatenate([a, n]); concatenate([A, B[:, :1].T])
concatenate([A, A], axis=None); concatenate([[s], a, [1, 2.5]]); stack([A, A*2], axis=2); stack([A, 2*A], axis=-2); stack([n, a])
stack([1, 2]); stack([a, [1, 2, 3]], axis=0); roll(u, 1, axis=1); roll(u, -2, axis=-1); roll(u, (1, 2), axis=(0, 2)); roll(A, 5)
roll(A, 1, axis=None); roll(u, 1, axis=(-1, 0)); roll(A, (1, -1), axis=0); flip(u, axis=1); flip(u, axis=-1); flip(A, axis=None)
flip(u, axis=(0, -1)); tile(A, (2, 1, 3)); tile(s, 3); tile(u, 2); tile(a, (2, 2)); repeat(u, 2, axis=1); repeat(u, 2, axis=-1)
repeat(s, 3); repeat(A, 2, axis=None); repeat(a, 0); squeeze(u[:, :1, :1]); squeeze(u[:, :1, :1], axis=1); squeeze(one, axis=-1)
squeeze(u[:, :1, :1], axis=(1, -1)); squeeze(one, axis=None); expand_dims(A, axis=1); expand_dims(A, axis=(-1, 0))
take(u, i - 1, axis=1); take(u, j % 3, axis=-2); take(A, j, axis=None); take(A, [0, -1], axis=1); take(A, 2)
eye(3, M=2); eye(2, M=None, k=0); eye(4, 3, k=-2); eye(0); eye(3)*s; arange(start=2, stop=9, step=3); arange(6, step=2)
arange(0); arange(3, 1); arange(2.5); arange(1, 2, 0.3); arange(3, 0, -0.5); linspace(1, s, num=4, endpoint=True)
linspace(0, 1, num=0); linspace(0, 1, 1, endpoint=False); linspace(-s, s, num=5, endpoint=False); linspace(3, 1, 4)
full((), 2.5); full(2, s); full((2, 2), True); zeros(()); zeros((0, 2)); ones((2, 1, 3)); zeros_like(n); ones_like(f)
zeros_like(s); broadcast_to(A, (2, 3, 4)); broadcast_to(A[:, :1], (2, 3, 5)); broadcast_to(2.5, (2, 2)); reshape(A, shape=(2, 6))
reshape(s, ()); reshape(a, [3, 1, -1]); reshape(u, (4, -1, 2)); block([[A], [2*A]]); block([s, 2, a]); block([[s, 2], [a[0], 3]])
dot(s, s); dot(A, s); dot(a, A); dot(n, a); dot(n, n); dot(u, c); dot(c, transpose(u, (0, 2, 1))); matmul(a, b); matmul(a, A)
matmul(u, transpose(u, (0, 2, 1))); u @ u[0].T; u[:, None] @ B; n @ n; outer(A, a); outer(s, a); outer(n, n); kron(s, A)
kron(u, A[:2]); kron(A, a); kron(n, n); solve(M, eye(3)); solve(stack([M, M.T]), stack([A, 2*A])); solve(M, one); inv(M.T)
inv(stack([M, 2*M.T])); det(stack([M, M.T])); det(M[:2, :2]); det(zeros((0, 0))); det(ones((3, 3))); det(zeros((2, 2))); det(n[:1, None])
slogdet(-M)[0]; slogdet(stack([M, M.T @ M]))[1]; slogdet(zeros((2, 2)))[0]; slogdet(zeros((2, 2)))[1]; slogdet(-M[:1, :1])[1]
cholesky(stack([M @ M.T + eye(3), 2*eye(3)])); cholesky(M.T @ M/4 + eye(3))[1:]; size(u); size(s); len(u); size(nothing); len(hollow)
logsumexp(u, (0, 2)); logsumexp(n); sigmoid(A)*A; hypot(3, 4*a); power(2, a); power(a, 2); power(a, k); power(c, a[0]); power(n, 2)
power(c, -2); n**k; c**n[0]; a**3.0; a**1; a**5; c**-0.5; (a**2)**1.5; maximum(n, a); minimum(n, 0); maximum(f, n); clip(n, 0, 4)
clip(a, b, c[0]); clip(A, one - 1, 1); clip(a, a_min=None, a_max=1); clip(a, a_min=b, a_max=None); mod(n, 3); mod(-a, 1.5)
mod(a, -1.5); floor_divide(n, 3); floor_divide(a, -1.5); floor(n); round(2.5*b); round(n); trunc(n); sqrt(n*n); log(n*n); floor(-a)
block([[[a, s]], [[b, 2*s]]]); block([[[A], [2*A]], [[A], [A*A]]]); roll(a, (), 0); roll(a, 1, ()); roll(A, (), ())
take(A, [[0, 2], [1, 0]]); a[[[0, 1], [2, 0]]]; a[::9223372036854775807]; a[::-9223372036854775807]; a[:9223372036854775807:2]
eye(3, k=-9223372036854775807)*s
arange(0.5, -1, -0.4); linspace(s, s, 3); linspace(1e-300, 3e-300, 3); 0.000000000000000000001e21*a; 0.1e-400 + a
arctan2(A, one); arctan2(n, 2); logaddexp(A, one); hypot(A, one); abs(f); where(A > one, A, one)
"""

# Every function that goes element by element, at the edges.
EDGES = """
sum(edge); sum(edge[:6]); prod(edge); prod(edge[:6]); mean(edge[6:7]); max(edge); min(edge); max(edge[:8]); min(edge[:8])
max(edge[:2]); cumsum(edge); cumprod(edge); sort(edge); sort(-edge); logsumexp(edge); logsumexp(edge[:8]); logsumexp(edge[7:8])
logsumexp([1e4, 1e4]); logsumexp(edge[9:]); softmax(edge[9:]); log_softmax(edge[9:]); softmax(edge[:6])
softmax(edge[7:8]); log_softmax(edge[7:9]); norm(edge[:6]); norm(edge[6:8]); norm(edge, inf); norm(edge[:6], 1); var(edge[:6])
std(edge[6:7]); clip(edge, -1, 1); clip(edge, None, 2); clip(0, edge, 1); edge < edge[:, None]; edge <= edge[:, None]
edge == edge; edge != edge; edge > 0; edge >= 0; edge**2; edge**0; edge**-1; edge**1.5; edge**3; edge**-2; edge**1.0; 2**edge; 0.0**edge
edge + edge[:, None]; edge - edge[:, None]; edge*edge[:, None]; edge/edge[:, None]; edge // edge[:, None]; edge % edge[:, None]
-edge; +edge; where(edge, 1, 0); where(edge > 0, edge, 0); dot(edge[:6], edge[2:8]); outer(edge, edge); edge[::-1]; edge[6:9].T
tanh(huge); hypot(huge, huge[::-1]); logaddexp(huge, -huge); softplus(huge); sigmoid(huge); logsumexp(huge); softmax(huge)
log_softmax(huge); sqrt(huge); cbrt(huge); arcsinh(huge); gammaln(edge[:7]); gammaln(edge[8:]); arctan2(huge, huge[:, None]); huge*huge; huge/huge[::-1]; log1p(huge)
expm1(huge); erf(huge); erfc(huge); sinh(huge[2:]); reciprocal(huge); gammaln(huge[:4]); i0e(huge); huge**2; huge**0.5; huge**-1
abs(huge); sign(huge); floor(huge); round(huge); log(abs(huge)); log2(abs(huge)); log10(abs(huge)); max(huge); min(huge); sort(huge)
sum(nothing); prod(nothing); mean(nothing); var(nothing); std(nothing); norm(nothing); norm(nothing, 1); logsumexp(nothing)
cumsum(nothing); cumprod(nothing); sort(nothing); dot(nothing, nothing); sin(nothing)
nothing + s; nothing*nothing; nothing[:, None] + a; outer(nothing, a); concatenate([nothing, a]); tile(nothing, 2); nothing[::-1]
sum(hollow); sum(hollow, axis=1); sum(hollow, axis=0); sum(hollow, axis=(0, 1), keepdims=True); prod(hollow, axis=1); mean(hollow, 1)
max(hollow, axis=0); min(hollow, axis=2); logsumexp(hollow, axis=1); softmax(hollow, axis=0); cumsum(hollow, axis=1); hollow @ M
var(hollow, axis=1); norm(hollow, axis=1); hollow[0]; hollow[:, :, 1]; hollow.T; reshape(hollow, (0, 5)); reshape(hollow, (3, -1))
transpose(hollow, (2, 0, 1)); flip(hollow); roll(hollow, 1); hollow[0].T @ hollow[1]; trace(hollow[0]); a[3:]; a[:0]*a[3:]
squeeze(hollow[:1]); expand_dims(nothing, 0); stack([nothing, nothing]); repeat(nothing, 3); broadcast_to(nothing, (2, 0))
"""
for name in """exp exp2 expm1 log log1p log2 log10 sqrt cbrt square reciprocal abs sign floor ceil round trunc sin cos tan arcsin
arccos arctan asin acos atan sinh cosh tanh arcsinh arccosh arctanh asinh acosh atanh sigmoid softplus relu erf erfc erfinv
digamma i0e i1e""".split():
    EDGES += f"; {name}(edge)"
for name in "maximum minimum power mod hypot arctan2 atan2 logaddexp floor_divide".split():
    EDGES += f"; {name}(edge[:, None], edge)"
for name in "sum mean prod max min logsumexp var std".split():
    FORMULAS += (f"; {name}(u, axis=1); {name}(u, axis=-1); {name}(u, axis=(0, 2)); {name}(u, axis=(-1, 0), keepdims=True)"
                 f"; {name}(u, axis=None, keepdims=False); {name}(u, keepdims=True)")

# Calls that are no formulas.
FUNCTIONS = """
einsum("ij,jk->ik", A, B); einsum("ij,j", A, c); einsum("ii", M); einsum("ii->i", M); einsum("ijk,ik->j", u, u[:, 0])
einsum("...k,k->...", u, c); einsum("i,j,k->kij", a, b, c); einsum("ij->ji", A); einsum("ij->", A); einsum("i,i->i", a, b)
argmax(A); argmax(u, 1); argmax(u, axis=-1, keepdims=True); argmin(A); argmin(u, 1); argmin(u, axis=-1, keepdims=True)
argsort(A); argsort(u, 1); searchsorted(c, a); searchsorted(c, c); searchsorted(c, c, side="right")
unravel_index(j, (3, 4))[0]; unravel_index(j, (3, 4))[1]; meshgrid(a, c)[0]; meshgrid(a, c)[1]; meshgrid(a, c, indexing="ij")[0]
meshgrid(a, c, indexing="ij")[1]; vdot(A, 2*A); inner(A, c); inner(A, A); cross(a, b); cross(A[:, :3], a); cross(A[:, :3], 2*A[:, 1:])
triu(A); triu(A, 1); tril(u, -1); tril(A, 2); diagonal(u); diagonal(u, 1, 1, 2); trace(u, 1, 1, 2)
pad(A, ((1, 2), (0, 3))); pad(a, ((2, 1),), constant_values=7.5); pad(A, 1); split(A, 2, 1)[1]; split(c, [1, 3])[1]; split(c, [1, 3])[2]
moveaxis(u, 0, -1); moveaxis(u, (0, 1), (2, 0)); swapaxes(u, 0, 2); atleast_1d(s); atleast_2d(a); atleast_3d(A)
vstack([a, b]); hstack([A, one]); column_stack([a, b]); broadcast_arrays(one, A)[0]; ravel(u); full_like(A, 2.5); identity(3)
take_along_axis(A[:, :2], j % 3, 0); take_along_axis(A, argsort(A), 1); any(A > 1); any(u > 1, 2); all(A > -3); all(u > 0, (0, 2), keepdims=True)
logical_and(a > 0, f); logical_or(a > 0, f); logical_xor(a > 0, f); logical_not(n - 3); isfinite(edge); isnan(edge); isinf(edge)
isfinite(nan_to_num(edge)); sign(nan_to_num(edge)); nan_to_num(edge[8:], nan=2.5); rsqrt(c); logit(p); xlogy(a, c[:3]); xlog1py(a, p); xlogy(0*c, 0*edge[:4])
betaln(c, 1.5); betaln(c[:3], p); polygamma(1, c); polygamma(2, c); logit(edge); cond(M, -2); norm(u, inf, (2, 0)); cho_solve((cholesky(eye(3) + outer(a, a)), True), b)
at(a, 1, "set", s); at(A, i, "set", c); at(A, (slice(None), 1), "set", b); at(A, i, "add", A[:2]); at(c, j, "add", 2*A[:2, :2])
at(c, j % 2, "multiply", 1.5); at(A, (i, i), "multiply", a[:2]); at(c, j, "min", B[:2]); at(c, j, "max", B[:2]); at(a, slice(None, None, 2), "add", s)
solve_triangular(M, a, lower=True); solve_triangular(M, A); solve_triangular(M, a, trans=1); solve_triangular(M, a, unit_diagonal=True)
solve_triangular(M, a, lower=True, trans=1, unit_diagonal=True); lstsq(A.T, c)[0]; lstsq(A, a)[0]; lstsq(A.T, c)[1][0]; lstsq(A, a)[2]
stop_gradient(lstsq(A, a)[3]); pinv(A); pinv(A.T); pinv(M); abs(qr(A.T).R); abs(qr(A.T).Q); svd(A).S; svdvals(A.T); abs(svd(A, full_matrices=False).U)
abs(svd(A, full_matrices=False).Vh); stop_gradient(abs(qr(A.T, mode="complete").R)); eigh(M).eigenvalues; abs(eigh(M).eigenvectors); eigvalsh((M + M.T)/2)
expm(M/4); expm(M); matrix_power(M, 3); matrix_power(M, 0); matrix_power(M, -2); multi_dot([a, A, B]); matrix_rank(A)
matrix_rank(outer(a, b)); cond(M); cond(M, 1); cond(M, inf); cond(M, "fro"); norm(A, "fro"); norm(A, "nuc"); norm(M, -1); norm(u, "fro", (0, 1))
norm(u, "nuc", (1, 2))
add(a, b); subtract(A, one); multiply(a, b); divide(a, b); remainder(a, b); negative(a); equal(a, a); not_equal(a, b)
less(a, b); less_equal(a, a); greater(a, b); greater_equal(a, a); copysign(a, b); copysign(edge[:6, None], edge[:8])
heaviside(edge, 0.5); heaviside(0*a, b); isclose(edge[:, None], edge); isclose(edge, edge, equal_nan=True)
isclose(a, 1.01*a, 0.02, 0.0); isclose(0*a, a, 0.0, 1.0); allclose(a, a + 1e-9); allclose(a, b); array_equal(A, A)
array_equal(a, b); array_equal(a, c); nansum(edge[8:]); nansum(stack([edge[8:], edge[:3]]), 1); nansum(A, 0, keepdims=True)
nansum(n); nanmean(edge[8:]); nanmean(stack([edge[8:], edge[:3]]), 1); nanmean(edge[8:9]); nanmean(A, 1); nanmax(edge)
nanmax(stack([edge[8:], edge[:3]]), 0); nanmax(edge[8:9]); nanmax(n); nanmax(u, (0, 2), keepdims=True); nanmin(edge)
nanmin(edge[8:9]); nanmin(u, (0, 2)); count_nonzero(edge); count_nonzero(A > 0, 1, keepdims=True); average(A)
average(A, 1, weights=c); average(A, 0, a**2); average(u, (0, 2), weights=u**2); median(A); median(a); median(u, (0, 2))
median(A, axis=1, keepdims=True); median(edge); quantile(A, s); quantile(A, p, axis=1)
quantile(u, p, axis=(0, 2), keepdims=True); quantile(edge[:6], 0.25); quantile(a, 0); quantile(a, 1); cov(A)
cov(A, rowvar=False, ddof=0); cov(a); diff(a); diff(u, axis=1); diff(A, 2); diff(A, 5); diff(n); diff(f); trapezoid(A)
trapezoid(A, c); trapezoid(A, dx=s, axis=0); trapezoid(u, a, axis=1); trapezoid(A, A**2); interp(a, c, c**2)
interp(c, c, 2*c); interp(A, c, B[:, 0], 7.0, -7.0); interp(edge, c, 2*c); interp(a, c[:1], c[:1]); polyval(c, a)
polyval(a, A); convolve(a, c); convolve(c, a, "same"); convolve(a[:2], c, "same"); convolve(a, c, "valid"); convolve(n, n)
tri(3); tri(2, 4, 1); tril_indices(4)[0]; tril_indices(3, -1, 5)[1]; triu_indices(3, 1)[0]; triu_indices(4)[1]; one_hot(i, 3)
block_diag(A, B, a); array([a, b]); array([[a, b], [b, a]]); pad(a, (1, 2)); pad(A, 2, mode="edge")
pad(a, ((5, 4),), mode="reflect"); pad(s[None], 2, mode="reflect"); pad(a, ((5, 4),), mode="symmetric")
pad(A, ((1, 2), (0, 7)), mode="wrap"); pad(a, 1, mode="constant"); roll(u, (1, -2), (0, 2)); repeat(a, [1, 0, 2])
repeat(A, n % 3, 0); top_k(A, 2)[0]; top_k(A, 2)[1]; flip(sort(A, 0), 0); 2 - flip(argsort(flip(n % 2)), 0); split(c, [2])[1]
at(c, j % 2, "divide", 1.5); at(c, j % 2, "power", 2); logsumexp(A, axis=1, b=c); logsumexp(edge[:8], b=edge[:8] < 0)
expit(a); i0(a); i0(edge[:6]); i1(a); i1(edge[:6]); entr(c); entr(edge); ndtr(a); ndtr(edge); log_ndtr(a); log_ndtr(20*a)
log_ndtr(edge); beta(c, 1.5); betaln(40*c, c); betaln(c, 20*c[::-1])
"""


def weights(value):
    return np.reshape(1 + 0.1 * np.arange(np.size(value)), np.shape(value))


def evaluate(text, inputs):
    with np.errstate(all="ignore"):
        return np.asarray(eval(compile(text, "formula", "eval"), dict(NAMESPACE), dict(inputs)))


def loss(text, inputs):
    value = evaluate(text, inputs)
    return math.fsum((value * weights(value)).ravel())


def gradient(text, name):
    """Central differences at h, h/2, h/4, h/8, extrapolated."""
    x = INPUTS[name]
    out = np.zeros(x.size)
    for k in range(x.size):
        estimates = []
        for h in (8e-3, 4e-3, 2e-3, 1e-3):
            sides = []
            for sign in (1, -1):
                moved = x.copy()
                moved.reshape(-1)[k] += sign * h
                sides.append(loss(text, {**INPUTS, name: moved}))
            estimates.append((sides[0] - sides[1]) / (2 * h))
        for power in (4, 16, 64):
            estimates = [(power * fine - coarse) / (power - 1) for coarse, fine in zip(estimates, estimates[1:])]
        out[k] = estimates[0]
    return out


def number(v):
    return float(v) if math.isfinite(v) else str(float(v))


def numbers(x):
    return {"shape": list(x.shape), "kind": x.dtype.kind, "value": [number(v) for v in x.ravel()]}


def row(text):
    value = evaluate(text, INPUTS)
    out = {"text": text, **numbers(value)}
    if text in DYNAMIC:
        out["dynamic"] = True
    names = [name for name in compile(text, "formula", "eval").co_names if name in INPUTS]
    floating = [name for name in names if INPUTS[name].dtype.kind == "f"]
    if value.dtype.kind == "f" and len(floating) > 1 and len(floating) == len(names):
        single = {**INPUTS, floating[0]: INPUTS[floating[0]].astype(np.float32)}
        out["mixed"] = [floating[0], str(evaluate(text, single).dtype)]
    if value.dtype.kind == "f" and not AT_EDGES & set(names) and "stop_gradient" not in text:
        out["gradient"] = {name: [number(v) for v in gradient(text, name)] for name in floating}
    return out


def write(file, texts):
    rows = [row(text) for text in dict.fromkeys(part.strip() for part in texts.replace("\n", ";").split(";")) if text]
    inputs = {name: numbers(x) for name, x in INPUTS.items()}
    lines = ",\n".join(json.dumps(r) for r in rows)
    path = pathlib.Path(__file__).parent.parent / "tests/data" / file
    path.write_text('{"inputs": ' + json.dumps(inputs) + ',\n"rows": [\n' + lines + "\n]}\n")
    print(f"{file}: {len(rows)} rows")


write("formula_table.json", FORMULAS + EDGES)
write("function_table.json", FUNCTIONS)
