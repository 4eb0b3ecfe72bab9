"""The ResNets of torchvision (He et al. 2016), with its names of tensors."""

from nodescope.families.family import Family
from nodescope.families.layers import Layer, LinearMap, halved, output_layer
from nodescope.families.shape import NetworkShape

#: Blocks per stage, by depth; those from `BOTTLENECK_FROM` on have three convolutions in each.
BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
BOTTLENECK_FROM = 50
#: Channels that a bottleneck gives by those within it.
BOTTLENECK_FACTOR = 4


def is_bottleneck(depth: int) -> bool:
    """Whether the blocks have 1x1, 3x3 and 1x1 convolutions; else they have two of 3x3."""
    return depth >= BOTTLENECK_FROM


def layers(shape: NetworkShape) -> list[Layer]:
    """``activation1``, two or three for each block, and ``fc``."""
    positions = halved(shape.input_shape[1:])
    bias = not shape.batch_norm
    stem = LinearMap("conv1", shape.input_shape[0], shape.width, positions, kernel=7, stride=2, bias=bias)
    found = [_layer(shape, "activation1", (stem,))]
    positions = halved(positions)
    inputs = shape.width
    for stage, n_blocks in enumerate(BLOCKS[shape.depth]):
        for block in range(n_blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            maps = _maps_of_block(shape, f"layer{stage + 1}.{block}", inputs, shape.width * 2**stage, positions, stride)
            convolutions = [each for each in maps if not each.is_shortcut]
            shortcuts = tuple(each for each in maps if each.is_shortcut)
            for number, each in enumerate(convolutions, start=1):
                joined = (each, *shortcuts) if each is convolutions[-1] else (each,)
                found.append(_layer(shape, f"layer{stage + 1}.{block}.activation{number}", joined))
            inputs, positions = convolutions[-1].nodes, convolutions[-1].positions
    return [*found, output_layer(LinearMap("fc", inputs, shape.n_classes, bias=True))]


def _layer(shape: NetworkShape, name: str, maps: tuple[LinearMap, ...]) -> Layer:
    norms = sum(shape.norm_parameters(each.nodes) for each in maps)
    nodes, positions = maps[0].nodes, maps[0].positions
    return Layer(name, nodes, positions, shape.activation, maps, norms + shape.slopes_per_layer)


def _maps_of_block(
    shape: NetworkShape, name: str, inputs: int, width: int, positions: tuple[int, ...], stride: int
) -> list[LinearMap]:
    """The convolutions of a block, and that of its shortcut where the sizes on its ends differ."""
    after = halved(positions) if stride > 1 else positions
    bottleneck = is_bottleneck(shape.depth)
    nodes = width * BOTTLENECK_FACTOR if bottleneck else width
    # Of each convolution: what it gives, where, its kernel and stride. In a bottleneck the 3x3 one has the stride.
    sizes = (
        [(width, positions, 1, 1), (width, after, 3, stride), (nodes, after, 1, 1)]
        if bottleneck
        else [(width, after, 3, stride), (nodes, after, 3, 1)]
    )
    bias = not shape.batch_norm
    found: list[LinearMap] = []
    before = inputs
    for number, (given, where, kernel, of_stride) in enumerate(sizes, start=1):
        found.append(LinearMap(f"{name}.conv{number}", before, given, where, kernel, of_stride, bias))
        before = given
    if stride > 1 or inputs != nodes:
        shortcut = LinearMap(f"{name}.downsample.0", inputs, nodes, after, 1, stride, bias, is_shortcut=True)
        found.append(shortcut)
    return found


FAMILY = Family(
    name="torchvision_resnet",
    title="ResNet of torchvision",
    depths=", ".join(map(str, BLOCKS)),
    has_depth=BLOCKS.__contains__,
    layers=layers,
)
