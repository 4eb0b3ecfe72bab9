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
            title="How many nodes resemble another?",
            collapsed=True,
            caption=f"Share of the nodes of each layer whose activation is strongly correlated with that of another, "
            f"{context.spread_words()}.",
            about="Strong is an absolute correlation of at least the option redundancy.alike; constant nodes are left "
            "out. Nodes that "
            "resemble each other need not do the same: their outgoing weights differ.",
            chart=layer_lines(lines, context, QUANTITY, width=0.62),
            quantities={"mean": QUANTITY},
            view={"state": context.states[-1], "split": preferred_split(table), "seed": seed_view(lines)},
            interval="95 % t interval",
            span=6 if len(set(context.configurations.sizes().values())) == 1 else 12,
        )
    ]
