"""The scorecard: published numbers and claims beside what the study measured."""

import altair as alt
import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.messages.words import counted
from nodescope.study.axes import describe_family
from nodescope.works import scorecard as scoring
from nodescope.works.judging import VERDICTS
from nodescope.works.printed import PERCENT

CHART = Chart(section="literature", order=10, tables=("scorecard", "claims", "differences"), may_be_empty=True)

COLOURS = {"published": "#ee6677", "ours": "#4477aa"}


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """Counts of the verdicts, published values beside ours, each number, each claim, and what differs.

    Of works that print no numbers and make no claims that are judged, only what differs.
    """
    card, claims, departures = tables["scorecard"], tables["claims"], tables["differences"]
    compared = card.drop_nulls("ours").filter(pl.col("unit") == PERCENT)
    found = []
    if len(card) or len(claims):
        found.append(_summary(card, claims, departures))
    if len(compared):
        found.append(_comparison(compared, context))
    if len(claims):
        found += [_claims(claims, context), _rules(claims)]
    if len(card):
        found.append(_numbers(card, context))
    return [*found, _differences(departures)]


def _summary(card: pl.DataFrame, claims: pl.DataFrame, departures: pl.DataFrame) -> Figure:
    counts = pl.concat(
        [
            _counts(card.select("work", "place", "verdict"), scoring.VERDICTS),
            _counts(claims.select("work", place=pl.lit("claims"), verdict=pl.col("verdict")), VERDICTS),
        ],
        how="diagonal",
    )
    judged = len(card.filter(pl.col("verdict") != scoring.NOT_RUN))
    told = len(claims.filter(pl.col("verdict") != scoring.NOT_RUN))
    differs = " ".join(_departures(part) for _, part in departures.group_by("work", maintain_order=True))
    return Figure(
        name="scorecard-summary",
        title="Scorecard",
        caption=f"{_judged(judged, len(card), 'published number', told, len(claims))} can be evaluated with the "
        f"networks of this study; the others need networks or tables that were not run. {scoring.RULE} The rules are "
        f"listed below. {differs}",
        table=counts,
    )


def _judged(judged: int, numbers: int, word: str, told: int, claims: int) -> str:
    parts = [f"{judged} of the {counted(numbers, word)}"] if numbers else []
    return " and ".join([*parts, *([f"{told} of the {counted(claims, 'claim')}"] if claims else [])])


def _departures(part: pl.DataFrame) -> str:
    words = "; ".join(f"{row['what']}: {row['ours']} ({row['published']})" for row in part.iter_rows(named=True))
    return f"The study departs from {part['work'][0]} (in brackets) in: {words}."


def _counts(verdicts: pl.DataFrame, known: tuple[str, ...]) -> pl.DataFrame:
    by = ["work", "place"]
    columns = [(pl.col("verdict") == verdict).sum().alias(verdict) for verdict in known]
    return verdicts.group_by(by, maintain_order=True).agg(pl.len().alias("number"), *columns)


def _comparison(compared: pl.DataFrame, context: Context) -> Figure:
    labels = [_label(row) for row in compared.iter_rows(named=True)]
    data = compared.with_columns(label=pl.Series(labels, dtype=pl.String))
    named = ["place", "label", "verdict"]
    error = pl.col("published_error").fill_null(0)
    published = data.select(
        *named, whose=pl.lit("published"), value="published", low=pl.col("published") - error,
        high=pl.col("published") + error,
    )  # fmt: skip
    spread = context.with_spread(data.select(*named, "standard_error", "seeds", mean="ours"), bounds=(0, 1))
    ours = spread.select(*named, whose=pl.lit("ours"), value="mean", low="low", high="high")
    both = pl.concat([published, ours]).with_columns(pl.col("value", "low", "high") * 100)
    panels = [
        _panel(both.filter(pl.col("place") == place), place, context)
        for place in both["place"].unique(maintain_order=True)
    ]
    return Figure(
        name="scorecard-values",
        title="Published values and ours",
        caption="Published values with their standard error where one is printed, and ours, "
        f"{context.spread_words()}. The table of numbers below shows which differences are significant.",
        chart=alt.vconcat(*panels),
    )


def _panel(data: pl.DataFrame, place: str, context: Context) -> alt.LayerChart | alt.FacetChart:
    base = alt.Chart(data, title=place, width=1.6 * context.options.width).encode(
        y=alt.Y("label:N").title(None).sort(None).axis(labelLimit=320),
        color=alt.Color("whose:N").title(None).scale(domain=list(COLOURS), range=list(COLOURS.values())),
        tooltip=["label", "whose", alt.Tooltip("value", format=".2f"), "verdict"],
    )
    errors = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q").title("%"), x2="high:Q")
    points = base.mark_point(filled=True, size=50, opacity=0.9).encode(x=alt.X("value:Q").title("%").scale(zero=False))
    return alt.layer(errors, points)


def _claims(claims: pl.DataFrame, context: Context) -> Figure:
    numbers = ["statistic", *(["interval_low", "interval_high"] if context.words.several_seeds else [])]
    return Figure(
        name="scorecard-claims",
        title="Claims of the published works",
        caption="Each claim and the result of this study: the average of all comparisons"
        + (" with its 95 % t interval over the seeds" if context.words.several_seeds else f", {context.words.mean}")
        + ", and the comparison that decided. The intervals account for the variation between seeds, not for other "
        "data. Not run: the study lacks the networks or tables, or the work does not cover its data set. See also: "
        "related kinds of figures.",
        table=claims.select(
            "statement", "verdict", pl.col(numbers).round(4), "cases", "evidence",
            source=pl.format("{}, {}", "work", "place"), see_also=pl.col("charts").str.replace_all("_", " "),
        ),
    )  # fmt: skip


def _rules(claims: pl.DataFrame) -> Figure:
    return Figure(
        name="scorecard-rules",
        title="How each claim is evaluated",
        caption="The measure for each claim, and the rule for its verdict. The works state their claims in prose; "
        "measures, thresholds and rules are choices of this project.",
        table=claims.select("statement", "measure", "rule"),
    )


def _numbers(card: pl.DataFrame, context: Context) -> Figure:
    percent = pl.when(pl.col("unit") == PERCENT).then(100.0).otherwise(1.0)
    value = (
        pl.col("published", "published_error", "ours", "standard_error", "difference", "interval_low", "interval_high")
        * percent
    )
    run_first = card.sort(pl.col("verdict") == scoring.NOT_RUN, maintain_order=True)
    labels = [_label(row) for row in run_first.iter_rows(named=True)]
    return Figure(
        name="scorecard-numbers",
        title="Published numbers",
        caption=f"Each published number and ours, {context.words.mean}: shares in percent and differences in points, "
        f"other quantities unscaled. {scoring.RULE} {_not_scored(card)}Not run: the study lacks the networks or "
        "tables.",
        table=run_first.with_columns(value.round(2)).select(
            source=pl.format("{}, {}", "work", "place"), number=pl.Series(labels, dtype=pl.String),
            published=pl.col("published"), published_error=pl.col("published_error"), ours=pl.col("ours"),
            standard_error=pl.col("standard_error"), seeds=pl.col("seeds"), difference=pl.col("difference"),
            difference_low=pl.col("interval_low"), difference_high=pl.col("interval_high"), verdict=pl.col("verdict"),
        ),
    )  # fmt: skip


def _not_scored(card: pl.DataFrame) -> str:
    remarks = card["remark"].drop_nulls().unique(maintain_order=True)
    return f"Not scored: {'; '.join(remarks)}. " if len(remarks) else ""


def _label(row: dict[str, object]) -> str:
    """Of what a number is: ``sparsity mnist relu 4x200 with BN layer 1``."""
    network = {key: row[key] for key in ("activation", "depth", "width", "batch_norm") if row["depth"] is not None}
    split = row["split"] if row["quantity"] in ("accuracy", "feature_std") else None
    layer = f"layer {row['layer']}" if str(row["layer"]).isdigit() else row["layer"]
    state = "untrained" if row["state"] == "initial" else None
    words = [
        str(row["quantity"]).replace("_", " "), row["dataset"], describe_family(network), row["initialisation"], layer,
        split, state,
    ]  # fmt: skip
    return " ".join(str(word) for word in words if word)


def _differences(departures: pl.DataFrame) -> Figure:
    return Figure(
        name="scorecard-differences",
        title="Differences from the published protocol",
        caption="The published protocol as far as the source states it, the settings of this study, and the possible "
        "effect of the difference on the results. An empty table means that no stated setting differs.",
        table=departures,
    )
