"""The torch form of each activation function of `nodescope.activation_functions`."""

from collections.abc import Callable

import torch
from torch.nn import functional

Tensor = torch.Tensor

TORCH_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda z: z,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "selu": functional.selu,
    "softplus": functional.softplus,
    "gelu": functional.gelu,
    "silu": functional.silu,
}
