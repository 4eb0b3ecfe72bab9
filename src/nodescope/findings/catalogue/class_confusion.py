"""Which two classes do the networks mix up most?

The pair of a class and the class that it is taken for, with the most test samples, summed over networks. Said where it has at
least twice as many samples as errors spread evenly over all pairs would give, and in more than half of the networks.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.estimating import TO_CLAIM, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import capitalised, samples_of
from nodescope.findings.small_charts import bars
from nodescope.findings.studied import Studied
from nodescope.messages.words import counted
from nodescope.storage.columns import share
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="performance", rank=32, tables=("confusion",), figure="confusion", needs_training=True)

OF_ERRORS = share("share of all errors")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    table = tables["confusion"]
    split = split_of(table, TO_CLAIM)
    columns = table.collect_schema().names()
    conditions = [pl.col("split") == split, *([pl.col("state") == studied.last] if "state" in columns else [])]
    counts = (
        table.filter(*conditions).select(CONFIGURATION, "seed", "class", "predicted", "count").collect().drop_nulls()
    )
    wrong = counts.filter(pl.col("class") != pl.col("predicted"))
    errors, networks = int(wrong["count"].sum()), counts.select(CONFIGURATION, "seed").n_unique()
    classes = counts["class"].n_unique()
    if classes < 2 or not networks:
        return
    if not errors:
        mixes = "mixes" if networks == 1 else "mix"
        sentence = f"{capitalised(studied.these_networks(networks))} {mixes} none of the {samples_of(split)} up with another class."
        yield Found(sentence=sentence, value=0.0, quantity=OF_ERRORS, view={"split": split})
        return
    pairs = (
        wrong.group_by("class", "predicted")
        .agg(pl.col("count").sum(), networks=(pl.col("count") > 0).sum())
        .sort("count", "class", "predicted", descending=[True, False, False])
    )
    first = pairs.row(0, named=True)
    of_class, taken_for = (studied.class_names[first[name]] for name in ("class", "predicted"))
    of_errors = first["count"] / errors
    evenly = 1 / (classes * (classes - 1))
    in_networks = f", in {first['networks']:,} of the {networks:,}" if networks > 1 else ""
    sentence = (
        f"Most often {of_class} is taken for {taken_for}: {counted(first['count'], 'time')} among the {counted(errors, 'error')} "
        f"of {studied.these_networks(networks)} on {samples_of(split)} ({OF_ERRORS.text(of_errors)}){in_networks}."
    )
    reason = ""
    if of_errors < 2 * evenly:
        reason = "errors are spread about evenly over the pairs of classes"
    elif first["networks"] * 2 <= networks:
        reason = "most networks do not mix these two up"
    rows = [
        (f"{studied.class_names[row['class']]} as {studied.class_names[row['predicted']]}", row["count"] / errors)
        for row in pairs.iter_rows(named=True)
        if row["count"]
    ]
    yield Found(
        sentence=sentence, value=of_errors, quantity=OF_ERRORS, reason=reason, view={"split": split},
        chart=bars(rows, OF_ERRORS, name="taken for another class"),
    )  # fmt: skip
