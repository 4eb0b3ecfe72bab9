"""Run the nets of a configuration over a data set and write what every node does.

Memory: as many layers as `BUFFER_BYTES` holds, at least one; where a network has more, it runs once per group of them.
Dimension letters: B batch, J node, N sample, P position.
"""

import logging
import math
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.hooks import RemovableHandle

from nodescope.datasets import PreparedDataset
from nodescope.grid import activation_path, model_path
from nodescope.models import HiddenActivation, hidden_layers, load_network
from nodescope.recording.parquet import LayerMetadata, write

logger = logging.getLogger(__name__)

CHUNK = 512  # samples at a time: their values stay in a core's cache until they are turned over

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
) -> None:
    """Record every state of every seed on every split; paths as in `nodescope.grid.activation_path`.

    Parameters
    ----------
    positions : {'mean', 'max', 'rows'}
        Of a convolution, whose nodes are its channels: the mean or the largest value over the positions is recorded,
        or each position as a row of its own.
    random_inputs
        Samples of the further split ``random``; 0 for none.
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
                record_network(network, dataset, dataset_name, samples, path.parent, positions)
            logger.info("recorded seed %d, %s", seed, state)


@torch.inference_mode()
def record_network(
    network: nn.Module,
    dataset: PreparedDataset,
    dataset_name: str,
    samples: NDArray[np.int64],
    folder: str | PurePath,
    positions: str,
) -> None:
    """Record all hidden layers and the output of one net on the given samples, which are sorted by label."""
    hidden = list(hidden_layers(network).values())
    modules: list[nn.Module] = [*hidden, network]
    functions = [*(module.function for module in hidden), "identity"]
    slopes = [*(module.learned_slope() for module in hidden), None]
    shapes = _layer_shapes(network, modules, dataset.inputs(samples[:1]), positions)
    for group in _groups(shapes, len(samples)):
        recorded = _run(network, [modules[i] for i in group], [shapes[i] for i in group], dataset, samples, positions)
        for index in group:
            layer = "output" if index == len(hidden) else f"layer-{index + 1}"
            metadata = LayerMetadata(
                dataset=dataset_name,
                layer=layer,
                activation=functions[index],
                node_shape=shapes[index],
                class_names=tuple(dataset.class_names),
                slope=slopes[index],
            )
            labels = dataset.labels(samples).astype(np.int32)
            write(f"{folder}/{layer}.parquet", recorded.pop(0), labels, samples.astype(np.int32), metadata)


def _groups(shapes: list[tuple[int, ...]], n_samples: int) -> Iterator[list[int]]:
    """Consecutive layers whose values fit into the buffer together."""
    group: list[int] = []
    n_bytes = 0
    for index, shape in enumerate(shapes):
        added = 4 * n_samples * math.prod(shape)
        if group and n_bytes + added > BUFFER_BYTES:
            yield group
            group, n_bytes = [], 0
        group.append(index)
        n_bytes += added
    yield group


def _layer_shapes(
    network: nn.Module, modules: list[nn.Module], x: NDArray[np.float32], positions: str
) -> list[tuple[int, ...]]:
    """What is recorded of each layer for one sample, (J,) or (J, positions), seen on one."""
    shapes: list[tuple[int, ...]] = []
    handles = [_watch(m, lambda z: shapes.append(tuple(_nodes_first(z, positions).shape[::2]))) for m in modules]
    network(torch.from_numpy(x))
    for handle in handles:
        handle.remove()
    return [shape if positions == "rows" and shape[1] > 1 else shape[:1] for shape in shapes]


def _nodes_first(z: torch.Tensor, positions: str) -> torch.Tensor:
    """[J, B, position] of [B, J] or [B, J, row, column]; one position where they are reduced."""
    z_BJP = z.flatten(2) if z.ndim > 2 else z[:, :, None]
    if positions == "mean":
        z_BJP = z_BJP.mean(dim=2, keepdim=True)
    elif positions == "max":
        z_BJP = z_BJP.amax(dim=2, keepdim=True)
    return z_BJP.transpose(0, 1)


def _watch(module: nn.Module, look: Callable[[torch.Tensor], None]) -> RemovableHandle:
    """Look at the pre-activations of a hidden layer, or at the output of the network."""
    if isinstance(module, HiddenActivation):
        return module.register_forward_pre_hook(lambda _, inputs: look(inputs[0]))
    return module.register_forward_hook(lambda _, __, output: look(output))


def _run(
    network: nn.Module,
    modules: list[nn.Module],
    shapes: list[tuple[int, ...]],
    dataset: PreparedDataset,
    samples: NDArray[np.int64],
    positions: str,
) -> list[NDArray[np.float32]]:
    """Pre-activations [J, N * positions] of some layers, from one run over all samples."""
    buffers = [np.empty((shape[0], len(samples), *shape[1:]), np.float32) for shape in shapes]
    chunk = slice(0, 0)

    def keeper(buffer_JN: NDArray[np.float32]) -> Callable[[torch.Tensor], None]:
        def keep(z: torch.Tensor) -> None:
            kept = _nodes_first(z, positions)
            buffer_JN[:, chunk] = kept.numpy() if buffer_JN.ndim == 3 else kept[:, :, 0].numpy()

        return keep

    handles = [_watch(module, keeper(buffer)) for module, buffer in zip(modules, buffers, strict=True)]
    for begin in range(0, len(samples), CHUNK):
        chunk = slice(begin, min(begin + CHUNK, len(samples)))
        network(torch.from_numpy(dataset.inputs(samples[chunk])))
    for handle in handles:
        handle.remove()
    return [buffer.reshape(len(buffer), -1) for buffer in buffers]
