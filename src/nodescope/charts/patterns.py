"""Entropy of the patterns of switched-on nodes, by layer."""

import polars as pl

from nodescope.charts.context import Context, Figure, preferred_split
from nodescope.charts.layer_lines import layer_lines
from nodescope.tables import mean_over_seeds

KEPT = ("state", "layer", "relative_entropy")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """Relative entropy of the trained and of the untrained nets."""
    table = tables["patterns"]
    split = preferred_split(table)
    shown = table.filter(pl.col("split") == split)
    keys = shown.columns[: shown.columns.index("seed") + 1]
    relative = mean_over_seeds(shown.select(*keys, *KEPT), "relative_entropy")
    samples = shown.select(pl.col("samples").max()).item()
    found = []
    for state, words in (("trained", "trained nets"), ("initial", "untrained nets")):
        in_state = shown.filter(pl.col("state") == state)
        distinct = in_state.select((pl.col("distinct") / pl.col("samples")).mean()).item()
        share = (
            ""
            if distinct is None
            else f" Here there are {100 * distinct:.0f} distinct patterns per 100 samples on average."
        )
        found.append(
            Figure(
                name=f"patterns-{state}",
                title=f"Entropy of activation patterns by layer, {words}",
                caption=f"A sample's pattern says which nodes of the layer are on. Entropy of the patterns of {samples} {split} "
                "samples, relative to the most that so many nodes and samples allow; mean over the seeds with one standard "
                f"error. At 100 % each sample has a pattern of its own, so that the entropy says no more.{share}",
                work="Hartmann et al. 2021",
                reference="relative entropy",
                chart=layer_lines(
                    relative.filter(pl.col("state") == state).drop("state"), context, y_title="relative entropy"
                ),
            )
        )
    return found
