"""From which layer on is the class known?

The first hidden layer that, its values read by a classifier of its own, comes within one point of the most accurate layer of the
network. Counts of the networks at hand. Not said of networks of one layer, or where one test sample is more than a point.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.estimating import TO_CLAIM, layer_means, rows_of, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import all_of, counted_word, samples_of
from nodescope.findings.small_charts import lines
from nodescope.findings.studied import Studied
from nodescope.storage.columns import share
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="layers", rank=33, tables=("layer_accuracy",), figure="layer_accuracy")

IN_FIRST = share("networks whose first hidden layer is within a point of the best")
ACCURACY = share("accuracy of a layer alone")
WITHIN = 0.01


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    split = split_of(tables["layer_accuracy"], TO_CLAIM)
    layers = rows_of(
        tables, "layer_accuracy", "layer", "accuracy", split=split, state=studied.last, system="continuous"
    ).drop_nulls("accuracy")
    near = pl.col("accuracy") >= pl.col("accuracy").max() - WITHIN - 1e-12
    networks = layers.group_by(CONFIGURATION, "seed", maintain_order=True).agg(
        first=pl.col("layer").filter(near).min(), layers=pl.col("layer").n_unique()
    )
    deep = networks.filter(pl.col("layers") > 1)
    samples = studied.samples(split)
    if deep.is_empty() or not samples:
        return
    number, known = len(deep), int((deep["first"] == 1).sum())
    median = int(deep["first"].sort()[(number - 1) // 2])
    near_the_best = f"within one point of the most accurate layer on {samples:,} {samples_of(split)}"
    network = studied.networks.removesuffix("s")
    if number == 1 and known:
        sentence = f"In the {network}, the first hidden layer, read by itself, is {near_the_best}."
    elif number == 1:
        sentence = f"In the {network}, layer {median} is the first that, read by itself, is {near_the_best}."
    else:
        rest = "" if known * 2 > number else f"; in the median network layer {median} is the first that is"
        deep_ones = studied.networks if number == len(networks) else f"{studied.networks} of several layers"
        in_some = (
            all_of(number, deep_ones) if known == number else f"{counted_word(known)} of the {number:,} {deep_ones}"
        )
        sentence = f"In {in_some}, the first hidden layer, read by itself, is {near_the_best}{rest}."
    yield Found(
        sentence=sentence, value=known / number, quantity=IN_FIRST, view={"state": studied.last, "split": split},
        chart=lines([("", layer_means(layers, "accuracy"))], ACCURACY),
        reason=f"one of {samples} samples is more than one point" if samples * WITHIN < 1 else "",
    )  # fmt: skip
