"""How large data sets and networks are, from the configuration alone: for plans and for what jobs ask of a cluster.

Rough for convolutional networks, within a factor of two. Imports no torch.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from nodescope.config.study import Study
from nodescope.families.architectures import BOTTLENECK_FROM, STAGES, TORCHVISION_BLOCKS
from nodescope.messages.errors import DamagedFileError
from nodescope.storage.json_files import read_json
from nodescope.study.configurations import Configuration
from nodescope.study.layout import RESULTS, description_path

#: Samples of the data sets that are known beforehand.
KNOWN_SAMPLES = {"digits": 1797, "iris": 150, "mnist": 70_000, "fmnist": 70_000, "cifar10": 60_000}
#: What is not known before the data set is prepared: as MNIST.
ASSUMED_SAMPLES = KNOWN_SAMPLES["mnist"]
ASSUMED_SHAPE = (1, 28, 28)
ASSUMED_CLASSES = 10

#: Channels of torchvision's ResNets in their four stages, and by how much the image has shrunk there.
TORCHVISION_CHANNELS = (64, 128, 256, 512)
TORCHVISION_SHRUNK = (4, 8, 16, 32)
BOTTLENECK_EXPANSION = 4


@dataclass(frozen=True)
class SampleSize:
    """Number of samples and shape of one; whether that is known."""

    samples: int
    shape: tuple[int, ...]
    known: bool = True

    @property
    def inputs(self) -> int:
        """Values of one sample."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Layer:
    """One layer with weights: nodes (of a convolution: channels), weights of one node, positions it is applied at."""

    nodes: int
    fan_in: int
    positions: int


@dataclass(frozen=True)
class NetworkSize:
    """Size of one network, its output layer included.

    Attributes
    ----------
    parameters : int
        Weights.
    multiply_adds : int
        Of one sample's way forward.
    layers : tuple of Layer
        In the order of computation.
    """

    parameters: int
    multiply_adds: int
    layers: tuple[Layer, ...]

    @property
    def values(self) -> int:
        """Pre-activations of one sample, at every position."""
        return sum(layer.nodes * layer.positions for layer in self.layers)

    @property
    def nodes(self) -> int:
        """Nodes of all layers."""
        return sum(layer.nodes for layer in self.layers)


def sample_size(study: Study, results: str | Path = RESULTS) -> SampleSize:
    """From the prepared data set where there is one, else what is known of its source."""
    try:
        description = read_json(description_path(study.dataset, results))
        return SampleSize(int(description["samples"]), tuple(int(length) for length in description["shape"]))
    except (DamagedFileError, ValueError, KeyError, TypeError):
        samples = KNOWN_SAMPLES.get(study.dataset.source, getattr(study.dataset, "samples", None))
        shape = study.dataset.sample_shape()
        is_known = samples is not None and shape is not None
        return SampleSize(samples or ASSUMED_SAMPLES, shape or ASSUMED_SHAPE, is_known)


def network_size(study: Study, configuration: Configuration, sample: SampleSize) -> NetworkSize:
    """The size of a configuration's networks."""
    depth, width = int(configuration["depth"]), int(configuration["width"])
    match configuration.model:
        case "mlp":
            taper = configuration.network(study).taper
            layers = _fully_connected(sample.inputs, [max(1, round(width * taper**layer)) for layer in range(depth)])
        case "cnn":
            layers = _small_convolutional(sample.shape, width)
        case "torchvision_resnet":
            layers = _torchvision(sample.shape, depth)
        case model:
            layers = _staged(model, sample.shape, depth, width)
    layers.append(Layer(ASSUMED_CLASSES, layers[-1].nodes, 1))
    return NetworkSize(
        parameters=sum(layer.nodes * layer.fan_in for layer in layers),
        multiply_adds=sum(layer.nodes * layer.fan_in * layer.positions for layer in layers),
        layers=tuple(layers),
    )


def _fully_connected(inputs: int, widths: list[int]) -> list[Layer]:
    return [Layer(width, fan_in, 1) for width, fan_in in zip(widths, [inputs, *widths], strict=False)]


def _pixels(shape: tuple[int, ...], shrunk: int = 1) -> int:
    return math.prod(max(1, math.ceil(length / shrunk)) for length in shape[1:])


def _small_convolutional(shape: tuple[int, ...], width: int) -> list[Layer]:
    convolutions = [
        Layer(width, 9 * channels, _pixels(shape, 2**number))
        for number, channels in enumerate((shape[0], width, width))
    ]
    return [*convolutions, Layer(32 * width, width * _pixels(shape, 4), 1)]


def _staged(model: str, shape: tuple[int, ...], depth: int, width: int) -> list[Layer]:
    per_stage = (depth - 2) // STAGES
    layers = [Layer(width, 9 * shape[0], _pixels(shape))]
    for stage in range(STAGES):
        for number in range(per_stage):
            if model == "toynet":
                channels = width
            elif model == "pyramidnet":
                channels = round(width * (1 + 5.25 * (stage * per_stage + number + 1) / (STAGES * per_stage)))
            else:
                channels = width * 2**stage
            layers.append(Layer(channels, 9 * layers[-1].nodes, _pixels(shape, 2**stage)))
    return layers


def _torchvision(shape: tuple[int, ...], depth: int) -> list[Layer]:
    layers = [Layer(64, 49 * shape[0], _pixels(shape, 2))]
    for channels, shrunk, blocks in zip(
        TORCHVISION_CHANNELS, TORCHVISION_SHRUNK, TORCHVISION_BLOCKS[depth], strict=True
    ):
        for _ in range(blocks):
            wide = BOTTLENECK_EXPANSION * channels
            kernels = ((channels, 1), (channels, 9), (wide, 1)) if depth >= BOTTLENECK_FROM else ((channels, 9),) * 2
            for nodes, kernel in kernels:
                layers.append(Layer(nodes, kernel * layers[-1].nodes, _pixels(shape, shrunk)))
    return layers
