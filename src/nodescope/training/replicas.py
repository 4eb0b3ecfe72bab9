"""Train the replicas of one configuration (seeds x learning rates) together, as one stack.

Dimension letters: R replica, N training sample, B batch, I input feature, C class.

Each replica shuffles by its own seed, so that its result does not depend on which others share the stack.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Protocol

import numpy as np
import torch

from nodescope.config.training import Training
from nodescope.families.shape import NetworkShape
from nodescope.networks import NetworkStack, initialise_stack, stack_of
from nodescope.networks.losses import SUMMED_LOSSES
from nodescope.networks.normalisation import settled
from nodescope.training.augmentation import FlipAndCrop
from nodescope.training.captured_step import CapturedStep
from nodescope.training.data import TrainingData
from nodescope.training.evaluation import CURVES, evaluate
from nodescope.training.optimisers import Optimiser, at_rest
from nodescope.training.schedules import rate_factor
from nodescope.training.state import Replica, TrainingState

Tensor = torch.Tensor

#: What the replicas that step together on a core may take: with more, their weights come from memory at every step;
#: with one net at a time, starting the small products costs more (measured: 2 nets of 4x200 at a time are fastest).
CACHE_BYTES = 9_000_000


class StepObserver(Protocol):
    """What looks at networks after chosen steps of their training, without changing anything."""

    def wants(self, step: int) -> bool:
        """Whether to look after that step (the first is 1)."""

    def observe(self, step: int, members: slice, part: NetworkStack) -> None:
        """Look at some of the stack's replicas after a step; ``members`` are their places in the stack."""


def start(shape: NetworkShape, replicas: list[Replica], epochs: int, data: TrainingData) -> TrainingState:
    """The state before the first step."""
    x = data.x_train

    def initial(seeds: list[int]) -> NetworkStack:
        return initialise_stack(shape, seeds, device=str(x.device), dtype=x.dtype)

    stack = initial([r.seed for r in replicas])
    curves = {name: np.full((epochs + 1, len(replicas)), np.nan) for name in CURVES}
    state = TrainingState(
        epoch=0,
        tensors=stack.tensors(),
        best={name: tensor.clone() for name, tensor in stack.tensors().items()},
        optimiser={},
        best_epoch=np.zeros(len(replicas), dtype=np.int64),
        curves=curves,
    )
    seeds = list(dict.fromkeys(r.seed for r in replicas))  # nets of one seed begin alike
    evaluate(settled(initial(seeds), x), [seeds.index(r.seed) for r in replicas], data, state)
    return state


def train(
    shape: NetworkShape,
    replicas: list[Replica],
    training: Training,
    data: TrainingData,
    state: TrainingState,
    after_epoch: Callable[[TrainingState], None],
    observers: Sequence[StepObserver] = (),
) -> TrainingState:
    """Train a stack to the last epoch, from wherever ``state`` is.

    Parameters
    ----------
    replicas
        In an order in which equal learning rates stand together.
    state
        From `start`, or as it was handed to ``after_epoch`` in an interrupted run; it is changed in place.
    after_epoch
        Called after every epoch with the state: progress, snapshots, checkpoints.
    observers
        Asked after every step. The replicas do not step side by side: some run through an epoch before others.

    Notes
    -----
    The parameters of the epoch with the highest validation accuracy are kept (of equals the first, or the last where
    the config says so), training runs on. Per-replica losses are summed, so that each replica's gradient is its own.
    """
    stack = stack_of(shape, state.tensors)
    if not state.optimiser:
        state.optimiser = at_rest(training, stack.parameters)
    parts = [
        _Part(training, stack, members, replicas[members], state.optimiser, data)
        for members in _parts(replicas, stack, data.x_train.device)
    ]
    batch_size = training.samples_per_step(len(data.x_train))
    while state.epoch < training.epochs:
        order_RN = _shuffled(replicas, state.epoch, len(data.x_train), data.x_train.device)
        for part in parts:
            batches = list(_batches(order_RN[part.members], batch_size, skip_single=shape.batch_norm))
            part.begin_epoch(state.epoch)
            for step, samples_RB in enumerate(batches, start=state.epoch * len(batches)):
                part.scale_rates(rate_factor(training, step, len(batches)))
                part.step(samples_RB)
                for observer in observers:
                    if observer.wants(step + 1):
                        observer.observe(step + 1, part.members, part.stack)
        state.optimiser["steps"].copy_(parts[0].steps())
        state.epoch += 1
        evaluate(stack, range(len(replicas)), data, state)
        _keep(state, training)
        after_epoch(state)
    return state


def _parts(replicas: list[Replica], stack: NetworkStack, device: torch.device) -> list[slice]:
    """Which replicas step together: on a GPU all of them; on a CPU as many of one rate as its cache holds."""
    if device.type == "cuda":
        return [slice(0, len(replicas))]
    bytes_of_replica = 4 * sum(t[0].nbytes for t in stack.parameters.values())  # parameters, gradients, two moments
    largest = max(1, CACHE_BYTES // bytes_of_replica) if stack.fuses else 1
    parts, first = [], 0
    for _, members in groupby(replicas, key=lambda r: r.learning_rate):
        last = first + len(list(members))
        parts += [slice(begin, min(begin + largest, last)) for begin in range(first, last, largest)]
        first = last
    return parts


def _shuffled(replicas: list[Replica], epoch: int, n: int, device: torch.device) -> Tensor:
    """The order [R, N] in which each replica sees the samples in this epoch; it depends on its seed only."""
    by_seed = {r.seed: np.random.default_rng([r.seed, 1, epoch]).permutation(n) for r in replicas}
    return torch.from_numpy(np.stack([by_seed[r.seed] for r in replicas])).to(device)


def _batches(order_RN: Tensor, batch_size: int, *, skip_single: bool) -> Iterator[Tensor]:
    """Consecutive batches; the last may be smaller. Batch normalisation cannot use a batch of one sample."""
    for samples_RB in torch.split(order_RN, batch_size, dim=1):
        if samples_RB.shape[1] > 1 or not skip_single:
            yield samples_RB


def _keep(state: TrainingState, training: Training) -> None:
    """Keep each replica's parameters of its best epoch, or of the last that was finite."""
    accuracy_R, best_R = state.curves["validation_accuracy"][state.epoch], state.best_accuracy()
    for replica, (accuracy, best) in enumerate(zip(accuracy_R, best_R, strict=True)):
        never_finite = np.isnan(best)
        if np.isfinite(accuracy) and (never_finite or _replaces(accuracy, best, training)):
            state.best_epoch[replica] = state.epoch
        elif not never_finite:
            continue
        # Also copied while no epoch was finite: the kept net of a diverged replica is then the diverged one.
        for name, tensor in state.best.items():
            tensor[replica] = state.tensors[name][replica].detach()


def _replaces(accuracy: float, best: float, training: Training) -> bool:
    """Whether an epoch is kept instead of the one that was kept so far, by their validation accuracies."""
    if training.keep == "last":
        return True
    return accuracy > best or (accuracy == best and training.ties == "last")


class _Part:
    """Replicas that take their steps together.

    Parameters
    ----------
    stack, replicas, optimiser_state
        The whole stack, the part's replicas, and the optimiser's state of the whole stack, on whose memory the part
        works.
    members
        The part's places in the stack.
    """

    def __init__(
        self,
        training: Training,
        stack: NetworkStack,
        members: slice,
        replicas: list[Replica],
        optimiser_state: dict[str, Tensor],
        data: TrainingData,
    ) -> None:
        self.members = members
        self.stack = stack.part(members)
        self._seeds = [replica.seed for replica in replicas]
        self._summed_loss = SUMMED_LOSSES[training.loss]
        self._augments = training.augmentation == "flip_crop"
        self._augmentation: FlipAndCrop | None = None
        self._data = data
        state = {name: tensor if name == "steps" else tensor[members] for name, tensor in optimiser_state.items()}
        self._optimiser = Optimiser(training, self.stack.parameters, replicas, state, self.stack.slow_parameters)
        # What chance decides anew in each epoch lies outside a captured step.
        is_captured = data.x_train.is_cuda and not self._augments and not stack.shape.dropout
        self._captured = CapturedStep(self._step_now) if is_captured else None

    def begin_epoch(self, epoch: int) -> None:
        """Draw what chance decides in this epoch (from 0), the order of the samples apart."""
        self.stack.begin_epoch(self._seeds, epoch)
        if self._augments:
            x = self._data.x_train
            self._augmentation = FlipAndCrop(self._seeds, epoch, len(x), self.stack.shape.input_shape, x.device)

    def scale_rates(self, factor: float) -> None:
        """Set every learning rate to its nominal value times a factor."""
        self._optimiser.scale_rates(factor)

    def steps(self) -> Tensor:
        """Steps taken so far."""
        return self._optimiser.steps()

    def step(self, samples_RB: Tensor) -> None:
        """One step of every replica, each on its own batch."""
        if self._captured is not None:
            self._captured(samples_RB)
        else:
            self._step_now(samples_RB)

    def _step_now(self, samples_RB: Tensor) -> None:
        x_RBI = self._data.x_train[samples_RB]
        if self._augmentation is not None:
            x_RBI = self._augmentation(x_RBI, samples_RB)
        logits_RBC = self.stack.forward_training(x_RBI)
        loss = self._summed_loss(logits_RBC.flatten(0, 1), self._data.y_train[samples_RB].flatten())
        gradients = torch.autograd.grad(loss / samples_RB.shape[1], list(self.stack.parameters.values()))
        self._optimiser.step(gradients)
