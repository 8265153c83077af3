"""Classes of solvers and adjoints, from the library's tables: Newton(max_halvings=20)."""
from __future__ import annotations

import copyreg

from . import _dini

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_CAPITALS = {"bfgs": "BFGS", "lbfgs": "LBFGS", "lbfgsb": "LBFGSB", "sqp": "SQP", "itp": "ITP", "df_sane": "DFSane", "lu": "LU", "qr": "QR",
             "ldlt": "LDLT", "gmres": "GMRES", "minres": "MINRES", "cg": "CG", "bicgstab": "BiCGStab", "nonlinear_cg": "NonlinearCG",
             "trust_region_cg": "TrustRegionCG", "interior_point_qp": "InteriorPointQP"}

_TEXTBOOK = ("fwd_solver", "newton_solver", "anderson_solver")  # solvers themselves, as in C++


def _class_name(name: str) -> str:
    if name in _CAPITALS:
        return _CAPITALS[name]
    return name if name in _TEXTBOOK else "".join(word.capitalize() for word in name.split("_"))


def _factory(make: Callable[..., Any], name: str, purpose: str, kinds: str, options: list[Any], more: str = "") -> Callable[..., Any]:
    def factory(**given: Any) -> Any:
        made = make(name, **given)
        made._made_by = _class_name(name), given
        return made

    factory.__name__ = factory.__qualname__ = factory._dini_method = _class_name(name)  # type: ignore[attr-defined]
    factory.__module__ = "dini"
    lines = [f"    {n} = {int(d) if whole else d}: {text} ({values})" for n, d, whole, values, text in options]
    factory.__doc__ = f"{purpose}\n\nFor {kinds}.\n" + "\n".join(lines) + more
    return factory


def _adjoint(name: str, preconditioner: Any = None, **options: Any) -> Any:
    return _dini._adjoint(name, preconditioner, **options)


def _again(table: str, name: str, given: dict[str, Any]) -> Any:
    return _FACTORIES[table][name](**given)


def _reduce(method: Any) -> Any:
    return _again, (type(method).__name__, *method._made_by)


def _repr(method: Any) -> str:
    name, given = method._made_by
    return f"{name}({', '.join(f'{k}={v!r}' for k, v in given.items())})"


for _cls in (_dini.Solver, _dini.Adjoint):
    _cls.__reduce__, _cls.__repr__ = _reduce, _repr  # type: ignore[assignment, method-assign]

solvers = {}
for _name, _purpose, _kinds, _automatic, _options in _dini._solvers():
    solvers[_class_name(_name)] = _factory(_dini._solver, _name, _purpose, _kinds, _options)
adjoints = {}
for _name, _purpose, _kinds, _automatic, _options in _dini._adjoints():
    _more = "\n    preconditioner: a function v -> w near A⁻¹v" if _name in ("gmres", "minres", "cg") else ""
    adjoints[_class_name(_name)] = _factory(_adjoint, _name, _purpose, _kinds, _options, _more)
_FACTORIES = {"Solver": dict(solvers), "Adjoint": dict(adjoints)}
for _name in _TEXTBOOK:
    solvers[_name] = solvers[_name]()


def _function(module: str, name: str) -> Any:
    import sys

    for part in module.split(".")[1:]:
        found = sys.modules["dini"] if part == "_dini" else getattr(found, part)
    return getattr(found, name)


# The module's functions are pickled by their names, as Python's are.
copyreg.pickle(type(_dini.sin), lambda f: (_function, (f.__module__, f.__name__)))
