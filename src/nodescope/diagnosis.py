"""What ails a layer, and which remedy helps: from the collected tables of a study.

A problem is found where its evidence passes a threshold (the section ``diagnosis`` of a study; methods, section 5):

- ``vanishing_gradient``, ``exploding_gradient``: the norm of a sample's dL/da in the layer over that of its gradient at
  the logits, with which the backward pass begins. Initialisations after Glorot and He keep it near one whatever the
  width; it is far below where little arrives, far above where it grows on the way.
- ``dead_nodes``: the share of the layer's nodes that are on for no training sample.
- ``saturation``: the share of training samples and nodes whose activation lies near a bound of the function; only for
  functions with two bounds, since the zeros of a ReLU are its switches.

A remedy is a configuration beside the first one of the same model, depth and width: what is better, and by how much.
"""

from typing import TYPE_CHECKING

import polars as pl

from nodescope.activation_functions import ACTIVATION_FUNCTIONS
from nodescope.words import describe

if TYPE_CHECKING:
    from nodescope.config.schema import Diagnosis

PROBLEMS = ("vanishing_gradient", "exploding_gradient", "dead_nodes", "saturation")

#: Columns of the table ``diagnosis`` after the key columns and the seed.
DIAGNOSIS = {
    "state": pl.String,
    "layer": pl.Int32,
    "problem": pl.String,
    "found": pl.Boolean,
    "evidence": pl.Float64,
    "threshold": pl.Float64,
    "evidence_is": pl.String,
}

#: Columns of the table ``remedies`` after the key columns.
REMEDIES = {
    "baseline": pl.String,
    "state": pl.String,
    "quantity": pl.String,
    "value": pl.Float64,
    "baseline_value": pl.Float64,
    "change": pl.Float64,
    "standard_error": pl.Float64,
    "seeds": pl.Int32,
    "helps": pl.Boolean,
}

#: More of these is better; of every other quantity less.
BETTER_IF_LARGER = ("test_accuracy", "vanishing_gradient")


def diagnose(tables: dict[str, pl.DataFrame], thresholds: "Diagnosis") -> pl.DataFrame:
    """The key columns, ``seed`` and `DIAGNOSIS`: one row per net, state, layer and problem that can be looked for.

    Parameters
    ----------
    tables
        Of ``gradients``, ``dead_nodes`` and ``statistics`` those that the study has, at least one.
    thresholds
        The study's section.

    Returns
    -------
    DataFrame
        ``found`` and ``evidence`` are null where the net diverged.
    """
    parts = []
    if "gradients" in tables:
        arriving = _arriving_gradient(tables["gradients"])
        below, above = thresholds.vanishing_gradient, thresholds.exploding_gradient
        words = "norm of dL/da over that of the gradient at the logits"
        parts.append(_judged(arriving, "vanishing_gradient", below, pl.col("evidence") < below, words))
        parts.append(_judged(arriving, "exploding_gradient", above, pl.col("evidence") > above, words))
    if "dead_nodes" in tables:
        share = tables["dead_nodes"].filter(pl.col("split") == "train").rename({"dead_share": "evidence"})
        words = "share of nodes that are on for no training sample"
        limit = thresholds.dead_nodes
        parts.append(_judged(share, "dead_nodes", limit, pl.col("evidence") > limit, words))
    if "statistics" in tables:
        bounded = [name for name, function in ACTIVATION_FUNCTIONS.items() if None not in function.bounds]
        share = (
            tables["statistics"]
            .filter(pl.col("split") == "train", pl.col("kind") == "post", pl.col("activation").is_in(bounded))
            .rename({"saturated_share": "evidence"})
        )
        words = "share of activations near a bound of the function, training samples"
        limit = thresholds.saturation
        parts.append(_judged(share, "saturation", limit, pl.col("evidence") > limit, words))
    return pl.concat(parts)


def _arriving_gradient(gradients: pl.DataFrame) -> pl.DataFrame:
    """The norm of dL/da of each layer over that of the gradient at the logits, as ``evidence``."""
    net = [*_keys(gradients), "seed", "state"]
    at_logits = gradients.filter(pl.col("name") == "output", pl.col("quantity") == "pre_activation")
    return (
        gradients.filter(pl.col("quantity") == "activation")
        .join(at_logits.select(*net, at_logits="norm"), on=net, nulls_equal=True, maintain_order="left")
        .with_columns(evidence=pl.when(pl.col("at_logits") > 0).then(pl.col("norm") / pl.col("at_logits")))
    )


def _judged(frame: pl.DataFrame, problem: str, threshold: float, found: pl.Expr, words: str) -> pl.DataFrame:
    columns = frame.with_columns(
        problem=pl.lit(problem), found=found, threshold=pl.lit(threshold, pl.Float64), evidence_is=pl.lit(words)
    )
    return columns.select(*_keys(frame), "seed", *(pl.col(name).cast(dtype) for name, dtype in DIAGNOSIS.items()))


def _keys(frame: pl.DataFrame) -> list[str]:
    """The columns that name a configuration."""
    return frame.columns[: frame.columns.index("seed")]


def compare_remedies(accuracy: pl.DataFrame, diagnosis: pl.DataFrame) -> pl.DataFrame:
    """Every configuration beside the first one of the same model, depth and width.

    Parameters
    ----------
    accuracy, diagnosis
        The tables.

    Returns
    -------
    DataFrame
        The key columns and `REMEDIES`, one row per configuration, state (the first and the last; null for the accuracy)
        and quantity: ``test_accuracy``, ``problems`` (how many are found over the layers), and for each problem the
        evidence of the worst layer. Values are means over the seeds; ``change`` is the mean over the seeds of the
        difference to the baseline's net of the same seed and ``standard_error`` its standard error (null for a single
        seed). ``helps`` says whether the change is for the better or for the worse, by more than two standard errors;
        null where that cannot be told, and for the baseline itself.
    """
    keys = _keys(accuracy)
    values = _quantities(accuracy, diagnosis, keys)
    group = [name for name in ("model", "depth", "width") if name in keys]
    first = accuracy.select(keys).unique(maintain_order=True).unique(group, keep="first", maintain_order=True)
    shown = [name for name in keys if name not in ("dataset", "model")]
    named = first.with_columns(
        baseline=pl.Series([describe(row) for row in first.select(shown).iter_rows(named=True)], dtype=pl.String)
    )
    of_net = [*group, "seed", "state", "quantity"]
    baseline = values.join(named, on=keys, nulls_equal=True).select(*of_net, baseline_value="value")
    paired = (
        values.join(named.select(*group, "baseline"), on=group, maintain_order="left")
        .join(baseline, on=of_net, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(change=pl.col("value") - pl.col("baseline_value"))
    )
    change = pl.col("change").drop_nulls()
    found = paired.group_by([*keys, "baseline", "state", "quantity"], maintain_order=True).agg(
        value=pl.col("value").mean(),
        baseline_value=pl.col("baseline_value").mean(),
        change=change.mean(),
        standard_error=change.std() / change.len().cast(pl.Float64).sqrt(),
        seeds=change.len(),
    )
    marked = found.join(
        named.select(*keys, is_baseline=True), on=keys, how="left", nulls_equal=True, maintain_order="left"
    )
    better = pl.when(pl.col("quantity").is_in(BETTER_IF_LARGER)).then(pl.col("change")).otherwise(-pl.col("change"))
    clear = (pl.col("change").abs() > 2 * pl.col("standard_error")) & pl.col("is_baseline").is_null()
    judged = marked.with_columns(helps=pl.when(clear).then(better > 0))
    return judged.select(*keys, *(pl.col(name).cast(dtype) for name, dtype in REMEDIES.items()))


def _quantities(accuracy: pl.DataFrame, diagnosis: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Key columns, seed, state, quantity, value."""
    states = diagnosis["state"].unique(maintain_order=True)
    ends = diagnosis.filter(pl.col("state").is_in([states[0], states[-1]]))
    net = [*keys, "seed", "state"]
    columns = [*net, "quantity", "value"]
    on_test = accuracy.filter(pl.col("split") == "test").with_columns(
        state=pl.lit(None, pl.String), quantity=pl.lit("test_accuracy"), value="accuracy"
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
