"""How similar the layers of a network are, to each other and to the labels."""

import altair as alt
import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.tables import quantity_of

CHART = Chart(section="layers", order=160, tables=("cka",), needs_values=("cka.cka",))

QUANTITY = quantity_of("cka", "cka")
PANELS_IN_A_ROW = 3
#: Side of a cell, and of the smallest panel, in pixels.
CELL, SMALLEST = 26, 110
LABELS = "labels"


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure: a panel per configuration, a row and a column per layer, and one for the labels."""
    table = tables["cka"].filter(pl.col("to").is_in(["layer", *([LABELS] if context.has_classes else [])]))
    others = pl.coalesce(pl.col("other_layer").cast(pl.String), pl.lit(LABELS))
    pairs = table.select(
        "configuration", "seed", "state", "split", pl.col("layer").cast(pl.String), other=others, cka="cka"
    ).drop_nulls("cka")
    if pairs.is_empty():
        return []
    mean = over_seeds(pairs, "cka").drop("standard_error")
    mirrored = mean.rename({"layer": "other", "other": "layer"}).select(mean.columns)
    data = context.with_network(pl.concat([mean, mirrored])).select(
        "configuration", "network", "seed", "state", "split", "layer", "other", "mean", "seeds"
    )
    networks = data["network"].unique(maintain_order=True).to_list()
    names = data["layer"].unique().to_list()
    order = [*sorted((name for name in names if name != LABELS), key=int), *([LABELS] if LABELS in names else [])]
    side = max(SMALLEST, CELL * len(order))
    chart = (
        alt.Chart(data, width=side, height=side)
        .mark_rect()
        .encode(
            x=alt.X("layer:N").title("layer").sort(order).axis(labelAngle=0, labelOverlap=True, grid=False),
            y=alt.Y("other:N").title("layer").sort(order[::-1]).axis(labelOverlap=True, grid=False),
            color=alt.Color("mean:Q").title(QUANTITY.title).scale(domain=[0, 1], clamp=True, scheme="viridis"),
            tooltip=[alt.Tooltip("other:N", title="beside"), "mean:Q"],
        )
        .facet(facet=alt.Facet("network:N").title(None).sort(networks), columns=PANELS_IN_A_ROW)
        .resolve_scale(x="independent", y="independent")
    )
    splits = pairs["split"].unique(maintain_order=True).to_list()
    return [
        Figure(
            name="cka",
            title="How alike are the layers?",
            caption="Debiased linear CKA of the layers of a network"
            + context.words.where_classes(", and with the labels")
            + f", {context.words.mean}: 1 is equal up to rotation and scale, 0 unrelated. Few samples "
            "or directions can decide it.",
            chart=chart,
            quantities={"mean": QUANTITY},
            view={
                "state": context.states[-1],
                "split": "test" if "test" in splits else splits[0],
                "seed": seed_view(mean),
            },
            per_configuration=True,
        )
    ]
