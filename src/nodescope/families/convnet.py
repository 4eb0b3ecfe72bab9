"""A ResNet-(6n+2) without its shortcuts."""

from nodescope.families.family import Family
from nodescope.families.layers import Layer
from nodescope.families.shape import NetworkShape
from nodescope.families.stages import DEPTHS, has_stages, pre_activation_layers


def layers(shape: NetworkShape) -> list[Layer]:
    """Two for each block, ``final`` and ``output``."""
    return pre_activation_layers(shape, widening=2)


FAMILY = Family("convnet", "ConvNet", DEPTHS, has_stages, layers)
