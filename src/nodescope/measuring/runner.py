"""Run analyses over all recorded layers of a configuration."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import polars as pl

from nodescope.analyses import Analysis, registered, tables_made_by
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import Section
from nodescope.measuring.layers import RecordedLayer, recorded_layers
from nodescope.measuring.reading import RecordingReader
from nodescope.measuring.recordings import RecordedNetworks
from nodescope.storage.columns import Column, frame_of
from nodescope.storage.tables import of_configuration

logger = logging.getLogger(__name__)

SEED = Column("seed", "int64", "of the network")


def checked_options(analyses: Mapping[str, Mapping[str, Any]]) -> dict[str, Section]:
    """The options of analyses by name, from what a configuration says of each."""
    return {name: registered()[name].options.model_validate(options) for name, options in analyses.items()}


def measure(name: str, measured: Any, options: Section | None = None) -> pl.DataFrame:
    """What an analysis finds in one layer, or in one network.

    Parameters
    ----------
    name
        Of the analysis.
    measured : RecordedLayer, RecordedNetworks or MeasuredNetwork
        As the analysis wants it.
    options
        Its section of the configuration; left out, the defaults.

    Returns
    -------
    DataFrame
        The columns that it declares, before those a ``split`` where it looks at recorded layers, and a ``seed`` where it
        looks at all of a configuration.
    """
    return all_tables(name, measured, options)[name]


def all_tables(name: str, measured: Any, options: Section | None = None) -> dict[str, pl.DataFrame]:
    """The same with the further tables of the analysis, by name."""
    analysis = registered()[name]
    of_part = [column for column in analysis.place if column.name == "split"]
    if analysis.scope == "configuration":
        of_part = [SEED]
    of_further: dict[str, list[dict[str, Any]]] = {table.name: [] for table in analysis.further}

    def own() -> Iterator[Mapping[str, Any]]:
        for part in analysis.measure(measured, options or analysis.options()):
            if "table" in part:
                of_further[part["table"]].append({key: value for key, value in part.items() if key != "table"})
            else:
                yield part

    found = {name: frame_of([*of_part, *analysis.columns], own())}
    return found | {t.name: frame_of([*of_part, *t.columns], of_further[t.name]) for t in analysis.further}


class Measurements:
    """The tables of some analyses of a configuration, as they grow."""

    def __init__(self, analyses: Mapping[str, Section]) -> None:
        self._options = analyses
        self._frames: dict[str, list[pl.DataFrame]] = {name: [] for name in tables_made_by(analyses)}

    def add(self, name: str, measured: Any, **place: Any) -> None:
        """Measure, and note where: seed, state, layer.

        Of splits that are not recorded nothing is measured; where none is, what stands for training samples.
        """
        options = self._options[name]
        if (
            isinstance(options, LayerOptions)
            and isinstance(measured, RecordedLayer)
            and set(options.splits) - set(measured.splits)
        ):
            there = [split for split in options.splits if split in measured.splits]
            options = options.model_copy(update={"splits": there or [measured.reference_split]})
        for table, frame in all_tables(name, measured, options).items():
            of_place = [pl.Series(key, [value]).new_from_index(0, len(frame)) for key, value in place.items()]
            self._frames[table].append(frame.hstack(of_place))

    def tables(self, configuration: str) -> dict[str, pl.DataFrame]:
        """The tables by name, of a configuration by its identifier."""
        schemas = {table.name: table.schema() for name in self._options for table in registered()[name].tables}
        return {
            name: of_configuration(pl.concat(frames), configuration, schemas[name])
            for name, frames in self._frames.items()
        }


def is_measured(analysis: Analysis, state: str, states: list[str]) -> bool:
    """Whether an analysis looks at a state; the last of them is the one that is kept."""
    return analysis.states == "all" or state == states[-1]


def analyse_configuration(
    analyses: Mapping[str, Section],
    activations_folder: str,
    configuration: str,
    seeds: list[int],
    states: list[str],
    theta_threshold: float,
    kept_epochs: Mapping[int, int] | None = None,
    batch_size: int | Literal["all"] | None = None,
) -> dict[str, pl.DataFrame]:
    """Measure every layer of every net of a configuration.

    Parameters
    ----------
    analyses
        The names of the analyses, and for each its options.
    activations_folder
        The recorded activations of the configuration.
    configuration
        Its identifier.
    theta_threshold
        Of the study.
    kept_epochs, batch_size
        As of `nodescope.measuring.recordings.RecordedNetworks`.

    Returns
    -------
    dict of DataFrame
        The tables of the analyses, by name. One layer is in memory at a time.
    """
    found = Measurements(analyses)
    of_layers = [name for name in analyses if registered()[name].scope == "layer"]
    reader = RecordingReader()
    for seed in seeds if of_layers else ():
        for state in states:
            wanted = [name for name in of_layers if is_measured(registered()[name], state, states)]
            for number in recorded_layers(activations_folder, seed, state):
                layer = RecordedLayer(activations_folder, seed, state, number, theta_threshold, reader)
                for name in wanted:
                    found.add(name, layer, seed=seed, state=state, layer=number)
            logger.info("%s: seed %d, %s done", ", ".join(of_layers), seed, state)
    networks = RecordedNetworks(
        activations_folder, tuple(seeds), tuple(states), theta_threshold, kept_epochs or {}, batch_size, reader
    )
    for name in analyses:
        if name not in of_layers:
            found.add(name, networks)
            logger.info("%s done", name)
    return found.tables(configuration)
