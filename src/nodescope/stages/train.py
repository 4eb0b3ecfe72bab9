"""Train a configuration: search the learning rate, train every seed, keep the best validation epoch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nodescope.config.network import Network
from nodescope.config.pattern_evolution import PatternEvolution
from nodescope.config.training import Training
from nodescope.datasets import load
from nodescope.storage.tables import write_table
from nodescope.training import train_configuration


def train(
    dataset: str | Path,
    outputs: Mapping[str, str | Path],
    *,
    configuration: str,
    key_columns: dict[str, Any],
    seeds: list[int],
    training: Mapping[str, Any],
    network: Mapping[str, Any],
    initialisation: str | None,
    pattern_evolution: Mapping[str, Any] | None,
    device: str,
    progress_folder: str | Path,
    title: str,
) -> None:
    """Train all networks of a configuration.

    Parameters
    ----------
    dataset
        The prepared data set.
    outputs
        Paths: the folder ``models``, the tables ``learning_curves``, ``accuracy``, ``replicas`` and ``predictions``, and
        ``pattern_evolution`` where patterns are followed.
    configuration
        Its identifier.
    key_columns
        Its family and the values of its axes.
    training, network
        The sections of the config, as they hold for this configuration.
    pattern_evolution
        Its section as ``options``, and ``threshold``, above which a node is on; None where patterns are not followed.
    device : {'cpu', 'cuda'}
    progress_folder
        For checkpoints; deleted at the end.
    title
        Of the configuration, for the log.
    """
    patterns = pattern_evolution
    trained = train_configuration(
        configuration,
        key_columns,
        seeds,
        Training.model_validate(training),
        load(dataset),
        network=Network.model_validate(network),
        initialisation=initialisation,
        device=device,
        progress_folder=progress_folder,
        title=title,
        pattern_evolution=PatternEvolution.model_validate(patterns["options"]) if patterns else None,
        theta_threshold=patterns["threshold"] if patterns else 0.0,
    )
    trained.save_networks(outputs["models"])
    write_table(trained.learning_curves(), outputs["learning_curves"])
    write_table(trained.accuracy_table(), outputs["accuracy"])
    write_table(trained.replica_table(), outputs["replicas"])
    write_table(trained.predictions(), outputs["predictions"])
    if patterns:
        write_table(trained.pattern_evolution(), outputs["pattern_evolution"])
    trained.progress.remove()
