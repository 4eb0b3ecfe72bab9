"""Are there nodes that say next to nothing without being silent?

Nodes whose mean absolute activation is at most 0.025 of their layer's (Sokar et al. 2023), less those that are 0. Averages of the
networks at hand. Said where they are at least one node in a hundred, and, where the threshold was measured, that there are hardly
any.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.estimating import TO_DESCRIBE, over_networks, per_configuration, rows_of, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import ends, of_estimate
from nodescope.findings.small_charts import dots
from nodescope.findings.studied import Studied
from nodescope.messages.words import counted
from nodescope.storage.columns import share
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="health", rank=55, tables=("dormant",))

DORMANT = share("dormant nodes that are not silent")
THRESHOLD, LEAST = 0.025, 0.01


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    split = split_of(tables["dormant"], TO_DESCRIBE)
    columns = ("layer", "threshold", "nodes", "dormant_share")
    rows = rows_of(tables, "dormant", *columns, split=split, state=studied.last)
    wide = rows.filter(pl.col("threshold").is_in([0.0, THRESHOLD])).pivot(
        "threshold", index=[CONFIGURATION, "seed", "layer", "nodes"], values="dormant_share", maintain_order=True
    )
    silent, dormant = "0.0", str(THRESHOLD)
    if not {silent, dormant} <= set(wide.columns):
        return
    networks = (
        wide.with_columns(count=(pl.col(dormant) - pl.col(silent)) * pl.col("nodes"))
        .drop_nulls("count")
        .group_by(CONFIGURATION, "seed", maintain_order=True)
        .agg(value=pl.col("count").sum() / pl.col("nodes").sum())
        .filter(pl.col("value").is_finite())
    )
    if networks.is_empty():
        return
    estimate = over_networks(networks, "value")
    low, high = ends(estimate, DORMANT)
    configurations = networks[CONFIGURATION].n_unique()
    averaged = f", averaged over {counted(configurations, 'configuration')}" if configurations > 1 else ""
    few = (estimate.centre or 0.0) < LEAST
    sentence = (
        f"{of_estimate(estimate, DORMANT)} of the nodes are all but silent{averaged}: their mean absolute activation is at most "
        f"{THRESHOLD:g} of their layer's, yet not 0."
    )
    each = per_configuration(networks, "value")
    by_share = sorted(each, key=lambda name: -(each[name].centre or 0.0))
    yield Found(
        sentence=sentence, value=estimate.centre, low=low, high=high, quantity=DORMANT,
        reason="fewer than one node in a hundred is" if few else "",
        chart=dots([(studied.label(n), each[n].centre, *ends(each[n], DORMANT)) for n in by_share], DORMANT, zero=True),
        view={"state": studied.last, "split": split},
    )  # fmt: skip
