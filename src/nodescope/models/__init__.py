"""Networks: one alone as a plain ``nn.Module``, and many of one shape stacked for joint training."""

from nodescope.models.building import build_network, initialise_stack, stack_of
from nodescope.models.hidden import HiddenActivation, hidden_layers
from nodescope.models.mlp import FullyConnected
from nodescope.models.shape import NetworkShape
from nodescope.models.stack import NetworkStack
from nodescope.models.storage import load_network, save_network

__all__ = [
    "FullyConnected",
    "HiddenActivation",
    "NetworkShape",
    "NetworkStack",
    "build_network",
    "hidden_layers",
    "initialise_stack",
    "load_network",
    "save_network",
    "stack_of",
]
