"""Initial weights, drawn with NumPy so that a seed gives the same network on every device."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from nodescope.activation_functions import ACTIVATION_FUNCTIONS


def default_initialisation(activation: str) -> str:
    """He normal for the ReLU family, Xavier normal for the others (methods, section 1)."""
    return "kaiming_normal" if ACTIVATION_FUNCTIONS[activation].rectifying else "xavier_normal"


def draw_weight(initialisation: str, n_in: int, n_out: int, random: np.random.Generator) -> NDArray[np.float64]:
    """One weight matrix [n_in, n_out].

    Standard deviations: Kaiming (He et al. 2015) sqrt(2 / n_in), Xavier (Glorot & Bengio 2010)
    sqrt(2 / (n_in + n_out)), LeCun sqrt(1 / n_in); uniform variants have the same standard deviation.
    Orthogonal: orthonormal rows or columns, whichever fit.
    """
    if initialisation == "orthogonal":
        q, r = np.linalg.qr(random.standard_normal((max(n_in, n_out), min(n_in, n_out))))
        q *= np.sign(np.diag(r))
        return q if n_in >= n_out else q.T
    scheme, distribution = initialisation.split("_")
    variance = {"kaiming": 2 / n_in, "xavier": 2 / (n_in + n_out), "lecun": 1 / n_in}[scheme]
    if distribution == "normal":
        return random.standard_normal((n_in, n_out)) * math.sqrt(variance)
    limit = math.sqrt(3 * variance)
    return random.uniform(-limit, limit, (n_in, n_out))


@torch.no_grad()
def initialise(network: nn.Module, initialisation: str, random: np.random.Generator) -> None:
    """Draw every weight matrix of a network in the order of its modules; biases start at 0, normalisation at 1 and 0."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            drawn = draw_weight(initialisation, module.in_features, module.out_features, random)
            module.weight.copy_(torch.from_numpy(drawn.T))
            if module.bias is not None:
                module.bias.zero_()
