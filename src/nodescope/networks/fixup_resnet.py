"""FixUp: a residual network that trains without normalisation (Zhang, Dauphin & Ma 2019).

Weights within a residual branch start small, its last convolution and the output at zero; scalar biases and one
scalar factor per branch take the place of normalisation.
"""

import torch
from torch import nn

from nodescope.families.fixup_resnet import FAMILY
from nodescope.families.layers import LinearMap, linear_maps
from nodescope.families.shape import NetworkShape
from nodescope.networks.convolutional import ImageNetwork, convolution, linear, zero_padded
from nodescope.networks.hidden import HiddenActivation
from nodescope.networks.stages import add_stages, maps_of_blocks

Tensor = torch.Tensor


def _scalar(value: float) -> nn.Parameter:
    return nn.Parameter(torch.full((1,), value))


class Stem(nn.Module):
    """Convolution, scalar bias, activation function."""

    def __init__(self, of: LinearMap, activation: str) -> None:
        super().__init__()
        self.conv = convolution(of)
        self.bias_out = _scalar(0.0)
        self.activation = HiddenActivation(activation)

    def forward(self, x: Tensor) -> Tensor:
        a: Tensor = self.activation(self.conv(x) + self.bias_out)
        return a


class BranchLayer(nn.Module):
    """One layer of a residual branch; `branch` is what it adds before its activation function."""

    def __init__(self, of: LinearMap, activation: str, *, scaled: bool) -> None:
        super().__init__()
        self.bias_in = _scalar(0.0)
        self.conv = convolution(of)
        self.scale = _scalar(1.0) if scaled else None
        self.bias_out = _scalar(0.0)
        self.activation = HiddenActivation(activation)

    def branch(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x + self.bias_in)
        if self.scale is not None:
            y = y * self.scale
        return y + self.bias_out


class FixUpBlock(nn.Module):
    """Two convolutions and a shortcut; the second activation function comes after the sum."""

    def __init__(self, first: LinearMap, second: LinearMap, activation: str) -> None:
        super().__init__()
        self.layer_1 = BranchLayer(first, activation, scaled=False)
        self.layer_2 = BranchLayer(second, activation, scaled=True)
        self.stride = first.stride

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer_2.branch(self.layer_1.activation(self.layer_1.branch(x)))
        if self.stride > 1:
            x = (x + self.layer_1.bias_in)[..., :: self.stride, :: self.stride]
        a: Tensor = self.layer_2.activation(y + zero_padded(x, y.shape[1]))
        return a


class FixUpNetwork(ImageNetwork):
    """FixUp ResNet-(6n+2): a stem, three stages of n blocks, the mean over positions, a linear output."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__(shape)
        maps = linear_maps(FAMILY.layers(shape))
        self.stem = Stem(maps["stem.conv"], shape.activation)
        self.blocks = [FixUpBlock(first, second, shape.activation) for first, second in maps_of_blocks(shape, maps)]
        add_stages(self, self.blocks)
        self.bias_in = _scalar(0.0)
        self.output = linear(maps["output"])

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, K]."""
        x = self.stem(self.images(x))
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.output(x.mean((2, 3)) + self.bias_in)
        return logits

    @torch.no_grad()
    def rescale_initial_weights(self) -> None:
        """Turn Kaiming weights into FixUp's: first convolutions of branches times L^(-1/2), second ones and output 0.

        With L the number of residual branches and two layers in each, (Zhang et al., section 3) L^(-1 / (2m - 2)).
        """
        for block in self.blocks:
            block.layer_1.conv.weight *= len(self.blocks) ** -0.5
            block.layer_2.conv.weight.zero_()
        self.output.weight.zero_()

    def slow_parameters(self) -> list[str]:
        """Scalar biases and factors, which FixUp trains with a tenth of the learning rate."""
        return [name for name, _ in self.named_parameters() if name.endswith(("bias_in", "bias_out", "scale"))]


build = FixUpNetwork
