"""What became of the nodes of each layer."""

import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.stacked_nodes import stacked_nodes
from nodescope.charts.tables import quantity_of
from nodescope.charts.views import preferred_split

CHART = Chart(
    section="health",
    order=14,
    tables=("node_fates_summary",),
    needs_values=("node_fates_summary.share",),
)

QUANTITY = quantity_of("node_fates_summary", "share")
COLOURS = {
    "always_dead": "#8c8c8c", "died": "#5e3c99", "revived": "#b2abd2", "woke": "#e66101", "became": "#fdb863",
    "stayed": "#dfe3e8", "alive": "#eef0f3",
}  # fmt: skip


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure: a panel per configuration, a bar per layer."""
    table = tables["node_fates_summary"]
    if not table["share"].count():  # of one state
        return []
    mean = over_seeds(table.drop("nodes"), "share")
    has_alive = bool(table.filter(pl.col("fate") == "alive")["nodes"].sum())
    alive = (
        " Alive is what was dead in no state, of layers with a summary over positions: no more is known."
        if has_alive
        else ""
    )
    return [
        Figure(
            name="node-fates",
            title="What became of the nodes?",
            caption=f"Nodes of each layer from the first recorded state to the last, {context.words.mean}: dead in "
            f"all states, died, "
            "dead in between, woke, became of another kind, or stayed as they were.",
            about="The kinds are those of the figure beside: dead, always on, switch, graded, saturated, constant. What happens "
            f"between two recorded states is not seen.{alive}",
            chart=stacked_nodes(mean, "fate", COLOURS, QUANTITY, context),
            quantities={"mean": QUANTITY},
            view={"split": preferred_split(table), "seed": seed_view(mean)},
            per_configuration=True,
            span=6,
        )
    ]
