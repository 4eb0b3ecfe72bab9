"""The atlas: which node is on for which class, of all nodes at once."""

import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Atlas, Figure, NodePanels
from nodescope.charts.views import first_view, preferred_split

CHART = Chart(
    section="nodes",
    order=1,
    tables=("activity",),
    optional=(
        "medians", "node_order", "node_kinds", "selectivity", "node_fates", "ablation", "redundancy", "kin", "node_histograms",
        "top_samples", "ablation_classes", "mean_inputs", "weight_images", "samples",
    ),
    lazy=True,
)  # fmt: skip

#: In which order of `node_order` the static figure shows the nodes.
WITH_CLASSES, WITHOUT_CLASSES = "class", "similarity"
DEAD = "#bdbdbd"
PLACE_KEYS = ("configuration", "seed", "layer", "node")


def figures(tables: dict[str, pl.DataFrame | pl.LazyFrame], context: Context) -> list[Figure]:
    """One figure: on the page a map of all nodes; as a file a panel per configuration."""
    lazy = {name: table.lazy() for name, table in tables.items()}
    table, words = lazy["activity"], context.words
    order = WITH_CLASSES if words.has_classes else WITHOUT_CLASSES
    return [
        Figure(
            name="atlas",
            title=words.where_classes("Which node is on for which class", "For how many samples each node is on"),
            caption=words.where_classes(
                "Each column is a node, each row a class, the colour the share of the samples of the class for "
                "which the node is on. Hatched nodes are on for no sample.",
                "Each column is a node, its colour the share of the samples for which it is on. "
                "Hatched nodes are on for no sample.",
            ),
            nodes=NodePanels(
                "activity",
                _placed(table, lazy.get("node_order"), order),
                "active_share",
                "matrix",
                "share active",
                static_states=context.ends,
                domain=(0.0, 1.0),
                place="place",
                dead=DEAD,
            ),
            atlas=Atlas(lazy),
            view=first_view(table),
            per_configuration=True,
            quantity="active_share",
        )
    ]


def _placed(activity: pl.LazyFrame, orders: pl.LazyFrame | None, order: str) -> pl.LazyFrame:
    """Add ``place``: of a node within its layer, in an order of the kept network; its number where that is not known."""
    if orders is None:
        return activity.with_columns(place="node")
    splits = orders.select(pl.col("split").unique(maintain_order=True)).collect()
    ranks = (
        orders.filter(pl.col("order") == order, pl.col("split") == preferred_split(splits))
        .group_by(PLACE_KEYS)
        .agg(pl.col("rank").last())
    )
    joined = activity.join(ranks, on=PLACE_KEYS, how="left", maintain_order="left")
    return joined.with_columns(place=pl.coalesce("rank", "node")).drop("rank")
