"""What fixes the structure of a network."""

import math
from dataclasses import dataclass

from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS


def default_initialisation(activation: str) -> str:
    """He normal for the ReLU family, Xavier normal for the others (methods, section 1)."""
    return "kaiming_normal" if ACTIVATION_FUNCTIONS[activation].rectifying else "xavier_normal"


@dataclass(frozen=True)
class NetworkShape:
    """Everything that fixes the structure of a network, and how it starts.

    Attributes
    ----------
    model : str
        Name of a family, see `nodescope.families.FAMILIES`.
    input_shape : tuple of int
        Of one sample: (feature,) or (channel, row, column).
    n_classes : int
    depth, width : int
        Number of hidden layers and nodes in the first, as the family counts them.
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

    @property
    def slopes_per_layer(self) -> int:
        """Trained slopes of each activation function."""
        return 1 if self.activation == "prelu" else 0

    def norm_parameters(self, nodes: int) -> int:
        """Factors and biases of batch normalisation of so many nodes or channels, where there is any."""
        return 2 * nodes if self.batch_norm else 0
