"""Table 5.2: sparsity per layer, mean and standard error over seeds."""

import polars as pl

from nodescope.charts.context import Context, Figure, network_columns, over_seeds, percent, preferred_split
from nodescope.charts.layer_lines import layer_lines


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """The sparsity of each layer as a table and as a figure."""
    table = tables["sparsity_summary"]
    split = preferred_split(table)
    columns = ["dataset", *network_columns(table)]
    return [
        Figure(
            name="sparsity-table",
            title="Sparsity of each layer",
            caption="Share of samples for which a node is off, averaged over the nodes of the layer that are not "
            "dead, as fractions; mean and standard error over the seeds. Empty: a layer whose nodes are all dead, or a net "
            "that diverged.",
            reference="table 5.2",
            table=table.select(*columns, "state", "split", "layer", pl.col("mean", "standard_error").round(4), "seeds"),
            view={"state": context.states[-1], "split": split},
        ),
        Figure(
            name="sparsity",
            title="Sparsity by layer",
            caption="The same as lines, mean over the seeds with one standard error. A layer at 50 % is off as often as on; in "
            f"a sparser layer fewer nodes are on for a sample. {_ends(table, split)}",
            reference="table 5.2",
            chart=layer_lines(over_seeds(tables["sparsity"], "sparsity"), context, y_title="sparsity"),
            view={"state": context.states[-1], "split": split, "seed": "mean"},
        ),
    ]


def _ends(table: pl.DataFrame, split: str) -> str:
    """Sparsity of all networks, before and after training."""
    of_split = table.filter(pl.col("split") == split).drop_nulls("mean")
    means = dict(of_split.group_by("state").agg(pl.col("mean").mean()).iter_rows())
    if not {"initial", "trained"} <= set(means):
        return ""
    return (
        f"Mean over all layers and networks: {percent(means['trained'])} after training, {percent(means['initial'])} before "
        f"({split} samples)."
    )
