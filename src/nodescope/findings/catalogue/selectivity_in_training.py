"""What does training add to the selectivity of nodes?

The share of a node's variance that classes explain, averaged over the nodes of all layers of a network, before training and
after: untrained nodes are selective too, so that the share alone says little. See `nodescope.findings.changes` for when a change
is said.
"""

from collections.abc import Iterator

from nodescope.findings.catalogue.selectivity_by_depth import CLASS_SHARE, WORDS, class_shares
from nodescope.findings.changes import Subject, in_training
from nodescope.findings.estimating import TO_DESCRIBE, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.studied import Studied

FINDING = Finding(chapter="nodes", rank=26, tables=("selectivity",), figure="selectivity", needs_training=True)


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence, of networks that are known before and after training."""
    split = split_of(tables["selectivity"], TO_DESCRIBE)
    layers = class_shares(tables["selectivity"], split)
    subject = Subject(WORDS, CLASS_SHARE, 0.05)
    yield from in_training(layers, "value", subject, studied, split)
