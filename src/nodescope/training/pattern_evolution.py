"""Follow the activation patterns of every replica of a stack through its training.

Batch normalisation is settled at every measured time (*ours*; the source measures with running statistics, which begin
with 0 and 1): it normalises by the statistics that samples have with the weights of that time, the same samples each time.
So the first time is that of an untrained net as `nodescope.networks.normalisation` defines it, nothing is seen to evolve
while no weight changes, and the warm-up of running statistics is not taken for an evolution of patterns. The samples
are those that are followed, or as many training samples where validation samples are followed; at least 256, since
fewer have no statistics to speak of. With all training samples followed, the times are exactly the states ``initial``,
``step-N`` and ``epoch-N``; with fewer they differ by the sampling error of the statistics. The last time differs from the
state ``trained``, which keeps its running statistics.

Cost: a measurement passes the samples once more where their activations fit into memory (measured: 1.8 times the time
of an mlp of 4x200, 2 to 2.3 times that of networks of 20 convolutions), else half as many times more as there are
layers, see `nodescope.networks.normalisation.settle_batch_norm`. Networks without batch normalisation, and those that
start from a file of weights, are measured as they are.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch

from nodescope.config.measuring_times import EpochSteps, kept_steps, measured_steps
from nodescope.config.pattern_evolution import PatternEvolution
from nodescope.config.training import Training
from nodescope.families.shape import NetworkShape
from nodescope.networks import NetworkStack
from nodescope.networks.building import build_network
from nodescope.networks.normalisation import is_settled
from nodescope.training.data import TrainingData
from nodescope.training.pattern_probe import PatternProbe, ProbeSamples

#: Samples by which batch normalisation is settled, where fewer are followed: a few batches, as training uses them.
SETTLED_BY_AT_LEAST = 256


@dataclass(frozen=True)
class PatternsToFollow:
    """What a study wants to know of patterns; a node is on where its pre-activation exceeds the threshold."""

    options: PatternEvolution
    threshold: float


class PatternFollower:
    """Measures each replica after the steps of the schedule, see `nodescope.training.pattern_probe.PatternProbe`.

    Parameters
    ----------
    shape, n_replicas, training, data
        Of the stack's training.
    patterns
        From the study.
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
        training: Training,
        data: TrainingData,
        patterns: PatternsToFollow,
        folder: str | Path,
    ) -> None:
        options, n_train = patterns.options, len(data.x_train)
        self._epoch = EpochSteps.of(n_train, training.samples_per_step(n_train), skip_single=shape.batch_norm)
        steps = measured_steps(options.schedule, training.epochs, self._epoch.steps)
        self._steps = frozenset(steps)
        samples = _samples(shape, data, options)
        self._network = build_network(shape).to(samples.x.device, samples.x.dtype)
        self._probes = [
            PatternProbe(
                samples,
                threshold=patterns.threshold,
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
        """What was measured of one replica, see `nodescope.training.tables.PATTERN_EVOLUTION`."""
        return self._probes[replica].table()


def _samples(shape: NetworkShape, data: TrainingData, options: PatternEvolution) -> ProbeSamples:
    """The samples in their order; a part of them is drawn, since they may lie sorted by class."""
    x, y = (data.x_train, data.y_train) if options.split == "train" else (data.x_validation, data.y_validation)
    count = len(x) if options.samples is None else options.samples
    chosen = _drawn(x, count)
    settled_by = None
    if is_settled(shape):
        settled_by = data.x_train[_drawn(data.x_train, max(min(count, len(x)), SETTLED_BY_AT_LEAST))]
    return ProbeSamples(x[chosen], y[chosen].cpu().numpy(), shape.n_classes, settled_by)


def _drawn(x: torch.Tensor, count: int) -> torch.Tensor | slice:
    """The places of so many samples, or of all, always the same ones."""
    if count >= len(x):
        return slice(None)
    return torch.from_numpy(np.sort(np.random.default_rng(0).choice(len(x), count, replace=False))).to(x.device)
