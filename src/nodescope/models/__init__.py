"""Networks: one alone as a plain ``nn.Module``, and many of one shape stacked for joint training."""

from nodescope.models.mlp import FullyConnected, NetworkShape, StackedFullyConnected
from nodescope.models.storage import load_network, save_network

__all__ = ["FullyConnected", "NetworkShape", "StackedFullyConnected", "load_network", "save_network"]
