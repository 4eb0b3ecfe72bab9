"""Train a configuration: search the learning rate, train every seed, keep the best validation epoch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nodescope.config.network import Network
from nodescope.config.pattern_evolution import PatternEvolution
from nodescope.config.training import Training
from nodescope.datasets import load
from nodescope.storage.tables import write_table
from nodescope.training.configuration import network_shape, train_configuration
from nodescope.training.pattern_evolution import PatternsToFollow


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
    data = load(dataset)
    patterns = None
    if pattern_evolution:
        options = PatternEvolution.model_validate(pattern_evolution["options"])
        patterns = PatternsToFollow(options, pattern_evolution["threshold"])
    trained = train_configuration(
        configuration,
        network_shape(key_columns, data, Network.model_validate(network), initialisation),
        seeds,
        Training.model_validate(training),
        data,
        device=device,
        progress_folder=progress_folder,
        title=title,
        patterns=patterns,
    )
    trained.save_networks(outputs["models"])
    write_table(trained.learning_curves(), outputs["learning_curves"])
    write_table(trained.accuracy_table(), outputs["accuracy"])
    write_table(trained.replica_table(), outputs["replicas"])
    write_table(trained.predictions(), outputs["predictions"])
    if patterns is not None:
        write_table(trained.pattern_evolution(), outputs["pattern_evolution"])
    trained.progress.remove()
