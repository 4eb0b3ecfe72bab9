"""Run analyses over all recorded layers of a configuration."""

import logging
from collections.abc import Callable
from importlib import import_module
from typing import Any

import polars as pl

from nodescope.measuring.layers import RecordedLayer, recorded_layers
from nodescope.storage.tables import with_keys

logger = logging.getLogger(__name__)


def table_columns(name: str) -> dict[str, Any]:
    """The columns, with types, that an analysis' table has after the key columns."""
    columns: dict[str, Any] = import_module(f"nodescope.analyses.{name}").COLUMNS
    return columns


def analyse_configuration(
    analyses: dict[str, Any],
    activations_folder: str,
    keys: dict[str, Any],
    seeds: list[int],
    states: list[str],
    theta_threshold: float,
) -> dict[str, pl.DataFrame]:
    """Measure every layer of every net of a configuration.

    Parameters
    ----------
    analyses
        The names of the analyses, and for each its section of the configuration.
    activations_folder
        The recorded activations of the configuration.
    keys
        The configuration's key columns, without the seed.
    theta_threshold
        Of the study.

    Returns
    -------
    dict of DataFrame
        For each analysis the key columns and its `COLUMNS`. One layer is in memory at a time.
    """
    modules = {name: import_module(f"nodescope.analyses.{name}") for name in analyses}
    measures: dict[str, Callable[[RecordedLayer, Any], pl.DataFrame]] = {
        name: module.measure for name, module in modules.items()
    }
    kept_only = {name for name, module in modules.items() if getattr(module, "KEPT_STATE_ONLY", False)}
    frames: dict[str, list[pl.DataFrame]] = {name: [] for name in analyses}
    for seed in seeds:
        for state in states:
            for number in recorded_layers(activations_folder, seed, state):
                layer = RecordedLayer(activations_folder, seed, state, number, theta_threshold)
                place = {"seed": pl.lit(seed), "state": pl.lit(state), "layer": pl.lit(number)}
                for name, options in analyses.items():
                    if name in kept_only and state != states[-1]:
                        continue
                    frames[name].append(measures[name](layer, options).with_columns(**place))
            logger.info("%s: seed %d, %s done", ", ".join(analyses), seed, state)
    return {name: with_keys(pl.concat(found), keys, table_columns(name)) for name, found in frames.items()}
