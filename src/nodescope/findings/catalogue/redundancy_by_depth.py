"""How redundant are layers, and does that change with depth?

The share of nodes whose activations correlate strongly, at 0.9 or more in absolute value unless set otherwise, with another
node of the layer. See `nodescope.findings.changes` for when a change is said.
"""

from collections.abc import Iterator

from nodescope.findings.changes import Subject, change
from nodescope.findings.estimating import TO_DESCRIBE, first_and_last_layer, layer_means, rows_of, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.small_charts import lines
from nodescope.findings.studied import Studied
from nodescope.storage.columns import share

FINDING = Finding(chapter="nodes", rank=30, tables=("redundancy_summary",), figure="redundancy")

REDUNDANT = share("redundant nodes")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    split = split_of(tables["redundancy_summary"], TO_DESCRIBE)
    layers = rows_of(tables, "redundancy_summary", "layer", "redundant_share", split=split, state=studied.last)
    found = change(
        first_and_last_layer(layers, "redundant_share"),
        Subject("the share of nodes that strongly correlate with another of their layer", REDUNDANT, 0.05),
        studied,
        chart=lines([("", layer_means(layers, "redundant_share"))], REDUNDANT),
        view={"state": studied.last, "split": split},
    )
    if found:
        yield found
