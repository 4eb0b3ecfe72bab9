"""Table 5.1: share of dead nodes; and where in the network they are."""

import altair as alt
import polars as pl

from nodescope.charts.context import Context, Figure, network_columns, preferred_split
from nodescope.charts.layer_lines import layer_lines
from nodescope.tables import mean_over_seeds


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """The share of dead nodes per configuration as a table, and per layer as a figure."""
    table = tables["dead_nodes"]
    trained = table.filter(pl.col("state") == "trained", pl.col("split") == preferred_split(table))
    split = preferred_split(table)
    per_layer = mean_over_seeds(trained.drop("nodes", "dead"), "dead_share")
    chart: alt.TopLevelMixin = layer_lines(per_layer, context, y_title="share of dead nodes")
    keys = ["dataset", *network_columns(table)]
    per_net = trained.group_by([*keys, "seed"], maintain_order=True).agg(
        dead_share=pl.when(pl.col("dead").is_null().any())
        .then(None)
        .otherwise(pl.col("dead").sum() / pl.col("nodes").sum())
    )
    overall = mean_over_seeds(per_net, "dead_share")
    return [
        Figure(
            name="dead-nodes-table",
            title="Share of dead nodes",
            caption=f"Share of all hidden nodes of the trained nets that are on for no {split} sample, as fractions, mean and "
            "standard error over the seeds.",
            reference="table 5.1",
            table=overall.with_columns(pl.col("mean", "standard_error").round(4)),
        ),
        Figure(
            name="dead-nodes",
            title="Dead nodes by layer",
            caption=f"Share of nodes of each layer that are on for no {split} sample, trained nets, mean over the seeds with "
            "one standard error. In a ReLU network such a node is always zero and tells the next "
            "layer nothing; other functions may still pass on "
            "what varies below the threshold.",
            reference="table 5.1",
            chart=chart,
        ),
    ]
