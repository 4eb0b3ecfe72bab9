"""Measure the networks of a configuration: their weights, and what flows back through them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nodescope.datasets import load
from nodescope.measuring.networks import analyse_networks
from nodescope.measuring.runner import checked_options
from nodescope.networks import load_network
from nodescope.storage.tables import write_table
from nodescope.study.layout import model_path


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
    layers: Sequence[str],
    theta_threshold: float = 0.0,
) -> None:
    """Make the analyses of one job, each network read once.

    Parameters
    ----------
    models
        The folder of the configuration's networks.
    dataset
        The prepared data set.
    tables
        The tables to write, by name.
    analyses
        For each analysis its options.
    configuration
        Its identifier.
    objective
        The loss that the networks are trained with.
    layers
        See `nodescope.config.layer_patterns`.
    theta_threshold
        Of the study.
    """
    found = analyse_networks(
        checked_options(analyses),
        lambda seed, state: load_network(model_path(str(models), seed, state)),
        load(dataset),
        configuration,
        seeds,
        states,
        objective,
        patterns=layers,
        theta_threshold=theta_threshold,
    )
    for name, table in found.items():
        write_table(table, tables[name])


def measure_modules(
    dataset: str | Path,
    tables: Mapping[str, str | Path],
    *,
    analyses: Mapping[str, Mapping[str, Any]],
    configuration: str,
    seeds: list[int],
    states: list[str],
    objective: str,
    module: Mapping[str, Any],
    axes: Mapping[str, Any],
    files: Mapping[str, str | None],
    layers: Sequence[str],
    theta_threshold: float = 0.0,
) -> None:
    """The same for networks of the user's own.

    Parameters
    ----------
    module
        The section ``module`` of the study.
    axes
        The values of the axes of the configuration.
    files
        The weights of each network, by ``seed/state``; None for a network as it is built.
    layers
        See `nodescope.config.layer_patterns`.
    theta_threshold
        Of the study.
    """
    from nodescope.config.module import Module
    from nodescope.jobs.own_functions import load_function, own_code
    from nodescope.networks.brought.loading import module_inputs, network_of

    section, data = Module.model_validate(module), load(dataset)
    inputs = module_inputs(section, data)
    with own_code(load_function(section.make).place):  # for what networks import while they run
        found = analyse_networks(
            checked_options(analyses),
            lambda seed, state: network_of(section, axes, seed, files[f"{seed}/{state}"])[0],
            data,
            configuration,
            seeds,
            states,
            objective,
            inputs=lambda samples: inputs(samples)[0],
            patterns=layers,
            theta_threshold=theta_threshold,
            axis=section.axis,
        )
    for name, table in found.items():
        write_table(table, tables[name])
