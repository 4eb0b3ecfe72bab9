"""What is known of the layers of a network before it is built."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

#: Of a network's last layer, whose outputs are its logits.
OUTPUT_ACTIVATION = "identity"


@dataclass(frozen=True)
class LinearMap:
    """A fully connected map or a convolution.

    Attributes
    ----------
    name : str
        Of its module in the network.
    inputs, nodes : int
        Features or channels that it takes and gives.
    positions : tuple of int
        (rows, columns) of what a convolution gives; () for a fully connected map.
    kernel, stride : int
        Length of the kernel's sides, and how far apart its positions are. Both 1 for a fully connected map.
    bias : bool
        Whether each node has a bias.
    is_shortcut : bool
        Whether it lies on a shortcut past other maps.
    """

    name: str
    inputs: int
    nodes: int
    positions: tuple[int, ...] = ()
    kernel: int = 1
    stride: int = 1
    bias: bool = False
    is_shortcut: bool = False

    @property
    def kind(self) -> str:
        """``convolution`` or ``linear``."""
        return "convolution" if self.positions else "linear"

    @property
    def fan_in(self) -> int:
        """Weights of one node, its bias not counted."""
        return self.inputs * self.kernel**2

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.nodes * (self.fan_in + self.bias)

    @property
    def values(self) -> int:
        """Values that it gives for one sample, at every position."""
        return self.nodes * math.prod(self.positions)

    @property
    def multiply_adds(self) -> int:
        """Of one sample's way forward."""
        return self.values * self.fan_in


@dataclass(frozen=True)
class Layer:
    """A layer as it is recorded: pre-activations that enter an activation function, or the network's output.

    A parameter belongs to the first layer whose pre-activations depend on it; the slope of a PReLU belongs to its own.
    The parameters of a network are thus the sum over its layers.

    Attributes
    ----------
    name : str
        Of its module in the network.
    nodes : int
        Of a convolutional layer: channels.
    positions : tuple of int
        (rows, columns) at which each node has a value; () for a fully connected layer.
    activation : str
        The activation function that its pre-activations enter.
    maps : tuple of LinearMap
        Those between the layer before it, or the sample, and this one, in the order in which the network has them.
    other_parameters : int
        Beside the weights and biases of its maps: of normalisations, scalar factors and biases, PReLU.
    """

    name: str
    nodes: int
    positions: tuple[int, ...]
    activation: str
    maps: tuple[LinearMap, ...]
    other_parameters: int = 0

    @property
    def last_map(self) -> LinearMap:
        """The last of its maps that lies on no shortcut."""
        return [each for each in self.maps if not each.is_shortcut][-1]

    @property
    def kind(self) -> str:
        """``convolution`` or ``linear``, as its last map."""
        return self.last_map.kind

    @property
    def fan_in(self) -> int:
        """Weights of one node in its last map, its bias not counted."""
        return self.last_map.fan_in

    @property
    def parameters(self) -> int:
        """Of its maps and beside them."""
        return sum(each.parameters for each in self.maps) + self.other_parameters

    @property
    def values(self) -> int:
        """Pre-activations of one sample, at every position."""
        return self.nodes * math.prod(self.positions)


def linear_maps(layers: Iterable[Layer]) -> dict[str, LinearMap]:
    """The linear maps of a network by name, in the order in which it has them."""
    return {each.name: each for layer in layers for each in layer.maps}


def output_layer(output: LinearMap, other_parameters: int = 0) -> Layer:
    """The last layer of a network."""
    return Layer(output.name, output.nodes, (), OUTPUT_ACTIVATION, (output,), other_parameters)


def halved(positions: tuple[int, ...], times: int = 1) -> tuple[int, ...]:
    """Rows and columns after strides of 2 with padding: rounded up.

    >>> halved((7, 8), 2)
    (2, 2)
    """
    return tuple(math.ceil(length / 2**times) for length in positions)
