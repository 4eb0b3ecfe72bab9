"""Run the nets of a configuration over a data set and write what every node does.

Memory: the pre-activations of one layer, and those of the layer before it from which they are computed.
"""

import logging
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nodescope.datasets import PreparedDataset
from nodescope.grid import activation_path, model_path
from nodescope.models import FullyConnected, load_network
from nodescope.recording.parquet import LayerMetadata, write

logger = logging.getLogger(__name__)

CHUNK = 512  # samples at a time: their values stay in a core's cache until they are turned over


def record_configuration(
    models_folder: str | Path,
    activations_folder: str | Path,
    dataset: PreparedDataset,
    dataset_name: str,
    seeds: list[int],
    states: list[str],
) -> None:
    """Record every state of every seed on every split; paths as in `nodescope.grid.activation_path`."""
    for seed in seeds:
        for state in states:
            network = load_network(model_path(str(models_folder), seed, state))
            for split, indices in dataset.splits.items():
                samples = indices[np.argsort(dataset.labels(indices), kind="stable")]
                record_network(network, dataset, dataset_name, samples, activations_folder, seed, state, split)
            logger.info("recorded seed %d, %s", seed, state)


@torch.inference_mode()
def record_network(
    network: FullyConnected,
    dataset: PreparedDataset,
    dataset_name: str,
    samples: NDArray[np.int64],
    folder: str | Path,
    seed: int,
    state: str,
    split: str,
) -> None:
    """Record all layers of one net on the given samples, which are sorted by label."""
    labels = dataset.labels(samples).astype(np.int32)
    shape = network.shape

    def write_layer(layer: int | str, z_JN: NDArray[np.float32], activation: str) -> None:
        path = activation_path(str(folder), seed, state, split, layer)
        metadata = LayerMetadata(
            dataset=dataset_name,
            layer=path.stem,
            activation=activation,
            node_shape=(len(z_JN),),
            class_names=tuple(dataset.class_names),
        )
        write(str(path), z_JN, labels, samples.astype(np.int32), metadata)

    previous_JN: NDArray[np.float32] | None = None
    for index in range(shape.depth + 1):
        is_output = index == shape.depth
        n_nodes = shape.n_classes if is_output else shape.width
        z_JN = np.empty((n_nodes, len(samples)), np.float32)
        for begin in range(0, len(samples), CHUNK):
            chunk = slice(begin, begin + CHUNK)
            if previous_JN is None:
                a_NJ = torch.from_numpy(dataset.inputs(samples[chunk]))
            else:
                a_NJ = network.layer(index - 1).activation(torch.from_numpy(previous_JN[:, chunk]).T)
            z_NJ = network.output(a_NJ) if is_output else network.layer(index).pre_activation(a_NJ)
            z_JN[:, chunk] = z_NJ.T.numpy()
        write_layer("output" if is_output else index + 1, z_JN, "identity" if is_output else shape.activation)
        previous_JN = z_JN
