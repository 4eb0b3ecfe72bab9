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
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import nn

from nodescope.measuring.networks import LinearMap, in_float64, linear_maps
from nodescope.networks import NetworkShape
from nodescope.networks.losses import SUMMED_LOSSES
from nodescope.numerics.channel_gradients import emission_and_absorption

if TYPE_CHECKING:
    from nodescope.config.analyses import LocalGradients

BATCH = 32  # of convolutions in float64, more would leave a core's cache: a third of the rate
WHISKER = 1.5  # interquartile ranges

COLUMNS = {
    "state": pl.String,
    "objective": pl.String,
    "weights_file": pl.String,
    "layer": pl.Int32,
    "name": pl.String,
    "quantity": pl.String,
    "channel": pl.Int32,
    "samples": pl.Int32,
    "whisker_low": pl.Float64,
    "q1": pl.Float64,
    "median": pl.Float64,
    "q3": pl.Float64,
    "whisker_high": pl.Float64,
    "mean": pl.Float64,
}
BOX = tuple(COLUMNS)[tuple(COLUMNS).index("whisker_low") :]


def measure(
    network: nn.Module, x: torch.Tensor, y: torch.Tensor, options: "LocalGradients", objective: str
) -> pl.DataFrame:
    """Columns objective, weights_file, layer, name, quantity, channel, samples and the box of the samples' values."""
    network = in_float64(network)
    chosen = chosen_maps(linear_maps(network, x[:1].double()), options.layers, options.layers_per_network)
    shape = getattr(network, "shape", None)
    file = shape.weights if isinstance(shape, NetworkShape) else None
    frames = []
    for linear, (emission, absorption) in zip(chosen, values_of(network, chosen, x, y, objective), strict=True):
        for quantity, values_NC in (("emission", emission), ("absorption", absorption)):
            place = {"layer": linear.layer, "name": linear.name, "quantity": quantity}
            boxes = [box(values_N) for values_N in values_NC[:, : options.channels].T]
            rows = [place | {"channel": channel} | found for channel, found in enumerate(boxes)]
            frames.append(pl.DataFrame(rows, schema_overrides=dict.fromkeys(BOX, pl.Float64)))
    return pl.concat(frames).with_columns(
        objective=pl.lit(objective),
        weights_file=pl.lit(Path(file).name if file else None, pl.String),
        samples=pl.lit(len(x)),
    )


def chosen_maps(maps: list[LinearMap], names: list[str] | None, count: int) -> list[LinearMap]:
    """The maps of these names, which were checked with the configuration; without names evenly spaced ones."""
    if names is not None:
        return [linear for linear in maps if linear.name in names]
    places = np.linspace(0, len(maps) - 1, min(count, len(maps))).round().astype(int)
    return [maps[place] for place in places]


def values_of(
    network: nn.Module, maps: list[LinearMap], x: torch.Tensor, y: torch.Tensor, objective: str
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Emission [N, output channel] and absorption [N, input channel] of each map for every sample.

    The network is in float64; x in any type.
    """
    made: dict[str, tuple[torch.Tensor, tuple[int, ...]]] = {}

    def keeper(name: str) -> Callable[..., None]:
        def keep(module: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
            made[name] = output, tuple(inputs[0].shape[2:])

        return keep

    found: list[list[tuple[torch.Tensor, torch.Tensor]]] = [[] for _ in maps]
    handles = [linear.module.register_forward_hook(keeper(linear.name)) for linear in maps]
    try:
        with torch.enable_grad():
            for x_BI, y_B in zip(torch.split(x, BATCH), torch.split(y, BATCH), strict=True):
                loss = SUMMED_LOSSES[objective](network(x_BI.double()), y_B)
                gradients = torch.autograd.grad(loss, [made[linear.name][0] for linear in maps])
                for linear, gradient, values in zip(maps, gradients, found, strict=True):
                    values.append(emission_and_absorption(linear.module, gradient, made[linear.name][1]))
    finally:
        for handle in handles:
            handle.remove()
    return [
        (
            torch.cat([emission for emission, _ in values]).numpy(),
            torch.cat([absorbed for _, absorbed in values]).numpy(),
        )
        for values in found
    ]


def box(values: NDArray[np.float64]) -> dict[str, Any]:
    """What a box plot shows of some values: the columns of `BOX`; None where one is not finite."""
    if not np.isfinite(values).all():
        return dict.fromkeys(BOX)
    q1, median, q3 = np.quantile(values, (0.25, 0.5, 0.75))
    reach = WHISKER * (q3 - q1)
    # With few values the quartiles lie between them, and none may be within reach of one side.
    low, high = values[values >= q1 - reach].min(), values[values <= q3 + reach].max()
    box_values = (min(low, q1), q1, median, q3, max(high, q3), values.mean())
    return dict(zip(BOX, map(float, box_values), strict=True))
