"""What kinds of nodes each layer has."""

import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.stacked_nodes import stacked_nodes
from nodescope.charts.tables import quantity_of
from nodescope.charts.views import preferred_split

CHART = Chart(
    section="nodes",
    order=12,
    tables=("node_kinds_summary",),
    needs_values=("node_kinds_summary.share",),
)

QUANTITY = quantity_of("node_kinds_summary", "share")
COLOURS = {
    "dead": "#cc3311", "always_on": "#ee7733", "constant": "#bbbbbb", "saturated": "#aa3377", "switch": "#4477aa",
    "graded": "#228833",
}  # fmt: skip


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure: a panel per configuration, a bar per layer."""
    table = tables["node_kinds_summary"]
    mean = over_seeds(table.drop("nodes"), "share")
    return [
        Figure(
            name="node-kinds",
            title="Kinds of nodes by layer",
            caption="Share of the nodes of each layer that are on for no sample (dead), for all (always on), near one bound of "
            "the activation function (saturated), whose activation is mostly explained by being on or off (switch), or any "
            f"other (graded), {context.words.mean}. The words are summaries: the table node_kinds holds the shares that they "
            "are decided by.",
            chart=stacked_nodes(mean, "kind", COLOURS, QUANTITY, context),
            quantities={"mean": QUANTITY},
            view={"state": context.states[-1], "split": preferred_split(table), "seed": seed_view(mean)},
            per_configuration=True,
        )
    ]
