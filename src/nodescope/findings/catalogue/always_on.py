"""Are there nodes that are on for every sample?

Counts of the networks at hand. Said with the layer that has most of them, or that there is none; not said of fewer than 20
samples.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.catalogue.dead_nodes import LEAST_SAMPLES
from nodescope.findings.estimating import TO_DESCRIBE, rows_of, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import samples_of
from nodescope.findings.small_charts import bars
from nodescope.findings.studied import Studied
from nodescope.messages.words import counted
from nodescope.storage.columns import share
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="health", rank=40, tables=("node_kinds_summary",), figure="node_kinds")

ALWAYS_ON = share("nodes that are always on")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    split = split_of(tables["node_kinds_summary"], TO_DESCRIBE)
    kinds = rows_of(tables, "node_kinds_summary", "layer", "kind", "nodes", split=split, state=studied.last).drop_nulls(
        "nodes"
    )
    if kinds.is_empty():
        return
    of_kind = pl.col("nodes").filter(pl.col("kind") == "always_on").sum()
    layers = kinds.group_by(CONFIGURATION, "layer", maintain_order=True).agg(on=of_kind, nodes=pl.col("nodes").sum())
    layers = layers.filter(pl.col("nodes") > 0).with_columns(share=pl.col("on") / pl.col("nodes"))
    on, nodes = int(layers["on"].sum()), int(layers["nodes"].sum())
    networks = kinds.select(CONFIGURATION, "seed").n_unique()
    if not nodes:
        return
    most = layers.sort("share", descending=True, maintain_order=True)
    first = most.row(0, named=True)
    every = f"the {counted(nodes, 'node')} of {studied.these_networks(networks)}"
    if on:
        whose = f" of {studied.label(first[CONFIGURATION])}" if len(studied.configurations.identifiers) > 1 else ""
        layer = f"layer {first['layer']}{whose}"
        where = f", in {layer}" if on == 1 else f"; their share is largest in {layer}, {ALWAYS_ON.text(first['share'])}"
        are = "is" if on == 1 else "are"
        sentence = f"{on:,} of {every} ({ALWAYS_ON.text(on / nodes)}) {are} on for all {samples_of(split)}{where}."
    else:
        sentence = f"None of {every} is on for all {samples_of(split)}."
    samples = studied.samples(split)
    rows = [
        (f"{studied.label(row[CONFIGURATION])}, layer {row['layer']}", row["share"])
        for row in most.iter_rows(named=True)
    ]
    yield Found(
        sentence=sentence, value=on / nodes, quantity=ALWAYS_ON, rank=None if on else 78,
        chart=bars(rows, ALWAYS_ON, name="layer"), view={"state": studied.last, "split": split},
        reason=f"only {samples} samples were looked at" if 0 < samples < LEAST_SAMPLES else "",
    )  # fmt: skip
