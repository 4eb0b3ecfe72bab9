"""What do the weights of a node in the first hidden layer look like, where inputs are images?

Formula: the weights of the linear map that leads to the first hidden layer, those of a node in the shape of the image; of a
convolution its kernel. Drawn on a symmetric scale of its own for each node: of one channel from blue (``low``) over white (0)
to red (``high``), of three each as its colour with zero at half. They say what the node computes before normalisation; that
they look like something does not make the node important (methods, section 7).
Needs: the networks, images of one, three or four channels. Gives: one row per node of the first hidden layer of the kept
networks; null where the network diverged. No rows where the first map takes no images. Cost: the weights once.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import NetworkOptions
from nodescope.storage.columns import LAYER, NODE, Column, Quantity

if TYPE_CHECKING:
    from nodescope.measuring.networks import MeasuredNetwork


class WeightImages(NetworkOptions):
    """The weights of the nodes of the first hidden layer as images, where inputs are images."""


def measure(network: "MeasuredNetwork", options: WeightImages) -> Parts:
    """Columns layer, node, image, low, high."""
    images = _images(network)
    return [] if images is None else [{"layer": 1, **drawn(images)}]


def _images(network: "MeasuredNetwork") -> NDArray[np.float32] | None:
    """The weights of the one map that leads to the first layer [J, channel, row, column]; None where they are no images."""
    from nodescope.storage.pictures import can_be_drawn

    shape = network.input_shape
    maps = [each for each in network.linear_maps() if each.layer == 1]
    if len(maps) != 1 or shape is None or not can_be_drawn(shape):
        return None
    weights: NDArray[np.float32] = maps[0].module.weight.detach().float().numpy()
    if weights.ndim == 2 and weights.shape[1] == np.prod(shape):
        weights = weights.reshape(-1, *shape)
    return weights if weights.ndim == 4 and weights.shape[1] == shape[0] and can_be_drawn(weights.shape[1:]) else None


def drawn(images: NDArray[np.floating]) -> dict[str, NDArray[np.generic] | list[str | None]]:
    """Columns node, image, low, high of signed images [J, channel, row, column]; null of those that are not finite."""
    from nodescope.storage.pictures import signed_picture

    finite = np.isfinite(images).all(axis=(1, 2, 3))
    bounds = np.where(finite, np.abs(np.where(np.isfinite(images), images, 0)).max(axis=(1, 2, 3)), np.nan)
    return {
        "node": np.arange(len(images)),
        "image": [
            signed_picture(image, float(bound)) if known else None
            for image, bound, known in zip(images, bounds, finite, strict=True)
        ],
        "low": -bounds,
        "high": bounds,
    }


ANALYSIS = Analysis(
    title="weights of the first layer as images",
    job="networks",
    order=152,
    options=WeightImages,
    columns=(
        LAYER,
        NODE,
        Column("image", "string", "PNG data URI; null where the network diverged"),
        Column("low", "float32", "weight that is shown bluest, less than zero", Quantity("weight", range=(None, 0.0))),
        Column("high", "float32", "weight that is shown reddest; the same size", Quantity("weight", range=(0.0, None))),
    ),
    measure=measure,
    states="kept",
)
