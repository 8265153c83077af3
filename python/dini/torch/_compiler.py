"""What torch's compiler is told, without loading it: that takes seconds, and most programs have no use for it."""
from __future__ import annotations

import functools
import sys
from typing import Any, Callable

import torch
from torch._compile import _disable_dynamo

_frames = torch._C._dynamo.eval_frame
# Where the frames of this thread are looked at to compile them, what does it; None if nothing does.
frames_are_looked_at = getattr(_frames, "get_eval_frame_callback", lambda: sys.modules.get("torch._dynamo"))


def _leave_alone(f: Callable[..., Any]) -> None:
    """Its own frames are not compiled; what it calls may be."""
    if hasattr(_frames, "skip_code"):
        _frames.skip_code(f.__code__)
    elif hasattr(_frames, "set_code_exec_strategy"):
        action = _frames._FrameAction
        _frames.set_code_exec_strategy(f.__code__, _frames._FrameExecStrategy(action.SKIP, action.DEFAULT))


def eager(f: Callable[..., Any]) -> Any:
    """f, never compiled, nor anything that it calls: for what torch itself calls while a compiled function runs, such as backward passes."""
    outside = _disable_dynamo(f)

    @functools.wraps(f)
    def called(*args: Any) -> Any:
        return f(*args) if frames_are_looked_at() is None else outside(*args)

    _leave_alone(called)
    return called


def constant(f: Callable[..., Any]) -> Any:
    """f, called once when it is met in what is compiled: its value stands in the graph."""
    f._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return f


# How many follow what torch dispatches, such as make_fx and modes of fake tensors.
dispatch_modes = torch._C._len_torch_dispatch_stack


def is_recorded() -> bool:
    """Whether a graph is made of what torch dispatches."""
    tensors = sys.modules.get("torch.fx.experimental.proxy_tensor")  # (loaded by who makes one)
    return tensors is not None and tensors.get_proxy_mode() is not None
