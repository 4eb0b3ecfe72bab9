"""Maps of the samples in each layer."""

import altair as alt
import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure

CHART = Chart(section="layers", order=60, tables=("layer_map",), needs_values=("layer_map.x",))

#: Samples of a layer that are drawn at most, evenly spaced.
SHOWN = 300


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure: a row per configuration, a column per layer, a point per sample."""
    table = tables["layer_map"]
    samples = table.select(pl.col("sample").unique().sort())["sample"]
    shown = samples.gather_every(max(1, -(-len(samples) // SHOWN)))
    known = table.filter(pl.col("sample").is_in(shown.implode())).drop_nulls(["x", "y"])
    if known.is_empty():
        return []
    places = known.select(
        "configuration", "seed", "state", "split", "layer", "sample", pl.col("label").fill_null(0).alias("class"),
        pl.col("x", "y").round_sig_figs(3), "x_share", "y_share",
    )  # fmt: skip
    data = context.with_network(context.with_class_names(places)).drop("class")
    networks = data["network"].unique(maintain_order=True).to_list()
    nothing = alt.Axis(labels=False, ticks=False, grid=False, domain=False)
    side = context.options.height * 0.8
    chart = (
        alt.Chart(data, width=side, height=side)
        .mark_circle(size=16, opacity=0.7)
        .encode(
            x=alt.X("x:Q").title(None).axis(nothing).scale(zero=False),
            y=alt.Y("y:Q").title(None).axis(nothing).scale(zero=False),
            color=context.class_colour(),
            tooltip=[alt.Tooltip("sample:O", title="sample"), "x_share:Q", "y_share:Q"],
        )
        .facet(column=alt.Column("layer:O").title("layer"), row=alt.Row("network:N").title(None).sort(networks))
        .resolve_scale(x="independent", y="independent")
    )
    splits, seeds = (known[name].unique(maintain_order=True).to_list() for name in ("split", "seed"))
    several = {"seed": str(seeds[0])} if len(seeds) > 1 else {}
    split = "test" if "test" in splits else splits[0]
    is_umap = known["x_share"].null_count() == len(known)
    axes = (
        "where UMAP puts it; distances between groups mean little"
        if is_umap
        else "at a layer's first two principal components"
    )
    turned = "Earlier states are turned to match later ones. " if context.words.several_states else ""
    hidden = "" if is_umap else "Other components may separate more."
    return [
        Figure(
            name="layer-map",
            title="Which samples lie together in each layer?",
            caption=f"Each point is a sample ({split}, seed {seeds[0]}) {axes}. {turned}{hidden}".rstrip(),
            chart=chart,
            view={"state": context.states[-1], "split": split, **several},
            per_configuration=True,
            quantity="x",
            subtitle="first two principal components",
        )
    ]
