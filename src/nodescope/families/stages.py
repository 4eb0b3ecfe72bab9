"""What networks of 6n + 2 layers have in common: a stem, three stages of n blocks of two 3x3 convolutions, an output.

The second and third stage begin with a stride of 2.
"""

from nodescope.families.layers import Layer, LinearMap, halved, output_layer
from nodescope.families.shape import NetworkShape

STAGES = 3
DEPTHS = "6n + 2 with n = 1, 2, ... blocks per stage (8, 14, 20, 26, 32, ...)"


def has_stages(depth: int) -> bool:
    """Whether a depth is 6n + 2."""
    return depth >= 8 and depth % 6 == 2


def blocks_per_stage(depth: int) -> int:
    """n of a network of 6n + 2 layers."""
    return (depth - 2) // 6


def block_names(depth: int) -> list[str]:
    """``stage_1.block_1`` and so on."""
    blocks = range(1, blocks_per_stage(depth) + 1)
    return [f"stage_{stage}.block_{block}" for stage in range(1, STAGES + 1) for block in blocks]


def widened(shape: NetworkShape, factor: int) -> list[int]:
    """Channels of the stem and of every block where each further stage is wider by a factor."""
    per_stage = blocks_per_stage(shape.depth)
    return [shape.width, *(shape.width * factor**stage for stage in range(STAGES) for _ in range(per_stage))]


def convolutions(shape: NetworkShape, channels: list[int], *, bias: bool) -> list[LinearMap]:
    """``stem.conv``, and ``layer_1.conv`` and ``layer_2.conv`` of every block, of as many channels as are given."""
    per_stage = blocks_per_stage(shape.depth)
    sides = shape.input_shape[1:]
    found = [LinearMap("stem.conv", shape.input_shape[0], channels[0], sides, kernel=3, bias=bias)]
    for number, (name, nodes) in enumerate(zip(block_names(shape.depth), channels[1:], strict=True)):
        stage, block = divmod(number, per_stage)
        positions = halved(sides, stage)
        for layer in (1, 2):
            stride = 2 if layer == 1 and stage > 0 and block == 0 else 1
            found.append(
                LinearMap(f"{name}.layer_{layer}.conv", found[-1].nodes, nodes, positions, 3, stride, bias=bias)
            )
    return found


def output(shape: NetworkShape, channels: list[int], other_parameters: int = 0) -> Layer:
    """The linear output of the channels' means over positions."""
    return output_layer(LinearMap("output", channels[-1], shape.n_classes, bias=True), other_parameters)


def pre_activation_layers(shape: NetworkShape, widening: int) -> list[Layer]:
    """Layers of networks whose blocks normalise and activate before each convolution.

    Parameters
    ----------
    widening
        By what factor each further stage is wider than the one before it; the first has the shape's width.
    """
    channels = widened(shape, widening)
    maps = convolutions(shape, channels, bias=not shape.batch_norm)
    # What enters an activation function comes from the convolution before it.
    names = [*(each.name.removesuffix(".conv") for each in maps[1:]), "final"]
    hidden = [
        Layer(
            name, each.nodes, each.positions, shape.activation, (each,),
            shape.norm_parameters(each.nodes) + shape.slopes_per_layer,
        )
        for name, each in zip(names, maps, strict=True)
    ]  # fmt: skip
    return [*hidden, output(shape, channels)]
