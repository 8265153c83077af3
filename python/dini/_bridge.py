"""What the bridges to other frameworks share: functions of arrays with all the forms that a framework asks for, and a framework's
own functions as operations that are called at run time.

Everything here is about arrays and flat sequences of them. Trees, tensors and the frameworks' rules are the bridges' own.
"""
from __future__ import annotations

from . import _dini, _transforms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence

    Function = Callable[..., Any]
    Mask = tuple[bool, ...]
    Aval = tuple[tuple[int, ...], str]  # a shape, and the name of a dtype

_FLOATING = ("float32", "float64")


def is_floating(x: Any) -> bool:
    return str(x.dtype) in _FLOATING


class Forms:
    """A function of arrays -> a tuple of arrays, and the functions that derivatives and batches of it are.

    Each of them has Forms again, made when they are first asked for and kept, so that any order and any nesting is there. A mask says
    which of the inputs a derivative is by. With `compiled` they are traced once for shapes and dtypes, otherwise at every call.
    """

    def __init__(self, f: Function, compiled: bool = True) -> None:
        self.f, self.compiled = f, compiled
        self.value = self._jit(f)
        self._forms: dict[Any, Any] = {}

    def _jit(self, f: Function) -> Function:
        return _transforms.jit(f) if self.compiled else f

    def _form(self, key: Any, make: Callable[[], Any]) -> Any:
        made = self._forms.get(key)
        if made is None:
            made = self._forms.setdefault(key, make())
        return made

    def _of(self, moving: Mask, inputs: Sequence[Any]) -> tuple[Function, list[Any]]:
        """The function of the moving inputs alone, and these."""

        def of_moving(*some: Any) -> Any:
            parts = iter(some)
            return tuple(self.f(*(next(parts) if m else x for m, x in zip(moving, inputs))))

        return of_moving, [x for m, x in zip(moving, inputs) if m]

    def forward(self, moving: Mask) -> Function:
        """(x...) -> (values, pullback), compiled. The pullback is by the moving inputs, and holds what it needs of the point."""

        def make() -> Function:
            def with_pullback(*x: Any) -> Any:
                f, some = self._of(moving, x)
                return _transforms.vjp(f, *some)

            return self._jit(with_pullback)

        return self._form(("forward", moving), make)  # type: ignore[no-any-return]

    def vjp(self, moving: Mask) -> Forms:
        """(x..., a cotangent for each floating value...) -> cotangents of the moving inputs."""

        def make() -> Forms:
            n = len(moving)

            def pulled(*given: Any) -> Any:
                f, some = self._of(moving, given[:n])
                values, pull = _transforms.vjp(f, *some)
                return pull(with_zeros(values, given[n:]))

            return Forms(pulled, self.compiled)

        return self._form(("vjp", moving), make)  # type: ignore[no-any-return]

    def jvp(self, moving: Mask) -> Forms:
        """(x..., a tangent for each moving input...) -> tangents of the floating values."""

        def make() -> Forms:
            n = len(moving)

            def pushed(*given: Any) -> Any:
                f, some = self._of(moving, given[:n])
                values, tangents = _transforms.jvp(f, tuple(some), tuple(given[n:]))
                return tuple(t for v, t in zip(values, tangents) if is_floating(v))

            return Forms(pushed, self.compiled)

        return self._form(("jvp", moving), make)  # type: ignore[no-any-return]

    def batched(self, axes: tuple[int | None, ...]) -> Forms:
        """The same over these axes of its inputs, which is the first axis of its values."""
        return self._form(("batched", axes), lambda: Forms(_transforms.vmap(self.f, axes), self.compiled))  # type: ignore[no-any-return]

    def shapes(self, *like: Any) -> list[tuple[tuple[int, ...], str]]:
        """The shapes and dtypes of the values for inputs like these."""
        return [(v.shape, str(v.dtype)) for v in _transforms.eval_shape(self.f, *like)]

    def pull(self, pullback: Any, cotangents: Any) -> Any:
        """What the pullback sends to the moving inputs, compiled if the rest is."""
        return _pull(pullback, cotangents) if self.compiled else pullback(cotangents)


_pull = _transforms.jit(lambda pullback, cotangents: pullback(cotangents))


def with_zeros(values: Sequence[Any], floating: Sequence[Any]) -> tuple[Any, ...]:
    """Cotangents of all values, from those of the floating ones."""
    given = iter(floating)
    return tuple(next(given) if is_floating(v) else _dini.zeros_like(v) for v in values)


class HostMap:
    """Another framework's function as an operation that is called at run time: what the library asks of it, `_dini._HostMap`.

    `f` takes and returns sequences of the framework's arrays. A subclass says how these are made and what the framework's derivatives
    and batches are; the forms of this function are objects of the subclass. Shapes and dtypes are those that it was made for.
    """

    def __init__(self, f: Function, name: str, inputs: Sequence[Aval], outputs: Sequence[Aval], linear: int = 0,
                 primal: HostMap | None = None) -> None:
        self.f, self.name, self.linear = f, name, linear
        self._inputs, self._outputs = list(inputs), list(outputs)
        self._primal = primal  # of a linearised one, what it is the linearisation of
        self._forms: dict[Any, Any] = {}

    @property
    def operation(self) -> Any:
        """arrays -> a tuple of arrays, which may be followed."""
        return self._form("operation", lambda: self)

    # ---- What a framework says ------------------------------------------------------------------------------------------

    def call(self, *arrays: Any) -> Sequence[Any]:
        """The values at arrays of NumPy's, which are nobody else's."""
        raise NotImplementedError

    @staticmethod
    def push(f: Function, x: Sequence[Any], dx: Sequence[Any]) -> Sequence[Any]:
        """The framework's jvp: the tangents of f's values at x; of what is not floating, zeros."""
        raise NotImplementedError

    @staticmethod
    def pull(f: Function, x: Sequence[Any], ct: Sequence[Any]) -> Sequence[Any]:
        """The framework's vjp: the cotangents of x; of what is not floating, zeros."""
        raise NotImplementedError

    @staticmethod
    def over_lanes(f: Function, marked: Mask) -> Function:
        """The framework's vmap, over the first axis of what is marked."""
        raise NotImplementedError

    @staticmethod
    def zeros(shape: tuple[int, ...], dtype: str) -> Any:
        raise NotImplementedError

    # ---- What the library asks ------------------------------------------------------------------------------------------

    @property
    def results(self) -> int:
        return len(self._outputs)

    def outputs(self, inputs: Sequence[Aval]) -> list[Aval]:
        return self._outputs

    def _form(self, key: Any, make: Callable[[], HostMap]) -> Any:
        made = self._forms.get(key)
        return made if made is not None else self._forms.setdefault(key, _dini._HostMap(make()))

    def linearized(self) -> Any:
        n, f, push = len(self._inputs), self.f, self.push

        def make() -> HostMap:
            return type(self)(lambda a: push(f, a[:n], a[n:]), self.name, self._inputs * 2, self._outputs, n, primal=self)

        return self._form("linearized", make)

    def transposed(self) -> Any:
        n, f, pull, zeros = len(self._inputs) - self.linear, self.f, self.pull, self.zeros
        fixed, like = self._inputs[:n], self._inputs[n:]

        def back(a: Sequence[Any]) -> Sequence[Any]:
            if self._primal is not None:  # the pullback is the framework's own
                return pull(self._primal.f, a[:n], a[n:])
            # Linear: its pullback is the same at every point.
            return pull(lambda x: f([*a[:n], *x]), [zeros(*v) for v in like], a[n:])

        return self._form("transposed", lambda: type(self)(back, self.name, fixed + self._outputs, like, len(self._outputs)))

    def batched(self, marked: Mask, size: int) -> Any:
        marked = tuple(marked)

        def grown(avals: Sequence[Aval], flags: Sequence[bool]) -> list[Aval]:
            return [((size, *shape), dtype) if lanes else (shape, dtype) for (shape, dtype), lanes in zip(avals, flags)]

        def make() -> HostMap:
            return type(self)(self.over_lanes(self.f, marked), self.name, grown(self._inputs, marked),
                              grown(self._outputs, [True] * len(self._outputs)), self.linear)

        return self._form((marked, size), make)
