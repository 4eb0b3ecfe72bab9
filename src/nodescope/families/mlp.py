"""Fully connected networks: linear maps, optional normalisation, an activation function, a linear output."""

from itertools import pairwise

from nodescope.families.family import Family
from nodescope.families.layers import Layer, LinearMap, output_layer
from nodescope.families.shape import NetworkShape


def layers(shape: NetworkShape) -> list[Layer]:
    """``hidden.0`` to ``hidden.{depth - 1}`` and ``output``."""
    widths = [max(1, round(shape.width * shape.taper**layer)) for layer in range(shape.depth)]
    found = []
    for number, (inputs, nodes) in enumerate(pairwise([shape.n_inputs, *widths])):
        linear = LinearMap(f"hidden.{number}.linear", inputs, nodes, bias=_has_bias(shape, number))
        norm = 2 * nodes if shape.batch_norm or shape.layer_norm else 0
        found.append(Layer(f"hidden.{number}", nodes, (), shape.activation, (linear,), norm + shape.slopes_per_layer))
    has_output_bias = shape.bias == "all_and_output"
    return [*found, output_layer(LinearMap("output", widths[-1], shape.n_classes, bias=has_output_bias))]


def _has_bias(shape: NetworkShape, number: int) -> bool:
    """Whether a hidden layer (from 0) has a bias; normalisation has one of its own."""
    if shape.batch_norm:
        return False
    return shape.bias in ("all", "all_and_output") or (shape.bias == "first_layer" and number == 0)


FAMILY = Family(
    name="mlp",
    title="fully connected network",
    depths="1, 2, 3, ...",
    has_depth=lambda depth: depth >= 1,
    layers=layers,
    takes_images=False,
    settings=("bias", "taper", "layer_norm", "skip_connections", "dropout"),
    is_chain=True,
)
