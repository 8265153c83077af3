"""Functions of dini's as functions of torch's: values, derivatives of every order and in both modes, and batches.

There are three ways in. Outside of torch's transformations `_Kept` runs, which keeps the pullback of its forward pass, so that the
backward pass solves nothing again. Higher orders, forward mode and torch.func go through `_Function`, whose derivatives and batches are
`_Function` of the derivatives and batches that dini makes (dini/_bridge.py). Where something follows what torch dispatches (torch.compile,
make_fx, torch.func.linearize, torch.export) the numbers come by one operation of torch's, `dini::call`, for which no more is needed than
the shapes.
"""
from __future__ import annotations

import collections
import itertools
import weakref
from contextlib import nullcontext
from typing import Any, Callable, Sequence

import torch
from torch._compile import _disable_dynamo
from torch.autograd import forward_ad as _forward_ad
from torch.utils import _pytree
from torch.utils._python_dispatch import _disable_current_modes

from .. import _dini
from .._bridge import Forms
from .._transforms import _forgetters
from ._compiler import constant, dispatch_modes, eager, frames_are_looked_at, is_recorded
from ._tensors import DTYPES, TORCH_DTYPES, all_of_kind, aval_of, check, to_array, to_tensor
from ._translate import Scope, current, scopes

_functorch = torch._C._functorch
_are_transforms_active = torch._C._are_functorch_transforms_active


def _like(outputs: Sequence[torch.Tensor]) -> list[tuple[torch.Size, torch.dtype]]:
    return [(t.shape, t.dtype) for t in outputs]


def _zeros_for_missing(cotangents: Sequence[Any], outputs: Sequence[tuple[Any, torch.dtype]]) -> list[torch.Tensor]:
    """Cotangents of the floating outputs, where torch gives None for zero."""
    return [torch.zeros(shape, dtype=dtype) if ct is None else ct
            for ct, (shape, dtype) in zip(cotangents, outputs) if dtype.is_floating_point]


def _spread(values: Sequence[Any], mask: Sequence[bool]) -> tuple[Any, ...]:
    some = iter(values)
    return tuple(next(some) if m else None for m in mask)


class _Inputs:
    """What a function was called with: tensors are torch's to keep, the rest is here."""

    def __init__(self, ctx: Any, inputs: Sequence[Any], both: bool) -> None:
        self.others: list[Any] | None = None
        if not all_of_kind(torch.Tensor, inputs):
            self.others = [None if isinstance(x, torch.Tensor) else (x,) for x in inputs]
            inputs = [x for x in inputs if isinstance(x, torch.Tensor)]
        ctx.save_for_backward(*inputs)
        if both:
            ctx.save_for_forward(*inputs)

    def of(self, ctx: Any) -> list[Any]:
        if self.others is None:
            return list(ctx.saved_tensors)
        tensors = iter(ctx.saved_tensors)
        return [next(tensors) if other is None else other[0] for other in self.others]


def _not_differentiable(ctx: Any, outputs: Sequence[torch.Tensor]) -> None:
    whole = [t for t in outputs if not t.dtype.is_floating_point]
    if whole:
        ctx.mark_non_differentiable(*whole)
    ctx.set_materialize_grads(False)


class _Function(torch.autograd.Function):
    """`held` is what has to live as long as the derivatives: a function that is called at run time."""

    @staticmethod
    @eager  # type: ignore[untyped-decorator]
    def forward(forms: Forms, held: Any, *inputs: Any) -> tuple[torch.Tensor, ...]:
        if dispatch_modes():
            return _dispatched(forms, held, inputs)
        return tuple([to_tensor(a) for a in forms.value(*map(to_array, inputs))])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.forms, ctx.held = inputs[:2]
        ctx.inputs = _Inputs(ctx, inputs[2:], both=True)
        ctx.outputs = _like(output)
        _not_differentiable(ctx, output)

    @staticmethod
    @eager  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *cotangents: Any) -> Any:
        moving = tuple(ctx.needs_input_grad[2:])
        if all(ct is None for ct in cotangents):
            return (None,) * (2 + len(moving))
        sent = _Function.apply(ctx.forms.vjp(moving), ctx.held, *ctx.inputs.of(ctx), *_zeros_for_missing(cotangents, ctx.outputs))
        return (None, None, *_spread(sent, moving))

    @staticmethod
    @eager  # type: ignore[untyped-decorator]
    def jvp(ctx: Any, _forms: Any, _held: Any, *tangents: Any) -> Any:
        moving = tuple(t is not None for t in tangents)
        sent = _Function.apply(ctx.forms.jvp(moving), ctx.held, *ctx.inputs.of(ctx), *(t for t in tangents if t is not None))
        return _spread(sent, [dtype.is_floating_point for _, dtype in ctx.outputs])

    @staticmethod
    @eager  # type: ignore[untyped-decorator]
    def vmap(info: Any, in_dims: Any, forms: Forms, held: Any, *inputs: Any) -> Any:
        out = _Function.apply(forms.batched(tuple(in_dims[2:])), held, *inputs)
        return out, (0,) * len(out)


class _Kept(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, forms: Forms, held: Any, *inputs: Any) -> tuple[torch.Tensor, ...]:
        arrays = [to_array(x) for x in inputs]
        moving = ctx.needs_input_grad[2:]
        ctx.forms, ctx.held, ctx.moving = forms, held, moving
        if True in moving:
            values, ctx.pullback = forms.forward(moving)(*arrays)
            ctx.inputs = _Inputs(ctx, inputs, both=False)
        else:
            values = forms.value(*arrays)
        out = tuple([to_tensor(a) for a in values])
        ctx.outputs = _like(out)
        _not_differentiable(ctx, out)
        return out

    @staticmethod
    @eager  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *cotangents: Any) -> Any:
        if all([ct is None for ct in cotangents]):
            return (None,) * (2 + len(ctx.moving))
        if torch.is_grad_enabled() or _are_transforms_active() or dispatch_modes():  # create_graph=True: differentiable once more
            given = _zeros_for_missing(cotangents, ctx.outputs)
            sent = _Function.apply(ctx.forms.vjp(ctx.moving), ctx.held, *ctx.inputs.of(ctx), *given)
        else:
            arrays = [_dini.zeros(tuple(shape), DTYPES[dtype]) if ct is None else to_array(ct) for ct, (shape, dtype) in zip(cotangents, ctx.outputs)]
            sent = [to_tensor(a) for a in ctx.forms.pull(ctx.pullback, tuple(arrays))]
        return (None, None, *_spread(sent, ctx.moving))


def apply(forms: Forms, inputs: Sequence[Any], held: Any = None) -> tuple[torch.Tensor, ...]:
    """The values of a function of flat arrays at tensors, numbers and arrays."""
    if scopes and current.example:
        return _examples(forms, inputs)
    plain = not _are_transforms_active() and _forward_ad._current_level < 0 and not dispatch_modes()
    return (_Kept if plain else _Function).apply(forms, held, *inputs)  # type: ignore[no-any-return]


def _examples(forms: Forms, inputs: Sequence[Any]) -> tuple[torch.Tensor, ...]:
    """Something like the values, for who asks for no more. (Of numbers that are no one's a solve may have no solution.)"""
    like = [_dini.zeros(*aval_of(check(x))) if isinstance(x, torch.Tensor) else to_array(x) for x in inputs]
    try:
        shapes = forms.shapes(*like)
    except _dini.HostReadError:
        return _Kept.apply(forms, None, *inputs)  # type: ignore[no-any-return]
    # (Of the inputs, for what torch's transformations look at.)
    nothing = sum([0 * x.sum() for x in inputs if isinstance(x, torch.Tensor) and x.is_floating_point()], torch.zeros(()))
    ones = [torch.ones(shape, dtype=TORCH_DTYPES[dtype]) for shape, dtype in shapes]
    return tuple([t + nothing.to(t.dtype) if t.is_floating_point() else t for t in ones])


# ---- In graphs of torch's -----------------------------------------------------------------------------------------------

_numbers = itertools.count()
# What torch dispatches by: as it is outside of all operations, and there within torch.func's transformations.
_BY_ITSELF = torch._C._dispatch_tls_local_include_set(), torch._C._dispatch_tls_local_exclude_set()
_BY_TRANSFORMS = (_BY_ITSELF[0] | torch._C.DispatchKeySet(torch._C.DispatchKey.FuncTorchDynamicLayerFrontMode)
                  | torch._C.DispatchKeySet(torch._C.DispatchKey.FuncTorchDynamicLayerBackMode), _BY_ITSELF[1])
_in_graphs: dict[int, Any] = {}  # what stands in a graph, which says nobody when it goes: kept for good
_by_number: weakref.WeakValueDictionary[int, Forms] = weakref.WeakValueDictionary()


def _number_of(forms: Forms) -> int:
    number = forms.__dict__.get("number")
    if number is None:
        number = forms.number = next(_numbers)  # type: ignore[attr-defined]
        _by_number[number] = forms
    return number


_library = torch.library.Library("dini", "DEF")
_library.define("call(int function, Tensor[] inputs) -> Tensor[]", tags=(torch.Tag.pt2_compliant_tag,))


def _call(function: int, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
    with torch._C._ForceDispatchKeyGuard(*_BY_ITSELF):  # torch is called in here again where a function is not translated
        return [to_tensor(a) for a in _by_number[function].value(*map(to_array, inputs))]


def _call_of_shapes(function: int, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
    forms = _by_number[function]
    _in_graphs.setdefault(function, forms)
    avals = [aval_of(check(t)) for t in inputs]
    with _disable_current_modes():  # what the function captures are tensors with numbers
        shapes = forms.shapes(*(_dini.zeros(*aval) for aval in avals))
    return [inputs[0].new_empty(shape, dtype=TORCH_DTYPES[dtype]) for shape, dtype in shapes]


def _call_of_autograd(function: int, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
    if _are_transforms_active() and _functorch.peek_interpreter_stack().key() == _functorch.TransformType.Jvp:
        raise _dini.TraceError("dini.torch: a graph that torch has made has no jvp by torch.func where a layer of dini's is in it. Take it of the "
                               "function that the graph was made of, or by torch.autograd.forward_ad.")
    with torch._C._ForceDispatchKeyGuard(*_BY_TRANSFORMS) if _are_transforms_active() else nullcontext():
        return list(_Function.apply(_by_number[function], None, *inputs))


def _call_of_lanes(info: Any, in_dims: Any, function: int, inputs: list[torch.Tensor]) -> Any:
    batched = _by_number[function].batched(tuple(in_dims[1]))
    out = torch.ops.dini.call(_number_of(batched), inputs)
    return out, [0] * len(out)


_library.impl("call", eager(_call), "CPU")
_library.impl("call", eager(_call_of_autograd), "Autograd")
torch.library.register_fake("dini::call", eager(_call_of_shapes), lib=_library)
torch.library.register_vmap("dini::call", eager(_call_of_lanes), lib=_library)


def _dispatched(forms: Forms, held: Any, inputs: Sequence[Any]) -> tuple[torch.Tensor, ...]:
    """The values by the operation. Numbers stand in the function; other arrays are constants of the graph."""
    with _disable_current_modes():
        given = [x if isinstance(x, torch.Tensor) or type(x) in (float, int, bool) else to_tensor(to_array(x)) for x in inputs]
        tensors = [x for x in given if isinstance(x, torch.Tensor)]
        if len(tensors) < len(given):
            forms = forms.at(tuple(None if isinstance(x, torch.Tensor) else (type(x), x) for x in given))
        if not tensors:
            return tuple([to_tensor(a) for a in forms.value()])
    number = _number_of(forms)
    if is_recorded():
        _in_graphs[number] = forms, held
    with torch._C._AutoDispatchBelowAutograd():
        return tuple(torch.ops.dini.call(number, tensors))


# ---- Trees --------------------------------------------------------------------------------------------------------------

def is_array(x: Any) -> bool:
    return isinstance(x, (torch.Tensor, _dini.Array)) or hasattr(x, "__array__")


def is_leaf(x: Any) -> bool:
    """What is an array to dini: not part of what a function is compiled for."""
    return is_array(x) or isinstance(x, (float, int))


def _hashable(spec: Any) -> Any:
    """A tree's structure as a key: of dicts it has no hash in older versions of torch."""
    try:
        hash(spec)
    except TypeError:
        return repr(spec)
    return spec


class Layer:
    """A function of trees of dini's arrays, called with trees of tensors. `wrap` says more."""

    def __init__(self, g: Callable[..., Any], compiled: bool = True, leaf: Callable[[Any], bool] = is_leaf) -> None:
        self.__wrapped__ = g
        self.compiled, self.leaf = compiled, leaf
        self.__name__ = getattr(g, "__name__", type(g).__name__)
        self.__doc__ = g.__doc__
        self._known: dict[Any, tuple[Forms, list[Any]]] = {}
        self._number = next(_numbers)
        _layers[self._number] = self

    def __repr__(self) -> str:
        return f"<dini.torch.wrap of {self.__wrapped__!r}>"

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        import types

        return self if instance is None else types.MethodType(self, instance)

    def forms(self, spec: Any, static: Any) -> tuple[Forms, list[Any]]:
        """The flat function of arguments of this structure, or of a number of arrays, and a list for the structure that it returns."""
        key = (_hashable(spec), static)
        known = self._known.get(key) if self.compiled else None
        if known is not None:
            return known
        out: list[Any] = [None]
        g = self.__wrapped__

        def flat(*arrays: Any) -> tuple[Any, ...]:
            if spec is None:
                leaves, out[0] = leaves_of(g(*arrays))
            else:
                some = iter(arrays)
                args, kwargs = _pytree.tree_unflatten([next(some) if s is None else s[0] for s in static], spec)
                leaves, out[0] = leaves_of(g(*args, **kwargs))
            return tuple(leaves)

        made = Forms(flat, self.compiled), out
        return self._known.setdefault(key, made) if self.compiled else made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if _is_compiling():
            return self._in_graph(args, kwargs)
        if scopes and current.scope is not None:
            return _within(current.scope, self, args, kwargs)
        return self._called(args, kwargs) if frames_are_looked_at() is None else _outside(self, args, kwargs)

    def _called(self, args: Any, kwargs: Any) -> Any:
        if not kwargs and all_of_kind(torch.Tensor, args):
            arrays: Sequence[Any] = args
            forms, out = self.forms(None, len(args))
        else:
            leaves, spec = _pytree.tree_flatten((args, kwargs))
            if any(isinstance(x, _dini.Array) and not x.concrete for x in leaves):  # within a function of dini's that is followed now
                return self.__wrapped__(*args, **kwargs)
            static = tuple(None if self.leaf(x) else (x,) for x in leaves)
            arrays = [x for x, s in zip(leaves, static) if s is None]
            forms, out = self.forms(spec, static)
        values = apply(forms, arrays) if self.compiled else apply_traced(forms.f, arrays)[0]
        if scopes and current.around is not None:
            values = current.around.came_out(values)
        return values[0] if out[0] is None else build(out[0], values)

    def _in_graph(self, args: Any, kwargs: Any) -> Any:
        if kwargs or not all_of_kind(torch.Tensor, args):
            raise _dini.TraceError("dini.torch.wrap: under torch.compile a layer is called with tensors alone, by position")
        number = _prepared(self._number, len(args))
        if number is None:
            return _outside(self, args, kwargs)
        values = torch.ops.dini.call(number, list(args))
        count = _count_of(number)  # (known now: torch's compiler has asked for the shapes)
        return values[0] if count is None else tuple(values[k] for k in range(count))

    def clear_cache(self) -> None:
        """Forgets what was compiled."""
        self._known.clear()


# What was compiled of the Programs that were met last: most calls trace one of these again.
_recent: collections.OrderedDict[Any, Forms] = collections.OrderedDict()
_MOST = 128
_forgetters.append(_recent.clear)


def _traced(f: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Forms, list[Any]]:
    """f traced for arrays like these, and what it is to be called with: these, and what it captured."""
    inputs = [x if isinstance(x, torch.Tensor) else to_array(x) for x in inputs]
    avals = [aval_of(check(x)) if isinstance(x, torch.Tensor) else (x.shape, x.dtype) for x in inputs]
    if dispatch_modes():
        with _disable_current_modes():
            program = _dini._program(f, avals)
    else:
        program = _dini._program(f, avals)
    forms = _recent.get(program)
    if forms is None:
        forms = _recent[program] = Forms(program._with_captured)
        while len(_recent) > _MOST:
            try:
                _recent.popitem(last=False)
            except KeyError:  # another thread was faster
                break
    return forms, [*inputs, *program._captured]


def apply_traced(f: Callable[..., Any], inputs: Sequence[Any]) -> tuple[tuple[torch.Tensor, ...], Forms | None, list[Any]]:
    """The values of a function that is traced now, since what is around it may be something else at each call; but once: in the backward
    pass it may be something else again. With them its Program, unless it reads values, and what this captured."""
    try:
        forms, arrays = _traced(f, inputs)
        return apply(forms, arrays, held=f), forms, arrays[len(inputs):]
    except _dini.HostReadError:
        return apply(Forms(f, compiled=False), inputs), None, []


def _within(scope: Scope, layer: Layer, args: Any, kwargs: Any) -> Any:
    """A layer within a function of torch's that is followed or called."""
    from . import _nested

    if scope.translating:
        return _nested.layer(scope, layer.__wrapped__, args, kwargs)
    return _nested.called(scope, layer._called, args, kwargs)


_layers: weakref.WeakValueDictionary[int, Layer] = weakref.WeakValueDictionary()
_outside = _disable_dynamo(Layer._called)
_is_compiling = torch.compiler.is_compiling


@constant
def _prepared(layer: int, count: int) -> int | None:
    """The number of a layer's flat function of so many tensors; None within torch.func's transformations and forward mode, which torch's
    compiler would apply to the operation, and not to what it stands for."""
    if _are_transforms_active() or _forward_ad._current_level >= 0:
        return None
    forms, out = _layers[layer].forms(None, count)
    forms.out = out  # type: ignore[attr-defined]
    return _number_of(forms)


@constant
def _count_of(number: int) -> int | None:
    """How many arrays are in the tuple that it returns; None for an array alone."""
    structure = _by_number[number].out[0]  # type: ignore[attr-defined]
    if structure is not None and not (type(structure) is tuple and all(type(x) is float for x in structure)):
        raise _dini.TraceError("dini.torch.wrap: under torch.compile a layer returns an array or a tuple of arrays")
    return None if structure is None else len(structure)


def leaves_of(value: Any) -> tuple[list[Any], Any]:
    """The arrays of what a function returned, and its structure; None for an array alone."""
    if isinstance(value, _dini.Array):
        return [value], None
    leaves = _dini.tree_leaves(value)
    return leaves, _dini.tree_map(lambda _: 0.0, value)


def build(structure: Any, values: Sequence[Any]) -> Any:
    some = iter(values)
    return _dini.tree_map(lambda _: next(some), structure)


def wrap(g: Callable[..., Any]) -> Layer:
    """A function of dini's arrays as a function of tensors, compiled once for each structure, shapes and dtypes.

    Arguments and results are trees; in the arguments tensors, numbers and NumPy's arrays are arrays to g, anything else is taken as it is
    and needs a hash. Derivatives of every order, in both modes, torch.func's transformations and torch.compile work on it. As with
    dini.jit, what g captures is fixed when it is traced, and has no derivative.

    >>> layer = dini.torch.wrap(lambda a: dini.root(lambda a, z: z**2 - a, 1.0, a).value)
    >>> a = torch.tensor(4.0, dtype=torch.float64, requires_grad=True)
    >>> layer(a).backward()
    >>> a.grad
    tensor(0.2500, dtype=torch.float64)
    """
    return Layer(g)
