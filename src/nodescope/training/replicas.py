"""Train the replicas of one configuration (seeds x learning rates) together, as one stack.

Dimension letters: R replica, N training sample, B batch, I input feature, C class.

Each replica shuffles by its own seed, so that its result does not depend on which others share the stack.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import groupby
from typing import Protocol as Interface

import numpy as np
import torch
from numpy.typing import NDArray

from nodescope.families.shape import NetworkShape
from nodescope.networks import NetworkStack, initialise_stack, stack_of
from nodescope.networks.losses import SUMMED_LOSSES, summed_cross_entropy, summed_squared_error
from nodescope.networks.normalisation import settled
from nodescope.training.augmentation import FlipAndCrop
from nodescope.training.optimisers import Optimiser, at_rest
from nodescope.training.protocol import Protocol, Replica

Tensor = torch.Tensor

#: Samples at a time: few enough for a core's cache, enough to keep a GPU busy.
EVALUATION_BATCH = {"cpu": 1024, "cuda": 16384}
MODULE_EVALUATION_BATCH = 256

#: What the replicas that step together on a core may take: with more, their weights come from memory at every step;
#: with one net at a time, starting the small products costs more (measured: 2 nets of 4x200 at a time are fastest).
CACHE_BYTES = 9_000_000


@dataclass(frozen=True)
class TrainingData:
    """The samples on the device: x float [sample, I], y int64 [sample].

    ``evaluated`` are the training samples on which loss and accuracy are measured; None for all.
    """

    x_train: Tensor
    y_train: Tensor
    x_validation: Tensor
    y_validation: Tensor
    evaluated: Tensor | None = None


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
        The optimiser's ``steps`` so far and what it remembers, see `nodescope.training.optimisers`; empty before
        training.
    best_epoch : array of int [R]
        0 while no epoch has been finite.
    curves : dict of array [epochs + 1, R]
        ``train_loss`` (mean cross-entropy in nats), ``train_mean_squared_error``, ``train_accuracy`` and the same of
        ``validation`` after each epoch, row 0 before the first step, with batch normalisation settled
        (`nodescope.networks.normalisation`), whichever loss the nets are trained with; NaN where not finite or not reached.
    observed : dict of Tensor
        What observers need to go on, in a state that was saved.
    """

    epoch: int
    tensors: dict[str, Tensor]
    best: dict[str, Tensor]
    optimiser: dict[str, Tensor]
    best_epoch: NDArray[np.int64]
    curves: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    observed: dict[str, Tensor] = field(default_factory=dict)

    def best_accuracy(self) -> NDArray[np.float64]:
        """Validation accuracy of each replica's best epoch [R]; NaN where no epoch was finite."""
        accuracy = self.curves["validation_accuracy"][self.best_epoch, np.arange(len(self.best_epoch))]
        return np.where(self.best_epoch > 0, accuracy, np.nan)

    def diverged_epoch(self) -> NDArray[np.int64]:
        """First epoch after which a replica's training loss was not finite [R], at least 1; 0 where there is none.

        That is: its outputs were not. The cross-entropy of finite outputs is finite, as is their squared error.
        """
        diverged = ~np.isfinite(self.curves["train_loss"][: self.epoch + 1])
        return np.where(diverged.any(axis=0), np.maximum(diverged.argmax(axis=0), 1), 0)


@dataclass(frozen=True)
class Performance:
    """Of one net on some samples; each is NaN where the outputs are not finite.

    Attributes
    ----------
    accuracy : float
        In [0, 1].
    loss : float
        Mean cross-entropy in nats, whichever loss the net was trained with.
    mean_squared_error : float
        Of the outputs against one-hot targets, see `nodescope.networks.losses`.
    """

    accuracy: float
    loss: float
    mean_squared_error: float


CURVES = tuple(f"{split}_{field.name}" for split in ("train", "validation") for field in fields(Performance))


class StepObserver(Interface):
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
    _evaluate(settled(initial(seeds), x), [seeds.index(r.seed) for r in replicas], data, state)
    return state


def train(
    shape: NetworkShape,
    replicas: list[Replica],
    protocol: Protocol,
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
    the protocol says so), training runs on (methods, section 1). Per-replica losses are summed, so that each replica's
    gradient is its own.
    """
    stack = stack_of(shape, state.tensors)
    if not state.optimiser:
        state.optimiser = at_rest(protocol, stack.parameters)
    parts = [
        _Part(protocol, stack, members, replicas[members], state.optimiser, data)
        for members in _parts(replicas, stack, data.x_train.device)
    ]
    while state.epoch < protocol.epochs:
        order_RN = _shuffled(replicas, state.epoch, len(data.x_train), data.x_train.device)
        for part in parts:
            batches = list(_batches(order_RN[part.members], protocol.batch_size, skip_single=shape.batch_norm))
            part.begin_epoch(state.epoch)
            for step, samples_RB in enumerate(batches, start=state.epoch * len(batches)):
                part.scale_rates(protocol.rate_factor(step, len(batches)))
                part.step(samples_RB)
                for observer in observers:
                    if observer.wants(step + 1):
                        observer.observe(step + 1, part.members, part.stack)
        state.optimiser["steps"].copy_(parts[0].steps())
        state.epoch += 1
        _evaluate(stack, range(len(replicas)), data, state)
        _keep(state, protocol)
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


@torch.no_grad()
def performance(stack: NetworkStack, replica: int, x: Tensor, y: Tensor) -> Performance:
    """How well one replica does on samples, as it is used after training."""
    correct = torch.zeros((), dtype=torch.int64, device=x.device)
    cross_entropy = torch.zeros((), dtype=torch.float64, device=x.device)
    squared_error = torch.zeros((), dtype=torch.float64, device=x.device)
    size = EVALUATION_BATCH[x.device.type] if stack.fuses else MODULE_EVALUATION_BATCH
    for x_part, target in zip(torch.split(x, size), torch.split(y, size), strict=True):
        logits = stack.forward_evaluation(replica, x_part)
        correct += (logits.argmax(dim=1) == target).sum()
        cross_entropy += summed_cross_entropy(logits, target)
        # In float64 the square of a finite output is finite.
        squared_error += summed_squared_error(logits.double(), target)
    if not torch.isfinite(cross_entropy):
        return Performance(np.nan, np.nan, np.nan)
    return Performance(int(correct) / len(x), float(cross_entropy) / len(x), float(squared_error) / len(x))


@torch.no_grad()
def predicted_classes(stack: NetworkStack, replica: int, x: Tensor) -> NDArray[np.int64]:
    """The class that one replica predicts for each sample [N]; of equal logits the lowest class."""
    size = EVALUATION_BATCH[x.device.type] if stack.fuses else MODULE_EVALUATION_BATCH
    parts = [stack.forward_evaluation(replica, part).argmax(dim=1) for part in torch.split(x, size)]
    return torch.cat(parts).cpu().numpy()


def _evaluate(stack: NetworkStack, places: Sequence[int], data: TrainingData, state: TrainingState) -> None:
    """Fill the curves' row of this epoch; ``places`` are those of the replicas' nets in the stack."""
    evaluated = slice(None) if data.evaluated is None else data.evaluated
    for split, x, y in (
        ("train", data.x_train[evaluated], data.y_train[evaluated]),
        ("validation", data.x_validation, data.y_validation),
    ):
        for replica, place in enumerate(places):
            for name, value in asdict(performance(stack, place, x, y)).items():
                state.curves[f"{split}_{name}"][state.epoch, replica] = value


def _keep(state: TrainingState, protocol: Protocol) -> None:
    """Keep each replica's parameters of its best epoch, or of the last that was finite."""
    accuracy_R, best_R = state.curves["validation_accuracy"][state.epoch], state.best_accuracy()
    for replica, (accuracy, best) in enumerate(zip(accuracy_R, best_R, strict=True)):
        never_finite = np.isnan(best)
        if np.isfinite(accuracy) and (never_finite or _replaces(accuracy, best, protocol)):
            state.best_epoch[replica] = state.epoch
        elif not never_finite:
            continue
        # Also copied while no epoch was finite: the kept net of a diverged replica is then the diverged one.
        for name, tensor in state.best.items():
            tensor[replica] = state.tensors[name][replica].detach()


def _replaces(accuracy: float, best: float, protocol: Protocol) -> bool:
    """Whether an epoch is kept instead of the one that was kept so far, by their validation accuracies."""
    if protocol.keep == "last":
        return True
    return accuracy > best or (accuracy == best and protocol.ties == "last")


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
        protocol: Protocol,
        stack: NetworkStack,
        members: slice,
        replicas: list[Replica],
        optimiser_state: dict[str, Tensor],
        data: TrainingData,
    ) -> None:
        self.members = members
        self.stack = stack.part(members)
        self._seeds = [replica.seed for replica in replicas]
        self._summed_loss = SUMMED_LOSSES[protocol.loss]
        self._augments = protocol.augmentation == "flip_crop"
        self._augmentation: FlipAndCrop | None = None
        self._data = data
        state = {name: tensor if name == "steps" else tensor[members] for name, tensor in optimiser_state.items()}
        self._optimiser = Optimiser(protocol, self.stack.parameters, replicas, state, self.stack.slow_parameters)
        # What chance decides anew in each epoch lies outside a captured step.
        is_captured = data.x_train.is_cuda and not self._augments and not stack.shape.dropout
        self._captured = _CapturedStep(self._step_now) if is_captured else None

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


class _CapturedStep:
    """A step as a CUDA graph: its kernels, too small to keep a GPU busy, are then launched as one.

    The first steps run one kernel after another, which also sets up what a capture needs. The step is captured for
    the size of the first batch; one of another size (an epoch's last) runs one kernel after another.
    """

    STEPS_BEFORE_CAPTURE = 3

    def __init__(self, step: Callable[[Tensor], None]) -> None:
        self._step = step
        self._steps_taken = 0
        self._samples: Tensor | None = None
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, samples_RB: Tensor) -> None:
        if self._samples is None:
            self._samples = samples_RB.clone()
        if samples_RB.shape != self._samples.shape or self._steps_taken < self.STEPS_BEFORE_CAPTURE:
            self._step_on_side_stream(samples_RB)
            return
        self._samples.copy_(samples_RB)
        if self._graph is None:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._step(self._samples)
        self._graph.replay()

    def _step_on_side_stream(self, samples_RB: Tensor) -> None:
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._step(samples_RB)
        torch.cuda.current_stream().wait_stream(stream)
        self._steps_taken += 1
