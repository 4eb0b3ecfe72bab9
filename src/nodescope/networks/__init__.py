"""Networks: one alone as a plain ``nn.Module``, and many of one shape stacked for joint training."""

from nodescope.families.shape import NetworkShape
from nodescope.networks.building import build_network
from nodescope.networks.hidden import HiddenActivation, hidden_layers
from nodescope.networks.stack import NetworkStack
from nodescope.networks.stacks import initialise_stack, stack_of
from nodescope.networks.storage import load_network, save_network

__all__ = [
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
