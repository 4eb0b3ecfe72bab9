"""In how many directions does a layer vary, and does that change with depth?

The participation ratio of the covariance of the activations. See `nodescope.findings.changes` for when a change is said.
"""

from collections.abc import Iterator

from nodescope.findings.changes import Subject, over_layers
from nodescope.findings.estimating import TO_DESCRIBE, rows_of, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.studied import Studied
from nodescope.storage.columns import Quantity

FINDING = Finding(chapter="layers", rank=38, tables=("dimension",), figure="dimension")

DIRECTIONS = Quantity("participation ratio", "directions", (0.0, None), ".1f")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    split = split_of(tables["dimension"], TO_DESCRIBE)
    layers = rows_of(tables, "dimension", "layer", "participation_ratio", split=split, state=studied.last)
    subject = Subject(
        "the participation ratio, the effective number of directions in which a layer varies,", DIRECTIONS, 1.0
    )
    yield from over_layers(layers, "participation_ratio", subject, studied, split)
