"""Does sparsity change with depth?

The share of samples for which a node that is not dead is off. See `nodescope.findings.changes` for when a change is said.
"""

from collections.abc import Iterator

from nodescope.findings.changes import Subject, over_layers
from nodescope.findings.estimating import TO_DESCRIBE, rows_of, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.studied import Studied
from nodescope.storage.columns import share

FINDING = Finding(chapter="layers", rank=42, tables=("sparsity",), figure="sparsity")

SPARSITY = share("sparsity")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    split = split_of(tables["sparsity"], TO_DESCRIBE)
    layers = rows_of(tables, "sparsity", "layer", "sparsity", split=split, state=studied.last)
    subject = Subject("sparsity, the share of samples for which a living node is off,", SPARSITY, 0.05)
    yield from over_layers(layers, "sparsity", subject, studied, split)
