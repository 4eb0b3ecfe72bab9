"""The prepared data set: one npz without pickled objects, and a JSON beside it that says what is in it.

Arrays of the npz:

=============  ==========================  ==================================================
x              uint8 or float32            [sample, feature] or [sample, channel, row, column]
y              int64 [sample]              class index
train          int64 [n]                   sample indices of the split, sorted; likewise
                                           ``validation`` and ``test``
class_names    unicode [class]
=============  ==========================  ==================================================
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodescope.config.schema import DatasetSource, OwnTestSplit
from nodescope.datasets.sources import NPZ_ERRORS, Labels, read_labels, read_samples
from nodescope.datasets.splits import Splits, draw_splits
from nodescope.errors import DamagedFileError
from nodescope.files import atomic_path, write_text


@dataclass(frozen=True)
class PreparedDataset:
    """A prepared data set in memory.

    Attributes
    ----------
    x : array [sample, ...]
        As stored: uint8 images or float32.
    y : array of int64 [sample]
        Class index.
    splits : Splits
        Sample indices of train, validation and test.
    class_names : list of str
    """

    x: NDArray[Any]
    y: NDArray[np.int64]
    splits: Splits
    class_names: list[str]

    @property
    def n_features(self) -> int:
        """Number of inputs of a fully connected network."""
        return int(np.prod(self.x.shape[1:]))

    def digest(self) -> str:
        """A digest of samples, labels and splits."""
        digest = hashlib.sha256()
        for array in (self.x, self.y, *(indices for _, indices in self.splits.items())):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def inputs(self, samples: NDArray[np.int64]) -> NDArray[np.float32]:
        """Samples as a network sees them: float32 [sample, feature], images scaled to [0, 1]."""
        flat = self.x[samples].reshape(len(samples), -1)
        return flat.astype(np.float32) / np.float32(255) if flat.dtype == np.uint8 else flat

    def labels(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Class indices of samples."""
        return self.y[samples]


def _splits_of(source: DatasetSource, labels: Labels) -> Splits:
    return draw_splits(
        labels.labels,
        labels.class_names,
        official_test=labels.official_test,
        validation_size=source.validation_size,
        test_size=source.test_size if isinstance(source, OwnTestSplit) else None,
        seed=source.split_seed,
        name=source.name,
    )


def check(source: DatasetSource, data_root: str, *, download: bool) -> None:
    """Find what would stop `prepare`, without reading the samples where that can be avoided.

    Raises
    ------
    DatasetError
    """
    labels = read_labels(source, data_root, download=download)
    if labels is not None:
        _splits_of(source, labels)


def prepare(source: DatasetSource, data_root: str, path: str | Path, *, download: bool) -> None:
    """Read a source, draw its splits and write ``path`` (npz) and the JSON beside it.

    Raises
    ------
    DatasetError
        If the source is missing, damaged, or not usable with these settings.
    """
    x, labels = read_samples(source, data_root, download=download)
    splits = _splits_of(source, labels)
    if source.source == "iris":
        mean, std = x[splits.train].mean(axis=0), x[splits.train].std(axis=0)
        x = (x - mean) / std
    prepared = PreparedDataset(x, labels.labels, splits, labels.class_names)
    arrays = {
        "x": x,
        "y": labels.labels,
        **dict(splits.items()),
        "class_names": np.array(labels.class_names, dtype=np.str_),
    }
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)
    description = {
        "source": source.model_dump(mode="json"),
        "samples": len(x),
        "shape": list(x.shape[1:]),
        "dtype": str(x.dtype),
        "classes": labels.class_names,
        "splits": {
            split: {"samples": len(indices), "per_class": np.bincount(labels.labels[indices]).tolist()}
            for split, indices in splits.items()
        },
        "sha256": prepared.digest(),
    }
    write_text(Path(path).with_suffix(".json"), json.dumps(description, indent=2, ensure_ascii=False) + "\n")


def load(path: str | Path) -> PreparedDataset:
    """Read a prepared data set back.

    Raises
    ------
    DamagedFileError
        If the file is truncated or not a prepared data set.
    """
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            splits = Splits(archive["train"], archive["validation"], archive["test"])
            return PreparedDataset(archive["x"], archive["y"], splits, [str(c) for c in archive["class_names"]])
    except NPZ_ERRORS as error:
        raise DamagedFileError(
            f"The prepared data set {path} cannot be read ({error}). Hint: delete it; the next run prepares it again."
        ) from error
