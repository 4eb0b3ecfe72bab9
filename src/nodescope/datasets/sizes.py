"""How large a data set is, before it is prepared: for plans, for what jobs ask of a cluster, for checks. Imports nothing heavy."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nodescope.config.dataset import DatasetSource, ImageFolder, Npz
from nodescope.datasets.preparing import splits_of
from nodescope.datasets.sources import Labels, image_folder, npz
from nodescope.families import FAMILIES
from nodescope.families.family import problem_with_data
from nodescope.messages.errors import DamagedFileError, DatasetError
from nodescope.storage.json_files import read_json

#: Of a data set that is not there yet, or cannot be read: as MNIST.
ASSUMED_SAMPLES, ASSUMED_SHAPE, ASSUMED_CLASSES = 70_000, (1, 28, 28), 10


@dataclass(frozen=True)
class DataSize:
    """How large a data set is.

    Attributes
    ----------
    samples : int
        In all splits together.
    train : int
        In the training split.
    shape : tuple of int
        Of one sample.
    classes : int
    known : bool
        False where it is assumed.
    inputs : int
        Arrays that a network takes, such as token ids and an attention mask.
    dtype : str
        Of the first.
    """

    samples: int
    train: int
    shape: tuple[int, ...]
    classes: int
    known: bool = True
    inputs: int = 1
    dtype: str = "float32"


def data_size(source: DatasetSource, description: str | Path) -> DataSize:
    """From the description of the prepared data set, else from the source: its settings, headers, labels, file names.

    Parameters
    ----------
    source
    description
        The JSON beside the prepared data set; it need not be there.
    """
    return _described(description) or _of_source(source) or _assumed()


def problem_with_samples(source: DatasetSource, size: DataSize, models: Iterable[str]) -> str | None:
    """Why networks of these families cannot take the samples of a data set, for people; None where they can."""
    if not size.known:
        return None
    general = problem_with_data(has_labels=size.classes > 0, inputs=size.inputs, dtype=size.dtype)
    problems = (FAMILIES[model].problem_with_samples(size.shape) for model in models)
    problem = general or next(filter(None, problems), None)
    return problem and f"Data set '{source.name}': {problem}"


def _described(description: str | Path) -> DataSize | None:
    try:
        found = read_json(description)
        splits = {name: int(split["samples"]) for name, split in found["splits"].items()}
        shape = tuple(int(length) for length in found["shape"])
        samples = sum(splits.values())
        return DataSize(
            samples,
            splits.get("train", samples),
            shape,
            len(found["classes"]) if found.get("labels_of") != "positions" else 0,
            inputs=len(found.get("inputs", [""])),
            dtype=found.get("dtype", "float32"),
        )
    except (DamagedFileError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _of_source(source: DatasetSource) -> DataSize | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # said when it is read
            found = _labels_and_shape(source)
            return found and _size(source, *found)
    except (DatasetError, OSError):
        return None  # said when it is read


def _labels_and_shape(source: DatasetSource) -> tuple[Labels, tuple[int, ...]] | None:
    match source:
        case Npz():
            return npz.labels_and_shape(source)
        case ImageFolder():
            return image_folder.labels_and_shape(source)
    stated = source.stated_size()
    if stated is None:
        return None
    # In which order the classes come decides nothing about sizes.
    labels_N = np.arange(stated.samples) % stated.classes
    names = [str(number) for number in range(stated.classes)]
    return Labels(labels_N, names, stated.official_test), stated.shape


def _size(source: DatasetSource, labels: Labels, shape: tuple[int, ...]) -> DataSize:
    splits = splits_of(source, labels)
    samples = sum(len(indices) for _, indices in splits.items())
    return DataSize(samples, len(splits.train), shape, len(labels.class_names))


def _assumed() -> DataSize:
    return DataSize(ASSUMED_SAMPLES, ASSUMED_SAMPLES, ASSUMED_SHAPE, ASSUMED_CLASSES, known=False)
