"""Patterns measured after every step of an epoch, beside the training itself."""

import tempfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from measure import Measured, Row, side

SAMPLES = 1_000
#: Measuring may cost this many times the training.
TOLERATED = 2.0


@dataclass(frozen=True)
class Case:
    """Networks that are trained for an epoch on random data."""

    name: str
    what: str
    model: str
    input_shape: tuple[int, ...]
    depth: int
    width: int
    batch_norm: bool
    batch_size: int
    steps: int
    replicas: int


MLP, RESNET = (
    Case("evolution-mlp", "2 nets 4x200, MNIST's size, batch 64", "mlp", (784,), 4, 200, False, 64, 40, 2),
    Case("evolution-resnet", "ResNet-20, CIFAR-10's size, batch 128", "resnet", (3, 32, 32), 20, 16, True, 128, 8, 1),
)


def train(case: Case, *, measured: bool) -> Any:
    """An epoch, followed or not; gives the trained tensors."""
    import torch

    from nodescope.config.pattern_evolution import MeasuringTimes, PatternEvolution
    from nodescope.config.training import Training
    from nodescope.networks import NetworkShape
    from nodescope.training import replicas as stack
    from nodescope.training.data import TrainingData
    from nodescope.training.pattern_evolution import PatternFollower, PatternsToFollow
    from nodescope.training.state import Replica

    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    n = case.steps * case.batch_size
    x = torch.from_numpy(random.random((n, int(np.prod(case.input_shape))), np.float32))
    y = torch.from_numpy(random.integers(0, 10, n))
    shape = NetworkShape(
        case.model, case.input_shape, 10, case.depth, case.width, "relu", case.batch_norm, "kaiming_normal"
    )
    few = torch.arange(10)
    data = TrainingData(x, y, x[few], y[few], evaluated=few)
    nets = [Replica(seed, 0.001) for seed in range(case.replicas)]
    training = Training(epochs=1, batch_size=case.batch_size, learning_rate_decay=1.0)
    patterns = PatternsToFollow(PatternEvolution(samples=SAMPLES, schedule=[MeasuringTimes(every_steps=1)]), 0.0)

    def run() -> Any:
        state = stack.start(shape, nets, 1, data)
        with tempfile.TemporaryDirectory() as folder:
            followers = [PatternFollower(shape, len(nets), training, data, patterns, folder)] if measured else []
            stack.train(shape, nets, training, data, state, lambda state: None, followers)
        return state.tensors

    return run, lambda tensors: {name: tensor.detach().numpy().copy() for name, tensor in tensors.items()}


def forward(case: Case) -> Any:
    """The forward passes alone of as many measurements, as they would be written: evaluation mode, one batch."""
    import torch

    from nodescope.networks import NetworkShape, build_network

    torch.set_num_threads(1)
    shape = NetworkShape(
        case.model, case.input_shape, 10, case.depth, case.width, "relu", case.batch_norm, "kaiming_normal"
    )
    network = build_network(shape).eval()
    x = torch.rand(SAMPLES, int(np.prod(case.input_shape)))

    @torch.inference_mode()
    def run() -> None:
        for _ in range(case.steps * case.replicas):
            network(x)

    return run, lambda _: None


def compare_evolution(*cases: Case) -> list[Row]:
    """Measuring after every step against training; the networks are the same bit for bit."""
    rows = []
    for case in cases:
        followed, alone = side(_followed, case), side(_alone, case)
        for name, tensor in alone.result.items():
            np.testing.assert_array_equal(followed.result[name], tensor)
        passes = side(forward, case, repeat=1)
        measuring = Measured(followed.seconds - alone.seconds, followed.peak_mb, None)
        rows.append(
            Row(
                case.name,
                f"measuring the patterns of {SAMPLES:,} samples after every step; {case.what}",
                "the training itself",
                f"<= {TOLERATED:g}x the training",
                measuring,
                Measured(alone.seconds, alone.peak_mb, None),
                measuring.seconds <= TOLERATED * alone.seconds,
                f"{measuring.seconds / alone.seconds:.1f}x the training; forward passes in one batch, without counting "
                f"anything, {passes.seconds / alone.seconds:.1f}x",
            )
        )
    return rows


def _followed(case: Case) -> Any:
    return train(case, measured=True)


def _alone(case: Case) -> Any:
    return train(case, measured=False)
