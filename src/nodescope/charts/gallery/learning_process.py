"""Layers as classifiers after chosen epochs of training."""

import altair as alt
import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.labels import state_label
from nodescope.charts.seeds import seed_view
from nodescope.charts.system_panels import ACCURACY, mean_accuracies, system_panels
from nodescope.charts.views import in_last_layers

CHART = Chart(section="layers", order=30, tables=("layer_accuracy",), needs_snapshots=True, needs_classes=True)


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure: columns = state, rows = configuration."""
    table = tables["layer_accuracy"]
    labels = [state_label(state) for state in context.states]
    mean = context.with_network(
        mean_accuracies(table.filter(pl.col("split").is_in(["train", "test"])), context)
    ).with_columns(column=pl.col("state").replace_strict(context.states, labels, default=None))
    chart = system_panels(mean, context).facet(
        column=alt.Column("column:N").title(None).sort(labels), row=alt.Row("network:N").title(None)
    )
    dotted = ", the network's own test accuracy dotted" if mean["network_accuracy"].count() else ""
    return [
        Figure(
            name="learning-process",
            title="Layers as classifiers during training",
            caption="Accuracy of each layer alone in every recorded state, training samples dashed, test samples solid"
            f"{dotted}; {context.spread_words()}.",
            about=context.words.where_trained(
                "The last column is the trained network, whose epoch may precede the last snapshot. "
            )
            + f"Compare how the first and the last layer change. {_rise(mean)}",
            chart=chart,
            quantities={"mean": ACCURACY},
            view={"seed": seed_view(mean)},
            per_configuration=True,
            shown_in=ShownIn("layer-classifiers"),
        )
    ]


def _rise(mean: pl.DataFrame) -> str:
    """How much training adds in the first and in the last layer."""
    shown = mean.filter(pl.col("split") == "test", pl.col("seed") == seed_view(mean), pl.col("system") == "continuous")
    gains = {}
    layers = {"first": shown.filter(pl.col("layer") == 1), "last": in_last_layers(shown.lazy()).collect()}
    for name, of_layer in layers.items():
        means = dict(of_layer.group_by("state").agg(pl.col("mean").mean()).iter_rows())
        if means.get("initial") is None or means.get("trained") is None:
            return ""
        gains[name] = 100 * (means["trained"] - means["initial"])
    return (
        f"Over all networks, training adds {gains['first']:.0f} points of test accuracy to the continuous system of the first "
        f"layer and {gains['last']:.0f} to that of the last."
    )
