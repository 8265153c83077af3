"""Solves of equations that are written in torch.

f is translated (_translate.py); where it cannot be, it is called by torch at run time, which a warning says once. Tensors that it closes
over are found when it is run, and are inputs like the others.
"""
from __future__ import annotations

import itertools
import warnings
import weakref
from typing import Any, Callable, Sequence

import torch
from torch._compile import _disable_dynamo
from torch.utils import _pytree

from .. import _dini
from . import _host, _nested
from .._bridge import Forms
from ._autograd import Layer, apply, apply_traced, build, is_array, leaves_of
from ._compiler import frames_are_looked_at
from ._known import Solve
from ._tensors import TORCH_DTYPES, check, leaves_of_kind, map_leaves, rebuilder, to_array, to_tensor
from ._translate import Captures, TorchFunction, Untranslatable, current, is_of_function, scopes

Function = Callable[..., Any]


class _Followed:
    """A function of torch's that a solve calls with arrays: translated, or called by torch."""

    def __init__(self, f: Function, translated: bool) -> None:
        self.torch = TorchFunction(f, _remembered(f))
        self.translated = translated

    def __call__(self, captured: Sequence[Any], args: Sequence[Any]) -> Any:
        return self.torch.translated(captured, args) if self.translated else _host.call(self.torch, captured, args)


# Leaf tensors that a function closed over when it was called last: right nearly always, and found out where not.
_memory: weakref.WeakKeyDictionary[Any, list[weakref.ref[torch.Tensor]]] = weakref.WeakKeyDictionary()


def _key_of(f: Function) -> Any:
    f = getattr(f, "__func__", f)
    return getattr(f, "__code__", f)


def _remembered(f: Function) -> list[torch.Tensor]:
    try:
        known = [r() for r in _memory.get(_key_of(f), ())]
    except TypeError:  # no weak references to this
        return []
    return [t for t in known if t is not None]


def _remember(f: Function, captures: Sequence[torch.Tensor]) -> None:
    try:
        _memory[_key_of(f)] = [weakref.ref(t) for t in captures if type(t) in (torch.Tensor, torch.nn.Parameter) and t.is_leaf]
    except TypeError:
        pass


_warned: weakref.WeakSet[Any] = weakref.WeakSet()


def _warn(f: Function, name: str, why: BaseException) -> None:
    key = _key_of(f)
    try:
        if key in _warned:
            return
        _warned.add(key)
    except TypeError:
        pass
    said = str(why) if isinstance(why, Untranslatable) else f"{type(why).__name__}: {why}"
    warnings.warn(f"dini.torch.{name}: {getattr(f, '__name__', type(f).__name__)} is called by torch at each step, which is much slower than "
                  f"a translation, since {said.splitlines()[0]}. translate=False says that this is meant, translate=True makes it an error.",
                  stacklevel=4)


def _start(z0: Any, args: Any) -> Any:
    """z0 with tensors for arrays and for numbers, in the dtype of the arguments."""
    if isinstance(z0, torch.Tensor):
        return check(z0)
    dtypes = [t.dtype for t in leaves_of_kind(torch.Tensor, (z0, args))]
    dtypes += [TORCH_DTYPES[str(a.dtype)] for a in leaves_of_kind(_dini.Array, (z0, args))]
    dtype = next((d for d in dtypes if d.is_floating_point), torch.get_default_dtype())

    def tensor(x: Any) -> Any:
        if isinstance(x, torch.Tensor):
            return check(x)
        if isinstance(x, _dini.Array) and not x.concrete:
            return x
        own = getattr(x, "dtype", None)
        return to_tensor(_dini.array(x)) if str(own) in ("float32", "float64") else torch.as_tensor(x, dtype=dtype)

    return _pytree.tree_map(tensor, z0)


def solve(kind: str, f: Any, z0: Any, args: tuple[Any, ...], translate: Any, details: bool, options: dict[str, Any]) -> Any:
    if translate not in ("auto", True, False):
        raise _dini.OptionError(f'dini.torch.{kind}: translate is "auto", True or False, got {translate!r}')
    scope = current.scope if scopes else None
    if scope is not None and not scope.translating:
        return _nested.called(scope, solve, kind, f, z0, args, translate, details, options)
    solver = getattr(_dini, kind)
    z0 = _start(z0, args)
    if isinstance(f, str):
        f = _formula(kind, f, len(args))
    if scope is not None:
        return _nested.solve(scope, kind, f, z0, args, translate, details, options)
    if isinstance(f, (_dini.Formula, Layer)):
        of_arrays = f.__wrapped__ if isinstance(f, Layer) else f

        def by_dini(z0: Any, args: Any, options: Any) -> Any:
            s = solver(of_arrays, z0, *args, **options)
            return s if details else s.value

        return Layer(by_dini, compiled=False, leaf=is_array)(z0, args, options)
    if not callable(f):
        raise _dini.DtypeError(f"dini.torch.{kind}: the first argument has to be a function or a formula, got {type(f).__name__}")

    if translate != "auto":
        return _solve(kind, f, z0, args, translate, details, options)
    try:
        return _solve(kind, f, z0, args, True, details, options)
    except Exception as e:
        # What f raises may be torch's trouble with being followed; if it is f's own, it comes again.
        if not isinstance(e, Untranslatable) and not is_of_function(e):
            raise
        why = e
    try:
        out = _solve(kind, f, z0, args, False, details, options)
    except _dini.SolveError:
        _warn(f, kind, why)
        raise
    _warn(f, kind, why)
    return out


def _solve(kind: str, f: Function, z0: Any, args: Any, mode: bool, details: bool, options: dict[str, Any]) -> Any:
    """The solve with f translated or not. It is begun again where f turns out to close over more than was known."""
    of_torch, others = {"": f}, options
    if "equal" in options or "at_most" in options:
        for name in ("equal", "at_most"):
            if callable(options.get(name)) and not isinstance(options[name], _dini.Formula):
                of_torch[name] = options[name]
                others = {k: v for k, v in others.items() if k != name}
    limited = options.get("deadline") is not None  # which what is compiled has not
    known = Solve(kind, details, of_torch, z0, args, others) if mode and not limited else None
    before = known.again() if known else None
    if before:
        return before[0]
    solver = getattr(_dini, kind)
    if any(not a.concrete for a in leaves_of_kind(_dini.Array, (z0, args, others))):  # within a function of dini's that is followed now
        followed = {name: translate(g, call=not mode) for name, g in of_torch.items()}
        z0, args, others = (map_leaves(torch.Tensor, to_array, tree) for tree in (z0, args, others))
        s = solver(followed.pop(""), z0, *args, **others, **followed)
        return s if details else s.value
    functions = {name: _Followed(g, mode) for name, g in of_torch.items()}
    starts, given, optional = (leaves_of_kind(torch.Tensor, tree) for tree in (z0, args, others))
    build_start, build_args, build_options = (rebuilder(torch.Tensor, tree) for tree in (z0, args, others))

    if known:
        known.look()
    for _ in range(10):
        captured = [g.torch.captures for g in functions.values()]
        own = list(itertools.accumulate(map(len, captured), initial=0))  # where the captures of each begin in theta
        first, last = len(starts), len(starts) + own[-1] + len(given)

        def caller(k: int, g: _Followed) -> Function:
            return lambda *theta_z: g(theta_z[own[k]:own[k + 1]], (*build_args(theta_z[own[-1]:-1]), theta_z[-1]))

        structure: list[Any] = [None]

        def of_arrays(*arrays: Any) -> Any:
            followed = {name: caller(k, g) for k, (name, g) in enumerate(functions.items())}
            s = solver(followed.pop(""), build_start(arrays[:first]), *arrays[first:last], **build_options(arrays[last:]), **followed)
            leaves, structure[0] = leaves_of(s if details else s.value)
            return tuple(leaves)

        all_captured = list(itertools.chain.from_iterable(captured))
        if current.around is not None:
            all_captured = [current.around.stand_in(t) for t in all_captured]
        try:
            inputs = [*starts, *all_captured, *given, *optional]
            values, forms, constants = (apply(Forms(of_arrays, compiled=False), inputs), None, []) if limited else apply_traced(of_arrays, inputs)
        except Captures as e:
            next(g for g in functions.values() if g.torch.f is e.f).torch.update(e)
            continue
        for g in functions.values():
            _remember(g.torch.f, g.torch.captures)
        if known and forms:
            known.keep(starts, all_captured, given, optional, constants, forms, structure[0])
        if current.around is not None:
            values = current.around.came_out(values)
        return values[0] if structure[0] is None else build(structure[0], values)
    raise _dini.TraceError(f"dini.torch.{kind}: {functions[''].torch.name} closes over other tensors at every call. Give them to it as arguments. A module that "
                          "makes new ones in training, such as one with a spectral norm, has to be told .eval().")


_is_compiling = torch.compiler.is_compiling
_outside = _disable_dynamo(solve)  # (which loads torch's compiler when it is called, and not before)


def _entry() -> Function:
    """The solve; what torch.compile compiles goes around it."""
    return _outside if _is_compiling() or frames_are_looked_at() is not None else solve


def _formula(kind: str, text: str, count: int) -> Any:
    """ "W, x, z: tanh(W @ z + x)" """
    names, colon, body = text.partition(":")
    if not colon:
        raise _dini.FormulaError(f'dini.torch.{kind}: a formula names its arguments first, the unknown last, as in '
                                 f'"W, x, z: tanh(W @ z + x)"; got "{text}"')
    return _dini.formula(body.strip(), names.strip())


def fixed_point(f: Any, z0: Any, *args: Any, translate: Any = "auto", details: bool = False, **options: Any) -> Any:
    """z with z = f(*args, z), from z0, for f written in torch; a tensor, or a tree of them like z0.

    f is a function of tensors, or a formula with its arguments, "W, x, z: tanh(W @ z + x)". Tensors that it closes over have derivatives
    as its arguments do. It is translated into dini's operations; what has no translation is called by torch at each step, and a warning
    says so, or an error with translate=True; with translate=False it is always called. With `details` the result is dini's Solution, with
    tensors in it. Options are dini.fixed_point's.

    >>> W, x = torch.tensor([[0.1, 0.2], [0.3, 0.1]]), torch.tensor([1.0, -1.0], requires_grad=True)
    >>> z = dini.torch.fixed_point(lambda x, z: torch.tanh(W @ z + x), torch.zeros(2), x)
    >>> z.sum().backward()
    >>> x.grad
    tensor([0.5747, 0.6153])
    """
    return _entry()("fixed_point", f, z0, args, translate, details, options)


def root(f: Any, z0: Any, *args: Any, translate: Any = "auto", details: bool = False, **options: Any) -> Any:
    """z with 0 = f(*args, z), from z0; all else as fixed_point."""
    return _entry()("root", f, z0, args, translate, details, options)


def minimize(f: Any, z0: Any, *args: Any, translate: Any = "auto", details: bool = False, **options: Any) -> Any:
    """z with the scalar f(*args, z) least near z0; all else as fixed_point. Constraints, equal= and at_most=, are written in torch, too."""
    return _entry()("minimize", f, z0, args, translate, details, options)


def least_squares(f: Any, z0: Any, *args: Any, translate: Any = "auto", details: bool = False, **options: Any) -> Any:
    """z with the half sum of squares of f(*args, z) least near z0; all else as minimize."""
    return _entry()("least_squares", f, z0, args, translate, details, options)


def translate(f: Function, *, call: bool = False) -> Function:
    """A function written in torch as a function of dini's arrays, with which all of dini works; traced as dini's own are.

    Tensors that it closes over are constants: one that requires grad is an error that asks for it as an argument. With `call` it is not
    translated, but called by torch at run time.

    >>> dini.grad(dini.torch.translate(lambda x: torch.sin(x).sum()))(np.zeros(2))
    Array([1., 1.])
    """
    followed = _Followed(f, not call)
    followed.torch.maps = []  # what it becomes a part of may outlive this

    def of_arrays(*args: Any) -> Any:
        arrays = map_leaves(torch.Tensor, to_array, args)
        arrays = tuple(a if isinstance(a, (_dini.Array, tuple, list, dict)) or not hasattr(a, "__array__") else _dini.array(a) for a in arrays)
        for _ in range(10):
            for t in followed.torch.captures:
                if t.requires_grad or torch._C._functorch.is_functorch_wrapped_tensor(t):
                    raise _dini.TraceError(f"dini.torch.translate: {followed.torch.name} closes over a tensor of shape {tuple(t.shape)} that "
                                           "requires grad, and its gradient would be lost. Give it to the function as an argument.")
            followed.torch._ran = False
            try:
                return followed([to_array(t) for t in followed.torch.captures], arrays)
            except Captures as e:
                followed.torch.update(e)
        raise _dini.TraceError(f"dini.torch.translate: {followed.torch.name} closes over other tensors at every call")

    of_arrays.__name__ = followed.torch.name
    of_arrays.__doc__ = getattr(f, "__doc__", None)
    return of_arrays
