"""Accuracy per epoch by depth and batch normalisation, mean over seeds."""

import altair as alt
import polars as pl

from nodescope.charts.axes import y_of
from nodescope.charts.context import (
    Context,
    Figure,
    batch_norm_label,
    batch_norm_row,
    describe,
    groups,
    network_columns,
    over_seeds,
    seed_view,
    slug,
    variant_label,
    variant_scale,
)
from nodescope.charts.tables import quantity_of

ACCURACY = quantity_of("learning_curves", "accuracy")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure per width: columns = depth, rows = batch normalisation."""
    curves = tables["learning_curves"].filter(pl.col("epoch") > 0)
    columns = network_columns(curves)
    chosen = tables["accuracy"].select(*columns, "seed", "learning_rate").unique(maintain_order=True)
    kept = curves.join(chosen, on=[*columns, "seed", "learning_rate"], maintain_order="left")
    mean = context.with_spread(
        over_seeds(kept.drop("loss", "mean_squared_error", "learning_rate"), "accuracy"),
        "accuracy-curves",
        bounds=(0, 1),
    ).with_columns(batch_norm_label().alias("norm"), variant_label(curves).alias("label"))
    shown = [*columns, "norm", "label", "seed", "split", "epoch", "mean", "low", "high"]
    variants = mean["label"].unique(maintain_order=True).to_list()
    found = []
    for keys, part in groups(mean, "width"):
        data = part.select(shown).drop_nulls()
        colour = alt.Color("label:N").title("activation").scale(variant_scale(variants))
        base = alt.Chart(data, width=context.options.width * 0.8, height=context.options.height).encode(
            x=alt.X("epoch:Q").title("epoch"), color=colour
        )
        y = y_of("mean", ACCURACY).scale(zero=False)
        band = base.mark_area(opacity=0.25).encode(
            y=alt.Y("low:Q").title(ACCURACY.axis_title).scale(zero=False), y2="high:Q", detail="split:N"
        )
        line = base.mark_line(strokeWidth=1.5).encode(
            y=y,
            strokeDash=alt.StrokeDash("split:N")
            .scale(domain=["train", "validation"], range=[[4, 3], [1, 0]])
            .legend(symbolType="stroke", symbolStrokeColor="#333333"),
        )
        chart = alt.layer(band, line).facet(column=alt.Column("depth:O").title("hidden layers"), row=batch_norm_row())
        found.append(
            Figure(
                name=f"accuracy-curves-{slug(keys)}",
                title=f"Accuracy during training, {describe(keys)}",
                caption="Accuracy after each epoch on the training (dashed) and validation split (solid), "
                f"{context.spread_words('accuracy-curves')}. Columns: number of hidden layers. The distance between the dashed "
                "and the solid line is the generalisation gap; a curve that rises late is hard to train.",
                chart=chart,
                quantities={"mean": ACCURACY},
                view={"seed": seed_view(mean)},
            )
        )
    return found
