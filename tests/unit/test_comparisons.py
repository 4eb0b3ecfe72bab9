"""Every configuration compared with the best: made from answers to samples, and from the kept nets of real ones."""

import numpy as np
import polars as pl
import pytest

from nodescope.findings.comparisons import best_on_validation, compare_configurations, read_answers, right_answers
from nodescope.numerics.intervals import mcnemar, paired
from nodescope.storage.tables import write_table
from nodescope.study.axes import Configurations
from nodescope.study.layout import StudyFiles


def configurations_of(names):
    return Configurations.plain({name: {"activation": name} for name in names})


def compare(accuracy, answers):
    return compare_configurations(accuracy, answers, configurations_of(accuracy["configuration"].unique()))


def accuracy_of(validation, test):
    """The table of configurations by their activation function: accuracies per seed on two splits."""
    rows = [
        {"configuration": name, "seed": seed, "split": split, "accuracy": value}
        for name in validation
        for split, values in (("validation", validation[name]), ("test", test[name]))
        for seed, value in enumerate(values)
    ]
    return pl.DataFrame(rows)


def made(shares, samples=400, seed=0):
    """Answers and table of nets that get a share of the samples right, and lead on validation as named first."""
    random = np.random.default_rng(seed)
    answers = {n: {s: random.random(samples) < p for s, p in enumerate(v)} for n, v in shares.items()}
    test = {n: [float(answers[n][s].mean()) for s in range(len(v))] for n, v in shares.items()}
    validation = {n: [1 - i / 10] * len(v) for i, (n, v) in enumerate(shares.items())}
    return accuracy_of(validation, test), answers


def row(frame, activation):
    return frame.row(by_predicate=pl.col("configuration") == activation, named=True)


def test_every_configuration_is_held_against_the_one_that_is_best_on_validation_samples():
    """Not against the one that happens to be best on test samples, and never all pairs."""
    accuracy, answers = made({"tanh": [0.80, 0.81, 0.79], "selu": [0.95, 0.95, 0.95], "relu": [0.3, 0.3, 0.3]})
    frame = compare(accuracy, answers)
    assert frame["is_best"].to_list() == [True, False, False]
    assert frame["best"].unique().to_list() == ["activation tanh"]
    better, worse = row(frame, "selu"), row(frame, "relu")
    assert better["difference"] > 0 > worse["difference"]
    assert worse["verdict"] == "real" and worse["interval_high"] < 0
    best = row(frame, "tanh")
    assert best["value"] == best["best_value"] and best["difference"] is best["verdict"] is best["interval_low"] is None


def test_a_difference_has_both_kinds_of_noise():
    accuracy, answers = made({"relu": [0.9, 0.92, 0.88], "gelu": [0.85, 0.9, 0.86]})
    found = row(compare(accuracy, answers), "gelu")
    a, b = (np.stack(list(answers[name].values())) for name in ("gelu", "relu"))
    expected = paired(a, b)
    assert found["difference"] == pytest.approx(a.mean() - b.mean())
    assert (found["seed_error"], found["sample_error"]) == (expected.seed_error, expected.sample_error)
    assert (found["interval_low"], found["interval_high"]) == expected.interval
    assert (found["seeds"], found["samples"], found["mcnemar_p"]) == (3, 400, None)


def test_a_lead_of_less_than_one_sample_is_not_told():
    answers = {"relu": {}, "silu": {}}
    for seed in range(3):
        right = np.arange(50) < 40
        answers["relu"][seed] = right
        answers["silu"][seed] = right if seed else np.arange(50) < 41
    test = {n: [float(answers[n][s].mean()) for s in range(3)] for n in ("relu", "silu")}
    frame = compare(accuracy_of({"relu": [0.9] * 3, "silu": [0.8] * 3}, test), answers)
    found = row(frame, "silu")
    assert found["difference"] == pytest.approx(1 / 150) and found["verdict"] == "cannot tell"


def test_one_seed_has_a_difference_and_nothing_more():
    accuracy, answers = made({"relu": [0.9], "elu": [0.2]})
    found = row(compare(accuracy, answers), "elu")
    assert found["difference"] < -0.5 and found["verdict"] == "cannot tell"
    assert found["seed_error"] is found["interval_low"] is found["p_corrected"] is None
    assert found["mcnemar_p"] == mcnemar(answers["relu"][0], answers["elu"][0]) < 1e-6


def test_nets_that_diverged_are_left_out_with_their_partners():
    accuracy, answers = made({"relu": [0.9, 0.9, 0.9], "tanh": [0.5, 0.5, 0.5], "selu": [0.4, 0.4, 0.4]})
    del answers["tanh"][1]
    answers["selu"] = {}
    gone = (pl.col("configuration") == "selu") | ((pl.col("configuration") == "tanh") & (pl.col("seed") == 1))
    accuracy = accuracy.with_columns(accuracy=pl.when(~gone).then("accuracy"))
    frame = compare(accuracy, answers)
    assert row(frame, "tanh")["seeds"] == 2
    lost = row(frame, "selu")
    assert lost["seeds"] == 0 and lost["value"] is lost["difference"] is lost["verdict"] is None


def test_what_lost_a_seed_is_not_the_best_while_another_lost_none():
    table = accuracy_of({"relu": [0.99, None], "tanh": [0.7, 0.71]}, {"relu": [0.9, None], "tanh": [0.7, 0.7]})
    assert best_on_validation(table) == "tanh"
    everything_lost = table.with_columns(accuracy=pl.lit(None, pl.Float64))
    assert best_on_validation(everything_lost) is None
    frame = compare(everything_lost, {})
    assert len(frame) == 2 and frame["best"].null_count() == 2


def test_of_equals_the_first_of_the_grid_is_the_best():
    values = {"relu": [0.5, 0.7], "tanh": [0.7, 0.5]}
    assert best_on_validation(accuracy_of(values, values)) == "relu"


def test_predictions_are_read_by_configuration(tmp_path, small_study):
    identifiers = Configurations.of(small_study).identifiers
    predictions = pl.DataFrame({"sample": [4, 9, 2], "label": [0, 1, 1], "0": [0, 0, 1], "1": [None, None, None]})
    frame = predictions.cast({"1": pl.Int32})
    for identifier in identifiers:
        write_table(frame, StudyFiles(tmp_path).predictions(identifier))
    answers = read_answers(StudyFiles(tmp_path), identifiers)
    assert list(answers) == identifiers
    of_first = answers["relu-1x6"]
    assert list(of_first) == [0] and of_first[0].tolist() == [True, False, True]  # the other net diverged
    assert right_answers(frame.drop("1"))[0].tolist() == [True, False, True]


def test_the_kept_nets_of_real_ones_are_as_right_as_their_accuracy_says(small_tables):
    frame = small_tables["comparisons"]
    test = small_tables["accuracy"].filter(pl.col("split") == "test")
    means = test.group_by("configuration").agg(mean=pl.col("accuracy").mean())
    both = frame.join(means, on="configuration").drop_nulls("value")
    assert len(both) == 7  # of 8, one diverged
    assert both["value"].to_list() == pytest.approx(both["mean"].to_list())
    assert frame["is_best"].sum() == 1 and frame.filter("is_best")["difference"].null_count() == 1
    assert not frame.select(pl.selectors.float().is_nan().any()).row(0).count(True)
