"""Node activity as a heatmap of nodes and classes, dead nodes as red lines."""

import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, NodePanels, ShownIn
from nodescope.charts.views import first_view
from nodescope.messages.words import counted
from nodescope.study.axes import CONFIGURATION

CHART = Chart(section="nodes", order=30, tables=("activity",), lazy=True, needs_classes=True)


def figures(tables: dict[str, pl.DataFrame | pl.LazyFrame], context: Context) -> list[Figure]:
    """One figure: a panel per configuration, of any state, split and seed."""
    table = tables["activity"].lazy()
    view = first_view(table)
    return [
        Figure(
            name="activity-heatmap",
            title="Activity heatmap",
            caption="Rows are classes, columns are nodes, ordered by layer. Colours range from white (on for no "
            "sample of the class) to dark blue (on for all samples). Red columns are dead nodes, which are on for no "
            f"sample. Columns with few dark rows are specialised nodes. {_dead(table, view, context)}",
            nodes=NodePanels(
                "activity", table, "active_share", "matrix", "share active", (context.states[-1],), domain=(0.0, 1.0)
            ),
            view=view,
            per_configuration=True,
            quantity="active_share",
            shown_in=ShownIn("atlas"),
        )
    ]


def _dead(table: pl.LazyFrame, view: dict[str, str], context: Context) -> str:
    """The configuration with most dead nodes."""
    trained = table.filter(
        pl.col("state") == context.states[-1], pl.col("split") == view["split"], pl.col("seed") == int(view["seed"])
    ).drop_nulls("active_share")
    shares = (
        trained.group_by(CONFIGURATION, "layer", "node")
        .agg(dead=pl.col("active_share").max() == 0)
        .group_by(CONFIGURATION)
        .agg(pl.col("dead").sum(), nodes=pl.len())
        .collect()
    )
    order = {identifier: place for place, identifier in enumerate(context.configurations.identifiers)}
    place = pl.col(CONFIGURATION).replace_strict(order, return_dtype=pl.Int32)
    shares = shares.sort(pl.col("dead") / pl.col("nodes"), place, descending=[True, False])
    if shares.is_empty():
        return ""
    most = shares.row(0, named=True)
    if not most["dead"]:
        return f"None of the {context.words.networks} of seed {view['seed']} has a dead node."
    unknown = table.select(pl.col(CONFIGURATION).n_unique()).collect().item() - len(shares)
    return (
        f"Most dead nodes of the {context.words.networks} of seed {view['seed']}: {context.network(most)}, "
        f"{most['dead']} of {most['nodes']}."
        + (f" Of {counted(unknown, 'configuration')} there are no data: the networks diverged." if unknown else "")
    )
