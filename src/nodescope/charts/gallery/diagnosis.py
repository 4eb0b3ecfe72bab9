"""What ails each layer, with the evidence; and which configuration helps, by how much."""

import altair as alt
import polars as pl

from nodescope.charts.axes import layer_axis, x_of
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.labels import percent
from nodescope.findings.comparisons import TEST_ACCURACY
from nodescope.findings.diagnosis import PROBLEMS
from nodescope.numerics.intervals import in_words
from nodescope.storage.columns import points

CHART = Chart(section="health", order=110, tables=("diagnosis", "remedies"))

WORDS = {problem: problem.replace("_", " ") for problem in PROBLEMS}
VERDICTS = {"found": "#cc3311", "not found": "#dddddd", "cannot be told": "#ffffff"}
ACCURACY = {"value": "test_accuracy", "change": "accuracy_change"}
INTERVAL = {"interval_low": "change_low", "interval_high": "change_high"}
HELPS = {"better": "#228833", "worse": "#cc3311", "cannot be told": "#777777"}

WIDTH_OF_A_HEADING = 84
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
    columns = ["configuration", "network", "seed", "state", "layer", "evidence", "threshold", "evidence_is"]
    data = context.with_network(diagnosis).select(
        *columns,
        problem=pl.col("problem").replace_strict(WORDS),
        verdict=pl.when(pl.col("found"))
        .then(pl.lit("found"))
        .when(~pl.col("found"))
        .then(pl.lit("not found"))
        .otherwise(pl.lit("cannot be told")),
    )
    last = diagnosis.filter(pl.col("state") == state)
    by_problem = last.group_by("problem", maintain_order=True).agg(pl.col("found").mean())
    shares = "; ".join(f"{WORDS[problem]} {percent(share)}" for problem, share in by_problem.iter_rows())
    networks = data["network"].unique(maintain_order=True).to_list()
    width = max(16 * data["layer"].n_unique(), WIDTH_OF_A_HEADING)
    chart = (
        alt.Chart(data, width=width, height=alt.Step(16))
        .mark_rect(stroke="#bbbbbb", strokeWidth=0.5)
        .encode(
            x=layer_axis(),
            y=alt.Y("network:N").title(None).sort(networks).axis(labelLimit=300),
            color=alt.Color("verdict:N").title(None).scale(domain=list(VERDICTS), range=list(VERDICTS.values())),
            tooltip=[
                "network:N",
                "layer:O",
                "problem:N",
                "verdict:N",
                "evidence:Q",
                "threshold:Q",
                alt.Tooltip("evidence_is:N", title="evidence is"),
            ],
        )
        .facet(
            column=alt.Column("problem:N")
            .title(None)
            .sort(list(WORDS.values()))
            .header(labelExpr="replace(datum.label, ' gradient', '')", labelAlign="left", labelAnchor="start"),
            spacing=40,
        )
        .resolve_scale(x="independent")
    )
    return Figure(
        name="diagnosis",
        title="Diagnosis of each layer",
        caption="A problem is found if the evidence passes its threshold; hover over a cell to see both. "
        f"{_evidence_words(diagnosis)}. Share of layers with each problem"
        f"{' in the last state' if context.words.several_states else ''}: {shares}.",
        chart=chart,
        view={"state": state, "seed": str(diagnosis["seed"][0])},
        quantity="evidence",
    )


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
        tooltip=[
            "network:N",
            "baseline:N",
            "verdict:N",
            "value:Q",
            "baseline_value:Q",
            "change:Q",
        ],
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
        caption="Difference in test accuracy from the first configuration of the same size, "
        f"{_interval_words(context)} {helps}",
        chart=alt.layer(zero, bars, points, data=data),
        quantity="change",
        quantities={"change": CHANGE, "value": TEST_ACCURACY, "baseline_value": TEST_ACCURACY},
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
    accuracy_words = f"test accuracy and its change, {_interval_words(context)} Also " if has_accuracy else ""
    return Figure(
        name="remedies-table",
        title="Remedies: every configuration compared with the first",
        caption=f"Compared with the first configuration of the same size ({', '.join(first)}): {accuracy_words}the "
        "number of problems over the layers of a network in the last state, and the evidence in the worst layer for "
        "each problem (higher is better for the vanishing gradient, lower for the others), each with its change. "
        f"Values are {context.words.mean}. The table remedies holds the intervals of these changes"
        + context.words.where_trained(" and the values of the untrained networks")
        + ".",
        table=table,
        quantities={"test_accuracy": TEST_ACCURACY} | dict.fromkeys(("accuracy_change", *INTERVAL.values()), CHANGE),
    )
