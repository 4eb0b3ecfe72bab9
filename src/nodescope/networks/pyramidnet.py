"""PyramidNet-(6n+2) with additive widening (Han et al. 2017)."""

import torch
from torch import nn
from torch.nn import functional

from nodescope.families.layers import LinearMap
from nodescope.families.pyramidnet import FAMILY
from nodescope.families.shape import NetworkShape
from nodescope.networks.convolutional import PreActivated, convolution, normalisation, zero_padded
from nodescope.networks.stages import StagedNetwork

Tensor = torch.Tensor


class PyramidBlock(nn.Module):
    """Normalise, convolve, normalise, activate, convolve, normalise; a shortcut by average pooling and zeros."""

    def __init__(self, first: LinearMap, second: LinearMap, activation: str, *, batch_norm: bool) -> None:
        super().__init__()
        self.layer_1 = nn.Sequential()
        self.layer_1.add_module("norm", normalisation(first.inputs, batch_norm=batch_norm))
        self.layer_1.add_module("conv", convolution(first))
        self.layer_2 = PreActivated(second, activation, batch_norm=batch_norm)
        self.norm = normalisation(second.nodes, batch_norm=batch_norm)
        self.stride = first.stride

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.layer_2(self.layer_1(x)))
        if self.stride > 1:
            x = functional.avg_pool2d(x, self.stride, ceil_mode=True)
        return y + zero_padded(x, y.shape[1])


def build(shape: NetworkShape) -> nn.Module:
    """The network of a shape."""

    def block(first: LinearMap, second: LinearMap) -> nn.Module:
        return PyramidBlock(first, second, shape.activation, batch_norm=shape.batch_norm)

    return StagedNetwork(shape, FAMILY.layers(shape), block, normalised_stem=True)
