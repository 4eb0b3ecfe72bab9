"""Which pixels are brighter where a node is on than where it is off, in every layer?

Formula: the mean of the inputs for which a node is on less the mean of those for which it is off, pixel by pixel, as the
network sees them (scaled as the data set says). A channel of a layer with positions is on where it is on at any of them. Drawn
on a symmetric scale of its own for each node: of one channel from blue (``low``) over white (0) to red (``high``), of three each
as its colour with zero at half. A difference of means shows what goes with the node, not what switches it (methods, section 7).
Needs: the networks, images of one, three or four channels. Gives: one row per layer and node of the kept networks; ``image`` is
null where the node is never or always on, or the network diverged. No rows where inputs are no images. Cost: a forward pass of the
samples and a product of switches and inputs, O(N J F) with F values per input.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import NetworkOptions
from nodescope.config.fields import Count
from nodescope.storage.columns import LAYER, NODE, Column, Quantity, number_of

if TYPE_CHECKING:
    import torch

    from nodescope.measuring.networks import MeasuredNetwork

#: Samples that are looked at together.
BATCH = 256


class MeanInputs(NetworkOptions):
    """The mean input where a node is on less that where it is off, as an image, where inputs are images."""

    train_samples: Count = Field(5000, description="training samples to use at most, evenly spaced")


def measure(network: "MeasuredNetwork", options: MeanInputs) -> Parts:
    """Columns layer, node, on, off, image, low, high."""
    import torch

    from nodescope.analyses.weight_images import drawn
    from nodescope.storage.pictures import can_be_drawn

    shape = network.input_shape
    if shape is None or not can_be_drawn(shape) or not isinstance(network.x, torch.Tensor):
        return
    train = network.of_split("train", options.train_samples)
    layers = train.hidden_layers()
    known = np.ones(len(layers), np.bool_)
    on: list[Any] = [0.0] * len(layers)
    inputs: list[Any] = [0.0] * len(layers)
    total, count = torch.zeros(int(np.prod(shape)), dtype=torch.float64), 0
    thetas: dict[int, torch.Tensor] = {}

    def look(number: int, z: "torch.Tensor", _: "torch.Tensor") -> None:
        values = z.flatten(2).amax(2) if z.ndim > 2 else z
        known[number] &= bool(values.isfinite().all())
        thetas[number] = (values > network.theta_threshold).float()

    with torch.no_grad(), train.seen(look):
        for x, _ in train.batches(BATCH):
            train.output(x)
            flat = x.flatten(1).float()
            total, count = total + flat.sum(0, dtype=torch.float64), count + len(flat)
            for number, theta_BJ in thetas.items():
                on[number] = on[number] + theta_BJ.sum(0, dtype=torch.float64)
                inputs[number] = inputs[number] + (theta_BJ.T @ flat).double()
    for number in range(len(layers)):
        of_node, off = on[number][:, None], count - on[number][:, None]
        difference = inputs[number] / of_node - (total - inputs[number]) / off
        if not known[number]:
            difference[:] = torch.nan
        counts = np.ma.masked_array(on[number].numpy(), not known[number])
        columns = drawn(difference.numpy().reshape(-1, *shape))
        yield {"layer": number + 1, "on": counts, "off": count - counts, **columns}


INPUT = "mean input where on less where off"

ANALYSIS = Analysis(
    title="inputs where a node is on and off",
    job="networks",
    order=154,
    options=MeanInputs,
    columns=(
        LAYER,
        NODE,
        Column(
            "on", "int32", "samples for which the node is on; null where the network diverged", number_of("samples on")
        ),
        Column("off", "int32", "samples for which it is off", number_of("samples off")),
        Column("image", "string", "PNG data URI; null where the node is never or always on"),
        Column("low", "float32", "difference that is shown bluest, less than zero", Quantity(INPUT, range=(None, 0.0))),
        Column(
            "high", "float32", "difference that is shown reddest; the same size", Quantity(INPUT, range=(0.0, None))
        ),
    ),
    measure=measure,
    states="kept",
)
