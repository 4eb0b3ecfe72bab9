"""What does training do to sparsity?

The share of samples for which a node that is not dead is off, averaged over the layers of a network. See
`nodescope.findings.changes` for when a change is said.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.changes import AFTER_TRAINING, BEFORE_TRAINING, Subject, change
from nodescope.findings.estimating import TO_DESCRIBE, first_and_last_state, layer_means, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.small_charts import lines
from nodescope.findings.studied import Studied
from nodescope.storage.columns import share
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="layers", rank=44, tables=("sparsity",), figure="sparsity", needs_training=True)

SPARSITY = share("sparsity")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence, of networks that are known before and after training."""
    if not studied.words.trained:
        return
    split = split_of(tables["sparsity"], TO_DESCRIBE)
    rows = tables["sparsity"].filter(pl.col("split") == split)
    layers = rows.select(CONFIGURATION, "seed", "state", "layer", "sparsity").collect()
    series = [
        (name, layer_means(layers.filter(pl.col("state") == state), "sparsity"))
        for name, state in (("untrained", studied.first), ("trained", studied.last))
    ]
    found = change(
        first_and_last_state(layers, "sparsity", studied.first, studied.last),
        Subject("sparsity, the share of samples for which a living node is off,", SPARSITY, 0.05),
        studied,
        (BEFORE_TRAINING, AFTER_TRAINING),
        chart=lines(series, SPARSITY),
        view={"state": studied.last, "split": split},
    )
    if found:
        yield found
