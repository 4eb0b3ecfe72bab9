"""How are the weights of a layer distributed, and what has training made of them?

Formula: histograms of all weights, and of all biases, of a fully connected map or a convolution, over equal bins from
the smallest to the largest, of which the first and the last are wider where few lie far out
(`nodescope.numerics.binning`).
Needs: the networks. Gives: one row per linear map, parameter and bin (see `nodescope.analyses.weights`); bins and count
are null where the net diverged. Cost: one pass over the weights.
"""

from typing import TYPE_CHECKING

from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import Bins, NetworkOptions
from nodescope.numerics.moments import histogram
from nodescope.storage.columns import HISTOGRAM, LINEAR_LAYER, LINEAR_NAME, PARAMETER

if TYPE_CHECKING:
    from nodescope.measuring.networks import MeasuredNetwork


class WeightDistributions(NetworkOptions):
    """Histograms of the weights of a layer."""

    bins: Bins = Field(60, description="bins of each histogram")


def measure(network: "MeasuredNetwork", options: WeightDistributions) -> Parts:
    """Columns layer, name, parameter, bin_left, bin_right, count."""
    for linear in network.linear_maps():
        for parameter, values in linear.parameters().items():
            place = {"layer": linear.layer, "name": linear.name, "parameter": parameter}
            yield place | histogram(values.detach().numpy(), options.bins)


ANALYSIS = Analysis(
    title="distributions of the weights",
    job="networks",
    order=130,
    options=WeightDistributions,
    columns=(LINEAR_LAYER, LINEAR_NAME, PARAMETER, *HISTOGRAM),
    measure=measure,
)
