"""Read each kind of data set into plain arrays, and say readably what is missing or damaged.

``read_labels`` looks at as little as it can (so that mistakes are found before any job starts);
``read_samples`` reads everything.
"""

import gzip
import lzma
import struct
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodescope.config.schema import Cifar10, DatasetSource, Gaussian, ImageFolder, Npz
from nodescope.errors import DatasetError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")

#: What NumPy raises on archives that are damaged in one way or another.
NPZ_ERRORS = (
    OSError, ValueError, EOFError, KeyError, TypeError, SyntaxError, RuntimeError, OverflowError, MemoryError,
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, tokenize.TokenError,
)  # fmt: skip


@dataclass(frozen=True)
class Labels:
    """Class index of every sample, official test samples last."""

    labels: NDArray[np.int64]
    class_names: list[str]
    official_test: int


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


def read_labels(source: DatasetSource, data_root: str, *, download: bool) -> Labels | None:
    """The labels of a data set, from as few bytes as they can be had.

    Returns
    -------
    Labels or None
        None where they cannot be told yet: a data set still to be downloaded, or one whose labels only
        torchvision can read.

    Raises
    ------
    DatasetError
        If the data set is not there, damaged, or of the wrong shape.
    """
    match source:
        case ImageFolder():
            return _list_images(source)[0]
        case Npz():
            return _read_npz(source)[0]
        case Gaussian():
            return _draw_classes(source)
        case _ if source.source in TORCHVISION:
            return _inspect_torchvision(source, Path(data_root), download=download)
        case _:
            return _read_scikit_learn(source.source)[0]


def read_samples(source: DatasetSource, data_root: str, *, download: bool) -> tuple[NDArray[Any], Labels]:
    """All samples, [sample, feature] or [sample, channel, row, column], and their labels.

    Images are uint8; the digits and all other data float32.

    Raises
    ------
    DatasetError
        As `read_labels`, and if a file turns out to be damaged when it is read as a whole.
    """
    match source:
        case ImageFolder():
            return _read_images(source)
        case Npz():
            labels, x = _read_npz(source)
            return x, labels
        case Gaussian():
            x = np.random.default_rng([source.seed, 1]).standard_normal((source.samples, source.features), np.float32)
            return x, _draw_classes(source)
        case _ if source.source in TORCHVISION:
            return _read_torchvision(source, Path(data_root), download=download)
        case _:
            labels, x = _read_scikit_learn(source.source)
            return x, labels


# --- random data ---------------------------------------------------------------------------------------------


def _draw_classes(source: Gaussian) -> Labels:
    labels = np.random.default_rng([source.seed, 0]).integers(source.classes, size=source.samples)
    return Labels(labels, [str(c) for c in range(source.classes)], 0)


# --- scikit-learn ----------------------------------------------------------------------------------------


def _read_scikit_learn(name: str) -> tuple[Labels, NDArray[np.float32]]:
    from sklearn.datasets import load_digits, load_iris

    if name == "digits":
        data = load_digits()
        x = (data.images[:, None] / 16.0).astype(np.float32)
    else:
        data = load_iris()
        x = data.data.astype(np.float32)
    return Labels(data.target.astype(np.int64), [str(c) for c in data.target_names], 0), x


# --- torchvision -----------------------------------------------------------------------------------------


def _inspect_torchvision(source: DatasetSource, root: Path, *, download: bool) -> Labels | None:
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


def _read_torchvision(source: DatasetSource, root: Path, *, download: bool) -> tuple[NDArray[Any], Labels]:
    from torchvision import datasets

    _inspect_torchvision(source, root, download=download)
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


# --- a folder of images ----------------------------------------------------------------------------------


def _list_images(source: ImageFolder) -> tuple[Labels, list[Path]]:
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


def _read_images(source: ImageFolder) -> tuple[NDArray[np.uint8], Labels]:
    from PIL import Image

    labels, paths = _list_images(source)
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


# --- your own arrays -------------------------------------------------------------------------------------


def _read_npz(source: Npz) -> tuple[Labels, NDArray[Any]]:
    path = Path(source.path)
    if not path.is_file():
        raise DatasetError(f"Data set '{source.name}': there is no file {path}.")
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except NPZ_ERRORS as error:
        hint = "objects cannot be loaded safely; save plain arrays" if "pickle" in str(error) else "write it again"
        raise DatasetError(f"Data set '{source.name}': {path} cannot be read: {error}. Hint: {hint}.") from error
    for key in ("x", "y"):
        if key not in arrays:
            raise DatasetError(
                f"Data set '{source.name}': {path} has no array '{key}'; it has: {', '.join(arrays) or 'none'}."
            )
    if ("x_test" in arrays) != ("y_test" in arrays):
        raise DatasetError(f"Data set '{source.name}': {path} needs both x_test and y_test, or neither.")
    parts = [("x", "y")] + ([("x_test", "y_test")] if "x_test" in arrays else [])
    for x_key, y_key in parts:
        _check_arrays(arrays[x_key], arrays[y_key], x_key, y_key, source)
        for key, first in ((x_key, "x"), (y_key, "y")):
            if arrays[key].dtype.kind != arrays[first].dtype.kind:
                raise DatasetError(
                    f"Data set '{source.name}': {first} and {key} in {path} must be of one type, "
                    f"not {arrays[first].dtype} and {arrays[key].dtype}."
                )
    if "x_test" in arrays and arrays["x_test"].shape[1:] != arrays["x"].shape[1:]:
        raise DatasetError(f"Data set '{source.name}': the samples of x and x_test in {path} differ in shape.")
    x = np.concatenate([arrays[x_key] for x_key, _ in parts])
    y = np.concatenate([arrays[y_key] for _, y_key in parts])
    classes, labels = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise DatasetError(f"Data set '{source.name}': y in {path} has one class only; at least 2 are needed.")
    x = x if x.dtype == np.uint8 else x.astype(np.float32)
    test = len(arrays["y_test"]) if "y_test" in arrays else 0
    return Labels(labels.astype(np.int64), [str(c) for c in classes], test), x


def _check_arrays(x: NDArray[Any], y: NDArray[Any], x_key: str, y_key: str, source: Npz) -> None:
    where = f"Data set '{source.name}': {source.path}:"
    if x.dtype.kind not in "buif":
        raise DatasetError(f"{where} {x_key} must hold numbers, not {x.dtype}.")
    if x.ndim < 2 or not x.size:
        raise DatasetError(f"{where} {x_key} must be [sample, ...] with at least one sample, not of shape {x.shape}.")
    if y.dtype.kind not in "buiU" or y.ndim != 1:
        raise DatasetError(
            f"{where} {y_key} must be a list of class indices or names, not {y.dtype} of shape {y.shape}."
        )
    if len(x) != len(y):
        raise DatasetError(f"{where} {x_key} has {len(x)} samples, but {y_key} has {len(y)} labels.")
    if not (np.isfinite(x) & (np.abs(x.astype(np.float64)) <= np.finfo(np.float32).max)).all():
        raise DatasetError(f"{where} {x_key} holds NaN or infinite values, or values beyond the range of float32.")
