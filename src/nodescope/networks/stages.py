"""Networks of a stem, three stages of blocks, and an output, with and without shortcuts; see `nodescope.families.stages`.

Dimension letters: B batch, C channel, H row, W column, K class.
"""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from nodescope.families.layers import Layer, LinearMap, linear_maps
from nodescope.families.shape import NetworkShape
from nodescope.families.stages import STAGES, block_names
from nodescope.networks.convolutional import (
    ImageNetwork,
    NormalisedActivation,
    PreActivated,
    convolution,
    linear,
    normalisation,
    zero_padded,
)

Tensor = torch.Tensor

#: Makes a block from its two convolutions.
MakeBlock = Callable[[LinearMap, LinearMap], nn.Module]


def add_stages(network: nn.Module, blocks: Sequence[nn.Module]) -> None:
    """Register blocks as ``stage_1.block_1`` ...; as many in each stage."""
    per_stage = len(blocks) // STAGES
    for stage in range(STAGES):
        members = blocks[stage * per_stage : (stage + 1) * per_stage]
        named = nn.Sequential()
        for number, block in enumerate(members, start=1):
            named.add_module(f"block_{number}", block)
        network.add_module(f"stage_{stage + 1}", named)


def maps_of_blocks(shape: NetworkShape, maps: dict[str, LinearMap]) -> list[tuple[LinearMap, LinearMap]]:
    """The two convolutions of every block."""
    return [(maps[f"{name}.layer_1.conv"], maps[f"{name}.layer_2.conv"]) for name in block_names(shape.depth)]


class PreActivationBlock(nn.Module):
    """Two pre-activated convolutions; with a shortcut past both (option A of He et al.: subsample, pad with zeros)."""

    def __init__(
        self, first: LinearMap, second: LinearMap, activation: str, *, batch_norm: bool, shortcut: bool
    ) -> None:
        super().__init__()
        self.layer_1 = PreActivated(first, activation, batch_norm=batch_norm)
        self.layer_2 = PreActivated(second, activation, batch_norm=batch_norm)
        self.stride = first.stride
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer_2(self.layer_1(x))
        if not self.shortcut:
            return y
        return y + zero_padded(x[..., :: self.stride, :: self.stride], y.shape[1])


class StagedNetwork(ImageNetwork):
    """A stem, three stages of blocks, a last normalised activation, the mean over positions, a linear output.

    Parameters
    ----------
    layers
        From the network's family.
    normalised_stem
        Whether the stem has a normalisation of its own.
    """

    def __init__(
        self, shape: NetworkShape, layers: list[Layer], block: MakeBlock, *, normalised_stem: bool = False
    ) -> None:
        super().__init__(shape)
        maps = linear_maps(layers)
        stem, output = maps["stem.conv"], maps["output"]
        self.stem = nn.Sequential()
        self.stem.add_module("conv", convolution(stem))
        if normalised_stem:
            self.stem.add_module("norm", normalisation(stem.nodes, batch_norm=shape.batch_norm))
        add_stages(self, [block(first, second) for first, second in maps_of_blocks(shape, maps)])
        self.final = NormalisedActivation(output.inputs, shape.activation, batch_norm=shape.batch_norm)
        self.output = linear(output)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, K]."""
        x = self.stem(self.images(x))
        for stage in range(1, STAGES + 1):
            x = self.get_submodule(f"stage_{stage}")(x)
        logits: Tensor = self.output(self.final(x).mean((2, 3)))
        return logits


def pre_activation_network(shape: NetworkShape, layers: list[Layer], *, shortcut: bool) -> StagedNetwork:
    """A network of `PreActivationBlock`."""

    def block(first: LinearMap, second: LinearMap) -> nn.Module:
        return PreActivationBlock(first, second, shape.activation, batch_norm=shape.batch_norm, shortcut=shortcut)

    return StagedNetwork(shape, layers, block)
