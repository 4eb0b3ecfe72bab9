"""What networks for images are put together from.

Dimension letters: B batch, C channel, H row, W column, K class. Samples come as [B, C, H, W] or flat [B, C*H*W].
How large the maps are, and what they are called, comes from the network's family (`nodescope.families`).
"""

import torch
from torch import nn
from torch.nn import functional

from nodescope.families.layers import LinearMap
from nodescope.families.shape import NetworkShape
from nodescope.networks.hidden import HiddenActivation

Tensor = torch.Tensor


class ImageNetwork(nn.Module):
    """A network that takes images also where they come flat."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.shape = shape

    def images(self, x: Tensor) -> Tensor:
        """Samples [B, C, H, W]."""
        return x.reshape(-1, *self.shape.input_shape)


def convolution(of: LinearMap) -> nn.Conv2d:
    """A convolution of that size, padded so that it keeps the image's size, less its stride."""
    return nn.Conv2d(of.inputs, of.nodes, of.kernel, stride=of.stride, padding=of.kernel // 2, bias=of.bias)


def linear(of: LinearMap) -> nn.Linear:
    """A fully connected map of that size."""
    return nn.Linear(of.inputs, of.nodes, bias=of.bias)


def normalisation(channels: int, *, batch_norm: bool) -> nn.Module:
    """Batch normalisation of channels, or nothing."""
    return nn.BatchNorm2d(channels) if batch_norm else nn.Identity()


def zero_padded(x: Tensor, channels: int) -> Tensor:
    """``x`` [B, C, H, W] with channels of zeros behind its own."""
    return functional.pad(x, (0, 0, 0, 0, 0, channels - x.shape[1]))


class NormalisedActivation(nn.Module):
    """Normalisation and activation function."""

    def __init__(self, channels: int, activation: str, *, batch_norm: bool) -> None:
        super().__init__()
        self.norm = normalisation(channels, batch_norm=batch_norm)
        self.activation = HiddenActivation(activation)

    def forward(self, x: Tensor) -> Tensor:
        a: Tensor = self.activation(self.norm(x))
        return a


class PreActivated(NormalisedActivation):
    """Normalisation, activation function, convolution."""

    def __init__(self, of: LinearMap, activation: str, *, batch_norm: bool) -> None:
        super().__init__(of.inputs, activation, batch_norm=batch_norm)
        self.conv = convolution(of)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(super().forward(x))
        return y
