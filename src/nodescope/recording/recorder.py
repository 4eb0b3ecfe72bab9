"""Run the nets of a configuration over a data set and write what every node does.

Memory: as many layers as `BUFFER_BYTES` holds, at least one; where a network has more, it runs once per group of them.
Dimension letters: B batch, J node, N sample, P position.
"""

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from nodescope.datasets import PreparedDataset
from nodescope.networks import HiddenActivation, hidden_layers, load_network
from nodescope.networks.hooks import hooked
from nodescope.recording.parquet import LayerMetadata, Summary, write
from nodescope.study.layout import activation_path, model_path

logger = logging.getLogger(__name__)

#: Of a batch: the samples and the pre-activations of all layers, so that little memory is taken and what one layer hands
#: to the next stays near a core (docs/performance.md); and the most samples, which fully connected networks reach.
BATCH_BYTES = 32_000_000
LARGEST_BATCH = 512

BUFFER_BYTES = 1_000_000_000


def record_configuration(
    models_folder: str | Path,
    activations_folder: str | Path,
    dataset: PreparedDataset,
    dataset_name: str,
    seeds: list[int],
    states: list[str],
    *,
    positions: str,
    random_inputs: int,
    theta_threshold: float = 0.0,
) -> None:
    """Record every state of every seed on every split; paths as in `nodescope.study.layout.activation_path`.

    Parameters
    ----------
    positions : {'summary', 'rows'}
        Of a convolution, whose nodes are its channels: a summary over the positions (see `nodescope.recording`), or each
        position as a row of its own.
    random_inputs
        Samples of the further split ``random``; 0 for none.
    theta_threshold
        In a summary, positions are counted as on where the pre-activation exceeds this.
    """
    splits = dict(dataset.splits.items())
    if random_inputs:
        dataset, splits["random"] = dataset.with_random_inputs(random_inputs)
    for seed in seeds:
        for state in states:
            network = load_network(model_path(str(models_folder), seed, state))
            for split, indices in splits.items():
                samples = indices[np.argsort(dataset.labels(indices), kind="stable")]
                path = activation_path(str(activations_folder), seed, state, split, "output")
                record_network(network, dataset, dataset_name, samples, path.parent, positions, theta_threshold)
            logger.info("recorded seed %d, %s", seed, state)


@torch.inference_mode()
def record_network(
    network: nn.Module,
    dataset: PreparedDataset,
    dataset_name: str,
    samples: NDArray[np.int64],
    folder: str | PurePath,
    positions: str,
    theta_threshold: float = 0.0,
) -> None:
    """Record all hidden layers and the output of one net on the given samples, which are sorted by label."""
    hidden = list(hidden_layers(network).values())
    modules: list[nn.Module] = [*hidden, network]
    functions = [*(module.function for module in hidden), "identity"]
    slopes = [*(module.learned_slope() for module in hidden), None]
    names = [*hidden_layers(network), "output"]
    first = dataset.inputs(samples[:1])
    shapes = _layer_shapes(network, modules, first)
    batch = batch_size(shapes, math.prod(first.shape[1:]))
    summarised = [positions == "summary" and len(shape) > 1 for shape in shapes]
    kept = [4 * shape[0] if of_layer else math.prod(shape) for shape, of_layer in zip(shapes, summarised, strict=True)]
    for group in _groups([4 * len(samples) * values for values in kept]):
        keepers: list[_Keeper] = [
            _summary(shapes[i], len(samples), theta_threshold) if summarised[i] else _Each(shapes[i], len(samples))
            for i in group
        ]
        _run(network, [modules[i] for i in group], keepers, dataset, samples, batch)
        for index in group:
            layer = "output" if index == len(hidden) else f"layer-{index + 1}"
            metadata = LayerMetadata(
                dataset=dataset_name,
                layer=layer,
                activation=functions[index],
                node_shape=shapes[index],
                class_names=tuple(dataset.class_names),
                name=names[index],
                parameters={} if (slope := slopes[index]) is None else {"slope": slope},
                holds="summary" if summarised[index] else "each",
                theta_threshold=float(theta_threshold) if summarised[index] else None,
            )
            labels = dataset.labels(samples).astype(np.int32)
            write(f"{folder}/{layer}.parquet", keepers.pop(0).finished(), labels, samples.astype(np.int32), metadata)


class _Keeper(Protocol):
    """Keeps of a layer what is recorded."""

    def add(self, z: torch.Tensor, a: torch.Tensor, samples: slice) -> None:
        """Take in pre-activations and activations [B, J] or [B, J, ...] of some samples."""

    def finished(self) -> NDArray[np.float32] | Summary:
        """What is written."""


class _Each:
    """Keeps every pre-activation."""

    def __init__(self, shape: tuple[int, ...], n_samples: int) -> None:
        self._z_JNP = np.empty((shape[0], n_samples, *shape[1:]), np.float32)

    def add(self, z: torch.Tensor, a: torch.Tensor, samples: slice) -> None:
        self._z_JNP[:, samples] = _nodes_first(z).reshape(self._z_JNP[:, samples].shape)

    def finished(self) -> NDArray[np.float32]:
        return self._z_JNP.reshape(len(self._z_JNP), -1)


def _nodes_first(z: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = z.transpose(0, 1).numpy()
    return array


def _summary(shape: tuple[int, ...], n_samples: int, theta_threshold: float) -> _Keeper:
    from nodescope.recording.summarising import LayerSummary  # compiles loops, which other layers do without

    return LayerSummary(shape[0], n_samples, shape[1], theta_threshold)


def batch_size(shapes: list[tuple[int, ...]], inputs: int) -> int:
    """Samples that run through a network together, from the shapes of its layers and the values of one sample.

    It depends on nothing else, so that a network's values are the same to the last bit wherever it is recorded.
    """
    return max(1, min(LARGEST_BATCH, BATCH_BYTES // (4 * (inputs + sum(map(math.prod, shapes))))))


def _groups(layer_bytes: list[int]) -> Iterator[list[int]]:
    """Consecutive layers whose values fit into the buffer together."""
    group: list[int] = []
    n_bytes = 0
    for index, added in enumerate(layer_bytes):
        if group and n_bytes + added > BUFFER_BYTES:
            yield group
            group, n_bytes = [], 0
        group.append(index)
        n_bytes += added
    yield group


def _layer_shapes(network: nn.Module, modules: list[nn.Module], x: NDArray[np.float32]) -> list[tuple[int, ...]]:
    """The shape of one sample's pre-activations in each layer, (J,) or (J, positions), seen on one."""
    shapes: dict[int, tuple[int, ...]] = {}

    def look(index: int) -> Look:
        def see(z: torch.Tensor, a: torch.Tensor) -> None:
            n_positions = math.prod(z.shape[2:])
            shapes[index] = (z.shape[1], n_positions) if n_positions > 1 else (z.shape[1],)

        return see

    with _watched(modules, [look(index) for index in range(len(modules))]):
        network(torch.from_numpy(x))
    return [shapes[index] for index in range(len(modules))]


Look = Callable[[torch.Tensor, torch.Tensor], None]


@contextmanager
def _watched(modules: list[nn.Module], looks: list[Look]) -> Iterator[None]:
    """Look at the pre-activations and activations of hidden layers; of the network's output both are the logits."""
    with hooked(module.register_forward_hook(_hook(module, look)) for module, look in zip(modules, looks, strict=True)):
        yield


def _hook(module: nn.Module, look: Look) -> Callable[[nn.Module, tuple[torch.Tensor, ...], torch.Tensor], None]:
    is_hidden = isinstance(module, HiddenActivation)
    return lambda _, inputs, output: look(inputs[0] if is_hidden else output, output)


def _run(
    network: nn.Module,
    modules: list[nn.Module],
    keepers: list[_Keeper],
    dataset: PreparedDataset,
    samples: NDArray[np.int64],
    batch: int,
) -> None:
    """Let the keepers see some layers, in one run over all samples."""
    seen = slice(0, 0)

    def look(keeper: _Keeper) -> Look:
        return lambda z, a: keeper.add(z, a, seen)

    with _watched(modules, [look(keeper) for keeper in keepers]):
        for begin in range(0, len(samples), batch):
            seen = slice(begin, min(begin + batch, len(samples)))
            network(torch.from_numpy(dataset.inputs(samples[seen])))
