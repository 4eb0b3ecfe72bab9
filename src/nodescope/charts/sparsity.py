"""Table 5.2: sparsity per layer, mean and standard error over seeds."""

import polars as pl

from nodescope.charts.context import Context, Figure, network_columns, preferred_split
from nodescope.charts.layer_lines import layer_lines


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """The sparsity of the trained nets as a table, of trained and untrained nets as figures."""
    table = tables["sparsity_summary"]
    split = preferred_split(table)
    shown = table.filter(pl.col("split") == split).drop("split")
    columns = ["dataset", *network_columns(table)]
    trained = shown.filter(pl.col("state") == "trained")
    found = [
        Figure(
            name="sparsity-table",
            title="Sparsity of each layer",
            caption=f"Share of {split} samples for which a node is off, averaged over the nodes of the layer that are not "
            "dead, as fractions; mean and standard error over the seeds. Empty: a layer whose nodes are all dead, or a net "
            "that diverged.",
            reference="table 5.2",
            table=trained.select(*columns, "layer", pl.col("mean", "standard_error").round(4), "seeds"),
        )
    ]
    for state, words in (("trained", "trained nets"), ("initial", "untrained nets")):
        found.append(
            Figure(
                name=f"sparsity-{state}",
                title=f"Sparsity by layer, {words}",
                caption=f"The same for the {words}, mean over the seeds with one standard error. A layer at 50 % is off as "
                "often as on; in a sparser layer fewer nodes are on for a sample.",
                reference="table 5.2",
                chart=layer_lines(shown.filter(pl.col("state") == state), context, y_title="sparsity"),
            )
        )
    return found
