"""Training on all cores: fused replicas, one process per core, against a DataLoader and one net after another.

Both sides train the same nets (equal first weights, equal order of the samples). Ours also evaluates each net on all
training and validation samples after the epoch, as the product does; the rival trains only.
"""

import multiprocessing
import os
import time
from typing import Any

import numpy as np
from measure import Measured, Row, cores, side

RATE = 0.001
SAMPLES = 55_000
BATCH = 64


def _shape(width: int) -> Any:
    from nodescope.networks import NetworkShape

    return NetworkShape("mlp", (784,), 10, 4, width, "relu", False, "kaiming_normal")


def _mnist(root: str) -> Any:
    from torchvision import datasets, transforms

    return datasets.MNIST(root, train=True, transform=transforms.ToTensor())


def _accuracy(network: Any, x: Any, y: Any) -> float:
    import torch

    with torch.no_grad():
        return float((network(x).argmax(dim=1) == y).float().mean())


def ours(root: str, width: int, replicas: int, processes: int, threads: int) -> Any:
    """An epoch of ``replicas`` nets in each process; gives each process' seconds and accuracies, the first one first."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes)
    queue = context.SimpleQueue()

    def run() -> list[Any]:
        started = [
            context.Process(target=_train_stack, args=(root, width, replicas, threads, index, barrier, queue))
            for index in range(processes)
        ]
        for process in started:
            process.start()
        found = sorted(queue.get() for _ in started)
        for process in started:
            process.join()
        return found

    return run, lambda found: [of_process[1:] for of_process in found]


def _train_stack(root: str, width: int, replicas: int, threads: int, index: int, barrier: Any, queue: Any) -> None:
    import torch

    from nodescope.config.training import Training
    from nodescope.training import replicas as stack
    from nodescope.training.data import TrainingData
    from nodescope.training.state import Replica

    torch.set_num_threads(threads)
    mnist = _mnist(root)
    x = mnist.data.reshape(len(mnist.data), -1).float() / 255
    data = TrainingData(x[:SAMPLES], mnist.targets[:SAMPLES], x[SAMPLES:], mnist.targets[SAMPLES:])
    nets = [Replica(index * replicas + seed, RATE) for seed in range(replicas)]
    state = stack.start(_shape(width), nets, 1, data)
    training = Training(epochs=1, batch_size=BATCH, learning_rate_decay=1.0)
    barrier.wait()
    started = time.perf_counter()
    stack.train(_shape(width), nets, training, data, state, lambda state: None)
    seconds = time.perf_counter() - started
    queue.put((index, seconds, state.curves["validation_accuracy"][1].tolist()))


def loader(root: str, width: int) -> Any:
    """An epoch of one net as tutorials have it, all cores: data set, DataLoader with 2 workers, Sequential, Adam."""
    import torch
    from torch import nn
    from torch.utils.data import DataLoader

    from nodescope.networks import initialise_stack

    torch.set_num_threads(cores())
    mnist = _mnist(root)
    tensors = initialise_stack(_shape(width), [0]).network_tensors(0)
    linear = [nn.Linear(784 if i == 0 else width, width if i < 4 else 10, bias=i == 0) for i in range(5)]
    for i, layer in enumerate(linear):
        name = f"hidden.{i}.linear" if i < 4 else "output"
        layer.load_state_dict({key: tensors[f"{name}.{key}"] for key in layer.state_dict()})
    network = nn.Sequential(nn.Flatten(), *(part for layer in linear[:-1] for part in (layer, nn.ReLU())), linear[-1])
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    order = np.random.default_rng([0, 1, 0]).permutation(SAMPLES).tolist()
    batches = DataLoader(mnist, batch_size=BATCH, sampler=order, num_workers=2)

    def train() -> Any:
        for x, y in batches:
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(x), y).backward()
            optimiser.step()
        return network

    x = mnist.data[SAMPLES:].float() / 255
    return train, lambda net: _accuracy(net, x, mnist.targets[SAMPLES:])


def product_rate(processes: int) -> Any:
    """FLOP/s of a float32 matrix product, all processes at once."""
    context = multiprocessing.get_context("spawn")
    barrier, queue = context.Barrier(processes), context.SimpleQueue()

    def run() -> float:
        started = [context.Process(target=_multiply, args=(barrier, queue)) for _ in range(processes)]
        for process in started:
            process.start()
        rate = sum(queue.get() for _ in started)
        for process in started:
            process.join()
        return rate

    return run, lambda rate: rate


def _multiply(barrier: Any, queue: Any) -> None:
    import torch

    torch.set_num_threads(1)
    a = torch.randn(1024, 1024)
    torch.mm(a, a)
    barrier.wait()
    best = float("inf")
    for _ in range(10):
        started = time.perf_counter()
        for _ in range(5):
            torch.mm(a, a)
        best = min(best, (time.perf_counter() - started) / 5)
    queue.put(2 * 1024**3 / best)


def arithmetic(width: int) -> float:
    """FLOP that a net-epoch needs: forward, gradients of weights and of inputs but the first; two evaluations."""
    weights = [784 * width, *[width**2] * 3, width * 10]
    return 2.0 * SAMPLES * (3 * sum(weights) - weights[0]) + 2.0 * 60_000 * sum(weights)


def compare(root: str, width: int, replicas: int, reach: float, *, threads_too: bool) -> list[Row]:
    """Ours against the loader; and one process per core against one process on all."""
    os.environ["PYTHONWARNINGS"] = "ignore"
    n = cores()
    found = side(ours, root, width, replicas, n, 1, repeat=1)
    rival = side(loader, root, width, repeat=1)
    rate = side(product_rate, n, repeat=1).result
    # Each process trains its nets while the others train theirs.
    per_net = float(np.mean([seconds for seconds, _ in found.result])) / (replicas * n)
    # The net of seed 0 on both sides after the same steps, which rounding lets drift apart.
    accuracy = found.result[0][1][0]
    if abs(accuracy - rival.result) > 0.01:
        raise AssertionError(f"validation accuracy {accuracy} against {rival.result} of the same net")
    share = arithmetic(width) / per_net / rate
    remark = f"{100 * share:.0f} % of the {rate / 1e9:.0f} GFLOP/s that matrix products reach here"
    mine = Measured(per_net, found.peak_mb, None)
    reached = rival.seconds / per_net >= reach and (width < 200 or share >= 0.65)
    also = " and 65 % of the matrix-product rate" if width >= 200 else ""
    rows = [
        Row(
            f"training-{width}",
            f"training, MNIST 4x{width}, a net-epoch; {n} processes of {replicas} nets",
            "torchvision data set, DataLoader(2 workers), nn.Sequential, Adam",
            f">= {reach:g}x{also}",
            mine,
            rival,
            reached,
            remark,
        )
    ]
    if threads_too and n > 1:
        together = side(ours, root, width, replicas, 1, n, repeat=1)
        theirs = Measured(together.result[0][0] / replicas, together.peak_mb, None)
        rows.append(
            Row(
                f"processes-{width}",
                f"one process per core, 1 thread each, 4x{width}",
                f"one process with {n} threads",
                "decides `threads:` of the workflow",
                mine,
                theirs,
                None,
            )
        )
    return rows
