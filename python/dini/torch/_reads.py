"""What code can read, and what is the same whoever looks: for guards (_guards.py)."""
from __future__ import annotations

import builtins
import dis
import functools
import sys
import types
import weakref
from collections import OrderedDict
from typing import Any, Callable, NamedTuple

import torch

from .. import _dini

Check = Callable[[Any, "list[Any]"], bool]


class Unguarded(Exception):
    """Something that a function reads and that is not followed."""


# ---- Code ----------------------------------------------------------------------------------------------------------------


class Reads(NamedTuple):
    names: frozenset[str]  # of attributes, and all others
    of_globals: frozenset[str]
    trouble: str | None


_DUNDERS = {"__class__", "__init__", "__call__", "__len__", "__getitem__", "__eq__", "__post_init__"}
_BY_TEXT = {"format", "format_map"}  # which read attributes that a text names
IS = "is"  # as a name: code asks by `is` for more than None, True and False
_TROUBLE = {"STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_BUILD_CLASS", "IMPORT_STAR", "DELETE_ATTR", "MATCH_CLASS"}
_read: weakref.WeakKeyDictionary[types.CodeType, Reads] = weakref.WeakKeyDictionary()


def reads_of(code: types.CodeType) -> Reads:
    known = _read.get(code)
    if known is None:
        known = _read[code] = _look_at(code, frozenset())
    return known


def _look_at(code: types.CodeType, around: frozenset[str]) -> Reads:
    names, of_globals, trouble = set(code.co_names), set(), None
    before = None
    for step in dis.get_instructions(code):
        what = step.opname
        if what == "IS_OP" and not (before is not None and before.opname == "LOAD_CONST" and before.argval in (None, True, False, ...)):
            names.add(IS)
        before = step
        if what in ("LOAD_GLOBAL", "LOAD_NAME"):
            of_globals.add(step.argval)
        elif what in _TROUBLE or (what in ("STORE_DEREF", "DELETE_DEREF") and step.argval not in code.co_cellvars and step.argval not in around):
            trouble = f"{code.co_name} has {what.lower()}"
        elif what == "IMPORT_NAME" and step.argval != "math":
            trouble = f"{code.co_name} imports {step.argval}"
    odd = [n for n in names if (n.startswith("__") and n.endswith("__") and n not in _DUNDERS) or n in _BY_TEXT]
    if odd:
        trouble = f"{code.co_name} reads {odd[0]}"
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            more = _look_at(inner, around | set(code.co_cellvars))
            names |= more.names
            of_globals |= more.of_globals
            trouble = trouble or more.trouble
    return Reads(frozenset(names), frozenset(of_globals), trouble)


# ---- What is constant ----------------------------------------------------------------------------------------------------

PLAIN = (int, str, bytes, bool, type(None), type(Ellipsis), type(NotImplemented), range, torch.dtype, torch.device, torch.layout, torch.memory_format,
          torch.Size, _dini.Solver, _dini.Adjoint, _dini.Loss, _dini.DType)
BUILTINS = {getattr(builtins, n) for n in (
    "abs all any bool bytes bytearray callable chr complex dict divmod enumerate filter float format frozenset int isinstance issubclass iter len list "
    "map max min next object ord pow range repr reversed round set slice sorted str sum super tuple type zip property staticmethod classmethod").split()} | {functools.partial, OrderedDict}
PURE_MODULES = ("math", "cmath", "operator", "_operator", "itertools", "_functools")  # but for what reads attributes that a text names
C_METHODS = (types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType)
# Of torch's own: what does not depend on its arguments alone.
_ASKS = {"set_grad_enabled", "is_tensor", "is_floating_point", "is_complex", "is_nonzero", "is_same_size", "is_conj", "is_neg", "is_signed", "is_grad_enabled"}
_IMPURE = ("get_", "set_", "is_", "_", "load", "save", "from_file", "seed", "initial_seed", "manual_seed", "jit", "compile", "cuda", "Generator",
           "backends", "utils", "distributed", "multiprocessing", "library", "ops", "classes", "hub", "overrides", "random")


def is_impure(name: str) -> bool:
    return name not in _ASKS and any(name == n or (n.endswith("_") and name.startswith(n)) for n in _IMPURE)


def is_torch(name: Any) -> bool:
    return isinstance(name, str) and (name == "torch" or name.startswith("torch."))


def is_torchs_class(kind: type) -> bool:
    """One that torch has under its name: not one that it made of another's."""
    home = getattr(kind, "__module__", None)
    return is_torch(home) and getattr(sys.modules.get(home), kind.__qualname__, None) is kind  # type: ignore[arg-type]


_NAMESPACES = (torch, torch.nn.functional, torch.special, torch.linalg, torch.fft, torch.func)


def is_torchs_function(f: Any) -> bool:
    name = getattr(f, "__name__", None)
    if not isinstance(name, str) or is_impure(name):
        return False
    if any(vars(m).get(name) is f for m in _NAMESPACES):
        return True
    home = sys.modules.get(getattr(f, "__module__", None) or "")
    return home is not None and is_torch(home.__name__) and vars(home).get(name) is f and getattr(f, "__closure__", None) is None


def equal(v: Any) -> Check:
    kind = type(v)
    return lambda x, found: x is v or (type(x) is kind and bool(x == v))


def equal_digits(v: Any, digits: Callable[[Any], Any]) -> Check:
    """Of numbers, NaN and the sign of zero as well."""
    kind, known = type(v), digits(v)
    return lambda x, found: x is v or (type(x) is kind and digits(x) == known)


def this_one(v: Any) -> Check:
    try:
        ref: Callable[[], Any] = weakref.ref(v)
    except TypeError:  # a function of C's
        return lambda x, found: x is v
    return lambda x, found: x is ref()


def met(check: Check) -> Check:
    """A check that notes what it is of, for what is the same as what."""

    def noted(x: Any, found: Any) -> bool:
        found.append(x)
        return check(x, found)

    return noted


def note(x: Any, found: Any) -> bool:
    """Of what was looked at already: that it is this one is seen from what is the same as what."""
    found.append(x)
    return True
