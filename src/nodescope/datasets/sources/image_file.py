"""One image file as the values that a network may see, whatever its format, depth, colours, alpha and orientation.

What Pillow reads is read, but not all that Pillow makes of it is right: it cuts colours of 16 bits down to 8, leaves
16-bit TIFFs whose zero is white as they are, shifts depths of JPEG 2000 instead of scaling them, and clips floats.
What arrives here is scaled by the range of the file's own type, or refused.

=========================  ===========================================================================================
depth                      value
=========================  ===========================================================================================
1 to 8 bits                uint8: the value over the type's largest, times 255 (Pillow's scaling; exact for 1, 2, 4, 8)
9 to 16 bits, grey         float32: the value over the type's largest
more than 8 bits, colour   refused: Pillow gives the upper 8 bits
32-bit integers, signed    refused: it is unknown which value is white
floats                     float32 as they are if within [0, 1], else refused
=========================  ===========================================================================================

Alpha is composited as a*c + (1 - a)*b (the operator *over*: Porter and Duff, Compositing digital images, 1984, on an
opaque background b), of 8-bit images rounded to the nearest of 255 steps. CMYK becomes (1 - c)(1 - k), without colour profiles.
"""

import contextlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Colour = tuple[int, int, int]

#: What was done to an image, to be told to the user.
Fact = Literal[
    "turned", "composited", "opaque_alpha", "frames", "palette", "cmyk", "deep", "floats", "deep_avif", "broken_exif", "vanished"
]  # fmt: skip

#: Formats that Pillow knows, but that are no pictures of pixels with a range (drawings, videos, measurements, textures), or
#: that it gives up.
NO_PICTURES = frozenset(
    {
        "BUFR",
        "DDS",
        "EPS",
        "FITS",
        "FTEX",
        "GRIB",
        "HDF5",
        "IM",
        "IMT",
        "IPTC",
        "MCIDAS",
        "MPEG",
        "PALM",
        "PDF",
        "SPIDER",
        "WMF",
    }
)

#: Formats that a file is taken for by its first bytes where its suffix is not one of an image.
TOLD_BY_CONTENT = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM")

ORIENTATION = 0x0112  # the tag of EXIF and TIFF

_WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")

#: What Pillow raises on files that are damaged in one way or another.
_PILLOW_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OverflowError, MemoryError,
    RuntimeError, ZeroDivisionError, AssertionError, struct.error,
)  # fmt: skip

_AS_8_BIT = "save it with 8 bits a channel, or give the values as an npz (x of float32 within [0, 1])"


class RefusedImage(Exception):
    """An image whose values cannot be had, or would not be the right ones; says why and what to do."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.remedy = remedy


@dataclass(frozen=True)
class ImageValues:
    """An image as it is stored.

    Attributes
    ----------
    values : array [channel, row, column]
        uint8, or float32 within [0, 1]; one channel (grey) or three (red, green, blue).
    facts : frozenset of str
        What was done to it.
    """

    values: NDArray[Any]
    facts: frozenset[Fact]


@lru_cache(maxsize=1)
def formats_by_suffix() -> dict[str, str]:
    """The suffixes (in lower case, with the dot) of what is read, and Pillow's name of their format."""
    from PIL import Image

    Image.init()
    readable = {*Image.OPEN, "MPO"} - NO_PICTURES
    return {suffix: name for suffix, name in Image.registered_extensions().items() if name in readable}


@lru_cache(maxsize=1)
def _formats_with_a_signature() -> tuple[str, ...]:
    from PIL import Image

    Image.init()
    return tuple(name for name, (_, accepts) in Image.OPEN.items() if accepts and name not in NO_PICTURES)


def is_image_by_content(path: Path) -> bool:
    """Whether a file begins as the common image formats do."""
    from PIL import Image

    Image.init()
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
    except OSError:
        return False
    return any(name in Image.OPEN and Image.OPEN[name][1](head) is True for name in TOLD_BY_CONTENT)  # type: ignore[misc]


@contextlib.contextmanager
def _opened(path: Path) -> Iterator["Image.Image"]:
    from PIL import Image

    # A format without a signature (TGA) would make a picture of any bytes: only files that are named so are tried as one.
    named = formats_by_suffix().get(path.suffix.lower())
    formats = _formats_with_a_signature()
    if named in Image.OPEN and named not in formats:
        formats = (*formats, named)
    try:
        # As a stream: of a file by its name, Pillow maps uncompressed TIFFs into memory, with rows and columns mixed up
        # where their orientation turns them by a quarter.
        with path.open("rb") as stream, Image.open(stream, formats=formats) as image:
            yield image
    except (*_PILLOW_ERRORS, Image.DecompressionBombError) as error:
        size = path.stat().st_size if path.is_file() else None
        reason = {None: "there is no such file", 0: "it is empty"}.get(size, str(error) or type(error).__name__)
        raise RefusedImage(
            f"is not a readable image: {reason}",
            "copy it again, or move it out of the folder (files whose names start with a dot are skipped)",
        ) from error


def look(path: Path) -> tuple[object, ...]:
    """What the header says: format, mode, raw mode, size, orientation, whether there may be alpha, in this order.

    Two files of the same look are read by the same rules.

    Raises
    ------
    RefusedImage
        If the header is damaged.
    """
    with _opened(path) as image:
        # Of a PNG, it may stand behind the pixels.
        orientation = 1 if image.format == "PNG" else _orientation(image)
        alpha = "transparency" in image.info or image.mode in _WITH_ALPHA
        return image.format, image.mode, _raw_mode(image), image.size, orientation, alpha


def read_image(path: Path, background: Colour | None) -> ImageValues:
    """Read one file.

    Parameters
    ----------
    path : Path
    background : tuple of int, optional
        Red, green and blue (0 to 255) of what images with alpha are laid on.

    Raises
    ------
    RefusedImage
        If it cannot be read, if its values would not be the right ones, or if it is transparent somewhere and no
        background is given.
    """
    from PIL import ImageOps

    facts: set[Fact] = set()
    with _opened(path) as image:
        depth = _largest_value(image, path)
        transparent = _transparent_colour(image)
        # Of a TIFF, Pillow turns the pixels itself as they are loaded, and forgets the tag.
        orientation = _orientation(image) if image.format != "PNG" else None
        if getattr(image, "is_animated", False) and image.format != "PSD":
            facts.add("frames")
        if image.format == "AVIF" and _avif_is_deep(path):
            facts.add("deep_avif")
        image.load()
        if orientation is None:
            orientation = _orientation(image)
        if orientation == 0:
            facts.add("broken_exif")
        elif orientation in range(2, 9):
            facts.add("turned")
            if image.format != "TIFF":
                ImageOps.exif_transpose(image, in_place=True)
        values, alpha = _values_and_alpha(image, depth, transparent, facts)
    if alpha is not None:
        values = _over(values, alpha, background, premultiplied=image.mode in ("La", "RGBa"), facts=facts)
    return ImageValues(np.ascontiguousarray(np.moveaxis(values, -1, 0)), frozenset(facts))


def _raw_mode(image: "Image.Image") -> str:
    """Pillow's name of how the file stores its pixels; empty where it has none."""
    first = _decoder_arguments(image)[:1]
    return first[0] if first and isinstance(first[0], str) else ""


def _decoder_arguments(image: "Image.Image") -> tuple[Any, ...]:
    """What Pillow tells its decoder before the pixels are loaded: mostly the raw mode first."""
    tiles = getattr(image, "tile", None) or [("", None, 0, None)]
    arguments = tiles[0][3]
    return arguments if isinstance(arguments, tuple) else (arguments,)


def _orientation(image: "Image.Image") -> int:
    """As EXIF counts: 1 as it is, 0 where the EXIF data is damaged."""
    if image.format == "TIFF":
        value = getattr(image, "tag_v2", {}).get(ORIENTATION, 1)
    else:
        try:
            value = image.getexif().get(ORIENTATION, 1)
        except _PILLOW_ERRORS:
            return 0
    return value if isinstance(value, int) and value in range(1, 9) else 1


def _largest_value(image: "Image.Image", path: Path) -> int | None:
    """Which value is white; None for floats. Also finds the depths of which Pillow would give something else."""
    mode, bits = image.mode, 8
    if image.format == "TIFF":
        tags = getattr(image, "tag_v2", {})
        bits = int(np.max(tags.get(258, 1)))
        if 2 in np.atleast_1d(tags.get(339, 1)):
            raise RefusedImage("holds signed integers: it is unknown which values are black and white", _AS_8_BIT)
    elif image.format == "JPEG2000":
        bits, signed = _jpeg_2000_depth(path)
        if signed or (bits != 8 and not mode.startswith("I;16")):
            raise RefusedImage(f"has {'signed values of ' if signed else ''}{bits} bits a channel", _AS_8_BIT)
    elif image.format == "SGI":
        with path.open("rb") as stream:
            bits = 8 * stream.read(4)[3]
    elif image.format == "PPM":
        largest = (*_decoder_arguments(image), None)[1]
        bits = 16 if mode == "I" or (isinstance(largest, int) and largest > 255) else 8
    elif ";16" in _raw_mode(image):
        bits = 16
    if mode == "F":
        return None
    if mode.startswith("I;16") or (mode == "I" and image.format in ("PNG", "PPM")):
        # Pillow scales the depths of PPM and shifts those of JPEG 2000 to 16 bits.
        if image.format == "JPEG2000":
            return (2**bits - 1) << (16 - bits)
        return 4095 if bits == 12 else 65535
    if mode.startswith("I"):
        raise RefusedImage("holds 32-bit integers: it is unknown which value is white", _AS_8_BIT)
    if bits > 8:
        raise RefusedImage(f"has {bits} bits a channel, of which Pillow gives only the upper 8", _AS_8_BIT)
    return 255


def _jpeg_2000_depth(path: Path) -> tuple[int, bool]:
    """Bits of the first channel, and whether they are signed (ISO/IEC 15444-1, A.5.1)."""
    with path.open("rb") as stream:
        head = stream.read(1 << 16)
    start = head.find(b"\xff\x4f\xff\x51")
    if start < 0 or len(head) <= start + 42:
        raise OSError("no codestream")
    return (head[start + 42] & 0x7F) + 1, head[start + 42] > 0x7F


def _avif_is_deep(path: Path) -> bool:
    """Whether the first picture has 10 or 12 bits (the box av1C of AV1's ISOBMFF binding, 2.3.3)."""
    with path.open("rb") as stream:
        head = stream.read(1 << 14)
    start = head.find(b"av1C")
    return 0 <= start < len(head) - 6 and bool(head[start + 6] & 0x40)


def _transparent_colour(image: "Image.Image") -> int | tuple[int, ...] | None:
    """The one colour that means 'nothing here', in the values that Pillow gives; palettes are not meant."""
    colour = image.info.get("transparency")
    if image.mode in ("P", "PA") or not isinstance(colour, (int, tuple)):
        return None
    if image.mode == "1":
        return 255 if colour else 0
    # PNG counts it in the file's own depth, Pillow scales the pixels of 2 and 4 bits, but not this.
    scale = {"L;2": 85, "L;4": 17}.get(_raw_mode(image), 1) if image.format == "PNG" else 1
    return colour * scale if isinstance(colour, int) else colour


def _values_and_alpha(
    image: "Image.Image", largest: int | None, transparent: int | tuple[int, ...] | None, facts: set[Fact]
) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    """Values [row, column, channel] and alpha [row, column] of a loaded image; no alpha where it hides nothing."""
    alpha = None
    inverted = image.format == "TIFF" and getattr(image, "tag_v2", {}).get(262) == 0
    match image.mode:
        case "1" | "L" | "RGB":
            values = np.asarray(image.convert("L") if image.mode == "1" else image)
        case "LA" | "La" | "RGBA" | "RGBa":
            pixels = np.asarray(image)
            values, alpha = pixels[..., :-1], pixels[..., -1]
        case "P" | "PA":
            facts.add("palette")
            values, alpha = _unpalette(image)
        case "RGBX":
            values = np.asarray(image)[..., :3]
        case "CMYK":
            facts.add("cmyk")
            values = np.asarray(image.convert("RGB"))
        case "YCbCr" | "HSV":
            values = np.asarray(image.convert("RGB"))
        case "F":
            values = np.asarray(image)
            low, high = values.min(), values.max()
            if not (low >= 0 and high <= 1):
                raise RefusedImage(
                    f"holds floats from {low:g} to {high:g}: it is unknown which values are black and white",
                    "scale them to [0, 1]; or give the values as an npz (x of float32)",
                )
            facts.add("floats")
            values = 1 - values if inverted else values
        case mode if mode.startswith("I") and largest is not None:
            facts.add("deep")
            pixels = np.asarray(image).astype(np.int64)
            values = ((largest - pixels if inverted else pixels) / largest).astype(np.float32)
            if transparent is not None:
                alpha = np.where(pixels == transparent, 0, 255).astype(np.uint8)
        case mode:
            raise RefusedImage(f"is of Pillow's mode {mode}, which is not read here", "save it as grey or RGB")
    values = values[..., None] if values.ndim == 2 else values
    if transparent is not None and alpha is None:
        alpha = np.where((values == np.array(transparent)).all(axis=-1), 0, 255).astype(np.uint8)
    if alpha is not None and (alpha == 255).all():
        if image.mode in _WITH_ALPHA:
            facts.add("opaque_alpha")
        alpha = None
    return values, alpha


def _unpalette(image: "Image.Image") -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Colours [row, column, 1 or 3] and alpha; one channel where all colours that occur are grey."""
    own = np.asarray(image)
    indices = own[..., 0] if image.mode == "PA" else own
    entries = len(image.palette.palette) // len(image.palette.mode) if image.palette else 0
    if indices.max() >= entries:
        raise RefusedImage(
            f"is damaged: a pixel has the colour number {indices.max()} of a palette of {entries}", "save it again"
        )
    pixels = np.asarray(image.convert("RGBA"))
    colours, alpha = pixels[..., :3], pixels[..., 3]
    grey = bool((colours == colours[..., :1]).all())
    return colours[..., :1] if grey else colours, alpha


def _over(
    values: NDArray[Any],
    alpha: NDArray[np.uint8],
    background: Colour | None,
    *,
    premultiplied: bool,
    facts: set[Fact],
) -> NDArray[Any]:
    """The image [row, column, channel] on its background."""
    if background is None:
        hidden = (alpha < 255).mean()
        raise RefusedImage(
            f"is transparent in {hidden:.0%} of its pixels, and the background is not specified"
            if hidden >= 0.01
            else f"is transparent in {int((alpha < 255).sum())} of its pixels, and the background is not specified",
            "add `background: white`, `black` or a colour such as '#808080' to the data set",
        )
    facts.add("composited")
    if len(set(background)) > 1 and values.shape[-1] == 1:
        values = values.repeat(3, axis=-1)
    behind = np.array(background[: values.shape[-1]])
    a = alpha[..., None].astype(np.int64)
    if values.dtype == np.uint8:
        own = 255 * values.astype(np.int64) if premultiplied else a * values
        result = np.minimum((2 * (own + (255 - a) * behind) + 255) // 510, 255).astype(np.uint8)
    else:
        result = (a / 255 * values + (1 - a / 255) * (behind / 255)).astype(np.float32)
    if alpha.min() < alpha.max() and (result == result[:1, :1]).all():
        facts.add("vanished")
    return result


def resized(values: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """An image [channel, row, column] in another size: triangle filter, as wide as what a pixel then covers (no aliasing)."""
    from PIL import Image

    if values.shape[1:] == (rows, columns):
        return values
    made = np.stack(
        [
            np.asarray(Image.fromarray(channel.astype(np.float32)).resize((columns, rows), Image.Resampling.BILINEAR))
            for channel in values
        ]
    )
    return np.clip(np.rint(made), 0, 255).astype(np.uint8) if values.dtype == np.uint8 else np.clip(made, 0, 1)
