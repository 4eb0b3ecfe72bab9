"""How redundant are layers, and does that change with depth?

The share of nodes whose activations correlate strongly, at 0.9 or more in absolute value unless set otherwise, with another
node of the layer. See `nodescope.findings.changes` for when a change is said.
"""

from collections.abc import Iterator

from nodescope.findings.changes import Subject, over_layers
from nodescope.findings.estimating import TO_DESCRIBE, rows_of, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.studied import Studied
from nodescope.storage.columns import share

FINDING = Finding(chapter="nodes", rank=30, tables=("redundancy_summary",), figure="redundancy")

REDUNDANT = share("redundant nodes")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    split = split_of(tables["redundancy_summary"], TO_DESCRIBE)
    layers = rows_of(tables, "redundancy_summary", "layer", "redundant_share", split=split, state=studied.last)
    subject = Subject("the share of nodes that strongly correlate with another of their layer", REDUNDANT, 0.05)
    yield from over_layers(layers, "redundant_share", subject, studied, split)
