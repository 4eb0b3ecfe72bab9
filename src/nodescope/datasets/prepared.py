"""The prepared data set: one npz without pickled objects, and a JSON beside it that says what is in it.

Arrays of the npz:

=============  ==========================  ==================================================
x              uint8 or float32            [sample, feature] or [sample, channel, row, column]
y              int64 [sample]              class index
shift, scale   float32, as one sample or   what the values (of images, in [0, 1]) are less, and divided by,
               [channel, 1, 1]             before a network sees them
train          int64 [n]                   sample indices of the split, sorted; likewise
                                           ``validation`` and ``test``
class_names    unicode [class]             empty where there are no labels
=============  ==========================  ==================================================

Data of a function of the user's own may have more:

=================  ============================  ===============================================
x                  int64 or bool, too            such as token ids, which are not scaled
input_names        unicode [input]               of x and the further inputs
input_1, ...       [sample, ...]                 further inputs
label_names        unicode [set]                 of several sets of labels, the one that is used among them
labels_0, ...      int64 [sample] or             class index, or one per position (-1 where there is none); with
                   [sample, position]            ``classes_0`` ..., unicode
position_labels    int64 [sample, position]      of the set that is used, where its labels are of positions; y is 0 then
texts, text_ends   uint8, int64 [sample]         what samples look like, in UTF-8 one after another
=================  ============================  ===============================================
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodescope.datasets.splits import Splits
from nodescope.messages.errors import DamagedFileError, DatasetError
from nodescope.storage.digests import check_digest
from nodescope.storage.npz import NPZ_ERRORS


@dataclass(frozen=True)
class LabelSet:
    """One of several sets of labels.

    Attributes
    ----------
    y : array of int64 [sample] or [sample, position]
        Class index; -1 of a position without one.
    class_names : tuple of str
    """

    y: NDArray[np.int64]
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class Extras:
    """What only data of a function of the user's own have.

    Attributes
    ----------
    input_name : str
        Of ``x``; empty where there is no other input and it has no name.
    others : mapping of arrays [sample, ...]
        Further inputs by name, such as an attention mask.
    label_sets : mapping
        All sets of labels by name, where there are several.
    position_labels : array of int64 [sample, position], optional
        Class index of each position, -1 where it has none; ``PreparedDataset.y`` is 0 then.
    texts : tuple of str, optional
        What samples look like.
    """

    input_name: str = ""
    others: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    label_sets: Mapping[str, LabelSet] = field(default_factory=dict)
    position_labels: NDArray[np.int64] | None = None
    texts: tuple[str, ...] | None = None

    def arrays(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """As they stand in the file; none where there is nothing."""
        if self.input_name:
            yield "input_names", np.array([self.input_name, *self.others], np.str_)
        for number, values in enumerate(self.others.values(), start=1):
            yield f"input_{number}", values
        if self.label_sets:
            yield "label_names", np.array(list(self.label_sets), np.str_)
        for number, labels in enumerate(self.label_sets.values()):
            yield f"labels_{number}", labels.y
            yield f"classes_{number}", np.array(labels.class_names, np.str_)
        if self.position_labels is not None:
            yield "position_labels", self.position_labels
        if self.texts is not None:
            encoded = [text.encode() for text in self.texts]
            yield "texts", np.frombuffer(b"".join(encoded), np.uint8)
            yield "text_ends", np.cumsum([len(text) for text in encoded], dtype=np.int64)

    @classmethod
    def of(cls, archive: Mapping[str, NDArray[Any]]) -> "Extras":
        """From the arrays of a file."""
        input_name, *others = map(str, archive["input_names"]) if "input_names" in archive else [""]
        names = map(str, archive["label_names"]) if "label_names" in archive else ()
        texts = None
        if "texts" in archive:
            content, ends = archive["texts"].tobytes(), archive["text_ends"].tolist()
            texts = tuple(content[begin:end].decode() for begin, end in zip([0, *ends[:-1]], ends, strict=True))
        return cls(
            input_name,
            {name: archive[f"input_{number}"] for number, name in enumerate(others, start=1)},
            {
                name: LabelSet(archive[f"labels_{number}"], tuple(map(str, archive[f"classes_{number}"])))
                for number, name in enumerate(names)
            },
            archive.get("position_labels"),
            texts,
        )


@dataclass(frozen=True)
class PreparedDataset:
    """A prepared data set in memory.

    Attributes
    ----------
    x : array [sample, ...]
        As stored: uint8 images or float32; of a function of the user's own also int64 or bool.
    y : array of int64 [sample]
        Class index; 0 without labels.
    splits : Splits
        Sample indices of train, validation and test.
    class_names : list of str
        Empty without labels.
    shift, scale : float32 array
        Broadcast against one sample: what a network sees is (value - shift) / scale.
    extras : Extras
    """

    x: NDArray[Any]
    y: NDArray[np.int64]
    splits: Splits
    class_names: list[str]
    shift: NDArray[np.float32] = field(default_factory=lambda: np.zeros((), np.float32))
    scale: NDArray[np.float32] = field(default_factory=lambda: np.ones((), np.float32))
    extras: Extras = field(default_factory=Extras)

    @property
    def is_labelled(self) -> bool:
        """Whether samples have classes; those of positions are in `Extras.position_labels`."""
        return bool(self.class_names) and self.extras.position_labels is None

    def digest(self) -> str:
        """A digest of samples, their scaling, labels and splits."""
        digest = hashlib.sha256()
        for array in (self.x, self.shift, self.scale, self.y, *(indices for _, indices in self.splits.items())):
            digest.update(np.ascontiguousarray(array).data)
        for _, array in self.extras.arrays():
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def inputs(self, samples: NDArray[np.int64]) -> NDArray[np.float32]:
        """Samples as a network sees them: float32 [sample, feature], images scaled to [0, 1], then shifted and scaled."""
        values = scaled(self.x[samples], self.shift, self.scale).reshape(len(samples), -1)
        return values.astype(np.float32, copy=False)

    def batch(self, samples: NDArray[np.int64]) -> NDArray[Any] | dict[str, NDArray[Any]]:
        """Samples in their own shapes: one array [B, ...], or several by name.

        Real numbers are float32, and images scaled to [0, 1], shifted and scaled as in `inputs`; whole numbers stay int64.
        """
        x = self.x[samples]
        own = scaled(x, self.shift, self.scale) if is_scaled(x) else x
        if not self.extras.input_name:
            return own
        return {self.extras.input_name: own} | {
            name: unit_interval(values[samples]) for name, values in self.extras.others.items()
        }

    def with_random_inputs(self, n: int) -> tuple["PreparedDataset", NDArray[np.int64]]:
        """This data set with further samples, and their indices: what a network sees of them is drawn from U[0, 1).

        Their classes are drawn at random too.
        """
        if self.extras.input_name or not is_scaled(self.x):
            raise DatasetError("random_inputs need a data set with one input of real numbers. Hint: random_inputs: 0.")
        random = np.random.default_rng(0)
        x = random.random((n, *self.x.shape[1:]), np.float32) * self.scale + self.shift
        y = random.integers(max(1, len(self.class_names)), size=n)
        own = unit_interval(self.x)
        whole = PreparedDataset(
            np.concatenate([own, x]), np.concatenate([self.y, y]), self.splits, self.class_names, self.shift, self.scale
        )
        return whole, np.arange(len(own), len(own) + n)

    def labels(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Class indices of samples.

        Raises
        ------
        ValueError
            If the labels are of positions.
        """
        if self.extras.position_labels is not None:
            raise ValueError("the labels of this data set are of positions, not of samples")
        return self.y[samples]


def is_scaled(x: NDArray[Any]) -> bool:
    """Whether samples are images or real numbers, not whole numbers such as token ids."""
    return x.dtype == np.uint8 or x.dtype.kind == "f"


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
            scaling = archive["shift"], archive["scale"]
            return PreparedDataset(archive["x"], archive["y"], splits, names, *scaling, Extras.of(archive))
    except NPZ_ERRORS as error:
        raise DamagedFileError(
            f"The prepared data set {path} cannot be read ({error}). Hint: delete it; the next run recreates it."
        ) from error
