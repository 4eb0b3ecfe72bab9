"""Follow the activation patterns of every replica of a stack through its training."""

from pathlib import Path

import numpy as np
import polars as pl
import torch

from nodescope.config.schema import PatternEvolution
from nodescope.models import NetworkShape, NetworkStack
from nodescope.models.building import build_network
from nodescope.patterns.probe import PatternProbe, ProbeSamples
from nodescope.patterns.schedule import EpochSteps, kept_steps, measured_steps
from nodescope.training.protocol import Protocol
from nodescope.training.replicas import TrainingData


class PatternFollower:
    """Measures each replica after the steps of the schedule, see `nodescope.patterns.probe.PatternProbe`.

    Parameters
    ----------
    shape, n_replicas, protocol, data
        Of the stack's training.
    options, threshold
        From the study; a node is on where its pre-activation exceeds the threshold.
    folder
        For what must be kept until the last step.

    Raises
    ------
    ConfigError
        If the schedule does not fit the number of steps.
    """

    def __init__(
        self,
        shape: NetworkShape,
        n_replicas: int,
        protocol: Protocol,
        data: TrainingData,
        options: PatternEvolution,
        threshold: float,
        folder: str | Path,
    ) -> None:
        self._epoch = EpochSteps.of(len(data.x_train), protocol.batch_size, skip_single=shape.batch_norm)
        steps = measured_steps(options.schedule, protocol.epochs, self._epoch.steps)
        self._steps = frozenset(steps)
        samples = _samples(data, options, shape.n_classes)
        self._network = build_network(shape).to(samples.x.device, samples.x.dtype)
        self._probes = [
            PatternProbe(
                samples,
                threshold=threshold,
                steps_per_epoch=self._epoch.steps,
                hamming_samples=options.hamming_samples,
                kept_steps=kept_steps(steps, options.final_every_epochs, self._epoch.steps),
                folder=Path(folder) / f"replica-{replica}",
            )
            for replica in range(n_replicas)
        ]

    def wants(self, step: int) -> bool:
        """Whether to measure after that step."""
        return step in self._steps

    def observe(self, step: int, members: slice, part: NetworkStack) -> None:
        """Measure some of the stack's replicas."""
        for replica, probe in enumerate(self._probes[members]):
            probe.measure(self._network, step, self._epoch.samples_seen(step), part.network_views(replica))

    def checkpoint(self) -> dict[str, torch.Tensor]:
        """All that a stopped training needs to go on measuring."""
        return {
            f"{replica}/{name}": tensor
            for replica, probe in enumerate(self._probes)
            for name, tensor in probe.checkpoint().items()
        }

    def restore(self, saved: dict[str, torch.Tensor]) -> None:
        """Go on from a checkpoint.

        Raises
        ------
        DamagedFileError
            If what was kept on disk since then is not there any more.
        """
        parts: list[dict[str, torch.Tensor]] = [{} for _ in self._probes]
        for key, tensor in saved.items():
            replica, _, name = key.partition("/")
            parts[int(replica)][name] = tensor
        for probe, part in zip(self._probes, parts, strict=True):
            probe.restore(part)

    def table(self, replica: int) -> pl.DataFrame:
        """What was measured of one replica, see `nodescope.patterns.probe.PATTERN_EVOLUTION`."""
        return self._probes[replica].table()


def _samples(data: TrainingData, options: PatternEvolution, n_classes: int) -> ProbeSamples:
    """The samples in their order; a part of them is drawn, since they may lie sorted by class."""
    x, y = (data.x_train, data.y_train) if options.split == "train" else (data.x_validation, data.y_validation)
    if options.samples is not None and options.samples < len(x):
        drawn = np.sort(np.random.default_rng(0).choice(len(x), options.samples, replace=False))
        chosen = torch.from_numpy(drawn).to(x.device)
        x, y = x[chosen], y[chosen]
    return ProbeSamples(x, y.cpu().numpy(), n_classes)
