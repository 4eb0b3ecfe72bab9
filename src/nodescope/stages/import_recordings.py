"""Take in the recordings of a study that were made elsewhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from nodescope.config.fields import ALL_SPLITS
from nodescope.recording import read
from nodescope.recording.importing import (
    OUTPUT,
    Convention,
    RecordedFile,
    class_names_of_labels,
    import_configuration,
    look_at,
)
from nodescope.recording.outputs import accuracy_of, predictions_of
from nodescope.storage.json_files import write_json
from nodescope.storage.tables import of_configuration, write_table
from nodescope.study.layout import activation_path
from nodescope.training.tables import ACCURACY


def describe_recordings(
    files: Sequence[RecordedFile], description: str | Path, *, name: str, classes: Sequence[str] | None = None
) -> None:
    """Write what all files of a study hold, in the form that prepared data sets have it: classes, samples, splits.

    Parameters
    ----------
    files
        Of all its configurations.
    name
        Of the data.
    classes
        The names of all classes; by default those of the labels that occur.
    """
    found = {file.path: look_at(file.path) for file in files}
    splits: dict[str, int] = {}
    for file in files:
        splits[file.split] = max(splits.get(file.split, 0), found[file.path].samples)
    known = {heads.class_names for heads in found.values() if heads.class_names is not None}
    labels = {label for heads in found.values() for label in heads.labels}
    outputs = {heads.nodes for file in files if file.layer == OUTPUT for heads in [found[file.path]]}
    if classes is None:
        output_nodes = outputs.pop() if len(outputs) == 1 else None
        classes = list(known.pop()) if len(known) == 1 else class_names_of_labels(labels, output_nodes)
    write_json(
        description,
        {
            "source": {"name": name},
            "samples": sum(splits.values()),
            "shape": [],
            "classes": list(classes),
            "splits": {split: {"samples": splits[split]} for split in sorted(splits, key=_place)},
        },
    )


def import_recordings(
    files: Sequence[RecordedFile],
    outputs: Mapping[str, str | Path],
    *,
    configuration: str,
    dataset: str,
    classes: Sequence[str],
    values: str,
    activation: str | None,
    layer_order: Sequence[str] | None,
) -> None:
    """Take in the files of one configuration.

    Parameters
    ----------
    outputs
        Paths: the folder ``activations``, ``network`` (JSON), and the tables ``accuracy`` and ``predictions``.
    configuration
        Its identifier.
    dataset
        The name of the data.
    classes
        As the description has them; empty where samples have none.
    values : {'pre_activation', 'output'}
    activation
        The function that pre-activations enter.
    layer_order
        The layers in the order of computation; None where their names say it.
    """
    convention = Convention(dataset, tuple(classes), values, activation)  # type: ignore[arg-type]  # checked by the config
    description = import_configuration(files, outputs["activations"], convention, layer_order)
    write_json(outputs["network"], description)
    accuracy, predictions = _results(files, outputs["activations"])
    write_table(of_configuration(accuracy, configuration, ACCURACY.schema()), outputs["accuracy"])
    write_table(predictions, outputs["predictions"])


def _place(split: str) -> tuple[int, str]:
    """Of a split among others."""
    return (ALL_SPLITS.index(split) if split in ALL_SPLITS else len(ALL_SPLITS)), split


def _results(files: Sequence[RecordedFile], activations: str | Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The accuracies of the last state of each seed, and what they predict for the test samples, where that is known."""
    last = {file.seed: file.state for file in files}
    rows: list[dict[str, Any]] = []
    columns: dict[str, pl.Series] = {}
    comparable = True
    kept = {(file.seed, file.split) for file in files if file.state == last[file.seed]}
    for seed, split in sorted(kept, key=lambda net: (net[0], _place(net[1]))):
        path = Path(activation_path(str(activations), seed, last[seed], split, OUTPUT))
        output = read(path) if path.is_file() else None
        rows.append({"seed": seed, "split": split, "accuracy": None if output is None else accuracy_of(output)})
        if output is None or split != "test" or not output.is_labelled:
            continue
        predicted, order = predictions_of(output), np.argsort(output.samples, kind="stable")
        nothing = pl.Series([None] * output.n_samples, dtype=pl.Int32)
        samples = {"sample": pl.Series(output.samples[order]), "label": pl.Series(output.labels[order])}
        if any(not columns[name].equals(values) for name, values in samples.items() if name in columns):
            comparable = False
            continue
        columns |= samples
        columns[str(seed)] = nothing if predicted is None else pl.Series(predicted[order], dtype=pl.Int32)
    unknown = {"learning_rate": pl.lit(None, pl.Float64), "best_epoch": pl.lit(None, pl.Int32)}
    accuracy = pl.DataFrame(rows, {"seed": pl.Int64, "split": pl.String, "accuracy": pl.Float64}).with_columns(
        **unknown
    )
    if not columns or not comparable:  # the seeds have test samples of their own
        return accuracy, pl.DataFrame(schema={"sample": pl.Int32, "label": pl.Int32})
    return accuracy, pl.DataFrame(columns)
