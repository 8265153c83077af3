"""Functions that are written with JAX as functions of dini's: their jaxprs are read, equation by equation.

Most equations are entries of the table. Those that hold jaxprs are here: calls, control flow, and functions with derivative rules of their
own. Such a rule is kept: what dini differentiates is JAX's own derivative of that one equation, translated in turn.
"""
from __future__ import annotations

import inspect
import threading

import jax
import numpy as np

import dini

from . import _primitive
from ._refusal import BITS, NotTranslated, dtype_name, refuse
from ._table import COMPUTED_IN, IGNORED, TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence


class Missing:
    """In the place of a value that was not translated. Nothing is lost while nobody reads it: of jnp.linalg.solve, the LU factors."""

    def __init__(self, what: str) -> None:
        self.what = what


def evaluate(jaxpr: Any, args: Sequence[Any], consts: Sequence[Any] = ()) -> list[Any]:
    """What a jaxpr, closed or with these constants, makes of dini's arrays. NotTranslated, where it reads what was not."""
    out = _evaluate(jaxpr, args, consts)
    for value in out:
        if isinstance(value, Missing):
            raise NotTranslated(value.what)
    return out


def _evaluate(jaxpr: Any, args: Sequence[Any], given: Sequence[Any] = ()) -> list[Any]:
    jaxpr, consts = _primitive.open_jaxpr(jaxpr, given)
    values: dict[Any, Any] = dict(zip(jaxpr.invars, args))
    values.update((v, array_of(c)) for v, c in zip(jaxpr.constvars, consts))

    def read(v: Any) -> Any:
        return array_of(v.val, v.aval.dtype) if _primitive.is_literal(v) else values[v]

    for equation in jaxpr.eqns:
        inputs = [read(v) for v in equation.invars]
        try:
            out = _apply(jaxpr, equation, inputs)
        except NotTranslated as e:
            out = [Missing(e.what)] * len(equation.outvars)
        except (dini.DtypeError, dini.ShapeError) as e:
            out = [Missing(f"the primitive {equation.primitive.name} ({e})")] * len(equation.outvars)
        for v, value in zip(equation.outvars, out):
            values[v] = value if isinstance(value, Missing) else _of_dtype(value, v.aval.dtype)
    return [read(v) for v in jaxpr.outvars]


def _of_dtype(value: Any, dtype: Any) -> Any:
    """As JAX has it: what an entry of the table returns may be in another dtype."""
    try:
        name = dtype_name(dtype)
    except NotTranslated as e:
        return Missing(e.what)
    if str(value.dtype) != name:
        value = dini.astype(value, name)
    return dini.bitwise_and(value, (1 << BITS[dtype.name]) - 1) if dtype.name in BITS else value


def array_of(value: Any, dtype: Any = None) -> Any:
    """A constant of a jaxpr's."""
    if isinstance(value, dini.Array):
        return value
    if _primitive.is_traced(value):
        raise NotTranslated("a constant that is traced")
    try:
        given = np.asarray(value, dtype)
        return dini.array(given.astype(dtype_name(given.dtype)))
    except NotTranslated as e:
        return Missing(e.what)


def _apply(jaxpr: Any, equation: Any, inputs: list[Any]) -> list[Any]:
    name, params = equation.primitive.name, equation.params
    whole = WHOLE.get(name)
    if whole is not None:
        return list(whole(jaxpr, equation, inputs))
    for value in inputs:
        if isinstance(value, Missing):
            raise NotTranslated(value.what)
    rule = TABLE.get(name)
    if rule is None:
        raise NotTranslated(f"the primitive {name}")
    accepted = _accepted(name, rule)
    unknown = [p for p in params if p not in accepted and p not in IGNORED and p not in COMPUTED_IN]
    if unknown:
        raise NotTranslated(f"the primitive {name} with the parameter {unknown[0]}")
    try:
        for p in COMPUTED_IN:
            if params.get(p) is not None:
                inputs = [dini.astype(x, dtype_name(np.dtype(params[p]))) for x in inputs]
        out = rule(*inputs, **{p: v for p, v in params.items() if p in accepted})
    except NotTranslated as e:
        raise NotTranslated(f"the primitive {name} ({e.what})") from None
    return list(out) if equation.primitive.multiple_results else [out]


_parameters: dict[str, frozenset[str]] = {}


def _accepted(name: str, rule: Callable[..., Any]) -> frozenset[str]:
    if name not in _parameters:
        try:
            taken = inspect.signature(rule).parameters.values()
        except (TypeError, ValueError):  # dini's own functions
            taken = ()
        _parameters[name] = frozenset(p.name for p in taken if p.kind is p.KEYWORD_ONLY)
    return _parameters[name]


# ---- Calls and control flow --------------------------------------------------------------------------------------------


def _call(parameter: str) -> Callable[..., Any]:
    return lambda jaxpr, equation, inputs: _evaluate(equation.params[parameter], inputs)


def _checkpoint(jaxpr: Any, equation: Any, inputs: Any) -> Any:
    return dini.checkpoint(lambda *args: tuple(evaluate(equation.params["jaxpr"], args)))(*_all_there(inputs))


def _all_there(inputs: Any) -> Any:
    for value in inputs:
        if isinstance(value, Missing):
            raise NotTranslated(value.what)
    return inputs


def _scan(jaxpr: Any, equation: Any, inputs: Any) -> Any:
    p = equation.params
    consts, carried = p["num_consts"], p["num_consts"] + p["num_carry"]
    _all_there(inputs)

    def body(carry: Any, x: Any) -> Any:
        out = evaluate(p["jaxpr"], [*inputs[:consts], *carry, *x])
        return tuple(out[: p["num_carry"]]), tuple(out[p["num_carry"] :])

    carry, ys = dini.scan(body, tuple(inputs[consts:carried]), tuple(inputs[carried:]), length=p["length"], reverse=p["reverse"])
    return [*carry, *ys]


def _while(jaxpr: Any, equation: Any, inputs: Any) -> Any:
    p = equation.params
    first, second = p["cond_nconsts"], p["cond_nconsts"] + p["body_nconsts"]
    _all_there(inputs)
    return dini.while_loop(lambda state: evaluate(p["cond_jaxpr"], [*inputs[:first], *state])[0],
                           lambda state: tuple(evaluate(p["body_jaxpr"], [*inputs[first:second], *state])), tuple(inputs[second:]))


def _cond(jaxpr: Any, equation: Any, inputs: Any) -> Any:
    index, *operands = _all_there(inputs)
    branches = [lambda *args, branch=branch: tuple(evaluate(branch, args)) for branch in equation.params["branches"]]
    if len(branches) == 2:
        return dini.cond(index, branches[1], branches[0], *operands)
    return dini.switch(index, branches, *operands)


def _linear_solve(jaxpr: Any, equation: Any, inputs: Any) -> Any:
    """lax.custom_linear_solve: the matrix is made, so that all derivatives are those of a linear system."""
    jaxprs, lengths = equation.params["jaxprs"], equation.params["const_lengths"]
    consts = inputs[: lengths.matvec]
    rhs = inputs[sum(lengths) :]
    if len(rhs) != 1 or rhs[0].size > 1024:
        refuse("the primitive custom_linear_solve of many unknowns")
    b = rhs[0]
    _all_there([*consts, b])
    columns = dini.vmap(lambda v: dini.ravel(evaluate(jaxprs.matvec, [*consts, dini.reshape(v, b.shape)])[0]))(dini.eye(b.size, dtype=b.dtype))
    return [dini.reshape(dini.linalg.solve(dini.transpose(columns), dini.ravel(b)), b.shape)]


# ---- Rules of derivatives ----------------------------------------------------------------------------------------------

_checking = threading.local()


class _Rule:
    """An equation with a rule of its own, as JAX's function and as dini's, both of its distinct variables."""

    def __init__(self, jaxpr: Any, equation: Any) -> None:
        self.f = _primitive.equation_function(jaxpr, equation)
        self.equation = equation
        self.variables = _primitive.variables_of(equation)
        self.moving = [k for k, v in enumerate(self.variables) if _is_floating(v.aval)]
        self.results = len(equation.outvars)
        self.like = _primitive.like([v.aval for v in self.variables])
        self.like_moving = [self.like[k] for k in self.moving]

    def value(self, *x: Any) -> Any:
        given = dict(zip(self.variables, x))
        full = [array_of(v.val, v.aval.dtype) if _primitive.is_literal(v) else given[v] for v in self.equation.invars]
        return tuple(evaluate(self.equation.params["call_jaxpr"], full))

    def of_moving(self, x: Sequence[Any]) -> Callable[..., Any]:
        """JAX's function of the floating ones alone."""
        def f(*some: Any) -> Any:
            full = list(x)
            for k, a in zip(self.moving, some):
                full[k] = a
            return self.f(*full)

        return f

    def args(self, inputs: Any) -> list[Any]:
        """The variables' values, of the equation's inputs."""
        values = {v: x for v, x in zip(self.equation.invars, inputs) if not _primitive.is_literal(v)}
        return list(_all_there([values[v] for v in self.variables]))

    def checked(self, rule: Callable[..., Any], args: Any) -> None:
        """A rule is looked at when its function is met, not when a derivative is asked for; rules within rules then."""
        if getattr(_checking, "on", False):
            return
        _checking.on = True
        try:
            dini.eval_shape(rule, *args)
        except NotTranslated as e:
            raise NotTranslated(f"{e.what} in the derivative of {_primitive.name_of(self.equation)}") from None
        finally:
            _checking.on = False


def _is_floating(a: Any) -> bool:
    return np.dtype(str(a.dtype)).kind == "f"


def _jaxpr_of(f: Callable[..., Any], *like: Any) -> Any:
    closed = _primitive.make_jaxpr(f, *like)
    if any(_primitive.is_traced(c) for c in closed.consts):
        raise NotTranslated("a derivative rule that captures a traced value")
    return closed


def _custom_jvp(jaxpr: Any, equation: Any, inputs: Any) -> Any:
    known = _Rule(jaxpr, equation)
    args = known.args(inputs)
    value = dini.custom_jvp(known.value)

    def push(primals: Any, tangents: Any) -> Any:
        out, moved = jax.jvp(known.of_moving(primals), [primals[k] for k in known.moving], tangents)
        return out, [t for t, o in zip(moved, out) if _is_floating(o)]

    def rule(primals: Any, tangents: Any) -> Any:
        some = [tangents[k] for k in known.moving]
        out = evaluate(_jaxpr_of(push, known.like, known.like_moving), [*primals, *some])
        values, moved = out[: known.results], iter(out[known.results :])
        return tuple(values), tuple(next(moved) if _is_floating(v) else dini.zeros_like(v) for v in values)

    value.defjvp(rule)
    known.checked(lambda *x: rule(x, x), args)
    return value(*args)


def _custom_vjp(jaxpr: Any, equation: Any, inputs: Any) -> Any:
    known = _Rule(jaxpr, equation)
    args = known.args(inputs)
    structure: Any = None  # of JAX's pullback, which is a tree of its residuals, and they
    kept: Any = None

    def run(*x: Any) -> Any:
        nonlocal structure
        out, pull = jax.vjp(known.of_moving(x), *(x[k] for k in known.moving))
        residuals, structure = jax.tree.flatten(pull)
        return out, residuals

    def pull(residuals: Any, cotangents: Any) -> Any:
        given = iter(cotangents)
        full = [next(given) if _is_floating(v.aval) else np.zeros(v.aval.shape, jax.dtypes.float0) for v in equation.outvars]
        return jax.tree.unflatten(structure, residuals)(full)

    def forward(*x: Any) -> Any:
        nonlocal kept
        closed = _jaxpr_of(run, *known.like)
        kept = _primitive.like(closed.out_avals[known.results :])
        out = evaluate(closed, x)
        return tuple(out[: known.results]), tuple(out[known.results :])

    def backward(residuals: Any, cotangents: Any) -> Any:
        some = [c for c in cotangents if _is_floating(c)]
        sent = iter(evaluate(_jaxpr_of(pull, kept, _primitive.like(some)), [*residuals, *some]))
        return tuple(next(sent) if k in known.moving else None for k in range(len(known.variables)))

    def by_moving(residuals: Any, cotangents: Any) -> Any:
        return tuple(c for c in backward(residuals, cotangents) if c is not None)

    def rule(primals: Any, tangents: Any) -> Any:
        values, residuals = forward(*primals)
        floating = [v for v in values if _is_floating(v)]
        push = dini.linear_transpose(lambda *some: by_moving(residuals, some), *floating)
        moved = iter(push(tuple(tangents[k] for k in known.moving)))
        return values, tuple(next(moved) if _is_floating(v) else dini.zeros_like(v) for v in values)

    try:  # where bwd is linear in the cotangents its transpose is forward mode, which JAX has not, and solvers want
        known.checked(lambda *x: rule(x, x), args)
        both_modes = dini.custom_jvp(known.value)
        both_modes.defjvp(rule)
        return both_modes(*args)
    except dini.TraceError:
        pass
    value = dini.custom_vjp(known.value)
    value.defvjp(forward, backward)
    known.checked(lambda *x: by_moving(forward(*x)[1], forward(*x)[0]), args)
    return value(*args)


# Equations that hold jaxprs, or read inputs that may be missing: rules of (jaxpr, equation, inputs).
WHOLE: dict[str, Callable[..., Any]] = {
    "jit": _call("jaxpr"),
    "pjit": _call("jaxpr"),
    "closed_call": _call("call_jaxpr"),
    "core_call": _call("call_jaxpr"),
    "checkpoint": _checkpoint,
    "remat2": _checkpoint,
    "scan": _scan,
    "while": _while,
    "cond": _cond,
    "custom_linear_solve": _linear_solve,
    "custom_jvp_call": _custom_jvp,
    "custom_vjp_call": _custom_vjp,
    "custom_vjp_call_jaxpr": _custom_vjp,
    "dini": lambda jaxpr, equation, inputs: equation.params["program"](*_all_there(inputs)),
}
