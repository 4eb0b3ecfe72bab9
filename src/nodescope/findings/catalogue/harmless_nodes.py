"""How many nodes can be switched off, one at a time, without the networks getting anything wrong that they got right?

Counts of the networks at hand: nodes set to their mean, of which a dead one cannot do damage. With the node that does most damage.
Not said of fewer than 100 test samples, on which few nodes could show.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.small_charts import bars
from nodescope.findings.studied import Studied
from nodescope.messages.words import counted
from nodescope.storage.columns import share
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="nodes", rank=23, tables=("ablation",), figure="ablation")

HARMLESS = share("nodes without which no further sample is wrong")
LEAST_SAMPLES = 100


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    table = tables["ablation"]
    nodes = (
        table.filter(pl.col("kind") == "mean", pl.col("state") == studied.last)
        .select(CONFIGURATION, "seed", "layer", "node", "method", "samples", "loss_change", "lost", "gained")
        .drop_nulls()
        .collect()
    )
    if nodes.is_empty():
        return
    harmless = nodes.filter(pl.col("lost") == 0)
    by_damage = (pl.col("lost") - pl.col("gained")).alias("net")
    worst = nodes.with_columns(by_damage).sort("net", "loss_change", descending=True).row(0, named=True)
    networks = nodes.select(CONFIGURATION, "seed").n_unique()
    value = len(harmless) / len(nodes)
    whose = "" if networks == 1 else f" of {studied.label(worst[CONFIGURATION], worst['seed'])}"
    where = f"node {worst['node']} of layer {worst['layer']}{whose}"
    costs = f"costs {counted(worst['net'], 'right answer')}" if worst["net"] > 0 else "costs no right answer on balance"
    samples = int(nodes["samples"].max())  # type: ignore[arg-type]  # whole numbers
    sentence = (
        f"{HARMLESS.text(value)} of the {counted(len(nodes), 'node')} of {studied.these_networks(networks)} can be switched off, "
        f"one at a time, without any further test sample being classified wrongly; the most damaging, {where}, {costs} of "
        f"{samples:,}."
    )
    estimated = int((nodes["method"] != "exact").sum())
    reason = f"there are only {samples} test samples" if samples < LEAST_SAMPLES else ""
    if estimated:
        reason = f"the effect of {counted(estimated, 'node')} is estimated, not computed"
    layers = nodes.group_by("layer").agg(value=(pl.col("lost") == 0).mean()).sort("layer")
    yield Found(
        sentence=sentence, value=value, quantity=HARMLESS, view={"state": studied.last},
        chart=bars([(f"layer {layer}", share_of) for layer, share_of in layers.iter_rows()], HARMLESS, name="layer"),
        reason=reason,
    )  # fmt: skip
