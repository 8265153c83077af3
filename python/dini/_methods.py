"""Classes of solvers and adjoints, from the library's tables: Newton(max_halvings=20)."""
from __future__ import annotations


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
        return make(name, **given)

    factory.__name__ = factory.__qualname__ = _class_name(name)
    factory.__module__ = "dini"
    lines = [f"    {n} = {int(d) if whole else d}: {text} ({values})" for n, d, whole, values, text in options]
    factory.__doc__ = f"{purpose}\n\nFor {kinds}.\n" + "\n".join(lines) + more
    return factory


def _adjoint(name: str, preconditioner: Any = None, **options: Any) -> Any:
    return _dini._adjoint(name, preconditioner, **options)


solvers = {}
for _name, _purpose, _kinds, _automatic, _options in _dini._solvers():
    solvers[_class_name(_name)] = _factory(_dini._solver, _name, _purpose, _kinds, _options)
adjoints = {}
for _name, _purpose, _kinds, _automatic, _options in _dini._adjoints():
    _more = "\n    preconditioner: a function v -> w near A⁻¹v" if _name in ("gmres", "minres", "cg") else ""
    adjoints[_class_name(_name)] = _factory(_adjoint, _name, _purpose, _kinds, _options, _more)
for _name in _TEXTBOOK:
    solvers[_name] = solvers[_name]()
