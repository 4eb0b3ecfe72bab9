"""Pictures for what would be too many marks: point clouds and matrices, as PNG inside a chart.

A panel of 800 nodes x 10 classes is 8,000 marks; as a picture it is a few kilobytes and redraws at once.
"""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

Colour = tuple[int, int, int]
Pixels = NDArray[np.uint8]


def colour(text: str) -> Colour:
    """``#rrggbb`` as three numbers."""
    red, green, blue, *_ = ImageColor.getrgb(text)
    return red, green, blue


def scatter(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    colours: NDArray[np.uint8],
    size: tuple[int, int],
    *,
    radius: int,
) -> Pixels:
    """Points on a transparent picture.

    Parameters
    ----------
    x, y : array [point]
        In [0, 1], from the left and from the bottom.
    colours : uint8 array [point, 3]
    size : (int, int)
        Width and height in pixels.
    radius : int
        A point is a square of ``2 radius + 1`` pixels.

    Returns
    -------
    uint8 array [height, width, 4]
    """
    width, height = size
    pixels = np.zeros((height, width, 4), np.uint8)
    column = np.clip(np.round(x * (width - 1)), 0, width - 1).astype(int)
    row = np.clip(np.round((1 - y) * (height - 1)), 0, height - 1).astype(int)
    for down in range(-radius, radius + 1):
        for right in range(-radius, radius + 1):
            r, c = np.clip(row + down, 0, height - 1), np.clip(column + right, 0, width - 1)
            pixels[r, c, :3] = colours
            pixels[r, c, 3] = 255
    return pixels


def matrix(
    values: NDArray[np.floating], low: Colour, high: Colour, dead: NDArray[np.bool_], dead_colour: Colour
) -> Pixels:
    """A matrix [row, column] of shares in [0, 1] as one pixel per entry; NaN is transparent, dead columns coloured."""
    share = np.clip(np.nan_to_num(values), 0, 1)[..., None]
    pixels = np.zeros((*values.shape, 4), np.uint8)
    pixels[..., :3] = np.round(np.array(low) * (1 - share) + np.array(high) * share)
    pixels[..., 3] = np.where(np.isnan(values), 0, 255)
    pixels[:, dead] = (*dead_colour, 255)
    return pixels


def data_uri(pixels: Pixels) -> str:
    """A picture as a data URI."""
    buffer = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def enlarge(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Enlarge or shrink a picture; entries stay sharp where it grows."""
    growing = size[0] >= pixels.shape[1]
    image = Image.fromarray(pixels, "RGBA")
    return np.asarray(image.resize(size, Image.Resampling.NEAREST if growing else Image.Resampling.BOX))
