"""Findings on what is multiplied from layer to layer: gradients on their way back, activations on their way forward."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from nodescope.findings.estimating import per_configuration
from nodescope.findings.finding import Found
from nodescope.findings.phrasing import capitalised, factor, listing, number_word
from nodescope.findings.small_charts import lines
from nodescope.findings.studied import Studied
from nodescope.storage.columns import Quantity
from nodescope.study.axes import CONFIGURATION

#: A factor beyond which something grows or shrinks, as decades.
LARGE = 1.0
SERIES = 3


@dataclass(frozen=True)
class FactorWords:
    """How a factor is said; ``{factor}`` stands for it.

    Attributes
    ----------
    subject, grows, shrinks, steady : str
        Within a sentence.
    title : str
        Of what is multiplied.
    """

    subject: str
    grows: str
    shrinks: str
    steady: str
    title: str


def factor_along_layers(
    layers: pl.DataFrame, studied: Studied, words: FactorWords, *, backward: bool
) -> Iterator[Found]:
    """What there is to say of the factor between the first and the last layer.

    Parameters
    ----------
    layers
        ``configuration``, ``seed``, ``layer`` and ``value``, above 0.
    backward
        Whether the factor is that from the last layer to the first.
    """
    quantity = Quantity(f"ratio of the {words.title}", range=(0.0, None), format=".3g")
    ends = (
        layers.drop_nulls("value")
        .filter(pl.col("value") > 0)
        .sort("layer")
        .group_by(CONFIGURATION, "seed", maintain_order=True)
    )
    ratios = ends.agg(
        first=pl.col("value").first(), last=pl.col("value").last(), layers=pl.col("layer").max() - pl.col("layer").min()
    ).filter(pl.col("layers") > 0)
    silent = studied.in_order(layers.filter(pl.col("value") == 0)[CONFIGURATION])
    of_silent = f"{words.subject} is 0 in {listing([studied.label(name) for name in silent])}" if silent else ""
    before = "Before training, " if studied.first == "initial" else ""
    if ratios.is_empty():
        if silent:
            yield Found(
                sentence=capitalised(f"{before}{of_silent}."),
                value=0.0,
                quantity=quantity,
                view={"state": studied.first},
            )
        return
    sign = -1 if backward else 1
    decades = ratios.with_columns(value=sign * (pl.col("last").log10() - pl.col("first").log10()))
    estimates = per_configuration(decades, "value")
    largest = max(estimates, key=lambda name: abs(estimates[name].centre or 0.0))
    estimate, centre = estimates[largest], estimates[largest].centre or 0.0
    beyond = sum(abs(each.centre or 0.0) > LARGE for each in estimates.values())
    low, high = (
        (10.0**end for end in estimate.interval)
        if estimate.interval and not estimate.equal_in_all_seeds
        else (None, None)
    )
    steps = int(decades.filter(pl.col(CONFIGURATION) == largest)["layers"].max())  # type: ignore[arg-type]  # whole numbers
    in_brackets = f" (95 % interval {factor(low)} to {factor(high)})" if low is not None and high is not None else ""
    reason = ""
    if abs(centre) > LARGE:
        verb = (words.grows if centre > 0 else words.shrinks).format(factor=factor(10**centre))
        whose = f" of {studied.label(largest)}" if len(estimates) > 1 else ""
        per_layer = f", a factor of {factor(10 ** (centre / steps))} per layer" if steps > 1 else ""
        others = _others(beyond, len(estimates))
        sentence = f"{before}{words.subject}{whose} {verb}{in_brackets}{per_layer}{others}."
        if low is not None and high is not None and low <= 1 <= high:
            reason = "the 95 % interval over the seeds includes no change"
    else:
        steady = words.steady.format(factor=factor(10 ** abs(centre)))
        others = "any other" if silent else "any"
        where = f", in {others} configuration" if len(estimates) > 1 or silent else ""
        sentence = f"{before}{steady}{where}."
    if silent:
        sentence = f"{sentence} {capitalised(of_silent)}."
    shown = sorted(estimates, key=lambda name: -abs(estimates[name].centre or 0.0))[:SERIES]
    yield Found(
        sentence=capitalised(sentence), value=10**centre, low=low, high=high, quantity=quantity, reason=reason,
        rank=None if abs(centre) > LARGE or silent else 58,
        chart=lines([(studied.label(name), _geometric_means(layers, name)) for name in shown], Quantity(words.title), log=True),
        view={"state": studied.first},
    )  # fmt: skip


def _others(beyond: int, configurations: int) -> str:
    if configurations < 2:
        return ""
    if beyond == configurations:
        return f"; it changes more than tenfold in all {number_word(configurations)} configurations"
    within = configurations - beyond
    return f"; within a factor of ten in {number_word(within)} of the {number_word(configurations)} configurations"


def _geometric_means(layers: pl.DataFrame, configuration: str) -> list[tuple[float, float]]:
    known = layers.filter(pl.col(CONFIGURATION) == configuration, pl.col("value") > 0)
    means = known.group_by("layer").agg(pl.col("value").log10().mean()).sort("layer")
    return [(float(layer), float(np.power(10.0, mean))) for layer, mean in means.iter_rows() if math.isfinite(mean)]
