"""Measure the recorded layers of a configuration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nodescope.measuring.runner import analyse_configuration, checked_options
from nodescope.storage.tables import write_table


def measure_layers(
    activations: str | Path,
    tables: Mapping[str, str | Path],
    *,
    analyses: Mapping[str, Mapping[str, Any]],
    configuration: str,
    seeds: list[int],
    states: list[str],
    theta_threshold: float,
) -> None:
    """Make the analyses of one job, each layer read once.

    Parameters
    ----------
    activations
        The folder of the configuration's recordings.
    tables
        For each analysis the table to write.
    analyses
        For each analysis its options.
    configuration
        Its identifier.
    theta_threshold
        A node is on above it.
    """
    options = checked_options(analyses)
    found = analyse_configuration(options, str(activations), configuration, seeds, states, theta_threshold)
    for name, table in found.items():
        write_table(table, tables[name])
