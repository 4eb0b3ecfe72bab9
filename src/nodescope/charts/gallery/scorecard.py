"""The scorecard: published numbers and claims beside what the study measured."""

import altair as alt
import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.panels import Drawing
from nodescope.charts.style import BETTER, NEUTRAL, PALE, WORSE
from nodescope.messages.words import counted
from nodescope.storage.columns import number_of
from nodescope.study.axes import describe_family
from nodescope.works import scorecard as scoring
from nodescope.works.judging import VERDICTS
from nodescope.works.printed import PERCENT

CHART = Chart(section="literature", order=10, tables=("scorecard", "claims", "differences"), may_be_empty=True)

COLOURS = {"published": WORSE, "ours": BETTER}
CARD = "scorecard-verdicts"
#: What claims and numbers come to, by their verdicts.
OUTCOMES = {
    "holds": (VERDICTS[0], scoring.VERDICTS[0]), "does not hold": (VERDICTS[1], scoring.VERDICTS[1]),
    "cannot be told": (VERDICTS[2], scoring.VERDICTS[2]), "not run": (VERDICTS[3], *scoring.VERDICTS[3:]),
}  # fmt: skip
OUTCOME_COLOURS = {"holds": BETTER, "does not hold": WORSE, "cannot be told": NEUTRAL, "not run": PALE}
EFFECT_ROW, STATEMENT = 20, 90
#: Larger effects are drawn at the end of the axis.
MOST_EFFECT = 20.0


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """Counts of the verdicts, published values beside ours, each number, each claim, and what differs.

    Of works that print no numbers and make no claims that are judged, only what differs.
    """
    card, claims, departures = tables["scorecard"], tables["claims"], tables["differences"]
    compared = card.drop_nulls("ours").filter(pl.col("unit") == PERCENT)
    found = []
    if len(card) or len(claims):
        found += [_verdicts(card, claims, context), _summary(card, claims, departures)]
    if len(compared):
        found.append(_comparison(compared, context))
    if len(claims):
        found += [_claims(claims, context), _rules(claims)]
    if len(card):
        found.append(_numbers(card, context))
    return [*found, _differences(departures)]


def _verdicts(card: pl.DataFrame, claims: pl.DataFrame, context: Context) -> Figure:
    """A bar of outcomes for claims and for numbers, and the effect behind each claim that was judged."""
    outcome = {verdict: name for name, verdicts in OUTCOMES.items() for verdict in verdicts}
    rows = pl.concat(
        [frame.select(what=pl.lit(what), outcome=pl.col("verdict").replace_strict(outcome, return_dtype=pl.String))
         for what, frame in (("claims", claims), ("printed numbers", card))]
    )  # fmt: skip
    place = pl.col("outcome").replace_strict({name: i for i, name in enumerate(OUTCOMES)}, return_dtype=pl.Int32)
    counts = rows.group_by("what", "outcome", maintain_order=True).len("number").with_columns(place=place)
    colour = (
        alt.Color("outcome:N").title(None).scale(domain=list(OUTCOME_COLOURS), range=list(OUTCOME_COLOURS.values()))
    )
    bars = (
        alt.Chart(counts, width=2 * context.options.width, height=alt.Step(26))
        .mark_bar()
        .encode(
            x=alt.X("number:Q").title("number").axis(tickMinStep=1, format="d"),
            y=alt.Y("what:N").title(None).axis(ticks=False, domain=False),
            color=colour,
            order=alt.Order("place:Q"),
            tooltip=[alt.Tooltip("what:N", title="of"), alt.Tooltip("outcome:N", title="outcome")],
        )
    )
    judged = claims.drop_nulls(["statistic", "interval_low", "interval_high"])
    parts = [bars]
    if len(judged):
        parts.append(_effects(judged, outcome, context))
    unrun = len(claims.filter(pl.col("verdict") == scoring.NOT_RUN))
    line = f" Not run: {counted(unrun, 'claim')}." if unrun else ""
    told = len(claims) + len(card) - len(rows.filter(pl.col("outcome") == "not run"))
    return Figure(
        name=CARD,
        title="Does this study agree with the published works?",
        caption=f"{told} of {len(claims) + len(card)} claims and printed numbers can be judged with these networks.{line}"
        + (" Below: each effect beside the interval of no effect." if len(judged) else ""),
        about="An effect is divided by half of its 95 % t interval over the seeds: outside the band from -1 to 1 its "
        "interval excludes zero. "
        f"Not run: the study lacks the networks or tables, or the work does not cover its data set. {scoring.RULE}",
        chart=alt.vconcat(*parts, spacing=30).resolve_scale(color="shared"),
        quantity="number",
        quantities={"number": number_of("claims and numbers")},
    )


def _effects(judged: pl.DataFrame, outcome: dict[str, str], context: Context) -> Drawing:
    half = (pl.col("interval_high") - pl.col("interval_low")) / 2
    data = judged.filter(half > 0).select(
        statement=pl.when(pl.col("statement").str.len_chars() > STATEMENT)
        .then(pl.format("{} …", pl.col("statement").str.head(STATEMENT)))
        .otherwise("statement"),
        outcome=pl.col("verdict").replace_strict(outcome, return_dtype=pl.String),
        effect=(pl.col("statistic") / half).clip(-MOST_EFFECT, MOST_EFFECT),
        low=(pl.col("statistic") / half - 1).clip(-MOST_EFFECT, MOST_EFFECT),
        high=(pl.col("statistic") / half + 1).clip(-MOST_EFFECT, MOST_EFFECT),
        measure="measure", evidence="evidence",
    )  # fmt: skip
    base = alt.Chart(data, width=context.options.width, height=alt.Step(EFFECT_ROW)).encode(
        y=alt.Y("statement:N").title(None).sort(None).axis(labelLimit=520, ticks=False, domain=False),
        color=alt.Color("outcome:N").scale(domain=list(OUTCOME_COLOURS), range=list(OUTCOME_COLOURS.values())).title(None),
        tooltip=[alt.Tooltip("statement:N", title="claim"), alt.Tooltip("outcome:N", title="outcome"),
                 alt.Tooltip("measure:N", title="effect"), alt.Tooltip("evidence:N", title="evidence")],
    )  # fmt: skip
    zero = alt.Chart().mark_rule(color=NEUTRAL, strokeDash=[3, 3]).encode(x=alt.datum(0))
    x = alt.X("effect:Q").title("effect in half intervals").axis(format="~g")
    return alt.layer(
        zero,
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q").title("effect in half intervals"), x2="high:Q"),
        base.mark_point(filled=True, size=50, opacity=1).encode(x=x),
    )


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
        f"networks of this study.",
        about=f"The others need networks or tables that were not run. {scoring.RULE} {differs}",
        table=counts,
        shown_in=ShownIn(CARD),
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
        caption=f"Published values with their standard error where one is printed, and ours, {context.spread_words()}.",
        about="The table of numbers shows which differences are significant.",
        chart=alt.vconcat(*panels),
        quantity="value",
        subtitle="published and our values in %",
    )


def _panel(data: pl.DataFrame, place: str, context: Context) -> alt.LayerChart | alt.FacetChart:
    base = alt.Chart(data, title=place, width=1.6 * context.options.width).encode(
        y=alt.Y("label:N").title(None).sort(None).axis(labelLimit=320),
        color=alt.Color("whose:N").title(None).scale(domain=list(COLOURS), range=list(COLOURS.values())),
        tooltip=[
            alt.Tooltip("label:N", title="number"),
            alt.Tooltip("whose:N", title="of"),
            alt.Tooltip("value:Q", title="value in %", format=".2f"),
            alt.Tooltip("verdict:N", title="verdict"),
        ],
    )
    errors = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q").title("%"), x2="high:Q")
    points = base.mark_point(filled=True, size=50, opacity=0.9).encode(x=alt.X("value:Q").title("%").scale(zero=False))
    return alt.layer(errors, points)


def _claims(claims: pl.DataFrame, context: Context) -> Figure:
    numbers = ["statistic", *(["interval_low", "interval_high"] if context.words.several_seeds else [])]
    return Figure(
        name="scorecard-claims",
        title="Claims of the published works",
        caption="Each claim, its verdict, the average of all comparisons that it makes"
        + (" with its 95 % t interval" if context.words.several_seeds else f", {context.words.mean}")
        + ", and the one that decided.",
        about="Intervals account for the variation between seeds, not for other data. Not run: the study lacks the "
        "networks or tables, or "
        "the work does not cover its data set. See also: related kinds of figures.",
        table=claims.select(
            "statement", "verdict", pl.col(numbers).round(4), "cases", "evidence",
            source=pl.format("{}, {}", "work", "place"), see_also=pl.col("charts").str.replace_all("_", " "),
        ),
    )  # fmt: skip


def _rules(claims: pl.DataFrame) -> Figure:
    return Figure(
        name="scorecard-rules",
        title="How each claim is evaluated",
        caption="The measure for each claim, and the rule for its verdict; both are choices of this project.",
        about="The works state their claims in prose.",
        table=claims.select("statement", "measure", "rule"),
        shown_in=ShownIn("scorecard-claims"),
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
        caption=f"Each published number and ours, {context.words.mean}: shares in percent, differences in points, others unscaled.",
        about=f"{scoring.RULE} {_not_scored(card)}Not run: the study lacks the networks or tables.",
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
        caption="Settings in which this study differs from the published protocol, and what that may do to the results.",
        about="The protocol is known as far as the source states it; an empty table means that no stated setting differs.",
        table=departures,
    )
