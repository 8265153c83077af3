"""What is said of a primitive that the bridge does not translate."""
from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn


class NotTranslated(Exception):
    """Of a primitive, a parameter of it or a dtype that has no translation: `what`."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def refuse(what: str) -> NoReturn:
    raise NotTranslated(what)


# What JAX has of whole numbers without a sign, and dini has not, is computed in int64, and cut to its bits after every equation.
BITS = {"uint8": 8, "uint16": 16, "uint32": 32}


def dtype_name(dtype: Any) -> str:
    """The name of the dtype of dini's in which one of JAX's is computed."""
    name = str(dtype) if not hasattr(dtype, "name") else dtype.name
    if name in BITS:
        return "int64"
    return str(name) if name in ("bool", "int32", "int64", "float32", "float64") else refuse(f"the dtype {name}")
