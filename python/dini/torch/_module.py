"""Layers of torch.nn."""
from __future__ import annotations

from typing import Any

import torch

from .. import _dini
from .._transforms import eval_shape
from . import _solving


class FixedPoint(torch.nn.Module):
    """The layer z = module(x, z) of a module of torch's, from zeros like x: a deep equilibrium layer.

    Its parameters are the module's, and so is its state_dict. `z0` of a call says where to begin, for a z that is not shaped like x, or
    near the last one. `x` may be several arguments: z = module(*x, z). Options are dini.fixed_point's; `translate` is
    dini.torch.fixed_point's.

    >>> class Cell(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.linear = torch.nn.Linear(3, 3)
    ...     def forward(self, x, z):
    ...         return torch.tanh(0.3 * self.linear(z) + x)
    >>> deq = dini.torch.FixedPoint(Cell(), solver="anderson")
    >>> deq(torch.ones(5, 3)).shape
    torch.Size([5, 3])
    """

    def __init__(self, module: torch.nn.Module, *, translate: Any = "auto", **options: Any) -> None:
        super().__init__()
        _check(options)
        self._options: dict[str, Any]
        self.__dict__["_options"] = options
        self.translate = translate
        self.module = module
        self._register_state_dict_hook(_without_prefix)  # type: ignore[no-untyped-call]
        self._register_load_state_dict_pre_hook(_with_prefix)  # type: ignore[no-untyped-call]

    def forward(self, *x: Any, z0: Any = None) -> Any:
        if z0 is None:
            if not x:
                raise TypeError("dini.torch.FixedPoint: there is no x to begin from zeros like it; give it one, or z0=")
            z0 = torch.zeros_like(x[0])
        return _solving.fixed_point(self.module, z0, *x, translate=self.translate, **self._options)

    def extra_repr(self) -> str:
        return ", ".join(f"{k}={v!r}" for k, v in self._options.items())


def _check(options: dict[str, Any]) -> None:
    """Names and texts among the options, which else would be looked at when the layer is called."""
    known = {k: v for k, v in options.items() if k not in ("bounds", "deadline") and not isinstance(v, torch.Tensor) and not callable(v)}
    try:
        eval_shape(lambda z: _dini.fixed_point(lambda z: z, z, **known).value, 0.0)
    except (TypeError, _dini.OptionError):
        raise
    except _dini.Error:
        pass  # what depends on z


def _without_prefix(self: Any, state: Any, prefix: str, metadata: Any) -> None:
    inner = prefix + "module."
    for key in [k for k in state if k.startswith(inner)]:
        state[prefix + key[len(inner):]] = state.pop(key)


def _with_prefix(state: Any, prefix: str, *_: Any) -> None:
    for key in [k for k in state if k.startswith(prefix)]:
        state[prefix + "module." + key[len(prefix):]] = state.pop(key)
