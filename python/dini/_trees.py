"""Classes whose instances are trees."""
from __future__ import annotations

from . import _dini

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _fields_of(cls: type) -> Any:
    """The names of a class's fields that hold arrays and of those that are static; None where it is no class of fields."""
    if "__dataclass_fields__" in cls.__dict__ or hasattr(cls, "__dataclass_fields__"):
        import dataclasses

        fields: Any = dataclasses.fields(cls)
    elif hasattr(cls, "__attrs_attrs__"):
        fields = cls.__attrs_attrs__
    else:
        return None
    static = tuple(f.name for f in fields if f.metadata.get("static", False))
    return tuple(f.name for f in fields if f.name not in static), static


def _linear_map(cls: type) -> None:
    # Its arrays are what it keeps of the point.
    _dini.register_tree(cls, lambda p: (p._kept(), p), lambda p, kept: p._with(kept))


_dini._set_fields_of(_fields_of)
_linear_map(_dini.Pullback)
_linear_map(_dini.Pushforward)

