"""Record what every node of a configuration's networks does for every sample."""

from collections.abc import Sequence
from pathlib import Path

from nodescope.datasets import load
from nodescope.recording.collecting import Positions
from nodescope.recording.recorder import record_configuration


def record(
    models: str | Path,
    dataset: str | Path,
    activations: str | Path,
    *,
    dataset_name: str,
    seeds: list[int],
    states: list[str],
    layers: Sequence[str],
    positions: Positions,
    positions_per_sample: int | None,
    random_inputs: int,
    theta_threshold: float,
) -> None:
    """Run every state of every seed over all samples; see `nodescope.recording.recorder.record_configuration`.

    Parameters
    ----------
    models
        The folder of the configuration's networks.
    dataset
        The prepared data set.
    activations
        The folder to write.
    """
    record_configuration(
        models,
        activations,
        load(dataset),
        dataset_name,
        seeds,
        states,
        layers=layers,
        positions=positions,
        positions_per_sample=positions_per_sample,
        random_inputs=random_inputs,
        theta_threshold=theta_threshold,
    )
