"""Do networks of different seeds have the same picture of the samples?

Debiased linear CKA of a layer of two seeds in their last state, averaged over the pairs of seeds; in the first and the last hidden
layer. See `nodescope.findings.changes` for when a change is said; pairs share seeds, which makes its interval a little too narrow.
Networks of one seed have no others.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.changes import Subject, over_layers
from nodescope.findings.estimating import TO_CLAIM, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.studied import Studied
from nodescope.storage.columns import Quantity
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="layers", rank=37, tables=("cka",), figure="cka")

CKA = Quantity("CKA", range=(-1.0, 1.0), format=".2f")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    split = split_of(tables["cka"], TO_CLAIM)
    pairs = tables["cka"].filter(
        pl.col("split") == split,
        pl.col("state") == studied.last,
        pl.col("other_state") == studied.last,
        pl.col("other_seed") != pl.col("seed"),
        pl.col("layer") == pl.col("other_layer"),
    )
    one, other = (pairs.select(CONFIGURATION, "layer", "cka", seed=name) for name in ("seed", "other_seed"))
    # A pair is in the table once, and counts for both seeds.
    keys = [CONFIGURATION, "seed", "layer"]
    layers = pl.concat([one, other]).group_by(keys).agg(value=pl.col("cka").mean()).sort(keys).collect()
    subject = Subject("the similarity of the same layer of two seeds (CKA)", CKA, 0.02)
    yield from over_layers(layers, "value", subject, studied, split)
