"""Sparsity per layer, mean and standard error over seeds."""

import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.labels import percent
from nodescope.charts.layer_lines import layer_lines
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.tables import quantity_of
from nodescope.charts.views import preferred_split
from nodescope.storage.columns import of_means

CHART = Chart(section="layers", order=100, tables=("sparsity", "sparsity_summary"))

QUANTITY = quantity_of("sparsity", "sparsity")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """The sparsity of each layer as a table and as a figure."""
    table = tables["sparsity_summary"]
    split = preferred_split(table)
    columns = context.configurations.columns
    lines = over_seeds(tables["sparsity"], "sparsity")
    return [
        Figure(
            name="sparsity-table",
            title="Sparsity of each layer",
            caption="Share of samples for which a node is off, averaged over the nodes of the layer that are not dead, "
            f"{context.spread_words('sparsity-table')}.",
            about="Empty: all nodes of the layer are dead, or the network diverged."
            if table["mean"].null_count()
            else "",
            table=context.table_of_means(
                table.select(*columns, "state", "split", "layer", "mean", "standard_error", "seeds"),
                "sparsity",
                "sparsity-table",
            ),
            quantities=of_means(QUANTITY),
            view={"state": context.states[-1], "split": split},
            shown_in=ShownIn("layer-profile"),
        ),
        Figure(
            name="sparsity",
            title="Sparsity by layer",
            caption=f"Share of samples for which a node is off, {context.spread_words()}. {_ends(table, split)}",
            about="At 50 % nodes are off as often as on; in a sparser layer fewer nodes are on for each sample.",
            chart=layer_lines(lines, context, QUANTITY),
            quantities={"mean": QUANTITY},
            view={"state": context.states[-1], "split": split, "seed": seed_view(lines)},
            shown_in=ShownIn("layer-profile"),
        ),
    ]


def _ends(table: pl.DataFrame, split: str) -> str:
    """Sparsity of all networks, before and after training."""
    of_split = table.filter(pl.col("split") == split).drop_nulls("mean")
    means = dict(of_split.group_by("state").agg(pl.col("mean").mean()).iter_rows())
    if not {"initial", "trained"} <= set(means):
        return ""
    return (
        f"Over all layers and networks: {percent(means['trained'])} after training, {percent(means['initial'])} before "
        f"({split} samples)."
    )
