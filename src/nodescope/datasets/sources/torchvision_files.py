"""Data sets in the layout in which torchvision keeps them."""

import gzip
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodescope.config.dataset import Cifar10, DatasetSource
from nodescope.datasets.sources.labels import Labels
from nodescope.messages.errors import DatasetError


@dataclass(frozen=True)
class TorchvisionFiles:
    """Where torchvision expects a data set below the data root."""

    class_name: str
    folder: str
    files: tuple[str, ...]


_IDX = tuple(f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))
TORCHVISION: dict[str, TorchvisionFiles] = {
    "mnist": TorchvisionFiles("MNIST", "MNIST/raw", _IDX),
    "fmnist": TorchvisionFiles("FashionMNIST", "FashionMNIST/raw", _IDX),
    "cifar10": TorchvisionFiles(
        "CIFAR10", "cifar-10-batches-py", (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta")
    ),
}


def inspect(source: DatasetSource, root: Path, *, download: bool) -> Labels | None:
    """The labels, from the headers and label files; None where only torchvision can read them, or nothing is there yet."""
    expected = TORCHVISION[source.source]
    paths = [root / expected.folder / file for file in expected.files]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        if download:
            return None
        raise DatasetError(_missing_files_message(source, root, "download is false in the configuration"))
    if isinstance(source, Cifar10):
        return None
    labels = []
    for images, targets in ((paths[0], paths[1]), (paths[2], paths[3])):
        n_images, n_labels = _idx_size(images, 3), _idx_size(targets, 1)
        if n_images != n_labels:
            raise DatasetError(f"{images} has {n_images} images, but {targets} has {n_labels} labels.")
        labels.append(np.fromfile(targets, np.uint8, offset=8).astype(np.int64))
        if labels[-1].max() > 9:
            raise DatasetError(f"{targets} is damaged: labels must lie between 0 and 9. Hint: fetch it again.")
    return Labels(np.concatenate(labels), [str(c) for c in range(10)], len(labels[1]))


def _idx_size(path: Path, dimensions: int) -> int:
    """Number of items in an idx file of bytes, after its header and its length were checked."""
    with path.open("rb") as stream:
        header = stream.read(4 + 4 * dimensions)
    if header[:2] == b"\x1f\x8b":
        raise DatasetError(f"{path} is compressed. Hint: gunzip it.")
    if len(header) < 4 + 4 * dimensions or header[:4] != bytes([0, 0, 8, dimensions]):
        raise DatasetError(f"{path} is not an idx file of bytes with {dimensions} dimension(s). Hint: fetch it again.")
    sizes = struct.unpack(f">{dimensions}I", header[4:])
    if dimensions == 3 and sizes[1:] != (28, 28):
        raise DatasetError(f"{path} holds images of {sizes[1]}x{sizes[2]} pixels, expected 28x28.")
    expected = len(header) + int(np.prod(sizes, dtype=np.int64))
    if path.stat().st_size != expected:
        raise DatasetError(
            f"{path} is damaged: {path.stat().st_size} bytes, but its header announces {expected}. "
            "Hint: fetch it again."
        )
    if not sizes[0]:
        raise DatasetError(f"{path} holds no items. Hint: fetch it again.")
    return sizes[0]


def read(source: DatasetSource, root: Path, *, download: bool) -> tuple[NDArray[Any], Labels]:
    """All samples [sample, channel, row, column] and their labels."""
    from torchvision import datasets

    inspect(source, root, download=download)
    expected = TORCHVISION[source.source]
    there = all((root / expected.folder / file).is_file() for file in expected.files)
    reader = getattr(datasets, expected.class_name)
    try:
        parts = [reader(root, train=train, download=download and not there) for train in (True, False)]
    except (OSError, RuntimeError, EOFError, gzip.BadGzipFile) as error:
        raise DatasetError(_missing_files_message(source, root, str(error))) from error
    x = np.concatenate([np.asarray(part.data, dtype=np.uint8) for part in parts])
    x = x[:, None] if x.ndim == 3 else x.transpose(0, 3, 1, 2)
    labels = np.concatenate([np.asarray(part.targets, dtype=np.int64) for part in parts])
    names = [str(c) for c in range(10)] if source.source == "mnist" else list(parts[0].classes)
    return np.ascontiguousarray(x), Labels(labels, names, len(parts[1]))


def _missing_files_message(source: DatasetSource, root: Path, reason: str) -> str:
    expected = TORCHVISION[source.source]
    listing = "\n".join(
        f"  {root / expected.folder / file}{'' if (root / expected.folder / file).is_file() else '   (missing)'}"
        for file in expected.files
    )
    return (
        f"Data set '{source.source}' could not be read or downloaded: {reason}\n"
        f"These files are expected:\n{listing}\n"
        "Hint: set data_root to the folder that holds them, or copy them there from a machine with internet."
    )
