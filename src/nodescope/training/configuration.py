"""Train one configuration: the learning-rate search over all its seeds, and the nets of the best rate kept."""

import dataclasses
import logging
from pathlib import Path
from typing import Any

from nodescope.config.network import Network
from nodescope.config.training import Training
from nodescope.datasets import PreparedDataset
from nodescope.families import FAMILIES
from nodescope.families.family import problem_with_data
from nodescope.families.shape import NetworkShape
from nodescope.messages.errors import ConfigError
from nodescope.study import shapes
from nodescope.training.checkpoints import ProgressFolder, fingerprint
from nodescope.training.data import training_data
from nodescope.training.pattern_evolution import PatternsToFollow
from nodescope.training.results import TrainedConfiguration
from nodescope.training.rounds import RoundTraining
from nodescope.training.search import search

logger = logging.getLogger(__name__)


def train_configuration(
    configuration: str,
    shape: NetworkShape,
    seeds: list[int],
    training: Training,
    dataset: PreparedDataset,
    *,
    device: str,
    progress_folder: str | Path,
    title: str,
    patterns: PatternsToFollow | None = None,
) -> TrainedConfiguration:
    """Search the learning rate and train every seed.

    Parameters
    ----------
    configuration
        Its identifier.
    shape
        Of its networks, from `network_shape`.
    seeds, training
        From the study.
    dataset
        The prepared data set.
    device : {'cpu', 'cuda'}
        From `nodescope.jobs.devices.training_device`.
    progress_folder
        Where the state is kept in case the job is stopped; what it holds of the same settings is not repeated.
    title
        What is trained, for the log.
    patterns
        None where patterns are not followed.
    """
    settings: dict[str, Any] = {
        "shape": dataclasses.asdict(shape),
        "seeds": seeds,
        "training": training.model_dump(),
        "device": device,
        "dataset": dataset.digest(),
    }
    if patterns is not None:
        settings |= {"pattern_evolution": patterns.options.model_dump(), "theta_threshold": patterns.threshold}
    progress = ProgressFolder(progress_folder, fingerprint(settings, shape.model))
    data = training_data(dataset, device, training.evaluation_samples)
    rounds, chosen = search(seeds, training, RoundTraining(shape, training, data, progress, title, patterns).train)
    if training.epochs:
        logger.info("%s: learning rate %.3g selected", title, chosen)
    trained = TrainedConfiguration(configuration, shape, rounds, chosen, dataset, device, training, progress)
    trained.log_divergence(title)
    return trained


def network_shape(
    keys: dict[str, Any], dataset: PreparedDataset, network: Network, initialisation: str | None
) -> NetworkShape:
    """The shape of a configuration's networks on a data set.

    Raises
    ------
    ConfigError
        If such networks cannot take its samples, or cannot begin with that initialisation.
    """
    if problem := problem_with_data(
        has_labels=dataset.is_labelled, inputs=1 + len(dataset.extras.others), dtype=str(dataset.x.dtype)
    ):
        raise ConfigError(f"Data set: {problem}")
    shape = shapes.network_shape(
        keys, network, initialisation, input_shape=dataset.x.shape[1:], n_classes=len(dataset.class_names)
    )
    family = FAMILIES[shape.model]
    problem = family.problem_with_samples(shape.input_shape) or family.problem_with_initialisation(shape.initialisation)
    if problem:
        raise ConfigError(problem)
    return shape
