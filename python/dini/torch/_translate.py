"""Functions written in torch as functions of dini's.

f is called with tensors of a class of its own, `Traced`, that hold dini's arrays in the place of memory: what torch dispatches to them
are its elementary operations (ATen), and each is computed by dini, by the table in _aten.py. So f is followed like any function of dini's,
by every transformation, and a function that reads values (`if z.sum() > 0`) is as well treated as one of dini's. An operation without an
entry is taken apart by torch's own decompositions, or is Untranslatable.

Above that, `_Scope` sees the functions that f calls, before torch's own transformations do. It finds tensors that f closes over, which
become inputs, and it marks what `detach` and `no_grad` cut off: of what torch dispatches below they leave no trace.
"""
from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from typing import Any, Callable, Iterator, Sequence

import torch
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack
from torch._subclasses.fake_tensor import FakeTensor
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree

from .. import _dini
from ._tensors import TORCH_DTYPES, aval_of, check, leaves_of_kind, map_leaves, to_array


class Untranslatable(_dini.TraceError):
    """Something in a function of torch's that dini has no translation of."""


class Captures(Exception):
    """What a function closes over is not what was taken for it: there are tensors to add to it, and to take away."""

    def __init__(self, f: Callable[..., Any], added: list[torch.Tensor], dropped: list[torch.Tensor]) -> None:
        self.f, self.added, self.dropped = f, added, dropped


class _Refused(Exception):
    """A DtypeError on its way through torch, whose operators take a TypeError for the wish that the other operand be asked."""


def is_of_function(e: BaseException) -> bool:
    """Whether a function that was followed raised it."""
    return getattr(e, "_of_function", False)


class _Cutting(threading.local):
    on = False


_cutting = _Cutting()  # whether what is computed is a constant to derivatives


class Traced(torch.Tensor):
    """A tensor whose numbers are an array of dini's. Views know what they are views of, so that writing into them works."""

    _array: Any
    _taken: Any  # (base, a function of arrays), or None
    _changes: int
    _seen: int  # the base's version that _array was taken from

    @staticmethod
    def __new__(cls, array: Any) -> Traced:
        t: Traced = torch.Tensor._make_wrapper_subclass(cls, array.shape, dtype=TORCH_DTYPES[str(array.dtype)])
        t._array, t._taken, t._changes, t._seen = array, None, 0, 0
        return t

    def __init__(self, array: Any) -> None:
        pass

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"tensor(followed by dini, shape={tuple(self.shape)}, dtype={self.dtype})"

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        from ._aten import dispatch

        out = dispatch(func, args, kwargs or {})
        if _cutting.on:
            for t in _pytree.tree_leaves(out):
                if isinstance(t, Traced):
                    constant = _dini.stop_gradient(t.read())
                    if any(t is a for a in args):
                        t.write(constant)
                    else:  # what it is a view of is none
                        t._array, t._taken = constant, None
        return out

    @staticmethod
    def viewing(base: Traced, take: Callable[[Any], Any]) -> Traced:
        t = Traced(take(base.read()))
        t._taken, t._seen = (base, take), base.changes()
        return t

    def changes(self) -> int:
        return self._changes + (self._taken[0].changes() if self._taken else 0)

    def read(self) -> Any:
        if self._taken:
            base, take = self._taken
            now = base.changes()
            if now != self._seen:
                self._array, self._seen = take(base.read()), now
        return self._array

    def turn(self, take: Callable[[Any], Any]) -> None:
        """Another look at the same numbers, in the place of this one."""
        self._array = take(self.read())
        if self._taken:
            base, before = self._taken
            self._taken = (base, lambda a: take(before(a)))

    def write(self, array: Any) -> None:
        """Other numbers in the same place."""
        self._changes += 1
        if self._taken:
            base, take = self._taken
            whole = base.read()
            places = take(_dini.arange(whole.size).reshape(whole.shape))
            base.write(whole.ravel().at[places.ravel()].set(array.ravel()).reshape(whole.shape))
            self._seen = base.changes()
        self._array = array


def innermost(t: torch.Tensor) -> torch.Tensor:
    """Without the wrappers of torch.func's transformations."""
    while torch._C._functorch.is_functorch_wrapped_tensor(t):
        t = torch._C._functorch.get_unwrapped(t)
    return t


_RANDOM = {"rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "poisson"}
_DETACHING = {torch.Tensor.detach, torch.detach, torch.Tensor.detach_, torch.detach_, torch.Tensor.data.__get__}  # type: ignore[attr-defined]
_TO_NUMPY = {torch.Tensor.__array__, torch.Tensor.numpy, torch.Tensor.__dlpack__}


class Current(threading.local):
    """On this thread the scope of the function that is followed or called now, if there is one, and that around the solve that goes on."""

    scope: Scope | None = None
    around: Scope | None = None
    example = False  # a function is called for the shapes of its values


current = Current()
scopes: list[Scope] = []  # of all threads: while there is none, nobody has to ask for this one's


class Scope(TorchFunctionMode):
    """What f calls. `known` has what stands for the tensors that f closes over, by their ids."""

    def __init__(self, known: dict[int, torch.Tensor], arguments: Sequence[torch.Tensor], translating: bool) -> None:
        super().__init__()
        self.known, self.translating = known, translating
        self.found: list[torch.Tensor] = []
        self.met: set[int] = set()
        self.grad_enabled = True  # as f says
        self.aside = False
        # Of real tensors, those that were made in here; held, so that their ids stay theirs.
        self.own = {id(t): t for t in arguments}

    def stand_in(self, t: torch.Tensor) -> torch.Tensor:
        known = self.known.get(id(t))
        if known is not None:
            self.met.add(id(t))
            return known
        inner = innermost(t)
        if isinstance(inner, Traced) or id(inner) in self.own:
            return t
        # One that is met for the first time: its place is taken by something like it, to find the others as well.
        self.found.append(t)
        check(inner)
        plain = inner is t and not isinstance(t, FakeTensor)
        if self.translating:
            new: torch.Tensor = Traced(to_array(t) if plain else _dini.zeros(*aval_of(t)))
        else:
            new = t.detach().clone() if plain else torch.zeros(tuple(t.shape), dtype=t.dtype)
        self.known[id(t)] = self.own[id(new)] = new
        return new

    def replaced(self, x: Any) -> Any:
        """Arguments of what f calls, with stand-ins."""
        if isinstance(x, torch.Tensor):
            return self.stand_in(x)
        if type(x) in (tuple, list):
            return type(x)(self.replaced(v) for v in x)
        if type(x) is dict:
            return {k: self.replaced(v) for k, v in x.items()}
        if type(x) is slice:
            return slice(self.replaced(x.start), self.replaced(x.stop), self.replaced(x.step))
        return x

    def kept(self, x: Any) -> Any:
        """What it returned: a new real tensor is a constant, or is at least f's own."""
        if isinstance(x, torch.Tensor):
            inner = innermost(x)
            if not isinstance(inner, Traced):
                if self.translating and inner is x:
                    return Traced(to_array(x))
                self.own[id(inner)] = inner
        elif isinstance(x, (tuple, list)):
            items = [self.kept(v) for v in x]
            if any(new is not old for new, old in zip(items, x)) and type(x) in (tuple, list):
                return type(x)(items)
        return x

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """While another solve goes on within f, of which this sees what goes in and comes out."""
        before = current.scope, current.around
        self.aside, current.scope, current.around = True, None, self
        try:
            yield
        finally:
            self.aside = False
            current.scope, current.around = before

    def came_out(self, values: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        """What a solve within f has returned, which is set aside for it: without a derivative where f cuts that off."""
        values = values if self.grad_enabled else [t.detach() for t in values]
        return [self.kept(t) for t in values]

    def check_mode(self) -> None:
        if self.translating and self.grad_enabled and not torch.is_grad_enabled():  # whose forward torch runs without gradients
            raise Untranslatable("a torch.autograd.Function has a derivative of its own")

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self.aside:
            return func(*args, **(kwargs or {}))
        try:
            return self._called(func, self.replaced(args), self.replaced(kwargs) if kwargs else {})
        except _dini.DtypeError as e:
            raise _Refused from e

    def _called(self, func: Any, args: Any, kwargs: Any) -> Any:
        if self.translating and getattr(func, "__name__", "") in _RANDOM:
            raise Untranslatable(f"torch.{func.__name__} draws other numbers at every call")
        if func in _TO_NUMPY and (isinstance(args[0], Traced) or innermost(args[0]) is not args[0]):
            raise Untranslatable("NumPy or dini is asked to compute with a tensor in it, and not torch")
        if func is torch._C._set_grad_enabled:
            self.grad_enabled = args[0]
        else:
            self.check_mode()
        cut = func in _DETACHING or not self.grad_enabled
        before, _cutting.on = _cutting.on, _cutting.on or cut
        try:
            out = func(*args, **kwargs)
        finally:
            _cutting.on = before
        if cut and not self.translating and not any(out is a for a in args):
            out = _pytree.tree_map_only(torch.Tensor, torch.Tensor.detach, out)  # forward mode goes through no_grad
        return self.kept(out)


def run(f: Callable[..., Any], name: str, ids: Sequence[int], captured: Sequence[torch.Tensor], args: Sequence[Any],
        translating: bool) -> tuple[Any, Scope]:
    """f, with `captured` in the places of the tensors with these ids that it closes over, and what was seen of it."""
    tensors = leaves_of_kind(torch.Tensor, args)
    scope = Scope(dict(zip(ids, captured)), [innermost(t) for t in [*tensors, *captured]], translating)
    before = [_changes(t) for t in captured]
    # In the precision of its tensors, also where torch would compute in a shorter one.
    around, current.scope = current.scope, scope
    scopes.append(scope)
    with scope, torch.enable_grad(), torch.autocast("cpu", enabled=False):
        try:
            value = f(*args)
        except _Refused as e:
            raise e.__cause__ from None  # type: ignore[misc]
        except Exception as e:
            if not isinstance(e, _dini.Error):
                e._of_function = True  # type: ignore[attr-defined]
            raise
        finally:
            current.scope = around
            scopes.remove(scope)
    value = map_leaves(torch.Tensor, scope.stand_in, value)
    for t, old in zip(captured, before):
        if _changes(t) != old:
            raise _dini.TraceError(f"dini.torch: {name} changes a tensor of shape {tuple(t.shape)} in place that it closes over, at every step of "
                                   "a solve. What it computes has to come back as its value; a module may have to be told .eval().")
    return value, scope


def _changes(t: torch.Tensor) -> int:
    return t.changes() if isinstance(t, Traced) else t._version


class TorchFunction:
    """A function written in torch. `captures` are the tensors that it closes over, as far as they are known."""

    def __init__(self, f: Callable[..., Any], captures: Sequence[torch.Tensor] = ()) -> None:
        self.f = f
        self.name = getattr(f, "__name__", type(f).__name__)
        self.captures = list(captures)
        self.maps: list[Any] | None = None  # what calls it at run time, where that is to hold it
        self._ran = False

    def run(self, captured: Sequence[torch.Tensor], args: Sequence[Any], translating: bool) -> Any:
        """f. Captures is raised where it closes over something else than was known."""
        value, scope = run(self.f, self.name, [id(t) for t in self.captures], captured, args, translating)
        # (What is not used the first time may be used in another branch.)
        unused = [] if self._ran else [t for t in self.captures if id(t) not in scope.met]
        self._ran = True
        if scope.found or unused:
            raise Captures(self.f, scope.found, unused)
        return value

    def update(self, found: Captures) -> None:
        dropped = {id(t) for t in found.dropped}
        self.captures = [t for t in self.captures if id(t) not in dropped] + found.added

    def translated(self, captured: Sequence[Any], args: Sequence[Any]) -> Any:
        """f at arrays of dini's, which may be traced, in trees of torch's; a tree of arrays."""
        stand_ins = [Traced(a) for a in captured]
        given = map_leaves(_dini.Array, Traced, args)
        with outside_of_transforms():
            value = self.run(stand_ins, given, translating=True)
        return map_leaves(torch.Tensor, array_of, value)


def outside_of_transforms() -> Any:
    """Around what is computed while torch.func's transformations are active, and is none of theirs."""
    active = torch._C._are_functorch_transforms_active()
    return temporarily_clear_interpreter_stack() if active else nullcontext()


def array_of(t: torch.Tensor) -> Any:
    t = innermost(t)
    return t.read() if isinstance(t, Traced) else to_array(t)
