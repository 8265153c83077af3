"""What a function of torch's can read, looked at anew before each call: whether tracing it again would give what it gave before.

A guard is made of a value, and holds for another one where a function that reads it cannot tell them apart, but for the numbers in
tensors: these it collects, in one order, since they are what a Program takes as inputs. It follows what a function can reach: the code
of what is called, closures, defaults, globals, attributes by the names that occur in code, parameters and submodules. Numbers, texts and
flags have to be equal; of containers, functions and objects the parts. Which of the objects and tensors are one and the same has to be
as it was: code sees it by `is`, `==`, `in`, by keys, and by writing to one and reading from another. What nobody can follow from outside
(a generator, a file, NumPy's memory, getattr with a name that is computed, code in another language) is Unguarded, and is traced at
every call.

Torch itself is taken for constant. Nothing is held but constants and code: objects, functions and tensors may go.
"""
from __future__ import annotations

import builtins
import enum
import functools
import types
import weakref
from abc import ABC, ABCMeta
from collections import Counter, OrderedDict
from operator import itemgetter
from typing import Any, Callable, Generic, Protocol

import numpy as np
import torch
from torch.nn.modules import module as _module

from .. import _dini
from ._compiler import dispatch_modes
from ._reads import (
    BUILTINS, C_METHODS, IS, PLAIN, PURE_MODULES, Check, Reads, Unguarded, equal, equal_digits, is_impure, is_torch, is_torchs_class,
    is_torchs_function, met, note, reads_of, this_one,
)
from ._tensors import all_of_kind

_MOST = 5000  # parts of one guard
_MISSING = object()

# ---- Guards --------------------------------------------------------------------------------------------------------------

_OF_BUFFERS = {"_is_buffer", "persistent"}
_MODULE = {"training", "_parameters", "_buffers", "_modules"}
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_UNREAD = {"_non_persistent_buffers_set", "_is_full_backward_hook", "_forward_hooks_with_kwargs", "_forward_hooks_always_called",
           "_forward_pre_hooks_with_kwargs", "_state_dict_hooks", "_state_dict_pre_hooks", "_load_state_dict_pre_hooks",
           "_load_state_dict_post_hooks", *_HOOKS}
# What classes have beside what functions of theirs read.
_INERT = {f"__{n}__" for n in (
    "module qualname doc dict weakref annotations annotate annotate_func annotations_cache slots match_args dataclass_fields dataclass_params hash repr str "
    "init_subclass class_getitem orig_bases parameters abstractmethods firstlineno static_attributes reduce reduce_ex getstate setstate getnewargs del copy "
    "deepcopy sizeof dir format replace constants type_params protocol_attrs non_callable_proto_members").split()}


_NOTED = {list, dict, OrderedDict, set, functools.partial}  # what has parts, and an identity


class _Guards:
    """Guards of what belongs together. `names` are all that occur in code that is met; they are not known before all of it was met.

    A check appends to what is found the tensors and objects that it meets: all that has an identity which a function may see.
    """

    def __init__(self, names: frozenset[str]) -> None:
        self.names, self.met = names, set(names)
        self.seen: dict[Any, Any] = {}  # by id, what was met before; held, so that ids stay theirs
        self.size = 0
        self.all_of: set[type] = set()  # of which all attributes count

    def of(self, v: Any) -> Check:
        self.size += 1
        if self.size > _MOST:
            raise Unguarded("too much to look at")
        check, kind = self.part(v), type(v)
        # (Tensors and objects note themselves. Of values `is` tells the identity, and of NaN whether a list has it.)
        noted = kind in _NOTED or (IS in self.names and kind not in _NOTE_THEMSELVES) or (isinstance(v, (float, complex, np.generic)) and v != v)
        return met(check) if noted else check

    def part(self, v: Any) -> Check:
        kind = type(v)
        if kind in PLAIN:
            if kind in (_dini.Adjoint, _dini.Solver) and "0x" in repr(v):
                raise Unguarded("a preconditioner")
            return equal(v)
        if kind is float:
            return equal_digits(v, float.hex)
        if kind is complex:
            return equal_digits(v, repr)
        if kind in (torch.Tensor, torch.nn.Parameter):
            return self.tensor(v)
        if kind in (tuple, list):
            return self.sequence(v)
        if kind in (dict, OrderedDict):
            return self.mapping(v)
        if kind in (set, frozenset):
            return self.parts(v, tuple)
        if kind is slice:
            return self.parts(v, lambda s: (s.start, s.stop, s.step))
        if isinstance(v, types.FunctionType):
            return this_one(v) if is_torchs_function(v) else self.function(v)
        if kind is types.MethodType:
            return self.parts(v, lambda m: (m.__func__, m.__self__))
        if kind is functools.partial:
            return self.parts(v, lambda p: (p.func, p.args, p.keywords))
        if isinstance(v, torch.nn.Module):
            return self.module(v)
        if isinstance(v, types.ModuleType):
            return self.namespace(v)
        if isinstance(v, type):
            return self.callable_class(v)
        if isinstance(v, enum.Enum):
            self.of(kind)
            return this_one(v)
        if isinstance(v, (types.BuiltinFunctionType, *C_METHODS)):
            if v in BUILTINS or is_torchs_function(v) or isinstance(v, C_METHODS):
                return this_one(v)
            if isinstance(v.__self__, types.ModuleType) and v.__module__ in PURE_MODULES:
                return this_one(v)
        if isinstance(v, np.generic) and v.dtype.kind in "biufc":
            return equal_digits(v, lambda x: x.tobytes())
        if kind is np.ufunc:
            return this_one(v)
        if isinstance(v, tuple) and hasattr(kind, "_fields"):
            members, items = self.members_of(kind), self.sequence(v)
            return lambda x, found: members(type(x), found) and items(x, found)
        return self.instance(v)

    # ---- Values ----------------------------------------------------------------------------------------------------------

    def tensor(self, v: torch.Tensor) -> Check:
        if not v.__dict__.keys() <= _OF_BUFFERS:
            raise Unguarded("a tensor with attributes of its own")
        kind = type(v)

        def check(x: Any, found: Any) -> bool:
            found.append(x)
            return type(x) is kind and (not x.__dict__ or x.__dict__.keys() <= _OF_BUFFERS)

        return check

    def parts(self, v: Any, take: Callable[[Any], tuple[Any, ...]]) -> Check:
        of_type, inner = this_one(type(v)), self.sequence(take(v))
        return lambda x, found: of_type(type(x), found) and inner(take(x), found)

    def sequence(self, v: Any) -> Check:
        of_type, n, checks = weakref.ref(type(v)), len(v), [self.of(x) for x in v]
        if not n:
            return lambda x, found: type(x) is of_type() and not x

        if type(v) is tuple and all_of_kind(torch.Tensor, v):  # what arguments are most often
            kinds = [type(x) for x in v]

            def tensors(x: Any, found: Any) -> bool:
                if type(x) is not tuple or len(x) != n:
                    return False
                found += x
                for kind, y in zip(kinds, x):
                    if type(y) is not kind or not y.__dict__.keys() <= _OF_BUFFERS:
                        return False
                return True

            return tensors

        def check(x: Any, found: Any) -> bool:
            if type(x) is not of_type() or len(x) != n:
                return False
            for part, y in zip(checks, x):
                if not part(y, found):
                    return False
            return True

        return check

    def mapping(self, v: Any) -> Check:
        if not all(type(k) in (str, int, bool) or k is None for k in v):
            raise Unguarded("a dict with keys that are objects")
        kind, keys, checks = type(v), list(v), [self.of(x) for x in v.values()]
        if not keys:
            return lambda x, found: type(x) is kind and not x

        def check(x: Any, found: Any) -> bool:
            if type(x) is not kind or len(x) != len(keys) or list(x) != keys:
                return False
            for part, y in zip(checks, x.values()):
                if not part(y, found):
                    return False
            return True

        return check

    def entries(self, given: Any, wanted: Callable[[str, Any], bool], own: Any = ()) -> tuple[list[tuple[str, Check]], frozenset[str]]:
        """Of a namespace the guards of what is wanted, and the names that are read and that it has not. What is its `own` is nothing else."""
        parts = [(k, (self.part if k in own else self.of)(v)) for k, v in list(given.items()) if wanted(k, v)]
        return parts, frozenset(n for n in self.names if n not in given)

    # ---- Functions -------------------------------------------------------------------------------------------------------

    def code(self, code: types.CodeType) -> Reads:
        reads = reads_of(code)
        if reads.trouble:
            raise Unguarded(reads.trouble)
        self.met |= reads.names
        return reads

    def again(self, v: Any) -> Check | None:
        """Of an object that was met before."""
        if id(v) in self.seen:
            return note
        self.seen[id(v)] = v
        return None

    def function(self, f: types.FunctionType) -> Check:
        known = self.again(f)
        if known is not None:
            return known
        if f.__module__ is not None and f.__module__.split(".")[0] == "dini":
            raise Unguarded("a function of dini's")
        code, around = f.__code__, id(f.__globals__)
        reads = self.code(code)
        try:
            cells = [(name, cell.cell_contents) for name, cell in zip(code.co_freevars, f.__closure__ or ())]
        except ValueError:
            raise Unguarded("a variable without a value") from None
        closure = [self.members_of(v) if name == "__class__" else self.of(v) for name, v in cells]
        plain = f.__defaults__ is None and f.__kwdefaults__ is None
        defaults = self.sequence((f.__defaults__, f.__kwdefaults__))
        own, absent = self.entries(f.__dict__, lambda k, v: k in self.names)
        of_globals: list[tuple[str, Check]] = []
        missing = set()
        for name in sorted(reads.of_globals):
            if (around, name) in self.seen:
                continue
            self.seen[around, name] = f.__globals__
            if name in f.__globals__:
                of_globals.append((name, self.of(f.__globals__[name])))
                continue
            missing.add(name)
            value = getattr(builtins, name, None)
            if type(value) not in PLAIN and value not in BUILTINS and not (isinstance(value, type) and issubclass(value, BaseException)):
                raise Unguarded(f"{f.__name__} calls {name}")

        def check(x: Any, found: Any) -> bool:
            if type(x) is not types.FunctionType or x.__code__ is not code:
                return False
            found.append(x)
            given = x.__globals__
            if id(given) != around or (missing and not missing.isdisjoint(given)):
                return False
            for part, cell in zip(closure, x.__closure__ or ()):
                try:
                    value = cell.cell_contents
                except ValueError:
                    return False
                if not part(value, found):
                    return False
            for name, part in of_globals:
                if not part(given.get(name, _MISSING), found):
                    return False
            more = x.__dict__
            if (more or own) and not (absent.isdisjoint(more) and all(part(more.get(k, _MISSING), found) for k, part in own)):
                return False
            if plain:
                return x.__defaults__ is None and x.__kwdefaults__ is None
            return defaults((x.__defaults__, x.__kwdefaults__), found)

        return check

    def namespace(self, m: types.ModuleType) -> Check:
        this = this_one(m)
        if self.again(m):
            return this
        here = vars(m)
        if is_torch(m.__name__):
            used = {n: here[n] for n in self.names if n in here}
            bad = [n for n in used if is_impure(n)]
            if bad:
                raise Unguarded(f"torch.{bad[0]}")
            own = [(n, self.of(v) if isinstance(v, types.ModuleType) else this_one(v)) for n, v in used.items()]
            absent: frozenset[str] = frozenset()
        else:
            if "__getattr__" in here and m.__name__.split(".")[0] != "numpy":
                raise Unguarded(f"the module {m.__name__} has attributes that it computes")
            own, absent = self.entries(here, lambda k, v: k in self.names)

        def check(x: Any, found: Any) -> bool:
            if not this(x, found):
                return False
            now = vars(x)
            for name, part in own:
                if not part(now.get(name, _MISSING), found):
                    return False
            return not absent or absent.isdisjoint(now)

        return check

    # ---- Classes and objects -----------------------------------------------------------------------------------------------

    def callable_class(self, kind: type) -> Check:
        this = this_one(kind)
        pure = kind.__module__ in PURE_MODULES and kind.__name__ not in ("attrgetter", "methodcaller")
        if kind in BUILTINS or kind.__module__ == "builtins" and issubclass(kind, BaseException) or pure or is_torchs_class(kind):
            if is_torch(kind.__module__) and is_impure(kind.__name__):
                raise Unguarded(f"torch.{kind.__name__}")
            return this
        if issubclass(kind, enum.Enum):
            own = [n for k in kind.__mro__ if k.__module__ not in ("enum", "builtins") for n, x in vars(k).items()
                   if isinstance(x, (types.FunctionType, property, staticmethod, classmethod)) and n not in vars(enum.Enum) and not n.startswith("_")]
            if own or any(type(e.value) not in (*PLAIN, float) for e in kind):
                raise Unguarded(f"the enumeration {kind.__name__}")
            return this
        members = self.members_of(kind, made=True)
        return lambda x, found: this(x, found) and members(x, found)

    def members_of(self, kind: type, made: bool = False) -> Check:
        """What a class of Python's, and those that it is derived from, have for functions that are met. `made`: it is called, too."""
        if type(kind) not in (type, ABCMeta, type(Protocol)):
            raise Unguarded(f"the class {kind.__name__}, which another class makes")
        parts = []
        for k in kind.__mro__:
            key = k, made, k in self.all_of
            if k in (object, tuple, ABC, Generic, Protocol) or is_torchs_class(k) or key in self.seen:
                continue
            self.seen[key] = k
            parts.append(self.members(k, made))
        this = this_one(kind)
        if not parts:
            return this
        return lambda x, found: this(x, found) and all([part(x, found) for part in parts])

    def members(self, kind: type, made: bool) -> Check:
        def wanted(name: str, value: Any) -> bool:
            if isinstance(value, C_METHODS) or (isinstance(value, types.BuiltinFunctionType) and name.startswith("__")):
                raise Unguarded(f"the class {kind.__name__}, which is not Python's")
            if name in self.names or (kind in self.all_of and not name.startswith("__")):
                return name not in _INERT
            if name in ("__init__", "__new__", "__post_init__"):
                return made
            return name.startswith("__") and name.endswith("__") and name not in _INERT

        own, absent = self.entries(types.MappingProxyType({k: _Member(v) for k, v in vars(kind).items()}), lambda k, v: wanted(k, v.value))
        ref = weakref.ref(kind)

        def check(x: Any, found: Any) -> bool:
            alive = ref()
            if alive is None:
                return False
            now = vars(alive)
            return absent.isdisjoint(now) and all([part(_Member(now.get(k, _MISSING)), found) for k, part in own])

        return check

    def member(self, m: _Member) -> Check:
        v = m.value
        if isinstance(v, (staticmethod, classmethod)):
            inner = self.parts(v, lambda s: (s.__func__,))
        elif isinstance(v, property):
            inner = self.parts(v, lambda p: (p.fget, p.fset))
        elif isinstance(v, (types.MemberDescriptorType, types.GetSetDescriptorType)) or type(v).__name__ == "_tuplegetter":
            inner = this_one(v)
        else:
            if not isinstance(v, types.FunctionType) and hasattr(type(v), "__get__"):
                raise Unguarded(f"a {type(v).__name__} in a class")
            inner = self.of(v)
        return lambda x, found: inner(x.value, found)

    def instance(self, v: Any) -> Check:
        if type(v) is _Member:
            return self.member(v)
        known = self.again(v)
        if known is not None:
            return known
        kind = type(v)
        plain = kind is types.SimpleNamespace
        if not plain and any(k not in (object, Generic, Protocol, ABC) and (k.__module__ == "builtins" or is_torchs_class(k) or k.__module__.split(".")[0] == "dini")
               for k in kind.__mro__):
            raise Unguarded(f"a {kind.__name__}")
        this = this_one(kind)
        members = this if plain else self.members_of(kind)
        slots = [] if plain else [k for c in kind.__mro__ for k, d in vars(c).items() if isinstance(d, types.MemberDescriptorType)]
        of_slots = self.sequence(tuple(getattr(v, k, None) for k in slots))
        own, absent = self.entries(getattr(v, "__dict__", {}), lambda k, x: k in self.names)

        def check(x: Any, found: Any) -> bool:
            if not this(type(x), found) or not members(type(x), found):
                return False
            found.append(x)
            now = x.__dict__ if hasattr(x, "__dict__") else {}
            for k, part in own:
                if not part(now.get(k, _MISSING), found):
                    return False
            return absent.isdisjoint(now) and (not slots or of_slots(tuple(getattr(x, k, None) for k in slots), found))

        return check

    def module(self, m: torch.nn.Module) -> Check:
        known = self.again(m)
        if known is not None:
            return known
        kind, given = type(m), m.__dict__
        if any(given.get(k) for k in _HOOKS) or given.get("_compiled_call_impl") is not None:
            raise Unguarded("a module with hooks")
        torchs = [k for k in kind.__mro__ if k not in (torch.nn.Module, object) and is_torchs_class(k)]
        if any(not k.__module__.startswith("torch.nn.modules.") for k in torchs):
            raise Unguarded(f"a {kind.__name__}")
        # Torch's code reads attributes, too, of whose names nothing is known here.
        self.all_of |= {k for k in kind.__mro__ if torchs}
        this, forward, size = this_one(kind), this_one(kind.forward), len(given) if torchs else None
        members = self.members_of(kind)
        own, absent = self.entries(given, lambda k, v: k in _MODULE or k not in _UNREAD and (bool(torchs) or k in self.names), _MODULE)

        def check(x: Any, found: Any) -> bool:
            now_kind = type(x)
            if not this(now_kind, found) or not forward(now_kind.forward, found) or not members(now_kind, found):
                return False
            found.append(x)
            now = x.__dict__
            if size is not None and len(now) != size:
                return False
            if now["_forward_hooks"] or now["_forward_pre_hooks"] or now["_backward_hooks"] or now["_backward_pre_hooks"]:
                return False
            for k, part in own:
                if not part(now.get(k, _MISSING), found):
                    return False
            return absent.isdisjoint(now)

        return check


class _Member:
    """What stands in a class, and not what it becomes by way of an object."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


_NOTE_THEMSELVES = {torch.Tensor, torch.nn.Parameter, _Member}


Find = Callable[["tuple[Any, ...]"], "list[Any] | None"]  # what is found in values that are like those that were looked at


def guard(f: Any, arguments: tuple[Any, ...]) -> tuple[Find, int]:
    """The guard of a function, or several, and of the arguments and options of a solve of it, and how much of what it finds is f's, which
    stands first; Unguarded where there is none."""
    names = frozenset(["forward", "_call_impl", "_slow_forward"])  # which torch calls
    while True:
        made = _Guards(names)
        of_f, of_arguments = made.of(f), made.sequence(arguments)
        if made.met == names:
            break
        names = frozenset(made.met)
    first_found: list[Any] = []
    known = of_f(f, first_found)
    first = len(first_found)
    if not known or not of_arguments(arguments, first_found):
        raise Unguarded("what is another one at every look")

    # Of the arguments' tensors f sees stand-ins, and the dict of the options not at all. What is of different types is not the same.
    seen = [k for k, x in enumerate(first_found)
            if k < first or type(x) not in (torch.Tensor, torch.nn.Parameter) and x is not arguments[-1]]
    kinds = Counter(type(first_found[k]) for k in seen)
    seen = [k for k in seen if kinds[type(first_found[k])] > 1]
    places: dict[int, int] = {}
    same = [(k, places[id(first_found[k])]) for k in seen if places.setdefault(id(first_found[k]), k) != k]
    distinct, take = len(places), itemgetter(*seen) if seen else None

    def find(values: tuple[Any, ...]) -> list[Any] | None:
        found: list[Any] = []
        if not (of_f(values[0], found) and of_arguments(values[1], found)):
            return None
        # As many different ones, and the same ones the same: then each is the same as what it was the same as.
        if take is not None and len({*map(id, take(found))}) != distinct:
            return None
        for k, before in same:
            if found[k] is not found[before]:
                return None
        return found

    return find, first


_function_modes = torch._C._len_torch_function_stack


def nothing_around() -> bool:
    """Whether torch is as it is by itself: no modes, no hooks of all modules."""
    return not (_function_modes() or dispatch_modes() or _module._global_forward_hooks or _module._global_forward_pre_hooks
                or _module._global_backward_hooks or _module._global_backward_pre_hooks)
