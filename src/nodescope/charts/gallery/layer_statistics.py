"""Zeros, saturation, spread and shape of all values of a layer, by layer."""

import altair as alt
import polars as pl

from nodescope.charts.context import (
    Context,
    Figure,
    batch_norm_label,
    batch_norm_row,
    network_columns,
    over_seeds,
    preferred_split,
    seed_view,
    variant_label,
    variant_scale,
)
from nodescope.storage.tables import key_columns

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
    keys = [*key_columns(table), "seed", "state", "split", "kind", "layer"]
    long = table.select(*keys, *STATISTICS).unpivot(
        list(STATISTICS), index=keys, variable_name="statistic", value_name="value"
    )
    mean = over_seeds(long.with_columns(pl.col("statistic").replace_strict(STATISTICS)), "value")
    named = context.with_spread(mean).with_columns(batch_norm_label().alias("norm"), variant_label(mean).alias("label"))
    variants = named["label"].unique(maintain_order=True).to_list()
    shown = ["seed", "state", "split", "kind", "statistic", "layer", "mean", "low", "high"]
    data = named.select(*network_columns(mean), "norm", "label", *shown).drop_nulls("mean")
    base = alt.Chart(data, width=context.options.width * 0.8, height=context.options.height).encode(
        x=alt.X("layer:O").title("layer").axis(labelAngle=0),
        color=alt.Color("label:N").title("network").scale(variant_scale(variants)),
        tooltip=["label:N", "layer:O", alt.Tooltip("mean:Q", format=".4g")],
    )
    lines = base.mark_line(point=True).encode(y=alt.Y("mean:Q").title("value").axis(format="~g"))
    errors = base.mark_rule().encode(y=alt.Y("low:Q").title("value"), y2="high:Q")
    chart = (
        alt.layer(errors, lines)
        .facet(column=alt.Column("depth:O").title("hidden layers"), row=batch_norm_row())
        .resolve_scale(x="independent")
    )
    return [
        Figure(
            name="layer-statistics",
            title="Zeros, spread and shape of all values by layer",
            caption="Of all activations (or pre-activations) of a layer over its nodes and the samples of the split: the share of "
            "exact zeros, the share near a bound of the function, mean, standard deviation, skew, kurtosis (zero for a normal "
            f"distribution) and range; {context.spread_words()}. A layer with many zeros or saturated values "
            "passes little of the gradient on.",
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
