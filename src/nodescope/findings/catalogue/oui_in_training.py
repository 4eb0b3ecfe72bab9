"""Do samples switch on different nodes, and does training change that?

The overfitting-underfitting indicator (OUI): how many nodes two samples have differently on and off, as a share of half the
nodes, averaged over the layers of a network. See `nodescope.findings.changes` for when a change is said.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.changes import Subject, in_training
from nodescope.findings.estimating import TO_DESCRIBE, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.studied import Studied
from nodescope.storage.columns import Quantity
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="layers", rank=52, tables=("oui",), figure="layer_statistics", needs_training=True)

OUI = Quantity("OUI", range=(0.0, 1.0), format=".2f")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence, of networks that are known before and after training."""
    split = split_of(tables["oui"], TO_DESCRIBE)
    rows = tables["oui"].filter(pl.col("split") == split)
    layers = rows.select(CONFIGURATION, "seed", "state", "layer", "oui").collect()
    subject = Subject("the OUI, how differently two samples switch nodes on,", OUI, 0.05)
    yield from in_training(layers, "oui", subject, studied, split)
