"""Which samples does a layer put side by side?

Formula: the first two principal components of the centred activations of a layer over at most ``samples`` samples, exact. Their
signs and directions are arbitrary: in the kept state the sample farthest out is positive on each axis, and each earlier state is
rotated or mirrored so that its samples lie nearest to where they are in the next one (orthogonal Procrustes; methods, section 7).
With ``method: umap``, UMAP (McInnes, Healy & Melville, 2018) of the same activations, whose distances between groups mean little.
Needs: the activations of a layer. In a layer with positions a sample's activation is the mean over them. UMAP needs umap-learn.
Gives: one row per state, split, layer and sample, of the first ``seeds`` seeds; null where the layer is constant or not finite. Two
dimensions hide the others: ``x_share`` and ``y_share`` are the shares of the variance that the axes have; null of UMAP.
Cost: the products of the activations and two eigenvectors, O(N J^2 + J^3) with N at most ``samples``.
"""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts, Summary
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import Count, Splits
from nodescope.numerics.planes import centred_values, principal_plane, shares_of, turned_to
from nodescope.storage.columns import LAYER, SPLIT, STATE, Column, Quantity, Table, share

if TYPE_CHECKING:
    import polars as pl

    from nodescope.measuring.recordings import RecordedNetworks
    from nodescope.measuring.sketches import Sketch

Floats = NDArray[np.float64]

#: Fewer samples make no neighbourhoods.
FEWEST_OF_UMAP = 5


class LayerMap(LayerOptions):
    """A map of the samples in each layer: where its first two principal components put them."""

    splits: Splits = Field(["test"], description="splits to measure")
    samples: Count = Field(2000, description="samples to use at most, evenly spaced over the classes")
    seeds: Count = Field(1, description="seeds to measure: the first so many")
    method: Literal["pca", "umap"] = Field(
        "pca", description="pca: the first two principal components; umap: UMAP, which needs the package umap-learn"
    )

    def packages(self) -> dict[str, str]:
        """UMAP is no part of nodescope."""
        return {"umap": "umap-learn"} if self.method == "umap" else {}


def measure(networks: "RecordedNetworks", options: LayerMap) -> Parts:
    """Columns seed, state, split, layer, sample, label, x, y, x_share, y_share."""
    for split in networks.splits_of(options.splits):
        for seed in networks.seeds[: options.seeds]:
            for number in networks.layers():
                rows = []
                later: tuple[str, Floats] | None = None
                for state in reversed(networks.states):
                    sketch = networks.sketch(seed, state, number, split, options.samples)
                    if sketch is None:
                        continue
                    where = {"seed": seed, "state": state, "split": split, "layer": number, "sample": sketch.samples}
                    found = places(sketch, options)
                    if found is not None and later is not None and later[0] == sketch.sample_set:
                        found = turned_to(found[0], later[1]), found[1]
                    if found is not None:
                        later = sketch.sample_set, found[0]
                    rows.append(where | {"label": sketch.labels if sketch.is_labelled else None, **_columns(found)})
                yield from reversed(rows)


def places(sketch: "Sketch", options: LayerMap) -> tuple[Floats, float] | None:
    """Where the samples lie [N, 2], and the sum of squares that shares are of, NaN of UMAP; None where that is not known."""
    if not sketch.known:
        return None
    if options.method == "pca":
        return principal_plane(sketch.values)
    varying_JN = centred_values(sketch.values)
    if not len(varying_JN) or varying_JN.shape[1] < FEWEST_OF_UMAP:
        return None
    import umap

    neighbours = min(15, varying_JN.shape[1] - 1)
    found = umap.UMAP(n_components=2, n_neighbors=neighbours, random_state=0).fit_transform(varying_JN.T)
    exact = np.asarray(found, np.float64)
    return exact - exact.mean(axis=0), float("nan")


def _columns(found: tuple[Floats, float] | None) -> dict[str, Any]:
    if found is None:
        return {}
    x_share, y_share = shares_of(*found)
    return {"x": found[0][:, 0], "y": found[0][:, 1], "x_share": x_share, "y_share": y_share}


def axes_of(table: "pl.DataFrame") -> "pl.DataFrame":
    """Key columns, state, split, layer, x_share, y_share."""
    import polars as pl

    keys = table.columns[: table.columns.index("sample")]
    return table.group_by(keys, maintain_order=True).agg(pl.col("x_share", "y_share").first())


SHARES = (
    Column("x_share", "float32", "share of the variance of the layer along x", share("variance along x")),
    Column("y_share", "float32", "along y", share("variance along y")),
)

ANALYSIS = Analysis(
    title="maps of the layers",
    job="nodes",
    order=170,
    options=LayerMap,
    columns=(
        STATE,
        SPLIT,
        LAYER,
        Column("sample", "int32", "index in the data set"),
        Column("label", "int32", "index of its class; null where samples have none"),
        Column("x", "float32", "place on the first axis; null where the layer is constant", Quantity("x")),
        Column("y", "float32", "place on the second axis", Quantity("y")),
        *SHARES,
    ),
    measure=measure,
    scope="configuration",
    summaries=(
        Summary(
            Table("layer_map_axes", "How much of each layer its map shows.", (STATE, SPLIT, LAYER, *SHARES)),
            axes_of,
        ),
    ),
)
