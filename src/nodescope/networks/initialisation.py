"""Initial weights, drawn with NumPy so that a seed gives the same network on every device."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

#: Suffixes of an initialisation's name: ReLU's gain instead of 1, and outputs instead of inputs to scale by.
RELU_GAIN = "_relu"
FAN_OUT = "_fan_out"


def draw_tensor(initialisation: str, shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.float64]:
    """The weights of a linear map [out, in] or the kernel of a convolution [out, in, row, column, ...].

    Standard deviations, with the fans counted over all positions of the kernel: Kaiming (He et al. 2015)
    sqrt(2 / fan_in), or sqrt(2 / fan_out) with the suffix ``_fan_out``; Xavier (Glorot & Bengio 2010)
    sqrt(2 / (fan_in + fan_out)); LeCun sqrt(1 / fan_in); uniform variants have the same standard deviation.
    Orthogonal: the matrix [out, in * positions] has orthonormal rows or columns, whichever fit. With the suffix
    ``_relu``, Xavier and orthogonal weights are multiplied by ReLU's gain sqrt(2). ``ones`` and ``zeros`` draw nothing.
    """
    if initialisation in ("ones", "zeros"):
        return np.full(shape, 1.0 if initialisation == "ones" else 0.0)
    positions = math.prod(shape[2:])
    n_in, n_out = shape[1] * positions, shape[0]
    gain = math.sqrt(2) if initialisation.endswith(RELU_GAIN) else 1.0
    scheme, *rest = initialisation.removesuffix(RELU_GAIN).split("_", maxsplit=1)
    if scheme == "orthogonal":
        matrix = _orthogonal(n_in, n_out, random)
    else:
        fan_out = n_out * positions
        by_outputs = initialisation.endswith(FAN_OUT)
        variances = {
            "kaiming": 2 / (fan_out if by_outputs else n_in),
            "xavier": 2 / (n_in + fan_out),
            "lecun": 1 / n_in,
        }
        matrix = _independent(rest[0].removesuffix(FAN_OUT), variances[scheme], (n_in, n_out), random)
    return np.ascontiguousarray(gain * matrix.T).reshape(shape)


@torch.no_grad()
def initialise(network: nn.Module, initialisation: str, random: np.random.Generator) -> None:
    """Draw the weights of a freshly built network, in place: linear maps and convolutions in their order.

    Their biases become zero; all other parameters stay as the modules were built. A network with a method
    ``rescale_initial_weights`` then has its say.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            drawn = draw_tensor(initialisation, tuple(module.weight.shape), random)
            module.weight.copy_(torch.from_numpy(drawn))
            if module.bias is not None:
                module.bias.zero_()
    rescale = getattr(network, "rescale_initial_weights", None)
    if rescale is not None:
        rescale()


def batch_norms(network: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    """The batch normalisations of a network, in their order."""
    return [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]


def draw_scales(sizes: list[int], seed: int) -> list[NDArray[np.float64]]:
    """Factors of batch normalisations of those sizes from U(0, 1), as PyTorch before 1.2 drew them.

    The network's seed decides, by random numbers of their own: the weights are those of a network with factors of 1.
    """
    random = np.random.default_rng([seed, 4])
    return [random.random(size) for size in sizes]


@torch.no_grad()
def draw_batch_norm_scales(network: nn.Module, seed: int) -> None:
    """Set the factors of a network's batch normalisations to `draw_scales`, in place."""
    norms = batch_norms(network)
    for norm, drawn in zip(norms, draw_scales([norm.num_features for norm in norms], seed), strict=True):
        norm.weight.copy_(torch.from_numpy(drawn))


def draw_weight(initialisation: str, n_in: int, n_out: int, random: np.random.Generator) -> NDArray[np.float64]:
    """One weight matrix [n_in, n_out], see `draw_tensor`."""
    return draw_tensor(initialisation, (n_out, n_in), random).T


def _orthogonal(n_in: int, n_out: int, random: np.random.Generator) -> NDArray[np.float64]:
    q, r = np.linalg.qr(random.standard_normal((max(n_in, n_out), min(n_in, n_out))))
    q *= np.sign(np.diag(r))
    return q if n_in >= n_out else q.T


def _independent(
    distribution: str, variance: float, shape: tuple[int, int], random: np.random.Generator
) -> NDArray[np.float64]:
    if distribution == "normal":
        return random.standard_normal(shape) * math.sqrt(variance)
    limit = math.sqrt(3 * variance)
    return random.uniform(-limit, limit, shape)
