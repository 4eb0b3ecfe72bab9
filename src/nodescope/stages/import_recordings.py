"""Take in the recordings of a study that were made elsewhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nodescope.config.fields import ALL_SPLITS
from nodescope.config.root import Config
from nodescope.config.study import RecordingsStudy
from nodescope.messages.errors import ConfigError
from nodescope.recording.importing import (
    OUTPUT,
    Convention,
    Values,
    class_names_of_labels,
    import_configuration,
    look_at,
)
from nodescope.stages.network_tables import performances, test_predictions, write_network_tables
from nodescope.storage.json_files import read_json, write_json
from nodescope.study.brought_configurations import RecordedFile, recorded_configurations
from nodescope.study.layout import prepared_name


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
            "decisions": [],
            "notes": [],
            "warnings": [],
            "samples": sum(splits.values()),
            "shape": [],
            "classes": list(classes),
            "splits": {split: {"samples": splits[split]} for split in sorted(splits, key=_place)},
        },
    )


def look_at_recordings(config: Config, dataset: str, description: str | Path) -> None:
    """As `describe_recordings`, of the study whose recordings have this name.

    Parameters
    ----------
    dataset
        From `nodescope.study.layout.prepared_name`.
    """
    for study in config.studies:
        if isinstance(study, RecordingsStudy) and prepared_name(study.dataset) == dataset:
            files = [file for each in recorded_configurations(study) for file in each.files]
            describe_recordings(files, description, name=study.name, classes=study.recordings.classes)
            return
    raise ConfigError(f"no study has recordings called {dataset}")


def import_recordings(
    dataset: str | Path,
    outputs: Mapping[str, str | Path],
    *,
    configuration: str,
    files: Sequence[Mapping[str, Any]],
    values: Values | None,
    activation: str | None,
    layer_order: Sequence[str] | None,
) -> None:
    """Take in the files of one configuration.

    Parameters
    ----------
    dataset
        What `describe_recordings` wrote.
    outputs
        Paths: the folder ``activations``, the JSON ``description``, and those of
        `nodescope.stages.network_tables.write_network_tables`.
    configuration
        Its identifier.
    files
        The fields of `nodescope.study.brought_configurations.RecordedFile`.
    values, activation
        See `nodescope.recording.importing.Convention`.
    layer_order
        The layers in the order of computation; None where their names say it.
    """
    known, recorded = read_json(dataset), [RecordedFile(**file) for file in files]
    convention = Convention(known["source"]["name"], tuple(known["classes"]), values, activation)
    folder = outputs["activations"]
    import_configuration(recorded, folder, convention, layer_order).write(outputs["description"])
    states: dict[int, list[str]] = {}
    for file in recorded:
        if file.state not in states.setdefault(file.seed, []):
            states[file.seed].append(file.state)
    found = [
        each
        for seed, of_seed in states.items()
        for state in of_seed
        for each in performances(folder, seed, state, list(known["splits"]), None)
    ]
    predictions = [test_predictions(folder, seed, of_seed[-1]) for seed, of_seed in states.items()]
    write_network_tables(outputs, configuration, found, predictions)


def _place(split: str) -> tuple[int, str]:
    """Of a split among others."""
    return (ALL_SPLITS.index(split) if split in ALL_SPLITS else len(ALL_SPLITS)), split
