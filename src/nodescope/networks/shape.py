"""What fixes the structure of a network."""

import math
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class NetworkShape:
    """Everything that fixes the structure of a network, and how it starts.

    Attributes
    ----------
    model : str
        Of `nodescope.families.architectures.ARCHITECTURES`.
    input_shape : tuple of int
        Of one sample: (feature,) or (channel, row, column).
    n_classes : int
    depth, width : int
        Number of hidden layers and nodes in the first, as the architecture counts them.
    activation, initialisation : str
    batch_norm : bool
        Batch normalisation between linear map and activation function; linear maps then have no bias.
    bias : {'first_layer', 'all', 'all_and_output', 'none'}
        Which hidden layers of an mlp have a bias where there is no batch normalisation. Its output layer has one with
        ``all_and_output`` only, and then always.
    taper : float
        Width of each hidden layer of an mlp over that of the layer before.
    layer_norm, skip_connections : bool
        Of an mlp: layer normalisation before the activation function; the input of a hidden layer is added to its
        output where their widths agree.
    dropout : float
        Share of the activations of each hidden layer of an mlp that is dropped in training.
    batch_norm_scale : {'constant', 'uniform'}
        What the factors of batch normalisation start with: 1, or numbers drawn from U(0, 1).
    batch_norm_momentum, batch_norm_epsilon : float
        Share of a batch's statistics in the running ones; what is added to a variance before its root is taken.
    weights : str or None
        The file with whose weights it starts; None where they are drawn.
    """

    model: str
    input_shape: tuple[int, ...]
    n_classes: int
    depth: int
    width: int
    activation: str
    batch_norm: bool
    initialisation: str
    bias: str = "first_layer"
    taper: float = 1.0
    layer_norm: bool = False
    skip_connections: bool = False
    dropout: float = 0.0
    batch_norm_scale: str = "constant"
    batch_norm_momentum: float = 0.1
    batch_norm_epsilon: float = 1e-5
    weights: str | None = None

    @property
    def n_inputs(self) -> int:
        """Values of one sample."""
        return math.prod(self.input_shape)

    def has_bias(self, layer: int) -> bool:
        """Whether hidden layer ``layer`` (1-based) of an mlp has a bias."""
        if self.batch_norm:
            return False
        return self.bias in ("all", "all_and_output") or (self.bias == "first_layer" and layer == 1)

    @property
    def has_output_bias(self) -> bool:
        """Whether the output layer of an mlp has a bias."""
        return self.bias == "all_and_output"

    def widths(self) -> list[int]:
        """Nodes of each hidden layer of an mlp."""
        return [max(1, round(self.width * self.taper**layer)) for layer in range(self.depth)]

    def layer_sizes(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of every linear map of an mlp, the output layer last."""
        return list(pairwise([self.n_inputs, *self.widths(), self.n_classes]))
