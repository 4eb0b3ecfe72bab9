"""Small pictures inside tables: PNG as a data URI, which a page shows as it is."""

import base64
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: Colour types of PNG, by the number of channels.
GREY, COLOUR = 0, 2


def png_uri(pixels: NDArray[np.uint8]) -> str:
    """A picture as a data URI; of the few bytes of a small one, headers are most, so that it has no further chunks.

    Parameters
    ----------
    pixels : array of uint8 [row, column] or [row, column, 3]
        Grey, or red, green and blue.

    Raises
    ------
    ValueError
        If the array has another shape or type.
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)) or not pixels.size:
        raise ValueError(f"a picture is uint8 [row, column] or [row, column, 3], not {pixels.dtype} {pixels.shape}")
    rows, columns = pixels.shape[:2]
    head = struct.pack(">IIBBBBB", columns, rows, 8, GREY if pixels.ndim == 2 else COLOUR, 0, 0, 0)
    # Each row begins with the filter of its bytes: 0, none.
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), pixels.reshape(rows, -1)], axis=1)
    chunks = (_chunk(b"IHDR", head), _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)), _chunk(b"IEND", b""))
    return "data:image/png;base64," + base64.b64encode(SIGNATURE + b"".join(chunks)).decode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def as_pixels(image: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Values of an image as bytes: ``low`` black, ``high`` white; [row, column], or [channel, row, column] of 1, 3 or 4.

    A fourth channel is left out. Where the two are equal all is black.
    """
    span = high - low or 1.0
    bytes_ = np.round(np.clip((image.astype(np.float64) - low) / span, 0, 1) * 255).astype(np.uint8)
    if bytes_.ndim == 2:
        return bytes_
    return bytes_[0] if len(bytes_) == 1 else np.ascontiguousarray(np.moveaxis(bytes_[:3], 0, -1))


#: Shades of each sign in a picture of differences: few, so that a small picture takes few bytes.
SHADES = 15


def signed_picture(values: NDArray[Any], bound: float) -> str:
    """Values around zero as a data URI.

    Of one channel, from blue (``-bound``) over white (0) to red; of three, each is a colour, and zero is half of it.

    Parameters
    ----------
    values : array [channel, row, column]
        Of 1, 3 or 4 channels; a fourth is left out.
    bound : float
        The largest size that can be shown.
    """
    if len(values) > 1:
        return png_uri(as_pixels(values, -bound, bound))
    shades = np.round(np.clip(values[0] / (bound or 1.0), -1, 1) * SHADES) / SHADES
    paler = 1 - np.abs(shades)
    colours = np.stack([np.where(shades < 0, paler, 1), paler, np.where(shades > 0, paler, 1)], axis=-1)
    return png_uri(np.round(colours * 255).astype(np.uint8))


def can_be_drawn(shape: tuple[int, ...]) -> bool:
    """Whether an array [channel, row, column] is a picture: of 1, 3 or 4 channels, and more than one pixel."""
    return len(shape) == 3 and shape[0] in (1, 3, 4) and shape[1] * shape[2] > 1
