"""Share of dead nodes; and where in the network they are."""

import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.labels import percent
from nodescope.charts.layer_lines import layer_lines
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.tables import quantity_of
from nodescope.charts.views import preferred_split
from nodescope.storage.columns import of_means

CHART = Chart(section="health", order=10, tables=("dead_nodes",))

QUANTITY = quantity_of("dead_nodes", "dead_share")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """The share of dead nodes per configuration as a table, and per layer as a figure."""
    table = tables["dead_nodes"]
    state, split = context.states[-1], preferred_split(table)
    per_layer = over_seeds(table.drop("nodes", "dead"), "dead_share")
    per_net = table.group_by([*context.configurations.columns, "seed", "state", "split"], maintain_order=True).agg(
        dead_share=pl.when(pl.col("dead").is_null().any())
        .then(None)
        .otherwise(pl.col("dead").sum() / pl.col("nodes").sum())
    )
    overall = over_seeds(per_net, "dead_share").with_columns(pl.col("mean", "standard_error").round(4))
    view = {"state": state, "split": split, "seed": seed_view(overall)}
    shown = overall.filter(**view)
    return [
        Figure(
            name="dead-nodes-table",
            title="Share of dead nodes",
            caption="Share of all hidden nodes of a network that are on for no sample, "
            f"{context.spread_words('dead-nodes-table')}.",
            table=context.table_of_means(overall, "dead_share", "dead-nodes-table"),
            quantities=of_means(QUANTITY),
            view=view,
        ),
        Figure(
            name="dead-nodes",
            title="Dead nodes by layer",
            caption=f"Share of nodes of each layer that are on for no sample, {context.spread_words()}. In a ReLU "
            "network the output of such a node is always zero. Nodes with other activation functions may still carry "
            f"information below the threshold. {_most(shown, split, context)}",
            chart=layer_lines(per_layer, context, QUANTITY),
            quantities={"mean": QUANTITY},
            view=view,
        ),
    ]


def _most(overall: pl.DataFrame, split: str, context: Context) -> str:
    known = overall.drop_nulls("mean").sort("mean", descending=True, maintain_order=True)
    if known.is_empty():
        return ""
    most = known.row(0, named=True)
    if not most["mean"]:
        return f"None of the {context.words.networks} has a dead node ({split} samples)."
    return f"Most dead nodes of the {context.words.networks}: {context.network(most)}, {percent(most['mean'])} ({split} samples)."
