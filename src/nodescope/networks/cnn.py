"""A small convolutional network (Park 2022). Dimension letters: B batch, K class."""

import torch
from torch import nn
from torch.nn import functional

from nodescope.families.cnn import FAMILY
from nodescope.families.layers import LinearMap, linear_maps
from nodescope.families.shape import NetworkShape
from nodescope.networks.convolutional import ImageNetwork, NormalisedActivation, convolution, linear
from nodescope.networks.hidden import HiddenActivation

Tensor = torch.Tensor


class ConvolutionLayer(NormalisedActivation):
    """Convolution, optional normalisation, activation function."""

    def __init__(self, of: LinearMap, activation: str, *, batch_norm: bool) -> None:
        super().__init__(of.nodes, activation, batch_norm=batch_norm)
        self.conv = convolution(of)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.conv(x))


class LinearLayer(nn.Module):
    """Linear map, optional normalisation, activation function."""

    def __init__(self, of: LinearMap, activation: str, *, batch_norm: bool) -> None:
        super().__init__()
        self.linear = linear(of)
        self.norm = nn.BatchNorm1d(of.nodes) if batch_norm else nn.Identity()
        self.activation = HiddenActivation(activation)

    def forward(self, x: Tensor) -> Tensor:
        a: Tensor = self.activation(self.norm(self.linear(x)))
        return a


class SmallConvolutionalNetwork(ImageNetwork):
    """Three convolutions, the first two followed by max-pooling, a hidden linear layer, a linear output."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__(shape)
        maps = linear_maps(FAMILY.layers(shape))
        self.layer_1 = ConvolutionLayer(maps["layer_1.conv"], shape.activation, batch_norm=shape.batch_norm)
        self.layer_2 = ConvolutionLayer(maps["layer_2.conv"], shape.activation, batch_norm=shape.batch_norm)
        self.layer_3 = ConvolutionLayer(maps["layer_3.conv"], shape.activation, batch_norm=shape.batch_norm)
        self.layer_4 = LinearLayer(maps["layer_4.linear"], shape.activation, batch_norm=shape.batch_norm)
        self.output = linear(maps["output"])

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, K]."""
        x = functional.max_pool2d(self.layer_1(self.images(x)), 2)
        x = functional.max_pool2d(self.layer_2(x), 2)
        x = self.layer_3(x).flatten(1)
        logits: Tensor = self.output(self.layer_4(x))
        return logits


build = SmallConvolutionalNetwork
