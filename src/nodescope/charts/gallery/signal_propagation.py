"""How signals propagate: quantiles of activations, ranges of gradients, and how much of the gradient reaches each layer."""

from typing import Any

import altair as alt
import numpy as np
import polars as pl

from nodescope.charts.axes import far_axis, layer_axis, layer_width
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.histograms import QUANTILES, with_quantiles
from nodescope.charts.panels import Drawing, in_panels, panel_columns, panels
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.series import LETTER, end_names, series_of, with_room_for_names
from nodescope.charts.style import series_scale
from nodescope.charts.views import preferred_split
from nodescope.storage.columns import Quantity
from nodescope.study.words import loss_words

CHART = Chart(section="health", order=210, tables=("statistics", "gradients"), optional=("layer_distributions",))

SHARE = Quantity("gradient over that at the output", range=(0.0, None), format=".3g")
SLOPE = Quantity("factor per layer", format=".3g")
MEDIAN = Quantity("median", format=".3g")
KEYS = ("configuration", "seed", "state", "split", "kind", "layer")
PANELS_IN_A_ROW = 4
RIBBON = "#4b5f7a"


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """Ranges of activations, ranges of gradients, and the norm of the gradient beside that at the output."""
    statistics, gradients = tables["statistics"], tables["gradients"]
    state, seed = context.states[0], str(statistics["seed"][0])
    loss = loss_words(gradients["objective"].unique())
    of_layers = gradients.filter(pl.col("quantity").is_in(["activation", "pre_activation"]), pl.col("name") != "output")
    known = of_layers["mean"].count() > 0
    found = []
    if known:
        flow = _flow(gradients, context)
        found += [
            Figure(
                name="gradient-flow",
                title="How much of the gradient reaches each layer?",
                caption="Norm of the gradient at each layer over that at the output, where the backward pass starts. Named: the "
                "factor from a layer to the one before it.",
                about=f"The gradient of {loss} of a sample with respect to the activations of a layer, root mean "
                f"square over the samples; "
                f"{context.words.mean}. Its factor per layer is that of the straight line through the logarithms. Below one the "
                "gradient vanishes towards the input, above one it explodes.",
                chart=flow,
                quantities={"mean": SHARE, "slope": SLOPE},
                view={"state": state, "seed": seed_view(gradients)},
            ),
            Figure(
                name="gradient-range",
                title="Range of the gradients by layer",
                caption="Gradient of each sample with respect to the activations (or pre-activations) of a layer, mean plus and "
                "minus one standard deviation over nodes and samples.",
                about=f"The gradient of {loss}. The backward pass starts at the right. The axis is linear near zero "
                f"and logarithmic elsewhere.",
                chart=_ranges(of_layers, context, y_title="gradient", stretched=True),
                view={"state": state, "seed": seed, "quantity": "activation"},
                shown_in=ShownIn("gradient-flow"),
            ),
        ]
    unknown = "" if known else " No gradients are known: the networks diverged, or have not one output for each class."
    if (histograms := tables.get("layer_distributions")) is not None:
        found.insert(0, _ribbons(histograms, statistics, unknown, context))
    return found


def _ribbons(histograms: pl.DataFrame, statistics: pl.DataFrame, unknown: str, context: Context) -> Figure:
    zeros = statistics.select(*KEYS, "zero_share")
    quantiles = with_quantiles(histograms, zeros, list(KEYS))
    data = context.with_network(quantiles)
    values = [data[name].drop_nulls() for name in QUANTILES]
    ends = [float(bound) for column in values for bound in (column.min(), column.max()) if bound is not None]  # type: ignore[arg-type]
    sizes = data.select(pl.max_horizontal(pl.col("q5", "q95").abs())).to_series()
    typical = float(sizes.filter(sizes > 0).quantile(0.02) or 0) or None
    base = alt.Chart(data, width=layer_width(context.options.width * 0.8, data), height=context.options.height).encode(
        x=layer_axis(), color=alt.value(RIBBON)
    )

    def axis(column: str) -> alt.Y:
        return far_axis(column, ends, typical)

    wide = base.mark_area(opacity=0.18, interpolate="monotone").encode(y=axis("q5"), y2="q95:Q")
    narrow = base.mark_area(opacity=0.32, interpolate="monotone").encode(y=axis("q25"), y2="q75:Q")
    line = base.mark_line(strokeWidth=2, point={"size": 24, "filled": True}).encode(
        y=axis("q50"),
        tooltip=[alt.Tooltip(f"{name}:Q", title=f"{name.removeprefix('q')} %", format=".3g") for name in QUANTILES],
    )
    return Figure(
        name="activation-range",
        title="Does the signal vanish or explode on its way?",
        collapsed=context.words.trained,
        caption="Median of the values of each layer, with the ranges of half and of 90 % of them. Ranges that shrink "
        "to a point show "
        f"a vanishing signal, ranges that widen an exploding one.{unknown}",
        about="Quantiles (5, 25, 50, 75 and 95 %) over all nodes and samples of a layer, from its histogram; zeros count as such. "
        "Where values reach far, the axis is linear near zero and logarithmic beyond.",
        chart=alt.layer(wide, narrow, line).facet(
            facet=alt.Facet("network:N").title(None).sort(data["network"].unique(maintain_order=True).to_list()),
            columns=PANELS_IN_A_ROW,
        ),
        view={
            "state": context.states[0],
            "split": preferred_split(histograms),
            "seed": str(histograms["seed"][0]),
            "kind": "post",
        },
        per_configuration=True,
        quantity="q50",
        quantities={"q50": MEDIAN},
        subtitle="values of the nodes",
    )


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


def _flow(gradients: pl.DataFrame, context: Context) -> Any:
    """A line per network on a logarithmic axis, with its slope at its end."""
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
    mean = over_seeds(share.select(*net, "layer", "share"), "share").drop_nulls("mean")
    named, series = series_of(mean, context)
    lines = ["configuration", "seed", "state"]
    slopes = named.group_by(lines, maintain_order=True).agg(
        slope=pl.struct("layer", "mean").map_batches(_factor, return_dtype=pl.Float64, returns_scalar=True)
    )
    data = named.join(slopes, on=lines, maintain_order="left").select(
        *context.configurations.columns, "label", "of_size", "seed", "state", "layer", "mean", "slope",
        ending=pl.when(pl.col("slope").is_not_null())
        .then(pl.format("{}: ×{} per layer", "label", pl.col("slope").map_elements(_three, return_dtype=pl.String)))
        .otherwise("label"),
    )  # fmt: skip
    height = context.options.height * 1.1
    data = with_room_for_names(data, "mean", height, ("seed", "state"), logarithmic=True)
    base = alt.Chart(width=layer_width(context.options.width * 1.2, data), height=height).encode(
        x=layer_axis(),
        color=series.colour(),
        tooltip=[alt.Tooltip("slope:Q", title="factor per layer, towards the input", format=".3g")],
    )
    y = alt.Y("mean:Q").title(None).scale(type="log", nice=False).axis(format="~g", tickCount=6)
    layers: list[Any] = [
        base.mark_line(strokeWidth=2).encode(y=y, strokeDash=series.dash()),
        series.points(base).encode(y=y),
    ]
    if series.are_named:
        layers.append(end_names(base, series, "layer", "mean", logarithmic=True, text="ending"))
    chart = alt.layer(*layers, data=data)
    return series.in_panels(chart, columns=2, further=len(": ×0.12 per layer") * LETTER)


def _three(value: float) -> str:
    return f"{value:.2g}"


def _factor(points: pl.Series) -> float | None:
    """By what the gradient changes from a layer to the one before it."""
    layer, share = (points.struct.field(name).to_numpy() for name in ("layer", "mean"))
    if len(np.unique(layer)) < 2:
        return None
    return float(np.exp(-np.polyfit(layer, np.log(share), 1)[0]))
