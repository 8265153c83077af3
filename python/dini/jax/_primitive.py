"""The JAX primitive that holds a Program of dini's. All that the bridge uses of JAX's inner interfaces is in this file."""
from __future__ import annotations

import functools
import importlib.util
import threading

from .. import _dini
from .._transforms import _forgetters

if importlib.util.find_spec("jax") is None:
    raise ImportError("dini.jax: JAX is not installed; pip install jax")

import jax
import jax.ffi
import jax.numpy as jnp
import jaxlib
import numpy as np

if not hasattr(jax.ffi, "register_ffi_type"):
    raise ImportError(f"dini.jax: JAX {jax.__version__} is too old; 0.8.1 or newer is wanted")
from jax.extend import core
from jax.interpreters import ad, batching, mlir
from jaxlib import xla_client

if not hasattr(_dini, "_xla_handler"):
    raise ImportError("dini.jax: this dini was built without jaxlib beside it, whose header the bridge wants. With JAX, nanobind and "
                      "scikit-build-core in this environment: pip install --no-build-isolation <the folder of dini's sources>")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence

    from .._dini import _ClosedProgram

_PLATFORM = "cpu"
_TARGET = "dini_run"
_lock = threading.Lock()
_registered = False


def _register() -> None:
    """Makes XLA know the call. Where its CPU is not there yet, jaxlib would register in an order in which XLA refuses."""
    global _registered
    with _lock:
        if _registered:
            return
        cpu_device()
        instantiate, execute, type_id, type_info = _dini._xla_handler()
        try:
            jax.ffi.register_ffi_type("dini_running", {"type_id": type_id, "type_info": type_info}, platform=_PLATFORM)
            jax.ffi.register_ffi_target(_TARGET, {"instantiate": instantiate, "execute": execute}, platform=_PLATFORM)
        except Exception as e:
            raise RuntimeError(f"dini.jax: this dini was built beside another jaxlib than {jaxlib.__version__}, which refuses it. Install dini "
                               "beside this one, by pip install --no-build-isolation, or the newest JAX") from e
        _registered = True


def cpu_device() -> Any:
    return jax.local_devices(backend=_PLATFORM)[0]


dini_p = core.Primitive("dini")
dini_p.multiple_results = True


def bind(program: _ClosedProgram, args: Sequence[Any], linear: Sequence[bool] = ()) -> list[Any]:
    """The Program's values. `linear` marks the inputs that it is known to be linear in, all at once."""
    return dini_p.bind(*args, program=program, linear=tuple(linear))


def narrow(dtype: str) -> str:
    """The dtype that JAX makes of this one: one of 32 bits, unless it was told to have 64."""
    return dtype if jax.config.jax_enable_x64 else {"float64": "float32", "int64": "int32"}.get(dtype, dtype)


# Outside of jit a Program runs by itself the first time, and by what XLA compiles of it, which takes longer to make, from the second on. Of one
# that was met once its hash is kept alone: where a function has rules of its own, every reading of it makes another Program.
_met: set[int] = set()
_MANY = 100_000


@functools.lru_cache(maxsize=512)
def _compiled(program: _ClosedProgram) -> Callable[..., Any]:
    return jax.jit(lambda *args: bind(program, args))


_forgetters += [_met.clear, _compiled.cache_clear]


@dini_p.def_impl
def _impl(*args: Any, program: _ClosedProgram, linear: Any) -> Any:
    elsewhere = any(d.platform != _PLATFORM for a in args if isinstance(a, jax.Array) for d in a.devices())
    if elsewhere or hash(program) in _met:
        return _compiled(program)(*args)  # which says what is wrong with a device
    if len(_met) > _MANY:
        _met.clear()
    _met.add(hash(program))
    # (What is no array is a number of JAX's or Python's, of no dtype to NumPy.)
    arrays = [np.asarray(a) if isinstance(a, (jax.Array, np.ndarray)) else np.asarray(a, d) for a, (_, d) in zip(args, program.in_avals)]
    try:
        values = program(*arrays)
    except _dini.Error as e:
        raise jax.errors.JaxRuntimeError(f"INTERNAL: {e}") from e
    return [jax.device_put(v.numpy(), cpu_device()) for v in values]


@dini_p.def_abstract_eval
def _abstract_eval(*args: Any, program: _ClosedProgram, linear: Any) -> Any:
    given = tuple((tuple(a.shape), a.dtype.name) for a in args)
    if given != program.in_avals:
        raise TypeError(f"dini: a Program of {program.in_avals} was given {given}")
    return [jax.core.ShapedArray(shape, np.dtype(dtype)) for shape, dtype in program.out_avals]


def _lower(ctx: Any, *args: Any, program: _ClosedProgram, linear: Any) -> Any:
    _register()
    kept = _dini._KeptProgram(program)  # until the executable is made, which takes it over
    ctx.module_context.add_keepalive(kept)
    return jax.ffi.ffi_lowering(_TARGET)(ctx, *args, number=np.int64(kept.number))


def _refuse(ctx: Any, *args: Any, program: _ClosedProgram, linear: Any) -> Any:
    asked = ", ".join(ctx.module_context.platforms)
    raise NotImplementedError(f"dini.jax: dini computes on the CPU, and this was to be compiled for {asked}. Compute it there: "
                              "with jax.default_device(jax.devices('cpu')[0]), or with arguments that jax.device_put has put on that device")


mlir.register_lowering(dini_p, _refuse)
mlir.register_lowering(dini_p, _lower, platform=_PLATFORM)


def _jvp(primals: Any, tangents: Any, *, program: _ClosedProgram, linear: Any) -> Any:
    moves = [not isinstance(t, ad.Zero) for t in tangents]
    if linear and not any(m and not l for m, l in zip(moves, linear)):  # linear in all that moves: the tangent is the map itself
        moved = [t if m else jnp.zeros(*aval) if l else p for p, t, m, l, aval in zip(primals, tangents, moves, linear, program.in_avals)]
        return bind(program, primals, linear), bind(program, moved, linear)
    n = len(program.out_avals)
    primal, tangent, out_moves = program.linearized(moves, not jax.config.jax_enable_x64)
    both = bind(primal, primals)
    values, residuals = both[:n], both[n:]
    moving = [t for t, m in zip(tangents, moves) if m]
    some = iter(bind(tangent, [*moving, *residuals], [True] * len(moving) + [False] * len(residuals)))
    return values, [next(some) if m else ad.Zero(jax.core.ShapedArray(v.shape, v.dtype).to_tangent_aval()) for m, v in zip(out_moves, values)]


def _transpose(cotangents: Any, *args: Any, program: _ClosedProgram, linear: Any) -> Any:
    wanted = [ad.is_undefined_primal(a) for a in args]
    known = [a for a, w in zip(args, wanted) if not w]
    sent = [jnp.zeros(c.aval.shape, c.aval.dtype) if isinstance(c, ad.Zero) else c for c in cotangents]
    got = iter(bind(program.transposed(wanted), [*sent, *known], [True] * len(sent) + [False] * len(known)))
    return [next(got) if w else None for w in wanted]


def _batch(args: Any, dims: Any, *, program: _ClosedProgram, linear: Any) -> Any:
    mapped = [d is not None for d in dims]
    size = next(a.shape[d] for a, d in zip(args, dims) if d is not None)
    moved = [a if d is None else jnp.moveaxis(a, d, 0) for a, d in zip(args, dims)]
    batched, out_mapped = program.batched(mapped, size)
    return bind(batched, moved, linear), [0 if m else None for m in out_mapped]


ad.primitive_jvps[dini_p] = _jvp
ad.primitive_transposes[dini_p] = _transpose
batching.primitive_batchers[dini_p] = _batch


# ---- Reading jaxprs --------------------------------------------------------------------------------------------------

def is_literal(v: Any) -> bool:
    return isinstance(v, core.Literal)


def is_traced(x: Any) -> bool:
    return isinstance(x, jax.core.Tracer)


def eval_jaxpr(jaxpr: Any, consts: Any, *args: Any) -> list[Any]:
    """By JAX."""
    return list(jax.core.eval_jaxpr(jaxpr, consts, *args))


def variables_of(equation: Any) -> list[Any]:
    """The distinct variables that an equation reads."""
    return list(dict.fromkeys(v for v in equation.invars if not is_literal(v)))


def open_jaxpr(jaxpr: Any, consts: Any = ()) -> tuple[Any, Any]:
    """A jaxpr and its constants, of one that is closed or has these."""
    return (jaxpr.jaxpr, jaxpr.consts) if isinstance(jaxpr, core.ClosedJaxpr) else (jaxpr, consts)


def equation_function(jaxpr: Any, equation: Any) -> Callable[..., Any]:
    """One equation as a JAX function of its variables, with the rules that it has: -> list of results."""
    alone = jaxpr.replace(constvars=[], invars=variables_of(equation), outvars=list(equation.outvars), eqns=[equation])
    return lambda *args: eval_jaxpr(alone, (), *args)


def wide_as(wide: bool) -> Any:
    """A context in which JAX has arrays of 64 bits, or has not: on any thread."""
    return jax.enable_x64(wide)


def like(arrays: Sequence[Any]) -> list[Any]:
    """Shapes and dtypes of arrays, dini's or JAX's, for JAX's functions; of Python's numbers, too, that they do not widen others."""
    return [jax.ShapeDtypeStruct(a.shape, np.dtype(str(a.dtype)), weak_type=getattr(a, "weak_type", False)) for a in arrays]


def make_jaxpr(f: Callable[..., Any], *args: Any) -> Any:
    """The jaxpr of f for trees of such shapes and dtypes, of 64 bits where one of them has these."""
    with wide_as(is_wide(_avals_of(args))):
        return jax.make_jaxpr(f)(*args)


def eval_shape(f: Callable[..., Any], *args: Any) -> Any:
    """The shapes and dtypes of its values, in the same way."""
    with wide_as(is_wide(_avals_of(args))):
        return jax.eval_shape(f, *args)


def is_wide(avals: Any) -> bool:
    """Whether JAX is to have arrays of 64 bits for what is of such shapes and dtypes."""
    return bool(jax.config.jax_enable_x64) or any(dtype in ("float64", "int64", "uint64") for _, dtype in avals)


def _avals_of(args: Any) -> Any:
    return [(a.shape, str(a.dtype)) for a in jax.tree.leaves(args)]


def name_of(equation: Any) -> str:
    """Of the function that a call is of."""
    return equation.params.get("name") or getattr(getattr(equation.params["call_jaxpr"].jaxpr, "debug_info", None), "func_name", None) or "a function"


@functools.cache
def _second_cpu() -> Any:
    return xla_client.make_cpu_client(asynchronous=False).local_devices()[0]


def apart() -> Any:
    """A context in which JAX computes on a CPU of its own, with threads of its own. What XLA's CPU runs may wait for what is computed there
    without waiting for itself: all of its threads may be waiting so."""
    return jax.default_device(_second_cpu())
