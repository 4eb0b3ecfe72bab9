"""PyramidNet-(6n+2) with additive widening (Han et al. 2017): each block is wider than the last by as much."""

from nodescope.families.family import Family
from nodescope.families.layers import Layer
from nodescope.families.shape import NetworkShape
from nodescope.families.stages import DEPTHS, STAGES, block_names, blocks_per_stage, convolutions, has_stages, output

#: Channels of the last block by those of the stem: 100 / 16 in the published net.
WIDENING = 6.25


def layers(shape: NetworkShape) -> list[Layer]:
    """The second layer of each block, which alone has an activation function, ``final`` and ``output``."""
    blocks = STAGES * blocks_per_stage(shape.depth)
    step = (WIDENING - 1) * shape.width / blocks
    channels = [round(shape.width + step * block) for block in range(blocks + 1)]
    stem, *maps = convolutions(shape, channels, bias=not shape.batch_norm)
    hidden = []
    before = stem
    for name, first, second in zip(block_names(shape.depth), maps[::2], maps[1::2], strict=True):
        # The stem or the block before ends with a normalisation, and the block begins with another.
        norms = 2 * shape.norm_parameters(before.nodes) + shape.norm_parameters(first.nodes)
        hidden.append(
            Layer(
                f"{name}.layer_2", first.nodes, first.positions, shape.activation, (before, first),
                norms + shape.slopes_per_layer,
            )
        )  # fmt: skip
        before = second
    norms = 2 * shape.norm_parameters(before.nodes)
    final = Layer("final", before.nodes, before.positions, shape.activation, (before,), norms + shape.slopes_per_layer)
    return [*hidden, final, output(shape, channels)]


FAMILY = Family("pyramidnet", "PyramidNet", DEPTHS, has_stages, layers)
