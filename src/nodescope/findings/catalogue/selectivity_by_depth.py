"""How much do classes explain of what single nodes do, and does that change with depth?

The share of a node's variance that classes explain, averaged over the nodes of a layer. See `nodescope.findings.changes` for
when a change is said.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.changes import Subject, over_layers
from nodescope.findings.estimating import TO_DESCRIBE, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.studied import Studied
from nodescope.storage.columns import share
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="nodes", rank=28, tables=("selectivity",), figure="selectivity")

CLASS_SHARE = share("variance explained by class")
WORDS = "the share of a node's variance that classes explain"


def class_shares(table: pl.LazyFrame, split: str) -> pl.DataFrame:
    """The mean over the nodes of each layer: configuration, seed, state, layer, value."""
    keys = [CONFIGURATION, "seed", "state", "layer"]
    of_split = table.filter(pl.col("split") == split)
    return of_split.group_by(keys).agg(value=pl.col("class_share").mean()).sort(keys).collect()


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    split = split_of(tables["selectivity"], TO_DESCRIBE)
    layers = class_shares(tables["selectivity"], split).filter(pl.col("state") == studied.last)
    subject = Subject(WORDS, CLASS_SHARE, 0.05)
    yield from over_layers(layers, "value", subject, studied, split)
