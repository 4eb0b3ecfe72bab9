"""Do samples of a class fall together from layer to layer?

Neural collapse NC1: the variability within classes over that between them; 0 is full collapse. See
`nodescope.findings.changes` for when a change is said.
"""

from collections.abc import Iterator

from nodescope.findings.changes import Subject, over_layers
from nodescope.findings.estimating import TO_DESCRIBE, rows_of, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.studied import Studied
from nodescope.storage.columns import Quantity

FINDING = Finding(chapter="layers", rank=39, tables=("collapse",), figure="collapse")

NC1 = Quantity("NC1", range=(0.0, None), format=".2f")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    split = split_of(tables["collapse"], TO_DESCRIBE)
    layers = rows_of(tables, "collapse", "layer", "nc1", split=split, state=studied.last)
    subject = Subject("the variability within classes over that between them (NC1)", NC1, 0.02)
    yield from over_layers(layers, "nc1", subject, studied, split)
