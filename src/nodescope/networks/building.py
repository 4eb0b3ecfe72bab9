"""From a shape to a network as a plain module."""

from importlib import import_module

from torch import nn

from nodescope.families.shape import NetworkShape
from nodescope.networks.initialisation import batch_norms


def build_network(shape: NetworkShape) -> nn.Module:
    """The network as a plain module; its parameters are PyTorch's own until they are loaded or drawn.

    It takes samples [B, ...], or [B, I] where they come flat, and gives logits. What the family says of depth, samples and
    normalisation is taken as given.
    """
    network: nn.Module = import_module(f"nodescope.networks.{shape.model}").build(shape)
    # Here, so that it holds for every family.
    for norm in batch_norms(network):
        norm.momentum, norm.eps = shape.batch_norm_momentum, shape.batch_norm_epsilon
    return network
