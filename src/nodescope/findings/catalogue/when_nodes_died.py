"""When did the nodes die that are dead in the end?

From their fates: dead in all recorded states, or dead since an epoch that lies between two recorded states. Said of at least
ten dead nodes, pooled over the networks at hand; the interval is over the share of each seed.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.estimating import TO_DESCRIBE, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import counted_word, ends, interval
from nodescope.findings.small_charts import bars
from nodescope.findings.studied import Studied
from nodescope.messages.words import counted, were
from nodescope.numerics.intervals import over_seeds
from nodescope.storage.columns import share
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="health", rank=18, tables=("node_fates",), figure="node_fates", needs_training=True)

EARLY = share("dead nodes that died in the first epoch or before")
BEFORE = share("dead nodes that were dead before training")
LEAST_NODES = 10


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence, of networks that are known before and after training."""
    if not studied.words.trained:
        return
    table = tables["node_fates"]
    split = split_of(table, TO_DESCRIBE)
    dead = (
        table.filter(pl.col("split") == split, pl.col("fate").is_in(["always_dead", "died"]))
        .select(CONFIGURATION, "seed", "layer", "fate", "since", "not_before")
        .collect()
    )
    if dead.is_empty():
        return
    died = dead.filter(pl.col("fate") == "died")
    early = died.filter(pl.col("since") <= 1)
    always, networks = len(dead) - len(died), dead.select(CONFIGURATION, "seed").n_unique()
    # Some died between two states of which one is before, and one after the first epoch.
    is_known = ((pl.col("since") <= 1) | (pl.col("not_before") >= 1)).fill_null(value=False)
    when_known = bool(died.select(is_known.all()).item()) if len(died) else len(studied.configurations.states) > 2
    is_early = pl.col("since") <= 1 if when_known else pl.lit(value=False)
    quantity = EARLY if when_known else BEFORE
    before = pl.col("fate") == "always_dead"
    counts = dead.group_by("seed").agg(
        part=(before | (is_early & ~before)).fill_null(value=False).sum(), whole=pl.len()
    )
    estimate = over_seeds((counts["part"] / counts["whole"]).to_numpy())
    low, high = ends(estimate, quantity)
    value = int(counts["part"].sum()) / len(dead)
    every = table.filter(pl.col("split") == split).select(CONFIGURATION, "seed").unique().collect().height
    among = (
        ""
        if every == 1
        else f", in {networks:,} of the {every:,} networks,"
        if networks < every
        else f" of the {every:,} networks"
    )
    of_nodes = f"Of the {counted(len(dead), 'node')} dead after training{among}"
    of_interval = "" if estimate.equal_in_all_seeds else interval(low, high, quantity)
    in_brackets = f" ({of_interval} over the seeds)" if of_interval else ""
    before_training = f"{counted_word(always)} {were(always) if always else 'were'} dead before it"
    comma = "" if among.endswith(",") else ","
    if when_known:
        rest = len(died) - len(early)
        sentence = (
            f"{of_nodes}{comma} {before_training}, {counted_word(len(early))} died in the first epoch and {counted_word(rest)} "
            f"later: {quantity.text(value)} were dead after the first epoch{in_brackets}."
        )
    elif died.height:
        others = "the other" if len(died) == 1 else "the others"
        sentence = (
            f"{of_nodes}{comma} {before_training}, {quantity.text(value)}{in_brackets}; {others} died during training."
        )
    else:
        sentence = f"{of_nodes}{comma} all were dead before it."
    rows = [("before training", always / len(dead))]
    rows += (
        [("first epoch", len(early) / len(dead)), ("later", (len(died) - len(early)) / len(dead))]
        if when_known
        else [("during it", len(died) / len(dead))]
    )
    few = f"only {counted(len(dead), 'node')} {'is' if len(dead) == 1 else 'are'} dead"
    yield Found(
        sentence=sentence, value=value, low=low, high=high, quantity=quantity, reason=few if len(dead) < LEAST_NODES else "",
        chart=bars(rows, quantity, name="died"), view={"split": split},
    )  # fmt: skip
