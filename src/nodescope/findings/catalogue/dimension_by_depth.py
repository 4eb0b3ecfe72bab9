"""In how many directions does a layer vary, and does that change with depth?

The participation ratio of the covariance of the activations. See `nodescope.findings.changes` for when a change is said.
"""

from collections.abc import Iterator

from nodescope.findings.changes import Subject, change
from nodescope.findings.estimating import TO_DESCRIBE, first_and_last_layer, layer_means, rows_of, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.small_charts import lines
from nodescope.findings.studied import Studied
from nodescope.storage.columns import Quantity

FINDING = Finding(chapter="layers", rank=38, tables=("dimension",), figure="dimension")

DIRECTIONS = Quantity("participation ratio", "directions", (0.0, None), ".1f")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    split = split_of(tables["dimension"], TO_DESCRIBE)
    layers = rows_of(tables, "dimension", "layer", "participation_ratio", split=split, state=studied.last)
    found = change(
        first_and_last_layer(layers, "participation_ratio"),
        Subject(
            "the participation ratio, the effective number of directions in which a layer varies,", DIRECTIONS, 1.0
        ),
        studied,
        chart=lines([("", layer_means(layers, "participation_ratio"))], DIRECTIONS),
        view={"state": studied.last, "split": split},
    )
    if found:
        yield found
