"""Networks: one alone as a plain ``nn.Module``, and many of one shape stacked for joint training."""

from nodescope.models.hidden import HiddenActivation, hidden_layers
from nodescope.models.mlp import FullyConnected, NetworkShape, StackedFullyConnected
from nodescope.models.storage import load_network, save_network

__all__ = [
    "FullyConnected",
    "HiddenActivation",
    "NetworkShape",
    "StackedFullyConnected",
    "hidden_layers",
    "load_network",
    "save_network",
]
