"""The profile of a network: sparsity, zeros and spread by layer; and all statistics of the values of a layer."""

from typing import Any

import altair as alt
import polars as pl

from nodescope.charts.axes import layer_axis, layer_width
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.labels import kinds_in_words, percent
from nodescope.charts.layer_lines import layer_lines
from nodescope.charts.panels import in_panels, panel_columns, panels
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.style import series_scale
from nodescope.charts.tables import quantity_of
from nodescope.charts.views import in_view, preferred_split

CHART = Chart(section="layers", order=40, tables=("statistics",), optional=("sparsity", "patterns"))

PROFILE = "layer-profile"
STATISTICS = {
    "zero_share": "share of zeros",
    "saturated_share": "share of saturated values",
    "mean": "mean",
    "std": "standard deviation",
    "skew": "skew",
    "kurtosis": "kurtosis",
    "minimum": "minimum",
    "maximum": "maximum",
}


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure, with a choice of the statistic."""
    table = tables["statistics"]
    keys = [*context.configurations.columns, "seed", "state", "split", "kind", "layer"]
    long = table.select(*keys, *STATISTICS).unpivot(
        list(STATISTICS), index=keys, variable_name="statistic", value_name="value"
    )
    mean = over_seeds(long.with_columns(pl.col("statistic").replace_strict(STATISTICS)), "value")
    named = in_panels(context.with_spread(mean), context)
    series = named["label"].unique(maintain_order=True).to_list()
    shown = ["seed", "state", "split", "kind", "statistic", "layer", "mean", "low", "high"]
    data = named.select(*panel_columns(context), *shown).drop_nulls("mean")
    base = alt.Chart(data, width=layer_width(context.options.width * 0.8, data), height=context.options.height).encode(
        x=layer_axis(),
        color=alt.Color("label:N").title("network").scale(series_scale(series)),
        tooltip=["label:N", "layer:O", alt.Tooltip("mean:Q", format=".4g")],
    )
    lines = base.mark_line(point=True).encode(y=alt.Y("mean:Q").title("value").axis(format="~g"))
    errors = base.mark_rule().encode(y=alt.Y("low:Q").title("value"), y2="high:Q")
    chart = panels(alt.layer(errors, lines), context)
    view = {"state": context.states[-1], "split": preferred_split(table), "seed": seed_view(mean)}
    return [
        _profile(tables, view, context),
        Figure(
            name="layer-statistics",
            title="Zeros, spread and shape of all values by layer",
            caption=f"Statistics of all {kinds_in_words(table['kind'].unique())} of a layer, {context.spread_words()}.",
            about="Of all values of a layer over its nodes and the samples of the split: the share of exact zeros, "
            "the share near a bound "
            "of the function, mean, standard deviation, skew, kurtosis (zero for a normal distribution) and range. A layer with "
            "many zeros or saturated values passes on little of the gradient.",
            chart=chart,
            view=view | {"kind": "post", "statistic": STATISTICS["zero_share"]},
            shown_in=ShownIn(PROFILE),
        ),
    ]


def _profile(tables: dict[str, pl.DataFrame], view: dict[str, str], context: Context) -> Figure:
    """Small multiples, one for each measure: how often nodes are off, how many values are zero, how far they spread."""
    statistics = tables["statistics"].filter(pl.col("kind") == "post")
    keys = [*context.configurations.columns, "seed", "state", "split", "layer"]
    parts: list[tuple[str, Any]] = []
    if (sparsity := tables.get("sparsity")) is not None:
        parts.append(("how often a node is off (sparsity)", over_seeds(sparsity.select(*keys, "sparsity"), "sparsity")))
        quantities = [quantity_of("sparsity", "sparsity")]
    else:
        quantities = []
    parts += [
        ("values that are zero", over_seeds(statistics.select(*keys, "zero_share"), "zero_share")),
        ("spread of the values", over_seeds(statistics.select(*keys, "std"), "std")),
    ]
    quantities += [quantity_of("statistics", "zero_share"), quantity_of("statistics", "std")]
    several = len(set(context.configurations.sizes().values())) > 1
    rows = [
        layer_lines(
            mean.with_columns(measure=pl.lit(quantity.title)),
            context,
            quantity,
            width=0.62,
            height=0.65 if several else 1.0,
            titled=False,
        ).properties(title=alt.Title(title, anchor="start"))
        for (title, mean), quantity in zip(parts, quantities, strict=True)
    ]
    chart = alt.vconcat(*rows, spacing=24) if several else alt.hconcat(*rows, spacing=16)
    dashes = " Dashed, hollow: with batch normalisation." if context.batch_norm_varies else ""
    return Figure(
        name=PROFILE,
        title="How do activity and spread change from layer to layer?",
        caption=f"All nodes of a layer and all samples, {context.spread_words()}.{dashes}",
        about="Sparsity is the share of samples for which a node is off, averaged over the nodes of the layer that "
        "are not dead; at "
        "50 % nodes are off as often as on. Zeros are the share of activations that are exactly zero, dead nodes "
        "included. The spread "
        f"is the standard deviation of the activations.{_patterns(tables.get('patterns'), view)}",
        chart=chart.resolve_scale(color="independent", strokeDash="independent", fill="independent"),
        view=view,
        subtitle="sparsity, zeros and spread of the activations",
        interval="95 % t interval",
        quantity_by="measure",
        quantities={quantity.title: quantity for quantity in quantities},
    )


def _patterns(patterns: pl.DataFrame | None, view: dict[str, str]) -> str:
    """How different the patterns of samples are, in a sentence."""
    known = None if patterns is None else in_view(patterns, view).drop_nulls("relative_entropy")["relative_entropy"]
    if known is None or known.is_empty():
        return ""
    low, high = (percent(float(end)) for end in (known.min(), known.max()))  # type: ignore[arg-type]
    between = low if low == high else f"between {low} and {high}"
    return f" The entropy of the patterns of nodes that are on is {between} of the possible in every layer."
