"""Are nodes switches or graded, and does that change with depth?

The share of nodes of which being on or off explains most of the variance (kind ``switch``), in the first and the last hidden
layer. See `nodescope.findings.changes` for when it is said.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.changes import Subject, over_layers
from nodescope.findings.estimating import TO_DESCRIBE, rows_of, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.studied import Studied
from nodescope.storage.columns import share

FINDING = Finding(chapter="nodes", rank=25, tables=("node_kinds_summary",), figure="node_kinds")

SWITCHES = share("switch nodes")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    split = split_of(tables["node_kinds_summary"], TO_DESCRIBE)
    of_state = rows_of(tables, "node_kinds_summary", "layer", "kind", "share", split=split, state=studied.last)
    # Where only a summary over positions is recorded, no node is known to be a switch or not.
    known = of_state.filter(pl.col("kind").is_in(["switch", "graded"]))
    if not known["share"].sum():
        return
    switches = known.filter(pl.col("kind") == "switch")
    subject = Subject(
        "the share of switch nodes, of which being on or off explains most of the variance,", SWITCHES, 0.05
    )
    yield from over_layers(switches, "share", subject, studied, split)
