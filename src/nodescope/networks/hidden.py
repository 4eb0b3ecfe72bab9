"""What every network has in common: hidden layers, each with pre-activations that enter an activation function."""

import torch
from torch import nn

from nodescope.networks.torch_activations import TORCH_ACTIVATIONS
from nodescope.numerics.activation_functions import PRELU_SLOPE

Tensor = torch.Tensor


class HiddenActivation(nn.Module):
    """The activation function of one hidden layer; what enters it are the layer's pre-activations ``z``.

    The input is [B, J] in a fully connected layer, [B, J, row, column] in a convolution, whose nodes are its channels.
    A network registers these modules in the order in which it computes them, and uses each once.

    Attributes
    ----------
    function : str
        Name of the activation function.
    slope : Parameter or None
        Of ``prelu``: the slope below zero, one number per layer, trained with the weights.
    """

    def __init__(self, function: str) -> None:
        super().__init__()
        self.function = function
        self.slope = nn.Parameter(torch.tensor(PRELU_SLOPE)) if function == "prelu" else None

    def forward(self, z: Tensor) -> Tensor:
        if self.slope is not None:
            return torch.where(z > 0, z, self.slope * z)
        return TORCH_ACTIVATIONS[self.function](z)

    def learned_slope(self) -> float | None:
        """The slope of a PReLU below zero, which recorded activations need; None for other functions."""
        return None if self.slope is None else float(self.slope.detach())


def hidden_layers(network: nn.Module) -> dict[str, HiddenActivation]:
    """The hidden layers of a network by name, in the order of computation; layer 1 of tables is the first.

    To see the pre-activations, put a ``register_forward_pre_hook`` on the module.
    """
    return {
        name.removesuffix(".activation"): module
        for name, module in network.named_modules()
        if isinstance(module, HiddenActivation)
    }
