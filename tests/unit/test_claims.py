"""Every claim comes out every way: tables are made in which it is true, false, or lost in the noise between seeds."""

import itertools
import re
import zlib

import numpy as np
import polars as pl
import pytest

from nodescope.study.contents import SCORED_TABLES
from nodescope.works.claims import claims_of, judge_claim, judge_claims
from nodescope.works.hartmann.claims import deepest_dip
from nodescope.works.judging import FAILS, HOLDS, NOT_RUN, UNCLEAR, judge_bounds, judge_sign
from nodescope.works.pretorius.claims import accuracy
from nodescope.works.registry import WORKS

#: Every claim by its name, with the work that makes it.
BY_NAME = {claim.name: (claim, work) for work in WORKS.values() for claim in claims_of(work)}
NODES, CLASSES = 10, 4
KEYS = ["dataset", "model", "depth", "width", "activation", "batch_norm", "seed"]
TYPES = {"depth": pl.Int32, "width": pl.Int32}


def nets(dataset="mnist", depths=(2, 4), widths=(200,), seeds=(0, 1, 2)):
    """All nets of a small grid, as key columns."""
    axes = itertools.product(depths, widths, ("relu", "sigmoid"), (False, True), seeds)
    return [dict(zip(KEYS, (dataset, "mlp", *values), strict=True)) for values in axes]


def layers_of(rows):
    return [{**row, "layer": layer} for row in rows for layer in range(1, row["depth"] + 1)]


def each(rows, **axes):
    """Every row with every combination of further columns."""
    return [
        {**row, **dict(zip(axes, values, strict=True))} for row in rows for values in itertools.product(*axes.values())
    ]


def table(rows, **columns):
    """A frame of the rows; each further column is a function of the row."""
    return pl.DataFrame(
        [{**row, **{name: f(row) for name, f in columns.items()}} for row in rows], schema_overrides=TYPES
    )


def jitter(row, size):
    """What the seed adds: -w, 0, w, with a weight of about ``size`` of each net's own, so that no difference cancels it."""
    own = [row.get(name) for name in ("activation", "batch_norm", "depth", "width", "model", "layer", "state",
                                      "initialisation", "system", "quantity")]  # fmt: skip
    digest = zlib.crc32(repr(own).encode())
    return size * (row["seed"] - 1) * (1 if digest & 1 else -1) * (0.5 + (digest >> 1) % 1000 / 1000)


def accuracy_tables(value, **grid_options):
    rows = each(nets(**grid_options), split=["train", "validation", "test"], learning_rate=[0.001])
    return {"accuracy": table(rows, best_epoch=lambda row: 3, accuracy=value)}


def made_accuracy(favoured, **grid_options):
    """Nets for which ``favoured(row)`` is 1 are better by the effect, those with -1 worse."""

    def make(effect, noise):
        return accuracy_tables(lambda row: 0.9 + 0.01 * effect * favoured(row) + jitter(row, noise / 2), **grid_options)

    return make


def with_batch_norm_sign(row):
    return (row["depth"] == 4) * (1 if row["batch_norm"] else -1)


def made_fit(effect, noise):
    last = {1: 0.995, -1: 0.9, 0: 0.9895}[effect]
    tables = accuracy_tables(lambda row: 0.9)
    rows = each(nets(), learning_rate=[0.001, 0.01], epoch=[1, 2], split=["train", "validation"])
    curve = lambda row: (last + jitter(row, noise / 5)) if row["learning_rate"] == 0.001 and row["epoch"] == 2 else 0.1  # noqa: E731
    return {**tables, "learning_curves": table(rows, loss=lambda row: 0.1, accuracy=curve)}


def medians_tables(value):
    rows = each(layers_of(nets()), state=["initial", "trained"], split=["train"], node=range(NODES))
    return {"medians": table(each(rows, **{"class": range(CLASSES)}), median=value)}


def made_untrained_medians(effect, noise):
    def amplitude(row):
        deep_sigmoid = row["activation"] == "sigmoid" and row["layer"] == row["depth"]
        small = {1: deep_sigmoid, -1: not deep_sigmoid, 0: False}[effect]
        return (0.1 if small else 0.6) + jitter(row, 3 * noise)

    return medians_tables(lambda row: 0.5 + 0.1 * (row["node"] % 2) + 0.1 * amplitude(row) * (row["class"] - 1.5))


def made_polarisation(effect, noise):
    def distance(row):
        if row["state"] == "initial" or effect == 0:
            return 0.2
        return 0.2 + 0.05 * effect * row["layer"]

    return medians_tables(lambda row: 0.5 + (distance(row) + jitter(row, noise)) * (1 if row["node"] % 2 else -1))


def made_saturation(effect, noise):
    def value(row):
        saturated = {1: not row["batch_norm"], -1: row["batch_norm"], 0: True}[effect]
        if row["activation"] == "relu":
            zeros = (5 if saturated else 2) + (row["seed"] if not effect else 0)
            return 0.0 if row["node"] < zeros else 1.0
        return 0.5 + (0.4 if saturated else 0.2) + jitter(row, noise)

    return medians_tables(value)


def activity_tables(mid_range_nodes):
    def share(row):
        return 0.5 if row["node"] < mid_range_nodes(row) else float(row["node"] % 2)

    rows = each(layers_of(nets()), state=["initial", "trained"], split=["train"], node=range(NODES))
    return {"activity": table(each(rows, **{"class": range(CLASSES)}), active_share=share)}


def made_mid_range(effect, noise):
    def nodes(row):
        more = row["seed"] == 2 and row["layer"] == row["depth"]
        return 5 - effect * (row["layer"] + more) + (jitter(row, 1) if not effect else 0)

    return activity_tables(nodes)


def made_all_or_nothing(effect, noise):
    return activity_tables(lambda row: 5 - effect * (3 + (row["seed"] == 2)) + (row["seed"] - 1 if not effect else 0))


def made_dead(more):
    def make(effect, noise):
        rows = each(layers_of(nets()), state=["initial", "trained"], split=["train"])
        dead = lambda row: round(20 + effect * more(row) + jitter(row, 1000 * noise))  # noqa: E731
        frame = table(rows, nodes=lambda row: 200, dead=dead)
        return {"dead_nodes": frame.with_columns(dead_share=pl.col("dead") / pl.col("nodes"))}

    return make


def made_sparsity(more, level=0.5):
    def make(effect, noise):
        rows = each(layers_of(nets()), state=["initial", "trained"], split=["train"])
        return {"sparsity": table(rows, sparsity=lambda row: level + 0.1 * effect * more(row) + jitter(row, noise))}

    return make


def made_half_off(effect, noise):
    level = {1: 0.5, -1: 0.7, 0: 0.555}[effect]
    return made_sparsity(lambda row: 0, level)(effect, noise)


def systems_tables(accuracy, **grid_options):
    rows = each(
        layers_of(nets(**grid_options)), state=["initial", "epoch-1", "epoch-10", "trained"], split=["train", "test"]
    )
    rows = [
        {**row, "system": system}
        for row in rows
        for system in ("discrete", "continuous", "combined")
        if system != "combined" or row["activation"] == "relu"
    ]
    return {"layer_accuracy": table(rows, accuracy=accuracy, network_accuracy=lambda row: 0.95)}


def made_agreement(effect, noise):
    off = {1: 0.001, -1: 0.05, 0: 0.0105}[effect]
    return systems_tables(lambda row: 0.95 - (row["system"] == "discrete") * (off + jitter(row, noise / 5)))


def made_best_combined(effect, noise):
    return systems_tables(lambda row: 0.8 + (row["system"] == "combined") * (0.02 * effect + jitter(row, noise)))


def made_learning(effect, noise):
    def accuracy(row):
        last = row["layer"] == row["depth"]
        rise = {1: 0.1 if last else 0.01, -1: 0.0 if last else 0.1, 0: 0.01}[effect]
        return 0.8 + (row["state"] == "trained") * rise + jitter(row, noise / 2)

    return systems_tables(accuracy)


def made_lag(effect, noise):
    def accuracy(row):
        return (
            0.95 - (row["system"] == "continuous") * (0.02 + 0.01 * effect * (row["width"] == 800)) + jitter(row, noise)
        )

    return systems_tables(accuracy, widths=(200, 800))


def evolution_tables(similarity, entropy=lambda row: 0.5, models=("resnet", "convnet", "pyramidnet", "fixup_resnet")):
    rows = [{**net, "model": model, "depth": 20} for net in nets("cifar10", depths=(1,)) for model in models]
    rows = each(rows, step=[0, 1, 2, 3], layer=[1, 2, 3, 4])
    return {"pattern_evolution": table(rows, relative_entropy=entropy, weighted_jaccard_final=similarity)}


def made_bottom_up(effect, noise):
    return evolution_tables(lambda row: 0.5 - 0.05 * effect * row["layer"] + jitter(row, noise))


def made_together(effect, noise):
    def similarity(row):
        tuned = row["model"] in ("pyramidnet", "fixup_resnet")
        return 0.5 - 0.05 * (1 - effect * tuned) * row["layer"] + jitter(row, noise)

    return evolution_tables(similarity)


def made_dips(effect, noise):
    def entropy(row):
        dips = {1: row["model"] == "convnet", -1: row["model"] != "convnet", 0: True}[effect]
        return 0.5 - (0.1 * dips + (row["seed"] - 1) * noise) * (row["layer"] == 2)

    return evolution_tables(lambda row: 0.5, entropy)


INITIALISATIONS = ("orthogonal_relu", "kaiming_normal", "kaiming_uniform", "xavier_uniform_relu", "ones", "zeros")


def initialised_nets():
    """Nets of a small convolutional family, one of each initialisation, as key columns with the axis in its place."""
    return [
        {**{k: net[k] for k in KEYS[:-1]}, "model": "cnn", "initialisation": initialisation, "seed": net["seed"]}
        for net in nets(dataset="cifar10", depths=(4,))
        if net["activation"] == "relu" and not net["batch_norm"]
        for initialisation in INITIALISATIONS
    ]


def curves_tables(loss):
    rows = each(initialised_nets(), learning_rate=[0.0001])
    kept = table(each(rows, split=["train"]), accuracy=lambda row: 0.5)
    return {"accuracy": kept, "learning_curves": table(each(rows, epoch=[0, 1, 2], split=["train"]), loss=loss)}


def made_convergence(effect, noise):
    order = {"orthogonal": 0, "kaiming": 1, "xavier": 2}

    def loss(row):
        return 1 + 0.1 * effect * order.get(row["initialisation"].split("_")[0], 5) + jitter(row, noise)

    return curves_tables(loss)


def made_zeros_and_ones(effect, noise):
    def loss(row):
        learns = row["initialisation"] not in (("ones", "zeros") if effect > 0 else ())
        fall = row["epoch"] * (0.3 if learns else 0.001)
        if effect == 0:
            fall = row["epoch"] * (0.0055 if row["initialisation"] == "zeros" else 0.1)
        return 2.3 - fall + (row["seed"] - 1) * noise * row["epoch"] / 2

    return curves_tables(loss)


def measured_nets(**columns):
    rows = each(layers_of(initialised_nets()), state=["initial", "trained"], split=["train"], kind=["pre"])
    return table(each(rows, parameter=["weight"]), **columns)


def made_weights(effect, noise):
    std = lambda row: 0.1 * (1 + 0.2 * effect * (row["state"] == "trained")) + jitter(row, noise)  # noqa: E731
    return {"weights": measured_nets(std=std, kurtosis=lambda row: 0.0)}


def made_bell(effect, noise):
    kurtosis = lambda row: -1.2 + 0.5 * effect * (row["state"] == "trained") + jitter(row, noise)  # noqa: E731
    return {"weights": measured_nets(std=lambda row: 0.1, kurtosis=kurtosis)}


def made_features(effect, noise):
    std = lambda row: 1 + 0.1 * effect * row["layer"] * (row["state"] == "trained") + jitter(row, noise)  # noqa: E731
    return {"statistics": measured_nets(std=std)}


def made_boxes(median, spread):
    """Boxes of the channels' emission and absorption, from functions of the row."""
    rows = each(
        layers_of(initialised_nets()),
        state=["initial", "trained"],
        quantity=["emission", "absorption"],
        channel=range(5),
    )
    rows = [{**row, "weights_file": None} for row in rows]
    middle = table(rows, median=median, spread=spread).with_columns(
        q1=pl.col("median") - pl.col("spread") / 2, q3=pl.col("median") + pl.col("spread") / 2
    )
    return {"local_gradients": middle.drop("spread")}


def made_channels(effect, noise):
    def value(row):
        step = {1: 0.3, -1: 0.01, 0: 0.062}[effect] + (row["seed"] - 1) * noise / 2
        return 1 + step * row["channel"]

    return made_boxes(value, lambda row: value(row) / 2)


def made_emission(effect, noise):
    emits = lambda row: row["quantity"] == "emission"  # noqa: E731
    return made_boxes(lambda row: 1.0, lambda row: 0.5 + 0.1 * effect * emits(row) + emits(row) * jitter(row, noise))


@pytest.mark.parametrize("fits", [1.0, 1e-12], ids=["does not fit", "fits"])
@pytest.mark.parametrize(("effect", "verdict"), [(1, HOLDS), (-1, FAILS)])
def test_channels_of_a_net_that_fits_are_compared_as_those_of_any_other(fits, effect, verdict):
    """The gradients of most samples are next to nothing, and a channel sends none at all for three quarters of them."""

    def spread(row):
        return fits * (0.6 + 0.2 * effect * (row["quantity"] == "emission") + 0.002 * row["seed"] * (row["layer"] == 1))

    boxes = made_boxes(lambda row: fits * 0.5, spread)["local_gradients"]
    silent = boxes.with_columns(
        pl.when((pl.col("channel") == 3) & (pl.col("quantity") == "emission"))
        .then(0.0)
        .otherwise(pl.col(name))
        .alias(name)
        for name in ("q1", "median", "q3")
    )
    judgement = judged("emission_varies_more", {"local_gradients": silent})
    assert judgement.verdict == verdict
    assert judgement.statistic == pytest.approx(0.2 * effect, abs=0.01)  # that of the channels that send something
    nothing = silent.with_columns(q1=0.0, median=0.0, q3=0.0)
    assert judged("emission_varies_more", {"local_gradients": nothing}).verdict == NOT_RUN


MADE = {
    "relu_beats_sigmoid": made_accuracy(lambda row: row["activation"] == "relu"),
    "batch_norm_widens_the_gap": made_accuracy(lambda row: row["activation"] == "relu" and row["batch_norm"]),
    "depth_helps_sigmoid_with_batch_norm_only": made_accuracy(with_batch_norm_sign),
    "batch_norm_harms_sigmoid_on_fmnist": made_accuracy(lambda row: not row["batch_norm"], dataset="fmnist"),
    "depth_on_cifar10_needs_batch_norm": made_accuracy(with_batch_norm_sign, dataset="cifar10"),
    "both_fit_the_training_data": made_fit,
    "untrained_medians_coincide": made_untrained_medians,
    "training_polarises_sigmoid": made_polarisation,
    "batch_norm_keeps_from_saturation": made_saturation,
    "early_layers_are_mid_range": made_mid_range,
    "untrained_deep_sigmoid_is_all_or_nothing": made_all_or_nothing,
    "deeper_nets_have_more_dead_nodes": made_dead(lambda row: 5 * (row["depth"] == 4)),
    "later_layers_have_more_dead_nodes": made_dead(lambda row: 5 * row["layer"]),
    "batch_norm_lowers_sparsity": made_sparsity(lambda row: not row["batch_norm"]),
    "relu_is_sparser": made_sparsity(lambda row: row["activation"] == "relu"),
    "untrained_relu_is_half_off": made_half_off,
    "systems_agree_in_the_last_layer": made_agreement,
    "last_layer_approaches_the_network": made_agreement,
    "combined_is_best_in_layer_one": made_best_combined,
    "training_changes_deep_layers": made_learning,
    "width_makes_the_continuous_system_lag": made_lag,
    "structure_forms_bottom_up": made_bottom_up,
    "tuned_networks_converge_together": made_together,
    "plain_networks_have_dips_in_entropy": made_dips,
    "orthogonal_converges_fastest": made_convergence,
    "zeros_do_not_learn_and_ones_stay_high": made_zeros_and_ones,
    "weights_spread_slightly": made_weights,
    "uniform_weights_turn_bell_shaped": made_bell,
    "features_spread_with_training_and_depth": made_features,
    "channels_differ": made_channels,
    "emission_varies_more": made_emission,
}


def judged(name, tables):
    claim, work = BY_NAME[name]
    return judge_claim(claim, work, tables)


def test_every_claim_has_a_name_of_its_own_and_tables_made_for_it():
    assert sum(len(claims_of(work)) for work in WORKS.values()) == len(BY_NAME)
    assert set(MADE) == set(BY_NAME)


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize(("effect", "noise", "verdict"), [(1, 0.002, HOLDS), (-1, 0.002, FAILS), (0, 0.02, UNCLEAR)])
def test_a_claim_holds_fails_or_is_lost_in_the_noise(name, effect, noise, verdict):
    judgement = judged(name, MADE[name](effect, noise))
    assert judgement.verdict == verdict, judgement
    assert judgement.cases > 0 and judgement.evidence
    assert judgement.standard_error is not None


@pytest.mark.parametrize("name", MADE)
def test_one_seed_cannot_tell(name):
    one = {table: frame.filter(pl.col("seed") == 0) for table, frame in MADE[name](1, 0.0).items()}
    judgement = judged(name, one)
    assert judgement.verdict == UNCLEAR
    assert "no interval" in judgement.evidence


MEASURED = (
    "accuracy", "network_accuracy", "median", "active_share", "dead", "dead_share", "sparsity", "loss", "std", "kurtosis",
    "relative_entropy", "weighted_jaccard_final", "q1", "q3",
)  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_what_was_not_run_is_said(name):
    tables = MADE[name](1, 0.0)
    missing = judged(name, {})
    assert missing.verdict == NOT_RUN
    assert missing.evidence.startswith("Not run: the table ") and "was not measured" in missing.evidence
    assert judged(name, {table: frame.clear() for table, frame in tables.items()}).verdict == NOT_RUN


@pytest.mark.parametrize("name", MADE)
def test_diverged_nets_give_no_verdict(name):
    nulls = {
        table: frame.with_columns(pl.lit(None, frame[c].dtype).alias(c) for c in MEASURED if c in frame.columns)
        for table, frame in MADE[name](1, 0.0).items()
    }
    judgement = judged(name, nulls)
    assert judgement.verdict == NOT_RUN and "diverged" in judgement.evidence


@pytest.mark.parametrize("name", [claim.name for claim in accuracy.CLAIMS])
def test_the_accuracy_of_untrained_networks_proves_nothing(name):
    tables = MADE[name](1, 0.0)
    untrained = tables["accuracy"].with_columns(pl.col("best_epoch") * 0)
    judgement = judged(name, {**tables, "accuracy": untrained})
    assert judgement.verdict == NOT_RUN and "not trained" in judgement.evidence


@pytest.mark.parametrize(
    ("name", "only", "reason"),
    [
        ("relu_beats_sigmoid", pl.col("activation") == "relu", "differ only in activation: relu and sigmoid"),
        ("batch_norm_widens_the_gap", ~pl.col("batch_norm"), "differ only in batch norm: True and False"),
        (
            "depth_helps_sigmoid_with_batch_norm_only",
            pl.col("depth") == 4,
            "more than one depth; all networks have depth 4",
        ),
        ("depth_helps_sigmoid_with_batch_norm_only", pl.col("batch_norm"), "with and without batch normalisation"),
        (
            "depth_helps_sigmoid_with_batch_norm_only",
            pl.col("dataset") != "mnist",
            "sigmoid networks of width 200 on MNIST",
        ),
        ("batch_norm_harms_sigmoid_on_fmnist", pl.col("dataset") != "fmnist", "sigmoid networks on FMNIST"),
        ("depth_on_cifar10_needs_batch_norm", pl.col("dataset") != "cifar10", "networks on CIFAR10"),
        ("combined_is_best_in_layer_one", pl.col("activation") == "sigmoid", "a combined system"),
        ("training_changes_deep_layers", ~pl.col("state").str.starts_with("epoch"), "recorded during training"),
        ("width_makes_the_continuous_system_lag", pl.col("width") == 200, "more than one width"),
        ("structure_forms_bottom_up", pl.col("step").is_in([0, 3]), "between the first step and the last"),
        ("tuned_networks_converge_together", pl.col("model") == "resnet", "networks of both kinds"),
        ("orthogonal_converges_fastest", pl.col("initialisation") != "orthogonal_relu", "kaiming and orthogonal"),
        ("zeros_do_not_learn_and_ones_stay_high", pl.col("initialisation") != "zeros", "the initialisations zeros"),
    ],
)
def test_a_claim_names_the_networks_that_it_lacks(name, only, reason):
    tables = {table: frame.filter(only) for table, frame in MADE[name](1, 0.002).items()}
    judgement = judged(name, tables)
    assert judgement.verdict == NOT_RUN
    assert reason in judgement.evidence


@pytest.mark.parametrize("name", MADE)
def test_claims_are_judged_from_the_tables_that_their_work_names(name):
    _, work = BY_NAME[name]
    assert set(MADE[name](1, 0.0)) <= set(work.tables) <= set(SCORED_TABLES)


@pytest.mark.parametrize(("name", "axis"), [(name, axis) for name in MADE for axis in BY_NAME[name][0].axes])
def test_a_claim_about_an_axis_that_the_study_does_not_have_is_not_judged(name, axis):
    _, work = BY_NAME[name]
    tables = {table: frame.drop(axis) for table, frame in MADE[name](1, 0.001).items()}
    expected = f"Not run: the study has no axis {axis}."
    if axis == "activation" and work.activations:  # nothing says whether it is one that the work speaks of
        expected = f"Not run: {work.citation} speaks of {work.networks}, which the study does not have."
    assert judged(name, tables).evidence == expected


@pytest.mark.parametrize("name", MADE)
def test_a_claim_needs_no_axis_but_those_that_it_names(name):
    claim, work = BY_NAME[name]
    given = MADE[name](1, 0.002)
    needed = {*claim.axes, *(["activation"] if work.activations else [])}
    # One value on every other axis, which may as well be missing then.
    others = [axis for axis in ("depth", "width", "activation", "batch_norm", "initialisation") if axis not in needed]
    tables = {}
    for table, frame in given.items():
        for axis in [axis for axis in others if axis in frame.columns]:
            frame = frame.filter(pl.col(axis) == frame[axis].first()).drop(axis)
        tables[table] = frame
    assert judged(name, tables).verdict != NOT_RUN


def test_claims_on_fully_connected_networks_are_not_judged_by_others():
    tables = MADE["relu_is_sparser"](1, 0.002)
    others = {"sparsity": tables["sparsity"].with_columns(model=pl.lit("resnet"))}
    assert judged("relu_is_sparser", others).verdict == NOT_RUN


@pytest.mark.parametrize(
    ("values", "depth"), [([1, 2, 3], 0), ([3, 1, 2], 1), ([3, 2, 1], 0), ([2, 1, 3, 0, 1], 1), ([5, 1, 4, 0, 5], 5)]
)
def test_a_dip_is_as_deep_as_the_lower_of_the_peaks_beside_it(values, depth):
    assert pl.DataFrame({"h": values}).select(deepest_dip(pl.col("h"))).item() == depth


def test_the_table_of_claims_has_a_row_for_each():
    works = [WORKS["pretorius"], WORKS["park"]]
    claims = judge_claims(MADE["relu_beats_sigmoid"](1, 0.001), works)
    assert claims["claim"].to_list() == [claim.name for work in works for claim in claims_of(work)]
    first = claims.row(0, named=True)
    assert first["verdict"] == HOLDS
    assert first["statistic"] == pytest.approx(0.01)
    assert first["charts"] == "test_accuracy, accuracy_curves"


def cases(*values):
    """A case for each list of values, a value for each seed."""
    rows = [(f"case {i}", seed, v) for i, of_seeds in enumerate(values) for seed, v in enumerate(of_seeds)]
    return pl.DataFrame(rows, schema={"case": pl.String, "seed": pl.Int64, "value": pl.Float64}, orient="row")


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([[0.2, 0.3, 0.4], [0.4, 0.3, 0.3]], HOLDS),
        # 2.6 standard errors, p 0.12: with three seeds that is chance. Two standard errors called it clear.
        ([[0.1, 0.4, 0.15]], UNCLEAR),
        # As pairs of configuration and seed p would be 0.001; the cases of one seed go together.
        ([[0.02, 0.5, 0.3]] * 6, UNCLEAR),
        ([[0.9, 0.8, 0.9], [-0.31, -0.30, -0.32]], FAILS),  # one case clearly below, though the mean is above
        ([[0.9, 0.8, 0.9], [-0.2, -0.28, -0.02]], HOLDS),  # may be chance
        ([[0.9, 0.8, 0.9]] * 40 + [[-0.31, -0.35, -0.28]], HOLDS),  # p 0.004: one of 41 strays now and then
        ([[-0.2, -0.25, -0.15]], FAILS),
        ([[-0.1, -0.3, 0.1]], UNCLEAR),
        ([[0.0, 0.0, 0.0]], UNCLEAR),
        ([[0.1, 0.1, 0.1]], UNCLEAR),  # equal in all seeds: nothing says how another would differ
        ([[0.3, 0.31, 0.29], [None, None, None]], HOLDS),
        ([[0.3], [0.4]], UNCLEAR),
        ([[0.1, 0.11]], HOLDS),
        ([[0.1, 0.2]], UNCLEAR),
    ],
)
def test_the_rule_of_signs(values, verdict):
    judgement = judge_sign(cases(*values))
    assert judgement.verdict == verdict, judgement


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([[0.2, 0.21, 0.19], [0.8, 0.81, 0.8]], HOLDS),
        ([[0.2, 0.21, 0.19], [0.95, 0.99, 0.97]], UNCLEAR),  # within, but its interval is not
        ([[0.2, 0.21, 0.19], [1.2, 0.9, 1.1]], UNCLEAR),
        ([[0.2, 0.21, 0.19], [1.4, 1.41, 1.39]], FAILS),
        ([[-0.31, -0.3, -0.32]], FAILS),
        ([[1.0, 1.0]], HOLDS),
        ([[1.01, 1.01]], FAILS),
        ([[0.5]], UNCLEAR),
    ],
)
def test_the_rule_of_bounds(values, verdict):
    judgement = judge_bounds(cases(*values), low=0.0, high=1.0)
    assert judgement.verdict == verdict, judgement


def test_the_mean_of_cases_is_taken_within_each_seed():
    judgement = judge_sign(cases([0.3, 0.1, 0.5], [0.5, 0.9, 0.4]))
    assert judgement.statistic == pytest.approx(0.45)
    error = np.std([0.4, 0.5, 0.45], ddof=1) / 3**0.5
    assert judgement.standard_error == pytest.approx(error)
    assert judgement.interval_high == pytest.approx(0.45 + 4.302653 * error)
    assert (judgement.seeds, judgement.cases) == (3, 2)
    assert judgement.evidence == "Lowest of 2: case 0: +0.3000 (-0.1968 to +0.7968)."


UNTRAINED = {
    "learning_curves": pl.col("epoch") == 0,
    "pattern_evolution": pl.col("step") == 0,
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_claimed_of_trained_networks_is_not_judged_by_untrained_ones(name):
    """As a study of no epochs gives them: no epoch is kept, curves end before the first step, nothing is called trained."""
    untrained = {}
    for table, frame in MADE[name](1, 0.002).items():
        left = frame.filter(UNTRAINED[table]) if table in UNTRAINED else frame
        left = left.filter(pl.col("state") == "initial") if "state" in left.columns else left
        untrained[table] = (
            left.with_columns(best_epoch=pl.lit(None, pl.Int32)) if "best_epoch" in left.columns else left
        )
    judgement = judged(name, untrained)
    of_untrained = {
        "untrained_medians_coincide",
        "untrained_deep_sigmoid_is_all_or_nothing",
        "untrained_relu_is_half_off",
    }
    assert (judgement.verdict == NOT_RUN) == (name not in of_untrained), judgement


@pytest.mark.parametrize("name", [name for name in MADE if not BY_NAME[name][0].of_any_data])
def test_a_work_judges_no_data_that_it_does_not_speak_of(name):
    others = {table: frame.with_columns(dataset=pl.lit("letters")) for table, frame in MADE[name](1, 0.002).items()}
    judgement = judged(name, others)
    assert judgement.verdict == NOT_RUN and "not of letters" in judgement.evidence


@pytest.mark.parametrize("name", MADE)
def test_a_work_judges_no_networks_that_it_does_not_speak_of(name):
    """Channels of convolutions are no nodes of fully connected layers, and the other way round."""
    _, work = BY_NAME[name]
    other = "torchvision_resnet" if work.families == ("mlp",) else "mlp"
    others = {table: frame.with_columns(model=pl.lit(other)) for table, frame in MADE[name](1, 0.002).items()}
    judgement = judged(name, others)
    assert judgement.verdict == NOT_RUN and "which the study does not have" in judgement.evidence


def test_claims_are_those_of_the_works_that_are_named():
    tables = MADE["relu_beats_sigmoid"](1, 0.001)
    assert set(judge_claims(tables, [WORKS["park"]])["work"]) == {"Park 2022"}
    assert judge_claims(tables, []).is_empty()


def test_a_case_names_the_networks_that_it_compares():
    judgement = judged("weights_spread_slightly", made_weights(1, 0.002))
    assert re.search(r"relu 4x200 without BN cnn kaiming_\w+ layer \d: ", judgement.evidence), judgement.evidence
    fully_connected = judged("deeper_nets_have_more_dead_nodes", MADE["deeper_nets_have_more_dead_nodes"](1, 0.002))
    assert re.search(r": relu width 200 with(out)? BN: |: sigmoid width 200 with(out)? BN: ", fully_connected.evidence)
