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

    def at(self, numbers: tuple[Any, ...]) -> Forms:
        """The function of the other inputs, where these numbers are given, each a pair (type, number); None is another input."""

        def make() -> Forms:
            def of_others(*others: Any) -> Any:
                rest = iter(others)
                return self.f(*(next(rest) if x is None else x[1] for x in numbers))

            return Forms(of_others, self.compiled)

        return self._form(("at", numbers), make)  # type: ignore[no-any-return]

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

    Of a function with a derivative rule for one mode alone the framework has the other mode not. So what is transposed is what was
    linearised, by the framework's pullback of it, and a batch of a linear function is transposed as a batch of its transpose.
    """

    def __init__(self, f: Function, name: str, inputs: Sequence[Aval], outputs: Sequence[Aval], linear: int = 0,
                 transpose: Callable[[], HostMap] | None = None) -> None:
        self.f, self.name, self.linear = f, name, linear
        self._inputs, self._outputs = list(inputs), list(outputs)
        self._transpose = transpose  # of a linear one, where it is known
        self._forms: dict[Any, tuple[HostMap, Any]] = {}

    @property
    def operation(self) -> Any:
        """arrays -> a tuple of arrays, which may be followed. It holds this."""
        return _dini._HostMap(self)

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

    def linearized(self) -> Any:
        n, f, push = len(self._inputs), self.f, self.push
        return self._form("linearized", lambda: self._another(
            lambda a: push(f, a[:n], a[n:]), self._inputs * 2, self._outputs, n, lambda: self._made("pullback", self._pullback)))[1]

    def transposed(self) -> Any:
        return self._form("transposed", self._transpose or self._transposed)[1]

    def batched(self, marked: Mask, size: int) -> Any:
        return self._batch(tuple(marked), (False,) * len(self._outputs), size)[1]

    # ---- The forms ---------------------------------------------------------------------------------------------------------

    def _form(self, key: Any, make: Callable[[], HostMap]) -> tuple[HostMap, Any]:
        known = self._forms.get(key)
        if known is None:
            made = make()
            known = self._forms.setdefault(key, (made, made.operation))
        return known

    def _made(self, key: Any, make: Callable[[], HostMap]) -> HostMap:
        return self._form(key, make)[0]

    def _another(self, f: Function, inputs: Sequence[Aval], outputs: Sequence[Aval], linear: int,
                 transpose: Callable[[], HostMap] | None = None) -> HostMap:
        return type(self)(f, self.name, inputs, outputs, linear, transpose)

    def _pullback(self) -> HostMap:
        """Of what is linearised the transpose: (x..., cotangents...) -> cotangents of x."""
        n, f, pull = len(self._inputs), self.f, self.pull
        return self._another(lambda a: pull(f, a[:n], a[n:]), self._inputs + self._outputs, self._inputs, len(self._outputs))

    def _transposed(self) -> HostMap:
        """Of what is linear: its pullback is the same at every point."""
        n, f, pull, zeros = len(self._inputs) - self.linear, self.f, self.pull, self.zeros
        fixed, like = self._inputs[:n], self._inputs[n:]

        def back(a: Sequence[Any]) -> Sequence[Any]:
            return pull(lambda x: f([*a[:n], *x]), [zeros(*v) for v in like], a[n:])

        return self._another(back, fixed + self._outputs, like, len(self._outputs))

    def _batch(self, marked: Mask, summed: Mask, size: int) -> tuple[HostMap, Any]:
        """Over the first axis of what is marked. The values have it, too, or are summed over it: cotangents of what is the same for all."""
        n, lanes, outputs = len(self._inputs) - self.linear, self.over_lanes(self.f, marked), self._outputs

        def f(a: Sequence[Any]) -> Sequence[Any]:
            return [v if not s else v.sum(0) if dtype in _FLOATING else v[0] for v, s, (_, dtype) in zip(lanes(a), summed, outputs)]

        def grown(avals: Sequence[Aval], flags: Sequence[bool]) -> list[Aval]:
            return [((size, *shape), dtype) if has_lanes else (shape, dtype) for (shape, dtype), has_lanes in zip(avals, flags)]

        def transpose() -> HostMap:
            of_one = self._made("transposed", self._transpose or self._transposed)
            return of_one._batch((*marked[:n], *(not s for s in summed)), tuple(not m for m in marked[n:]), size)[0]

        return self._form((marked, summed, size), lambda: self._another(
            f, grown(self._inputs, marked), grown(outputs, [not s for s in summed]), self.linear, transpose if self.linear else None))
