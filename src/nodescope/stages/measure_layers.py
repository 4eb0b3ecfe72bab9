"""Measure the recorded layers of a configuration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from nodescope.measuring.runner import analyse_configuration, checked_options
from nodescope.storage.tables import read_table, write_table


def measure_layers(
    activations: str | Path,
    tables: Mapping[str, str | Path],
    *,
    analyses: Mapping[str, Mapping[str, Any]],
    configuration: str,
    seeds: list[int],
    states: list[str],
    theta_threshold: float,
    accuracy: str | Path | None = None,
    batch_size: int | Literal["all"] | None = None,
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
    accuracy
        The table of that name, which knows the epochs of the kept networks.
    batch_size
        Samples per step of their training, where that is known.
    """
    options = checked_options(analyses)
    kept = (
        {} if accuracy is None else dict(read_table(accuracy).select("seed", "best_epoch").drop_nulls().unique().rows())
    )
    found = analyse_configuration(
        options, str(activations), configuration, seeds, states, theta_threshold, kept, batch_size
    )
    for name, table in found.items():
        write_table(table, tables[name])
