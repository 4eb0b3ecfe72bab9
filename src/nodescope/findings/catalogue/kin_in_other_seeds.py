"""Do networks of different seeds have the same nodes?

The share of nodes of a layer with a node of the same layer of another seed that correlates with it at 0.9 or more, in absolute
value, averaged over the pairs of seeds; in the first and the last hidden layer. See `nodescope.findings.changes` for when a
change is said; pairs share seeds, which makes its interval a little too narrow. Networks of one seed have no others.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.changes import Subject, over_layers
from nodescope.findings.estimating import TO_CLAIM, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.studied import Studied
from nodescope.storage.columns import share
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="nodes", rank=41, tables=("kin",))

SHARED = share("nodes with a counterpart in another seed")
ALIKE = 0.9


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    split = split_of(tables["kin"], TO_CLAIM)
    others = tables["kin"].filter(
        pl.col("split") == split, pl.col("other_seed") != pl.col("seed"), pl.col("other_state") == studied.last
    )
    keys = [CONFIGURATION, "seed", "layer"]
    alike = (pl.col("nearest_correlation").abs() >= ALIKE).mean()
    layers = others.drop_nulls("nearest_correlation").group_by(keys).agg(value=alike).sort(keys).collect()
    subject = Subject(
        f"the share of nodes that have a counterpart in another seed (absolute correlation of at least {ALIKE})",
        SHARED,
        0.05,
    )
    yield from over_layers(layers, "value", subject, studied, split)
