"""Does an axis of the grid matter for test accuracy: more layers, another activation function, batch normalisation?

The configurations that differ in the axis alone are matched; of an axis of numbers the largest value against the smallest, of
others two values against each other. The difference is averaged over the pairs within each seed (methods, section 6) and
corrected for the number of axes. Said where the interval over seeds excludes 0; whether it does so for other test samples too is
said with it.
"""

from collections.abc import Iterator

import numpy as np

from nodescope.findings.comparisons import DIFFERENCE, of_results
from nodescope.findings.estimating import pairs_along
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import NOT_OF_ONE_SEED, ONE_SEED, ends, interval, signless
from nodescope.findings.small_charts import dots
from nodescope.findings.studied import Studied
from nodescope.messages.words import counted
from nodescope.numerics.intervals import ON_THIS_TEST_SET, REAL, Estimate, paired_over_grid, verdicts
from nodescope.study.axes import Axis

FINDING = Finding(
    chapter="performance", rank=20, tables=("accuracy", "comparisons"), figure="comparisons", needs_training=True
)


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """A sentence for each axis that has matched configurations."""
    answers = of_results(studied.answers, tables["accuracy"].collect())
    contrasts: list[tuple[Axis, object, object, int, Estimate]] = []
    for axis in studied.configurations.axes:
        values = _contrast(axis)
        if values is None:
            continue
        one, other = values
        pairs = [
            pair
            for pair in pairs_along(studied.configurations, axis.name, one, other)
            if all(answers.get(each) for each in pair)
        ]
        seeds = sorted(set.intersection(*(set(answers[each]) for pair in pairs for each in pair))) if pairs else []
        if seeds:
            right = [np.stack([[answers[pair[side]][seed] for seed in seeds] for pair in pairs]) for side in (0, 1)]
            contrasts.append((axis, one, other, len(pairs), paired_over_grid(*right)))
    said = verdicts([contrast[-1] for contrast in contrasts], on_test_set=True)
    for (axis, one, other, pairs_found, estimate), verdict in zip(contrasts, said, strict=True):
        yield _found(axis, (one, other), pairs_found, estimate, verdict)


def _contrast(axis: Axis) -> tuple[object, object] | None:
    """Two values of an axis that are held against each other; None where there is no such pair."""
    numbers = [value for value in axis.values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(axis.values) > 1 and len(numbers) == len(axis.values):
        return max(numbers), min(numbers)
    return (axis.values[1], axis.values[0]) if len(axis.values) == 2 else None


def _found(axis: Axis, values: tuple[object, object], pairs: int, estimate: Estimate, verdict: str | None) -> Found:
    difference = estimate.centre or 0.0
    better, worse = values if difference >= 0 else values[::-1]
    low, high = ends(estimate, DIFFERENCE)
    size = signless(DIFFERENCE, difference)
    of_pairs = f", averaged over {counted(pairs, 'matched pair')} of configurations" if pairs > 1 else ""
    signed = (low, high) if difference >= 0 or low is None or high is None else (-high, -low)
    said_interval = interval(*signed, DIFFERENCE)
    in_brackets = f" ({said_interval})" if said_interval else ""
    reason, rank = "", None
    if verdict == REAL:
        end = ": beyond the noise of seeds and test samples"
    elif verdict == ON_THIS_TEST_SET:
        end = f": the seeds agree on these {estimate.samples:,} test samples, but other samples may not"
        rank = 29
    else:
        end = f"; {NOT_OF_ONE_SEED}" if estimate.seeds < 2 else ": no difference can be told"
        told = "the 95 % interval over the seeds, corrected for the number of axes, includes no difference"
        reason = ONE_SEED if estimate.seeds < 2 else told
    sentence = (
        f"Test accuracy {_with(axis, better)} is {size} higher than {_with(axis, worse)}{of_pairs}{in_brackets}{end}."
    )
    rows = [(f"{axis.word(values[0])} less {axis.word(values[1])}", difference, low, high)]
    return Found(
        sentence=sentence, value=difference, low=low, high=high, quantity=DIFFERENCE, part=axis.name, reason=reason, rank=rank,
        chart=dots(rows, DIFFERENCE, zero=True, name="difference"), view={"split": "test"},
    )  # fmt: skip


def _with(axis: Axis, value: object) -> str:
    word = axis.word(value)
    return word if word.startswith(("with ", "without ")) else f"with {word}"
