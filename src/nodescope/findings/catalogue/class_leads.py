"""Does any node answer to one class alone?

A node does where it is on for at least 80 % of the samples of a class and for at most 20 % of those of any other. Counts of the
networks at hand; where there is none, how near the nearest comes: the node with the largest lead of one class over the next. Not
said where a class has fewer than ten samples.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.estimating import TO_DESCRIBE, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import listing, samples_of
from nodescope.findings.small_charts import bars
from nodescope.findings.studied import Studied
from nodescope.messages.words import counted
from nodescope.storage.columns import share
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="nodes", rank=22, tables=("activity",), figure="activity")

LEAD = share("lead of one class over the next")
ON, OFF = 0.8, 0.2
LEAST_SAMPLES = 10


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    if not studied.class_names:
        return
    table = tables["activity"]
    split = split_of(table, TO_DESCRIBE)
    keys = [CONFIGURATION, "seed", "layer", "node"]
    ordered = (
        table.filter(pl.col("split") == split, pl.col("state") == studied.last, pl.col("active_share").is_not_null())
        .sort("active_share", "class", descending=[True, False])
        .group_by(keys)
        .agg(
            first=pl.col("active_share").first(),
            second=pl.col("active_share").get(1, null_on_oob=True),
            preferred=pl.col("class").first(),
            next=pl.col("class").get(1, null_on_oob=True),
        )
        .drop_nulls()
        .with_columns(lead=pl.col("first") - pl.col("second"))
        .collect()
    )
    if ordered.is_empty():
        return
    alone = ordered.filter(pl.col("first") >= ON, pl.col("second") <= OFF)
    nearest = ordered.sort(pl.col("lead").round(12), *keys, descending=[True, *[False] * 4]).row(0, named=True)
    networks = ordered.select(CONFIGURATION, "seed").n_unique()
    every = f"{counted(len(ordered), 'node')} of {studied.these_networks(networks)}"
    rule = f"on for at least {ON:.0%} of its {samples_of(split)} and at most {OFF:.0%} of those of any other".replace(
        "%", " %"
    )
    whose = "" if networks == 1 else f" of {studied.label(nearest[CONFIGURATION], nearest['seed'])}"
    best = (
        f"node {nearest['node']} of layer {nearest['layer']}{whose} is on for "
        f"{LEAD.text(nearest['first'])} of class {studied.class_names[nearest['preferred']]} and {LEAD.text(nearest['second'])} of "
        f"class {studied.class_names[nearest['next']]}, the next"
    )
    answer = (
        f"None of the {every} answers"
        if alone.is_empty()
        else f"{len(alone):,} of the {every} answer{'s' * (len(alone) == 1)}"
    )
    where = "" if alone.is_empty() else f", in {_layers(alone)}"
    sentence = f"{answer} to one class alone ({rule}){where}. The largest lead is {LEAD.text(nearest['lead'])}: {best}."
    by_layer = ordered.group_by("layer").agg(pl.col("lead").max()).sort("layer")
    smallest = min(studied.per_class.get(split, (LEAST_SAMPLES,)), default=LEAST_SAMPLES)
    yield Found(
        sentence=sentence, value=nearest["lead"], quantity=LEAD, rank=None if len(alone) else 24,
        chart=bars([(f"layer {layer}", lead) for layer, lead in by_layer.iter_rows()], LEAD, name="largest lead"),
        view={"state": studied.last, "split": split},
        reason=f"the smallest class has {smallest} samples only" if smallest < LEAST_SAMPLES else "",
    )  # fmt: skip


def _layers(alone: pl.DataFrame) -> str:
    layers = [str(layer) for layer in alone["layer"].unique().sort()]
    return f"layer{'s' * (len(layers) > 1)} {listing(layers)}"
