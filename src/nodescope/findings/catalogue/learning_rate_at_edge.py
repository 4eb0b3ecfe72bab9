"""Does the kept learning rate lie at an end of those that were tried?

Said where it does for some configuration, since a rate beyond may do better, and where it does for none. Not said where fewer
than three rates were tried, of which each is at an end.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import capitalised, number_word
from nodescope.findings.small_charts import bars
from nodescope.findings.studied import Studied
from nodescope.storage.columns import number_of
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="performance", rank=45, tables=("replicas",), figure="learning_rates", needs_training=True)

AT_EDGE = number_of("configurations whose kept learning rate is at an end of those tried")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    rates = tables["replicas"].select(CONFIGURATION, "learning_rate", "chosen").collect().drop_nulls("learning_rate")
    kept = (
        rates.group_by(CONFIGURATION, maintain_order=True)
        .agg(
            tried=pl.col("learning_rate").n_unique(),
            low=pl.col("learning_rate").min(),
            high=pl.col("learning_rate").max(),
            kept=pl.col("learning_rate").filter("chosen").unique(),
        )
        .filter(pl.col("kept").list.len() > 0)
    )
    if kept.is_empty():
        return
    searched = kept.filter(pl.col("tried") > 2)
    if searched.is_empty():
        of_each = "" if len(kept) == 1 else " of each configuration"
        sentence = f"One learning rate{of_each} was tried ({_rates(kept['high'])}), so none was chosen."
        reason = "one learning rate was tried"
        if (kept["tried"] > 1).any():
            sentence = (
                f"Two learning rates{of_each} were tried, so the kept one lies at an end of those that were tried."
            )
            reason = "of two learning rates each is at an end"
        yield Found(sentence=sentence, value=None, quantity=AT_EDGE, reason=reason)
        return
    highest = searched.filter(pl.col("kept").list.contains(pl.col("high")))
    lowest = searched.filter(pl.col("kept").list.contains(pl.col("low")), ~pl.col("kept").list.contains(pl.col("high")))
    parts = [
        f"the largest that was tried ({_rates(frame[end])}) in {_of(len(frame), len(searched))}"
        if end == "high"
        else f"the smallest ({_rates(frame[end])}) in {_of(len(frame), len(searched))}"
        if highest.height
        else f"the smallest that was tried ({_rates(frame[end])}) in {_of(len(frame), len(searched))}"
        for frame, end in ((highest, "high"), (lowest, "low"))
        if len(frame)
    ]
    if parts:
        beyond = "A larger one" if lowest.is_empty() else "A smaller one" if highest.is_empty() else "A rate beyond"
        sentence = f"The kept learning rate is {' and '.join(parts)}. {beyond} may do better."
    else:
        sentence = "No kept learning rate lies at an end of those that were tried."
    counts = [
        ("largest", float(len(highest))),
        ("within", float(len(searched) - len(highest) - len(lowest))),
        ("smallest", float(len(lowest))),
    ]
    yield Found(
        sentence=capitalised(sentence),
        value=float(len(highest) + len(lowest)),
        quantity=AT_EDGE,
        chart=bars(counts, AT_EDGE, name="kept learning rate"),
        rank=None if parts else 75,
    )


def _rates(values: pl.Series) -> str:
    different = values.unique().sort().to_list()
    return f"{different[0]:.4g}" if len(different) == 1 else f"{different[0]:.4g} to {different[-1]:.4g}"


def _of(some: int, every: int) -> str:
    if every == 1:
        return "the one configuration"
    if some == every:
        return f"all {number_word(every)} configurations"
    return f"{number_word(some)} of {number_word(every)} configurations"
