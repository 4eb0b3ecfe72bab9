"""How are the weights of a layer spread, and what has training made of them?

Formula: mean, standard deviation, skew, kurtosis and range (`nodescope.numerics.moments`) of all weights, and of all
biases, of a fully connected map or a convolution.
Needs: the networks. Gives: one row per linear map and parameter; ``layer`` is the hidden layer that it leads to, one
more than the last for the output; null where the net diverged. Cost: one pass over the weights.
"""

from typing import TYPE_CHECKING, Any

import polars as pl
import torch
from torch import nn

from nodescope.measuring.networks import linear_maps
from nodescope.numerics.moments import MOMENT_COLUMNS, moments

if TYPE_CHECKING:
    from nodescope.config.analyses import Weights

COLUMNS = {
    "state": pl.String,
    "layer": pl.Int32,
    "name": pl.String,
    "parameter": pl.String,
    "count": pl.Int64,
    **MOMENT_COLUMNS,
}


def measure(network: nn.Module, x: torch.Tensor, y: torch.Tensor, options: "Weights", objective: str) -> pl.DataFrame:
    """Columns layer, name, parameter, count, mean, std, skew, kurtosis, minimum, maximum."""
    rows: list[dict[str, Any]] = []
    for linear in linear_maps(network, x):
        for parameter, values in linear.parameters().items():
            found = moments(values.detach().numpy())
            rows.append(
                {"layer": linear.layer, "name": linear.name, "parameter": parameter, "count": values.numel()}
                | (found.columns() if found else {})
            )
    return pl.DataFrame(rows, schema={name: dtype for name, dtype in COLUMNS.items() if name != "state"})
