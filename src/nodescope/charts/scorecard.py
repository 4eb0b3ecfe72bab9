"""The scorecard: published numbers and claims beside what the study measured."""

import altair as alt
import polars as pl

from nodescope.charts.context import Context, Figure
from nodescope.reproduction import scorecard as scoring
from nodescope.reproduction.judging import VERDICTS
from nodescope.reproduction.published import MISPRINT, SHARES
from nodescope.words import describe

WORKS = "Pretorius 2020, Hartmann et al. 2021, Park 2022"
COLOURS = {"published": "#ee6677", "ours": "#4477aa"}


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """Counts of the verdicts, published values beside ours, each number, each claim, and what differs."""
    card, claims, departures = tables["scorecard"], tables["claims"], tables["differences"]
    compared = card.drop_nulls("ours").filter(pl.col("quantity").is_in(SHARES))
    found = [_summary(card, claims, departures)]
    if len(compared):
        found.append(_comparison(compared, context))
    return [*found, _claims(claims), _rules(claims), _numbers(card), _differences(departures)]


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
        caption=f"{judged} of the {len(card)} published numbers and {told} of the {len(claims)} claims can be judged by the "
        f"networks of this study; for the others, what they need was not run. {scoring.RULE} How each claim is judged stands "
        f"below. {differs}",
        reference="numbers in text and tables, claims",
        work=WORKS,
        table=counts,
    )


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
    both = pl.concat(
        data.select(
            "place", "label", "verdict",
            whose=pl.lit(whose), value=100 * pl.col(value),
            low=100 * (pl.col(value) - pl.col(error).fill_null(0)), high=100 * (pl.col(value) + pl.col(error).fill_null(0)),
        )
        for whose, value, error in (("published", "published", "published_error"), ("ours", "ours", "standard_error"))
    )  # fmt: skip
    panels = [
        _panel(both.filter(pl.col("place") == place), place, context)
        for place in both["place"].unique(maintain_order=True)
    ]
    return Figure(
        name="scorecard-values",
        title="Published values and ours",
        caption="Published values and ours, means over the seeds with one standard error where there is one. Where the two "
        "colours lie apart by much more than their lines are long, the networks here are not those of the source; the "
        "numbers, and by how many standard errors they differ, stand in the table of numbers below.",
        reference="sections 4.1, 5.3.1, 6.3.2, tables 5.1, 5.2",
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


def _claims(claims: pl.DataFrame) -> Figure:
    return Figure(
        name="scorecard-claims",
        title="Claims of the published works",
        caption="Each claim, and what the networks of this study say of it: the mean over all comparisons with its standard "
        "error over the seeds, and the comparison that decided. Not run: the study has no networks or tables for it. See also "
        "names the kinds of figures to look at.",
        reference="claims",
        work=WORKS,
        table=claims.select(
            "statement", "verdict", pl.col("statistic", "standard_error").round(4), "cases", "evidence",
            source=pl.format("{}, {}", "work", "place"), see_also=pl.col("charts").str.replace_all("_", " "),
        ),
    )  # fmt: skip


def _rules(claims: pl.DataFrame) -> Figure:
    return Figure(
        name="scorecard-rules",
        title="How each claim is judged",
        caption="What is measured for each claim, and the rule that turns it into a verdict. The works state their claims in "
        "words; measures, thresholds and rules are this project's choice.",
        reference="claims",
        work=WORKS,
        table=claims.select("statement", "measure", "rule"),
    )


def _numbers(card: pl.DataFrame) -> Figure:
    percent = pl.when(pl.col("quantity").is_in(SHARES)).then(100.0).otherwise(1.0)
    value = pl.col("published", "published_error", "ours", "standard_error", "difference") * percent
    run_first = card.sort(pl.col("verdict") == scoring.NOT_RUN, maintain_order=True)
    labels = [_label(row) for row in run_first.iter_rows(named=True)]
    return Figure(
        name="scorecard-numbers",
        title="Published numbers",
        caption="Each published number beside ours, mean over the seeds: shares in percent and differences in points, Park's "
        f"standard deviations as they are. {scoring.RULE} Not scored: {MISPRINT}. Not run: the study has no such "
        "networks or tables.",
        reference="numbers in text and tables",
        work=WORKS,
        table=run_first.with_columns(value.round(2)).select(
            source=pl.format("{}, {}", "work", "place"), number=pl.Series(labels, dtype=pl.String),
            published=pl.col("published"), published_error=pl.col("published_error"), ours=pl.col("ours"),
            standard_error=pl.col("standard_error"), seeds=pl.col("seeds"), difference=pl.col("difference"),
            standard_errors_apart=pl.col("difference_errors").round(1), verdict=pl.col("verdict"),
        ),
    )  # fmt: skip


def _label(row: dict[str, object]) -> str:
    """Of what a number is: ``sparsity mnist relu 4x200 with BN layer 1``."""
    network = {key: row[key] for key in ("activation", "depth", "width", "batch_norm") if row["depth"] is not None}
    split = row["split"] if row["quantity"] in ("accuracy", "feature_std") else None
    layer = f"layer {row['layer']}" if str(row["layer"]).isdigit() else row["layer"]
    state = "untrained" if row["state"] == "initial" else None
    words = [
        str(row["quantity"]).replace("_", " "), row["dataset"], describe(network), row["initialisation"], layer, split, state,
    ]  # fmt: skip
    return " ".join(str(word) for word in words if word)


def _differences(departures: pl.DataFrame) -> Figure:
    return Figure(
        name="scorecard-differences",
        title="In what this study departs from the source",
        caption="Told by the study's settings: the published protocol as far as it is told, what was set here, and what the "
        "difference may do to the numbers. A table without rows: no difference in anything that the source tells.",
        reference="the protocols of training",
        work=WORKS,
        table=departures,
    )
