"""What solves return."""
from __future__ import annotations

from collections import namedtuple

from . import _dini

TYPE_CHECKING = False  # (typing takes longer to import than all of this package)
if TYPE_CHECKING:
    from typing import Any

    from ._dini import Array

_NAMES = [name for name, _ in _dini._statuses]
_SENTENCES = dict(_dini._statuses)


class Bracket(namedtuple("Bracket", "lower upper")):
    """Two ends in the place of root's start: numbers, arrays or trees of them, between which there is a root."""

    __slots__ = ()


class Duals(namedtuple("Duals", "lower upper equal at_most")):
    """Multipliers, 0 or more but for `equal`: trees like z and like the values of the constraints; None where there are none."""

    __slots__ = ()


class Solution:
    """What fixed_point and root found. A tree: it may be returned under jit and vmap, where lanes have numbers of their own."""

    _names: tuple[str, ...] = ("value", "status_code", "steps", "evaluations", "residual_norm", "error_estimate", "history", "method")
    value: Any
    status_code: Array
    steps: Array
    evaluations: Array
    residual_norm: Array
    error_estimate: Array
    history: Array
    method: Array
    methods: tuple[str, ...]

    def __init__(self, *members: Any) -> None:
        self.methods = members[8]
        for name, member in zip(self._names, members[:8] + members[9:]):
            self.__dict__[name] = member

    @property
    def status(self) -> Any:
        """"converged", or why not; of lanes a list."""
        return _named(self.status_code, _NAMES)

    @property
    def solver(self) -> Any:
        """The solver that found it; of lanes a list."""
        return _named(self.method, self.methods)

    @property
    def converged(self) -> Any:
        """Whether the status is "converged"; of lanes, and while it is compiled, an array."""
        flags = self.status_code == 0
        return bool(flags) if _is_known(flags) and not flags.ndim else flags

    def _rows(self) -> list[tuple[str, str]]:
        rows = []
        code = self.status_code
        if _is_known(code) and code.ndim:
            counts = {s: self.status.count(s) for s in dict.fromkeys(_flat(self.status))} if code.ndim == 1 else {}
            rows.append(("lanes", " × ".join(map(str, code.shape))))
            rows.append(("status", ", ".join(f"{n} {s}" for s, n in counts.items()) or "several"))
        elif _is_known(code):
            rows.append(("status", f"{self.status}: {_SENTENCES[self.status]}" if self.status != "converged" else "converged"))
            rows.append(("solver", self.solver))
        for name in ("steps", "evaluations", "residual_norm", "error_estimate", "objective", "active"):
            number = getattr(self, name, None)
            if number is not None and _is_known(number) and number.ndim == 0:
                rows.append((name, f"{number.item():.6g}" if isinstance(number.item(), float) else str(number.item())))
        rows.append(("value", str(self.value)))
        return rows

    def __repr__(self) -> str:
        width = max(len(name) for name, _ in self._rows())
        lines = [f"  {name:<{width}}  {text}".replace("\n", "\n" + " " * (width + 4)) for name, text in self._rows()]
        return type(self).__name__ + "\n" + "\n".join(lines)

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th><td style='text-align:left'><pre style='margin:0'>{escape(text)}</pre></td></tr>"
            for name, text in self._rows())
        return f"<table><caption>{type(self).__name__}</caption>{rows}</table>"

    def plot(self, ax: Any = None) -> Any:
        """The residual norms by step, on matplotlib's axes; of lanes a line each. Wants the option `history`."""
        if self.history.shape[-1] == 0:
            raise _dini.OptionError("plot: no residual norms were kept; solve with history=100, or as many steps as are of interest")
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.gca()
        norms = self.history.numpy()
        for lane in norms.reshape(-1, norms.shape[-1]):
            ax.semilogy(range(len(lane)), lane, marker=".")
        ax.set_xlabel("step")
        ax.set_ylabel("residual norm")
        return ax


class Optimum(Solution):
    """What minimize, least_squares and quadratic_program found."""

    _names = Solution._names + ("objective", "duals", "active", "weakly_active", "dependent", "certificate", "ray")
    objective: Array
    duals: Duals
    active: Array
    weakly_active: Array
    dependent: Array
    certificate: Duals
    ray: Any


def _is_known(a: Any) -> bool:
    """Whether it has a value to be printed; what a bridge put in the place of an array has one."""
    return bool(getattr(a, "concrete", True))


def _flat(names: Any) -> list[str]:
    return [names] if isinstance(names, str) else [n for part in names for n in _flat(part)]


def _named(numbers: Array, names: Any) -> Any:
    def of(n: Any) -> Any:
        return [of(k) for k in n] if isinstance(n, list) else names[n]

    return of(numbers.tolist())


def _register(cls: type) -> None:
    def flatten(s: Any) -> tuple[list[Any], tuple[str, ...]]:
        return [s.__dict__[name] for name in cls._names], s.methods  # type: ignore[attr-defined]

    def unflatten(methods: tuple[str, ...], members: tuple[Any, ...]) -> Any:
        return cls(*members[:8], methods, *members[8:])

    _dini.register_tree(cls, flatten, unflatten)


def _reduce_error(error: BaseException) -> Any:
    return type(error), error.args, {k: v for k, v in error.__dict__.items() if k != "_dini_exception"}


_dini.Error.__reduce__ = _reduce_error  # type: ignore[assignment]
_dini.SolveError.status = property(lambda error: _named(error.status_code, _NAMES))  # type: ignore[assignment]
_register(Solution)
_register(Optimum)
_dini._set_classes(Solution, Optimum, Duals, Bracket)
