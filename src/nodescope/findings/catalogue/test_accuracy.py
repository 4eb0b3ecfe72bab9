"""How accurate are the networks of a study of one configuration?

Of one network with Wilson's interval for other samples, of several with the t interval of both kinds of noise. Not said where
fewer than 20 test samples leave it open.
"""

import math
from collections.abc import Iterator

from nodescope.findings.comparisons import TEST_ACCURACY
from nodescope.findings.estimating import per_configuration, rows_of, with_sample_error
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import clipped, interval, number_word
from nodescope.findings.small_charts import dots
from nodescope.findings.studied import Studied
from nodescope.numerics.intervals import wilson

FINDING = Finding(chapter="performance", rank=10, tables=("accuracy",), figure="test_accuracy", needs_training=True)

#: Test samples below which an accuracy is hardly one.
LEAST_SAMPLES = 20


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence, of a study of one configuration."""
    samples = studied.samples("test")
    known = rows_of(tables, "accuracy", "accuracy", split="test").drop_nulls()
    estimates = per_configuration(known, "accuracy")
    if len(studied.configurations.identifiers) > 1 or not estimates or not samples:
        return
    ((configuration, estimate),) = estimates.items()
    value = estimate.centre or 0.0
    error = math.sqrt(value * (1 - value) / samples)
    if estimate.seeds > 1:
        low, high = clipped(*with_sample_error(estimate, error), TEST_ACCURACY)
        of_networks = f"The {number_word(estimate.seeds)} {studied.networks} classify"
        noise = f"{interval(low, high, TEST_ACCURACY)} for other seeds and samples"
        of_samples = f" of the {samples:,} test samples correctly on average"
    else:
        low, high = wilson(round(value * samples), samples) or (None, None)
        of_networks = f"The {studied.networks.removesuffix('s')} classifies"
        noise = f"{interval(low, high, TEST_ACCURACY)} for other samples"
        of_samples = f" of the {samples:,} test samples correctly"
    yield Found(
        sentence=f"{of_networks} {TEST_ACCURACY.text(value)}{of_samples} ({noise}).",
        value=value, low=low, high=high, quantity=TEST_ACCURACY, view={"split": "test"},
        chart=dots([(studied.label(configuration), value, low, high)], TEST_ACCURACY),
        reason=f"there are only {samples} test samples" if samples < LEAST_SAMPLES else "",
    )  # fmt: skip
