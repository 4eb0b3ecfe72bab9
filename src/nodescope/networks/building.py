"""From a shape to a network, alone or stacked."""

import torch
from torch import nn

from nodescope.networks.image_networks import build_image_network
from nodescope.networks.initialisation import batch_norms
from nodescope.networks.mlp import FullyConnected, StackedFullyConnected
from nodescope.networks.shape import NetworkShape
from nodescope.networks.stack import NetworkStack


def build_network(shape: NetworkShape) -> nn.Module:
    """The network as a plain module; its parameters are PyTorch's own until they are loaded or drawn."""
    network = FullyConnected(shape) if shape.model == "mlp" else build_image_network(shape)
    # Here, so that it holds for every family.
    for norm in batch_norms(network):
        norm.momentum, norm.eps = shape.batch_norm_momentum, shape.batch_norm_epsilon
    return network


def initialise_stack(
    shape: NetworkShape, seeds: list[int], *, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> NetworkStack:
    """One replica per seed, as it is before training; a replica depends on its own seed only."""
    return _stack_class(shape).initialise(shape, seeds, device=device, dtype=dtype)


def stack_of(shape: NetworkShape, tensors: dict[str, torch.Tensor]) -> NetworkStack:
    """The stack that has these tensors, on their memory."""
    return _stack_class(shape)(shape, tensors)


def _stack_class(shape: NetworkShape) -> type[NetworkStack]:
    """Batched products where the network is a chain of them; else one module after another."""
    from nodescope.networks.stacked_modules import StackedModules

    has_extras = (
        shape.layer_norm
        or shape.skip_connections
        or shape.dropout
        or shape.activation == "prelu"
        or shape.has_output_bias
    )
    is_chain = shape.model == "mlp" and not has_extras and shape.weights is None
    return StackedFullyConnected if is_chain else StackedModules
