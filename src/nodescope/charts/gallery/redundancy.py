"""How many nodes of each layer resemble another."""

import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.layer_lines import layer_lines
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.tables import quantity_of
from nodescope.charts.views import preferred_split

CHART = Chart(
    section="layers",
    order=150,
    tables=("redundancy_summary",),
    needs_values=("redundancy_summary.redundant_share",),
)

QUANTITY = quantity_of("redundancy_summary", "redundant_share")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """The share of redundant nodes per layer."""
    table = tables["redundancy_summary"]
    lines = over_seeds(table.drop("nodes", "clusters", "nearest_size"), "redundant_share")
    return [
        Figure(
            name="redundancy",
            title="Redundant nodes by layer",
            caption="Share of the nodes of each layer, without constant ones, whose activation is strongly correlated with that "
            f"of another node of the layer, {context.spread_words()}. Strong is an absolute correlation of at least "
            "`redundancy.alike`. Nodes that resemble each other need not do the same: their outgoing weights differ.",
            chart=layer_lines(lines, context, QUANTITY),
            quantities={"mean": QUANTITY},
            view={"state": context.states[-1], "split": preferred_split(table), "seed": seed_view(lines)},
        )
    ]
