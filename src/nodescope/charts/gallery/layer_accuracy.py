"""Each layer alone as a classifier, by its switches, its values, or both."""

import altair as alt
import polars as pl

from nodescope.charts.axes import layer_axis, layer_width, y_of
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.labels import percent, slug
from nodescope.charts.panels import panels
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.series import Series, end_names, with_room_for_names
from nodescope.charts.style import NEUTRAL, SYSTEMS
from nodescope.charts.system_panels import ACCURACY, mean_accuracies, system_panels
from nodescope.charts.views import groups
from nodescope.storage.columns import points

CHART = Chart(section="layers", order=10, tables=("layer_accuracy",), needs_classes=True)

PANELS_IN_A_ROW = 4
READ = "layer-classifiers"
NETWORK = "the network"
#: How far the systems of a layer stand apart.
SHIFT = 0.16
DIFFERENCE = points("accuracy with batch normalisation less without")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """A panel per network for the page, what batch normalisation changes, and files of all networks side by side."""
    table = tables["layer_accuracy"].filter(pl.col("split").is_in(["train", "test"]))
    mean = mean_accuracies(table, context)
    difference = _of_batch_norm(table, context)
    return [_by_network(mean, context), *([difference] if difference else []), *_published(mean, context)]


def _by_network(mean: pl.DataFrame, context: Context) -> Figure:
    keys = ["configuration", "network", "seed", "state", "split", "layer"]
    named = context.with_network(mean)
    systems = [name for name in SYSTEMS if name in named["system"]]
    known = named["network_accuracy"].count() > 0
    of_network = named.filter(pl.col("system") == systems[0], pl.col("split") == "test").select(
        *keys,
        mean="network_accuracy",
        low=pl.lit(None, pl.Float64),
        high=pl.lit(None, pl.Float64),
        system=pl.lit(NETWORK),
    )
    lines = pl.concat(
        [named.select(*keys, "mean", "low", "high", "system"), of_network], how="vertical_relaxed"
    ).drop_nulls("mean")
    height = context.options.height * 1.1
    data = with_room_for_names(lines, "mean", height, ("seed", "state"))
    shown = [*systems, *([NETWORK] if known else [])]
    colours = [SYSTEMS.get(name, NEUTRAL) for name in shown]
    series = Series(shown, colours, [False] * len(shown), [""], column="system")
    base = alt.Chart(width=layer_width(context.options.width * 0.75, data), height=height).encode(
        x=layer_axis(), color=series.colour()
    )
    y = y_of("mean", ACCURACY, tickCount=6).scale(zero=False).title(None)
    is_layer, is_test = f"datum.system != '{NETWORK}'", "datum.split == 'test'"
    train = base.mark_line(strokeWidth=1, opacity=0.45).encode(y=y).transform_filter(f"{is_layer} && !({is_test})")
    errors = (
        base.mark_rule(opacity=0.4)
        .encode(y=alt.Y("low:Q").title(None), y2="high:Q")
        .transform_filter(f"{is_layer} && {is_test}")
    )
    test = (
        base.mark_line(strokeWidth=2.2, point={"size": 26, "filled": True})
        .encode(y=y)
        .transform_filter(f"{is_layer} && {is_test}")
    )
    own = base.mark_line(strokeWidth=1.5, strokeDash=[2, 3]).encode(y=y).transform_filter(f"!({is_layer})")
    names = end_names(base.transform_filter(is_test), series, "layer", "mean", within=("network",), text="system")
    layers = [train, *([errors] if context.words.several_seeds else []), test, *([own] if known else []), names]
    networks = data["network"].unique(maintain_order=True).to_list()
    chart = alt.layer(*layers, data=data).facet(
        facet=alt.Facet("network:N").title(None).sort(networks),
        columns=PANELS_IN_A_ROW,
        spacing={"column": series.room + 24, "row": 44},
    )
    return Figure(
        name=READ,
        title="How much does each layer alone know of the classes?",
        caption=f"Accuracy of a classifier that sees one layer: which nodes are on (discrete), their values (continuous), or both. "
        f"Training samples pale{'; dotted: the network itself' if known else ''}.",
        about="The continuous system compares a sample with kernel densities of the values of each class; the "
        "combined system uses both. "
        "Where a line reaches that of the network, the layer alone predicts the class as well as the whole network."
        f" {_first_layer(mean, context)}".rstrip(),
        chart=chart.resolve_scale(x="independent"),
        quantities={"mean": ACCURACY},
        view={"state": context.states[-1], "seed": seed_view(mean)},
        per_configuration=True,
        interval="95 % t interval",
    )


def _of_batch_norm(table: pl.DataFrame, context: Context) -> Figure | None:
    """Accuracy with batch normalisation less that without, of networks that differ in nothing else."""
    if not context.batch_norm_varies:
        return None
    others = [name for name in context.configurations.axis_names if name != "batch_norm"]
    keys = ["configuration", *others, "seed", "state", "layer", "system"]
    of_test = table.filter(pl.col("split") == "test")
    on = [name for name in keys if name != "configuration"]
    without = of_test.filter(~pl.col("batch_norm")).select(*keys, without="accuracy")
    pairs = (
        of_test.filter("batch_norm")
        .select(*on, "accuracy")
        .join(without, on=on, nulls_equal=True, maintain_order="left")
    )
    each = pairs.select(*keys, "batch_norm" if "batch_norm" in pairs.columns else pl.lit(value=False).alias("batch_norm"),
                        difference=pl.col("accuracy") - pl.col("without")).drop_nulls()  # fmt: skip
    if each.is_empty():
        return None
    columns = context.configurations.columns
    spread = context.with_spread(
        over_seeds(each.select(*columns, "seed", "state", "layer", "system", "difference"), "difference")
    )
    labels = {
        name: context.configurations.label(name, without=["batch_norm"]) for name in spread["configuration"].unique()
    }
    systems = [name for name in SYSTEMS if name in spread["system"]]
    shift = {name: SHIFT * (i - (len(systems) - 1) / 2) for i, name in enumerate(systems)}
    data = spread.drop_nulls("mean").select(
        *columns, "seed", "state", "layer", "system", "mean", "low", "high",
        pair=pl.col("configuration").replace_strict(labels),
        place=pl.col("layer") + pl.col("system").replace_strict(shift, return_dtype=pl.Float64),
    )  # fmt: skip
    series = Series(systems, [SYSTEMS[name] for name in systems], [False] * len(systems), [""], column="system")
    base = alt.Chart(width=layer_width(context.options.width * 0.5, data), height=context.options.height).encode(
        x=alt.X("place:Q")
        .title("layer")
        .axis(tickMinStep=1, format="d", grid=False)
        .scale(nice=False, padding=14, zero=False),
        color=series.colour().legend(alt.Legend(title=None)),
    )
    zero = alt.Chart().mark_rule(color=NEUTRAL, strokeDash=[3, 3]).encode(y=alt.datum(0))
    y = y_of("mean", DIFFERENCE, tickCount=6).title(None)
    errors = base.mark_rule(opacity=0.6, strokeWidth=1.5).encode(y=alt.Y("low:Q").title(None), y2="high:Q")
    dots = base.mark_point(filled=True, size=40, opacity=1).encode(y=y)
    layers = [zero, *([errors] if context.words.several_seeds else []), dots]
    pairs_of = data["pair"].unique(maintain_order=True).to_list()
    chart = alt.layer(*layers, data=data).facet(
        facet=alt.Facet("pair:N").title(None).sort(pairs_of), columns=PANELS_IN_A_ROW
    )
    return Figure(
        name="layer-classifiers-batch-norm",
        title="Does batch normalisation change what a layer knows?",
        collapsed=True,
        caption=f"Test accuracy of each layer alone with batch normalisation less that without, {context.spread_words()}. "
        "Where an interval excludes zero, the difference is more than chance.",
        about="Differences are paired by seed; intervals are not corrected for the number of layers and systems.",
        chart=chart.resolve_scale(x="independent"),
        quantities={"mean": DIFFERENCE},
        view={"state": context.states[-1], "seed": seed_view(spread)},
        interval="95 % t interval",
    )


def _published(mean: pl.DataFrame, context: Context) -> list[Figure]:
    """One file per combination of the axes beside those that the panels run along, or a panel per configuration."""
    axes = context.configurations.axes
    if all(axis.side is None for axis in axes):
        chart = system_panels(context.with_network(mean), context).facet(
            facet=alt.Facet("network:N").title(None), columns=3
        )
        return [_figure("", mean, chart.resolve_scale(x="independent"), context, per_configuration=True)]
    return [
        _figure(context.configurations.describe(keys), part, panels(system_panels(part, context), context), context)
        for keys, part in groups(mean, *(axis.name for axis in axes if axis.side is None))
    ]


def _figure(
    words: str, part: pl.DataFrame, chart: alt.TopLevelMixin, context: Context, *, per_configuration: bool = False
) -> Figure:
    known = part["network_accuracy"].count() > 0
    return Figure(
        name=f"layer-accuracy-{slug(words)}" if words else "layer-accuracy",
        title=f"Layers as classifiers, {words}" if words else "Layers as classifiers",
        caption=f"Accuracy of each hidden layer alone, training samples dashed, test samples solid, {context.spread_words()}."
        f"{' Dotted: that of the network.' if known else ''}",
        about="Discrete system: which nodes are on. Continuous system: kernel densities of the values. Combined: both.",
        chart=chart,
        quantities={"mean": ACCURACY},
        view={"state": context.states[-1], "seed": seed_view(part)},
        per_configuration=per_configuration,
        shown_in=ShownIn(READ),
    )


def _first_layer(part: pl.DataFrame, context: Context) -> str:
    """How well each system does in layer 1 of the trained nets."""
    first = part.filter(
        pl.col("layer") == 1, pl.col("split") == "test", pl.col("state") == "trained", pl.col("seed") == seed_view(part)
    ).drop_nulls("mean")
    if first.is_empty():
        return ""
    of_systems = first.group_by("system", maintain_order=True).agg(pl.col("mean").mean())
    words = ", ".join(f"{system} {percent(accuracy)}" for system, accuracy in of_systems.iter_rows())
    return f"Average over all networks for layer 1, test samples: {words}."
