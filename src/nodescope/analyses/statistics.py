"""How are all values of a layer spread: where do they lie, how far apart, how lopsided, how many at the ends?

Formula: all pre-activations (kind ``pre``) or activations (kind ``post``) of a layer over its nodes and a split's
samples form one list; its mean, standard deviation, skew, kurtosis (zero for a normal distribution; see
`nodescope.numerics.moments`), range and share of exact zeros (methods, sections 4 and 5). ``dead`` is the number of
nodes that are on for no sample. ``saturated_share`` is the share of the activations within a tolerance of a bound of
the activation function; null for functions that have none, and for pre-activations. In a layer with positions the values
at all of them count, also where a summary over the positions is recorded; then alone, ``saturated_share`` is not exact:
it takes the values in the bucket around a limit as evenly spread (`nodescope.recording.values`).
Needs: the activations of a layer. Gives: one row per split and kind, with the activation function of the layer; null
where the split has no sample or the net diverged. Cost: six passes over the values while they are in a core's cache.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import PositiveNumber
from nodescope.numerics.moments import CHUNK, moments
from nodescope.storage.columns import KIND, MOMENTS, ZERO_SHARE, Column, number_of, share

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer
    from nodescope.recording.values import AllValues


class Statistics(LayerOptions):
    """Mean, spread, shape and range of all values of a layer; shares of zeros and of saturated values."""

    saturation_tolerance: PositiveNumber = Field(
        0.05,
        description="activations within this distance of a bound of the function (0 and 1 for the sigmoid) are "
        "saturated",
    )


def measure(layer: "RecordedLayer", options: Statistics) -> Parts:
    """Columns split, kind, mean, std, skew, kurtosis, minimum, maximum, zero_share, dead, saturated_share, activation_function."""
    for split in options.splits:
        activations = layer.read(split)
        function = activations.metadata.activation
        bounds = activations.metadata.function.bounds
        for kind in activations.metadata.kinds:
            each = activations.each(kind)
            found = activations.values[kind].moments if each is None else moments(each)
            row: dict[str, Any] = {"split": split, "kind": kind, "activation_function": function}
            if found is not None:
                row |= found.columns() | {
                    "zero_share": found.zeros / found.count,
                    "dead": int(layer.dead_nodes(activations).sum()),
                }
                if kind == "post":
                    row["saturated_share"] = (
                        saturated_share_of_summary(activations.values[kind], bounds, options.saturation_tolerance)
                        if each is None
                        else saturated_share(each, bounds, options.saturation_tolerance)
                    )
            yield row


def saturated_share(values: NDArray[np.floating], bounds: tuple[float | None, ...], tolerance: float) -> float | None:
    """The share of values (at least one) within ``tolerance`` of a bound; None where there is no bound."""
    known = [bound for bound in bounds if bound is not None]
    if not known:
        return None
    flat = values.reshape(-1)
    found = 0
    for begin in range(0, len(flat), CHUNK):
        chunk = flat[begin : begin + CHUNK].astype(np.float64)
        near = np.abs(chunk - known[0]) <= tolerance
        for bound in known[1:]:
            near |= np.abs(chunk - bound) <= tolerance
        found += int(np.count_nonzero(near))
    return found / len(flat)


def saturated_share_of_summary(values: "AllValues", bounds: tuple[float | None, ...], tolerance: float) -> float | None:
    """The same from the counts in buckets; intervals around the bounds that overlap are one."""
    known = sorted(bound for bound in bounds if bound is not None)
    if not known:
        return None
    ends = np.array([[bound - tolerance, np.nextafter(bound + tolerance, np.inf)] for bound in known])
    ends[1:, 0] = np.maximum(ends[1:, 0], ends[:-1, 1])
    below = values.below(ends.ravel()).reshape(-1, 2)
    return float((below[:, 1] - below[:, 0]).sum() / values.count)


ANALYSIS = Analysis(
    title="statistics of whole layers",
    job="nodes",
    order=60,
    options=Statistics,
    columns=(
        KIND,
        *MOMENTS,
        ZERO_SHARE,
        Column("dead", "int32", "nodes that are on for no sample", number_of("dead nodes")),
        Column(
            "saturated_share",
            "float64",
            "share of the activations near a bound of their function; null where it has none, and for pre-activations",
            share("saturated activations"),
        ),
        Column("activation_function", "string", "of the layer"),
    ),
    measure=measure,
)
