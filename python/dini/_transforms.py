"""Functions of functions, with JAX's names and parameters."""
from __future__ import annotations

from . import _dini

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence, Union

    from ._dini import Program, Pushforward

    F = Callable[..., Any]
    Argnums = Union[int, Sequence[int]]


def _given(f: F | None, wrap: Callable[[F], Any]) -> Any:
    """A decorator with or without parentheses."""
    return wrap if f is None else wrap(f)


def grad(f: F | None = None, argnums: Argnums = 0, has_aux: bool = False) -> Any:
    """The gradient of a function with a scalar value, by the arguments that argnums says.

    With has_aux the function returns (value, auxiliary), and the gradient comes as (gradient, auxiliary).

    >>> dini.grad(lambda x: dini.sum(x**3))(dini.array([1.0, 2.0]))
    Array([ 3., 12.])
    """
    return _given(f, lambda f: _dini._grad(f, argnums, has_aux, False))


def value_and_grad(f: F | None = None, argnums: Argnums = 0, has_aux: bool = False) -> Any:
    """As grad: a pair of the value, or (value, auxiliary), and the gradient."""
    return _given(f, lambda f: _dini._grad(f, argnums, has_aux, True))


def jacobian(f: F | None = None, argnums: Argnums = 0, has_aux: bool = False) -> Any:
    """The Jacobian, of shape f(x).shape + x.shape, in the cheaper of both modes.

    >>> dini.jacobian(lambda x: x[:2] * x[2])(dini.array([1.0, 2.0, 3.0]))
    Array([[3., 0., 1.],
           [0., 3., 2.]])
    """
    return _given(f, lambda f: _dini._jacobian(f, argnums, has_aux, 0))


def jacfwd(f: F | None = None, argnums: Argnums = 0, has_aux: bool = False) -> Any:
    """The Jacobian by forward mode: one jvp for each element of x."""
    return _given(f, lambda f: _dini._jacobian(f, argnums, has_aux, 1))


def jacrev(f: F | None = None, argnums: Argnums = 0, has_aux: bool = False) -> Any:
    """The Jacobian by reverse mode: one pullback for each element of f(x)."""
    return _given(f, lambda f: _dini._jacobian(f, argnums, has_aux, 2))


def hessian(f: F | None = None, argnums: Argnums = 0, has_aux: bool = False) -> Any:
    """Second derivatives of a function with a scalar value, forward over reverse."""
    return _given(f, lambda f: jacfwd(grad(f, argnums, has_aux), argnums, has_aux))


def hvp(f: F, primals: Any, tangents: Any) -> Any:
    """The Hessian's product with tangents, without the Hessian. Tuples for functions of several arguments."""
    if isinstance(primals, tuple):
        return jvp(grad(f, tuple(range(len(primals)))), primals, tangents)[1]
    return jvp(grad(f), (primals,), (tangents,))[1]


def jvp(f: F, primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """f(*primals) and its change with the tangents.

    >>> dini.jvp(dini.sin, (0.0,), (2.0,))
    (Array(0.0), Array(2.0))
    """
    return _dini._jvp(f, primals, tangents, has_aux)


def vjp(f: F, *args: Any, has_aux: bool = False, **kwargs: Any) -> Any:
    """f(*args) and the pullback: cotangent of the value -> a tuple of the arguments' cotangents.

    The pullback is a tree, so both passes can be compiled: forward = jit(lambda x: vjp(f, x)), backward = jit(lambda p, ct: p(ct)).
    """
    return _dini._vjp(f, args, kwargs, has_aux)


def linearize(f: F, *args: Any) -> tuple[Any, Pushforward]:
    """f(*args) and the linear map of tangents there; f is run once."""
    return _dini._linearize(f, args)


def linear_transpose(f: F, *like: Any) -> Callable[[Any], Any]:
    """Of a function that is linear in arguments like these: cotangent -> a tuple of their cotangents."""
    return _dini._linear_transpose(f, like)


def vmap(f: F | None = None, in_axes: Any = 0, out_axes: Any = 0, axis_size: int | None = None) -> Any:
    """f over one more axis of its arguments, all at once. in_axes and out_axes are whole numbers, None for arguments that are the same
    for all, or trees of them that begin as the arguments do. axis_size is how many there are, where no argument says it.

    >>> dini.vmap(lambda a, x: a * x.sum(), in_axes=(None, 0))(2.0, dini.ones((3, 4)))
    Array([8., 8., 8.])
    """
    return _given(f, lambda f: _dini._vmap(f, in_axes, out_axes, axis_size))


def jit(f: F | None = None, *, static_argnums: Argnums = (), static_argnames: str | Sequence[str] = ()) -> Any:
    """f compiled: traced once for each structure, shapes and dtypes of its arguments.

    What is no array in the arguments, and what is named static, is part of what is compiled, and needs a hash. What f captures is fixed
    when it is traced.

    >>> @dini.jit
    ... def f(x):
    ...     return x + 1
    >>> f(1.0)
    Array(2.0)
    """
    numbers = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    names = (static_argnames,) if isinstance(static_argnames, str) else tuple(static_argnames)
    return _given(f, lambda f: _dini._jit(f, *(_static(f, numbers, names) if numbers or names else ((), ()))))


def _static(f: F, numbers: tuple[int, ...], names: tuple[str, ...]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Arguments by number and by name are the same ones, as f's signature says."""
    import inspect

    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        return numbers, names
    positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    more, any_name = (any(p.kind == kind for p in parameters) for kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD))
    unknown = [n for n in names if not any_name and n not in [p.name for p in parameters]]
    if unknown:
        raise _dini.OptionError(f"jit: static_argnames has {unknown[0]!r}, and the function's arguments are {', '.join(p.name for p in parameters)}")
    known = [k for k in numbers if -len(positional) <= k < len(positional)]
    if len(known) < len(numbers) and not more:
        raise _dini.OptionError(f"jit: static_argnums is {numbers}, and the function takes {len(positional)} arguments by position")
    by_number = {positional[k] for k in known if k >= 0 or not more}
    by_name = {positional.index(n) for n in names if n in positional}
    return tuple({*numbers, *by_name}), tuple({*names, *by_number})


def checkpoint(f: F | None = None) -> Any:
    """f, of which derivatives keep the arguments alone and compute the rest again."""
    return _given(f, lambda f: _dini._checkpoint(f))


def custom_vjp(f: F | None = None, nondiff_argnums: Argnums = ()) -> Any:
    """f with a rule for reverse mode, given by defvjp(fwd, bwd): fwd(*args) -> (value, residuals), bwd(residuals, cotangent) -> a tuple
    of the arguments' cotangents."""
    return _given(f, lambda f: _dini._custom(f, nondiff_argnums, False))


def custom_jvp(f: F | None = None, nondiff_argnums: Argnums = ()) -> Any:
    """f with a rule for derivatives, given by defjvp(rule): rule(primals, tangents) -> (value, tangent), linear in the tangents."""
    return _given(f, lambda f: _dini._custom(f, nondiff_argnums, True))


def host_function(f: F | None = None, like: Any = None, jvp: F | None = None, vjp: F | None = None) -> Any:
    """A function that is called with NumPy's arrays when it is run: another program's model, as part of what is solved and compiled.

    What it returns is like the first argument, or like the tree `like`, or like what the function `like` makes of the arguments. Its
    derivatives are functions of the same kind: jvp(args, tangents) -> tangent of the value, vjp(args, cotangent) -> a cotangent for each
    argument, or None. A rule that is a host_function with rules of its own has derivatives in its turn, so that there are second ones
    and higher. Under vmap it is called once for each lane.

    >>> sine = dini.host_function(np.sin, vjp=lambda args, ct: np.cos(args[0]) * ct)
    >>> dini.jit(dini.grad(sine))(0.0)
    Array(1.0)
    """
    return _given(f, lambda f: _dini._host_function(f, like, jvp, vjp))


def make_program(f: F) -> Callable[..., Program]:
    """make_program(f)(*args): what f computes for arguments like these, to look at."""
    traced = _dini._jit(f, (), ())
    return lambda *args, **kwargs: traced.program(*args, **kwargs)


def eval_shape(f: F, *args: Any, **kwargs: Any) -> Any:
    """The shapes and dtypes of what f returns, without computing it."""
    return _dini._eval_shape(f, args, kwargs)


def check_grads(f: F, args: Any, order: int = 1, modes: Sequence[str] = ("fwd", "rev"), rtol: float = 0, atol: float = 0) -> str:
    """Compares f's derivatives with differences. Returns a table; raises an Error that shows it where they are not the same."""
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    return _dini._check_grads(f, args, order, "fwd" in modes, "rev" in modes, rtol, atol)


def fixed_point_layer(solver: Any, f: F, params: Any, x: Any, z_init: Any = None, **options: Any) -> Any:
    """The layer z = f(params, x, z): its value, from z_init or zeros like x."""
    if z_init is None:
        z_init = _dini.tree_map(_dini.zeros_like, x)
    return _dini.fixed_point(f, z_init, params, x, solver=solver, **options).value


_forgetters: list[Callable[[], Any]] = []  # what bridges keep of Programs


def clear_caches() -> None:
    """Forgets what the process keeps of Programs that were compiled and of solves. What jit has compiled is its own: see clear_cache of
    what it returns."""
    for forget in _forgetters:
        forget()
    _dini.clear_caches()
