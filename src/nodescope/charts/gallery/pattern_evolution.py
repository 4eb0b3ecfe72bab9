"""Patterns of switched-on nodes through training: heatmaps of time and layer, and entropy per layer at chosen times."""

from collections.abc import Iterator

import altair as alt
import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.style import series_scale
from nodescope.charts.tables import quantity_of
from nodescope.charts.views import groups
from nodescope.storage.columns import share
from nodescope.storage.tables import mean_over_seeds

CHART = Chart(section="layers", order=310, tables=("pattern_evolution",))

#: Columns of a heatmap at most: a panel has hardly more pixels to show.
TIMES = 80
PANELS_IN_A_ROW = 3
ROW_HEIGHT = 12

#: Columns of the table by what they are called in the figure; all lie in [0, 1].
QUANTITIES = {
    "relative entropy": "relative_entropy",
    "Jaccard index to the untrained net": "jaccard_initial",
    "weighted Jaccard index to the untrained net": "weighted_jaccard_initial",
    "distinct patterns as a share of all": "distinct_share",
    "share of the most frequent pattern": "mode_share",
    "share of nodes switched since the start": "hamming_initial",
    "Jaccard index to the end": "jaccard_final",
    "weighted Jaccard index to the end": "weighted_jaccard_final",
}
FIRST_SHOWN = {"early": "relative entropy", "full": "weighted Jaccard index to the end"}
MEANING = (
    "Relative entropy: near 1 almost all patterns are distinct (as far as the number of nodes and patterns allows), "
    "near 0 there are only a few. Jaccard index: the overlap of the sets of patterns at the two times; the weighted "
    "index counts each pattern as often as it occurs."
)

UNTRAINED, END = "untrained", "end"


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """Heatmaps of the first steps and of the whole training, and the curves of entropy."""
    table = context.with_network(tables["pattern_evolution"])
    until = _end_of_dense_times(table)
    found = []
    if until is not None:
        found.append(
            _heatmaps(
                table.filter(pl.col("step") <= until),
                context,
                "early",
                "Patterns of each layer in the first steps",
                "Changes within these steps are caused by very few samples.",
            )
        )
    found.append(
        _heatmaps(
            table,
            context,
            "full",
            "Patterns of each layer through training",
            "In the similarity to the end, layers that turn bright earlier settle earlier.",
        )
    )
    return [*found, _curves(table, context)]


def _end_of_dense_times(table: pl.DataFrame) -> int | None:
    """The step up to which is measured as often as at first; None where that does not change."""
    steps = table["step"].unique().sort()
    gaps = steps.diff().drop_nulls()
    wider = (gaps > 2 * gaps[0]).arg_max() if len(gaps) else None
    return int(steps[wider]) if wider else None


def _heatmaps(table: pl.DataFrame, context: Context, name: str, title: str, what_to_read: str) -> Figure:
    keys = [*context.configurations.columns, "network"]
    means = [
        table.drop_nulls(column)
        .group_by([*keys, "samples_seen", "layer"], maintain_order=True)
        .agg(value=pl.col(column).mean().round(4))
        .with_columns(quantity=pl.lit(quantity))
        for quantity, column in QUANTITIES.items()
    ]
    parts = [_cells(part) for _, part in groups(pl.concat(means), "quantity", "configuration")]
    data = pl.concat(parts) if parts else means[0].with_columns(until="samples_seen")
    view = {} if data.is_empty() else {"quantity": _first_shown(data, name)}
    layers = int(table.select(pl.col("layer").max()).item())
    chart = (
        alt.Chart(data, width=context.options.width, height=max(context.options.height * 0.6, ROW_HEIGHT * layers))
        .mark_rect()
        .encode(
            x=alt.X("samples_seen:Q").title("samples seen").scale(nice=False).axis(grid=False, format="~s"),
            x2="until:Q",
            y=alt.Y("layer:O").title("layer").sort("descending").axis(grid=False),
            color=alt.Color("value:Q").title(None).scale(domain=[0, 1], scheme="viridis"),
            tooltip=[alt.Tooltip("samples_seen:Q", title="samples seen")],
        )
        .facet(facet=alt.Facet("network:N").title(None), columns=PANELS_IN_A_ROW)
        .resolve_scale(x="independent", y="independent")
    )
    return Figure(
        name=f"pattern-evolution-{name}",
        title=title,
        caption=f"Layer by layer over the samples seen so far, {context.words.mean}. {what_to_read}",
        about=f"{MEANING} {_measured(table)}",
        chart=chart,
        view=view,
        per_configuration=True,
        quantity="value",
        quantity_by="quantity",
        quantities={name: share(name) for name in QUANTITIES},
    )


def _first_shown(data: pl.DataFrame, name: str) -> str:
    known = data["quantity"].unique(maintain_order=True).to_list()
    return FIRST_SHOWN[name] if FIRST_SHOWN[name] in known else str(known[0])


def _cells(part: pl.DataFrame) -> pl.DataFrame:
    """Each value holds until the next time; of too many times, evenly spaced ones are shown."""
    times = part.select("samples_seen").unique().sort("samples_seen")
    every = -(-len(times) // TIMES)
    shown = times.gather_every(every)
    last_width = pl.col("samples_seen").diff().last()
    ends = shown.with_columns(
        until=pl.col("samples_seen").shift(-1).fill_null(pl.col("samples_seen") + pl.coalesce(last_width, 1))
    )
    return part.join(ends, on="samples_seen", maintain_order="left")


def _measured(table: pl.DataFrame) -> str:
    """On how many patterns."""
    counts = table.select(pl.col("patterns").min().alias("least"), pl.col("patterns").max().alias("most")).row(0)
    least, most = (f"{count:,}" for count in counts)
    shown = (
        f"every layer shows {most} patterns, one per sample."
        if least == most
        else f"the layers show {least} to {most} patterns, one per sample and position."
    )
    return f"{shown} Batch normalisation, if any, uses the statistics of training samples at each time."


def _curves(table: pl.DataFrame, context: Context) -> Figure:
    """Entropy of each layer at chosen times, a line per network."""
    by_label = [(label, part) for label, part in _chosen_times(table)]
    labels = list(dict.fromkeys(label for label, _ in by_label))
    chosen = pl.concat([part.with_columns(time=pl.lit(label)) for label, part in by_label])
    keys = [*context.configurations.columns, "network"]
    mean = mean_over_seeds(chosen.select(*keys, "seed", "time", "layer", "entropy_bits"), "entropy_bits")
    data = context.with_spread(mean, bounds=(0, None)).drop("standard_error", "seeds").drop_nulls("mean")
    networks = data["network"].unique(maintain_order=True).to_list()
    base = alt.Chart(data, width=context.options.width * 0.75, height=context.options.height).encode(
        x=alt.X("layer:Q").title("layer").axis(tickMinStep=1, format="d"),
        color=alt.Color("network:N").title(None).scale(series_scale(networks)).legend(orient="bottom", columns=2),
    )
    band = base.mark_area(opacity=0.2).encode(y=alt.Y("low:Q").title("entropy in bits"), y2="high:Q")
    line = base.mark_line(point=alt.OverlayMarkDef(size=14)).encode(y=alt.Y("mean:Q").title("entropy in bits"))
    return Figure(
        name="pattern-evolution-curves",
        title="Entropy of the patterns of each layer at chosen times",
        caption=f"Entropy of each layer's patterns before, during and after training, {context.spread_words()}. A "
        f"layer below its neighbours "
        "passes on less information.",
        about=f"It cannot exceed the number of nodes, nor the logarithm of the number of patterns. {_measured(table)}",
        quantities={"mean": quantity_of("pattern_evolution", "entropy_bits")},
        chart=alt.layer(band, line).facet(column=alt.Column("time:N").title(None).sort(labels)),
    )


def _chosen_times(table: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each network untrained, in the first epoch, after it, half-way and at the end, as far as these differ."""
    parts = [part for _, part in groups(table, "configuration")]
    wanted = {UNTRAINED: [0.0] * len(parts)}
    ends = [float(part["epoch"].max()) for part in parts]  # type: ignore[arg-type]
    wanted |= {"a tenth of the first epoch": [0.1 for _ in parts], "after the first epoch": [1.0 for _ in parts]}
    wanted |= {"half-way": [end / 2 for end in ends], END: ends}
    seen: set[tuple[int, ...]] = set()
    for label, epochs in wanted.items():
        steps = [_nearest(part, epoch) for part, epoch in zip(parts, epochs, strict=True)]
        if tuple(steps) not in seen:
            for part, step in zip(parts, steps, strict=True):
                yield label, part.filter(pl.col("step") == step)
        seen.add(tuple(steps))


def _nearest(part: pl.DataFrame, epoch: float) -> int:
    distance = (pl.col("epoch") - epoch).abs()
    return int(part.sort(distance, "step").row(0, named=True)["step"])
