"""What ails each layer, with the evidence; and which configuration helps, by how much."""

import altair as alt
import polars as pl

from nodescope.charts.axes import x_of
from nodescope.charts.cells import CELL, MOST_NUMBERS, ROW, cell_text, cell_width
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.labels import percent
from nodescope.charts.style import BETTER, NEUTRAL, WORSE
from nodescope.findings.comparisons import TEST_ACCURACY
from nodescope.findings.diagnosis import PROBLEMS
from nodescope.numerics.intervals import in_words
from nodescope.storage.columns import points

CHART = Chart(section="health", order=110, tables=("diagnosis", "remedies"))

WORDS = {problem: problem.replace("_", " ") for problem in PROBLEMS}
ACCURACY = {"value": "test_accuracy", "change": "accuracy_change"}
INTERVAL = {"interval_low": "change_low", "interval_high": "change_high"}
HELPS = {"better": BETTER, "worse": WORSE, "cannot be told": NEUTRAL}
#: Shades of evidence over its threshold, from a tenth of it to ten times as much.
FAINT, STRONG = 0.1, 10.0
SHADES = ["#ffffff", "#fddbc7", "#b2182b"]
FOUND, UNKNOWN = "#b2182b", "#d5d8dc"

WIDTH_OF_A_HEADING = 120
CHANGE = points("change of the test accuracy")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """Layer by problem, and the configurations beside the first, as a figure and as a table."""
    diagnosis, remedies = tables["diagnosis"], tables["remedies"]
    changes = remedies.filter(pl.col("quantity") == "test_accuracy").drop_nulls("change")
    found = [_matrix(diagnosis, context)]
    if len(context.configurations.identifiers) == 1:
        return found
    # What is not trained has no accuracy to speak of.
    if "trained" in context.states and len(changes.drop_nulls("verdict")):
        found.append(_changes(changes, context))
    return [*found, _table(remedies, context)]


def _matrix(diagnosis: pl.DataFrame, context: Context) -> Figure:
    state = context.states[-1]
    keys = ["configuration", "seed", "state", "layer"]
    # What a layer has no evidence for is said too: a ReLU has no bound to be saturated at.
    grid = (
        diagnosis.select(keys)
        .unique(maintain_order=True)
        .join(diagnosis.select("problem", "threshold").unique("problem", maintain_order=True), how="cross")
    )
    evidence = diagnosis.select(*keys, "problem", "found", "evidence", "evidence_is", there=pl.lit(value=True))
    known = grid.join(evidence, on=[*keys, "problem"], how="left", maintain_order="left")
    is_share = ~pl.col("problem").str.ends_with("gradient")
    over = pl.when(pl.col("problem") == "vanishing_gradient").then(pl.col("threshold") / pl.col("evidence"))
    data = (
        context.with_network(known)
        .with_columns(
            verdict=pl.when(pl.col("found")).then(pl.lit("found"))
            .when(~pl.col("found")).then(pl.lit("not found"))
            .when(pl.col("there")).then(pl.lit("cannot be told"))
            .otherwise(pl.lit("not looked for")),
            over=over.otherwise(pl.col("evidence") / pl.col("threshold")).clip(FAINT, STRONG),
            text=pl.when(pl.col("there").is_null()).then(pl.lit("·"))
            .when(pl.col("evidence").is_null()).then(pl.lit("?"))
            .when(is_share).then(pl.format("{} %", (100 * pl.col("evidence")).round(0).cast(pl.Int32)))
            .otherwise(pl.col("evidence").map_elements(_short, return_dtype=pl.String)),
            title=pl.col("problem").replace_strict(WORDS),
        )
        .select(*keys, "network", "title", "verdict", "over", "text", "evidence", "threshold", "evidence_is")
    )  # fmt: skip
    networks = data["network"].unique(maintain_order=True).to_list()
    layers = int(data["layer"].n_unique())
    base = alt.Chart(width=cell_width(layers, least=WIDTH_OF_A_HEADING), height=alt.Step(ROW)).encode(
        x=alt.X("layer:O").title("layer").axis(labelAngle=0, grid=False, ticks=False, domain=False, labelOverlap=True),
        y=alt.Y("network:N").title(None).sort(networks).axis(labelLimit=260, grid=False, ticks=False, domain=False),
        tooltip=[
            alt.Tooltip("verdict:N", title="problem"), alt.Tooltip("evidence_is:N", title="evidence"),
            alt.Tooltip("evidence:Q", title="value"), alt.Tooltip("threshold:Q", title="threshold"),
        ],
    )  # fmt: skip
    colour = (
        alt.Color("over:Q")
        .scale(type="log", domain=[FAINT, 1, STRONG], range=SHADES, clamp=True, interpolate="rgb")
        .legend(None)
    )
    cells = base.mark_rect(**CELL).encode(color=colour).transform_filter("isValid(datum.over)")
    unknown = base.mark_rect(**CELL, color=UNKNOWN).transform_filter("datum.verdict == 'cannot be told'")
    frame = base.mark_rect(fillOpacity=0, stroke=FOUND, strokeWidth=2).transform_filter("datum.verdict == 'found'")
    unsought = (
        base.mark_text(fontSize=10, color=NEUTRAL)
        .encode(text="text:N")
        .transform_filter("datum.verdict == 'not looked for'")
    )
    numbers = [
        part.transform_filter("datum.verdict != 'not looked for'")
        for part in cell_text(base, layers, f"datum.over >= {STRONG / 2}")
    ]
    titles = [WORDS[problem] for problem in PROBLEMS if WORDS[problem] in data["title"]]
    chart = (
        alt.layer(cells, unknown, frame, unsought, *numbers, data=data)
        .facet(
            facet=alt.Facet("title:N").title(None).sort(titles), columns=4 if layers <= MOST_NUMBERS else 2, spacing=24
        )
        .resolve_scale(x="independent")
    )
    lost = " A question mark: it cannot be told." if data.filter(pl.col("verdict") == "cannot be told").height else ""
    return Figure(
        name="diagnosis",
        title="What ails which layer?",
        caption=f"Evidence of each problem: the redder, the further beyond its threshold; framed where the problem is found.{lost}"
        f" {_found_words(diagnosis.filter(pl.col('state') == state))}",
        about=f"{_evidence_words(diagnosis)}. A point: the problem is not looked for in that layer. Empty: the network has no such "
        "layer. Thresholds are those of the section diagnosis of the study.",
        chart=chart,
        view={"state": state, "seed": str(diagnosis["seed"][0])},
        quantity="evidence",
        subtitle="evidence of a problem",
    )


def _short(value: float) -> str:
    """A ratio in as few letters as a cell has room for.

    >>> _short(0.0000123), _short(0.25), _short(17.3)
    ('1e-5', '0.25', '17')
    """
    if 0.01 <= value < 1000 or value == 0:
        return f"{value:.2g}"
    digits, power = f"{value:.0e}".split("e")
    return f"{digits}e{int(power)}"


def _found_words(last: pl.DataFrame) -> str:
    """Which problems there are at all."""
    found = [
        WORDS[problem] for problem in PROBLEMS if last.filter(pl.col("problem") == problem, pl.col("found")).height
    ]
    return f"Found somewhere: {', '.join(found)}." if found else "No problem is found."


def _evidence_words(diagnosis: pl.DataFrame) -> str:
    """What the evidence is, of the problems that are looked for."""
    there = set(diagnosis["problem"])
    training = diagnosis["evidence_is"].str.contains("training").any()
    words = {
        "vanishing_gradient": "vanishing and exploding gradient: the norm of the gradient in the layer divided by the norm at "
        "the output",
        "dead_nodes": f"dead nodes: the share of nodes that are on for no {'training ' if training else ''}sample",
        "saturation": "saturation: the share of activations near a bound of the function, for bounded functions",
    }
    said = "; ".join(text for problem, text in words.items() if problem in there)
    return said[:1].upper() + said[1:]


def _changes(changes: pl.DataFrame, context: Context) -> Figure:
    named = context.with_network(changes).with_columns(
        low=pl.coalesce("interval_low", "change"), high=pl.coalesce("interval_high", "change"), found=_verdict()
    )
    data = named.select(
        *context.configurations.columns,
        "network",
        "baseline",
        "change",
        "low",
        "high",
        "value",
        "baseline_value",
        "found",
        "verdict",
    )
    base = alt.Chart(data, width=context.options.width * 1.5, height=alt.Step(18)).encode(
        y=alt.Y("network:N").title(None).sort(data["network"].to_list()).axis(labelLimit=300),
        color=alt.Color("found:N").title(None).scale(domain=list(HELPS), range=list(HELPS.values())),
        tooltip=[alt.Tooltip("baseline:N", title="compared with"), alt.Tooltip("verdict:N", title="verdict")],
    )
    bars = base.mark_rule(strokeWidth=2).encode(x=x_of("low", CHANGE), x2="high:Q")
    points = base.mark_point(filled=True, size=60).encode(x=alt.X("change:Q").title(CHANGE.axis_title))
    zero = alt.Chart().mark_rule(strokeDash=[3, 3], color="#777777").encode(x=alt.datum(0))
    best = changes.sort("change", descending=True, maintain_order=True).row(0, named=True)
    helps = (
        f"The largest gain is {100 * best['change']:.1f} points, from {percent(best['baseline_value'])} to "
        f"{percent(best['value'])}; it {in_words(best['verdict'])}."
        if best["change"] > 0
        else "No configuration is better than the first."
    )
    return Figure(
        name="remedies",
        title="Remedies: test accuracy compared with the first configuration",
        caption=f"Difference in test accuracy from the first configuration of the same size. {helps}",
        about=_interval_words(context),
        chart=alt.layer(zero, bars, points, data=data),
        quantity="change",
        quantities={"change": CHANGE, "value": TEST_ACCURACY, "baseline_value": TEST_ACCURACY},
        shown_in=ShownIn("test-accuracy", {"compared_with": "the first"}),
    )


def _interval_words(context: Context) -> str:
    """What is said of the changes of accuracy."""
    if not context.words.several_seeds:
        return f"{context.words.mean}: the variation with the seed is unknown, so no change can be tested."
    return (
        "paired by seed, with the 95 % t interval, which accounts for the variation of both seeds and test samples. "
        "Better and worse mark changes that are significant after Holm correction for the number of configurations."
    )


def _verdict() -> pl.Expr:
    return (
        pl.when(pl.col("helps"))
        .then(pl.lit("better"))
        .when(~pl.col("helps"))
        .then(pl.lit("worse"))
        .otherwise(pl.lit("cannot be told"))
    )


def _table(remedies: pl.DataFrame, context: Context) -> Figure:
    """One row per configuration: what is better than in the first, and by how much."""
    keys = context.configurations.columns
    last = remedies.filter(pl.col("state").is_null() | (pl.col("state") == context.states[-1]))
    of_accuracy = last.filter(pl.col("quantity") == "test_accuracy")
    has_accuracy = of_accuracy["value"].count() > 0
    numbers = ACCURACY | (INTERVAL if context.words.several_seeds else {})
    accuracy = (
        of_accuracy.select(
            *keys, *(pl.col(name).round(4).alias(alias) for name, alias in numbers.items()), "seeds", "verdict"
        )
        if has_accuracy
        else last.select(keys).unique(maintain_order=True)
    )
    others = last.filter(pl.col("quantity") != "test_accuracy")
    wide = others.pivot("quantity", index=keys, values=["value", "change"], maintain_order=True)
    shown = [name for name in ("problems", *PROBLEMS) if name in others["quantity"]]
    columns = {
        f"{kind}_{name}": name if kind == "value" else f"{name}_change"
        for name in shown
        for kind in ("value", "change")
    }
    table = accuracy.join(wide, on=keys, nulls_equal=True, maintain_order="left").select(
        *accuracy.columns, *(pl.col(name).round_sig_figs(3).alias(alias) for name, alias in columns.items())
    )
    first = remedies["baseline"].unique(maintain_order=True).to_list()
    accuracy_words = (
        f"Test accuracy and its change, {_interval_words(context)} Also " if has_accuracy else "Of each network "
    )
    return Figure(
        name="remedies-table",
        title="Remedies: every configuration compared with the first",
        caption=f"Compared with the first configuration of the same size: {', '.join(first)}; {context.words.mean}.",
        about=f"{accuracy_words}the number of problems over the layers of a network, and the evidence in the worst layer for each "
        "problem (higher is better for the vanishing gradient, lower for the others), each with its change. The table "
        "remedies holds "
        "the intervals of these changes.",
        table=table,
        quantities={"test_accuracy": TEST_ACCURACY} | dict.fromkeys(("accuracy_change", *INTERVAL.values()), CHANGE),
        shown_in=ShownIn("test-accuracy", {"compared_with": "the first"}) if has_accuracy else ShownIn("diagnosis"),
    )
