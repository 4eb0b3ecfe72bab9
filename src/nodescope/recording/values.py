"""All values of a layer with positions as one list: their moments, and how many lie where.

The list has N * J * P entries and is passed once, while the layer is recorded. Kept of it are, for pre-activations
(kind ``pre``) and activations (``post``):

- number, mean, second to fourth central moment, smallest and largest value, number of exact zeros, all in float64;
- the number of values in each of the buckets that float32 is divided into: `PER_OCTAVE` equal ones from each power of
  two to the next, so that no range need be known beforehand, and a bucket is a thousandth of its values wide. It holds
  its lower end.

File ``values-{l}.parquet`` beside ``layer-{l}.parquet``: one row per kind and bucket that is not empty.

=======  ========  ==================================================
kind     string    ``pre`` or ``post``
bucket   int32     see `edge`; negative for negative values
count    int64     values in ``[edge(bucket), edge(bucket + 1))``
=======  ========  ==================================================

Metadata (key ``nodescope``, JSON): for each kind the fields of `nodescope.numerics.moments.Moments`, and ``finite``: whether all
values are; if not, or if there are none, the moments are zero and there is no bucket.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.numerics.activation_functions import KINDS, Kind
from nodescope.numerics.moments import Moments
from nodescope.storage.digests import check_digest, digested_path

MANTISSA_BITS = 10
PER_OCTAVE = 1 << MANTISSA_BITS
#: Bits of a float32 below those that number its bucket.
SHIFT = 23 - MANTISSA_BITS


@dataclass(frozen=True)
class AllValues:
    """The values of one kind.

    Attributes
    ----------
    count : int
    moments : Moments or None
        None where there are no values or one is not finite; then the buckets are empty.
    buckets : int32 array [K]
        Those that are not empty, ascending.
    counts : int64 array [K]
        Values in each of them.
    """

    count: int
    moments: Moments | None
    buckets: NDArray[np.int32]
    counts: NDArray[np.int64]

    def ends(self) -> NDArray[np.float64]:
        """The smallest and the largest value; empty where there are none or one is not finite."""
        return np.array([self.moments.minimum, self.moments.maximum] if self.moments else [])

    def at_ranks(self, count: int) -> NDArray[np.float32]:
        """The smallest and the largest value, and so many at evenly spaced ranks between; each in its bucket."""
        ranks = (np.arange(count) + 0.5) / count * self.count
        between = edge(self.buckets)[np.searchsorted(np.cumsum(self.counts), ranks, side="right")]
        low, high = self.ends()
        return np.array([low, *np.clip(between, low, high), high], np.float32)

    def below(self, limits: NDArray[np.float64]) -> NDArray[np.float64]:
        """How many values lie below each of some limits; within a bucket they count as evenly spread.

        Exact at edges of buckets.
        """
        edges = np.concatenate([edge(self.buckets), edge(self.buckets + 1)])
        before = np.concatenate([[0], np.cumsum(self.counts)])
        order = np.argsort(edges, kind="stable")
        found: NDArray[np.float64] = np.interp(limits, edges[order], np.concatenate([before[:-1], before[1:]])[order])
        return found

    def histogram(self, edges: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Edges and counts of bins that reach over all values; each holds its left end, the last both.

        The inner edges are moved to the nearest edge of a bucket, so that the counts are exact; bins that are narrower
        than a bucket fall together.
        """
        inner = np.unique(nearest_edges(edges[1:-1]))
        inner = inner[(inner > edges[0]) & (inner < edges[-1])]
        before = np.concatenate([[0], np.cumsum(self.counts)])[np.searchsorted(edge(self.buckets), inner)]
        return np.array([edges[0], *inner, edges[-1]]), np.diff(before, prepend=0, append=self.count)


def edge(bucket: NDArray[np.integer]) -> NDArray[np.float64]:
    """The lower end of buckets."""
    sizes = (np.abs(bucket) << SHIFT).astype(np.int32).view(np.float32)
    return np.copysign(sizes.astype(np.float64), bucket)


def bucket_of(values: NDArray[np.float32]) -> NDArray[np.int32]:
    """The buckets that values lie in."""
    sizes = np.abs(values).view(np.int32)
    below_zero = np.signbit(values)
    found: NDArray[np.int32] = np.where(below_zero, -((sizes + ((1 << SHIFT) - 1)) >> SHIFT), sizes >> SHIFT)
    return found


def nearest_edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The edge of a bucket that is nearest to each value."""
    sizes = np.abs(values).astype(np.float32).view(np.int32)
    nearest = (sizes + (1 << SHIFT - 1)) >> SHIFT
    return edge(np.where(values < 0, -nearest, nearest))


def values_path(layer: str | Path) -> Path:
    """Where the values stand of the layer whose file this is: ``values-3.parquet`` of ``layer-3.parquet``."""
    path = Path(layer)
    return path.with_name(path.name.replace("layer-", "values-"))


def write_values(path: Path, values: dict[Kind, AllValues]) -> None:
    """Write the values of a layer."""
    kinds = [pl.repeat(kind, len(found.buckets), dtype=pl.String, eager=True) for kind, found in values.items()]
    frame = pl.DataFrame(
        {
            "kind": pl.concat(kinds),
            "bucket": np.concatenate([found.buckets for found in values.values()]),
            "count": np.concatenate([found.counts for found in values.values()]),
        },
        schema={"kind": pl.String, "bucket": pl.Int32, "count": pl.Int64},
    )
    scalars = {kind: _scalars(found) for kind, found in values.items()}
    with digested_path(path) as temporary:
        frame.write_parquet(
            temporary,
            compression="zstd",
            compression_level=3,
            metadata={"nodescope": json.dumps(scalars)},
        )


def _scalars(values: AllValues) -> dict[str, Any]:
    """Their number, whether all are finite, and their moments, which are zero where there are none."""
    moments = values.moments or Moments(values.count, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0)
    found = dataclasses.asdict(moments)
    return {"count": found.pop("count"), "finite": values.moments is not None or not values.count, **found}


def _from_scalars(scalars: dict[str, Any]) -> tuple[int, Moments | None]:
    """What `_scalars` gave."""
    found = dict(scalars)
    is_known = found.pop("finite") and found["count"] > 0
    return found["count"], Moments(**found) if is_known else None


def read_values(path: Path) -> dict[Kind, AllValues]:
    """Read the values of a layer back, by kind."""
    check_digest(path)
    scalars: dict[str, dict[str, Any]] = json.loads(pl.read_parquet_metadata(path)["nodescope"])
    frame = pl.read_parquet(path)
    return {
        kind: AllValues(*_from_scalars(scalars[kind]), buckets=own["bucket"].to_numpy(), counts=own["count"].to_numpy())
        for kind in KINDS
        for own in [frame.filter(pl.col("kind") == kind)]
    }
