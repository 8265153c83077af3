"""What jax.lax reads and writes by places: gathers, scatters, slices, convolutions, pools."""
from __future__ import annotations

import string

import numpy as np

import dini

from ._refusal import refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


def pad(x: Any, value: Any, *, padding_config: Any) -> Any:
    """With `inner` elements between any two of an axis; negative ends cut off."""
    for axis, (_, _, inner) in enumerate(padding_config):
        if inner and x.shape[axis] > 0:
            n = x.shape[axis]
            spread = dini.broadcast_to(value, (*x.shape[: axis + 1], inner, *x.shape[axis + 1 :]))
            both = dini.concatenate([dini.expand_dims(x, axis + 1), spread], axis + 1)
            x = dini.reshape(both, (*x.shape[:axis], n * (inner + 1), *x.shape[axis + 1 :]))
            x = x[(slice(None),) * axis + (slice(n * (inner + 1) - inner),)]
    if any(low > 0 or high > 0 for low, high, _ in padding_config):
        for axis, (low, high, _) in enumerate(padding_config):
            ends = [dini.broadcast_to(value, (*x.shape[:axis], max(n, 0), *x.shape[axis + 1 :])) for n in (low, high)]
            if low > 0 or high > 0:
                x = dini.concatenate([ends[0], x, ends[1]], axis)
    return x[tuple(slice(max(-low, 0), n - max(-high, 0)) for n, (low, high, _) in zip(x.shape, padding_config))]


def _starts(starts: Any, shape: Any, sizes: Any) -> list[Any]:
    return [dini.clip(dini.astype(s, "int64"), 0, n - size) for s, n, size in zip(starts, shape, sizes)]


def dynamic_slice(x: Any, *starts: Any, slice_sizes: Any) -> Any:
    for axis, (start, n) in enumerate(zip(_starts(starts, x.shape, slice_sizes), slice_sizes)):
        if n != x.shape[axis]:
            x = dini.take(x, start + dini.arange(n), axis=axis)
    return x


def dynamic_update_slice(x: Any, update: Any, *starts: Any) -> Any:
    place = _flat_places([s + _along(k, update.shape) for k, s in enumerate(_starts(starts, x.shape, update.shape))], x.shape)
    return dini.reshape(dini.ravel(x).at[dini.ravel(place)].set(dini.ravel(update)), x.shape)


def _along(axis: int, shape: Any) -> Any:
    """The index along an axis, at every place of an array of this shape."""
    one = [1] * len(shape)
    one[axis] = shape[axis]
    return dini.broadcast_to(dini.reshape(dini.arange(shape[axis]), one), shape)


def _flat_places(indices: Any, shape: Any) -> Any:
    place = dini.array(0)
    for index, n in zip(indices, shape):
        place = place * n + index
    return place


# ---- Gather and scatter ------------------------------------------------------------------------------------------------
#
# Both name a window of the operand for each index vector. At every place of the windows, laid out over (indices..., window...), stand
# here the place in the operand and whether the window is within it.


def _places(operand_shape: Any, indices: Any, sizes: Any, start_map: Any, window_axes: Any, operand_batch: Any, index_batch: Any,
            mode: str) -> tuple[Any, Any]:
    lead = tuple(indices.shape[:-1])
    layout = lead + tuple(sizes[d] for d in window_axes)
    indices = dini.astype(indices, "int64")
    inside = None
    per_axis = []
    for d, n in enumerate(operand_shape):
        index = dini.array(0)
        if d in start_map:
            start = indices[..., list(start_map).index(d)]
            bounded = dini.clip(start, 0, n - sizes[d])
            if mode == "fill":
                fits = start == bounded
                inside = fits if inside is None else inside & fits
            index = dini.reshape(bounded, lead + (1,) * len(window_axes))
        if d in operand_batch:
            index = index + _along(list(index_batch)[list(operand_batch).index(d)], lead + (1,) * len(window_axes))
        if d in window_axes and sizes[d] != 1:
            index = index + _along(len(lead) + list(window_axes).index(d), (1,) * len(lead) + layout[len(lead) :])
        per_axis.append(index)
    place = dini.broadcast_to(_flat_places(per_axis, operand_shape), layout)
    if inside is not None and inside.concrete and bool(inside.all()):
        inside = None
    return place, None if inside is None else dini.broadcast_to(dini.reshape(inside, lead + (1,) * len(window_axes)), layout)


def _mode(mode: Any) -> str:
    name = str(mode).rsplit(".", 1)[-1].lower()
    return {"fill_or_drop": "fill", "clip": "clip", "promise_in_bounds": "clip"}.get(name) or refuse(f"mode {name}")


def _interleave(lead: list[int], window: list[int], window_dims: Any) -> list[int]:
    """The permutation that puts the axes of windows at `window_dims` among the leading ones."""
    lead_axes, window_axes = iter(lead), iter(window)
    return [next(window_axes) if d in window_dims else next(lead_axes) for d in range(len(lead) + len(window))]


def gather(x: Any, indices: Any, *, dimension_numbers: Any, slice_sizes: Any, mode: Any, fill_value: Any) -> Any:
    numbers, how = dimension_numbers, _mode(mode)
    gone = set(numbers.collapsed_slice_dims) | set(numbers.operand_batching_dims)
    windows = [d for d in range(x.ndim) if d not in gone]
    count = indices.ndim - 1
    order = _interleave(list(range(count)), list(range(count, count + len(windows))), set(numbers.offset_dims))
    along = numbers.start_index_map
    if len(along) == 1 and not numbers.operand_batching_dims and how == "clip" and slice_sizes[along[0]] == 1 and along[0] in gone and all(
            slice_sizes[d] == x.shape[d] for d in windows):  # rows of one axis
        axis = along[0]
        rows = dini.take(x, dini.clip(indices[..., 0], 0, x.shape[axis] - 1), axis=axis)
        rows = dini.transpose(rows, [*range(axis, axis + count), *(k for k in range(rows.ndim) if not axis <= k < axis + count)])
        return dini.transpose(rows, order) if order != list(range(rows.ndim)) else rows
    place, inside = _places(x.shape, indices, slice_sizes, along, windows, numbers.operand_batching_dims, numbers.start_indices_batching_dims, how)
    if x.size == 0:
        return refuse("an empty operand")
    out = dini.take(dini.ravel(x), place)
    if inside is not None:
        kind = np.dtype(str(x.dtype))
        if fill_value is None:
            fill_value = np.nan if kind.kind == "f" else np.iinfo(kind).min if kind.kind == "i" else True
        out = dini.where(inside, out, dini.array(fill_value).astype(x.dtype))
    return dini.transpose(out, order) if order != list(range(out.ndim)) else out


def scatter(method: str) -> Callable[..., Any]:
    def rule(x: Any, indices: Any, updates: Any, *, dimension_numbers: Any, mode: Any, update_jaxpr: Any, update_consts: Any) -> Any:
        numbers, how = dimension_numbers, _mode(mode)
        gone = set(numbers.inserted_window_dims) | set(numbers.operand_batching_dims)
        windows = [d for d in range(x.ndim) if d not in gone]
        sizes = [1] * x.ndim
        for d, k in zip(windows, sorted(numbers.update_window_dims)):
            sizes[d] = updates.shape[k]
        lead = [k for k in range(updates.ndim) if k not in numbers.update_window_dims]
        updates = dini.transpose(updates, [*lead, *sorted(numbers.update_window_dims)]) if updates.ndim else updates
        place, inside = _places(x.shape, indices, sizes, numbers.scatter_dims_to_operand_dims, windows, numbers.operand_batching_dims,
                                numbers.scatter_indices_batching_dims, how)
        flat = dini.ravel(x)
        if inside is not None:  # what is outside goes to one place more, which is dropped
            place = dini.where(inside, place, x.size)
            flat = dini.concatenate([flat, dini.zeros((1,), dtype=x.dtype)], 0)
        flat = getattr(flat.at[dini.ravel(place)], method)(dini.ravel(updates))
        return dini.reshape(flat[: x.size] if inside is not None else flat, x.shape)

    return rule


# ---- Convolutions and pools ----------------------------------------------------------------------------------------------


def _patches(x: Any, first: int, sizes: Any, strides: Any, dilation: Any) -> Any:
    """Of the axes from `first` on each in two: which window, and where within it."""
    for k, (size, stride, step) in enumerate(zip(sizes, strides, dilation)):
        axis = first + 2 * k
        count = (x.shape[axis] - (size - 1) * step - 1) // stride + 1
        at = np.arange(max(count, 0))[:, None] * stride + np.arange(size) * step
        x = dini.take(x, dini.array(at), axis=axis)
    return x


def convolution(x: Any, kernel: Any, *, window_strides: Any, padding: Any, lhs_dilation: Any, rhs_dilation: Any, dimension_numbers: Any,
                feature_group_count: int, batch_group_count: int) -> Any:
    if batch_group_count != 1:
        refuse("batch_group_count")
    x, kernel = dini.transpose(x, dimension_numbers.lhs_spec), dini.transpose(kernel, dimension_numbers.rhs_spec)
    n, channels, groups, spatial = x.shape[0], x.shape[1], feature_group_count, x.ndim - 2
    zero = dini.zeros((), dtype=x.dtype)
    x = pad(x, zero, padding_config=[(0, 0, 0)] * 2 + [(low, high, d - 1) for (low, high), d in zip(padding, lhs_dilation)])
    x = _patches(x, 2, kernel.shape[2:], window_strides, rhs_dilation)
    x = dini.reshape(x, (n, groups, channels // groups, *x.shape[2:]))
    kernel = dini.reshape(kernel, (groups, kernel.shape[0] // groups, *kernel.shape[1:]))
    letters = string.ascii_uppercase[: 2 * spatial]
    out = dini.einsum(f"ngc{letters},goc{letters[1::2]}->ngo{letters[::2]}", x, kernel)
    out = dini.reshape(out, (n, -1, *out.shape[3:]))
    return dini.transpose(out, [int(k) for k in np.argsort(dimension_numbers.out_spec)])


def reduction(name: str, neutral: float) -> Callable[..., Any]:
    def rule(x: Any, *, window_dimensions: Any, window_strides: Any, padding: Any, base_dilation: Any, window_dilation: Any) -> Any:
        if np.dtype(str(x.dtype)).kind != "f":
            refuse("whole numbers")
        value = dini.array(neutral).astype(x.dtype)
        x = pad(x, value, padding_config=[(low, high, d - 1) for (low, high), d in zip(padding, base_dilation)])
        x = _patches(x, 0, window_dimensions, window_strides, window_dilation)
        return getattr(dini, name)(x, axis=tuple(range(1, x.ndim, 2)))

    return rule
