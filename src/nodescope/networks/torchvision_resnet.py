"""The ResNets of torchvision (He et al. 2016), with its names of tensors, so that its weight files fit.

Every use of an activation function is a module of its own here, as `nodescope.networks.hidden` wants it; torchvision
uses one several times. That both compute the same is tested.
"""

import torch
from torch import nn
from torch.nn import functional

from nodescope.families.layers import LinearMap, linear_maps
from nodescope.families.shape import NetworkShape
from nodescope.families.torchvision_resnet import BLOCKS, FAMILY, is_bottleneck
from nodescope.networks.convolutional import ImageNetwork, convolution, linear, normalisation
from nodescope.networks.hidden import HiddenActivation

Tensor = torch.Tensor

#: The maps of a block by their names within it.
Maps = dict[str, LinearMap]


def _downsample(maps: Maps, *, batch_norm: bool) -> nn.Sequential | None:
    """The shortcut's own convolution, where it has one."""
    if "downsample.0" not in maps:
        return None
    of = maps["downsample.0"]
    return nn.Sequential(convolution(of), normalisation(of.nodes, batch_norm=batch_norm))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, maps: Maps, activation: str, *, batch_norm: bool) -> None:
        super().__init__()
        self.conv1 = convolution(maps["conv1"])
        self.bn1 = normalisation(maps["conv1"].nodes, batch_norm=batch_norm)
        self.activation1 = HiddenActivation(activation)
        self.conv2 = convolution(maps["conv2"])
        self.bn2 = normalisation(maps["conv2"].nodes, batch_norm=batch_norm)
        self.downsample = _downsample(maps, batch_norm=batch_norm)
        self.activation2 = HiddenActivation(activation)

    def forward(self, x: Tensor) -> Tensor:
        y = self.activation1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        a: Tensor = self.activation2(y + (x if self.downsample is None else self.downsample(x)))
        return a


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions and a shortcut; the 3x3 one has the stride."""

    def __init__(self, maps: Maps, activation: str, *, batch_norm: bool) -> None:
        super().__init__()
        self.conv1 = convolution(maps["conv1"])
        self.bn1 = normalisation(maps["conv1"].nodes, batch_norm=batch_norm)
        self.activation1 = HiddenActivation(activation)
        self.conv2 = convolution(maps["conv2"])
        self.bn2 = normalisation(maps["conv2"].nodes, batch_norm=batch_norm)
        self.activation2 = HiddenActivation(activation)
        self.conv3 = convolution(maps["conv3"])
        self.bn3 = normalisation(maps["conv3"].nodes, batch_norm=batch_norm)
        self.downsample = _downsample(maps, batch_norm=batch_norm)
        self.activation3 = HiddenActivation(activation)

    def forward(self, x: Tensor) -> Tensor:
        y = self.activation1(self.bn1(self.conv1(x)))
        y = self.activation2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        a: Tensor = self.activation3(y + (x if self.downsample is None else self.downsample(x)))
        return a


class TorchvisionResNet(ImageNetwork):
    """ResNet-18, -34, -50, -101 or -152."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__(shape)
        maps = linear_maps(FAMILY.layers(shape))
        self.conv1 = convolution(maps["conv1"])
        self.bn1 = normalisation(maps["conv1"].nodes, batch_norm=shape.batch_norm)
        self.activation1 = HiddenActivation(shape.activation)
        block = Bottleneck if is_bottleneck(shape.depth) else BasicBlock
        for stage, n_blocks in enumerate(BLOCKS[shape.depth], start=1):
            blocks = [
                block(_below(f"layer{stage}.{index}.", maps), shape.activation, batch_norm=shape.batch_norm)
                for index in range(n_blocks)
            ]
            self.add_module(f"layer{stage}", nn.Sequential(*blocks))
        self.fc = linear(maps["fc"])

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, K]."""
        x = self.activation1(self.bn1(self.conv1(self.images(x))))
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        for stage in range(1, 5):
            x = self.get_submodule(f"layer{stage}")(x)
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits


def _below(prefix: str, maps: Maps) -> Maps:
    return {name.removeprefix(prefix): of for name, of in maps.items() if name.startswith(prefix)}


build = TorchvisionResNet
