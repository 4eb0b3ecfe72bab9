"""Samples of the user's own arrays, in the order of axes and the type that networks are given.

Bytes (uint8) are kept and divided by 255 when a network sees them. Images of uint16 are divided by 65535, as image files of
16 bits are, and become float32; all other numbers become float32 as they are. Images are [sample, row, column] or [sample,
channel, row, column]; which axis of four is that of the channels is told by `channel_axis`.
"""

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nodescope.datasets.sources.labels import Refuse

Channels = Literal["first", "last"]

#: Numbers of channels that images come with: grey, colour, colour with alpha.
USUAL_CHANNELS = (1, 3, 4)
#: A feature whose rounding to float32 exceeds this share of its standard deviation is spoken of.
WORTH_SAYING = 1e-3
ROWS_AT_A_TIME = 4096


def channel_axis(shape: tuple[int, ...]) -> Channels | None:
    """Where the channels of a sample of three axes stand, or None where its shape does not tell.

    Two signs must not contradict each other, and one must be there: only one end has as many entries as images
    usually have channels, and the other two axes are of one length.
    """
    first, middle, last = shape
    usual = (first in USUAL_CHANNELS, last in USUAL_CHANNELS)
    if all(usual):
        return None
    signs: set[Channels] = set()
    if any(usual):
        signs.add("first" if usual[0] else "last")
    if (first == middle) != (middle == last):
        signs.add("first" if middle == last else "last")
    return signs.pop() if len(signs) == 1 else None


def as_networks_see(shape: tuple[int, ...], channels: Channels | None) -> tuple[int, ...] | None:
    """Shape of a prepared sample, from its shape in the file; None where the order of its axes is not known."""
    if len(shape) == 2:
        return (1, *shape)
    if len(shape) != 3:
        return shape
    match channels or channel_axis(shape):
        case "first":
            return shape
        case "last":
            return (shape[2], *shape[:2])
        case _:
            return None


def joined(parts: dict[str, NDArray[Any]], channels: Channels | None, refuse: Refuse) -> tuple[NDArray[Any], list[str]]:
    """All parts in one array, uint8 or float32 in C order, and what was decided, a sentence each.

    Parameters
    ----------
    parts : dict of arrays
        By their names in the file; the training samples first.
    channels : str, optional
        Where the user says the channels are.
    refuse : callable
        Raises the error that it is given the words of.
    """
    for key, x in parts.items():
        _check_array(key, x, refuse)
    _check_alike(parts, refuse)
    x_key, first = next(iter(parts.items()))
    order, decisions = _order_of_axes(x_key, first.shape[1:], channels, refuse)
    numbers, of_type = _numbers(parts)
    x = np.concatenate(numbers)
    x = x[:, None] if order == "none" else np.moveaxis(x, -1, 1) if order == "last" else x
    if x.ndim == 4 and x.shape[1] == 4:
        of_type.append(f"All four channels of {x_key} are inputs; none of them is treated as transparency.")
    return np.ascontiguousarray(x), decisions + of_type


def _check_array(key: str, x: NDArray[Any], refuse: Refuse) -> None:
    if x.dtype.kind not in "buif":
        refuse(
            f"{key} must hold numbers, not {x.dtype}. Hint: save it as np.float32, or as np.uint8 where it holds images"
        )
    if x.ndim < 2:
        hint = (
            f"reshape it to [sample, 1] with {key}[:, None] if a sample is one number" if x.ndim else "save all samples"
        )
        refuse(f"{key} must be [sample, ...], not of shape {x.shape}. Hint: {hint}")
    if not x.size:
        refuse(
            f"{key} must be [sample, ...] with at least one sample and value, not of shape {x.shape}. Hint: check how "
            "it was written"
        )
    bad = ~np.isfinite(x)
    if bad.any():
        place = tuple(int(i) for i in np.unravel_index(int(bad.argmax()), x.shape))
        refuse(
            f"{key} holds {int(bad.sum())} NaN or infinite value(s) in "
            f"{int(bad.reshape(len(x), -1).any(axis=1).sum())} of {len(x)} samples, the first at {list(place)}. Hint: "
            "remove these samples or fill in the missing values"
        )
    if x.dtype.kind == "f" and x.dtype.itemsize > 4:
        largest = max(abs(float(x.max())), abs(float(x.min())))
        if largest > float(np.finfo(np.float32).max):
            refuse(f"{key} holds {largest:g}, beyond the range of float32. Hint: scale the features beforehand")


def _kind(x: NDArray[Any]) -> str:
    """What arrays must have in common to be scaled alike."""
    if x.dtype == np.uint8:
        return "uint8"
    if x.dtype.kind == "u" and x.dtype.itemsize == 2 and x.ndim > 2:
        return "uint16 images"
    return {"b": "bool", "u": "whole numbers", "i": "whole numbers", "f": "floats"}[x.dtype.kind]


def _check_alike(parts: dict[str, NDArray[Any]], refuse: Refuse) -> None:
    (x_key, first), *others = parts.items()
    for key, x in others:
        if x.shape[1:] != first.shape[1:]:
            refuse(
                f"the samples of {x_key} and {key} differ in shape: {first.shape[1:]} and {x.shape[1:]}. "
                "Hint: save them with the same order of axes and the same sizes"
            )
        if _kind(x) != _kind(first):
            refuse(
                f"{x_key} and {key} must be of one type, to be scaled alike, not {first.dtype} and {x.dtype}. "
                "Hint: save both as np.uint8 (divided by 255) or both as np.float32 (taken as they are)"
            )


def _order_of_axes(
    key: str, shape: tuple[int, ...], channels: Channels | None, refuse: Refuse
) -> tuple[Literal["none"] | Channels | None, list[str]]:
    if len(shape) == 2:
        rows, columns = shape
        return "none", [
            f"{key} [sample, {rows}, {columns}] is taken as grey images of {columns}x{rows} pixels: "
            "[sample, channel, row, column] with one channel."
        ]
    if len(shape) != 3:
        if channels is not None:
            refuse(
                f"channels: {channels} was given, but {key} [sample, {_lengths(shape)}] has no channel axis. Hint: remove this key"
            )
        return None, []
    order = channels or channel_axis(shape)
    if order is None:
        refuse(
            f"the channel axis of {key} [sample, {_lengths(shape)}] is ambiguous. Hint: set channels: "
            "first for [sample, channel, row, column], or channels: last for [sample, row, column, channel]"
        )
    if order == "first":
        return order, []
    rows, columns, n = shape
    return order, [
        f"{key} [sample, {_lengths(shape)}] has its channels last: transposed to [sample, channel, row, column], images of "
        f"{columns}x{rows} pixels and {n} channel{'s' if n > 1 else ''}"
        + ("." if channels else "; if that is wrong, set channels: first.")
    ]


def _numbers(parts: dict[str, NDArray[Any]]) -> tuple[list[NDArray[Any]], list[str]]:
    """Each part as uint8 or float32, with what happened to the values."""
    arrays = list(parts.values())
    all_parts = ", ".join(parts)
    largest = max(x.max() for x in arrays)
    match _kind(arrays[0]):
        case "uint8" if largest > 1:
            return arrays, [f"Values of {all_parts} (uint8) are divided by 255; save np.float32 if that is wrong."]
        case "uint16 images" if largest > 1:
            return [x.astype(np.float32) / np.float32(65535) for x in arrays], [
                f"Values of {all_parts} (images of uint16) are divided by 65535, the largest being {largest}; save np.float32 "
                "if that is wrong."
            ]
        case "uint8" | "uint16 images" as kind:
            said = [f"Values of {all_parts} ({kind}) are 0 and 1 only: they are not divided."]
        case "bool":
            said = [f"True and false are taken as 1 and 0: {all_parts}."]
        case _:
            said = []
    values = [x.astype(np.float32) for x in arrays]
    for (key, x), of_part in zip(parts.items(), values, strict=True):
        if x.dtype.itemsize > 4 or (x.dtype.kind in "iu" and x.dtype.itemsize == 4):
            said += _of_rounding(key, x, of_part)
    return values, said


def _of_rounding(key: str, x: NDArray[Any], values: NDArray[np.float32]) -> list[str]:
    """Said where float32 cannot hold what the file does: whole numbers that change, features that lose their spread."""
    changed = 0
    error = np.zeros(math.prod(x.shape[1:]))
    for begin in range(0, len(x), ROWS_AT_A_TIME):
        block = slice(begin, begin + ROWS_AT_A_TIME)
        off = np.abs(x[block].astype(np.float64) - values[block].astype(np.float64)).reshape(len(x[block]), -1)
        changed += int((off > 0).sum())
        error = np.maximum(error, off.max(axis=0))
    if not changed:
        return []
    spread = x.reshape(len(x), -1).std(axis=0, dtype=np.float64)
    lost = np.flatnonzero((spread > 0) & (error > WORTH_SAYING * spread))
    said = []
    if x.dtype.kind in "iu":
        said.append(
            f"{changed} whole numbers of {key} beyond 2**24 are rounded to float32, by at most {error.max():g}."
        )
    if len(lost):
        share = float((error[lost] / spread[lost]).max())
        said.append(
            f"Rounding {key} to float32 changes {len(lost)} feature(s) by up to {share:.2g} standard deviations (the first: "
            f"{lost[0]}): they vary little beside their size. Subtract their mean beforehand to keep what tells samples apart."
        )
    return said


def _lengths(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))
