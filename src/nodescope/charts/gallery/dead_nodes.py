"""Share of dead nodes: of each layer of each network, in every state."""

import altair as alt
import polars as pl

from nodescope.charts.cells import CELL, ROW, cell_text, cell_width
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.labels import percent, state_label
from nodescope.charts.panels import Drawing
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.tables import quantity_of
from nodescope.charts.views import preferred_split
from nodescope.storage.columns import of_means

CHART = Chart(section="health", order=10, tables=("dead_nodes",))

QUANTITY = quantity_of("dead_nodes", "dead_share")
#: More states than these stand in several rows.
STATES_IN_A_ROW = 4
SHADES = ["#ffffff", "#9ecae1", "#08306b"]
#: From this share on a number is white.
DARK = 0.6


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """The share per layer and state as a figure, and per configuration as a table."""
    table = tables["dead_nodes"]
    state, split = context.states[-1], preferred_split(table)
    per_layer = over_seeds(table.drop("nodes", "dead"), "dead_share")
    per_net = table.group_by([*context.configurations.columns, "seed", "state", "split"], maintain_order=True).agg(
        dead_share=pl.when(pl.col("dead").is_null().any())
        .then(None)
        .otherwise(pl.col("dead").sum() / pl.col("nodes").sum())
    )
    overall = over_seeds(per_net, "dead_share").with_columns(pl.col("mean", "standard_error").round(4))
    seed = seed_view(overall)
    shown = overall.filter(pl.col("state") == state, pl.col("split") == split, pl.col("seed") == seed)
    return [
        Figure(
            name="dead-nodes",
            title="Where are nodes dead" + context.words.where_trained(", and since when") + "?",
            caption=f"Share of the nodes of each layer that are on for no sample, {context.words.mean}. {_most(shown, context)}",
            about="In a ReLU network the output of such a node is always zero, and no gradient reaches its weights. "
            "Nodes with other "
            "activation functions may still carry information below the threshold.",
            chart=_matrix(per_layer, context),
            quantities={"mean": QUANTITY},
            view={"split": split, "seed": seed},
            interval="95 % t interval",
        ),
        Figure(
            name="dead-nodes-table",
            title="Share of dead nodes",
            caption=f"Share of all hidden nodes of a network that are on for no sample, "
            f"{context.spread_words('dead-nodes-table')}.",
            table=context.table_of_means(overall, "dead_share", "dead-nodes-table"),
            quantities=of_means(QUANTITY),
            view={"state": state, "split": split, "seed": seed},
            shown_in=ShownIn("dead-nodes"),
        ),
    ]


def _matrix(per_layer: pl.DataFrame, context: Context) -> Drawing:
    """A row per network, a column per layer, a panel per state."""
    labels = [state_label(state) for state in context.states]
    spread = context.with_network(context.with_spread(per_layer, bounds=(0, 1))).drop_nulls("mean")
    data = spread.select(
        *context.configurations.columns, "network", "seed", "split", "state", "layer", "mean", "low", "high",
        when=pl.col("state").replace_strict(context.states, labels, default=pl.col("state"), return_dtype=pl.String),
        text=(100 * pl.col("mean")).round(0).cast(pl.Int32).cast(pl.String),
    )  # fmt: skip
    layers = int(data["layer"].n_unique())
    networks = data["network"].unique(maintain_order=True).to_list()
    base = alt.Chart(width=cell_width(layers), height=alt.Step(ROW)).encode(
        x=alt.X("layer:O").title("layer").axis(labelAngle=0, grid=False, ticks=False, domain=False, labelOverlap=True),
        y=alt.Y("network:N").title(None).sort(networks).axis(labelLimit=260, grid=False, ticks=False, domain=False),
    )
    cells = base.mark_rect(**CELL).encode(
        color=alt.Color("mean:Q").scale(domain=[0, 0.3, 1], range=SHADES, clamp=True, interpolate="rgb").legend(None)
    )
    text = cell_text(base, layers, f"datum.mean > {DARK}")
    panels = alt.layer(cells, *text, data=data)
    if len(labels) == 1:
        return panels
    return panels.facet(
        facet=alt.Facet("when:N").title(None).sort(labels), columns=STATES_IN_A_ROW, spacing=24
    ).resolve_scale(x="shared")


def _most(overall: pl.DataFrame, context: Context) -> str:
    known = overall.drop_nulls("mean").sort("mean", descending=True, maintain_order=True)
    if known.is_empty():
        return ""
    most = known.row(0, named=True)
    if not most["mean"]:
        return f"None of the {context.words.networks} has a dead node."
    return f"Most dead in all: {context.network(most)}, {percent(most['mean'])}."
