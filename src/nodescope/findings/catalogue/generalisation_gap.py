"""How much more accurate are networks on the samples that they were trained on?

Accuracy on training samples less that on test samples, averaged over configurations within each seed. Its interval has the
noise of the seeds and that of the test samples, which all networks share. Said where it excludes 0; of one seed, where the
noise of the test samples alone does.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from nodescope.findings.estimating import over_networks, per_configuration
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import clipped, interval
from nodescope.findings.small_charts import dots
from nodescope.findings.studied import Studied
from nodescope.messages.words import counted
from nodescope.numerics.intervals import t_quantile
from nodescope.storage.columns import points
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="performance", rank=30, tables=("accuracy",), figure="test_accuracy", needs_training=True)

GAP = points("accuracy on training less on test samples")
WITHOUT_SIGN = replace(GAP, format=".2f")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    samples = studied.samples("test")
    wide = (
        tables["accuracy"]
        .filter(pl.col("split").is_in(["train", "test"]))
        .select(CONFIGURATION, "seed", "split", "accuracy")
        .collect()
        .pivot("split", index=[CONFIGURATION, "seed"], values="accuracy", maintain_order=True)
    )
    if not samples or not {"train", "test"} <= set(wide.columns):
        return
    gaps = wide.with_columns(gap=pl.col("train") - pl.col("test")).drop_nulls("gap")
    if gaps.is_empty():
        return
    estimate, test = over_networks(gaps, "gap"), over_networks(gaps, "test").centre or 0.0
    error = math.sqrt(test * (1 - test) / samples)
    gap = estimate.centre or 0.0
    if estimate.seeds > 1:
        low, high = clipped(*(replace(estimate, samples=samples, sample_error=error).interval or (None, None)), GAP)
    else:
        half = t_quantile(math.inf) * error
        low, high = clipped(gap - half, gap + half, GAP)
    assert low is not None and high is not None
    each = per_configuration(gaps, "gap")
    noise = "for other seeds and test samples" if estimate.seeds > 1 else "for other test samples"
    said_interval = interval(low, high, GAP)
    networks = counted(len(gaps), studied.networks.removesuffix("s"))
    if low > 0 or high < 0:
        more = "more" if gap > 0 else "less"
        on_average = " on average" if len(gaps) > 1 else ""
        verb, pronoun = ("is", "it has") if len(gaps) == 1 else ("are", "they have")
        sentence = (
            f"The {networks} {verb}{on_average} {WITHOUT_SIGN.text(abs(gap))} {more} accurate on the samples "
            f"that {pronoun} been trained on than on test samples ({said_interval} {noise}){_range(each, studied)}."
        )
        reason = ""
    else:
        sentence = (
            f"Accuracy on training samples is {GAP.text(gap)} above that on test samples ({said_interval} {noise}), over "
            f"{networks}: no gap can be told."
        )
        reason = "the 95 % interval, with the noise of the test samples, includes no gap"
    by_size = sorted(each.items(), key=lambda item: -(item[1].centre or 0.0))
    rows = [(studied.label(name), e.centre, *clipped(*(e.interval or (None, None)), GAP)) for name, e in by_size]
    yield Found(
        sentence=sentence, value=gap, low=low, high=high, quantity=GAP, reason=reason,
        chart=dots(rows, GAP, zero=True),
    )  # fmt: skip


def _range(each: dict[str, object], studied: Studied) -> str:
    if len(each) < 2:
        return ""
    by_size = sorted(each, key=lambda name: each[name].centre or 0.0)  # type: ignore[attr-defined]
    smallest, largest = by_size[0], by_size[-1]
    return (
        f"; least {studied.label(smallest)} ({GAP.text(each[smallest].centre)}), "  # type: ignore[attr-defined]
        f"most {studied.label(largest)} ({GAP.text(each[largest].centre)})"  # type: ignore[attr-defined]
    )
