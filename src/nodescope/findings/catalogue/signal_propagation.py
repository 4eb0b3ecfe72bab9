"""Do activations grow or shrink with depth before training?

The standard deviation of what enters the activation functions, over samples and nodes, in the last hidden layer over that in the
first: a factor per network. As for gradients, the largest factor is said, or that there is none beyond ten.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.estimating import TO_DESCRIBE, split_of
from nodescope.findings.factors import FactorWords, factor_along_layers
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.studied import Studied
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="health", rank=16, tables=("statistics",), figure="layer_statistics")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence, of networks that are known before training."""
    if studied.first != "initial":
        return
    table = tables["statistics"]
    split = split_of(table, TO_DESCRIBE)
    spreads = (
        table.filter(pl.col("split") == split, pl.col("state") == "initial", pl.col("kind") == "pre")
        .select(CONFIGURATION, "seed", "layer", value="std")
        .collect()
    )
    words = FactorWords(
        subject="the spread of the pre-activations",
        grows="grows {factor}-fold from the first hidden layer to the last",
        shrinks="shrinks to {factor} from the first hidden layer to the last",
        steady="the spread of the pre-activations changes by no more than a factor of {factor} over the hidden layers",
        title="standard deviation of the pre-activations",
    )
    yield from factor_along_layers(spreads, studied, words, backward=False)
