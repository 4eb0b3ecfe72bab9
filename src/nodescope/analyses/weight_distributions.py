"""How are the weights of a layer distributed, and what has training made of them?

Formula: histograms of all weights, and of all biases, of a fully connected map or a convolution, over equal bins from
the smallest to the largest, of which the first and the last are wider where few lie far out
(`nodescope.numerics.binning`).
Needs: the networks. Gives: one row per linear map, parameter and bin (see `nodescope.analyses.weights`); bins and count
are null where the net diverged. Cost: one pass over the weights.
"""

from typing import TYPE_CHECKING

import polars as pl
import torch
from torch import nn

from nodescope.measuring.networks import linear_maps
from nodescope.numerics.moments import HISTOGRAM_COLUMNS, histogram

if TYPE_CHECKING:
    from nodescope.config.analyses import WeightDistributions

COLUMNS = {
    "state": pl.String,
    "layer": pl.Int32,
    "name": pl.String,
    "parameter": pl.String,
    **HISTOGRAM_COLUMNS,
}


def measure(
    network: nn.Module, x: torch.Tensor, y: torch.Tensor, options: "WeightDistributions", objective: str
) -> pl.DataFrame:
    """Columns layer, name, parameter, bin_left, bin_right, count."""
    frames = []
    for linear in linear_maps(network, x):
        for parameter, values in linear.parameters().items():
            place = {"layer": linear.layer, "name": linear.name, "parameter": parameter}
            columns = {name: pl.lit(value) for name, value in place.items()}
            frames.append(histogram(values.detach().numpy(), options.bins).with_columns(**columns))
    return pl.concat(frames)
