"""For which share of each class's samples each node is on."""

import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, NodePanels, ShownIn
from nodescope.charts.views import first_view, in_last_layers
from nodescope.study.words import Words

CHART = Chart(section="nodes", order=20, tables=("activity",), lazy=True)


def figures(tables: dict[str, pl.DataFrame | pl.LazyFrame], context: Context) -> list[Figure]:
    """One figure: a panel per configuration, of any state, split and seed."""
    table = tables["activity"].lazy()
    view, words = first_view(table), context.words
    return [
        Figure(
            name="activity",
            title="Node activity" + words.where_classes(" by class"),
            caption=words.where_classes(
                "Share of each class's samples for which a node is on. A node near 1 for some "
                "classes and near 0 for the others is selective for these classes. ",
                "Share of the samples for which a node is on. A node near 0 or near 1 tells few samples apart. ",
            )
            + words.where_trained(
                "Compare training and test samples, and the untrained and the trained network. "
                + _all_or_nothing(table, view, words)
            ),
            nodes=NodePanels(
                "activity",
                table,
                "active_share",
                "points",
                "share active",
                domain=(-0.02, 1.02),
                static_states=context.ends,
            ),
            view=view,
            per_configuration=True,
            quantity="active_share",
            shown_in=ShownIn("atlas"),
        )
    ]


def _all_or_nothing(table: pl.LazyFrame, view: dict[str, str], words: Words) -> str:
    """How many node-class pairs (or nodes) of the first and the last layer are (nearly) always or never on."""
    trained = table.filter(pl.col("state") == "trained", pl.col("split") == view["split"]).drop_nulls("active_share")
    extreme = (pl.col("active_share") <= 0.05) | (pl.col("active_share") >= 0.95)
    first, last = (
        layers.select(extreme.mean()).collect().item()
        for layers in (trained.filter(pl.col("layer") == 1), in_last_layers(trained))
    )
    if first is None or last is None:
        return ""
    what = words.where_classes("node-class pairs", "nodes")
    return (
        f"Over all trained networks, {100 * first:.0f} % of the {what} of layer 1 and {100 * last:.0f} % of those of "
        f"the last layer are within 5 points of always or never on ({view['split']} samples)."
    )
