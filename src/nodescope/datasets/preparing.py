"""Prepare a data set: read its source, draw the splits, scale it, look at it, and write the file that all later stages use.

What the file holds is said in `nodescope.datasets.prepared`.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodescope.config.dataset import DatasetSource, Digits, Iris, Npz, OwnTestSplit
from nodescope.datasets.inspection import Inspection, inspect
from nodescope.datasets.prepared import Extras, PreparedDataset, is_scaled, unit_interval
from nodescope.datasets.sources import Labels, files_digest, read_labels, read_samples
from nodescope.datasets.splits import Splits, draw_splits
from nodescope.messages.errors import DamagedFileError, DatasetError
from nodescope.storage.digests import digested_path
from nodescope.storage.json_files import read_json, write_json

logger = logging.getLogger(__name__)

#: Sources that are read in a moment, so that all of their samples are looked at before anything runs.
READ_IN_A_MOMENT = (Digits, Iris, Npz)


def _scaling(kind: str, x_train: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Shift and scale for one kind of `nodescope.config.dataset.Scaling`."""
    if kind == "standardised":
        values = unit_interval(x_train)
        over = (0, 2, 3) if values.ndim == 4 else (0,)
        deviation = values.std(axis=over, dtype=np.float64, keepdims=True)[0]
        mean = values.mean(axis=over, dtype=np.float64, keepdims=True)[0]
        # A feature that never varies stays 0.
        return mean.astype(np.float32), np.where(deviation > 0, deviation, 1).astype(np.float32)
    centre = 0.5 if kind == "centred" else 0.0
    return np.array(centre, np.float32), np.array(centre or 1, np.float32)


def splits_of(source: DatasetSource, labels: Labels) -> Splits:
    """The splits of a source's samples.

    Raises
    ------
    DatasetError
        If they cannot be drawn.
    """
    return draw_splits(
        labels.labels,
        labels.class_names if labels.extras.position_labels is None else [],
        official_test=labels.official_test,
        official_validation=labels.official_validation,
        validation_size=source.validation_size,
        test_size=source.test_size if isinstance(source, OwnTestSplit) else None,
        as_scikit_learn=_as_scikit_learn(source),
        train_size=source.train_size,
        seed=source.split_seed,
        name=source.name,
        stratify=source.stratify,
    )


def _as_scikit_learn(source: DatasetSource) -> bool:
    return isinstance(source, OwnTestSplit) and source.test_split == "scikit_learn"


@contextmanager
def _said_in_words(source: DatasetSource) -> Iterator[None]:
    """What the system says of a path that cannot be (too long, not allowed) is the user's to mend."""
    try:
        yield
    except OSError as error:
        raise DatasetError(f"Data set '{source.name}' cannot be read: {error}") from error


@dataclass(frozen=True)
class Examined:
    """A data set before it is written.

    Attributes
    ----------
    dataset : PreparedDataset
    decisions : tuple of str
        What was decided for the user while reading.
    inspection : Inspection
    feature_names : tuple of str
        Of samples that are rows of features, where they are known.
    """

    dataset: PreparedDataset
    decisions: tuple[str, ...]
    inspection: Inspection
    feature_names: tuple[str, ...] = ()


def examine(source: DatasetSource, data_root: str, *, download: bool) -> Examined:
    """Read a source, draw its splits, scale it and look at it.

    Raises
    ------
    DatasetError
        If the source is missing, damaged, or not usable with these settings.
    """
    with _said_in_words(source):
        x, labels = read_samples(source, data_root, download=download)
    splits = splits_of(source, labels)
    if source.scaling != "as_is" and (labels.extras.input_name or not is_scaled(x)):
        raise DatasetError(
            f"Data set '{source.name}': scaling: {source.scaling} needs one input of real numbers. Hint: scale in the function."
        )
    shift, scale = _scaling(source.scaling, x[splits.train])
    dataset = PreparedDataset(x, labels.labels, splits, labels.class_names, shift, scale, labels.extras)
    official = {"validation": labels.official_validation, "test": labels.official_test}
    decisions = (*labels.decisions, *_settings_without_effect(source, labels, len(splits.train)))
    inspection = inspect(
        dataset,
        name=source.name,
        decisions=decisions,
        official=tuple(split for split, samples in official.items() if samples),
        stratified=_stratified_splits(source),
    )
    return Examined(dataset, decisions, inspection, labels.feature_names)


def _stratified_splits(source: DatasetSource) -> tuple[str, ...]:
    if not source.stratify:
        return ()
    return ("validation",) if _as_scikit_learn(source) else ("validation", "test")


def _settings_without_effect(source: DatasetSource, labels: Labels, n_train: int) -> Iterator[str]:
    """Said of keys that were given although the data set decides them."""
    for split, samples, keys in (
        ("validation", labels.official_validation, ("validation_size",)),
        ("test", labels.official_test, ("test_size", "test_split")),
    ):
        given = [key for key in keys if key in source.model_fields_set]
        if samples and given:
            yield f"The data set has {split} samples of its own, so {' and '.join(given)} had no effect."
    if source.train_size is not None and n_train < source.train_size:
        yield f"train_size asks for {source.train_size} training samples, but only {n_train} are left; all of them are used."


def check(source: DatasetSource, data_root: str, *, download: bool) -> None:
    """Find what would stop `prepare`, without reading the samples where that would take long.

    Raises
    ------
    DatasetError
    """
    if isinstance(source, READ_IN_A_MOMENT):
        examine(source, data_root, download=download)
        return
    with _said_in_words(source):
        labels = read_labels(source, data_root, download=download)
    if labels is not None:
        splits_of(source, labels)


def current_description(source: DatasetSource, description: str | Path, files: str | None) -> dict[str, Any] | None:
    """What is known of a data set that was prepared from these settings and files; None where it was not.

    Parameters
    ----------
    source : DatasetSource
    description : str or Path
        The JSON beside the prepared data set.
    files : str, optional
        The `files_digest` of the source as it is now.
    """
    try:
        found: dict[str, Any] = read_json(description)
        is_current = found["source"] == source.model_dump(mode="json") and found["files"] == files
    except (DamagedFileError, KeyError, TypeError):
        return None  # not prepared, or by an earlier version
    return found if is_current else None


def known_of(
    source: DatasetSource, data_root: str, description: str | Path
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Decisions with notes, and warnings, of a data set: from its description if it is prepared so, or read in a moment; else None.

    Raises
    ------
    DatasetError
        If it is read and not usable.
    """
    if found := current_description(source, description, files_digest(source)):
        return (*found["decisions"], *found["notes"]), tuple(found["warnings"])
    if not isinstance(source, READ_IN_A_MOMENT):
        return None
    examined = examine(source, data_root, download=False)
    return (*examined.decisions, *examined.inspection.notes), examined.inspection.warnings


def prepare(source: DatasetSource, data_root: str, path: str | Path, *, download: bool) -> None:
    """Read a source, draw its splits and write ``path`` (npz) and the JSON beside it; log what was decided and found.

    Raises
    ------
    DatasetError
        If the source is missing, damaged, or not usable with these settings.
    """
    # Before they are read: what changes meanwhile is then noticed by the next run.
    files = files_digest(source)
    examined = examine(source, data_root, download=download)
    data, inspection = examined.dataset, examined.inspection
    arrays = {
        "x": data.x,
        "y": data.y,
        "shift": data.shift,
        "scale": data.scale,
        **dict(data.splits.items()),
        "class_names": np.array(data.class_names, dtype=np.str_),
        **dict(data.extras.arrays()),
    }
    with digested_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)
    description = {
        "source": source.model_dump(mode="json"),
        "files": files,
        "samples": len(data.x),
        "shape": list(data.x.shape[1:]),
        "dtype": str(data.x.dtype),
        "classes": data.class_names,
        "decisions": list(examined.decisions),
        "warnings": list(inspection.warnings),
        "notes": list(inspection.notes),
        "splits": {
            split: {
                "samples": len(indices),
                "per_class": _per_class(data, indices),
            }
            for split, indices in data.splits.items()
        },
        "sha256": data.digest(),
        **_described(data.extras),
        **({"feature_names": list(examined.feature_names)} if examined.feature_names else {}),
    }
    write_json(Path(path).with_suffix(".json"), description)
    for sentence in (*examined.decisions, *inspection.notes):
        logger.info("Data set '%s': %s", source.name, sentence)
    for sentence in inspection.warnings:
        logger.warning("Warning: data set '%s': %s", source.name, sentence)


def _per_class(data: PreparedDataset, indices: NDArray[np.int64]) -> list[int]:
    """The number of samples of each class, or of positions where these have classes; empty without classes."""
    if not data.class_names:
        return []
    of_positions = data.extras.position_labels
    y = data.y[indices] if of_positions is None else of_positions[indices].reshape(-1)
    return np.bincount(y[y >= 0], minlength=len(data.class_names)).tolist()


def _described(extras: Extras) -> dict[str, Any]:
    """What a description says of further inputs and labels, where there are any."""
    found: dict[str, Any] = {}
    if extras.input_name:
        found["inputs"] = [extras.input_name, *extras.others]
    if extras.label_sets:
        found["labels"] = {name: list(labels.class_names) for name, labels in extras.label_sets.items()}
    if extras.position_labels is not None:
        found["labels_of"] = "positions"
    return found
