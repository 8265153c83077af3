"""A textbook's session on implicit layers, in Python: the same as notebook.cpp.

Three solvers made of plain array operations, the layer, naive derivatives through the iterations, vjp and jvp, and the implicit function
theorem: first by hand with custom_vjp, then by the library. The numbers beside the lines are printed (float32; entries agree to 2e-6).
"""
from functools import partial

import dini

# ---- Solvers: any callable (f, z_init) -> z is one. These three are also in the package, as dini.fwd_solver, ... -----------------------


def my_fwd_solver(f, z_init):
    z_prev, z = z_init, f(z_init)
    while dini.norm(z_prev - z) > 1e-5:
        z_prev, z = z, f(z)
    return z


def my_newton_solver(f, z_init):
    f_root = lambda z: f(z) - z
    g = lambda z: z - dini.solve(dini.jacobian(f_root)(z), f_root(z))
    return my_fwd_solver(g, z_init)


def my_anderson_solver(f, z_init, m=5, lam=1e-4, max_iter=50, tol=1e-5, beta=1.0):
    """Anderson acceleration with history m and ridge lam, by the bordered system [[0, 1'], [1, GG']] + lam I."""
    x0 = z_init
    x1 = f(x0)
    x2 = f(x1)
    X = dini.concatenate([dini.stack([x0, x1]), dini.zeros((m - 2, *x0.shape), x0.dtype)])
    F = dini.concatenate([dini.stack([x1, x2]), dini.zeros((m - 2, *x0.shape), x0.dtype)])
    for k in range(2, max_iter):
        n = min(k, m)
        G = F[:n] - X[:n]
        GTG = dini.tensordot(G, G, [list(range(1, G.ndim))] * 2)
        H = dini.block([[dini.zeros((1, 1), x0.dtype), dini.ones((1, n), x0.dtype)], [dini.ones((n, 1), x0.dtype), GTG]])
        H = H + lam * dini.eye(n + 1, dtype=x0.dtype)
        alpha = dini.solve(H, dini.zeros(n + 1, x0.dtype).at[0].set(1.0))[1:]
        xk = beta * dini.tensordot(alpha, F[:n], 1) + (1 - beta) * dini.tensordot(alpha, X[:n], 1)
        X = X.at[k % m].set(xk)
        F = F.at[k % m].set(f(xk))
        if dini.norm(F[k % m] - X[k % m]) / (1e-5 + dini.norm(F[k % m])) < tol:
            break
    return xk


# ---- The layer -------------------------------------------------------------------------------------------------------------------------
# The draws are bit-equal to jax.random's with its original (non-partitionable) threefry stream.
ndim = 10
W = dini.random.normal(dini.random.key(0), (ndim, ndim), "float32") / ndim**0.5
x = dini.random.normal(dini.random.key(1), (ndim,), "float32")


def f(W, x, z):
    return dini.tanh(dini.dot(W, z) + x)


def naive_layer(solver, f, params, x):
    return solver(lambda z: f(params, x, z), dini.zeros_like(x))


print(naive_layer(my_fwd_solver, f, W, x))
# [ 0.00649598 -0.7015958  -0.984715   -0.04196562 -0.61522174 -0.4818382   0.5783123   0.9556705  -0.08373147  0.8447805 ]
print(naive_layer(my_newton_solver, f, W, x))
# [ 0.00649405 -0.701595   -0.98471504 -0.04196506 -0.6152211  -0.4818385   0.57831246  0.9556705  -0.08372928  0.8447799 ]
print(naive_layer(my_anderson_solver, f, W, x))  # within 1e-4 of the above


# ---- Naive derivatives, through the iterations ---------------------------------------------------------------------------------------------
def naive_loss(solver):
    return lambda W: dini.sum(naive_layer(solver, f, W, x))


print(dini.grad(naive_loss(my_fwd_solver))(W)[0])
# [ 0.0075667  -0.8125902  -1.1404794  -0.04861286 -0.71255237 -0.5580556   0.66978824  1.1068414  -0.09702272  0.97842246 ]
print(dini.grad(naive_loss(my_newton_solver))(W)[0])
# [ 0.00752129 -0.81257427 -1.1404787  -0.04860315 -0.7125375  -0.5580563   0.66979074  1.1068397  -0.09697369  0.97840846 ]

# ---- vjp and jvp -----------------------------------------------------------------------------------------------------------------------
y, f_vjp = dini.vjp(lambda x: dini.sin(x) * dini.square(x), dini.float32(2.0))
print(y, *f_vjp(dini.float32(1.0)))
# 3.6371896 1.9726022

h = dini.sin
g = lambda x: dini.power(x, 3)
one = dini.float32(1.0)
print(*dini.jvp(lambda x: g(h(x)), (one,), (one,)))
# 0.59582317 1.1477209
y, dy = dini.jvp(h, (one,), (one,))  # the same, composed by hand: forward ...
print(*dini.jvp(g, (y,), (dy,)))
# 0.59582317 1.1477209
y, h_vjp = dini.vjp(h, one)  # ... and backward
z, g_vjp = dini.vjp(g, y)
print(z, *h_vjp(*g_vjp(one)))
# 0.59582317 1.1477209


# ---- The implicit function theorem, by hand: solver and f are not differentiated -------------------------------------------------------------
@partial(dini.custom_vjp, nondiff_argnums=(0, 1))
def my_layer(solver, f, params, x):
    return solver(lambda z: f(params, x, z), dini.zeros_like(x))


def my_layer_fwd(solver, f, params, x):
    z_star = my_layer(solver, f, params, x)
    return z_star, (params, x, z_star)


def my_layer_bwd(solver, f, residuals, z_star_bar):
    params, x, z_star = residuals
    _, vjp_a = dini.vjp(lambda params, x: f(params, x, z_star), params, x)
    _, vjp_z = dini.vjp(lambda z: f(params, x, z), z_star)
    return vjp_a(solver(lambda u: vjp_z(u)[0] + z_star_bar, dini.zeros_like(z_star)))


my_layer.defvjp(my_layer_fwd, my_layer_bwd)
print(my_layer(my_fwd_solver, f, W, x))  # as the first line
# [ 0.00649598 -0.7015958  -0.984715   -0.04196562 -0.61522174 -0.4818382   0.5783123   0.9556705  -0.08373147  0.8447805 ]
print(dini.grad(lambda W: dini.sum(my_layer(my_fwd_solver, f, W, x)))(W)[0])
# [ 0.0075235  -0.812573   -1.1404755  -0.04860367 -0.7125365  -0.55805457  0.6697887   1.1068368  -0.09697597  0.9784065 ]


# ---- The same by the library, for the library's solvers and the user's ------------------------------------------------------------------
def gradient(solver):
    return dini.grad(lambda W: dini.sum(dini.fixed_point_layer(solver, f, W, x)))(W)[0]


for solver in (dini.fwd_solver, dini.newton_solver, dini.anderson_solver, my_fwd_solver, my_newton_solver, my_anderson_solver):
    print(gradient(solver))  # each within 1e-4 of the above
