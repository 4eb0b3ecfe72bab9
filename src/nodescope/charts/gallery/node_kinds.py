"""What kinds of nodes each layer has."""

import polars as pl

from nodescope.analyses.node_kinds import OTHER
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.stacked_nodes import stacked_nodes
from nodescope.charts.tables import quantity_of
from nodescope.charts.views import preferred_split

CHART = Chart(
    section="health",
    order=13,
    tables=("node_kinds_summary",),
    needs_values=("node_kinds_summary.share",),
)

QUANTITY = quantity_of("node_kinds_summary", "share")
COLOURS = {
    "dead": "#8c8c8c", "constant": "#5f6368", "always_on": "#e66101", "saturated": "#b2abd2", "switch": "#5e3c99",
    "graded": "#dfe3e8", "other": "#eef0f3",
}  # fmt: skip


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure: a panel per configuration, a bar per layer."""
    table = tables["node_kinds_summary"]
    mean = over_seeds(table.drop("nodes"), "share")
    has_other = bool(table.filter(pl.col("kind") == OTHER)["nodes"].sum())
    summarised = (
        " Of layers with a summary over positions, only dead nodes and those always on are known." if has_other else ""
    )
    return [
        Figure(
            name="node-kinds",
            title="What kinds of nodes does each layer have?",
            caption=f"Nodes by what they do, {context.words.mean}: on for no sample, for all, mostly on or off "
            f"(switch), near a bound "
            "(saturated), or graded.",
            about="A switch is a node whose activation is mostly explained by being on or off; a saturated node lies near one "
            f"bound of its activation function; graded are all others.{summarised} The words are summaries: the table "
            "node_kinds holds the shares that they are decided by.",
            chart=stacked_nodes(mean, "kind", COLOURS, QUANTITY, context),
            quantities={"mean": QUANTITY},
            view={"state": context.states[-1], "split": preferred_split(table), "seed": seed_view(mean)},
            per_configuration=True,
            span=6,
        )
    ]
