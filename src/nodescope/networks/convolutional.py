"""Networks for images: convolutions in three stages, with and without shortcuts, and a small plain one.

Dimension letters: B batch, C channel, H row, W column, K class. Samples come as [B, C, H, W] or flat [B, C*H*W].
What the hidden layers and the modules with weights are called stands in `nodescope.families.architectures`.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from nodescope.families.architectures import STAGES, blocks_per_stage
from nodescope.networks.hidden import HiddenActivation
from nodescope.networks.shape import NetworkShape

Tensor = torch.Tensor

#: Channels of PyramidNet's last block by those of its stem: 100 / 16 in the published net.
PYRAMID_WIDENING = 6.25
#: Nodes of the small network's linear layer by channels of its convolutions: 512 / 16 in the published net.
CNN_LINEAR_FACTOR = 32


class ImageNetwork(nn.Module):
    """A network that takes images also where they come flat."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.shape = shape

    def images(self, x: Tensor) -> Tensor:
        """Samples [B, C, H, W]."""
        return x.reshape(-1, *self.shape.input_shape)


def convolution(n_in: int, n_out: int, *, stride: int = 1, bias: bool) -> nn.Conv2d:
    """A 3x3 convolution that keeps the size, or halves it with a stride of 2."""
    return nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=bias)


def normalisation(channels: int, *, batch_norm: bool) -> nn.Module:
    """Batch normalisation of channels, or nothing."""
    return nn.BatchNorm2d(channels) if batch_norm else nn.Identity()


def zero_padded(x: Tensor, channels: int) -> Tensor:
    """``x`` [B, C, H, W] with channels of zeros behind its own."""
    return functional.pad(x, (0, 0, 0, 0, 0, channels - x.shape[1]))


def add_stages(network: nn.Module, blocks: list[nn.Module]) -> None:
    """Register blocks as ``stage_1.block_1`` ...; as many in each stage."""
    per_stage = len(blocks) // STAGES
    for stage in range(STAGES):
        members = blocks[stage * per_stage : (stage + 1) * per_stage]
        named = nn.Sequential()
        for number, block in enumerate(members, start=1):
            named.add_module(f"block_{number}", block)
        network.add_module(f"stage_{stage + 1}", named)


def strides(per_stage: int) -> list[int]:
    """The stride of every block: 2 in the first block of the second and third stage."""
    return [2 if stage > 0 and block == 0 else 1 for stage in range(STAGES) for block in range(per_stage)]


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

    def __init__(self, n_in: int, n_out: int, stride: int, activation: str, *, batch_norm: bool) -> None:
        super().__init__(n_in, activation, batch_norm=batch_norm)
        self.conv = convolution(n_in, n_out, stride=stride, bias=not batch_norm)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(super().forward(x))
        return y


class PreActivationBlock(nn.Module):
    """Two pre-activated convolutions; with a shortcut past both (option A of He et al.: subsample, pad with zeros)."""

    def __init__(
        self, n_in: int, n_out: int, stride: int, activation: str, *, batch_norm: bool, shortcut: bool
    ) -> None:
        super().__init__()
        self.layer_1 = PreActivated(n_in, n_out, stride, activation, batch_norm=batch_norm)
        self.layer_2 = PreActivated(n_out, n_out, 1, activation, batch_norm=batch_norm)
        self.stride = stride
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer_2(self.layer_1(x))
        if not self.shortcut:
            return y
        return y + zero_padded(x[..., :: self.stride, :: self.stride], y.shape[1])


class PyramidBlock(nn.Module):
    """Normalise, convolve, normalise, activate, convolve, normalise; a shortcut by average pooling and zeros."""

    def __init__(self, n_in: int, n_out: int, stride: int, activation: str, *, batch_norm: bool) -> None:
        super().__init__()
        self.layer_1 = nn.Sequential()
        self.layer_1.add_module("norm", normalisation(n_in, batch_norm=batch_norm))
        self.layer_1.add_module("conv", convolution(n_in, n_out, stride=stride, bias=not batch_norm))
        self.layer_2 = PreActivated(n_out, n_out, 1, activation, batch_norm=batch_norm)
        self.norm = normalisation(n_out, batch_norm=batch_norm)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.layer_2(self.layer_1(x)))
        if self.stride > 1:
            x = functional.avg_pool2d(x, self.stride, ceil_mode=True)
        return y + zero_padded(x, y.shape[1])


class StagedNetwork(ImageNetwork):
    """A stem, three stages of blocks, a last normalised activation, the mean over positions, a linear output.

    Parameters
    ----------
    channels
        Of the stem and of every block.
    block
        Makes a block from its numbers of input and output channels and its stride.
    normalised_stem
        Whether the stem has a normalisation of its own.
    """

    def __init__(
        self,
        shape: NetworkShape,
        channels: list[int],
        block: Callable[[int, int, int], nn.Module],
        *,
        normalised_stem: bool = False,
    ) -> None:
        super().__init__(shape)
        self.stem = nn.Sequential()
        self.stem.add_module("conv", convolution(shape.input_shape[0], channels[0], bias=not shape.batch_norm))
        if normalised_stem:
            self.stem.add_module("norm", normalisation(channels[0], batch_norm=shape.batch_norm))
        per_stage = (len(channels) - 1) // STAGES
        sizes = zip(pairwise(channels), strides(per_stage), strict=True)
        add_stages(self, [block(n_in, n_out, stride) for (n_in, n_out), stride in sizes])
        self.final = NormalisedActivation(channels[-1], shape.activation, batch_norm=shape.batch_norm)
        self.output = nn.Linear(channels[-1], shape.n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, K]."""
        x = self.stem(self.images(x))
        for stage in range(1, STAGES + 1):
            x = self.get_submodule(f"stage_{stage}")(x)
        logits: Tensor = self.output(self.final(x).mean((2, 3)))
        return logits


def pre_activation_network(shape: NetworkShape, *, shortcut: bool, widening: int) -> StagedNetwork:
    """ResNet-(6n+2) with pre-activation (He et al. 2016), or the same without its shortcuts.

    Parameters
    ----------
    widening
        By what factor each further stage is wider than the one before it; the first has the shape's width.
    """
    per_stage = blocks_per_stage(shape.depth)
    channels = [shape.width, *(shape.width * widening**stage for stage in range(STAGES) for _ in range(per_stage))]

    def block(n_in: int, n_out: int, stride: int) -> nn.Module:
        return PreActivationBlock(n_in, n_out, stride, shape.activation, batch_norm=shape.batch_norm, shortcut=shortcut)

    return StagedNetwork(shape, channels, block)


def pyramid_network(shape: NetworkShape) -> StagedNetwork:
    """PyramidNet-(6n+2) with additive widening (Han et al. 2017): each block is wider than the last by as much."""
    blocks = STAGES * blocks_per_stage(shape.depth)
    step = (PYRAMID_WIDENING - 1) * shape.width / blocks
    channels = [round(shape.width + step * block) for block in range(blocks + 1)]

    def block(n_in: int, n_out: int, stride: int) -> nn.Module:
        return PyramidBlock(n_in, n_out, stride, shape.activation, batch_norm=shape.batch_norm)

    return StagedNetwork(shape, channels, block, normalised_stem=True)


class ConvolutionLayer(NormalisedActivation):
    """Convolution, optional normalisation, activation function."""

    def __init__(self, n_in: int, n_out: int, activation: str, *, batch_norm: bool) -> None:
        super().__init__(n_out, activation, batch_norm=batch_norm)
        self.conv = convolution(n_in, n_out, bias=not batch_norm)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.conv(x))


class LinearLayer(nn.Module):
    """Linear map, optional normalisation, activation function."""

    def __init__(self, n_in: int, n_out: int, activation: str, *, batch_norm: bool) -> None:
        super().__init__()
        self.linear = nn.Linear(n_in, n_out, bias=not batch_norm)
        self.norm = nn.BatchNorm1d(n_out) if batch_norm else nn.Identity()
        self.activation = HiddenActivation(activation)

    def forward(self, x: Tensor) -> Tensor:
        a: Tensor = self.activation(self.norm(self.linear(x)))
        return a


class SmallConvolutionalNetwork(ImageNetwork):
    """Three convolutions, the first two followed by max-pooling, a hidden linear layer, a linear output (Park 2022)."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__(shape)
        channels, rows, columns = shape.input_shape
        width, n_nodes = shape.width, CNN_LINEAR_FACTOR * shape.width
        positions = (rows // 4) * (columns // 4)
        self.layer_1 = ConvolutionLayer(channels, width, shape.activation, batch_norm=shape.batch_norm)
        self.layer_2 = ConvolutionLayer(width, width, shape.activation, batch_norm=shape.batch_norm)
        self.layer_3 = ConvolutionLayer(width, width, shape.activation, batch_norm=shape.batch_norm)
        self.layer_4 = LinearLayer(width * positions, n_nodes, shape.activation, batch_norm=shape.batch_norm)
        self.output = nn.Linear(n_nodes, shape.n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, K]."""
        x = functional.max_pool2d(self.layer_1(self.images(x)), 2)
        x = functional.max_pool2d(self.layer_2(x), 2)
        x = self.layer_3(x).flatten(1)
        logits: Tensor = self.output(self.layer_4(x))
        return logits
