"""A folder of images, a folder per class."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nodescope.config.schema import ImageFolder
from nodescope.datasets.sources.labels import Labels
from nodescope.errors import DatasetError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")


def list_images(source: ImageFolder) -> tuple[Labels, list[Path]]:
    """The labels by the folders, and the file of each sample."""
    root = Path(source.path)
    if not (root / "train").is_dir():
        raise DatasetError(
            f"Data set '{source.name}': there is no folder {root / 'train'}. Expected: "
            f"{root}/train/CLASS/*.png or *.jpg, and optionally {root}/test/CLASS/..."
        )
    classes = [p.name for p in _class_folders(root / "train")]
    if len(classes) < 2:
        raise DatasetError(
            f"Data set '{source.name}': {root / 'train'} has {len(classes)} class folder(s); at least 2 are needed."
        )
    paths: list[Path] = []
    labels: list[int] = []
    counts = []
    for part in ("train", "test"):
        before = len(paths)
        folders = _class_folders(root / part) if (root / part).is_dir() else []
        for folder in folders:
            if folder.name not in classes:
                raise DatasetError(
                    f"Data set '{source.name}': class folder {folder} has no counterpart in {root / 'train'}."
                )
            images = sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
            paths += images
            labels += [classes.index(folder.name)] * len(images)
        counts.append(len(paths) - before)
    if not counts[0]:
        raise DatasetError(f"Data set '{source.name}': no *.png or *.jpg below {root / 'train'}.")
    return Labels(np.array(labels, dtype=np.int64), classes, counts[1]), paths


def _class_folders(folder: Path) -> list[Path]:
    """The folders of classes; hidden ones, which tools leave behind, are none."""
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def read(source: ImageFolder) -> tuple[NDArray[np.uint8], Labels]:
    """All images [sample, channel, row, column] and their labels."""
    from PIL import Image

    labels, paths = list_images(source)
    x: NDArray[np.uint8] | None = None
    for index, path in enumerate(paths):
        try:
            with Image.open(path) as image:
                grey = image.mode in ("1", "L", "I", "I;16", "F")
                pixels = np.asarray(image.convert("L" if grey else "RGB"))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise DatasetError(f"Data set '{source.name}': {path} is not a readable image: {error}") from error
        pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
        if x is None:
            x = np.empty((len(paths), *pixels.shape), np.uint8)
        if pixels.shape != x.shape[1:]:
            raise DatasetError(
                f"Data set '{source.name}': {path} is {_size(pixels.shape)}, but {paths[0]} is {_size(x.shape[1:])}. "
                "All images must have the same size and colours. Hint: resize them beforehand."
            )
        x[index] = pixels
    assert x is not None
    return x, labels


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[2]}x{shape[1]} pixels in {'grey' if shape[0] == 1 else 'colour'}"
