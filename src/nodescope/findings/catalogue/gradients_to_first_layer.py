"""How much of the gradient reaches the first hidden layer?

The norm of a sample's gradient of the loss with respect to the activations of the first hidden layer over that of the last, in
the first recorded state, since there training begins: a factor per network, its geometric mean per configuration. Said of the
configuration with the largest factor, up or down, where it is beyond ten and the interval over the seeds excludes none; and, of
all, where none is beyond ten. What lies between is not said.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.factors import FactorWords, factor_along_layers
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.studied import Studied
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="health", rank=14, tables=("gradients",), figure="layer_statistics")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    norms = (
        tables["gradients"]
        .filter(pl.col("quantity") == "activation", pl.col("state") == studied.first)
        .select(CONFIGURATION, "seed", "layer", value="norm")
        .collect()
    )
    words = FactorWords(
        subject="the gradient",
        grows="grows to {factor} times its norm on its way from the last hidden layer to the first",
        shrinks="shrinks to {factor} of its norm on its way from the last hidden layer to the first",
        steady="the norm of the gradient changes by no more than a factor of {factor} between the last and the first hidden layer",
        title="norm of the gradient",
    )
    yield from factor_along_layers(norms, studied, words, backward=True)
