"""A small convolutional network (Park 2022): three convolutions, the first two followed by max-pooling, a linear layer."""

import math

from nodescope.families.family import Family
from nodescope.families.layers import Layer, LinearMap, output_layer
from nodescope.families.shape import NetworkShape

DEPTH = 4
#: Nodes of the linear layer by channels of the convolutions: 512 / 16 in the published net.
LINEAR_FACTOR = 32


def layers(shape: NetworkShape) -> list[Layer]:
    """``layer_1`` to ``layer_4`` and ``output``."""
    width, nodes, bias = shape.width, LINEAR_FACTOR * shape.width, not shape.batch_norm
    channels, *sides = shape.input_shape
    # Max-pooling leaves an odd last row or column out.
    pooled = [tuple(length // 2**times for length in sides) for times in range(DEPTH - 1)]
    maps = [
        LinearMap(f"layer_{number}.conv", inputs, width, positions, kernel=3, bias=bias)
        for number, (inputs, positions) in enumerate(zip((channels, width, width), pooled, strict=True), start=1)
    ]
    maps.append(LinearMap(f"layer_{DEPTH}.linear", width * math.prod(pooled[-1]), nodes, bias=bias))
    hidden = [
        Layer(
            f"layer_{number}", each.nodes, each.positions, shape.activation, (each,),
            shape.norm_parameters(each.nodes) + shape.slopes_per_layer,
        )
        for number, each in enumerate(maps, start=1)
    ]  # fmt: skip
    return [*hidden, output_layer(LinearMap("output", nodes, shape.n_classes, bias=True))]


FAMILY = Family(
    name="cnn",
    title="small convolutional network",
    depths=f"{DEPTH}, three convolutions and a linear layer",
    has_depth=lambda depth: depth == DEPTH,
    layers=layers,
    smallest_image=4,
    is_chain=True,
)
