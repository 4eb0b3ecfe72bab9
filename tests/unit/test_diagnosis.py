"""The diagnosis and the remedies against loops over the definition, on tables made by hand and on those of real nets."""

import numpy as np
import polars as pl
import pytest

from nodescope.config.diagnosis import Diagnosis
from nodescope.findings import diagnosis
from nodescope.findings.diagnosis import PROBLEMS, compare_remedies
from nodescope.study.axes import Configurations

KEYS = ["dataset", "model", "depth", "width", "activation", "batch_norm"]


def configurations_of(frame):
    return Configurations.plain(
        {name: {"variant": name} for name in frame["configuration"].unique(maintain_order=True)}
    )


def diagnose(tables, thresholds):
    return diagnosis.diagnose(tables, thresholds, configurations_of(next(iter(tables.values()))))


def remedies(accuracy, found, answers):
    return compare_remedies(accuracy, found, answers, configurations_of(accuracy))


def table(rows, **columns):
    """Rows of one made configuration and net."""
    defaults = {"configuration": "made", "activation_function": "tanh", "seed": 0, "state": "trained"} | columns
    return pl.DataFrame([defaults | row for row in rows])


def gradients(norms, at_logits=1.0, **columns):
    rows = [{"layer": layer, "name": f"hidden.{layer - 1}", "quantity": "activation", "norm": norm}
            for layer, norm in enumerate(norms, 1)]  # fmt: skip
    # What must not be taken for it: another quantity of the same layers.
    rows += [row | {"quantity": "pre_activation", "norm": 77.0} for row in rows]
    rows.append({"layer": len(norms) + 1, "name": "output", "quantity": "pre_activation", "norm": at_logits})
    return table(rows, **columns)


def found(frame):
    return {(row["problem"], row["layer"]) for row in frame.iter_rows(named=True) if row["found"]}


def test_a_gradient_vanishes_or_explodes_beside_the_gradient_at_the_logits():
    frame = diagnose({"gradients": gradients([0.001, 0.5, 300.0], at_logits=2.0)}, Diagnosis())
    assert found(frame) == {("vanishing_gradient", 1), ("exploding_gradient", 3)}
    vanishing = frame.filter(pl.col("problem") == "vanishing_gradient")
    assert vanishing["evidence"].to_list() == [0.0005, 0.25, 150.0]
    assert vanishing["threshold"].unique().to_list() == [0.01]


def test_no_gradient_at_all_has_vanished_and_an_unknown_one_is_unknown():
    frame = diagnose({"gradients": gradients([0.0, None])}, Diagnosis()).filter(
        pl.col("problem") == "vanishing_gradient"
    )
    assert frame["found"].to_list() == [True, None]


def test_thresholds_are_those_of_the_configuration():
    thresholds = Diagnosis(vanishing_gradient=0.4, exploding_gradient=1.5)
    frame = diagnose({"gradients": gradients([0.3, 0.5, 2.0])}, thresholds)
    assert found(frame) == {("vanishing_gradient", 1), ("exploding_gradient", 3)}


def test_dead_nodes_and_saturation_are_those_of_the_training_samples():
    dead = [{"split": split, "layer": 1, "nodes": 8, "dead": 0, "dead_share": share}
            for split, share in (("train", 0.25), ("test", 0.0))]  # fmt: skip
    saturated = [{"split": split, "layer": 1, "kind": kind, "saturated_share": share}
                 for split, kind, share in (("train", "pre", None), ("train", "post", 0.6), ("test", "post", 0.1))]  # fmt: skip
    frame = diagnose({"dead_nodes": table(dead), "statistics": table(saturated)}, Diagnosis())
    assert found(frame) == {("dead_nodes", 1), ("saturation", 1)}
    assert frame["evidence"].to_list() == [0.25, 0.6]


def test_a_relu_is_not_called_saturated_for_its_zeros():
    rows = [{"split": "train", "layer": 1, "kind": "post", "saturated_share": 0.9}]
    assert len(diagnose({"statistics": table(rows, activation_function="relu")}, Diagnosis())) == 0


def test_every_problem_is_looked_for_in_every_layer_of_real_nets(small_tables):
    frame = small_tables["diagnosis"]
    assert frame.columns[:8] == ["configuration", *KEYS, "seed"]
    layers = 4 * 1 + 4 * 2  # of configurations with one and with two hidden layers
    nets_and_states = 2 * 3
    for problem in PROBLEMS:
        bounded = 0.5 if problem == "saturation" else 1  # half of the configurations are sigmoid
        assert len(frame.filter(pl.col("problem") == problem)) == layers * bounded * nets_and_states
    spoilt = (pl.col("activation") == "relu") & (pl.col("depth") == 2) & ~pl.col("batch_norm")
    diverged = frame.filter(spoilt, pl.col("state") == "trained")
    assert diverged["found"].null_count() == len(diverged) > 0
    assert frame.filter(~spoilt)["found"].null_count() == 0


def accuracies(values_by_variant):
    rows = []
    for variant, values in values_by_variant.items():
        for seed, value in enumerate(values):
            rows.append({"configuration": variant, "seed": seed, "split": "test", "accuracy": value})
    return pl.DataFrame(rows)


def answers(values_by_variant, samples=100):
    """Nets that get the first samples right, as many as their accuracy says."""
    return {
        variant: {
            seed: np.arange(samples) < round(samples * value) for seed, value in enumerate(values) if value is not None
        }
        for variant, values in values_by_variant.items()
    }


def diagnoses(norms_by_variant):
    parts = [
        gradients(norms, seed=seed, configuration=variant)
        for variant, by_seed in norms_by_variant.items()
        for seed, norms in enumerate(by_seed)
    ]  # fmt: skip
    return diagnose({"gradients": pl.concat(parts)}, Diagnosis())


def test_a_remedy_is_held_against_the_first_configuration_seed_by_seed():
    base, better, none = [0.5, 0.6, 0.7], [0.6, 0.71, 0.79], [0.6, 0.5, 0.7]
    norms = {
        "baseline": [[0.001, 0.002]] * 3, "better": [[0.001, 0.5], [0.1, 0.5], [0.2, 0.5]], "none": [[0.001, 0.002]] * 3
    }  # fmt: skip
    values = {"baseline": base, "better": better, "none": none}
    frame = remedies(accuracies(values), diagnoses(norms), answers(values, samples=4000))

    def row(variant, quantity):
        (only,) = frame.filter(pl.col("variant") == variant, pl.col("quantity") == quantity).iter_rows(named=True)
        return only

    change = np.array(better) - np.array(base)
    accuracy = row("better", "test_accuracy")
    assert accuracy["value"] == pytest.approx(0.7)
    assert accuracy["change"] == pytest.approx(change.mean())
    assert accuracy["seed_error"] == pytest.approx(change.std(ddof=1) / 3**0.5)
    assert accuracy["standard_error"] == pytest.approx(np.hypot(accuracy["seed_error"], accuracy["sample_error"]))
    # 2.3 standard errors of the seeds are beyond two of them, but not beyond t with three seeds.
    assert accuracy["interval_high"] - accuracy["change"] == pytest.approx(4.302653 * accuracy["standard_error"])
    assert (accuracy["verdict"], accuracy["helps"]) == ("real", True)
    assert accuracy["baseline"] == "variant baseline"
    assert row("none", "test_accuracy")["helps"] is None
    assert row("baseline", "test_accuracy")["helps"] is None
    assert row("baseline", "problems")["value"] == 2
    problems = row("better", "problems")
    assert (problems["value"], problems["change"]) == (pytest.approx(1 / 3), pytest.approx(-5 / 3))
    # [-2, -2, -1] without the noise of a test set: 5 standard errors, p 0.038; the other remedy changes nothing in any
    # seed, so that there is no second test to correct for.
    assert (problems["p_corrected"], problems["sample_error"]) == (pytest.approx(0.0377, abs=1e-3), None)
    assert (problems["verdict"], problems["helps"]) == ("real", True)
    vanishing = row("better", "vanishing_gradient")
    assert vanishing["value"] == pytest.approx(np.mean([0.001, 0.1, 0.2]))  # of the worst layer of each net
    assert vanishing["state"] == "trained"
    assert row("none", "problems")["helps"] is None


def test_a_net_that_diverged_is_left_out_of_the_comparison():
    frame = remedies(
        accuracies({"baseline": [0.5, None, 0.7], "other": [0.6, 0.9, 0.8]}),
        diagnoses({"baseline": [[0.1]] * 3, "other": [[None], [0.1], [0.1]]}),
        answers({"baseline": [0.5, None, 0.7], "other": [0.6, 0.9, 0.8]}),
    )
    other = frame.filter(pl.col("variant") == "other")
    accuracy = other.row(by_predicate=pl.col("quantity") == "test_accuracy", named=True)
    assert (accuracy["seeds"], accuracy["change"]) == (2, pytest.approx(0.1))
    problems = other.row(by_predicate=pl.col("quantity") == "problems", named=True)
    assert (problems["seeds"], problems["change"]) == (2, 0.0)


def test_remedies_of_real_nets_compare_nets_of_the_same_size(small_tables):
    frame = small_tables["remedies"]
    for depth, part in frame.group_by("depth"):
        assert part["baseline"].unique().to_list() == [f"relu {depth[0]}x6 without BN"]
    assert not frame.select(pl.selectors.float().is_nan().any()).row(0).count(True)


def test_batch_normalisation_changes_nets_that_are_not_trained_yet(small_tables):
    """With running means of 0 and variances of 1 it would not, and every measure of the two would be the same."""
    initial = small_tables["remedies"].filter(
        pl.col("state") == "initial", pl.col("activation") == "relu", pl.col("batch_norm")
    )
    arriving = initial.filter(pl.col("quantity").is_in(["vanishing_gradient", "exploding_gradient"]))
    assert len(arriving) >= 2
    assert (arriving["change"].abs() > 0.01).all()
    sparsity = small_tables["sparsity"].filter(pl.col("state") == "initial", pl.col("split") == "train")
    keys = ["depth", "width", "activation", "seed", "layer"]
    pairs = sparsity.filter("batch_norm").join(sparsity.filter(~pl.col("batch_norm")), on=keys, suffix="_without")
    assert len(pairs) > 0
    assert (pairs["sparsity"] != pairs["sparsity_without"]).mean() > 0.9


def test_a_remedy_that_one_seed_shows_is_not_told(small_tables):
    values = {"baseline": [0.5], "better": [0.9]}
    norms = {"baseline": [[0.001]], "better": [[0.5]]}
    frame = remedies(accuracies(values), diagnoses(norms), answers(values)).filter(variant="better")
    assert set(frame["verdict"]) == {"cannot tell"}
    for column in ("standard_error", "interval_low", "p_corrected", "helps"):
        assert frame[column].null_count() == len(frame)


def test_the_accuracy_of_untrained_nets_is_no_remedy():
    values = {"baseline": [0.3, 0.4], "other": [0.5, 0.6]}
    found = diagnoses({"baseline": [[0.1]] * 2, "other": [[0.2]] * 2}).with_columns(state=pl.lit("initial"))
    frame = remedies(accuracies(values), found, answers(values))
    assert "test_accuracy" not in set(frame["quantity"]) and len(frame)


def test_remedies_that_are_compared_together_are_corrected_together():
    """The same remedy, alone and among five that do nothing: what is real alone may be chance among many."""
    base, better = [0.50, 0.50, 0.50], [0.70, 0.72, 0.66]
    others = {f"other-{i}": [0.50 + 0.01 * i, 0.52, 0.49] for i in range(5)}

    def judged(values):
        norms = dict.fromkeys(values, [[0.1]] * 3)
        frame = remedies(accuracies(values), diagnoses(norms), answers(values, samples=4000))
        return frame.filter(variant="better", quantity="test_accuracy").row(0, named=True)

    alone, among = judged({"baseline": base, "better": better}), judged({"baseline": base, "better": better, **others})
    assert alone["interval_low"] == among["interval_low"] > 0
    assert among["p_corrected"] == pytest.approx(6 * alone["p_corrected"])
    assert (alone["helps"], among["helps"]) == (True, None)
