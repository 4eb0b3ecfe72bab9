"""What does training add to what can be read linearly off the last hidden layer?

Accuracy on test samples of a linear probe on the last hidden layer, after training less before: untrained layers can be read well,
so that the accuracy alone says little. The noise of the test samples is counted as if the two were tested on different ones. Said
where the interval with both kinds of noise excludes no difference; of one seed, that with the samples' alone.
"""

import math
from collections.abc import Iterator

import polars as pl

from nodescope.findings.estimating import TO_CLAIM, layer_means, over_networks, split_of, with_sample_error
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import clipped, interval, samples_of, signless
from nodescope.findings.small_charts import lines
from nodescope.findings.studied import Studied
from nodescope.messages.words import counted
from nodescope.storage.columns import points, share
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="layers", rank=27, tables=("probes",), figure="probes", needs_training=True)

ACCURACY = share("accuracy of a linear probe")
GAIN = points("accuracy of a linear probe after training less before")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence, of networks that are known before and after training."""
    split = split_of(tables["probes"], TO_CLAIM)
    samples = studied.samples(split)
    if not studied.words.trained or not samples:
        return
    rows = tables["probes"].filter(pl.col("split") == split).select(CONFIGURATION, "seed", "state", "layer", "accuracy")
    layers = rows.collect().drop_nulls("accuracy")
    last = layers.filter(pl.col("layer") == pl.col("layer").max().over(CONFIGURATION, "seed"))
    wide = last.pivot("state", index=[CONFIGURATION, "seed"], values="accuracy", maintain_order=True)
    if not {studied.first, studied.last} <= set(wide.columns):
        return
    networks = wide.with_columns(gain=pl.col(studied.last) - pl.col(studied.first)).drop_nulls("gain")
    if networks.is_empty():
        return
    gain = over_networks(networks, "gain")
    before, after = (over_networks(networks, state).centre or 0.0 for state in (studied.first, studied.last))
    error = math.sqrt((before * (1 - before) + after * (1 - after)) / samples)
    low, high = clipped(*with_sample_error(gain, error), GAIN)
    assert low is not None and high is not None
    is_told = low > 0 or high < 0
    configurations = networks[CONFIGURATION].n_unique()
    over = [counted(configurations, "configuration")] if configurations > 1 else []
    over += [counted(gain.seeds, "seed")] if gain.seeds > 1 else []
    averaged = f", averaged over {' and '.join(over)}" if over else ""
    centre = gain.centre or 0.0
    change = f"{'adds' if centre >= 0 else 'takes'} {signless(GAIN, centre)} ({interval(low, high, GAIN)})"
    changes = f"training {change}" if is_told else f"that training {change} cannot be told"
    sentence = (
        f"A linear probe on the last hidden layer classifies {ACCURACY.text(after)} of the {samples:,} {samples_of(split)} "
        f"correctly, and {ACCURACY.text(before)} before training{averaged}: {changes}."
    )
    series = [
        (name, layer_means(layers.filter(pl.col("state") == state), "accuracy"))
        for name, state in (("untrained", studied.first), ("trained", studied.last))
    ]
    yield Found(
        sentence=sentence, value=centre, low=low, high=high, quantity=GAIN, chart=lines(series, ACCURACY),
        view={"state": studied.last, "split": split},
        reason="" if is_told else "the 95 % interval, with the noise of the samples, includes no difference",
    )  # fmt: skip
