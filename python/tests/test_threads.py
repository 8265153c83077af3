"""Threads, the GIL, Ctrl-C, deadlines; exceptions that pass through; memory."""
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import numpy as np
import pytest

import dini


class Mine(Exception):
    pass


def f(W, x, z):
    return dini.tanh(W @ z + x)


def loss(W, x):
    return dini.sum(dini.fixed_point(f, dini.zeros(10), W, x).value ** 2)


def slow(steps=10**9):
    """A compiled loop that ends by itself in minutes at the earliest."""
    return dini.jit(lambda n: dini.while_loop(lambda s: s[0] < n, lambda s: (s[0] + 1, dini.sin(s[1] + s[0])), (0, 1.0)))(steps)


# ---- Exceptions --------------------------------------------------------------------------------------------------------


def raising(error):
    def g(*args):
        raise error

    return g


ENTRIES = {
    "grad": lambda g: dini.grad(g)(1.0), "jit": lambda g: dini.jit(g)(1.0), "vmap": lambda g: dini.vmap(g)(np.ones(2)),
    "jvp": lambda g: dini.jvp(g, (1.0,), (1.0,)), "vjp": lambda g: dini.vjp(g, 1.0), "jacobian": lambda g: dini.jacobian(g)(1.0),
    "root": lambda g: dini.root(g, 1.0), "fixed_point": lambda g: dini.fixed_point(g, 1.0, stage=False),
    "minimize": lambda g: dini.jit(lambda a: dini.minimize(g, 1.0, a).value)(1.0),
    "constraint": lambda g: dini.minimize(lambda z: z * z, 1.0, equal=g),
    "solver": lambda g: dini.fixed_point(dini.cos, 1.0, solver=g), "adjoint": lambda g: dini.grad(
        lambda a: dini.fixed_point(lambda a, z: dini.cos(a * z), 1.0, a, adjoint=dini.GMRES(preconditioner=g)).value)(1.0),
    "on_step": lambda g: dini.root(lambda z: z * z - 2, 1.0, on_step=g), "cond": lambda g: dini.jit(lambda x: dini.cond(x > 0, g, g, x))(1.0),
    "scan": lambda g: dini.scan(g, 1.0, np.ones(2)), "while": lambda g: dini.while_loop(g, g, 1.0),
    "checkpoint": lambda g: dini.grad(dini.checkpoint(g))(1.0), "tree_map": lambda g: dini.tree_map(g, [1.0]),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_is_raised_comes_out(entry):
    error = Mine("here")
    for outer in (lambda g: ENTRIES[entry](g), lambda g: dini.grad(lambda x: ENTRIES[entry](g) or x)(1.0)):
        with pytest.raises(Mine) as e:
            outer(raising(error))
        assert e.value is error and any("raising" in str(t.path) or t.name == "g" for t in e.traceback)
    assert dini.grad(lambda x: x * x)(3.0).item() == 6  # and all is as it was


def test_rules_that_raise():
    error = Mine()
    rule = dini.custom_vjp(lambda x: x * 2)
    rule.defvjp(lambda x: (x * 2, x), raising(error))
    for run in (dini.grad(rule), dini.jit(dini.grad(rule)), lambda x: dini.grad(lambda a: dini.root(lambda a, z: z - rule(a), 0.0, a).value)(x)):
        with pytest.raises(Mine) as e:
            run(1.0)
        assert e.value is error


def test_the_library_s_errors_keep_their_traceback():
    def inner(z):
        return dini.dot(dini.zeros((2, 3)), dini.zeros(2))

    with pytest.raises(dini.ShapeError, match="dot") as e:
        dini.jit(lambda x: dini.root(inner, x))(1.0)
    assert [t.name for t in e.traceback][-1] == "inner"

    def handled(z):
        try:
            inner(z)
        except dini.ShapeError as error:
            raise Mine("instead") from error

    with pytest.raises(Mine, match="instead"):
        dini.root(handled, 1.0)


# ---- Threads -----------------------------------------------------------------------------------------------------------


def in_threads(n, work):
    out, errors = [], []

    def run(k):
        try:
            out.append(work(k))
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert not any(t.is_alive() for t in threads), "a deadlock"
    if errors:
        raise errors[0]
    return out


def test_results_do_not_depend_on_threads(layer):
    W, x = layer
    want, j = np.asarray(dini.grad(loss, 1)(W, x)), dini.jit(dini.grad(loss, 1))
    work = lambda k: all(np.array_equal((j if k % 2 else dini.grad(loss, 1))(W, x), want) for _ in range(50))
    assert in_threads(4, work) == [True] * 4


def test_others_run_while_a_solve_runs():
    ticks, end = [0], threading.Event()

    def tick():
        while not end.is_set():
            ticks[0] += 1
            time.sleep(0.001)

    t = threading.Thread(target=tick)
    t.start()
    slow(2_000_000)
    counted = ticks[0]
    end.set()
    t.join()
    assert counted > 5


def test_rules_that_sleep():
    """What a user's rule does while the library makes a derivative keeps nobody from doing the same."""

    @dini.custom_jvp
    def g(x):
        return x * x

    @g.defjvp
    def rule(p, t):
        time.sleep(0.02)
        return g(*p), 2 * p[0] * t[0]

    def solve(a):
        return dini.root(lambda a, z: g(z) - a, 1.0, a).value

    compiled = dini.jit(dini.grad(solve))
    work = lambda k: [compiled(4.0).item(), dini.grad(solve)(4.0).item(), dini.vmap(dini.grad(solve))(np.array([4.0, 9.0]))[0].item()]
    for got in in_threads(6, work):
        assert got == pytest.approx([0.25] * 3)


# ---- Ending ------------------------------------------------------------------------------------------------------------


def test_deadline_and_on_step():
    crawl = lambda z: z * (1 - 1e-9) + 1e-9
    begun = time.perf_counter()
    s = dini.fixed_point(crawl, 0.0, solver="forward_iteration", max_steps=10**9, deadline=0.05, on_failure="best")
    assert s.status == "cancelled" and time.perf_counter() - begun < 1 and s.steps > 100
    seen = []
    s = dini.fixed_point(crawl, 0.0, solver="forward_iteration", max_steps=10**9, on_failure="best",
                         on_step=lambda step, norm: seen.append((step, norm)) or step < 20)
    assert s.status == "cancelled" and seen[0][0] == 0 and seen[-1][0] == 20 and all(n >= 0 for _, n in seen)
    with pytest.raises(dini.SolveError) as e:
        dini.fixed_point(crawl, 0.0, max_steps=10**9, solver="forward_iteration", deadline=0.01)
    assert e.value.code == "cancelled" and e.value.value.shape == ()
    with pytest.raises(dini.TraceError, match="jit"):
        dini.jit(lambda a: dini.root(lambda a, z: z - a, 0.0, a, deadline=1.0).value)(1.0)


LONG = {
    "a compiled loop": "slow()",
    "a solve": "dini.fixed_point(lambda z: z * (1 - 1e-9) + 1e-9, 0.0, solver='forward_iteration', max_steps=10**12)",
    "a compiled solve": "dini.jit(lambda a: dini.fixed_point(lambda a, z: z * (1 - 1e-9) + a, 0.0, a, solver='forward_iteration', max_steps=10**12).value)(1e-9)",
    "lanes": "dini.vmap(lambda a: dini.fixed_point(lambda a, z: z * (1 - 1e-9) + a, 0.0, a, solver='forward_iteration', max_steps=10**12).value)(np.ones(300) * 1e-9)",
    "an eager solve": "dini.fixed_point(lambda z: z * (1 - 1e-9) + 1e-9, 0.0, solver='forward_iteration', max_steps=10**12, stage=False)",
    "a callback": "dini.fixed_point(lambda z: time.sleep(60) or z, 0.0)",
    "a large product": "[dini.matmul(big, big) for _ in range(1000)]",
}


@pytest.mark.parametrize("what", LONG)
def test_interrupt(what):
    code = f"""
        import sys, threading, time, os, signal
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        import numpy as np, dini
        from test_threads import slow
        big = dini.ones((600, 600))
        dini.matmul(big, big)
        sent = []
        def send():
            time.sleep(0.5)
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=send, daemon=True).start()
        try:
            {LONG[what]}
        except KeyboardInterrupt:
            print("interrupted", time.perf_counter() - sent[0])
        assert dini.grad(lambda x: x * x)(3.0).item() == 6
        """
    took = []
    while len(took) < 3 and (not took or took[-1] > 0.05):  # once more where the machine was busy
        out = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
        assert out.stdout.startswith("interrupted"), out.stdout + out.stderr
        took.append(float(out.stdout.split()[1]))
    assert min(took) < (0.5 if os.environ.get("CI") else 0.05), took


def test_a_handler_of_the_program_s_own_stays():
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    try:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        slow(3_000_000)
        assert seen == [1]
    finally:
        signal.signal(signal.SIGINT, before)


# ---- Memory ------------------------------------------------------------------------------------------------------------


KEPT = {
    "jit": lambda m: used(dini.jit(m.f)), "grad": lambda m: used(dini.grad(m.f)), "vmap": lambda m: dini.vmap(m.f), "jacobian": lambda m: used(dini.jacobian(m.f)),
    "checkpoint": lambda m: used(dini.checkpoint(m.f)), "host_function": lambda m: used(dini.host_function(m.f)),
    "rules": lambda m: used(dini.grad(dini.host_function(m.f, jvp=lambda a, t: (m, t[0])[1], vjp=lambda a, ct: (m, ct)[1]))),
    "a host function's rules": lambda m: dini.host_function(np.sin, jvp=m.f, vjp=m.f, like=m), "preconditioner": lambda m: dini.GMRES(preconditioner=m.f),
    "a value that is no tree": lambda m: used(dini.jit(lambda x: (m, x))), "a static argument": lambda m: used(dini.jit(lambda x, o=None: x), o=m),
}


def used(f, **more):
    f(1.0, **more)
    return f


@pytest.mark.parametrize("name", KEPT)
def test_cycles_are_collected(name):
    class Model:
        def f(self, x):
            return x * 2

    m = Model()
    m.kept = KEPT[name](m)
    gone = weakref.ref(m)
    del m
    gc.collect()
    assert gone() is None


def test_what_compiled_code_may_call_is_not_collected():
    """The collector sees no more of the library's references than there are: what is compiled calls an object that nobody else has."""
    class Model:
        def __init__(self):
            self.scale = np.array(3.0)
            self.host = dini.host_function(self.f, vjp=self.rule)

        def f(self, x):
            return self.scale * x

        def rule(self, args, ct):
            return self.scale * ct

    m = Model()
    g, h = dini.jit(m.host), dini.jit(dini.grad(lambda x: m.host(x)))
    assert g(2.0) == 6 and h(2.0) == 3
    gone = weakref.ref(m)
    del m
    gc.collect()
    assert gone() is not None and g(2.0) == 6 and h(2.0) == 3 and g(np.ones(2)).tolist() == [3, 3]

    class Scaled:
        def __init__(self, k):
            self.k = k
            self.adjoint = dini.GMRES(preconditioner=self.f)

        def f(self, v):
            return self.k * v

    s = Scaled(dini.array(0.5))
    solve = dini.jit(dini.grad(lambda a, adjoint=s.adjoint: dini.root(lambda a, z: z * z - a, 1.0, a, adjoint=adjoint).value))
    assert solve(4.0).round(8) == 0.25
    del s
    gc.collect()
    assert solve(4.0).round(8) == 0.25 and solve(16.0).round(8) == 0.125


def test_a_hundred_thousand_calls_in_constant_memory():
    import resource

    g = dini.jit(lambda x, h: h(x))
    x = dini.ones(10)

    def some(n):
        for k in range(n):
            dini.sum(x * 2)
            if k % 100 == 0:
                g(x, lambda t: t + 1)  # a function of its own each time, which is part of what is compiled
                try:
                    dini.root(lambda z: z * z + 1, 1.0)
                except dini.SolveError:
                    pass

    some(30_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    some(100_000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000  # kB


def test_caches_are_cleared():
    def some():
        for n in range(1, 9):
            t = np.linspace(0, 1, 5 + n)
            dini.grad(lambda y: dini.least_squares(lambda y, z: z["a"] * dini.exp(z["k"] * t) - y, {"a": 1.0, "k": 1.0}, y).value["k"])(np.exp(t))

    dini.clear_caches()
    assert dini.cached_programs() == 0
    some()
    full = dini.cached_programs()
    assert full >= 16
    dini.clear_caches()
    assert dini.cached_programs() == 0
    some()
    assert dini.cached_programs() == full

    # What the library keeps of Python's objects goes with them.
    class Model:
        def __call__(self, x):
            return x * 2

    m = Model()
    gone = weakref.ref(m)
    dini.grad(lambda x: dini.host_function(m, jvp=lambda a, t: m(t[0]), vjp=lambda a, ct: m(ct))(x))(1.0)
    del m
    dini.clear_caches()
    gc.collect()
    assert gone() is None
    # From several threads at once, while others solve.
    x = np.ones(2)
    work = lambda k: [dini.clear_caches() if k % 2 else dini.root(lambda a, z: z - a, np.zeros(2), x).value for _ in range(50)]
    assert len(in_threads(4, work)) == 4


def test_the_interpreter_ends_in_order():
    code = """
        import dini, threading
        class Keep:
            def __del__(self): pass
        keep = Keep()
        g = dini.jit(lambda x: (keep, x * 2)[1])
        g(1.0)
        rule = dini.custom_vjp(lambda x: x); rule.defvjp(lambda x: (x, keep), lambda r, ct: (ct,))
        dini.jit(dini.grad(lambda x: dini.root(lambda a, z: z - rule(a), 0.0, x).value))(1.0)
        kept = dini.vjp(rule, 1.0)
        threading.Thread(target=lambda: g(2.0)).start()
        """
    out = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
    assert out.returncode == 0 and not out.stderr
