"""Measure the networks of a configuration: their weights, and what flows back through them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nodescope.datasets import load
from nodescope.measuring.networks import analyse_networks
from nodescope.measuring.runner import checked_options
from nodescope.storage.tables import write_table


def measure_networks(
    models: str | Path,
    dataset: str | Path,
    tables: Mapping[str, str | Path],
    *,
    analyses: Mapping[str, Mapping[str, Any]],
    configuration: str,
    seeds: list[int],
    states: list[str],
    objective: str,
) -> None:
    """Make the analyses of one job, each network read once.

    Parameters
    ----------
    models
        The folder of the configuration's networks.
    dataset
        The prepared data set.
    tables
        For each analysis the table to write.
    analyses
        For each analysis its options.
    configuration
        Its identifier.
    objective
        The loss that the networks are trained with.
    """
    options = checked_options(analyses)
    found = analyse_networks(options, models, load(dataset), configuration, seeds, states, objective)
    for name, table in found.items():
        write_table(table, tables[name])
