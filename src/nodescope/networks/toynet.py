"""A ResNet-(6n+2) without its shortcuts, every stage as wide as the first."""

from torch import nn

from nodescope.families.shape import NetworkShape
from nodescope.families.toynet import FAMILY
from nodescope.networks.stages import pre_activation_network


def build(shape: NetworkShape) -> nn.Module:
    """The network of a shape."""
    return pre_activation_network(shape, FAMILY.layers(shape), shortcut=False)
