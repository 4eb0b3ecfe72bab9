"""How signals propagate: the range of activations and of gradients by layer, and what arrives of the gradient."""

import altair as alt
import polars as pl

from nodescope.charts.axes import layer_axis, layer_width
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.panels import Drawing, in_panels, panel_columns, panels
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.style import series_scale
from nodescope.charts.views import preferred_split
from nodescope.study.words import loss_words

CHART = Chart(section="health", order=210, tables=("statistics", "gradients"))


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """Ranges of activations, ranges of gradients, and the norm of the gradient beside that at the output."""
    statistics, gradients = tables["statistics"], tables["gradients"]
    state, seed = context.states[0], str(statistics["seed"][0])
    loss = loss_words(gradients["objective"].unique())
    of_layers = gradients.filter(pl.col("quantity").is_in(["activation", "pre_activation"]), pl.col("name") != "output")
    known = of_layers["mean"].count() > 0
    unknown = "" if known else " No gradients are known: the networks diverged, or have not one output for each class."
    figures = [
        Figure(
            name="activation-range",
            title="Range of the activations by layer",
            caption="Mean plus and minus one standard deviation over all nodes and samples of a layer. A range that "
            "shrinks to zero indicates a vanishing signal, a range that grows from layer to layer an exploding one. "
            f"Hover over a layer to see the values; click a name in the legend to hide or show it.{unknown}",
            chart=_ranges(statistics, context, y_title="value"),
            view={"state": state, "split": preferred_split(statistics), "seed": seed, "kind": "post"},
        ),
        Figure(
            name="gradient-range",
            title="Range of the gradients by layer",
            caption=f"The gradient of {loss} of each sample with respect to the activations (or pre-activations) of a "
            "layer, mean plus and minus one standard deviation over all nodes and samples. The backward pass starts "
            "at the right. The axis is linear near zero and logarithmic elsewhere.",
            chart=_ranges(of_layers, context, y_title="gradient", stretched=True),
            view={"state": state, "seed": seed, "quantity": "activation"},
        ),
        Figure(
            name="gradient-flow",
            title="Gradient norm by layer, relative to the output",
            caption=f"Norm of the gradient of {loss} of a sample with respect to the activations of a layer, divided "
            f"by the norm at the logits, where the backward pass starts; {context.words.mean}. A line that falls to "
            "the left at a constant rate indicates a vanishing gradient, one that rises to the left an exploding "
            "gradient.",
            chart=_flow(gradients, context),
            view={"state": state, "seed": seed_view(gradients)},
        ),
    ]
    return figures if known else figures[:1]


def _ranges(frame: pl.DataFrame, context: Context, *, y_title: str, stretched: bool = False) -> Drawing:
    """A band from mean - std to mean + std for each network, the mean as a line."""
    named = (
        in_panels(frame, context)
        .with_columns(low=pl.col("mean") - pl.col("std"), high=pl.col("mean") + pl.col("std"))
        .drop_nulls("mean")
    )
    series = named["label"].unique(maintain_order=True).to_list()
    keys = [name for name in ("seed", "state", "split", "kind", "quantity") if name in named.columns]
    numbers = ["mean", "std", "low", "high", "minimum", "maximum"]
    data = named.select(*panel_columns(context), *keys, "layer", *numbers)
    hidden = alt.selection_point(fields=["label"], bind="legend", toggle="true", empty=False)
    base = alt.Chart(
        data, width=layer_width(context.options.width * 1.2, data), height=context.options.height * 1.2
    ).encode(
        x=layer_axis(),
        color=alt.Color("label:N")
        .title("network")
        .scale(series_scale(series))
        .legend(symbolOpacity=1, symbolType="circle"),
        tooltip=["label:N", "layer:O", *(alt.Tooltip(f"{name}:Q", format=".4g") for name in numbers)],
    )
    scale = alt.Scale(type="symlog", constant=_scale_constant(data)) if stretched else alt.Scale(zero=False)
    y = alt.Y("low:Q").title(y_title).scale(scale).axis(format="~g")
    shown = {strength: alt.when(hidden).then(alt.value(0)).otherwise(alt.value(strength)) for strength in (0.08, 0.9)}
    band = base.mark_area().encode(y=y, y2="high:Q", opacity=shown[0.08])
    edges = [base.mark_line(strokeWidth=1).encode(y=f"{end}:Q", opacity=shown[0.9]) for end in ("low", "high")]
    mean = base.mark_line(strokeDash=[3, 3], point=True).encode(y="mean:Q", opacity=shown[0.9])
    layers = alt.layer(band, *edges, mean.add_params(hidden))
    return panels(layers, context, independent=("x", "y"))


def _scale_constant(data: pl.DataFrame) -> float:
    """Below which the axis is linear: the largest value is three decades above it."""
    largest = data.select(pl.max_horizontal(pl.col("low", "high").abs()).max()).item()
    return float(largest or 1.0) / 1e3


def _flow(gradients: pl.DataFrame, context: Context) -> Drawing:
    net = [*context.configurations.columns, "seed", "state"]
    at_logits = gradients.filter(pl.col("name") == "output", pl.col("quantity") == "pre_activation")
    share = (
        gradients.filter(pl.col("quantity") == "activation")
        .join(at_logits.select(*net, at_logits="norm"), on=net, nulls_equal=True, maintain_order="left")
        # A logarithmic axis has no zero.
        .with_columns(
            share=pl.when(pl.col("norm") > 0, pl.col("at_logits") > 0).then(pl.col("norm") / pl.col("at_logits"))
        )
    )
    mean = over_seeds(share.select(*net, "layer", "share"), "share")
    named = in_panels(mean, context).drop_nulls("mean")
    series = named["label"].unique(maintain_order=True).to_list()
    data = named.select(*panel_columns(context), "seed", "state", "layer", "mean")
    lines = (
        alt.Chart(data, width=layer_width(context.options.width * 1.2, data), height=context.options.height * 1.2)
        .mark_line(point=True)
        .encode(
            x=layer_axis(),
            y=alt.Y("mean:Q").title("gradient over that at the output").scale(type="log").axis(format="~g"),
            color=alt.Color("label:N").title("network").scale(series_scale(series)),
            tooltip=["label:N", "layer:O", alt.Tooltip("mean:Q", format=".4g")],
        )
    )
    return panels(lines, context)
