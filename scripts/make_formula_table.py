#!/usr/bin/env python3
"""Writes tests/data/formula_table.json: formulas with the values that NumPy (SciPy for special functions) gives them,
and the gradients of sum(value * weights) by Richardson-extrapolated central differences of those values.

Needs numpy and scipy. The formulas are Python expressions; they are evaluated as they stand.
"""
import json
import math
import pathlib

import numpy as np
from scipy import special

rng = np.random.default_rng(20)


def matrix(*shape):
    return np.round(rng.uniform(-2, 2, shape), 3)


INPUTS = {
    "a": np.array([0.6, -1.3, 2.1]),
    "b": np.array([1.7, 0.4, -0.9]),
    "c": np.array([0.5, 1.25, 2.5, 4.0]),
    "p": np.array([0.15, 0.55, 0.8]),
    "s": np.array(0.7),
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
}

NAMESPACE = {name: getattr(np, name) for name in """
exp exp2 expm1 log log1p log2 log10 sqrt cbrt square reciprocal abs sign floor ceil round trunc sin cos tan arcsin arccos
arctan arctan2 asin acos atan atan2 sinh cosh tanh arcsinh arccosh arctanh asinh acosh atanh maximum minimum clip where
mod floor_divide power hypot logaddexp sum mean prod max min var std cumsum cumprod sort dot matmul outer tensordot kron
trace diag transpose reshape concatenate stack roll flip tile repeat eye zeros ones full arange linspace zeros_like
ones_like broadcast_to squeeze expand_dims block take size pi e inf newaxis""".split()}
NAMESPACE.update({name: getattr(np.linalg, name) for name in "norm solve inv det slogdet cholesky".split()})
NAMESPACE.update({name: getattr(special, name) for name in "erf erfc erfinv gammaln digamma i0e i1e".split()})
NAMESPACE.update({
    "len": len,
    "sigmoid": special.expit,
    "softplus": lambda x: np.logaddexp(x, 0),
    "relu": lambda x: np.maximum(x, 0),
    "logsumexp": special.logsumexp,
    "softmax": lambda x, axis=-1: special.softmax(x, axis=axis),
    "log_softmax": lambda x, axis=-1: special.log_softmax(x, axis=axis),
})

FORMULAS = """
2 | 0.5 + a*0 | 1e-3*a | .5*a | 5.*a | True + a | where(False, a, b) | pi*a | e*a
a + b | a - b | a*b | a/b | a**2 | a**3 | a**0 | a**-1 | a**-2 | c**a[1] | c**0.5 | c**s | 2**a | a @ b | A @ B | a @ A
-a | +a | -a**2 | 2**3**2 | 2**-1 | -2**-2*a | 2**3**2*a | a - b - a | a/b/c[0] | a/b*c[0] | a - b*a + b/a
-a*b | - -a | a*-b | 2**-a | c**2**0.5 | (a + b)*(a - b) | a // 1.5 | a % 1.5 | n // 2 | n % 4 | n*a | n**2
7 // 2 | -7 // 2 | 7 % 3 | -7 % 3 | 1/3 | 2*3 + 4 | 10**20*a | n/2 | n + n*n
a < b | a <= b | a > b | a >= b | a == a | a != b | n == 3 | 0 < a
(a > 0) & (b > 0) | (a > 0) | (b > 0) | ~(a > 0) | where((a > 0) & (b < 1), a, b) | where(~f | (a > 1), a, -b)
where(a > 0, a, b) | where(f, a*2, b**2) | where(a > 0, 1.0, 0.0)*a | n & 6 | n | 8 | ~n
A + a[:, None] | A*c | one + c | one*A | u + A | u*c | s*u | a + one | u - one
a[0] | a[-1] | a[1:] | a[:-1] | a[::2] | a[::-1] | a[-2:] | a[:2]*b[1:] | a[1:2] | a[5:] | a[-10:2] | a[2:0:-1]
A[0] | A[1, 2] | A[-1, -1] | A[:, 1] | A[1:, ::2] | A[::2, 1] | A[::-1, ::-1] | A[..., 0] | A[0, ...] | A[...]
A[:, None, :] | A[None] | a[None, :] | a[:, None] | a[newaxis] | u[0, :, 1] | u[:, 1] | u[..., 1:3] | u[1, ..., 2]
u[0][1][2] | (a + b)[1:] | sin(a)[0] | (A @ c)[-1] | a[len(a) - 1] | a[size(a)//2:] | a[:len(b) - 1] | A[-len(a) + 1]
a[i] | A[i] | A[:, j] | A[i, 1] | A[i, :2] | c[j] | u[:, i] | u[0, i] | a[k] | A[k, k] | a[[0, 2, 0]] | A[[1, 2]] | a[-i]
A[i, i] | u[:, i, i] | A[j[0] - 1] | a[n % 3] | a[f] | A[f] | A[(1, 2)] | A[1,] | u[0, [0, 2], :]
A.T | u.T | A.T @ a | A.T.T | (A.T)[0] | A.T[1] | a.T | (A @ B).T
exp(a) | exp2(a) | expm1(a) | log(c) | log1p(c) | log2(c) | log10(c) | sqrt(c) | cbrt(a) | square(a) | reciprocal(a)
abs(a) | sign(a) | floor(a) | ceil(a) | round(a) | trunc(a) | sin(a) | cos(a) | tan(a) | arcsin(p) | arccos(p)
arctan(a) | arctan2(a, b) | asin(p) | acos(p) | atan(a) | atan2(a, b) | sinh(a) | cosh(a) | tanh(a) | arcsinh(a)
arccosh(c + 1) | arctanh(p) | asinh(a) | acosh(c + 1) | atanh(p) | sigmoid(a) | softplus(a) | relu(a) | erf(a) | erfc(a)
erfinv(p) | gammaln(c) | digamma(c) | i0e(a) | i1e(a) | maximum(a, b) | minimum(a, b) | maximum(a, 0.5) | clip(a, -1, 1)
clip(a, a_min=0, a_max=None) | clip(a, None, b) | mod(a, 2) | mod(a, b) | floor_divide(a, b) | power(c, 1.5) | power(a, 3)
hypot(a, b) | logaddexp(a, b) | abs(n) | sign(n) | square(n) | exp(n) | maximum(n, 2)
sum(a) | sum(A) | sum(A, 0) | sum(A, axis=1) | sum(A, axis=-1, keepdims=True) | sum(u, axis=(0, 2)) | sum(u, (0, 1, 2))
sum(A, axis=None) | sum(n) | sum(a > 0) | sum(A, keepdims=True) | mean(A) | mean(A, 0) | mean(A, axis=1, keepdims=True)
mean(n) | prod(a) | prod(A, axis=1) | prod(A, axis=(0, 1)) | max(A) | max(A, 0) | max(A, axis=1, keepdims=True) | min(A)
min(u, axis=(1, 2)) | norm(a) | norm(A) | norm(a, 1) | norm(a, 2) | norm(a, inf) | norm(a, ord=inf) | norm(A, axis=1)
norm(A, axis=0, keepdims=True) | norm(A, 1, axis=1) | norm(A, inf, 0) | norm(a, 3) | norm(a, -inf)
var(A) | var(A, 0) | var(a, ddof=1) | var(A, axis=1, keepdims=True) | std(A) | std(A, axis=0, ddof=1) | std(a)
cumsum(a) | cumsum(A) | cumsum(A, 0) | cumsum(A, axis=-1) | cumprod(a) | cumprod(A, axis=1) | logsumexp(a)
logsumexp(A, axis=0) | logsumexp(A, axis=(0, 1)) | logsumexp(A, axis=1, keepdims=True) | softmax(a) | softmax(A)
softmax(A, axis=0) | log_softmax(A) | log_softmax(A, axis=0) | sort(a) | sort(A) | sort(A, axis=0) | sort(A, None)
dot(a, b) | dot(A, B) | dot(A, c) | dot(s, a) | dot(u, B) | matmul(A, B) | matmul(u, B) | matmul(A, c) | outer(a, c)
tensordot(u, A) | tensordot(A, B, 1) | tensordot(a, b, axes=0) | tensordot(u, A, axes=((1, 2), (0, 1)))
tensordot(u, A, axes=([2, 1], [1, 0])) | tensordot(A, u, (0, 1)) | kron(a, c) | kron(A, B) | kron(a, A)
trace(M) | trace(A, 1) | trace(A, offset=-1) | diag(a) | diag(M) | diag(a, 1) | diag(M, k=-1) | diag(A, 1)
transpose(A) | transpose(u) | transpose(u, (1, 2, 0)) | transpose(u, axes=(0, 2, 1)) | solve(M, a) | solve(M, A) | inv(M)
det(M) | slogdet(M)[0] | slogdet(M)[1] | cholesky(M @ M.T + eye(3)) | inv(M) @ a - solve(M, a) | solve(M.T, a)
reshape(A, (4, 3)) | reshape(A, -1) | reshape(A, (2, -1)) | reshape(A, [-1]) | reshape(a, (3, 1)) | reshape(A, (len(c), -1))
reshape(u, (size(u)//3, 3)) | reshape(A, size(A)) | reshape(s, (1, 1))
concatenate([a, b]) | concatenate((a, b, c)) | concatenate([A, A*2], axis=1) | concatenate([A, A.T], None)
concatenate([a, [1, 2]]) | stack([a, b]) | stack([a, b], 1) | stack([a, b], axis=-1) | stack((a[0]**2, sin(a[1])))
stack([s, 1.5, a[0]]) | roll(a, 1) | roll(A, 1) | roll(A, -1, axis=1) | roll(A, (1, 2), axis=(0, 1)) | roll(u, 2, (0, 2))
flip(a) | flip(A) | flip(A, 0) | flip(A, axis=1) | flip(u, axis=(0, 2)) | tile(a, 2) | tile(a, (2, 1)) | tile(A, (1, 2))
tile(A, 2) | repeat(a, 2) | repeat(A, 2) | repeat(A, 2, axis=0) | repeat(A, repeats=3, axis=1)
eye(3) | eye(2, 3) | eye(3, k=1) | eye(3, 4, -1) | eye(3) @ a | zeros(3) | zeros((2, 3)) | ones([2, 2]) | full(3, 2.5)
full((2, 3), s) | full((2, 3), a) | arange(4) | arange(1, 4) | arange(0, 7, 2) | arange(5, 1, -1) | arange(0, 1, 0.25)
arange(3)*a | arange(len(a))*a | arange(0.5, 3) | linspace(0, 1, 5) | linspace(1, 2, num=3) | linspace(0, 1, 4, endpoint=False)
linspace(0, s, 4) | linspace(-1, 1) | linspace(s, a[2], 3, False) | linspace(2, 5, 1) | zeros_like(A) | ones_like(a) + a
broadcast_to(a, (2, 3)) | broadcast_to(s, 3) | broadcast_to(one, (3, 2)) | squeeze(one) | squeeze(one, axis=1)
squeeze(expand_dims(A, 0)) | expand_dims(a, 0) | expand_dims(a, axis=-1) | expand_dims(A, (0, 2)) | block([a, b])
block([[A, one], [A, one]]) | block([[M, A], [zeros((1, 3)), ones((1, 4))]]) | block([s, a]) | take(a, i) | take(A, i)
take(A, i, axis=0) | take(A, j, axis=1) | take(a, [0, 2]) | take(A, 1, axis=1) | take(a, -1)
len(a) | len(A)*a | size(A) | size(A)*s | sum(a)/size(a) | sum(a)/len(a)
sum((A @ c - a)**2)/2 | tanh(M @ a + b) | exp(-a**2/2)/sqrt(2*pi) | sum(where(a > 0, a, 0)**2) | a @ M @ b
sum(A*u, axis=2) | softmax(A @ c) @ a | (a[1:] - a[:-1])/(b[1:] - b[:-1]) | stack([a[0]**2 - b[1], sin(a[1])*s])
sum([a, b]) | max([s, 0.2]) | dot([1, 2, 3], a) | norm([s, 2*s]) | solve([[2, 1], [1, 3]], a[:2])
"""


def weights(value):
    return np.reshape(1 + 0.1 * np.arange(np.size(value)), np.shape(value))


def evaluate(text, inputs):
    return np.asarray(eval(compile(text, "formula", "eval"), dict(NAMESPACE), dict(inputs)))


def loss(text, inputs):
    value = evaluate(text, inputs)
    return math.fsum((value * weights(value)).ravel())


def gradient(text, name):
    """Central differences at h, h/2, h/4, extrapolated twice."""
    x = INPUTS[name]
    out = np.zeros(x.size)
    for k in range(x.size):
        estimates = []
        for h in (4e-3, 2e-3, 1e-3):
            sides = []
            for sign in (1, -1):
                moved = x.copy()
                moved.reshape(-1)[k] += sign * h
                sides.append(loss(text, {**INPUTS, name: moved}))
            estimates.append((sides[0] - sides[1]) / (2 * h))
        first = [(4 * estimates[m + 1] - estimates[m]) / 3 for m in range(2)]
        out[k] = (16 * first[1] - first[0]) / 15
    return out


def main():
    # A | with blanks around it parts formulas, but for those of the operator itself.
    texts = []
    for line in FORMULAS.strip().splitlines():
        parts = [part.strip() for part in line.split(" | ")]
        k = 0
        while k < len(parts):
            joined = parts[k]
            if joined in ("(a > 0)", "n", "where(~f") and k + 1 < len(parts):
                joined, k = f"{joined} | {parts[k + 1]}", k + 1
            texts.append(joined)
            k += 1
    rows = []
    for text in texts:
        value = evaluate(text, INPUTS)
        row = {"formula": text, "shape": list(value.shape), "kind": value.dtype.kind,
               "value": [float(v) for v in value.ravel()]}
        if value.dtype.kind == "f":
            names = compile(text, "formula", "eval").co_names
            row["gradient"] = {name: [float(v) for v in gradient(text, name)]
                               for name in names if name in INPUTS and INPUTS[name].dtype.kind == "f"}
        rows.append(row)
    table = {
        "inputs": {name: {"shape": list(x.shape), "kind": x.dtype.kind, "value": [float(v) for v in x.ravel()]}
                   for name, x in INPUTS.items()},
        "rows": rows,
    }
    path = pathlib.Path(__file__).parent.parent / "tests/data/formula_table.json"
    lines = [json.dumps(row) for row in rows]
    path.write_text('{"inputs": ' + json.dumps(table["inputs"]) + ',\n"rows": [\n' + ",\n".join(lines) + "\n]}\n")
    print(f"{len(rows)} formulas")


main()
