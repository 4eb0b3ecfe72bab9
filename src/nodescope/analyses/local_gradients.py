"""How much gradient does each channel send back, and how much does each receive?

Formula: emission of an output channel and absorption of an input channel of a linear map or convolution, for each
sample (`nodescope.numerics.channel_gradients`, as Park (2022) defines them). The gradient is that of the
samples' summed loss, the one that the network was trained with (`nodescope.networks.losses`); batch normalisation takes the
statistics that the state has (`nodescope.networks.normalisation`), and dropout drops nothing. All is computed in float64,
from the network's input on, since a net that fits leaves gradients that lie below float32's rounding of its
probabilities. Of the samples' values the quartiles, the mean, and whiskers: the values farthest out that lie within one
and a half interquartile ranges of the quartiles (Tukey).
Needs: the networks, training samples. Gives: one row per chosen layer, quantity and channel; ``layer`` is the hidden
layer that the map leads to, one more than the last for the output; ``objective`` names the loss; ``weights_file`` is
the file that the network started from, null where its weights were drawn; the values are null where a gradient is not
finite. Cost: one training step per batch in float64, and for a 3x3 convolution some 50 operations per value of its
output's gradient; one batch of gradients of the chosen layers is in memory at a time.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import NetworkOptions, Samples
from nodescope.config.fields import Count, Distinct
from nodescope.storage.columns import LINEAR_LAYER, LINEAR_NAME, OBJECTIVE, Column, Quantity, number_of

if TYPE_CHECKING:
    from torch import nn

    from nodescope.measuring.networks import LinearMap, MeasuredNetwork

BATCH = 32  # of convolutions in float64, more would leave a core's cache: a third of the rate
WHISKER = 1.5  # interquartile ranges

#: What a box plot shows, in the order of the table.
BOX = {
    "whisker_low": "smallest value within one and a half interquartile ranges of the box",
    "q1": "lower quartile over the samples",
    "median": "over the samples",
    "q3": "upper quartile over the samples",
    "whisker_high": "largest value within one and a half interquartile ranges of the box",
    "mean": "over the samples",
}


class LocalGradients(NetworkOptions):
    """Gradient that each channel of some layers sends back (emission) and receives (absorption), over samples."""

    samples: Samples = Field(500, description="number of training samples to measure")
    layers: Annotated[list[str], Field(min_length=1), Distinct] | None = Field(
        None,
        description="names of linear maps or convolutions, as in the table weights; default: layers_per_network "
        "layers, evenly spaced",
    )
    layers_per_network: Count = Field(5, description="number of layers if layers is not given")
    channels: Count = Field(15, description="number of channels per layer in the table, starting with the first")


def measure(network: "MeasuredNetwork", options: LocalGradients) -> Parts:
    """Columns objective, weights_file, layer, name, quantity, channel, samples and the box of the samples' values."""
    network = network.in_float64()
    if not network.has_loss():
        return
    maps = [linear for linear in network.linear_maps() if linear.has_local_gradients]
    chosen = chosen_maps(maps, options.layers, options.layers_per_network)
    file = network.weights_file
    of_network = {
        "objective": network.objective,
        "weights_file": Path(file).name if file else None,
        "samples": len(network.y),
    }
    for linear, (emission, absorption) in zip(chosen, values_of(network, chosen), strict=True):
        for quantity, values_NC in (("emission", emission), ("absorption", absorption)):
            place = {"layer": linear.layer, "name": linear.name, "quantity": quantity}
            for channel, values_N in enumerate(values_NC[:, : options.channels].T):
                yield of_network | place | {"channel": channel} | box(values_N)


def chosen_maps(maps: "list[LinearMap]", names: list[str] | None, count: int) -> "list[LinearMap]":
    """The maps of these names, which were checked with the configuration; without names evenly spaced ones."""
    if names is not None:
        return [linear for linear in maps if linear.name in names]
    places = np.linspace(0, len(maps) - 1, min(count, len(maps))).round().astype(int)
    return [maps[place] for place in places]


def values_of(
    network: "MeasuredNetwork", maps: "list[LinearMap]"
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Emission [N, output channel] and absorption [N, input channel] of each map for every sample.

    The network is in float64; its samples in any type.
    """
    import torch

    from nodescope.numerics.channel_gradients import emission_and_absorption

    made: dict[str, tuple[torch.Tensor, tuple[int, ...]]] = {}

    def keeper(name: str) -> Callable[..., None]:
        def keep(module: "nn.Module", inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
            made[name] = output, tuple(inputs[0].shape[2:])

        return keep

    found: list[list[tuple[torch.Tensor, torch.Tensor]]] = [[] for _ in maps]
    handles = (linear.module.register_forward_hook(keeper(linear.name)) for linear in maps)
    with network.hooked(handles), network.with_gradients():
        for x_B, y_B in network.batches(BATCH):
            loss = network.summed_loss(network.output(x_B), y_B)
            gradients = torch.autograd.grad(loss, [made[linear.name][0] for linear in maps])
            for linear, gradient, values in zip(maps, gradients, found, strict=True):
                values.append(emission_and_absorption(linear.module, gradient, made[linear.name][1]))
    return [
        (
            torch.cat([emission for emission, _ in values]).numpy(),
            torch.cat([absorbed for _, absorbed in values]).numpy(),
        )
        for values in found
    ]


def box(values: NDArray[np.float64]) -> dict[str, Any]:
    """What a box plot shows of some values: the keys of `BOX`; None where one is not finite."""
    if not np.isfinite(values).all():
        return dict.fromkeys(BOX)
    q1, median, q3 = np.quantile(values, (0.25, 0.5, 0.75))
    reach = WHISKER * (q3 - q1)
    # With few values the quartiles lie between them, and none may be within reach of one side.
    low, high = values[values >= q1 - reach].min(), values[values <= q3 + reach].max()
    box_values = (min(low, q1), q1, median, q3, max(high, q3), values.mean())
    return dict(zip(BOX, map(float, box_values), strict=True))


ANALYSIS = Analysis(
    title="local gradients",
    job="networks",
    order=150,
    options=LocalGradients,
    columns=(
        OBJECTIVE,
        Column("weights_file", "string", "file that the network started from; null where its weights were drawn"),
        LINEAR_LAYER,
        LINEAR_NAME,
        Column("quantity", "string", "emission or absorption"),
        Column("channel", "int32", "from 0: an output channel of an emission, an input channel of an absorption"),
        Column("samples", "int32", "samples that were measured", number_of("samples")),
        *(
            Column(name, "float64", meaning, Quantity("local gradient", range=(0.0, None)))
            for name, meaning in BOX.items()
        ),
    ),
    measure=measure,
    needs=("classes", "output"),
)
