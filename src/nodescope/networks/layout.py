"""Where samples and nodes lie in a tensor of any network: B batch, J node, P position.

The nodes of a convolution or batch normalisation are axis 1, those of a linear map or layer normalisation the last one.
What a layer's axis is follows from the map before it whose nodes are as many.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

Tensor = torch.Tensor

#: How the words begin of a layer whose values are none of samples, such as a table of positions.
CONSTANT = "does not depend on the samples: it gives"

_NODES_FIRST = {
    *(f"conv{n}d" for n in (1, 2, 3)),
    *(f"conv_transpose{n}d" for n in (1, 2, 3)),
    "batch_norm",
    "instance_norm",
    "group_norm",
}
_NODES_LAST = {"linear", "layer_norm", "rms_norm", "embedding", "multi_head_attention_forward", "lstm", "gru"}
_PRODUCTS = {"matmul", "addmm", "__matmul__", "mm"}


@dataclass(frozen=True)
class Map:
    """A linear map or normalisation that a network has computed.

    Attributes
    ----------
    nodes : int
        That it gives.
    axis : int
        1, or -1 for the last one.
    fan_in : int or None
        Values that each node is a weighted sum of; None of a normalisation.
    """

    nodes: int
    axis: int
    fan_in: int | None

    def fits(self, shape: Sequence[int]) -> bool:
        return len(shape) >= 2 and shape[self.axis] == self.nodes


def map_of(name: str, args: tuple[object, ...], result: object) -> Map | None:
    """The map that a call of a function of torch computed; None of other functions."""
    if name in _NODES_FIRST:
        axis = 1
    elif name in _NODES_LAST or (name in _PRODUCTS and isinstance(args[-1], Tensor) and args[-1].ndim == 2):
        axis = -1
    else:
        return None
    values = result[0] if isinstance(result, tuple) else result
    if not isinstance(values, Tensor) or values.ndim < 2:
        return None
    weight = args[1] if len(args) > 1 else None
    fan_in = None
    if isinstance(weight, Tensor) and (name == "linear" or name.startswith("conv")):
        # Transposed convolutions have their inputs first.
        fan_in = math.prod(weight.shape[1:]) if "transpose" not in name else weight.shape[0]
    return Map(values.shape[axis], axis, fan_in)


@dataclass(frozen=True)
class Layout:
    """Which axes of a tensor are samples and nodes; all others are positions."""

    sample_axis: int
    node_axis: int

    def view(self, values: Tensor) -> Tensor:
        """The tensor as [B, J] or [B, J, P...]; a view."""
        return values.movedim((self.sample_axis, self.node_axis), (0, 1))


def layout_of(shape: Sequence[int], n_samples: int, maps: Sequence[Map], axis: int | None) -> Layout | str:
    """How a tensor of this shape lies, or what is wrong with it, in words that follow a layer's name.

    Parameters
    ----------
    shape
        Of the tensor.
    n_samples
        Samples of the batch.
    maps
        What the network computed before, in order.
    axis
        The node axis of tensors with positions, if it was given; then it is not looked for.
    """
    if len(shape) < 2:
        return f"gives {tuple(shape)}: one number for each sample or fewer, so it has no nodes. Hint: leave it out"
    if axis is None or len(shape) == 2:
        node_axis = _node_axis(shape, maps)
    elif not -len(shape) <= axis < len(shape):
        return f"gives {tuple(shape)}, which has no axis {axis}. Hint: axis: 1, or another one, or leave it out"
    else:
        node_axis = axis % len(shape)
    if node_axis is None:
        return f"gives {tuple(shape)}: which axis are nodes? Hint: axis: 1, or another one, or leave it out"
    for sample_axis in (0, 1):
        if shape[sample_axis] == n_samples and sample_axis != node_axis:
            return Layout(sample_axis, node_axis)
    if shape[0] == 1 < n_samples:
        return f"{CONSTANT} {tuple(shape)}. Hint: leave it out"
    return (
        f"gives {tuple(shape)}: the number of samples changed inside ({n_samples} to {shape[0]}, in windows?). "
        "Hint: leave it out"
    )


def _node_axis(shape: Sequence[int], maps: Sequence[Map]) -> int | None:
    """The axis of the last map if its nodes are as many, else the one that all fitting maps before agree on."""
    if len(shape) == 2:
        return 1
    if maps and maps[-1].fits(shape):
        return maps[-1].axis % len(shape)
    fitting = {each.axis % len(shape) for each in maps if each.fits(shape)}
    return fitting.pop() if len(fitting) == 1 else None
