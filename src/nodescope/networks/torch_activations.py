"""The torch form of each activation function of `nodescope.numerics.activation_functions`.

``prelu`` stands here as it is before training; its slope is learned (`nodescope.networks.HiddenActivation`).
"""

from collections.abc import Callable

import torch
from torch.nn import functional

from nodescope.numerics.activation_functions import PRELU_SLOPE

Tensor = torch.Tensor

TORCH_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda z: z,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "leaky_relu": functional.leaky_relu,
    "prelu": lambda z: functional.leaky_relu(z, PRELU_SLOPE),
    "elu": functional.elu,
    "selu": functional.selu,
    "softplus": functional.softplus,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "relu6": functional.relu6,
    "hardtanh": functional.hardtanh,
    "hardswish": functional.hardswish,
    "hardsigmoid": functional.hardsigmoid,
    "mish": functional.mish,
    "gelu_tanh": lambda z: functional.gelu(z, approximate="tanh"),
    "quick_gelu": lambda z: z * torch.sigmoid(1.702 * z),
    "softsign": functional.softsign,
}
