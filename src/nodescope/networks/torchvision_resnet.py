"""The ResNets of torchvision (He et al. 2016), with its names of tensors, so that its weight files fit.

Every use of an activation function is a module of its own here, as `nodescope.networks.hidden` wants it; torchvision
uses one several times. That both compute the same is tested.
"""

import torch
from torch import nn
from torch.nn import functional

from nodescope.families.architectures import BOTTLENECK_FROM, TORCHVISION_BLOCKS
from nodescope.networks.convolutional import ImageNetwork, convolution, normalisation
from nodescope.networks.hidden import HiddenActivation
from nodescope.networks.shape import NetworkShape

Tensor = torch.Tensor

BOTTLENECK_FACTOR = 4


def _pointwise(n_in: int, n_out: int, *, stride: int = 1, bias: bool) -> nn.Conv2d:
    return nn.Conv2d(n_in, n_out, 1, stride=stride, bias=bias)


def _downsample(n_in: int, n_out: int, stride: int, *, batch_norm: bool) -> nn.Sequential | None:
    """The shortcut's own convolution, where the sizes on its ends differ."""
    if stride == 1 and n_in == n_out:
        return None
    return nn.Sequential(
        _pointwise(n_in, n_out, stride=stride, bias=not batch_norm), normalisation(n_out, batch_norm=batch_norm)
    )


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    FACTOR = 1

    def __init__(self, n_in: int, width: int, stride: int, activation: str, *, batch_norm: bool) -> None:
        super().__init__()
        self.conv1 = convolution(n_in, width, stride=stride, bias=not batch_norm)
        self.bn1 = normalisation(width, batch_norm=batch_norm)
        self.activation1 = HiddenActivation(activation)
        self.conv2 = convolution(width, width, bias=not batch_norm)
        self.bn2 = normalisation(width, batch_norm=batch_norm)
        self.downsample = _downsample(n_in, width, stride, batch_norm=batch_norm)
        self.activation2 = HiddenActivation(activation)

    def forward(self, x: Tensor) -> Tensor:
        y = self.activation1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        a: Tensor = self.activation2(y + (x if self.downsample is None else self.downsample(x)))
        return a


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions and a shortcut; the 3x3 one has the stride."""

    FACTOR = BOTTLENECK_FACTOR

    def __init__(self, n_in: int, width: int, stride: int, activation: str, *, batch_norm: bool) -> None:
        super().__init__()
        n_out = width * BOTTLENECK_FACTOR
        self.conv1 = _pointwise(n_in, width, bias=not batch_norm)
        self.bn1 = normalisation(width, batch_norm=batch_norm)
        self.activation1 = HiddenActivation(activation)
        self.conv2 = convolution(width, width, stride=stride, bias=not batch_norm)
        self.bn2 = normalisation(width, batch_norm=batch_norm)
        self.activation2 = HiddenActivation(activation)
        self.conv3 = _pointwise(width, n_out, bias=not batch_norm)
        self.bn3 = normalisation(n_out, batch_norm=batch_norm)
        self.downsample = _downsample(n_in, n_out, stride, batch_norm=batch_norm)
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
        n_in = shape.width
        self.conv1 = nn.Conv2d(shape.input_shape[0], n_in, 7, stride=2, padding=3, bias=not shape.batch_norm)
        self.bn1 = normalisation(n_in, batch_norm=shape.batch_norm)
        self.activation1 = HiddenActivation(shape.activation)
        block = Bottleneck if shape.depth >= BOTTLENECK_FROM else BasicBlock
        for stage, n_blocks in enumerate(TORCHVISION_BLOCKS[shape.depth]):
            width = shape.width * 2**stage
            blocks = []
            for index in range(n_blocks):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(block(n_in, width, stride, shape.activation, batch_norm=shape.batch_norm))
                n_in = width * block.FACTOR
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(n_in, shape.n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, K]."""
        x = self.activation1(self.bn1(self.conv1(self.images(x))))
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        for stage in range(1, 5):
            x = self.get_submodule(f"layer{stage}")(x)
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits
