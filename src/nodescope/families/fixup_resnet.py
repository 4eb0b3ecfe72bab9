"""FixUp ResNet-(6n+2): scalar biases and factors take the place of normalisation (Zhang, Dauphin & Ma 2019)."""

from nodescope.families.family import Family
from nodescope.families.layers import Layer
from nodescope.families.shape import NetworkShape
from nodescope.families.stages import DEPTHS, convolutions, has_stages, output, widened

#: Scalars of the stem (a bias), of the two layers of a block (a bias before and behind the convolution; a factor), and
#: before the output (a bias).
STEM_SCALARS, FIRST_SCALARS, SECOND_SCALARS, OUTPUT_SCALARS = 1, 2, 3, 1


def layers(shape: NetworkShape) -> list[Layer]:
    """``stem``, two for each block, and ``output``."""
    channels = widened(shape, 2)
    maps = convolutions(shape, channels, bias=False)
    scalars = [STEM_SCALARS, *([FIRST_SCALARS, SECOND_SCALARS] * (len(channels) - 1))]
    hidden = [
        Layer(
            each.name.removesuffix(".conv"), each.nodes, each.positions, shape.activation, (each,),
            of_layer + shape.slopes_per_layer,
        )
        for each, of_layer in zip(maps, scalars, strict=True)
    ]  # fmt: skip
    return [*hidden, output(shape, channels, OUTPUT_SCALARS)]


FAMILY = Family(
    "fixup_resnet", "FixUp ResNet", DEPTHS, has_stages, layers, can_normalise=False, initialisations="kaiming"
)
