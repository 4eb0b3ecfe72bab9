"""How are the weights of a layer spread, and what has training made of them?

Formula: mean, standard deviation, skew, kurtosis and range (`nodescope.numerics.moments`) of all weights, and of all
biases, of a fully connected map or a convolution.
Needs: the networks. Gives: one row per linear map and parameter; ``layer`` is the hidden layer that it leads to, one
more than the last for the output; null where the net diverged. Cost: one pass over the weights.
"""

from typing import TYPE_CHECKING

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import NetworkOptions
from nodescope.numerics.moments import moments
from nodescope.storage.columns import LINEAR_LAYER, LINEAR_NAME, MOMENTS, PARAMETER, Column, number_of

if TYPE_CHECKING:
    from nodescope.measuring.networks import MeasuredNetwork


class Weights(NetworkOptions):
    """Mean, spread, shape and range of the weights of a layer."""


def measure(network: "MeasuredNetwork", options: Weights) -> Parts:
    """Columns layer, name, parameter, count, mean, std, skew, kurtosis, minimum, maximum."""
    for linear in network.linear_maps():
        for parameter, values in linear.parameters().items():
            found = moments(values.detach().numpy())
            place = {"layer": linear.layer, "name": linear.name, "parameter": parameter, "count": values.numel()}
            yield place | (found.columns() if found else {})


ANALYSIS = Analysis(
    title="weights",
    job="networks",
    order=120,
    options=Weights,
    columns=(
        LINEAR_LAYER,
        LINEAR_NAME,
        PARAMETER,
        Column("count", "int64", "how many they are", number_of("parameters")),
        *MOMENTS,
    ),
    measure=measure,
)
