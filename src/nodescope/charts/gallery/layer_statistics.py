"""Zeros, saturation, spread and shape of all values of a layer, by layer."""

import altair as alt
import polars as pl

from nodescope.charts.axes import layer_axis, layer_width
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.labels import kinds_in_words
from nodescope.charts.panels import in_panels, panel_columns, panels
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.style import series_scale
from nodescope.charts.views import preferred_split

CHART = Chart(section="layers", order=220, tables=("statistics",))

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
    return [
        Figure(
            name="layer-statistics",
            title="Zeros, spread and shape of all values by layer",
            caption=f"Of all {kinds_in_words(table['kind'].unique())} of a layer over its nodes and the samples of the split: "
            "the share of exact zeros, the share near a bound of the function, mean, standard deviation, skew, "
            f"kurtosis (zero for a normal distribution) and range; {context.spread_words()}. A layer with many zeros "
            "or saturated values passes on little of the gradient.",
            chart=chart,
            view={
                "state": context.states[-1],
                "split": preferred_split(table),
                "seed": seed_view(mean),
                "kind": "post",
                "statistic": STATISTICS["zero_share"],
            },
        )
    ]
