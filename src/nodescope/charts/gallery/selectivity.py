"""What nodes tell of classes, and how much of that they tell by being on or off."""

import altair as alt
import polars as pl

from nodescope.charts.axes import layer_colour, x_of, y_of
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.tables import quantity_of
from nodescope.charts.views import preferred_split

CHART = Chart(
    section="nodes",
    order=50,
    tables=("selectivity", "node_kinds"),
    needs_classes=True,
    needs_values=("selectivity.class_share", "node_kinds.switch_share"),
)

CLASSES = quantity_of("selectivity", "class_share")
SWITCH = quantity_of("node_kinds", "switch_share")
PANELS_IN_A_ROW = 3
#: Of larger layers so many nodes are drawn, evenly spaced.
NODES_OF_A_LAYER = 100
KEYS = ("configuration", "seed", "state", "split", "layer", "node")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure: a panel per configuration, a point per node of the kept networks."""
    split = preferred_split(tables["node_kinds"])
    kept = (pl.col("state") == context.states[-1]) & (pl.col("split") == split)
    classes = tables["selectivity"].filter(kept).select(*KEYS, "class_share", "preferred_class", "auc_preferred")
    kinds = tables["node_kinds"].filter(kept).select(*KEYS, "switch_share", "kind")
    nodes = classes.join(kinds, on=KEYS, maintain_order="left").drop_nulls(["class_share", "switch_share"])
    of_layer = pl.col("node").max().over(KEYS[:-1]) + 1
    place = (pl.col("node") * NODES_OF_A_LAYER) // of_layer
    few = nodes.filter((of_layer <= NODES_OF_A_LAYER) | (place != place.shift(1).over(KEYS[:-1]).fill_null(-1)))
    data = context.with_network(few).select(
        "configuration", "network", *KEYS[1:], "kind", "class_share", "switch_share", "preferred_class", "auc_preferred"
    )
    networks = data["network"].unique(maintain_order=True).to_list()
    chart = (
        alt.Chart(data, width=context.options.width * 0.7, height=context.options.height)
        .mark_circle(size=18, opacity=0.7)
        .encode(
            x=x_of("switch_share", SWITCH).scale(domain=[0, 1]),
            y=y_of("class_share", CLASSES).scale(domain=[0, 1]),
            color=layer_colour(),
            tooltip=[
                alt.Tooltip("kind:N", title="kind"),
                alt.Tooltip("switch_share:Q", title="explained by being on or off"),
                alt.Tooltip("auc_preferred:Q", title="area under the ROC curve of its class", format=".3g"),
            ],
        )
        .facet(facet=alt.Facet("network:N").title(None).sort(networks), columns=PANELS_IN_A_ROW)
    )
    larger = " Of layers with more nodes, 100 are shown, evenly spaced." if len(few) < len(nodes) else ""
    return [
        Figure(
            name="selectivity",
            title="Do nodes tell classes by being on or off?",
            caption="Each point is a node: how much of the variance of its activation the classes explain (up), and "
            "how much being on or "
            "off explains (right).",
            about=f"Dead and constant nodes are left out. A selective node is not for that reason an important one.{larger}",
            chart=chart,
            view={"split": split, "seed": str(tables["selectivity"]["seed"][0])},
            per_configuration=True,
            span=6,
            quantity="class_share",
        )
    ]
