"""What ails a layer, and which remedy helps: from the collected tables of a study.

A problem is found where its evidence passes a threshold (the section ``diagnosis`` of a study; methods, section 5):

- ``vanishing_gradient``, ``exploding_gradient``: the norm of a sample's dL/da in the layer over that of its gradient at
  the logits, with which the backward pass begins. Initialisations after Glorot and He keep it near one whatever the
  width; it is far below where little arrives, far above where it grows on the way.
- ``dead_nodes``: the share of the layer's nodes that are on for no training sample.
- ``saturation``: the share of training samples and nodes whose activation lies near a bound of the function; only for
  functions with two bounds, since the zeros of a ReLU are its switches.

Of networks that were recorded without the training split, the samples are those of their first split.

A remedy is a configuration beside the first one of the same family and size: what is better, and by how much.
"""

import math
from typing import TYPE_CHECKING

import polars as pl

from nodescope.findings.comparisons import Answers, accuracy_difference, errors_columns, errors_of, of_results
from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS
from nodescope.numerics.intervals import REAL, Estimate, over_seeds
from nodescope.storage.columns import LAYER, STATE, VALUE, Column, Quantity, Table, number_of
from nodescope.study.axes import CONFIGURATION, MODEL, Configurations

if TYPE_CHECKING:
    from nodescope.config.diagnosis import Diagnosis

PROBLEMS = ("vanishing_gradient", "exploding_gradient", "dead_nodes", "saturation")

DIAGNOSIS = Table(
    "diagnosis",
    "Every problem that can be looked for in a layer of a network, and whether it is found.",
    (
        STATE,
        LAYER,
        Column("problem", "string", ", ".join(PROBLEMS)),
        Column("found", "boolean", "whether the evidence passes the threshold; null where the network diverged"),
        Column("evidence", "float64", "what `evidence_is` says", VALUE),
        Column("threshold", "float64", "of the study", Quantity("threshold")),
        Column("evidence_is", "string", "what the evidence is, in words"),
    ),
)

REMEDIES = Table(
    "remedies",
    "Every configuration beside the first of its group: test accuracy, number of problems, and the worst evidence of each problem.",
    (
        Column("baseline", "string", "name of the first configuration"),
        Column("state", "string", "of the networks: the first and the last; null for the accuracy"),
        Column("quantity", "string", "what is compared: test_accuracy, problems, or a problem"),
        Column("value", "float64", "mean over the seeds", VALUE),
        Column(
            "baseline_value", "float64", "that of the first configuration", Quantity("value of the first configuration")
        ),
        Column(
            "change",
            "float64",
            "value less that of the first configuration, seed by seed",
            Quantity("change", format="+.4g"),
        ),
        Column("seeds", "int32", "seeds that both have", number_of("seeds")),
        *errors_columns(Quantity("change", format="+.4g")),
        Column("helps", "boolean", "whether the change is for the better; null where seeds and samples do not tell"),
    ),
    keys="configuration",
)

#: More of these is better; of every other quantity less.
ACCURACY = "test_accuracy"
BETTER_IF_LARGER = (ACCURACY, "vanishing_gradient")

#: What tells the values of a configuration apart.
OF_NET = ("seed", "state", "quantity")


def diagnose(tables: dict[str, pl.DataFrame], thresholds: "Diagnosis", configurations: Configurations) -> pl.DataFrame:
    """One row per net, state, layer and problem that can be looked for.

    Parameters
    ----------
    tables
        Of ``gradients``, ``dead_nodes`` and ``statistics`` those that the study has, at least one.
    thresholds
        The study's section.
    configurations
        Of the study.

    Returns
    -------
    DataFrame
        The columns of the configuration, ``seed`` and `DIAGNOSIS`. ``found`` and ``evidence`` are null where the net diverged,
        and those of gradients where none enters at the logits.
    """
    parts = []
    if "gradients" in tables:
        arriving = _arriving_gradient(tables["gradients"])
        below, above = thresholds.vanishing_gradient, thresholds.exploding_gradient
        words = "norm of dL/da over that of the gradient at the logits"
        parts.append(_judged(arriving, "vanishing_gradient", below, pl.col("evidence") < below, words))
        parts.append(_judged(arriving, "exploding_gradient", above, pl.col("evidence") > above, words))
    if "dead_nodes" in tables:
        share = _of_reference_split(tables["dead_nodes"]).rename({"dead_share": "evidence"})
        said = _of_samples("share of nodes that are on for no {} sample")
        limit = thresholds.dead_nodes
        parts.append(_judged(share, "dead_nodes", limit, pl.col("evidence") > limit, said))
    if "statistics" in tables:
        # A rectifier that is zero is off, not saturated.
        bounded = [name for name, f in ACTIVATION_FUNCTIONS.items() if None not in f.bounds and not f.rectifying]
        share = (
            _of_reference_split(tables["statistics"])
            .filter(pl.col("kind") == "post", pl.col("activation_function").is_in(bounded))
            .rename({"saturated_share": "evidence"})
        )
        said = _of_samples("share of activations near a bound of the function, {} samples")
        limit = thresholds.saturation
        parts.append(_judged(share, "saturation", limit, pl.col("evidence") > limit, said))
    return configurations.collected(pl.concat(parts))


def _arriving_gradient(gradients: pl.DataFrame) -> pl.DataFrame:
    """The norm of dL/da of each layer over that of the gradient at the logits, as ``evidence``."""
    net = [CONFIGURATION, "seed", "state"]
    at_logits = gradients.filter(pl.col("name") == "output", pl.col("quantity") == "pre_activation")
    return (
        gradients.filter(pl.col("quantity") == "activation")
        .join(at_logits.select(*net, at_logits="norm"), on=net, nulls_equal=True, maintain_order="left")
        .with_columns(evidence=pl.when(pl.col("at_logits") > 0).then(pl.col("norm") / pl.col("at_logits")))
    )


def _of_reference_split(table: pl.DataFrame) -> pl.DataFrame:
    """The rows of the training split; of a configuration without it, of its first split."""
    first = pl.when((pl.col("split") == "train").any()).then(pl.lit("train")).otherwise(pl.col("split").min())
    return table.filter(pl.col("split") == first.over(CONFIGURATION))


def _of_samples(words: str) -> pl.Expr:
    """Words with the kind of the samples in the place of ``{}``."""
    kind = pl.when(pl.col("split") == "train").then(pl.lit("training")).otherwise("split")
    return pl.format(words, kind)


def _judged(frame: pl.DataFrame, problem: str, threshold: float, found: pl.Expr, words: str | pl.Expr) -> pl.DataFrame:
    evidence_is = pl.lit(words) if isinstance(words, str) else words
    columns = frame.with_columns(
        problem=pl.lit(problem), found=found, threshold=pl.lit(threshold, pl.Float64), evidence_is=evidence_is
    )
    return columns.select(
        CONFIGURATION, "seed", *(pl.col(name).cast(dtype) for name, dtype in DIAGNOSIS.schema().items())
    )


def compare_remedies(
    accuracy: pl.DataFrame, diagnosis: pl.DataFrame, answers: Answers, configurations: Configurations
) -> pl.DataFrame:
    """Every configuration beside the first one of the same family and size.

    Parameters
    ----------
    accuracy
        From `nodescope.findings.divergence.results_of`.
    diagnosis
        The table.
    answers
        Which test samples each kept net gets right, from `nodescope.findings.comparisons.read_answers`; those of configurations
        without an accuracy do not count.
    configurations
        Of the study.

    Returns
    -------
    DataFrame
        The columns of the configuration and `REMEDIES`, one row per configuration, state (the first and the last; null for
        the accuracy) and quantity: ``test_accuracy`` (of trained networks), ``problems`` (how many are found over the
        layers), and for each problem the evidence of the worst layer. Values are means over the seeds; ``change`` is the mean
        over the seeds of the difference to the baseline's net of the same seed, with a t interval over the ``seeds`` that both
        have; for the accuracy the noise of the test samples counts too. ``verdict`` is one of the four words of
        `nodescope.numerics.intervals.verdicts`, corrected over the configurations that are held against the same baseline.
        ``helps`` says whether a real change is for the better or for the worse; null for any other verdict, and for the
        baseline itself.
    """
    answers = of_results(answers, accuracy)
    baselines = configurations.baselines()
    firsts = pl.DataFrame({CONFIGURATION: list(baselines), "first": list(baselines.values())})
    values = _quantities(accuracy, diagnosis).join(firsts, on=CONFIGURATION, maintain_order="left")
    of_first = values.select(pl.col(CONFIGURATION).alias("first"), *OF_NET, pl.col("value").alias("baseline_value"))
    paired = values.join(
        of_first, on=["first", *OF_NET], how="left", nulls_equal=True, maintain_order="left"
    ).with_columns(change=pl.col("value") - pl.col("baseline_value"))
    found = paired.group_by([CONFIGURATION, "state", "quantity"], maintain_order=True).agg(
        value=pl.col("value").mean(),
        baseline_value=pl.col("baseline_value").mean(),
        changes="change",
    )
    rows = list(found.iter_rows(named=True))
    families: dict[tuple[object, ...], list[int]] = {}
    for place, row in enumerate(rows):
        identifier, first = row[CONFIGURATION], baselines[row[CONFIGURATION]]
        row["baseline"] = configurations.label(first, without=(MODEL,))
        row["estimate"] = (
            accuracy_difference(answers, identifier, first)
            if row["quantity"] == ACCURACY
            else over_seeds([math.nan if change is None else change for change in row["changes"]])
        )
        row["change"], row["seeds"] = row["estimate"].centre, row["estimate"].seeds
        if identifier != first:
            families.setdefault((first, row["state"], row["quantity"]), []).append(place)
    for places in families.values():
        estimates: list[Estimate] = [rows[place]["estimate"] for place in places]
        on_test_set = rows[places[0]]["quantity"] == ACCURACY
        for place, errors in zip(places, errors_of(estimates, on_test_set=on_test_set), strict=True):
            rows[place] |= errors
            better = (rows[place]["change"] or 0.0) > 0
            if rows[place]["quantity"] not in BETTER_IF_LARGER:
                better = not better
            rows[place]["helps"] = better if errors["verdict"] == REAL else None
    schema = {CONFIGURATION: pl.String, **REMEDIES.schema()}
    return configurations.collected(pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema))


def _quantities(accuracy: pl.DataFrame, diagnosis: pl.DataFrame) -> pl.DataFrame:
    """Columns configuration, seed, state, quantity, value."""
    states = diagnosis["state"].unique(maintain_order=True).to_list()
    ends = diagnosis.filter(pl.col("state").is_in([*states[:1], *states[-1:]]))
    net = [CONFIGURATION, "seed", "state"]
    columns = [*net, "quantity", "value"]
    # What is not trained is right by chance.
    trained = "trained" in states
    on_test = accuracy.filter(pl.lit(trained), pl.col("split") == "test").with_columns(
        state=pl.lit(None, pl.String), quantity=pl.lit(ACCURACY), value="accuracy"
    )
    # A sum over nulls is zero: a net that diverged has no number of problems.
    problems = ends.group_by(net, maintain_order=True).agg(
        quantity=pl.lit("problems"),
        value=pl.when(pl.col("found").is_not_null().any()).then(pl.col("found").sum().cast(pl.Float64)),
    )
    worst = (
        ends.group_by([*net, "problem"], maintain_order=True)
        .agg(lowest=pl.col("evidence").min(), highest=pl.col("evidence").max())
        .with_columns(
            quantity="problem",
            value=pl.when(pl.col("problem") == "vanishing_gradient").then("lowest").otherwise("highest"),
        )
    )
    return pl.concat([on_test.select(columns), problems.select(columns), worst.select(columns)])
