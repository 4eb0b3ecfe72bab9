"""One analysis of recordings, without a workflow: ``nodescope.measure("out/layer-1.parquet", "medians")``."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from pydantic import ValidationError

from nodescope.analyses import Analysis, registered
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import Section
from nodescope.measuring.layers import RecordedLayer
from nodescope.measuring.runner import analyse_configuration
from nodescope.measuring.runner import measure as measure_layer
from nodescope.messages.errors import ConfigError, RecordingError, UnknownNameError
from nodescope.messages.words import nearest
from nodescope.recording import LayerActivations, read
from nodescope.recording.foreign import read_foreign
from nodescope.recording.importing import Convention, class_names_of_labels, import_split, is_canonical, look_at
from nodescope.study.axes import CONFIGURATION

ONLY_SPLIT = "train"


def measure(
    recording: LayerActivations | str | Path, analysis: str, *, theta_threshold: float = 0.0, **options: Any
) -> pl.DataFrame:
    """Measure recorded layers.

    Parameters
    ----------
    recording
        A layer that `nodescope.recording.read` gave; the file of a layer, one of nodescope's own or one made elsewhere
        (``.parquet``, ``.csv``, ``.npy``, ``.npz``, see ``docs/recordings.md``); or the folder of the recordings of a
        configuration, with ``seed-0/trained/test/layer-1.parquet`` ... below it.
    analysis
        The name of an analysis of recorded layers, such as ``medians``.
    theta_threshold
        A node is on above it.
    options
        Of the analysis, as in its section of the configuration.

    Returns
    -------
    DataFrame
        The table of the analysis, of a folder with columns ``seed``, ``state``, ``split`` and ``layer``. A single layer
        stands for training samples too, where an analysis looks at those.

    Raises
    ------
    UnknownNameError
        If there is no such analysis.
    ConfigError
        If it has no such option, or the recording is not of what it needs.
    RecordingError, DamagedFileError
        If a file cannot be read.

    Examples
    --------
    >>> nodescope.measure("out/relu/seed-0/test/layer-1.parquet", "sparsity")  # doctest: +SKIP
    """
    found = _analysis(analysis)
    if isinstance(recording, LayerActivations):
        return _of_layer(recording, found, options, theta_threshold)
    path = Path(recording)
    if path.is_dir():
        return _of_folder(path, found, options, theta_threshold)
    if is_canonical(path):
        return _of_layer(read(path), found, options, theta_threshold)
    with TemporaryDirectory() as folder:
        foreign = read_foreign(path)
        convention = Convention(path.stem, tuple(class_names_of_labels(look_at(path).labels)))
        layer = import_split({foreign.path.stem: path}, folder, convention)[path.stem].layer
        return _of_layer(read(Path(folder) / f"{layer}.parquet"), found, options, theta_threshold)


def _analysis(name: str) -> Analysis:
    of_layers = [known for known, analysis in registered().items() if not analysis.of_networks]
    if name not in registered():
        raise UnknownNameError(
            f"There is no analysis '{name}'{nearest(name, of_layers)} There are: {', '.join(of_layers)}."
        )
    if name not in of_layers:
        raise ConfigError(
            f"The analysis {name} looks at networks, not at recordings. Hint: one of {', '.join(of_layers)}."
        )
    return registered()[name]


def _options(analysis: Analysis, given: Mapping[str, Any], splits: list[str]) -> Section:
    """The options as they are given; of the splits those that there are, unless some are asked for."""
    wanted = {"splits": [split for split in _splits(analysis) if split in splits] or splits} | dict(given)
    try:
        return analysis.options.model_validate(wanted)
    except ValidationError as error:
        first = error.errors()[0]
        option = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            known = [name for name in analysis.options.model_fields if name != "enabled"]
            said = f"there is no such option{nearest(option, known)} There are: {', '.join(known)}."
        else:
            said = f"{first['msg']}."
        raise ConfigError(f"The analysis {analysis.name}, {option}: {said}") from error


def _splits(analysis: Analysis) -> list[str]:
    default = analysis.options()
    assert isinstance(default, LayerOptions)
    return list(default.splits)


def _check_needs(analysis: Analysis, activations: LayerActivations) -> None:
    if "classes" in analysis.needs and not activations.is_labelled:
        raise ConfigError(f"{activations.path}: {analysis.name} needs classes, but the samples have none.")


def _of_layer(
    activations: LayerActivations, analysis: Analysis, options: Mapping[str, Any], threshold: float
) -> pl.DataFrame:
    _check_needs(analysis, activations)
    if analysis.scope == "configuration":
        raise ConfigError(
            f"The analysis {analysis.name} compares recordings of a configuration, and {activations.path} is one layer. "
            "Hint: name the folder of the configuration."
        )
    if "splits" in options:
        raise ConfigError(f"{activations.path} is one layer on one split. Hint: leave splits out.")
    layer = RecordedLayer("", 0, "trained", 1, threshold, _read={ONLY_SPLIT: activations})
    return measure_layer(analysis.name, layer, _options(analysis, options, [ONLY_SPLIT])).drop("split")


def _of_folder(folder: Path, analysis: Analysis, options: Mapping[str, Any], threshold: float) -> pl.DataFrame:
    files = sorted(folder.glob("seed-*/*/*/layer-*.parquet"))
    if not files:
        raise RecordingError(
            f"{folder} has no recordings: there is no file such as seed-0/trained/test/layer-1.parquet below it. Hint: name "
            "the folder of one configuration, or the file of one layer."
        )
    _check_needs(analysis, read(files[0]))
    seeds = sorted({int(path.parts[-4].removeprefix("seed-")) for path in files})
    states = list(dict.fromkeys(path.parts[-3] for path in files))
    states.sort(key=lambda state: (state == "trained", state != "initial"))
    splits = list(dict.fromkeys(path.parts[-2] for path in files))
    chosen = {analysis.name: _options(analysis, options, splits)}
    tables = analyse_configuration(chosen, str(folder), "", seeds, states, threshold)
    return tables[analysis.name].drop(CONFIGURATION)
