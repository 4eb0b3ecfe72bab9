"""Each layer alone as a classifier, by its switches, its values, or both."""

import altair as alt
import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.labels import percent, slug
from nodescope.charts.panels import panels
from nodescope.charts.seeds import seed_view
from nodescope.charts.system_panels import ACCURACY, mean_accuracies, system_panels
from nodescope.charts.views import groups

CHART = Chart(section="layers", order=10, tables=("layer_accuracy",), needs_classes=True)

PANELS_IN_A_ROW = 3


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure per combination of the axes beside those that the panels run along, or a panel per configuration."""
    table = tables["layer_accuracy"]
    mean = mean_accuracies(table.filter(pl.col("split").is_in(["train", "test"])), context)
    axes = context.configurations.axes
    if all(axis.side is None for axis in axes):
        chart = system_panels(context.with_network(mean), context).facet(
            facet=alt.Facet("network:N").title(None), columns=PANELS_IN_A_ROW
        )
        return [_figure("", mean, chart.resolve_scale(x="independent"), context, per_configuration=True)]
    return [
        _figure(context.configurations.describe(keys), part, panels(system_panels(part, context), context), context)
        for keys, part in groups(mean, *(axis.name for axis in axes if axis.side is None))
    ]


def _figure(
    words: str, part: pl.DataFrame, chart: alt.TopLevelMixin, context: Context, *, per_configuration: bool = False
) -> Figure:
    known = part["network_accuracy"].count() > 0
    dotted = "Dotted: the network's own test accuracy. " if known else ""
    reached = (
        " Where a system reaches the dotted line, the layer alone predicts the class as well as the whole network."
        if known
        else ""
    )
    return Figure(
        name=f"layer-accuracy-{slug(words)}" if words else "layer-accuracy",
        title=f"Layers as classifiers, {words}" if words else "Layers as classifiers",
        caption="Accuracy of each hidden layer alone: discrete system (which nodes are on), continuous system "
        "(kernel densities of the values), and combined; training samples dashed, test samples solid, "
        f"{context.spread_words()}. {dotted}{_first_layer(part, context)}{reached}",
        chart=chart,
        quantities={"mean": ACCURACY},
        view={"state": context.states[-1], "seed": seed_view(part)},
        per_configuration=per_configuration,
    )


def _first_layer(part: pl.DataFrame, context: Context) -> str:
    """How well each system does in layer 1 of the trained nets."""
    first = part.filter(
        pl.col("layer") == 1, pl.col("split") == "test", pl.col("state") == "trained", pl.col("seed") == seed_view(part)
    ).drop_nulls("mean")
    if first.is_empty():
        return ""
    of_systems = first.group_by("system", maintain_order=True).agg(pl.col("mean").mean())
    words = ", ".join(f"{system} {percent(accuracy)}" for system, accuracy in of_systems.iter_rows())
    return f"Average over the panels for layer 1 of the {context.words.networks}, test samples: {words}."
