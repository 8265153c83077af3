"""Solves that were traced before: f, written in torch, is not followed again while nothing that it can read has changed.

What a solve computes is a Program of tensors: of the start, the arguments, and what f closes over. Beside the Program stands a guard of all
that was read to make it (_guards.py), which says for another call whether it would be the same, and which tensors it takes.
"""
from __future__ import annotations

import collections
from types import FunctionType, MethodType
from typing import Any, Iterable, NamedTuple, Sequence

import torch
from torch.utils import _pytree

from .._bridge import Forms
from .._transforms import _forgetters
from ._autograd import apply, build
from ._guards import Find, guard, nothing_around
from ._reads import PLAIN, Unguarded


class _Input(NamedTuple):
    """A tensor that a Program takes, at its place among what a guard finds."""

    place: int
    shape: torch.Size
    dtype: torch.dtype


class _Known(NamedTuple):
    find: Find
    inputs: list[_Input]
    constants: list[Any]
    forms: Forms
    structure: Any

    def tensors(self, values: Any) -> list[Any] | None:
        """The Program's inputs for these values; None if it is not theirs."""
        found = self.find(values)
        if found is None:
            return None
        given: list[Any] = []
        for place, shape, dtype in self.inputs:
            t = found[place]
            if t.dtype is not dtype or t.shape != shape:
                return None
            given.append(t)
        return given


class _Function:
    """What is known of the solves of one function."""

    def __init__(self, held: Any) -> None:
        self.held = held  # its code or class, of which there is the id in the key: a hash of code takes long
        self.known: list[_Known] = []
        self.in_vain = 0  # traces since one was used again


_MOST_FUNCTIONS, _MOST_OF_ONE, _MOST_IN_VAIN = 128, 8, 32
_functions: collections.OrderedDict[Any, _Function] = collections.OrderedDict()
_forgetters.append(_functions.clear)


class Solve:
    """A solve of functions of torch's: `functions`, by name, z0, args, and the other options."""

    _find: Find | None = None
    _first = 0
    _found: list[Any] | None = None

    def __init__(self, kind: str, details: bool, functions: dict[str, Any], z0: Any, args: Any, options: Any) -> None:
        f = functions[""]
        self.values = (f if len(functions) == 1 else functions, (z0, args, options))
        if type(f) is MethodType:
            f = f.__func__
        self._held = f.__code__ if type(f) is FunctionType else type(f)
        self._of = (kind, details, torch.get_default_dtype(), id(self._held))
        self._function: _Function | None = None

    def again(self) -> tuple[Any] | None:
        """Its value, by what was traced before; None if nothing is known of it."""
        if not nothing_around():
            return None
        one = self._function = _functions.get(self._of)
        if one is None:
            return None
        known = one.known
        for solve in known:
            tensors = solve.tensors(self.values)
            if tensors is not None:
                one.in_vain = 0
                if solve is not known[0]:
                    one.known = [solve, *(other for other in known if other is not solve)]
                values = apply(solve.forms, [*tensors, *solve.constants] if solve.constants else tensors)
                return (values[0] if solve.structure is None else build(solve.structure, values),)
        return None

    def look(self) -> None:
        """Notes what is there before it is traced."""
        self._find = None
        if not nothing_around() or (self._function is not None and self._function.in_vain >= _MOST_IN_VAIN):
            return
        one = self._function
        if one is None:
            one = self._function = _functions.setdefault(self._of, _Function(self._held))
            while len(_functions) > _MOST_FUNCTIONS:
                try:
                    _functions.popitem(last=False)
                except KeyError:  # another thread was faster
                    break
        one.in_vain += 1
        try:
            _check_options(self.values[1][2])
            self._find, self._first = guard(*self.values)
            self._found = self._find(self.values)
        except Exception:  # beside Unguarded, whatever an object answers that is looked at
            self._find = None

    def keep(self, starts: Sequence[Any], captured: Iterable[Any], given: Sequence[Any], optional: Sequence[Any], constants: Sequence[Any],
             forms: Forms, structure: Any) -> None:
        """What it has become, if what was there before is there still."""
        find, function, found = self._find, self._function, self._found
        again = find(self.values) if find is not None else None
        if find is None or function is None or found is None or again is None or [*map(id, again)] != [*map(id, found)]:
            return
        # The tensors of the arguments stand at the end, in their order; those before are what the functions close over.
        of_arguments = [*starts, *given, *optional]
        own = [k for k in range(self._first, len(found)) if isinstance(found[k], torch.Tensor)]
        if len(own) != len(of_arguments) or any(found[k] is not t for k, t in zip(own, of_arguments)):
            return
        places = {id(found[k]): k for k in range(self._first)}
        of_captured = [places.get(id(t)) for t in captured]
        if None in of_captured:
            return
        taken = [*own[:len(starts)], *of_captured, *own[len(starts):]]
        inputs = [_Input(k, found[k].shape, found[k].dtype) for k in taken]  # type: ignore[index,arg-type]
        function.known = [_Known(find, inputs, list(constants), forms, structure), *function.known[:_MOST_OF_ONE - 1]]


def _check_options(options: Any) -> None:
    for x in _pytree.tree_leaves(options):
        if type(x) not in PLAIN and type(x) not in (float, torch.Tensor, torch.nn.Parameter):
            raise Unguarded("an option that is an object")
