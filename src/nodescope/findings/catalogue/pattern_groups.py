"""Do patterns of on and off group the samples?

The number of different patterns of a layer over that of samples, in the first and the last hidden layer of the networks at hand.
Said where a layer has fewer patterns than half of the samples, and, as an important nothing, where in every layer of every network
nearly every sample has a pattern of its own. What lies between is not said.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.estimating import TO_DESCRIBE, layer_means, rows_of, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import samples_of
from nodescope.findings.small_charts import lines
from nodescope.findings.studied import Studied
from nodescope.storage.columns import share
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="layers", rank=36, tables=("patterns",), figure="patterns")

DISTINCT = share("different patterns per sample")
FEW, NEARLY_ALL = 0.5, 0.95


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    split = split_of(tables["patterns"], TO_DESCRIBE)
    layers = (
        rows_of(tables, "patterns", "layer", "distinct", "samples", split=split, state=studied.last)
        .drop_nulls()
        .filter(pl.col("samples") > 0)
        .with_columns(value=pl.col("distinct") / pl.col("samples"))
    )
    if layers.is_empty():
        return
    least = layers.sort("value", CONFIGURATION, "seed", "layer").row(0, named=True)
    what = samples_of(split)
    networks = layers.select(CONFIGURATION, "seed").n_unique()
    whose = "" if networks == 1 else f" of {studied.label(least[CONFIGURATION], least['seed'])}"
    where = f"layer {least['layer']}{whose}"
    if least["value"] >= NEARLY_ALL:
        sentence = (
            f"Patterns of on and off hardly group the samples: the fewest different ones are {least['distinct']:,} for "
            f"{least['samples']:,} {what}, in {where}."
        )
    else:
        sentence = (
            f"Patterns of on and off group the samples most in {where}: {least['distinct']:,} different patterns for "
            f"{least['samples']:,} {what} ({DISTINCT.text(least['value'])})."
        )
    between = FEW < least["value"] < NEARLY_ALL
    yield Found(
        sentence=sentence, value=least["value"], quantity=DISTINCT, view={"state": studied.last, "split": split},
        chart=lines([("", layer_means(layers, "value"))], DISTINCT),
        reason="most samples have a pattern of their own, and not nearly all" if between else "",
    )  # fmt: skip
