"""Dini in PyTorch: layers that are defined by an equation, as functions of tensors.

    layer = dini.torch.wrap(g)                      # g, a function of dini's arrays, as a function of tensors
    z = dini.torch.fixed_point(f, z0, W, x)         # f written in torch: z = f(W, x, z)
    deq = dini.torch.FixedPoint(module)             # an nn.Module: z = module(x, z)

Derivatives of every order, in both modes, come from the implicit function theorem; torch.func's transformations work on all of it.
"""
from __future__ import annotations

try:
    import torch as _torch
except ImportError as e:
    raise ImportError("dini.torch wants PyTorch, which is not installed: pip install torch") from e

from . import _aten as _aten
from ._autograd import wrap as wrap
from ._module import FixedPoint as FixedPoint
from ._solving import (
    fixed_point as fixed_point, least_squares as least_squares, minimize as minimize, root as root, translate as translate,
)
from ._translate import Untranslatable as Untranslatable
