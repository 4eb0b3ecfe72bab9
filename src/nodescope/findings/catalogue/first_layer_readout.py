"""What does the first hidden layer alone know of the class: its values, and only which nodes are on?

Accuracy on test samples of two classifiers on the first layer, ``continuous`` less ``discrete``, averaged over configurations
within each seed. The noise of the test samples is counted as if the two were tested on different ones, which is too much rather
than too little. Said where the interval with both kinds of noise excludes no difference; of one seed, that with the samples' alone.
"""

import math
from collections.abc import Iterator

import polars as pl

from nodescope.findings.estimating import TO_CLAIM, over_networks, split_of, with_sample_error
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import clipped, interval, samples_of
from nodescope.findings.small_charts import dots
from nodescope.findings.studied import Studied
from nodescope.messages.words import counted
from nodescope.storage.columns import points, share
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="layers", rank=21, tables=("layer_accuracy",), figure="layer_accuracy")

ACCURACY = share("accuracy of the first hidden layer alone")
DIFFERENCE = points("accuracy from values less that from on and off")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    table = tables["layer_accuracy"]
    split = split_of(table, TO_CLAIM)
    samples = studied.samples(split)
    first = table.filter(pl.col("split") == split, pl.col("state") == studied.last, pl.col("layer") == 1)
    wide = (
        first.select(CONFIGURATION, "seed", "system", "accuracy")
        .collect()
        .pivot("system", index=[CONFIGURATION, "seed"], values="accuracy", maintain_order=True)
    )
    if not {"continuous", "discrete"} <= set(wide.columns) or not samples:
        return
    both = wide.with_columns(difference=pl.col("continuous") - pl.col("discrete")).drop_nulls("difference")
    if both.is_empty():
        return
    estimate = over_networks(both, "difference")
    values, switches = (over_networks(both, name) for name in ("continuous", "discrete"))
    accuracies = [each.centre or 0.0 for each in (values, switches)]
    error = math.sqrt(sum(p * (1 - p) for p in accuracies) / samples)
    centre = estimate.centre or 0.0
    low, high = clipped(*with_sample_error(estimate, error), DIFFERENCE)
    assert low is not None and high is not None
    is_told = low > 0 or high < 0
    end = "" if is_told else ": no difference can be told"
    configurations = both[CONFIGURATION].n_unique()
    over = [counted(configurations, "configuration")] if configurations > 1 else []
    over += [counted(estimate.seeds, "seed")] if estimate.seeds > 1 else []
    averaged = f", averaged over {' and '.join(over)}" if over else ""
    of_samples = f"of the {samples:,} {samples_of(split)} correctly when its values are read"
    switches_in_words = f"{ACCURACY.text(accuracies[1])} when only on and off are read"
    sentence = (
        f"The first hidden layer alone classifies {ACCURACY.text(accuracies[0])} {of_samples}, and {switches_in_words}{averaged} "
        f"(difference {DIFFERENCE.text(centre)}, {interval(low, high, DIFFERENCE)}){end}."
    )
    yield Found(
        sentence=sentence,
        value=centre, low=low, high=high, quantity=DIFFERENCE, view={"state": studied.last, "split": split},
        chart=dots([("values", accuracies[0], None, None), ("on and off", accuracies[1], None, None)], ACCURACY, name="read"),
        reason="" if is_told else "the 95 % interval, with the noise of the samples, includes no difference",
    )  # fmt: skip
