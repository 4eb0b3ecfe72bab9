"""How a stack is trained, and the learning rate at each of its steps."""

import math
from dataclasses import dataclass

from nodescope.config.training import Training

#: Of the cyclic schedule (Smith 2017): the lowest rate over the highest.
CYCLE_LOWEST = 0.1

#: Of the one-cycle schedule (Smith & Topin 2018) with the defaults of PyTorch's OneCycleLR.
ONE_CYCLE_RISE = 0.3
ONE_CYCLE_FIRST = 1 / 25
ONE_CYCLE_LAST = ONE_CYCLE_FIRST / 1e4


@dataclass(frozen=True)
class Replica:
    """One net of a stack."""

    seed: int
    learning_rate: float


@dataclass(frozen=True)
class Protocol:
    """How a stack is trained; each field as in `nodescope.config.training.Training`, with nothing left open."""

    epochs: int
    batch_size: int
    learning_rate_decay: float = 1.0
    snapshots: tuple[int, ...] = ()
    snapshot_steps: tuple[int, ...] = ()
    keep: str = "best"
    ties: str = "first"
    loss: str = "cross_entropy"
    schedule: str = "exponential"
    milestones: tuple[int, ...] = ()
    cycle_epochs: int = 10
    optimiser: str = "adam"
    optimiser_epsilon: float = 1e-8
    rmsprop_alpha: float = 0.99
    momentum: float = 0.9
    weight_decay: float = 0.0
    l1: float = 0.0
    gradient_clip: float | None = None
    augmentation: str = "none"

    @classmethod
    def of(cls, training: Training, n_train: int) -> "Protocol":
        """The protocol that a study's configuration asks for, with so many training samples."""
        return cls(
            epochs=training.epochs,
            batch_size=training.samples_per_step(n_train),
            learning_rate_decay=training.learning_rate_decay,
            snapshots=tuple(sorted(training.snapshots)),
            snapshot_steps=tuple(sorted(training.snapshot_steps)),
            keep=training.keep,
            ties=training.ties,
            loss=training.loss,
            schedule=training.schedule,
            milestones=tuple(sorted(training.milestones)),
            cycle_epochs=training.cycle_epochs,
            optimiser=training.optimiser,
            optimiser_epsilon=training.optimiser_epsilon,
            rmsprop_alpha=training.rmsprop_alpha,
            momentum=training.momentum_of_optimiser(),
            weight_decay=training.weight_decay,
            l1=training.l1,
            gradient_clip=training.gradient_clip,
            augmentation=training.augmentation,
        )

    def snapshot_states(self) -> list[str]:
        """Names of the states between the first and the last that are kept."""
        return [*(f"step-{step}" for step in self.snapshot_steps), *(f"epoch-{epoch}" for epoch in self.snapshots)]

    def rate_factor(self, step: int, steps_per_epoch: int) -> float:
        """The learning rate at a step (from 0) over the nominal one."""
        epoch = step // steps_per_epoch
        match self.schedule:
            case "exponential":
                return self.learning_rate_decay**epoch
            case "multi_step":
                return self.learning_rate_decay ** sum(milestone <= epoch for milestone in self.milestones)
            case "cyclic":
                half = self.cycle_epochs * steps_per_epoch / 2
                height = 1 - abs(step % (2 * half) / half - 1)
                return CYCLE_LOWEST + (1 - CYCLE_LOWEST) * height
            case "one_cycle":
                return _one_cycle(step, self.epochs * steps_per_epoch)
        raise AssertionError(self.schedule)


def _one_cycle(step: int, steps: int) -> float:
    """Up along half a cosine over the first 30 % of the steps, then down along another."""
    peak = max(ONE_CYCLE_RISE * steps - 1, 1e-9)
    if step <= peak:
        return _cosine(ONE_CYCLE_FIRST, 1.0, step / peak)
    return _cosine(1.0, ONE_CYCLE_LAST, (step - peak) / (steps - 1 - peak))


def _cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) / 2 * (1 + math.cos(math.pi * share))
