"""What every network has in common: hidden layers, each with pre-activations that enter an activation function."""

import torch
from torch import nn

from nodescope.models.torch_activations import TORCH_ACTIVATIONS

Tensor = torch.Tensor


class HiddenActivation(nn.Module):
    """The activation function of one hidden layer; what enters it are the layer's pre-activations ``z``.

    The input is [B, J] in a fully connected layer, [B, J, row, column] in a convolution, whose nodes are its channels.
    A network registers these modules in the order in which it computes them, and uses each once.
    """

    def __init__(self, function: str) -> None:
        super().__init__()
        self.function = function

    def forward(self, z: Tensor) -> Tensor:
        return TORCH_ACTIVATIONS[self.function](z)


def hidden_layers(network: nn.Module) -> dict[str, HiddenActivation]:
    """The hidden layers of a network by name, in the order of computation; layer 1 of tables is the first.

    To see the pre-activations, put a ``register_forward_pre_hook`` on the module.
    """
    return {
        name.removesuffix(".activation"): module
        for name, module in network.named_modules()
        if isinstance(module, HiddenActivation)
    }
