"""Is a configuration really worse than the best? Differences of test accuracy, with all noise, from the kept nets' answers.

The best configuration is chosen on validation samples, so that its test accuracy is no lucky draw; every other one is
held against it alone, never all pairs. A difference is paired by seed and by test sample (`nodescope.numerics.intervals`):
another seed gives other networks, another test set holds other samples, and both count. Verdicts are corrected for the
number of configurations that are compared (Holm).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.numerics.intervals import Estimate, holm, mcnemar, over_seeds, paired, verdicts
from nodescope.storage.columns import Column, Quantity, Table, number_of, points, share
from nodescope.storage.tables import read_table
from nodescope.study.axes import CONFIGURATION, Configurations
from nodescope.study.layout import StudyFiles

#: Whether each kept net gets each test sample right, by configuration and by seed.
Answers = Mapping[str, Mapping[int, NDArray[np.bool_]]]

TEST_ACCURACY = share("test accuracy")
DIFFERENCE = points("difference of the test accuracy")
#: Of a probability of the test of no difference.
P_VALUE = Quantity("p", range=(0.0, 1.0), format=".2g")


def errors_columns(difference: Quantity) -> tuple[Column, ...]:
    """What an estimate of a difference says of itself, in the tables that have one."""
    end = replace(difference, range=(None, None))
    error = replace(difference, title="standard error", range=(0.0, None), format=difference.format.removeprefix("+"))
    return (
        Column(
            "seed_error",
            "float64",
            "standard error from the seeds",
            replace(error, title="standard error of the seeds"),
        ),
        Column(
            "sample_error",
            "float64",
            "standard error from the test samples",
            replace(error, title="standard error of the samples"),
        ),
        Column("standard_error", "float64", "from both", error),
        Column("interval_low", "float64", "lower end of the 95 % t interval", end),
        Column("interval_high", "float64", "upper end of the 95 % t interval", end),
        Column("p_corrected", "float64", "of the t test, corrected for the number of differences (Holm)", P_VALUE),
        Column("verdict", "string", "what the difference says, in words"),
    )


ERRORS = errors_columns(DIFFERENCE)

COMPARISONS = Table(
    "comparisons",
    "Test accuracy of every configuration beside that of the best one, paired by seed and sample.",
    (
        Column("best", "string", "name of the configuration with the highest mean validation accuracy"),
        Column("is_best", "boolean", "whether this is it"),
        Column("seeds", "int32", "seeds that both have", number_of("seeds")),
        Column("samples", "int32", "test samples", number_of("test samples")),
        Column("value", "float64", "mean test accuracy of the configuration", TEST_ACCURACY),
        Column("best_value", "float64", "that of the best one", TEST_ACCURACY),
        Column("difference", "float64", "test accuracy less that of the best one", DIFFERENCE),
        *ERRORS,
        Column("mcnemar_p", "float64", "of McNemar's test over the test samples, of the networks of one seed", P_VALUE),
    ),
    keys="configuration",
)


def right_answers(predictions: pl.DataFrame) -> dict[int, NDArray[np.bool_]]:
    """Whether the net of each seed gets each sample right [N]; a net that diverged is not among them."""
    seeds = [name for name in predictions.columns if name not in ("sample", "label")]
    label = predictions["label"]
    return {int(seed): (predictions[seed] == label).to_numpy() for seed in seeds if not predictions[seed].null_count()}


def read_answers(files: StudyFiles, identifiers: Sequence[str]) -> Answers:
    """The answers of all configurations of a study.

    Parameters
    ----------
    files
        Results of the study.
    identifiers
        Of its configurations.

    Raises
    ------
    DamagedFileError
        If a file of predictions cannot be read.
    """
    return {identifier: right_answers(read_table(files.predictions(identifier))) for identifier in identifiers}


def of_results(answers: Answers, accuracy: pl.DataFrame) -> Answers:
    """The answers of the configurations that have an accuracy."""
    known = set(accuracy.drop_nulls("accuracy")[CONFIGURATION])
    return {configuration: seeds for configuration, seeds in answers.items() if configuration in known}


def accuracy_difference(answers: Answers, one: str, other: str) -> Estimate:
    """Test accuracy of one configuration less that of another, over the seeds that both configurations have."""
    a, b = answers.get(one, {}), answers.get(other, {})
    seeds = [seed for seed in a if seed in b]
    if not seeds:
        return over_seeds([])
    return paired(np.stack([a[seed] for seed in seeds]), np.stack([b[seed] for seed in seeds]))


def errors_of(estimates: list[Estimate], *, on_test_set: bool) -> list[dict[str, Any]]:
    """`ERRORS` of differences that are shown together."""
    corrected = holm([e.p_value if e.has_test else None for e in estimates])
    return [
        {
            "seed_error": estimate.seed_error,
            "sample_error": estimate.sample_error,
            "standard_error": estimate.standard_error,
            "interval_low": None if estimate.interval is None else estimate.interval[0],
            "interval_high": None if estimate.interval is None else estimate.interval[1],
            "p_corrected": p,
            "verdict": verdict,
        }
        for estimate, p, verdict in zip(estimates, corrected, verdicts(estimates, on_test_set=on_test_set), strict=True)
    ]


def best_on_validation(accuracy: pl.DataFrame) -> str | None:
    """The configuration with the highest mean validation accuracy; None where none has any.

    One that lost a seed comes after all that lost none; of equals the first of the grid is taken.
    """
    means = (
        accuracy.filter(pl.col("split") == "validation")
        .group_by(CONFIGURATION, maintain_order=True)
        .agg(seeds=pl.col("accuracy").count(), mean=pl.col("accuracy").mean())
        .filter(pl.col("seeds") > 0)
        .sort("seeds", "mean", descending=True, maintain_order=True)
    )
    return None if means.is_empty() else str(means[CONFIGURATION][0])


def compare_configurations(accuracy: pl.DataFrame, answers: Answers, configurations: Configurations) -> pl.DataFrame:
    """Every configuration compared with the best one: the columns of the configuration and `COMPARISONS`.

    Parameters
    ----------
    accuracy
        From `nodescope.findings.divergence.results_of`.
    answers
        From `read_answers`; those of configurations without an accuracy do not count.
    configurations
        Of the study.

    Returns
    -------
    DataFrame
        One row per configuration. ``value``, ``best_value`` and ``difference`` (negative: worse than the best) are test
        accuracies over the ``seeds`` that both have, on ``samples`` test samples. Of the best itself the difference and
        what follows from it is null; so is the interval where there are fewer than two seeds. Of one seed ``mcnemar_p`` says
        whether these two nets differ for other samples; on other seeds it says nothing.
    """
    answers = of_results(answers, accuracy)
    compared = accuracy[CONFIGURATION].unique(maintain_order=True).to_list()
    best = best_on_validation(accuracy)
    others = [name for name in compared if best is not None and name != best]
    estimates = {name: accuracy_difference(answers, name, best) for name in others if best is not None}
    errors = dict(zip(others, errors_of(list(estimates.values()), on_test_set=True), strict=True))
    rows: list[dict[str, Any]] = []
    for name in compared:
        of_both = _common(answers, name, best)
        estimate = estimates.get(name)
        rows.append(
            {
                CONFIGURATION: name,
                "best": None if best is None else configurations.label(best),
                "is_best": name == best,
                "seeds": len(of_both),
                "samples": next((len(a) for a, _ in of_both), None),
                "value": _mean(a for a, _ in of_both),
                "best_value": _mean(b for _, b in of_both),
                "difference": None if estimate is None else estimate.centre,
                **errors.get(name, {}),
                "mcnemar_p": mcnemar(*of_both[0]) if len(of_both) == 1 and name != best else None,
            }
        )
    return configurations.collected(pl.DataFrame(rows, schema={CONFIGURATION: pl.String, **COMPARISONS.schema()}))


def _common(answers: Answers, one: str, other: str | None) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    a, b = answers.get(one, {}), {} if other is None else answers.get(other, {})
    return [(a[seed], b[seed]) for seed in a if seed in b]


def _mean(answers: Iterable[NDArray[np.bool_]]) -> float | None:
    accuracies = [float(right.mean()) for right in answers]
    return sum(accuracies) / len(accuracies) if accuracies else None
