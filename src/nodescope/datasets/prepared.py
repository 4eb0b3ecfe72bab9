"""The prepared data set: one npz without pickled objects, and a JSON beside it that says what is in it.

Arrays of the npz:

=============  ==========================  ==================================================
x              uint8 or float32            [sample, feature] or [sample, channel, row, column]
y              int64 [sample]              class index
shift, scale   float32, as one sample or   what the values (of images, in [0, 1]) are less, and divided by,
               [channel, 1, 1]             before a network sees them
train          int64 [n]                   sample indices of the split, sorted; likewise
                                           ``validation`` and ``test``
class_names    unicode [class]
=============  ==========================  ==================================================
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodescope.datasets.splits import Splits
from nodescope.messages.errors import DamagedFileError
from nodescope.storage.digests import check_digest
from nodescope.storage.npz import NPZ_ERRORS


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
    shift, scale : float32 array
        Broadcast against one sample: what a network sees is (value - shift) / scale.
    """

    x: NDArray[Any]
    y: NDArray[np.int64]
    splits: Splits
    class_names: list[str]
    shift: NDArray[np.float32] = field(default_factory=lambda: np.zeros((), np.float32))
    scale: NDArray[np.float32] = field(default_factory=lambda: np.ones((), np.float32))

    def digest(self) -> str:
        """A digest of samples, their scaling, labels and splits."""
        digest = hashlib.sha256()
        for array in (self.x, self.shift, self.scale, self.y, *(indices for _, indices in self.splits.items())):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def inputs(self, samples: NDArray[np.int64]) -> NDArray[np.float32]:
        """Samples as a network sees them: float32 [sample, feature], images scaled to [0, 1], then shifted and scaled."""
        return scaled(self.x[samples], self.shift, self.scale).reshape(len(samples), -1)

    def with_random_inputs(self, n: int) -> tuple["PreparedDataset", NDArray[np.int64]]:
        """This data set with further samples, and their indices: what a network sees of them is drawn from U[0, 1).

        Their classes are drawn at random too.
        """
        random = np.random.default_rng(0)
        x = random.random((n, *self.x.shape[1:]), np.float32) * self.scale + self.shift
        y = random.integers(len(self.class_names), size=n)
        own = unit_interval(self.x)
        whole = PreparedDataset(
            np.concatenate([own, x]), np.concatenate([self.y, y]), self.splits, self.class_names, self.shift, self.scale
        )
        return whole, np.arange(len(own), len(own) + n)

    def labels(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Class indices of samples."""
        return self.y[samples]


def unit_interval(x: NDArray[Any]) -> NDArray[np.float32]:
    """Images in [0, 1]; other data as they are."""
    values: NDArray[np.float32] = x.astype(np.float32) / np.float32(255) if x.dtype == np.uint8 else x
    return values


def scaled(x: NDArray[Any], shift: NDArray[np.float32], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a network sees of samples, in their shape."""
    values = unit_interval(x)
    return values if not shift.any() and (scale == 1).all() else (values - shift) / scale


def load(path: str | Path) -> PreparedDataset:
    """Read a prepared data set back.

    Raises
    ------
    DamagedFileError
        If the file is truncated or not a prepared data set.
    """
    try:
        check_digest(path)
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            splits = Splits(archive["train"], archive["validation"], archive["test"])
            names = [str(name) for name in archive["class_names"]]
            return PreparedDataset(archive["x"], archive["y"], splits, names, archive["shift"], archive["scale"])
    except NPZ_ERRORS as error:
        raise DamagedFileError(
            f"The prepared data set {path} cannot be read ({error}). Hint: delete it; the next run recreates it."
        ) from error
