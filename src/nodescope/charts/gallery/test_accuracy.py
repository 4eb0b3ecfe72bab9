"""Test accuracy: which configuration is best, and is its lead more than chance?"""

from dataclasses import dataclass

import altair as alt
import polars as pl

from nodescope.charts.axes import x_of
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.panels import Drawing
from nodescope.charts.series import HOLLOW, series_of
from nodescope.charts.style import BETTER, NEUTRAL, PALE, WORSE
from nodescope.charts.tables import quantity_of
from nodescope.findings.divergence import results_of
from nodescope.numerics.intervals import CANNOT_TELL, ON_THIS_TEST_SET, REAL
from nodescope.storage.columns import of_means
from nodescope.storage.tables import mean_over_seeds

CHART = Chart(
    section="performance",
    order=10,
    tables=("accuracy", "replicas"),
    optional=("comparisons", "remedies"),
    needs_accuracy=True,
    needs_values=("accuracy.accuracy",),
)

ACCURACY = quantity_of("accuracy", "accuracy")
DIFFERENCE = quantity_of("comparisons", "difference")
ROW, LABEL_LIMIT = 22, 320
BEST, FIRST = "the best", "the first"
#: What the page calls the choice between the two.
AGAINST = "compared_with"
COLOURS = {"better": BETTER, "worse": WORSE, "not told": NEUTRAL}


@dataclass(frozen=True)
class Reference:
    """What every configuration is compared with: the table, its columns of differences, and how the row itself is called."""

    table: str
    difference: str
    own_words: str


REFERENCES = {
    BEST: Reference("comparisons", "difference", "best on validation samples"),
    FIRST: Reference("remedies", "change", "the first of its size"),
}


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """A row per configuration: accuracy of each seed, mean with its interval, difference from the best; and a table."""
    accuracy = tables["accuracy"].drop("learning_rate", "best_epoch")
    table = _table(mean_over_seeds(accuracy, "accuracy"), context)
    known = accuracy.drop_nulls("accuracy")
    if known.is_empty():
        return [table]
    split = "test" if "test" in known["split"] else str(known["split"][-1])
    results = results_of(accuracy.filter(pl.col("split") == split), tables["replicas"])
    return [_figure(results, split, tables, context), table]


def _figure(accuracy: pl.DataFrame, split: str, tables: dict[str, pl.DataFrame], context: Context) -> Figure:
    columns = context.configurations.columns
    mean = context.with_spread(mean_over_seeds(accuracy, "accuracy"), "test-accuracy", bounds=(0, 1))
    means = context.with_network(mean).sort("mean", descending=True, nulls_last=True, maintain_order=True)
    networks = means["network"].to_list()
    means = means.select(*columns, "network", "seeds", "mean", "low", "high")
    seeds = context.with_network(accuracy).select(*columns, "network", "seed", mean="accuracy").drop_nulls("mean")
    differences = _differences(tables, context) if split == "test" else pl.DataFrame()
    compared = tables.get("comparisons", pl.DataFrame({"samples": []}))
    tested = compared["samples"].drop_nulls()
    samples = int(tested[0]) if len(tested) else None
    chart = _accuracies(means, seeds, networks, samples, context)
    if len(differences):
        chart = alt.hconcat(chart, _compared(differences, networks, context), spacing=24).resolve_scale(
            color="independent"
        )
    return Figure(
        name="test-accuracy",
        title=f"Which network is most accurate on {split} samples?"
        if len(networks) > 1
        else f"Accuracy on {split} samples",
        caption=_caption(means, seeds, differences, context),
        about=_about(differences, samples, context),
        chart=chart,
        quantities={"mean": ACCURACY, "difference": DIFFERENCE},
        view={AGAINST: BEST if BEST in differences[AGAINST] else FIRST} if len(differences) else {},
        subtitle=f"{'test ' if split == 'test' else ''}accuracy of the {context.words.kept}, {split} samples",
        interval="± one standard error" if context.has_standard_errors("test-accuracy") else "95 % t interval",
    )


def _differences(tables: dict[str, pl.DataFrame], context: Context) -> pl.DataFrame:
    """Each configuration less the best one, and less the first of its size, with what the difference says."""
    several = len(context.configurations.identifiers) > 1
    parts = []
    for against, reference in REFERENCES.items() if several else ():
        table = tables.get(reference.table)
        if table is None or (table := _of_accuracy(table)).drop_nulls(reference.difference).is_empty():
            continue
        is_own = (
            "is_best" if reference.table == "comparisons" else pl.col("verdict").is_null() & (pl.col("change") == 0)
        )
        part = context.with_network(table).select(
            *context.configurations.columns, "network", "verdict",
            difference=pl.when(is_own).then(0.0).otherwise(reference.difference),
            low=pl.when(is_own).then(0.0).otherwise("interval_low"),
            high=pl.when(is_own).then(0.0).otherwise("interval_high"),
            **{AGAINST: pl.lit(against)},
            own=pl.when(is_own).then(pl.lit(reference.own_words)),
        )  # fmt: skip
        parts.append(part)
    if not parts:
        return pl.DataFrame()
    found = pl.concat(parts)
    words = pl.struct("verdict", "difference", "own").map_elements(
        lambda row: _words(row, context), return_dtype=pl.String
    )
    sign = pl.when(pl.col("difference") > 0).then(pl.lit("better")).otherwise(pl.lit("worse"))
    said = pl.when(pl.col("verdict") == REAL).then(sign).otherwise(pl.lit("not told"))
    return found.with_columns(said=said, words=words).drop("own", "verdict")


def _of_accuracy(table: pl.DataFrame) -> pl.DataFrame:
    return table.filter(pl.col("quantity") == "test_accuracy") if "quantity" in table.columns else table


def _words(row: dict[str, object], context: Context) -> str:
    """What a difference says."""
    if row["own"] is not None:
        return str(row["own"])
    if row["difference"] is None:
        return "no result: it diverged"
    number = DIFFERENCE.text(float(str(row["difference"])))
    if not context.words.several_seeds:
        return f"{number}, one seed: not tested"
    verdict = str(row["verdict"])
    said = {
        REAL: "real" if verdict == REAL else "",
        ON_THIS_TEST_SET: "only on these test samples",
        CANNOT_TELL: "cannot be told apart",
    }
    return f"{number}, {said.get(verdict, f'same sign {verdict}, not significant')}"


def _accuracies(
    means: pl.DataFrame, seeds: pl.DataFrame, networks: list[str], samples: int | None, context: Context
) -> Drawing:
    named, series = series_of(means, context)
    by_network = dict(zip(named["network"], named["label"], strict=True))
    looks = dict(zip(series.names, zip(series.colours, series.dashed, strict=True), strict=True))
    colours = [looks[by_network[network]][0] for network in networks]
    fills = [HOLLOW if looks[by_network[network]][1] else looks[by_network[network]][0] for network in networks]
    colour = alt.Color("network:N").scale(domain=networks, range=colours).legend(None)
    fill = alt.Fill("network:N").scale(domain=networks, range=fills).legend(None)
    rows = alt.Y("network:N").title(None).sort(networks)
    base = alt.Chart(width=context.options.width * 1.3, height=alt.Step(ROW)).encode(
        y=rows.axis(labelLimit=LABEL_LIMIT, grid=True, ticks=False, domain=False, labelPadding=8)
    )
    x = x_of("mean", ACCURACY).scale(zero=False, nice=True)
    dots = base.mark_circle(size=34, opacity=0.9, color=PALE).encode(x=x, tooltip=["network:N"])
    bars = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q").title(ACCURACY.axis_title), x2="high:Q", color=colour)
    centre = base.mark_point(size=70, strokeWidth=2, opacity=1).encode(x=x, color=colour, fill=fill)
    layers = [dots.properties(data=seeds), centre.properties(data=means.drop_nulls("mean"))]
    if context.words.several_seeds:
        layers.insert(1, bars.properties(data=means.drop_nulls("mean")))
    if samples:
        layers.append(_one_sample(means, seeds, samples))
    return alt.layer(*layers)


def _one_sample(means: pl.DataFrame, seeds: pl.DataFrame, samples: int) -> Drawing:
    """A bar above the rows that is as wide as one test sample weighs."""
    left = min(float(frame[column].min()) for frame, column in ((means, "low"), (seeds, "mean")))  # type: ignore[arg-type]
    data = pl.DataFrame({"left": [left], "right": [left + 1 / samples], "said": [f"one test sample of {samples:,}"]})
    base = alt.Chart(data)
    bar = base.mark_rule(strokeWidth=5, color=NEUTRAL).encode(x="left:Q", x2="right:Q", y=alt.value(-8))
    said = base.mark_text(align="left", dx=6, fontSize=10, color=NEUTRAL).encode(
        x="right:Q", y=alt.value(-8), text="said:N"
    )
    return alt.layer(bar, said)


def _compared(differences: pl.DataFrame, networks: list[str], context: Context) -> Drawing:
    base = alt.Chart(differences, width=context.options.width * 0.75, height=alt.Step(ROW)).encode(
        y=alt.Y("network:N").title(None).sort(networks).axis(labels=False, ticks=False, domain=False, grid=True)
    )
    colour = alt.Color("said:N").scale(domain=list(COLOURS), range=list(COLOURS.values())).legend(None)
    x = x_of("difference", DIFFERENCE)
    zero = alt.Chart().mark_rule(color=NEUTRAL, strokeDash=[3, 3]).encode(x=alt.datum(0))
    bars = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q").title(DIFFERENCE.axis_title), x2="high:Q", color=colour
    )
    centre = base.mark_point(filled=True, size=50, opacity=1).encode(
        x=x, color=colour, tooltip=["difference:Q", alt.Tooltip("words:N", title="verdict")]
    )
    said = base.mark_text(align="left", dx=10, fontSize=11).encode(x=alt.value("width"), text="words:N")
    return alt.layer(zero, *([bars] if context.words.several_seeds else []), centre, said)


def _caption(means: pl.DataFrame, seeds: pl.DataFrame, differences: pl.DataFrame, context: Context) -> str:
    lost = means.filter(pl.col("mean").is_null())["network"].to_list()
    if len(lost) == len(means):
        return "No accuracy is known of any of these networks: every network diverged."
    dots = (
        f"Pale dots are seeds, points their mean with "
        f"{'its standard error, as published' if context.has_standard_errors('test-accuracy') else 'its 95 % t interval'}."
        if context.words.several_seeds
        else f"Seed {seeds['seed'][0]} only."
    )
    diverged = (
        f" Diverged: {', '.join(lost)}." if 0 < len(lost) < 3 else f" {len(lost)} networks diverged." if lost else ""
    )
    if differences.is_empty():
        return (
            f"{dots} One dot is one network.{diverged}"
            if len(means) > 1
            else f"{dots} One configuration has nothing to be compared with.{diverged}"
        )
    told = differences.filter(pl.col(AGAINST) == BEST, pl.col("said") != "not told")
    compared = len(differences.filter(pl.col(AGAINST) == BEST).drop_nulls("difference")) - 1
    if not context.words.several_seeds or compared < 1:
        return f"{dots} With one seed no difference can be tested.{diverged}"
    return f"{dots} {_of_those(len(told), compared)}{diverged}"


def _of_those(told: int, compared: int) -> str:
    if not told:
        return "No network can be told from the best one." if compared > 1 else "The two cannot be told apart."
    verb = "differs" if told == 1 else "differ"
    return f"{told} of the {compared} others {verb} from the best one by more than chance."


def _about(differences: pl.DataFrame, samples: int | None, context: Context) -> str:
    if differences.is_empty():
        return ""
    one = f" One sample of {samples:,} is {100 / samples:.2g} points." if samples else ""
    if not context.words.several_seeds:
        return f"The best network is chosen by its accuracy on validation samples, not by the one that is shown.{one}"
    return (
        "The best network is chosen by its accuracy on validation samples, so that its test accuracy is no lucky draw. "
        "Differences are paired by seed and test sample; their intervals include the variation of both. Verdicts are "
        "corrected for the number of networks (Holm): a difference is real where the interval excludes zero; it may also hold "
        f"only on these test samples, or have the same sign in all seeds without being significant.{one}"
    )


def _table(mean: pl.DataFrame, context: Context) -> Figure:
    columns = context.configurations.columns
    of_splits = context.table_of_means(mean, "accuracy", "accuracy-table")
    values = [
        name
        for name in of_splits.columns
        if name in ("accuracy", "mean", "standard_error", "interval_low", "interval_high")
    ]
    wide = of_splits.pivot("split", index=columns, values=values, maintain_order=True)
    known = set(mean.drop_nulls("mean")["split"])
    splits = [split for split in ("train", "validation", "test") if split in known]
    shown_as = of_means(ACCURACY)
    if len(values) == 1:
        quantities = {f"{split}_accuracy": ACCURACY for split in splits}
        named = {split: f"{split}_accuracy" for split in splits}
    else:
        quantities = {f"{value}_{split}": shown_as[value] for split in splits for value in values if value in shown_as}
        named = {f"{value}_{split}": f"{value}_{split}" for split in splits for value in values}
    shown = wide.select(*columns, *(pl.col(name).alias(alias) for name, alias in named.items()))
    empty = " Empty: the network diverged." if shown.null_count().sum_horizontal().item() else ""
    return Figure(
        name="accuracy-table",
        title="Accuracy on all splits" if len(splits) > 1 else f"Accuracy on {splits[0]} samples",
        caption=f"Accuracy of the {context.words.kept} on each split, {context.spread_words('accuracy-table')}.{empty}",
        table=shown,
        quantities=quantities,
        shown_in=ShownIn("test-accuracy"),
    )
