"""From a shape to many networks that are trained together."""

from importlib import import_module

import torch

from nodescope.families.shape import NetworkShape
from nodescope.networks.stack import NetworkStack
from nodescope.networks.stacked_modules import StackedModules


def initialise_stack(
    shape: NetworkShape, seeds: list[int], *, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> NetworkStack:
    """One replica per seed, as it is before training; a replica depends on its own seed only."""
    return _stack_class(shape).initialise(shape, seeds, device=device, dtype=dtype)


def stack_of(shape: NetworkShape, tensors: dict[str, torch.Tensor]) -> NetworkStack:
    """The stack that has these tensors, on their memory."""
    return _stack_class(shape)(shape, tensors)


def _stack_class(shape: NetworkShape) -> type[NetworkStack]:
    """What the family computes many networks with at once, where it has that; else one module after another."""
    fused_stack = getattr(import_module(f"nodescope.networks.{shape.model}"), "fused_stack", None)
    return (fused_stack(shape) if fused_stack else None) or StackedModules
