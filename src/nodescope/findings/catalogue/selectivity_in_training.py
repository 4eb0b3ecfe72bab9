"""What does training add to the selectivity of nodes?

The share of a node's variance that classes explain, averaged over the nodes of all layers of a network, before training and
after: untrained nodes are selective too, so that the share alone says little. See `nodescope.findings.changes` for when a change
is said.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.catalogue.selectivity_by_depth import CLASS_SHARE, WORDS, class_shares
from nodescope.findings.changes import AFTER_TRAINING, BEFORE_TRAINING, Subject, change
from nodescope.findings.estimating import TO_DESCRIBE, first_and_last_state, layer_means, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.small_charts import lines
from nodescope.findings.studied import Studied

FINDING = Finding(chapter="nodes", rank=26, tables=("selectivity",), figure="selectivity", needs_training=True)


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence, of networks that are known before and after training."""
    if not studied.words.trained:
        return
    split = split_of(tables["selectivity"], TO_DESCRIBE)
    layers = class_shares(tables["selectivity"], split)
    series = [
        (name, layer_means(layers.filter(pl.col("state") == state), "value"))
        for name, state in (("untrained", studied.first), ("trained", studied.last))
    ]
    found = change(
        first_and_last_state(layers, "value", studied.first, studied.last),
        Subject(WORDS, CLASS_SHARE, 0.05),
        studied,
        (BEFORE_TRAINING, AFTER_TRAINING),
        chart=lines(series, CLASS_SHARE),
        view={"state": studied.last, "split": split},
    )
    if found:
        yield found
