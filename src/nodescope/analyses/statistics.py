"""How are all values of a layer spread: where do they lie, how far apart, how lopsided, how many at the ends?

Formula: all pre-activations (kind ``pre``) or activations (kind ``post``) of a layer over its nodes and a split's
samples form one list; its mean, standard deviation, skew, kurtosis (zero for a normal distribution; see
`nodescope.numerics.moments`), range and share of exact zeros (methods, sections 4 and 5). ``dead`` is the number of
nodes that are on for no sample. ``saturated_share`` is the share of the activations within a tolerance of a bound of
the activation function; null for functions that have none, and for pre-activations. In a layer with positions the values
at all of them count, also where a summary over the positions is recorded; then alone, ``saturated_share`` is not exact:
it takes the values in the bucket around a limit as evenly spread (`nodescope.recording.values`).
Needs: the activations of a layer. Gives: one row per split and kind; null where the split has no sample or the net
diverged. Cost: six passes over the values while they are in a core's cache.
"""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.measuring.layers import RecordedLayer, dead_nodes
from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS
from nodescope.numerics.moments import CHUNK, MOMENT_COLUMNS, Moments, moments
from nodescope.recording.values import KINDS, AllValues

if TYPE_CHECKING:
    from nodescope.config.analyses import Statistics

COLUMNS = {
    "state": pl.String,
    "split": pl.String,
    "layer": pl.Int32,
    "kind": pl.String,
    **MOMENT_COLUMNS,
    "zero_share": pl.Float64,
    "dead": pl.Int32,
    "saturated_share": pl.Float64,
}


def measure(layer: RecordedLayer, options: "Statistics") -> pl.DataFrame:
    """Columns split, kind, mean, std, skew, kurtosis, minimum, maximum, zero_share, dead, saturated_share."""
    rows: list[dict[str, Any]] = []
    for split in options.splits:
        activations = layer.read(split)
        bounds = ACTIVATION_FUNCTIONS[activations.metadata.activation].bounds
        for kind in KINDS:
            each = activations.each(kind)
            found = moments_of_summary(activations.values[kind]) if each is None else moments(each)
            row: dict[str, Any] = {"split": split, "kind": kind}
            if found is not None:
                row |= found.columns() | {
                    "zero_share": found.zeros / found.count,
                    "dead": int(dead_nodes(layer, activations).sum()),
                }
            if found is not None and kind == "post":
                values = activations.values[kind] if each is None else each
                row["saturated_share"] = saturated_share(values, bounds, options.saturation_tolerance)
            rows.append(row)
    types = {name: COLUMNS[name] for name in list(COLUMNS)[4:]}
    return pl.DataFrame(rows, schema={"split": pl.String, "kind": pl.String, **types})


def moments_of_summary(values: AllValues) -> Moments | None:
    """The moments that were summed while the layer was recorded; None as in `nodescope.numerics.moments.moments`."""
    if not len(values.ends()):
        return None
    return Moments(**{field.name: getattr(values, field.name) for field in dataclasses.fields(Moments)})


def saturated_share(
    values: NDArray[np.floating] | AllValues, bounds: tuple[float | None, ...], tolerance: float
) -> float | None:
    """The share of values (at least one) within ``tolerance`` of a bound; None where there is no bound."""
    known = [bound for bound in bounds if bound is not None]
    if not known:
        return None
    if isinstance(values, AllValues):
        return _saturated_share_of_summary(values, known, tolerance)
    flat = values.reshape(-1)
    found = 0
    for begin in range(0, len(flat), CHUNK):
        chunk = flat[begin : begin + CHUNK].astype(np.float64)
        near = np.abs(chunk - known[0]) <= tolerance
        for bound in known[1:]:
            near |= np.abs(chunk - bound) <= tolerance
        found += int(np.count_nonzero(near))
    return found / len(flat)


def _saturated_share_of_summary(values: AllValues, bounds: list[float], tolerance: float) -> float:
    """From the counts in buckets; intervals around the bounds that overlap are one."""
    ends = np.array([[bound - tolerance, np.nextafter(bound + tolerance, np.inf)] for bound in sorted(bounds)])
    ends[1:, 0] = np.maximum(ends[1:, 0], ends[:-1, 1])
    below = values.below(ends.ravel()).reshape(-1, 2)
    return float((below[:, 1] - below[:, 0]).sum() / values.count)
