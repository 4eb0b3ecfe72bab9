"""Run one analysis over all recorded layers of a configuration."""

import logging
from collections.abc import Callable
from importlib import import_module
from typing import Any

import polars as pl

from nodescope.analyses.layers import RecordedLayer
from nodescope.tables import with_keys

logger = logging.getLogger(__name__)


def table_columns(name: str) -> dict[str, Any]:
    """The columns, with types, that an analysis' table has after the key columns."""
    columns: dict[str, Any] = import_module(f"nodescope.analyses.{name}").COLUMNS
    return columns


def analyse_configuration(
    name: str,
    activations_folder: str,
    keys: dict[str, Any],
    seeds: list[int],
    states: list[str],
    options: Any,
    theta_threshold: float,
) -> pl.DataFrame:
    """Measure every layer of every net of a configuration.

    Parameters
    ----------
    name
        Of the analysis.
    activations_folder
        The recorded activations of the configuration.
    keys
        The configuration's key columns, without the seed.
    options
        The analysis' section of the configuration.
    theta_threshold
        Of the study.

    Returns
    -------
    DataFrame
        The key columns and the analysis' `COLUMNS`. One layer is in memory at a time.
    """
    measure: Callable[[RecordedLayer, Any], pl.DataFrame] = import_module(f"nodescope.analyses.{name}").measure
    frames = []
    for seed in seeds:
        for state in states:
            for number in range(1, keys["depth"] + 1):
                layer = RecordedLayer(activations_folder, seed, state, number, theta_threshold)
                frame = measure(layer, options)
                frames.append(frame.with_columns(seed=pl.lit(seed), state=pl.lit(state), layer=pl.lit(number)))
            logger.info("%s: seed %d, %s done", name, seed, state)
    return with_keys(pl.concat(frames), keys, table_columns(name))
