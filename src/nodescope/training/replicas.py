"""Train the replicas of one configuration (seeds x learning rates) together, as one stack.

Dimension letters: R replica, N training sample, B batch, I input feature, C class.

Each replica shuffles by its own seed, so that its result does not depend on which others share the stack.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from nodescope.models import NetworkShape, StackedFullyConnected

Tensor = torch.Tensor

EVALUATION_BATCH = 8192


@dataclass(frozen=True)
class Replica:
    """One net of the stack."""

    seed: int
    learning_rate: float


@dataclass(frozen=True)
class Protocol:
    """How a stack is trained; see `nodescope.config.schema.Training`."""

    epochs: int
    batch_size: int
    learning_rate_decay: float
    snapshots: tuple[int, ...]


@dataclass(frozen=True)
class TrainingData:
    """The samples on the device: x float [sample, I], y int64 [sample]."""

    x_train: Tensor
    y_train: Tensor
    x_validation: Tensor
    y_validation: Tensor


@dataclass
class TrainingState:
    """All that a stack's training has produced so far, and all that it needs to go on.

    Attributes
    ----------
    epoch : int
        Epochs completed.
    tensors, best : dict of Tensor
        Current parameters and buffers, and those of each replica's best epoch, [R, ...].
    optimiser : dict of Tensor
        Adam's moments and step counts, by flat names.
    best_epoch : array of int [R]
        0 while no epoch has been finite.
    curves : dict of array [epochs + 1, R]
        ``train_loss`` (mean cross-entropy in nats), ``train_accuracy``, ``validation_loss``,
        ``validation_accuracy`` after each epoch, row 0 before the first step; NaN where not finite or not reached.
    """

    epoch: int
    tensors: dict[str, Tensor]
    best: dict[str, Tensor]
    optimiser: dict[str, Tensor]
    best_epoch: NDArray[np.int64]
    curves: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def best_accuracy(self) -> NDArray[np.float64]:
        """Validation accuracy of each replica's best epoch [R]; NaN where no epoch was finite."""
        accuracy = self.curves["validation_accuracy"][self.best_epoch, np.arange(len(self.best_epoch))]
        return np.where(self.best_epoch > 0, accuracy, np.nan)

    def diverged_epoch(self) -> NDArray[np.int64]:
        """First epoch after which a replica's training loss was not finite [R], at least 1; 0 where there is none."""
        diverged = ~np.isfinite(self.curves["train_loss"][: self.epoch + 1])
        return np.where(diverged.any(axis=0), np.maximum(diverged.argmax(axis=0), 1), 0)


CURVES = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")


def start(shape: NetworkShape, replicas: list[Replica], epochs: int, data: TrainingData) -> TrainingState:
    """The state before the first step."""
    x = data.x_train
    stack = StackedFullyConnected.initialise(shape, [r.seed for r in replicas], device=str(x.device), dtype=x.dtype)
    curves = {name: np.full((epochs + 1, len(replicas)), np.nan) for name in CURVES}
    state = TrainingState(
        epoch=0,
        tensors=stack.tensors(),
        best={name: tensor.clone() for name, tensor in stack.tensors().items()},
        optimiser={},
        best_epoch=np.zeros(len(replicas), dtype=np.int64),
        curves=curves,
    )
    _evaluate(stack, data, state)
    return state


def train(
    shape: NetworkShape,
    replicas: list[Replica],
    protocol: Protocol,
    data: TrainingData,
    state: TrainingState,
    after_epoch: Callable[[TrainingState], None],
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

    Notes
    -----
    The parameters of the epoch with the highest validation accuracy are kept (the first of equals), training
    runs on (methods, section 1). Per-replica losses are summed, so that each replica's gradient is its own.
    """
    parameters = {name: t.requires_grad_() for name, t in state.tensors.items() if "running_" not in name}
    buffers = {name: t for name, t in state.tensors.items() if "running_" in name}
    stack = StackedFullyConnected(shape, parameters, buffers)
    optimiser = _Adam(parameters, replicas, state.optimiser)
    state.optimiser = optimiser.tensors()
    while state.epoch < protocol.epochs:
        optimiser.scale_rates(protocol.learning_rate_decay**state.epoch)
        order_RN = _shuffled(replicas, state.epoch, len(data.x_train), data.x_train.device)
        for samples_RB in _batches(order_RN, protocol.batch_size, skip_single=shape.batch_norm):
            logits_RBC = stack.forward_training(data.x_train[samples_RB])
            loss = functional.cross_entropy(
                logits_RBC.flatten(0, 1), data.y_train[samples_RB].flatten(), reduction="sum"
            )
            gradients = torch.autograd.grad(loss / samples_RB.shape[1], list(parameters.values()))
            optimiser.step(gradients)
        state.epoch += 1
        _evaluate(stack, data, state)
        _keep_best(state)
        after_epoch(state)
    return state


def _shuffled(replicas: list[Replica], epoch: int, n: int, device: torch.device) -> Tensor:
    """The order [R, N] in which each replica sees the samples in this epoch; it depends on its seed only."""
    by_seed = {r.seed: np.random.default_rng([r.seed, 1, epoch]).permutation(n) for r in replicas}
    return torch.from_numpy(np.stack([by_seed[r.seed] for r in replicas])).to(device)


def _batches(order_RN: Tensor, batch_size: int, *, skip_single: bool) -> Iterator[Tensor]:
    """Consecutive batches; the last may be smaller. Batch normalisation cannot use a batch of one sample."""
    for samples_RB in torch.split(order_RN, batch_size, dim=1):
        if samples_RB.shape[1] > 1 or not skip_single:
            yield samples_RB


def accuracy_and_loss(stack: StackedFullyConnected, replica: int, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Accuracy in [0, 1] and mean cross-entropy in nats of one replica; both NaN where the loss is not finite."""
    correct, loss = 0, 0.0
    for begin in range(0, len(x), EVALUATION_BATCH):
        logits = stack.forward_evaluation(replica, x[begin : begin + EVALUATION_BATCH])
        target = y[begin : begin + EVALUATION_BATCH]
        correct += int((logits.argmax(dim=1) == target).sum())
        loss += float(functional.cross_entropy(logits, target, reduction="sum"))
    if not np.isfinite(loss):
        return np.nan, np.nan
    return correct / len(x), loss / len(x)


def _evaluate(stack: StackedFullyConnected, data: TrainingData, state: TrainingState) -> None:
    for split, x, y in (
        ("train", data.x_train, data.y_train),
        ("validation", data.x_validation, data.y_validation),
    ):
        for replica in range(stack.n_replicas):
            accuracy, loss = accuracy_and_loss(stack, replica, x, y)
            state.curves[f"{split}_accuracy"][state.epoch, replica] = accuracy
            state.curves[f"{split}_loss"][state.epoch, replica] = loss


def _keep_best(state: TrainingState) -> None:
    accuracy = state.curves["validation_accuracy"][state.epoch]
    best = state.best_accuracy()
    for replica in range(len(accuracy)):
        never_finite = np.isnan(best[replica])
        if accuracy[replica] > best[replica] or (never_finite and np.isfinite(accuracy[replica])):
            state.best_epoch[replica] = state.epoch
        elif not never_finite:
            continue
        # Also copied while no epoch was finite: the kept net of a diverged replica is then the diverged one.
        for name, tensor in state.best.items():
            tensor[replica] = state.tensors[name][replica].detach()


class _Adam:
    """PyTorch's fused Adam on slices of the stacked parameters, one group of replicas per learning rate."""

    def __init__(self, parameters: dict[str, Tensor], replicas: list[Replica], saved: dict[str, Tensor]) -> None:
        self._rates: list[float] = []
        self._slices: list[slice] = []
        first = 0
        for rate, members in groupby(replicas, key=lambda r: r.learning_rate):
            last = first + len(list(members))
            self._rates.append(rate)
            self._slices.append(slice(first, last))
            first = last
        self._adam = torch.optim.Adam(
            [
                {"params": [p.detach()[members] for p in parameters.values()], "lr": rate}
                for members, rate in zip(self._slices, self._rates, strict=True)
            ],
            fused=True,
        )
        # By name, since the order of parameters that were read from a file is not theirs of before.
        self._names = {
            parameter: f"{index}.{name}"
            for index, group in enumerate(self._adam.param_groups)
            for name, parameter in zip(parameters, group["params"], strict=True)
        }
        for parameter, name in self._names.items():
            zeros = torch.zeros_like(parameter)
            self._adam.state[parameter] = {
                "step": saved.get(f"{name}.step", torch.zeros((), dtype=torch.float32, device=parameter.device)),
                "exp_avg": saved.get(f"{name}.exp_avg", zeros),
                "exp_avg_sq": saved.get(f"{name}.exp_avg_sq", zeros.clone()),
            }

    def tensors(self) -> dict[str, Tensor]:
        """The optimiser's state by flat names; the tensors are live."""
        return {
            f"{name}.{key}": value
            for parameter, name in self._names.items()
            for key, value in self._adam.state[parameter].items()
        }

    def scale_rates(self, factor: float) -> None:
        for group, rate in zip(self._adam.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor

    def step(self, gradients: tuple[Tensor, ...]) -> None:
        for replicas_of_rate, group in zip(self._slices, self._adam.param_groups, strict=True):
            for parameter, gradient in zip(group["params"], gradients, strict=True):
                parameter.grad = gradient[replicas_of_rate]
        self._adam.step()
