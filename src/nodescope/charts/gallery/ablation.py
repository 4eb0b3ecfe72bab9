"""What breaks without a node: for selective nodes and others, and with many nodes off at once."""

import altair as alt
import polars as pl

from nodescope.charts.axes import layer_colour, x_of, y_of
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.tables import quantity_of
from nodescope.charts.views import preferred_split
from nodescope.storage.columns import Quantity, share

CHART = Chart(
    section="nodes",
    order=55,
    tables=("ablation", "ablation_joint"),
    optional=("selectivity",),
    needs_classes=True,
    needs_values=("ablation.loss_change",),
)

CLASSES = quantity_of("selectivity", "class_share")
CHANGE = quantity_of("ablation", "loss_change")
ACCURACY = quantity_of("ablation_joint", "accuracy")
SHARE = quantity_of("ablation_joint", "share")
CORRELATION = Quantity("rank correlation in the layer", range=(-1.0, 1.0), format="+.2f")
PANELS_IN_A_ROW = 3
#: Of larger layers so many nodes are drawn, evenly spaced.
NODES_OF_A_LAYER = 100
LAYER = ("configuration", "seed", "state", "layer", "kind")
KEYS = ("configuration", "seed", "state", "layer", "node")
ORDERS = {"least": "least important first", "random": "random"}


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """A point for each node, where its selectivity is known; and a line for each layer whose nodes go one after another."""
    found = []
    if "selectivity" in tables:
        found.append(_single(tables["ablation"], tables["selectivity"], context))
    if len(tables["ablation_joint"]):
        found.append(_joint(tables["ablation_joint"], context))
    return found


def _single(ablation: pl.DataFrame, selectivity: pl.DataFrame, context: Context) -> Figure:
    split = preferred_split(selectivity)
    classes = selectivity.filter(pl.col("split") == split).select(*KEYS, "class_share", "preferred_class")
    changes = ablation.select(*KEYS, "kind", "loss_change", "standard_error", "lost", "gained")
    nodes = changes.join(classes, on=KEYS, maintain_order="left").drop_nulls(["class_share", "loss_change"])
    correlation = pl.corr("class_share", "loss_change", method="spearman").over(LAYER)
    known = nodes.with_columns(correlation=pl.when(correlation.is_finite()).then(correlation))
    of_layer = pl.col("node").max().over(LAYER) + 1
    place = (pl.col("node") * NODES_OF_A_LAYER) // of_layer
    few = known.filter((of_layer <= NODES_OF_A_LAYER) | (place != place.shift(1).over(LAYER).fill_null(-1)))
    data = context.with_network(few).select(
        "configuration", "network", "seed", "kind", "layer", "node", "class_share", "loss_change", "standard_error",
        "lost", "gained", "correlation",
    )  # fmt: skip
    chart = (
        alt.Chart(data, width=context.options.width * 0.7, height=context.options.height)
        .mark_circle(size=18, opacity=0.7)
        .encode(
            x=x_of("class_share", CLASSES).scale(domain=[0, 1]),
            y=y_of("loss_change", CHANGE),
            color=layer_colour(),
            tooltip=[
                "network:N", "layer:O", "node:O", "class_share:Q", "loss_change:Q", "standard_error:Q", "lost:Q", "gained:Q",
                "correlation:Q",
            ],
        )
        .facet(
            facet=alt.Facet("network:N").title(None).sort(data["network"].unique(maintain_order=True).to_list()),
            columns=PANELS_IN_A_ROW,
        )
    )  # fmt: skip
    return Figure(
        name="ablation",
        title="Do selective nodes matter more?",
        caption="Each point is a node: how much of its variance the classes explain (right), and how much the loss on test "
        "samples grows when it is set to its mean, or to zero (up).",
        chart=chart,
        quantities={"correlation": CORRELATION},
        view={"kind": "mean", "seed": str(ablation["seed"][0])},
        per_configuration=True,
        span=6,
        quantity="loss_change",
    )


def _joint(joint: pl.DataFrame, context: Context) -> Figure:
    keys = ("state", "layer", "kind", "order", "share")
    mean = over_seeds(joint.select(*joint.columns[: joint.columns.index("state")], *keys, "accuracy"), "accuracy")
    named = mean.with_columns(pl.col("order").replace_strict(ORDERS))
    data = context.with_network(named)
    chart = (
        alt.Chart(data, width=context.options.width * 0.7, height=context.options.height)
        .mark_line(point=True)
        .encode(
            x=x_of("share", SHARE),
            y=y_of("mean", ACCURACY).scale(zero=False),
            color=layer_colour(),
            strokeDash=alt.StrokeDash("order:N")
            .title("nodes off")
            .sort(list(ORDERS.values()))
            .legend(symbolType="stroke", symbolSize=300),
            tooltip=[alt.Tooltip("order:N", title="switched off"), "share:Q", "mean:Q"],
        )
        .facet(
            facet=alt.Facet("network:N").title(None).sort(data["network"].unique(maintain_order=True).to_list()),
            columns=PANELS_IN_A_ROW,
        )
    )
    return Figure(
        name="ablation-joint",
        title="How many nodes can go?",
        caption="Accuracy on test samples with a share of one layer's nodes set to their mean, or to zero: those that matter "
        f"least alone first, or at random; {context.words.mean}.",
        chart=chart,
        quantities={"mean": ACCURACY, "standard_error": share("standard error")},
        view={"kind": "mean", "seed": seed_view(mean)},
        per_configuration=True,
    )
