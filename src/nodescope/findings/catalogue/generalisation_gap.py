"""How much more accurate are networks on the samples that they were trained on?

Accuracy on training samples less that on test samples, averaged over configurations within each seed. Its interval has the
noise of the seeds and that of the test samples, which all networks share. Said where it excludes 0; of one seed, where the
noise of the test samples alone does.
"""

import math
from collections.abc import Iterator, Mapping

import polars as pl

from nodescope.findings.estimating import over_networks, per_configuration, with_sample_error
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import capitalised, clipped, ends, interval, signless
from nodescope.findings.small_charts import dots
from nodescope.findings.studied import Studied
from nodescope.numerics.intervals import Estimate
from nodescope.storage.columns import points
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="performance", rank=30, tables=("accuracy",), figure="test_accuracy", needs_training=True)

GAP = points("accuracy on training less on test samples")


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
    low, high = clipped(*with_sample_error(estimate, error), GAP)
    assert low is not None and high is not None
    each = per_configuration(gaps, "gap")
    noise = "for other seeds and test samples" if estimate.seeds > 1 else "for other test samples"
    one, more = len(gaps) == 1, "more" if gap >= 0 else "less"
    are = "is" if one else "are, on average,"
    sentence = (
        f"{capitalised(studied.these_networks(len(gaps)))} {are} {signless(GAP, gap)} {more} accurate on training samples than on "
        f"test samples ({interval(low, high, GAP)} {noise})"
    )
    if low > 0 or high < 0:
        sentence, reason = f"{sentence}{_range(each, studied)}.", ""
    else:
        sentence = f"{sentence}: no gap can be told."
        reason = "the 95 % interval, with the noise of the test samples, includes no gap"
    by_size = sorted(each.items(), key=lambda item: -(item[1].centre or 0.0))
    rows = [(studied.label(name), e.centre, *ends(e, GAP)) for name, e in by_size]
    yield Found(
        sentence=sentence, value=gap, low=low, high=high, quantity=GAP, reason=reason,
        chart=dots(rows, GAP, zero=True),
    )  # fmt: skip


def _range(each: Mapping[str, Estimate], studied: Studied) -> str:
    if len(each) < 2:
        return ""
    by_size = sorted((estimate.centre or 0.0, studied.label(name)) for name, estimate in each.items())
    (smallest, of_smallest), (largest, of_largest) = by_size[0], by_size[-1]
    return f"; least with {of_smallest} ({GAP.text(smallest)}), most with {of_largest} ({GAP.text(largest)})"
