"""Figure 1.3: validation accuracy per epoch for each candidate learning rate, mean over seeds."""

import altair as alt
import polars as pl

from nodescope.charts.context import (
    Context,
    Figure,
    batch_norm_label,
    batch_norm_row,
    describe,
    groups,
    network_columns,
    rounded,
    slug,
    variant_label,
)
from nodescope.tables import mean_over_seeds


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure per depth and width: a panel per activation function and batch normalisation."""
    curves, replicas = tables["learning_curves"].filter(pl.col("epoch") > 0), tables["replicas"]
    columns = network_columns(curves)
    mean = mean_over_seeds(
        curves.filter(pl.col("split") == "validation").drop("split", "loss"), "accuracy"
    ).with_columns(batch_norm_label().alias("norm"), variant_label(curves).alias("variant"), rate=_rate_label())
    chosen = replicas.filter("chosen").select(*columns, "learning_rate").unique(maintain_order=True)
    found = []
    for keys, part in groups(mean, "depth", "width"):
        rates = part.sort("learning_rate")["rate"].unique(maintain_order=True).to_list()
        winners = part.join(chosen, on=[*columns, "learning_rate"], maintain_order="left")
        base = alt.Chart(width=context.options.width, height=context.options.height).encode(
            x=alt.X("epoch:Q").title("epoch"),
            y=alt.Y("mean:Q").title("validation accuracy").axis(format="%").scale(zero=False),
            color=alt.Color("rate:O").title("learning rate").sort(rates).scale(scheme="viridis"),
        )
        data = rounded(part.select("variant", "norm", "rate", "epoch", "mean").drop_nulls())
        best = rounded(winners.select("variant", "norm", "rate", "epoch", "mean").drop_nulls())
        lines = base.mark_line(strokeWidth=1, opacity=0.8).transform_filter("!datum.chosen")
        thick = base.mark_line(strokeWidth=3).transform_filter("datum.chosen")
        both = pl.concat([data.with_columns(chosen=pl.lit(False)), best.with_columns(chosen=pl.lit(True))])
        chart = alt.layer(lines, thick, data=both).facet(
            column=alt.Column("variant:N").title(None), row=batch_norm_row()
        )
        found.append(
            Figure(
                name=f"learning-rates-{slug(keys)}",
                title=f"Choice of the learning rate, {describe(keys)}",
                caption="Validation accuracy after each epoch for every learning rate that was tried, mean over the seeds; "
                f"the thick line is the rate that was kept. {_chosen_sentence(chosen, keys)} "
                "Of several rates, the highest or the lowest being kept says that the search should go further.",
                reference="figure 1.3",
                chart=chart,
            )
        )
    return found


def _rate_label() -> pl.Expr:
    return pl.col("learning_rate").round_sig_figs(3).cast(pl.String)


def _chosen_sentence(chosen: pl.DataFrame, keys: dict[str, int]) -> str:
    rows = chosen.filter(*(pl.col(name) == value for name, value in keys.items()))
    parts = [
        f"{row['learning_rate']:.3g} ({describe({k: row[k] for k in network_columns(chosen) if k not in keys})})"
        for row in rows.iter_rows(named=True)
    ]
    return f"Kept: {', '.join(parts)}."
