"""Which classes networks take for which others."""

import altair as alt
import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.seeds import MEAN, seed_view
from nodescope.storage.columns import number_of
from nodescope.study.axes import CONFIGURATION

CHART = Chart(
    section="performance",
    order=60,
    tables=("confusion",),
    needs_accuracy=True,
    needs_classes=True,
    needs_values=("confusion.count",),
)

QUANTITY = number_of("samples")
PANELS_IN_A_ROW = 3
#: Of more classes those that are mixed up most are drawn.
CLASSES = 30
#: Up to so many classes the counts are written into the cells.
WRITTEN = 12
CELL, LEAST_WIDTH = 22, 180
#: Colours on which numbers can be read, in the dark theme too.
LIGHT, ON_LIGHT = alt.SchemeParams(name="oranges", extent=[0.1, 0.6]), "black"
PALE = "#e9e9e9"


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure: a matrix per configuration."""
    table = tables["confusion"].drop_nulls("count")
    if table.is_empty():
        return []
    shown = _mixed_up(table, len(context.class_names))
    counts = _with_mean(table).filter(pl.col("class").is_in(shown), pl.col("predicted").is_in(shown))
    names = [context.class_names[c] for c in shown]
    predicted_name = pl.col("predicted").replace_strict(dict(enumerate(context.class_names)), return_dtype=pl.String)
    data = (
        context.with_network(context.with_class_names(counts))
        .with_columns(
            predicted_name=predicted_name,
            wrong=pl.when(pl.col("class") != pl.col("predicted")).then(pl.col("mean")),
        )
        .select(
            CONFIGURATION, "network", "seed", "state", "split", "class_name", "predicted_name", "mean", "wrong"
        )
    )  # fmt: skip
    networks = data["network"].unique(maintain_order=True).to_list()
    width = max(LEAST_WIDTH, CELL * len(names))
    base = alt.Chart(data, width=width, height=width).encode(
        x=alt.X("predicted_name:N").title("predicted").scale(domain=names).sort(names),
        y=alt.Y("class_name:N").title("class").scale(domain=names).sort(names),
    )
    cells = base.mark_rect().encode(
        color=alt.condition(
            "datum.wrong === null",
            alt.value(PALE),
            alt.Color("wrong:Q").title("samples").scale(scheme=LIGHT, domainMin=0),
        ),
        tooltip=[
            "network:N",
            "class_name:N",
            alt.Tooltip("predicted_name:N", title="predicted"),
            alt.Tooltip("mean:Q", format="~r", title="samples"),
        ],
    )
    written = base.mark_text(fontSize=9).encode(text=alt.Text("mean:Q", format=".3~g"))
    right, wrong = (written.transform_filter(f"datum.wrong {sign} null") for sign in ("===", "!=="))
    numbers = alt.layer(right, wrong.encode(color=alt.value(ON_LIGHT)))
    drawing = alt.layer(cells, numbers) if len(names) <= WRITTEN else alt.layer(cells)
    most = f" The {len(names)} classes that are mixed up most." if len(names) < len(context.class_names) else ""
    view = {"state": context.states[-1], "split": str(table["split"][0]), "seed": seed_view(data)}
    return [
        Figure(
            name="confusion",
            title="Which classes are mixed up?",
            caption=f"Samples of each class (row) by the class that the network predicts (column), {context.words.mean}. The "
            f"diagonal, which is right, is pale; empty cells have no sample.{most}",
            chart=drawing.facet(facet=alt.Facet("network:N").title(None).sort(networks), columns=PANELS_IN_A_ROW),
            quantities={"mean": QUANTITY, "wrong": QUANTITY},
            view=view,
            per_configuration=True,
        )
    ]


def _mixed_up(table: pl.DataFrame, classes: int) -> list[int]:
    """The classes with most errors to and from them, in the order of the classes."""
    if classes <= CLASSES:
        return list(range(classes))
    wrong = table.filter(pl.col("class") != pl.col("predicted"))
    ends = pl.concat(
        [wrong.select("class", "count"), wrong.select("count", **{"class": "predicted"}).select("class", "count")]
    )
    errors = ends.group_by("class").agg(pl.col("count").sum()).sort("count", "class", descending=[True, False])
    return sorted(errors["class"].head(CLASSES).to_list())


def _with_mean(table: pl.DataFrame) -> pl.DataFrame:
    """The counts of each seed, and over the seeds their mean: a pair without a row has none."""
    each = table.select(
        CONFIGURATION, pl.col("seed").cast(pl.String), "state", "split", "class", "predicted", mean=pl.col("count").cast(pl.Float64)
    )  # fmt: skip
    if table["seed"].n_unique() == 1:
        return each
    of_networks = [CONFIGURATION, "state", "split"]
    seeds = each.group_by(of_networks).agg(seeds=pl.col("seed").n_unique())
    mean = (
        each.group_by([*of_networks, "class", "predicted"], maintain_order=True)
        .agg(pl.col("mean").sum())
        .join(seeds, on=of_networks, maintain_order="left")
        .with_columns(pl.col("mean") / pl.col("seeds"), seed=pl.lit(MEAN))
    )
    return pl.concat([mean.select(each.columns), each])
