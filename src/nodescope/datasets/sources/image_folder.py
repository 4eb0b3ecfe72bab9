"""A folder of images: train/CLASS/ and, where there are any, validation/CLASS/ and test/CLASS/; or CLASS/ alone.

Before any job, the directory entries are looked at, the headers of `HEADERS` images (evenly spread, and the first of each
class: a header takes 0.1 to 0.3 ms, so that all of 60,000 would hold up each `snakemake -n` for ten seconds), and the
pixels of those that differ in kind.
What only shows in the pixels of the others is found when the data set is prepared, which is the first job of a run.
"""

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodescope.config.dataset import ImageFolder
from nodescope.datasets.sources.image_file import Colour, Fact, RefusedImage, look, read_image, resized
from nodescope.datasets.sources.image_layout import list_images
from nodescope.datasets.sources.labels import Labels
from nodescope.messages.errors import DatasetError
from nodescope.messages.words import counted, were

#: How many headers, looks and images with alpha are looked at before any job.
HEADERS, LOOKS, ALPHAS = 5000, 24, 24

_SENTENCES: dict[Fact, str] = {
    "turned": "{images} turned as the EXIF orientation in their file says.",
    "composited": "{images} transparent in places and lie on {background}.",
    "opaque_alpha": "{images} read without their alpha channel, which is opaque everywhere.",
    "frames": "{images} the first frame or page of a file with several.",
    "palette": "{images} read from palettes.",
    "cmyk": "{images} converted from CMYK without a colour profile.",
    "deep": "{images} of more than 8 bits and scaled by the range of their type to [0, 1].",
    "floats": "{images} floats within [0, 1] and taken as they are.",
    "deep_avif": "{images} AVIF of 10 or 12 bits and rounded to 8 bits.",
    "broken_exif": "{images} taken as they lie, because their EXIF data, which may say how to turn them, is damaged.",
    "vanished": "{images} of one colour once they lie on {background}.",
}


def check(source: ImageFolder) -> Labels:
    """As `list_images`, with a look at headers, and at the pixels of images that differ in kind.

    Raises
    ------
    DatasetError
    """
    files = list_images(source)
    step = max(1, -(-len(files.files) // HEADERS))
    first_of_classes = np.flatnonzero(np.diff(files.labels.labels, prepend=-1))
    some = sorted({*range(0, len(files.files), step), *first_of_classes[:HEADERS].tolist()})
    first_of: dict[tuple[object, ...], Path] = {}
    with_alpha = []
    seen = _Collected(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of what is refused here in words
        for path in map(files.path, some):
            with _naming(source, path):
                kind = look(path)
            first_of.setdefault(kind[:3] + kind[4:] if source.resize else kind, path)
            if kind[-1]:
                with_alpha.append(path)
        chosen = [*list(first_of.values())[:LOOKS], *with_alpha[:: max(1, len(with_alpha) // ALPHAS)][:ALPHAS]]
        for path in dict.fromkeys(chosen):
            seen.add(path)
    seen.decisions()
    return files.labels


def labels_and_shape(source: ImageFolder) -> tuple[Labels, tuple[int, ...]]:
    """As `list_images`, and the shape that the first image has; where others are in colour, so are all."""
    files = list_images(source)
    values = _Collected(source).add(files.path(0))
    return files.labels, values.shape


def read(source: ImageFolder) -> tuple[NDArray[Any], Labels]:
    """All images [sample, channel, row, column], uint8 where all have at most 8 bits, else float32; and their labels."""
    files = list_images(source)
    seen = _Collected(source)
    x: NDArray[Any] | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for index in range(len(files.files)):
            values = seen.add(files.path(index))
            if x is None:
                x = np.empty((len(files.files), *values.shape), values.dtype)
            x = _able_to_hold(values, x, index)
            x[index] = _like(x, values)
    assert x is not None
    labels = files.labels
    decisions = (*labels.decisions, *seen.decisions())
    return x, Labels(labels.labels, labels.class_names, labels.official_test, decisions, labels.official_validation)


def _able_to_hold(values: NDArray[Any], x: NDArray[Any], filled: int) -> NDArray[Any]:
    """The array of samples, with colours or as float32 once one of them needs it."""
    channels = max(len(values), x.shape[1])
    dtype = np.promote_types(values.dtype, x.dtype)
    if (channels, dtype) == (x.shape[1], x.dtype):
        return x
    wider = np.empty((len(x), channels, *x.shape[2:]), dtype)
    wider[:filled] = _like(wider, x[:filled])
    return wider


def _like(x: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """Values as the array holds them; grey ones spread over its channels as they are assigned."""
    if values.dtype == np.uint8 and x.dtype != np.uint8:
        return values.astype(np.float32) / np.float32(255)
    return values


@contextmanager
def _naming(source: ImageFolder, path: Path) -> Iterator[None]:
    """A refusal as a message that says which file of which data set is meant."""
    try:
        yield
    except RefusedImage as refused:
        raise DatasetError(f"Data set '{source.name}': {path} {refused}. Hint: {refused.remedy}.") from refused


class _Collected:
    """What was seen of the images so far, and whether they fit together."""

    def __init__(self, source: ImageFolder) -> None:
        self.source = source
        self.background = _colour(source.background)
        self.facts = Counter[Fact]()
        self.channels = Counter[int]()
        self.dtypes = Counter[str]()
        self.sizes = Counter[tuple[int, int]]()
        self.first: tuple[Path, tuple[int, ...], frozenset[Fact]] | None = None

    def add(self, path: Path) -> NDArray[Any]:
        """Read a further image, of the size that is asked for."""
        with _naming(self.source, path):
            image = read_image(path, self.background)
        values = image.values
        self.facts.update(image.facts)
        self.channels[len(values)] += 1
        self.dtypes[str(values.dtype)] += 1
        self.sizes[values.shape[1], values.shape[2]] += 1
        if self.source.resize is not None:
            return resized(values, *self.source.resize)
        if self.first is None:
            self.first = path, values.shape, image.facts
        if values.shape[1:] != self.first[1][1:]:
            raise DatasetError(self._sizes_differ(path, values.shape, image.facts))
        return values

    def _sizes_differ(self, path: Path, shape: tuple[int, ...], facts: frozenset[Fact]) -> str:
        assert self.first is not None
        other, first, first_facts = self.first
        why = ""
        if shape[1:] == first[:0:-1]:
            why = " One stands upright, the other lies on its side."
        if "turned" in facts | first_facts:
            why += " (Sizes are those after turning the images as their EXIF orientation says.)"
        return (
            f"Data set '{self.source.name}': {path} is {shape[2]}x{shape[1]} pixels, but {other} is "
            f"{first[2]}x{first[1]}.{why} A network takes images of one size. "
            f"Hint: add `resize: [{min(shape[1], first[1])}, {min(shape[2], first[2])}]` (rows, columns) to the data set, "
            "or crop or resize them beforehand."
        )

    def decisions(self) -> list[str]:
        """What was done to the images, a sentence each.

        Raises
        ------
        DatasetError
            If no image shows anything on the background that was chosen.
        """
        composited, vanished = self.facts["composited"], self.facts["vanished"]
        if composited and vanished == composited:
            raise DatasetError(
                f"Data set '{self.source.name}': the images are empty on the background {self.source.background}: "
                f"each of the {vanished} transparent images has only one colour then. Hint: choose another "
                "background."
            )
        made = [
            sentence.format(
                images=f"{counted(self.facts[fact], 'image')} {were(self.facts[fact])}",
                background=self.source.background,
            )
            for fact, sentence in _SENTENCES.items()
            if self.facts[fact]
        ]
        if len(self.channels) > 1:
            made.append(
                f"{counted(self.channels[1], 'image')} {were(self.channels[1])} grey and became red = green = blue, "
                f"because {self.channels[3]} {'is' if self.channels[3] == 1 else 'are'} in colour."
            )
        if len(self.dtypes) > 1:
            made.append(
                f"{self.dtypes['uint8']} of {self.dtypes.total()} images have 8 bits or less, the others more; all are "
                "stored as float32 in [0, 1]."
            )
        if self.source.resize is not None:
            rows, columns = self.source.resize
            others = {size: count for size, count in self.sizes.items() if size != (rows, columns)}
            stretched = sum(count for (h, w), count in self.sizes.items() if h * columns != w * rows)
            n = sum(others.values())
            if others:
                sizes = " to ".join(f"{w}x{h}" for h, w in dict.fromkeys((min(others), max(others))))
                made.append(
                    f"{counted(n, 'image')} of {sizes} pixels {were(n)} resized to {columns}x{rows}, {stretched} with other "
                    "proportions."
                )
        return made


def _colour(text: str | None) -> Colour | None:
    if text is None:
        return None
    digits = {"white": "#ffffff", "black": "#000000"}.get(text, text)
    red, green, blue = (int(digits[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue
