"""Does training make patterns of on and off more or less varied?

The entropy of the patterns of a layer over the largest possible, averaged over the layers of a network, at the first and at the
last step that was followed. See `nodescope.findings.changes` for when a change is said.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.changes import AFTER_TRAINING, BEFORE_TRAINING, Subject, change
from nodescope.findings.estimating import first_and_last_state, over_networks
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.small_charts import lines
from nodescope.findings.studied import Studied
from nodescope.storage.columns import share
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(
    chapter="layers", rank=31, tables=("pattern_evolution",), figure="pattern_evolution", needs_training=True
)

ENTROPY = share("relative entropy of the patterns")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    keys = [CONFIGURATION, "seed", "step", "epoch"]
    steps = (
        tables["pattern_evolution"]
        .group_by(keys)
        .agg(value=pl.col("relative_entropy").mean())
        .drop_nulls()
        .sort(keys)
        .collect()
    )
    last = pl.col("step").max().over(CONFIGURATION, "seed")
    ends = steps.with_columns(
        state=pl.when(pl.col("step") == 0).then(pl.lit("first")).when(pl.col("step") == last).then(pl.lit("last"))
    ).drop_nulls("state")
    series = [
        (
            studied.label(name),
            [
                (epoch, over_networks(at, "value").centre or 0.0)
                for (epoch,), at in of_one.group_by("epoch", maintain_order=True)
            ],
        )
        for (name,), of_one in steps.group_by(CONFIGURATION, maintain_order=True)
    ]
    found = change(
        first_and_last_state(ends, "value", "first", "last"),
        Subject("the entropy of patterns of on and off, of the largest possible,", ENTROPY, 0.05),
        studied,
        (BEFORE_TRAINING, AFTER_TRAINING),
        chart=lines(series[:3], ENTROPY, x="epoch"),
    )
    if found:
        yield found
