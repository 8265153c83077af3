"""Dini's solvers in SciPy's words: fun(x, *args), and results with x, success, status, message.

    dini.scipy.root(fun, x0, args=())

What is found is differentiable in args and in all that fun captures. `jac=` and `hess=` are not needed, and ignored with a warning;
`method=` takes Dini's names.
"""
from __future__ import annotations

from . import _dini, _transforms
from ._solution import _SENTENCES, Bracket, Solution

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence

    Function = Callable[..., Any]


class OptimizeResult(dict):  # type: ignore[type-arg]
    """A solve's outcome under SciPy's names, as attributes and keys; `solution` is Dini's own. `jac` is computed when it is asked for."""

    _jac: Any = None

    def __missing__(self, name: str) -> Any:
        if name != "jac" or self._jac is None:
            raise KeyError(name)
        self[name] = self._jac()
        return self[name]

    def __reduce__(self) -> Any:
        return OptimizeResult, (dict(self),)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __dir__(self) -> list[str]:
        return list(self)


def _x_first(fun: Function) -> Function:
    return lambda *args: fun(args[-1], *args[:-1])


def _start(x0: Any) -> Any:
    """A list is a vector, as in SciPy: in dini it would be a tree."""
    return _dini.array(x0) if isinstance(x0, (list, tuple)) and not hasattr(x0, "_fields") else x0


def _args(args: Any) -> tuple[Any, ...]:
    return args if isinstance(args, tuple) else (args,)


def _ignored(**given: Any) -> None:
    for name, value in given.items():
        if value is not None and value is not False and value is not True:
            import warnings

            warnings.warn(f"dini.scipy: {name}= is not needed, since dini has derivatives of its own, and ignored", stacklevel=3)


def _result(s: Solution, jac: Any, **more: Any) -> OptimizeResult:
    known = s.status_code.concrete
    message = _SENTENCES[s.status] if known and isinstance(s.status, str) else None
    found = OptimizeResult(x=s.value, success=s.converged if known else s.status_code == 0, status=s.status_code, message=message,
                          nit=s.steps, nfev=s.evaluations, solution=s, **more)
    found._jac = jac
    return found


def _jacobian(fun: Function, s: Solution, args: Any) -> Any:
    return lambda: _transforms.jacobian(lambda x: _start(fun(x, *_args(args))))(s.value)


def _value_alone(fun: Function, jac: Any) -> Function:
    return (lambda *args: fun(*args)[0]) if jac is True else fun


def root(fun: Function, x0: Any, args: Any = (), method: Any = None, jac: Any = None, tol: float | None = None,
         options: dict[str, Any] | None = None) -> OptimizeResult:
    """x with fun(x, *args) = 0, as scipy.optimize.root.

    >>> dini.scipy.root(lambda x, a: x**2 - a, 1.0, args=(4.0,)).x.round(8)
    Array(2.0)
    """
    _ignored(jac=jac)
    fun = _value_alone(fun, jac)
    s = _dini.root(_x_first(fun), _start(x0), *_args(args), solver=method, tolerance=tol, on_failure="best", **(options or {}))
    return _result(s, _jacobian(fun, s, args), fun=fun(s.value, *_args(args)))


def fixed_point(func: Function, x0: Any, args: Any = (), xtol: float | None = None, maxiter: int = -1, method: Any = None) -> Any:
    """x with func(x, *args) = x, as scipy.optimize.fixed_point: the point itself; SolveError where there is none."""
    return _dini.fixed_point(_x_first(func), _start(x0), *_args(args), solver=method, tolerance=xtol, max_steps=maxiter).value


def root_scalar(f: Function, args: Any = (), method: Any = None, bracket: Sequence[Any] | None = None, x0: Any = None,
                fprime: Any = None, maxiter: int = -1) -> OptimizeResult:
    """A root of one number, or of each element, in a bracket or from x0, as scipy.optimize.root_scalar: `root`, `converged`."""
    _ignored(fprime=fprime)
    if bracket is None and x0 is None:
        raise _dini.OptionError("root_scalar: a bracket or an x0 is wanted")
    start = _start(x0) if bracket is None else Bracket(*map(_start, bracket))
    s = _dini.root(_x_first(f), start, *_args(args), solver=method, max_steps=maxiter, on_failure="best")
    return _result(s, None, root=s.value, converged=s.converged if s.status_code.concrete else s.status_code == 0)


def minimize(fun: Function, x0: Any, args: Any = (), method: Any = None, jac: Any = None, hess: Any = None, bounds: Any = None,
             constraints: Any = (), tol: float | None = None, options: dict[str, Any] | None = None) -> OptimizeResult:
    """x with fun(x, *args) least, as scipy.optimize.minimize; constraints are dicts with "type" ("eq": 0, "ineq": 0 or
    more) and "fun", or SciPy's LinearConstraint and NonlinearConstraint.

    >>> dini.scipy.minimize(lambda x: (x - 3.0)**2, 0.0, bounds=[(0.0, 2.0)]).x.round(8)
    Array(2.0)
    """
    _ignored(jac=jac, hess=hess)
    fun = _value_alone(fun, jac)
    more, x0 = dict(options or {}), _start(x0)
    if bounds is not None:
        more["bounds"] = _pairs(bounds, x0)
    constraints = list(constraints) if isinstance(constraints, (list, tuple)) else [constraints]
    for name, parts in zip(("equal", "at_most"), zip(*map(_constraint, constraints))):
        rows = [part for part in parts if part is not None]
        if rows:
            more[name] = lambda *args, rows=rows: tuple(row(args[-1]) for row in rows)
    s = _dini.minimize(_x_first(fun), x0, *_args(args), solver=method, tolerance=tol, on_failure="best", **more)
    return _result(s, lambda: _transforms.grad(lambda x: fun(x, *_args(args)))(s.value), fun=s.objective, duals=s.duals)


def least_squares(fun: Function, x0: Any, jac: Any = None, bounds: Any = None, method: Any = None, loss: Any = None, args: Any = (),
                  **options: Any) -> OptimizeResult:
    """x with the half square sum of fun(x, *args) least, as scipy.optimize.least_squares: `cost`. A loss is dini.huber(width), ..."""
    _ignored(jac=jac)
    x0 = _start(x0)
    if bounds is not None:
        lower, upper = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") else bounds
        options["bounds"] = _start(lower), _start(upper)
    s = _dini.least_squares(_x_first(fun), x0, *_args(args), solver=method, loss=loss, on_failure="best", **options)
    return _result(s, _jacobian(fun, s, args), fun=fun(s.value, *_args(args)), cost=s.objective)


def _pairs(bounds: Any, x0: Any) -> Any:
    """(lower, upper) of a pair for each element, or of an object with lb and ub."""
    if hasattr(bounds, "lb"):
        return bounds.lb, bounds.ub
    bounds, like = list(bounds), _dini.array(x0)
    if len(bounds) != like.size:
        raise _dini.ShapeError(f"minimize: bounds has {len(bounds)} pairs for {like.size} unknowns")
    lower = _dini.array([-float("inf") if a is None else a for a, _ in bounds])
    upper = _dini.array([float("inf") if b is None else b for _, b in bounds])
    return lower.reshape(like.shape), upper.reshape(like.shape)


def _constraint(c: Any) -> tuple[Function | None, Function | None]:
    """What has to be 0 and what at most 0, as functions of x: of a dict, or of SciPy's LinearConstraint or NonlinearConstraint."""
    if isinstance(c, dict):
        if c["type"] not in ("eq", "ineq"):
            raise _dini.OptionError('minimize: a constraint\'s "type" has to be "eq" or "ineq"')
        fun = lambda x: _dini.array(c["fun"](x, *_args(c.get("args", ()))))
        return (fun, None) if c["type"] == "eq" else (None, lambda x: -fun(x))
    if not hasattr(c, "lb") or not (hasattr(c, "fun") or hasattr(c, "A")):
        raise _dini.OptionError(f"minimize: a constraint has to be a dict, a LinearConstraint or a NonlinearConstraint, got {type(c).__name__}")
    import numpy as np

    lower, upper = np.asarray(c.lb, float), np.asarray(c.ub, float)
    value = (lambda x: _dini.array(c.fun(x)).ravel()) if hasattr(c, "fun") else (lambda x: _dini.atleast_2d(c.A) @ x)

    def at_most(x: Any) -> Any:
        g = value(x)
        low, high = np.broadcast_to(lower, g.shape), np.broadcast_to(upper, g.shape)
        return _dini.concatenate([g[(high < np.inf) & (low < high)] - high[(high < np.inf) & (low < high)],
                                  low[(low > -np.inf) & (low < high)] - g[(low > -np.inf) & (low < high)]])

    def equal(x: Any) -> Any:
        g = value(x)
        same = np.broadcast_to(lower == upper, g.shape)
        return g[same] - np.broadcast_to(lower, g.shape)[same]

    one_sided = (lower < upper) & ((lower > -np.inf) | (upper < np.inf))
    return equal if (lower == upper).any() else None, at_most if one_sided.any() else None


_dini.register_tree(OptimizeResult, lambda r: (tuple(r.values()), tuple(r)), lambda names, members: OptimizeResult(zip(names, members)))
