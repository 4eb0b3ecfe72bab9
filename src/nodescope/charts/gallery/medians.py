"""The median activation of each class at every node."""

import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, NodePanels, ShownIn
from nodescope.charts.views import first_view, in_last_layers
from nodescope.study.axes import CONFIGURATION

CHART = Chart(section="nodes", order=10, tables=("medians",), lazy=True)


def figures(tables: dict[str, pl.DataFrame | pl.LazyFrame], context: Context) -> list[Figure]:
    """One figure: a panel per configuration, of any state, split and seed."""
    table = tables["medians"].lazy()
    view, words = first_view(table), context.words
    return [
        Figure(
            name="medians",
            title="Median activation " + words.where_classes("of each class at every node", "of every node"),
            caption="Median activation of every node over the samples"
            + words.where_classes(
                " of each class; vertical lines separate layers. A node whose colours are spread out separates the classes. ",
                "; vertical lines separate layers. ",
            )
            + "Compare early and late layers"
            + words.where_trained(", and the untrained and the trained network")
            + "."
            + words.where_classes(f" {_spreads(table, view)}"),
            nodes=NodePanels(
                "medians",
                table,
                "median",
                "points",
                "median of a",
                static_states=context.ends,
            ),
            view=view,
            per_configuration=True,
            quantity="median",
            shown_in=ShownIn("atlas", {"value": "median"}),
        )
    ]


def _spreads(table: pl.LazyFrame, view: dict[str, str]) -> str:
    """How far apart the classes' medians lie at a node of the last layer, before and after training."""
    last = in_last_layers(table).filter(pl.col("split") == view["split"])
    of_nodes = last.group_by(CONFIGURATION, "seed", "state", "node").agg(
        spread=pl.col("median").max() - pl.col("median").min()
    )
    means = of_nodes.group_by("state").agg(pl.col("spread").mean()).collect()
    spread = dict(means.iter_rows())
    before, after = spread.get("initial"), spread.get("trained")
    if before is None or after is None:
        return ""
    return (
        f"Over all networks, the medians of a node of the last hidden layer span {after:.2g} on average after training, "
        f"{before:.2g} before ({view['split']} samples)."
    )
