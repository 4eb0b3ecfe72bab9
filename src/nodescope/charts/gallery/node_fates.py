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
    "always_dead": "#882255", "died": "#cc3311", "revived": "#ee7733", "woke": "#ccbb44", "became": "#4477aa",
    "stayed": "#228833",
}  # fmt: skip


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure: a panel per configuration, a bar per layer."""
    table = tables["node_fates_summary"]
    if not table["share"].count():  # of one state
        return []
    mean = over_seeds(table.drop("nodes"), "share")
    return [
        Figure(
            name="node-fates",
            title="Fates of nodes by layer",
            caption="From the first recorded state to the last: nodes that were dead in all states, died, were dead in "
            "between only (revived), woke, became of another kind, or stayed as they were, "
            f"{context.words.mean}. What happens between two recorded states is not seen.",
            chart=stacked_nodes(mean, "fate", COLOURS, QUANTITY, context),
            quantities={"mean": QUANTITY},
            view={"split": preferred_split(table), "seed": seed_view(mean)},
            per_configuration=True,
        )
    ]
