"""What does training do to sparsity?

The share of samples for which a node that is not dead is off, averaged over the layers of a network. See
`nodescope.findings.changes` for when a change is said.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.changes import Subject, in_training
from nodescope.findings.estimating import TO_DESCRIBE, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.studied import Studied
from nodescope.storage.columns import share
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="layers", rank=44, tables=("sparsity",), figure="sparsity", needs_training=True)

SPARSITY = share("sparsity")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence, of networks that are known before and after training."""
    split = split_of(tables["sparsity"], TO_DESCRIBE)
    rows = tables["sparsity"].filter(pl.col("split") == split)
    layers = rows.select(CONFIGURATION, "seed", "state", "layer", "sparsity").collect()
    subject = Subject("sparsity, the share of samples for which a living node is off,", SPARSITY, 0.05)
    yield from in_training(layers, "sparsity", subject, studied, split)
